"""Changes of a TOML file that leave every other byte of it as it was.

A change is made at each place where it could stand (:mod:`.places`), the likely one first, and counts where the new
text parses to exactly the content that is wanted. So the file can be written in any way: what cannot be changed
safely is refused.

Parsing is what takes time. So all changes of a file are made at their first place, and the outcome is parsed once;
only where that is not what is wanted, each change is checked for itself.
"""

from __future__ import annotations

import copy
import difflib
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from torch_auto.cli.project.toml import parse, places, table
from torch_auto.cli.project.toml.spelling import dotted, element, inline, key, line_end, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch_auto.cli.project.toml.spelling import Path

    #: Keys of tables and, at its end, the index of an array.
    Place = tuple[str | int, ...]


#: Characters of a text that is changed: each place is tried by parsing all of it.
_LARGEST = 1 << 21

#: Places that are tried for one change. Where the likely ones are wrong, a file is written in a way that nobody knows.
_MOST_PLACES = 32


class NoPlaceError(ValueError):
    """No place was found for a change: the file is written in a way that this module does not know."""


def content_of(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    Raises:
        NoPlaceError: it is not TOML.
    """
    if len(text) > _LARGEST:
        raise NoPlaceError(f"it is longer than {_LARGEST} characters")
    try:
        return parse(text)
    except ValueError as error:
        raise NoPlaceError(f"it is not TOML: {error}") from error


def edited(text: str, edit: Callable[[Document], object]) -> str:
    """The text with all changes that ``edit`` makes of a document; it may be called twice.

    Raises:
        NoPlaceError: one of them has no place.
    """
    content = content_of(text)
    quick = Document(text, content, checked=False)
    try:
        edit(quick)
    except NoPlaceError:
        pass  # at the first places, that is
    else:
        if quick.text == text or _says(quick.text, quick.content):
            return quick.text
    careful = Document(text, content, checked=True)
    edit(careful)
    return careful.text


def _says(text: str, content: dict[str, Any]) -> bool:
    try:
        return bool(_comparable(parse(text)) == _comparable(content))
    except ValueError:
        return False


def _comparable(data: Any) -> Any:
    """Content that equals other content where it is spelled by the same values: nan too, and 1 is not true or 1.0.

    Empty tables are left out: whether [tool] is there by itself says nothing.
    """
    if isinstance(data, dict):
        left = {name: _comparable(value) for name, value in data.items()}
        return {name: value for name, value in left.items() if value != {}}
    if isinstance(data, list):
        return list(map(_comparable, data))
    return data if isinstance(data, str) else (type(data).__name__, repr(data))


def _has_headers(value: object) -> bool:
    """Whether a value is a table or an array of them, which may be written with headers of their own."""
    return isinstance(value, dict) or (isinstance(value, list) and all(isinstance(item, dict) for item in value))


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _keys(place: Place) -> Path:
    """The path of an array, or of the one that it is in."""
    return tuple(part for part in place if isinstance(part, str))


def _table(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """The table at a path, which is made where it is not there."""
    for part in path:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            raise NoPlaceError(f"{dotted(path)} is not a table")
    return data


class Document:
    """A TOML text and its content. Every method raises NoPlaceError where it finds no place for its change."""

    def __init__(self, text: str, content: dict[str, Any], *, checked: bool) -> None:
        self.text = text
        self.content = content
        self._checked = checked

    def _take(self, candidates: Iterator[str], change: Callable[[dict[str, Any]], None], fault: str) -> None:
        """Go over to the first text with the content changed; ``change`` changes it in place."""
        wanted = copy.deepcopy(self.content)
        change(wanted)
        tried = islice(candidates, _MOST_PLACES)
        found = next((text for text in tried if not self._checked or _says(text, wanted)), None)
        if found is None:
            raise NoPlaceError(fault)
        self.text, self.content = found, wanted

    # --- additions ---

    def set(self, path: Path, value: object, section: int, *, text: str | None = None, last: bool = False) -> None:
        """One more key, the first of its table or the last; ``text`` is the value as TOML, if it is not on one line.

        A header of ``path[:section]`` is added where there is none.
        """

        def change(data: dict[str, Any]) -> None:
            table = _table(data, path[:-1])
            if path[-1] in table:
                raise NoPlaceError(f"{dotted(path)} is set already")
            table[path[-1]] = value

        written = (inline(value) if text is None else text).replace("\n", line_end(self.text))
        candidates = places.new_key(self.text, path, written, section, last=last)
        self._take(candidates, change, f"there is no place for {dotted(path)}")

    def add_to_array(self, path: Path, value: object, section: int) -> None:
        """One more element, as the first, in an array, which is made where it is not there."""
        there = _table(copy.deepcopy(self.content), path[:-1]).get(path[-1])
        if there is None:
            self.set(path, [value], section)
            return
        if not isinstance(there, list):
            raise NoPlaceError(f"{dotted(path)} is not an array")
        candidates = places.first_element(self.text, path, inline(value))
        self._take(candidates, lambda data: _at(data, path).insert(0, value), f"there is no place in {dotted(path)}")

    def add_table(self, path: Path, pairs: Sequence[tuple[str, str]]) -> None:
        """One more table in an array of tables, at the end of the text."""

        def change(data: dict[str, Any]) -> None:
            entries = _table(data, path[:-1]).setdefault(path[-1], [])
            if not isinstance(entries, list):
                raise NoPlaceError(f"{dotted(path)} is not an array of tables")
            entries.append(dict(pairs))

        own = [f"{key(name)} = {string(value)}" for name, value in pairs]
        header = f"[[{dotted(path)}]]"
        self._take(iter([places.at_end(self.text, header, own)]), change, f"there is no place for {header}")

    def add_to_list(self, path: Path, pairs: Sequence[tuple[str, str]], section: int) -> None:
        """One more table in an array of tables: with a header of its own, or inline where the others are.

        `uv add --index` refuses an array that is written inline. ``section`` is as for :meth:`set`.
        """
        there = _table(copy.deepcopy(self.content), path[:-1]).get(path[-1])
        if there and not self._checked and places.is_inline_array(self.text, path):
            self.change_array(path, [*there, dict(pairs)])
            return
        try:
            self.add_table(path, pairs)
        except NoPlaceError:
            if there is None:
                self.set(path, [dict(pairs)], section)
            else:
                self.change_array(path, [*there, dict(pairs)])

    # --- changes of what is there ---

    def _change(self, place: Place, candidates: Iterator[str], change: Callable[[Any], None]) -> None:
        """``change`` is made to the container at a place."""
        fault = f"{'.'.join(map(str, place))} is written in a form that torch-auto cannot edit"
        self._take(candidates, lambda data: change(_at(data, place)), fault)

    def replace(self, path: Path, value: object, *, text: str | None = None) -> None:
        """Another value for a key that is there; ``text`` is the value as TOML, if it is not on one line."""
        written = (inline(value) if text is None else text).replace("\n", line_end(self.text))
        candidates = places.other_value(self.text, path, _at(self.content, path), written)
        self._change(path[:-1], candidates, lambda table: table.__setitem__(path[-1], value))

    def remove(self, path: Path) -> None:
        """Take away a key, its value and the comments among it."""
        candidates = places.without_key(self.text, path, _at(self.content, path))
        self._change(path[:-1], candidates, lambda table: table.__delitem__(path[-1]))

    def remove_from_list(self, path: Path, index: int) -> None:
        """Take a table away from an array that may be written as tables or inline, and the array with the last one."""
        there = _at(self.content, path)
        if places.is_inline_array(self.text, path):
            self._remove_inline(path, [item for number, item in enumerate(there) if number != index])
            return

        def change(table: dict[str, Any]) -> None:
            del table[path[-1]][index]
            if not table[path[-1]]:
                del table[path[-1]]

        self._change(path[:-1], places.without_table(self.text, path, index), change)

    def _remove_inline(self, path: Path, left: Sequence[object]) -> None:
        if left:
            self.change_array(path, left)
        else:
            self.remove(path)

    def remove_elements(self, path: Path, unwanted: Callable[[Any], bool]) -> None:
        """Take elements away from an array of plain values, and the array's key where nothing is left."""
        there = _at(self.content, path)
        left = [item for item in there if not unwanted(item)]
        if len(left) != len(there):
            self._remove_inline(path, left)

    def remove_empty(self, path: Path) -> None:
        """Take away the header of a table that has no values of its own any more, and what is then empty above it."""
        there = _table(copy.deepcopy(self.content), path[:-1]).get(path[-1], {})
        if not isinstance(there, dict) or not all(map(_has_headers, there.values())):
            return

        def change(data: dict[str, Any]) -> None:
            for depth in range(len(path), 0, -1):
                parent = table(data, *path[: depth - 1])
                if parent.get(path[depth - 1]):
                    return
                parent.pop(path[depth - 1], None)

        self._take(places.without_header(self.text, path), change, f"{dotted(path)} cannot be taken away")

    def change_array(self, place: Place, wanted: Sequence[object]) -> None:
        """Have these elements in an array that is there; what stays is not touched, nor comments beside what goes."""
        old = _at(self.content, place)
        if not isinstance(old, list):
            raise NoPlaceError(f"{'.'.join(map(str, place))} is not an array")
        before, after = ([json.dumps(item, sort_keys=True, default=str) for item in array] for array in (old, wanted))
        steps = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
        for tag, start, end, first_new, end_new in reversed(steps):
            if tag == "equal":
                continue
            both = min(end - start, end_new - first_new)
            for index in reversed(range(start + both, end)):
                self._delete(place, index)
            for value in reversed(wanted[first_new + both : end_new]):
                self._insert(place, start + both, value)
            for step in range(both):
                self._replace(place, start + step, wanted[first_new + step])

    def _delete(self, place: Place, index: int) -> None:
        candidates = places.without_element(self.text, _keys(place), _at(self.content, place)[index])
        self._change(place, candidates, lambda array: array.__delitem__(index))

    def _replace(self, place: Place, index: int, value: object) -> None:
        old = _at(self.content, place)[index]
        candidates = places.other_element(self.text, _keys(place), old, element(value))
        self._change(place, candidates, lambda array: array.__setitem__(index, value))

    def _insert(self, place: Place, index: int, value: object) -> None:
        array, path, new = _at(self.content, place), _keys(place), element(value)
        if not array:
            candidates = places.only_element(self.text, path, new)
        elif index:
            candidates = places.element_after(self.text, path, array[index - 1], new)
        else:
            candidates = places.element_before(self.text, path, array[0], new)
        self._change(place, candidates, lambda array: array.insert(index, value))
