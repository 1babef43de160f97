"""Where an addition or a change could stand in a TOML text: whole new texts, what a person would write first.

The text is searched with plain patterns, without its comments and its strings over several lines, so few things can
mislead them; :mod:`.document` checks what the new text says.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from torch_auto.cli.project.toml.spelling import (
    dotted,
    key,
    key_pattern,
    line_end,
    nested,
    one_line,
    value_pattern,
    without_prose,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_auto.cli.project.toml.spelling import Path

#: A line that is a header for certain, but for texts over several lines.
_HEADER = re.compile(r"^[ \t]*\[\[?[\w.\-\"' \t]+\]\]?[ \t]*(?:#[^\n]*)?\r?$", re.MULTILINE)
_BRACKET = re.compile(r"^[ \t]*\[", re.MULTILINE)

#: As many lines that start with a bracket are taken for the next header, where the likely one is not it.
_MOST_HEADERS = 8

#: As many places of one kind are tried before one of another kind.
_MOST_OF_A_KIND = 4


# --- a new key -----------------------------------------------------------------------------------------------------


def new_key(text: str, path: Path, value: str, section: int, *, last: bool) -> Iterator[str]:
    """The text with one more key; ``value`` is TOML. A header of ``path[:section]`` is added where there is none."""
    for depth in range(len(path) - 1, section - 1, -1):
        table, rest = path[:depth], nested(path[depth + 1 :], value)
        pair = f"{key(path[depth])} = {rest}"
        if not table:
            yield from _at_top(text, pair)
            return
        kinds = [(_before_next_header if last else _after_header)(text, table, pair)]
        for start in range(len(table)):
            kinds.append(_in_inline_table(text, table[start:], pair))
            kinds.append(_beside_dotted(text, table[start:], f"{dotted(table[start:])}.{pair}"))
        for places in kinds:
            yield from islice(places, _MOST_OF_A_KIND)
    for depth in range(section, len(path)):  # a deeper one where the tables between are headers of their own
        line = f"{key(path[depth])} = {nested(path[depth + 1 :], value)}"
        yield at_end(text, f"[{dotted(path[:depth])}]", [line])


def _after_header(text: str, path: Path, line: str) -> Iterator[str]:
    """``line`` as the first of a table's own."""
    for match in re.finditer(rf"(?m)^[ \t]*\[[ \t]*{key_pattern(path)}[ \t]*\][^\n]*(\n|\Z)", without_prose(text)):
        end = match.end()
        start = "" if match.group(1) else line_end(text)
        yield text[:end] + start + line + (line_end(text) if match.group(1) else "") + text[end:]


def _before_next_header(text: str, path: Path, line: str) -> Iterator[str]:
    """``line`` as the last of a table's own: below the last line before the next header that is more than a comment."""
    for match in re.finditer(rf"(?m)^[ \t]*\[[ \t]*{key_pattern(path)}[ \t]*\]", without_prose(text)):
        for header in _next_headers(text, match.end()):
            end = _end_of_content(text, header)
            start = "" if text[:end].endswith("\n") else line_end(text)
            yield text[:end] + start + line + line_end(text) + text[end:]


def _next_headers(text: str, start: int) -> Iterator[int]:
    """Where the next header may start, the likely place first; the end of the text where there is none."""
    plain = without_prose(text)
    likely = _HEADER.search(plain, start)
    first = likely.start() if likely is not None else len(text)
    yield first
    for number, match in enumerate(_BRACKET.finditer(plain, start)):
        if number == _MOST_HEADERS:
            break
        if match.start() != first:
            yield match.start()
    if first != len(text):
        yield len(text)


def _end_of_content(text: str, end: int) -> int:
    """The end of the last line before a place that is more than a comment."""
    while end:
        start = text.rfind("\n", 0, end - 1) + 1
        line = text[start:end].strip()
        if line and not line.startswith("#"):
            break
        end = start
    return end


def _in_inline_table(text: str, path: Path, pair: str) -> Iterator[str]:
    for match in re.finditer(rf"(?<![\w-]){key_pattern(path)}[ \t]*=[ \t]*\{{", without_prose(text)):
        end = match.end()
        comma = "" if text[end:].lstrip(" \t").startswith("}") else ","
        yield f"{text[:end]} {pair}{comma}{text[end:]}"
        yield f"{text[:end]} {pair} {text[end:]}"


def _beside_dotted(text: str, path: Path, line: str) -> Iterator[str]:
    """``line`` before the first dotted key of the same table."""
    for match in re.finditer(rf"(?m)^([ \t]*){key_pattern(path)}[ \t]*\.", without_prose(text)):
        yield text[: match.start()] + match.group(1) + line + line_end(text) + text[match.start() :]


