"""Reads and writes the catalog's files: one record per line, so that a change of one fact is a change of one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from torch_auto.catalog.torch_backends import TorchBackend, parse_or_none  # noqa: E402

__all__ = ["TorchBackend", "parse_or_none"]

#: The catalog inside the package, beside this folder.
DATA = ROOT / "torch_auto" / "catalog" / "data"

PLATFORMS = ("linux_x86_64", "linux_aarch64", "win_amd64", "win_arm64", "macos_arm64", "macos_x86_64")

Record = dict[str, Any]


def release_key(release: str) -> tuple[int, ...]:
    """A key that puts 2.9.1 before 2.10.0."""
    return tuple(int(part) for part in release.split("."))


def place_key(record: Record) -> tuple[Any, ...]:
    """The order of records: by release, then by platform, then by torch backend where the record names one."""
    key: tuple[Any, ...] = (release_key(record["release"]), PLATFORMS.index(record["platform"]))
    return (*key, TorchBackend(record["torch_backend"]).key) if "torch_backend" in record else key


def dump(value: Record) -> str:
    """The text of a catalog file: a line for every record of a list and for every entry of a table."""
    entries = []
    for key, item in value.items():
        head = f" {_json(key)}: "
        if isinstance(item, list) and item and all(isinstance(record, dict) for record in item):
            entries.append(head + "[\n" + ",\n".join(f"  {_json(record)}" for record in item) + "\n ]")
        elif isinstance(item, dict):
            lines = (f"  {_json(name)}: {_json(text)}" for name, text in item.items())
            entries.append(head + "{\n" + ",\n".join(lines) + "\n }")
        else:
            entries.append(head + _json(item))
    return "{\n" + ",\n".join(entries) + "\n}\n"


def load(directory: Path, name: str) -> Record:
    """The value of one catalog file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no JSON object.
    """
    value = json.loads((directory / name).read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no JSON object")  # noqa: TRY004  # a fault of the file, as a JSON error is
    return value


def save(directory: Path, files: dict[str, Record]) -> None:
    """Write several catalog files. All new texts are on the disk before the first takes the place of an old one.

    Raises:
        OSError: a file cannot be written.
    """
    texts = {name: dump(value) for name, value in files.items()}
    new = {name: directory / f".{name}.new" for name in texts}
    try:
        for name, text in texts.items():
            new[name].write_text(text, encoding="utf-8", newline="\n")
        for name, path in new.items():
            path.replace(directory / name)
    finally:
        for path in new.values():
            path.unlink(missing_ok=True)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
