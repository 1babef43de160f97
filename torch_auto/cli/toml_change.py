"""Changes of what a TOML file holds already, each as small as it can be, with every other byte as it was.

Done as in :mod:`torch_auto.cli.toml_insert`: a change is tried wherever the old text could stand, and counts where the
text that comes of it parses to the content that is wanted.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, Callable, Iterator, List, Sequence, Tuple, Union

from torch_auto.cli.toml_insert import NoPlaceError, content, first, key_pattern, line_end, string

#: Keys of tables and, at its end, indexes of arrays.
Place = Tuple[Union[str, int], ...]

_SPACE = r"(?:\s|#[^\n]*\n)*"  # between the elements of an array


def _spelling(value: object) -> str:
    """A pattern of a value as people write it: over lines or not, with comments, in either kind of quotes."""
    if isinstance(value, str):
        return f"(?:{re.escape(string(value))}|{re.escape(_literal(value))})"
    if isinstance(value, list):
        inner = rf"{_SPACE},{_SPACE}".join(map(_spelling, value))
        return rf"\[{_SPACE}{inner}{_SPACE},?{_SPACE}\]"
    if isinstance(value, dict):
        inner = r"[ \t]*,[ \t]*".join(
            rf"{key_pattern((key,))}[ \t]*=[ \t]*{_spelling(it)}" for key, it in value.items()
        )
        return rf"\{{[ \t]*{inner}[ \t]*\}}"
    return re.escape(json.dumps(value))


def _literal(value: str) -> str:
    """A TOML literal string."""
    return f"'{value}'"


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _changed(text: str, place: Place, candidates: Iterator[str], change: Callable[[Any], None]) -> str:
    """The candidate where ``change`` was done to the container at a place."""
    found = first(candidates, content(text), lambda data: change(_at(data, place)))
    if found is None:
        raise NoPlaceError(f"{_dotted(place)} is written in a way that torch-auto cannot change")
    return found


# --- keys --------------------------------------------------------------------------------------------------------


def _pairs(text: str, place: Place) -> Iterator[re.Match[str]]:
    """Where a key and its value may stand; the group is what comes before the value."""
    value = _spelling(_at(content(text), place))
    keys = tuple(map(str, place))
    for start in range(len(keys) - 1, -1, -1):
        yield from re.finditer(rf"(?<![\w-])({key_pattern(keys[start:])}[ \t]*=[ \t]*){value}", text)


def replace_value(text: str, place: Place, value: str) -> str:
    """The text with another value for a key that is there; ``value`` is TOML.

    Raises:
        NoPlaceError: it is written in a way that this module does not know.
    """
    value = value.replace("\n", line_end(text))
    plain = content(f"x = {value}")["x"]
    candidates = (text[: item.end(1)] + value + text[item.end() :] for item in _pairs(text, place))
    return _changed(text, place[:-1], candidates, lambda table: table.__setitem__(place[-1], plain))


def remove_key(text: str, place: Place) -> str:
    """The text without a key, its value and the comments among it.

    Raises:
        NoPlaceError: it is written in a way that this module does not know.
    """

    def candidates() -> Iterator[str]:
        for item in _pairs(text, place):
            yield from _without(text, item.start(), item.end(), comment=r"(?:#[^\n]*)?")

    return _changed(text, place[:-1], candidates(), lambda table: table.__delitem__(place[-1]))


# --- elements of arrays -------------------------------------------------------------------------------------------


def change_array(text: str, place: Place, wanted: Sequence[str]) -> str:
    """The text with these elements, each of which is TOML, in an array that is there.

    What stays is not touched, nor are comments beside what goes.

    Raises:
        NoPlaceError: it is no array, or written in a way that this module does not know.
    """
    old = _at(content(text), place)
    if not isinstance(old, list):
        raise NoPlaceError(f"{_dotted(place)} is no array")
    before, after = (
        [json.dumps(item, sort_keys=True, default=str) for item in array] for array in (old, _plain(wanted))
    )
    steps = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    for tag, start, end, first_new, end_new in reversed(steps):
        if tag == "equal":
            continue
        both = min(end - start, end_new - first_new)
        for index in reversed(range(start + both, end)):
            text = _delete(text, place, index)
        for element in reversed(wanted[first_new + both : end_new]):
            text = _insert(text, place, start + both, element)
        for step in range(both):
            text = _replace(text, place, start + step, wanted[first_new + step])
    return text


def _plain(elements: Sequence[str]) -> List[Any]:
    return [_value(element) for element in elements]


def _value(element: str) -> Any:
    return content(f"x = {element}")["x"]


def _places(text: str, place: Place, index: int) -> Iterator[re.Match[str]]:
    return re.finditer(_spelling(_at(content(text), place)[index]), text)


def _replace(text: str, place: Place, index: int, element: str) -> str:
    candidates = (text[: item.start()] + element + text[item.end() :] for item in _places(text, place, index))
    return _changed(text, place, candidates, lambda array: array.__setitem__(index, _value(element)))


def _delete(text: str, place: Place, index: int) -> str:
    def candidates() -> Iterator[str]:
        for item in _places(text, place, index):
            yield from _without(text, item.start(), item.end())

    return _changed(text, place, candidates(), lambda array: array.__delitem__(index))


def _without(text: str, start: int, end: int, comment: str = "") -> Iterator[str]:
    """The text without a part of it and the comma that goes with it; whole lines where it has them for itself."""
    before, after = text[:start], text[end:]
    line = re.match(rf"[ \t]*,?[ \t]*{comment}(\r?\n|\Z)", after)
    indent = re.search(r"(?:\n|\A)([ \t]*)\Z", before)
    if line is not None and indent is not None:
        yield before[: indent.start(1)] + after[line.end() :]
    comma = re.match(r"\s*,[ \t]*", after)
    if comma is not None:
        yield before + after[comma.end() :]
    comma = re.search(r"[ \t]*,\s*\Z", before)
    if comma is not None:
        yield before[: comma.start()] + after
    yield before + after


def _insert(text: str, place: Place, index: int, element: str) -> str:
    array = _at(content(text), place)
    if not array:
        candidates = _into_empty(text, str(place[-1]), element)
    elif index:
        candidates = (_after(text, item, element) for item in _places(text, place, index - 1))
    else:
        candidates = (_before(text, item, element) for item in _places(text, place, 0))
    return _changed(text, place, candidates, lambda array: array.insert(index, _value(element)))


def _into_empty(text: str, key: str, element: str) -> Iterator[str]:
    for item in re.finditer(rf"(?<![\w-]){key_pattern((key,))}[ \t]*=[ \t]*\[", text):
        yield text[: item.end()] + one_line(element) + text[item.end() :]
        yield text[: item.end()] + one_line(element) + "," + text[item.end() :]


def _indent(text: str, start: int) -> Tuple[bool, str]:
    """Whether what starts there has the line for itself so far, and the indentation."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return not line.strip(" \t"), line