def _at_top(text: str, line: str) -> Iterator[str]:
    """``line`` before the first line that is neither blank nor a comment."""
    match = re.search(r"(?m)^[ \t]*[^#\s]", text)
    newline = line_end(text)
    if match is not None:
        yield text[: match.start()] + line + newline + text[match.start() :]
    yield _ended(text) + line + newline


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + line_end(text)


def at_end(text: str, header: str, lines: Sequence[str]) -> str:
    """The text with a header and lines below it at its end."""
    newline = line_end(text)
    blank = newline if text.strip() else ""
    return _ended(text) + blank + newline.join([header, *lines]) + newline


# --- a key that is there -------------------------------------------------------------------------------------------


def _pairs(text: str, path: Path, value: object) -> Iterator[re.Match[str]]:
    """Where a key and its value may stand; the group is what comes before the value."""
    for start in range(len(path) - 1, -1, -1):
        pattern = rf"(?<![\w-])({key_pattern(path[start:])}[ \t]*=[ \t]*){value_pattern(value)}"
        yield from _found(pattern, text, _below(text, path[:-1]))


def _found(pattern: str, text: str, start: int) -> Iterator[re.Match[str]]:
    """Where a pattern is found outside of comments and strings over lines: behind a place before anywhere else."""
    plain, compiled = without_prose(text), re.compile(pattern)
    for first, end in ((start, len(text)), (0, start)):
        for match in compiled.finditer(text, first, end):
            if plain[match.start()] == text[match.start()]:
                yield match


def _below(text: str, table: Path) -> int:
    """The place below a table's header, or below that of one around it; the start of the text where there is none."""
    for depth in range(len(table), 0, -1):
        pattern = rf"(?m)^[ \t]*\[\[?[ \t]*{key_pattern(table[:depth])}[ \t]*\]"
        header = re.search(pattern, without_prose(text))
        if header is not None:
            return header.end()
    return 0


def other_value(text: str, path: Path, old: object, new: str) -> Iterator[str]:
    """The text with another value for a key; ``new`` is TOML."""
    for item in _pairs(text, path, old):
        yield text[: item.end(1)] + new + text[item.end() :]


def without_key(text: str, path: Path, old: object) -> Iterator[str]:
    """The text without a key, its value and the comments among it."""
    for item in _pairs(text, path, old):
        yield from _without(text, item.start(), item.end(), comment=r"(?:#[^\n]*)?")


def _without(text: str, start: int, end: int, comment: str = "") -> Iterator[str]:
    """The text without a part of it and the comma that goes with it; whole lines where it has them for itself."""
    before, after = text[:start], text[end:]
    line = re.match(rf"[ \t]*,?[ \t]*{comment}(\r?\n|\Z)", after)
    alone, indent = _indent(text, start)
    if line is not None and alone:
        yield text[: start - len(indent)] + after[line.end() :]
    comma = re.match(r"\s*,[ \t]*", after)
    if comma is not None:
        yield before + after[comma.end() :]
    if before.rstrip().endswith(","):
        yield before.rstrip()[:-1].rstrip(" \t") + after
    yield before + after


# --- elements of arrays --------------------------------------------------------------------------------------------


def _elements(text: str, path: Path, value: object) -> Iterator[re.Match[str]]:
    """Where an element of an array may stand: below the array's key before anywhere else."""
    array = next(_arrays(text, path), None)
    yield from _found(value_pattern(value), text, array.end() if array is not None else 0)


def _arrays(text: str, path: Path) -> Iterator[re.Match[str]]:
    """Where an array may start: below the header of its table before anywhere else."""
    return _found(_array(path[-1]), text, _below(text, path[:-1]))


def _array(name: str) -> str:
    return rf"(?<![\w-]){key_pattern((name,))}[ \t]*=[ \t]*\["


def first_element(text: str, path: Path, element: str) -> Iterator[str]:
    """The text with one more element, which is TOML, as the first of an array."""
    for match in _arrays(text, path):
        end = match.end()
        inside = re.match(r"(?:[ \t]*#[^\n]*)?(\r?\n[ \t]*)", text[end:])
        if inside is not None:  # one element to a line: as the first of these lines
            at = end + inside.start(1)
            yield text[:at] + inside.group(1) + element + "," + text[at:]
            yield text[:at] + line_end(text) + "    " + element + "," + text[at:]
        comma = "" if text[end:].lstrip().startswith("]") else ", "
        yield text[:end] + element + comma + text[end:]


