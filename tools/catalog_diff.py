"""The difference between two catalogs, one line for every record that is new, gone or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog_files import Record

#: What makes a record the one that it is; everything else about it may change.
_IDENTITY = ("project", "release", "platform", "torch_backend", "local", "cuda", "toolkit_major")

#: Not a fact about torch: every refresh writes the day.
_IGNORED = ("as_of",)


def difference(before: dict[str, Record], after: dict[str, Record]) -> list[str]:
    """The lines of the difference, in the order of the files and of their records."""
    lines: list[str] = []
    for name, value in after.items():
        old = before.get(name, {})
        for key, item in value.items():
            if key not in _IGNORED:
                lines.extend(f"{sign} {name[: -len('.json')]} {text}" for sign, text in _items(key, old.get(key), item))
    return lines


def _items(key: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    if isinstance(new, dict):
        yield from _records(
            {name: {key: text} for name, text in (old or {}).items()}, {k: {key: v} for k, v in new.items()}
        )
    elif isinstance(new, list) and all(isinstance(record, dict) for record in new):
        yield from _records(_by_identity(key, old or []), _by_identity(key, new))
    elif old != new:
        yield "~", f"{key}: {_text(old)} -> {_text(new)}"


def _by_identity(key: str, records: list[Record]) -> dict[str, Record]:
    return {
        " ".join([key, *(_text(record[part]) for part in _IDENTITY if part in record)]): {
            name: value for name, value in record.items() if name not in _IDENTITY
        }
        for record in records
    }


def _records(old: dict[str, Record], new: dict[str, Record]) -> Iterator[tuple[str, str]]:
    for name in old:
        if name not in new:
            yield "-", name
    for name, record in new.items():
        if name not in old:
            yield "+", f"{name}: " + ", ".join(f"{key} {_text(value)}" for key, value in record.items())
        elif old[name] != record:
            changes = [
                f"{key} {_text(old[name].get(key))} -> {_text(record.get(key))}"
                for key in dict.fromkeys([*old[name], *record])
                if old[name].get(key) != record.get(key)
            ]
            yield "~", f"{name}: " + ", ".join(changes)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return " ".join(map(_text, value)) or "none"
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
    return str(value)