def _after(text: str, item: re.Match[str], element: str) -> str:
    rest = text[item.end() :]
    alone, indent = _indent(text, item.start())
    line = re.match(r"(\s*,)?([ \t]*(?:#[^\r\n]*)?)(?=\r?\n)", rest)
    if not alone or line is None:
        return f"{text[: item.end()]}, {one_line(element)}{rest}"
    comma = "," if line.group(1) else ""
    return "".join(
        [
            text[: item.end()],
            line.group(1) or ",",
            line.group(2),
            line_end(text),
            _indented(element, indent, text),
            comma,
            rest[line.end() :],
        ]
    )


def _before(text: str, item: re.Match[str], element: str) -> str:
    alone, indent = _indent(text, item.start())
    if not alone:
        return f"{text[: item.start()]}{one_line(element)}, {text[item.start() :]}"
    start = item.start() - len(indent)
    return f"{text[:start]}{_indented(element, indent, text)},{line_end(text)}{text[start:]}"


def _indented(element: str, indent: str, text: str) -> str:
    return indent + element.replace("\n", line_end(text) + indent)


def inline(value: object) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {inline(item)}' for key, item in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def one_line(element: str) -> str:
    """An array that stands over lines, on one; its strings hold no line ends."""
    for pattern, plain in ((r"\[\n\s*", "["), (r",?\n\s*\]", "]"), (r"\n\s*", " ")):
        element = re.sub(pattern, plain, element)
    return element


def lines(elements: Sequence[str], indent: str = "    ") -> str:
    """An array with one element to a line; the elements may stand over lines themselves."""
    inside = "".join(indent + element.replace("\n", "\n" + indent) + ",\n" for element in elements)
    return f"[\n{inside}]"