def other_element(text: str, path: Path, old: object, new: str) -> Iterator[str]:
    """The text with another element in place of one that is there."""
    for item in _elements(text, path, old):
        yield text[: item.start()] + new + text[item.end() :]


def without_element(text: str, path: Path, old: object) -> Iterator[str]:
    """The text without an element, and with the comments beside it."""
    for item in _elements(text, path, old):
        yield from _without(text, item.start(), item.end())


def only_element(text: str, path: Path, element: str) -> Iterator[str]:
    """The text with an element in an array that has none."""
    for item in _arrays(text, path):
        yield text[: item.end()] + one_line(element) + text[item.end() :]
        yield text[: item.end()] + one_line(element) + "," + text[item.end() :]


def element_after(text: str, path: Path, other: object, element: str) -> Iterator[str]:
    """The text with an element behind another one."""
    for item in _elements(text, path, other):
        rest = text[item.end() :]
        alone, indent = _indent(text, item.start())
        line = re.match(r"(\s*,)?([ \t]*(?:#[^\r\n]*)?)(?=(\r?\n))", rest)
        if not alone or line is None:
            yield f"{text[: item.end()]}, {one_line(element)}{rest}"
            continue
        head = text[: item.end()] + (line.group(1) or ",") + line.group(2) + line.group(3)
        yield head + _indented(element, indent, text) + ("," if line.group(1) else "") + rest[line.end() :]


def element_before(text: str, path: Path, other: object, element: str) -> Iterator[str]:
    """The text with an element before another one."""
    for item in _elements(text, path, other):
        alone, indent = _indent(text, item.start())
        if not alone:
            yield f"{text[: item.start()]}{one_line(element)}, {text[item.start() :]}"
            continue
        start = item.start() - len(indent)
        yield f"{text[:start]}{_indented(element, indent, text)},{line_end(text)}{text[start:]}"


def _indent(text: str, start: int) -> tuple[bool, str]:
    """Whether what starts there has the line for itself so far, and the indentation."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return not line.strip(" \t"), line


def _indented(element: str, indent: str, text: str) -> str:
    return indent + element.replace("\n", line_end(text) + indent)


# --- tables that go ------------------------------------------------------------------------------------------------


def is_inline_array(text: str, path: Path) -> bool:
    """Whether an array is written between brackets, and not as tables with a header each."""
    return next(_headers(text, path), None) is None and next(_arrays(text, path), None) is not None


def _headers(text: str, path: Path) -> Iterator[re.Match[str]]:
    """The headers of an array of tables, each with its line."""
    return re.finditer(rf"(?m)^[ \t]*\[\[[ \t]*{key_pattern(path)}[ \t]*\]\][^\n]*(?:\n|\Z)", without_prose(text))


def without_table(text: str, path: Path, index: int) -> Iterator[str]:
    """The text without a table of an array of tables, by its position, and the comment right above its header."""
    headers = list(_headers(text, path))
    if index < len(headers):
        yield from _without_block(text, headers[index])


def without_header(text: str, path: Path) -> Iterator[str]:
    """The text without the header of a table that is empty, or without the empty inline table."""
    for match in re.finditer(rf"(?m)^[ \t]*\[[ \t]*{key_pattern(path)}[ \t]*\][^\n]*(?:\n|\Z)", without_prose(text)):
        if _end_of_content(text, next(_next_headers(text, match.end()))) <= match.end():  # it has no keys, not even {}
            yield from _without_block(text, match)
    yield from without_key(text, path, {})
    yield text  # it had no header, and has gone with what was in it


def _without_block(text: str, header: re.Match[str]) -> Iterator[str]:
    """Without a header and what stands below it up to the next one, and the blank lines that set it apart."""
    for end in _next_headers(text, header.end()):
        before, after = text[: header.start()], text[max(header.end(), _end_of_content(text, end)) :]
        if _is_about_what_follows(before):
            before = re.sub(r"(?:[ \t]*#[^\n]*\n)+\Z", "", before)
        if after.strip():
            yield _without_blank_lines(before) + after
        else:
            yield re.sub(r"(?:(?<=\n)|\A)[ \t]*\r?\n\Z", "", before)  # one, as :func:`at_end` has written it
        yield before + after


def _without_blank_lines(before: str) -> str:
    """A text without the blank lines at its end; its last line ends as it does."""
    left = before.rstrip()
    line = re.match(r"[ \t]*\r?\n", before[len(left) :]) if left else None
    return left + (line.group() if line is not None else "")


def _is_about_what_follows(before: str) -> bool:
    """Whether comments stand right above, with a blank line above them."""
    return re.search(r"\n[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)+\Z", before) is not None
