"""Additions to a TOML file that leave every other byte of it as it was.

An addition is tried at each place where it could stand in the text, the place that a person would choose first. One
that does not parse, or says anything but the old content and the addition, is dropped. So the text is searched with
plain patterns, and a string or a comment that looks like a table cannot mislead.
"""

from __future__ import annotations

import copy
import importlib
import json
import re
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from torch_auto.cli.toml import NoTomlReaderError

Path = Tuple[str, ...]
Expected = Callable[[Dict[str, Any]], None]

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class NoPlaceError(ValueError):
    """No place was found for an addition: the file is written in a way that this module does not know."""


def parse(text: str) -> Optional[Dict[str, Any]]:
    """The content of a TOML text as plain values, or None where it is not TOML.

    Raises:
        NoTomlReaderError: this Python has nothing to read it with.
    """
    for name in ("tomllib", "tomli", "tomlkit"):
        try:
            reader = importlib.import_module(name)
        except ImportError:
            continue
        try:
            found = reader.loads(text)
            plain: Dict[str, Any] = found.unwrap() if hasattr(found, "unwrap") else found
        except ValueError:
            return None
        else:
            return plain
    raise NoTomlReaderError


def string(value: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _key(part: str) -> str:
    return part if _BARE.fullmatch(part) else string(part)


def _dotted(path: Path) -> str:
    return ".".join(map(_key, path))


def key_pattern(path: Path) -> str:
    """A pattern of a dotted key in any spelling."""
    return r"[ \t]*\.[ \t]*".join(rf"[\"']?{re.escape(part)}[\"']?" for part in path)


def _inline(path: Path, value: str) -> str:
    for part in reversed(path):
        value = f"{{ {_key(part)} = {value} }}"
    return value


def line_end(text: str) -> str:
    """How the text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def _after_header(text: str, path: Path, line: str) -> Iterator[str]:
    """``line`` as the first of a table's own."""
    for match in re.finditer(rf"(?m)^[ \t]*\[[ \t]*{key_pattern(path)}[ \t]*\][^\n]*(\n|\Z)", text):
        end = match.end()
        start = "" if match.group(1) else line_end(text)
        yield text[:end] + start + line + (line_end(text) if match.group(1) else "") + text[end:]


def _in_inline_table(text: str, path: Path, pair: str) -> Iterator[str]:
    for match in re.finditer(rf"(?<![\w-]){key_pattern(path)}[ \t]*=[ \t]*\{{", text):
        end = match.end()
        comma = "" if text[end:].lstrip(" \t").startswith("}") else ","
        yield f"{text[:end]} {pair}{comma}{text[end:]}"
        yield f"{text[:end]} {pair} {text[end:]}"


def _before_next_header(text: str, path: Path, line: str) -> Iterator[str]:
    """``line`` as the last of a table's own: below the last line before the next header that is more than a comment."""
    for match in re.finditer(rf"(?m)^[ \t]*\[[ \t]*{key_pattern(path)}[ \t]*\]", text):
        ends = [found.start() for found in re.finditer(r"(?m)^[ \t]*\[", text[match.end() :])]
        for end in (*(match.end() + end for end in ends), len(text)):
            own = list(re.finditer(r"(?m)^[ \t]*[^#\s][^\n]*(\n|\Z)", text[:end]))[-1]
            start = "" if own.group(1) else line_end(text)
            yield text[: own.end()] + start + line + line_end(text) + text[own.end() :]


def _beside_dotted(text: str, path: Path, line: str) -> Iterator[str]:
    """``line`` before the first dotted key of the same table."""
    for match in re.finditer(rf"(?m)^([ \t]*){key_pattern(path)}[ \t]*\.", text):
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


def _at_end(text: str, header: str, lines: List[str]) -> str:
    newline = line_end(text)
    blank = newline if text.strip() else ""
    return _ended(text) + blank + newline.join([header, *lines]) + newline


def _places(text: str, path: Path, value: str, section: int, *, last: bool) -> Iterator[str]:
    for depth in range(len(path) - 1, section - 1, -1):
        table, rest = path[:depth], _inline(path[depth + 1 :], value)
        pair = f"{_key(path[depth])} = {rest}"
        if not table:
            yield from _at_top(text, pair)
            return
        yield from (_before_next_header if last else _after_header)(text, table, pair)
        for start in range(len(table)):
            yield from _in_inline_table(text, table[start:], pair)
            yield from _beside_dotted(text, table[start:], f"{_dotted(table[start:])}.{pair}")
    for depth in range(section, len(path)):  # a deeper one where the tables between are headers of their own
        line = f"{_key(path[depth])} = {_inline(path[depth + 1 :], value)}"
        yield _at_end(text, f"[{_dotted(path[:depth])}]", [line])


def _in_array(text: str, key: str, element: str) -> Iterator[str]:
    for match in re.finditer(rf"(?<![\w-]){key_pattern((key,))}[ \t]*=[ \t]*\[", text):
        end = match.end()
        inside = re.match(r"(?:[ \t]*#[^\n]*)?(\r?\n[ \t]*)", text[end:])
        if inside is not None:  # one element to a line: as the first of these lines
            at = end + inside.start(1)
            yield text[:at] + inside.group(1) + element + "," + text[at:]
            bare = re.match(r"\r?\n[ \t]*", text[at:])
            indent = line_end(text) + "    "
            if bare is not None:
                yield text[:at] + indent + element + "," + text[at:]
        comma = "" if text[end:].lstrip().startswith("]") else ", "
        yield text[:end] + element + comma + text[end:]


def first(candidates: Iterator[str], before: Dict[str, Any], change: Expected) -> Optional[str]:
    """The first candidate whose content is that of before, changed; ``change`` changes it in place."""
    wanted = copy.deepcopy(before)
    change(wanted)
    return next((text for text in candidates if parse(text) == wanted), None)


def content(text: str) -> Dict[str, Any]:
    """The content of a TOML text.

    Raises:
        NoPlaceError: it is not TOML.
        NoTomlReaderError: this Python has nothing to read it with.
    """
    found = parse(text)
    if found is None:
        raise NoPlaceError("it is not TOML")
    return found


def _table(data: Dict[str, Any], path: Path) -> Dict[str, Any]:
    for part in path:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            raise NoPlaceError(f"{_dotted(path)} is no table")
    return data


def set_value(text: str, path: Path, value: str, section: int, *, last: bool = False) -> str:
    """The text with one more key, the first of its table or the last.

    ``value`` is TOML; a header of ``path[:section]`` is added where there is none.

    Raises:
        NoPlaceError: no place was found for it, or the key is there already.
        NoTomlReaderError: this Python has nothing to read TOML with.
    """
    plain = content(f"x = {value}")["x"]

    def change(data: Dict[str, Any]) -> None:
        table = _table(data, path[:-1])
        if path[-1] in table:
            raise NoPlaceError(f"{_dotted(path)} is set already")
        table[path[-1]] = plain

    value = value.replace("\n", line_end(text))
    found = first(_places(text, path, value, section, last=last), content(text), change)
    if found is None:
        raise NoPlaceError(f"there is no place for {_dotted(path)}")
    return found


def add_to_array(text: str, path: Path, element: str, section: int) -> str:
    """The text with one more element in an array, which is made where it is not there. ``element`` is TOML.

    Raises:
        NoPlaceError: no place was found for it, or what is there is no array.
        NoTomlReaderError: this Python has nothing to read TOML with.
    """
    before = content(text)
    table = _table(copy.deepcopy(before), path[:-1])
    if path[-1] not in table:
        return set_value(text, path, f"[{element}]", section)
    if not isinstance(table[path[-1]], list):
        raise NoPlaceError(f"{_dotted(path)} is no array")
    plain = content(f"x = {element}")["x"]

    def change(data: Dict[str, Any]) -> None:
        _table(data, path[:-1])[path[-1]].insert(0, plain)

    found = first(_in_array(text, path[-1], element), before, change)
    if found is None:
        raise NoPlaceError(f"there is no place in {_dotted(path)}")
    return found


def add_table(text: str, path: Path, pairs: List[Tuple[str, str]]) -> str:
    """The text with one more table in an array of tables, at its end. Values are text.

    Raises:
        NoPlaceError: the array is written in another way.
        NoTomlReaderError: this Python has nothing to read TOML with.
    """

    def change(data: Dict[str, Any]) -> None:
        entries = _table(data, path[:-1]).setdefault(path[-1], [])
        if not isinstance(entries, list):
            raise NoPlaceError(f"{_dotted(path)} is no array of tables")
        entries.append(dict(pairs))

    lines = [f"{_key(key)} = {string(value)}" for key, value in pairs]
    found = first(iter([_at_end(text, f"[[{_dotted(path)}]]", lines)]), content(text), change)
    if found is None:
        raise NoPlaceError(f"there is no place for [[{_dotted(path)}]]")
    return found
