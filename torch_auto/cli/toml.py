"""TOML for reading, with what this Python has: tomllib, or tomli, or the extra's tomlkit."""

from __future__ import annotations

import importlib
from typing import Any, Dict, List

#: In this order: the standard library's (Python 3.11 and newer), the same from PyPI, and that of the extra ``cli``.
_READERS = ("tomllib", "tomli", "tomlkit")


class NoTomlReaderError(Exception):
    """Python is older than 3.11, and nothing that reads TOML is installed."""

    def __str__(self) -> str:
        return "this Python reads no TOML; install torch-auto[cli]"


class NotTomlError(ValueError):
    """A file that should be TOML is not; ``path`` and ``reason`` say which and where."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} is not TOML: {reason}")
        self.path = path
        self.reason = reason


def load(path: str) -> Dict[str, Any]:
    """The content of a TOML file.

    Raises:
        OSError: it cannot be read.
        NotTomlError: it is not TOML, or not UTF-8.
        NoTomlReaderError: this Python has nothing to read it with.
    """
    with open(path, "rb") as file:
        data = file.read()
    for name in _READERS:
        try:
            reader = importlib.import_module(name)
        except ImportError:
            continue
        try:
            found: Dict[str, Any] = reader.loads(data.decode("utf-8-sig"))
        except ValueError as error:  # all three derive theirs from it, and so does UnicodeDecodeError
            raise NotTomlError(path, str(error)) from error
        else:
            return found
    raise NoTomlReaderError


def table(value: object, *keys: str) -> Dict[str, Any]:
    """The table at a path of keys, or an empty one where there is none or something else is there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: object) -> List[Any]:
    """The items of an array, or of none where something else is there."""
    return list(value) if isinstance(value, list) else []
