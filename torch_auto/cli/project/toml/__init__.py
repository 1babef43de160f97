"""TOML: read here, and changed in :mod:`torch_auto.cli.project.toml.document`."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any


class NotTomlError(ValueError):
    """A file that should be TOML is not; ``path`` and ``reason`` say which and where."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be read as TOML: {reason}")
        self.path = path
        self.reason = reason


#: Tables and arrays within each other. Real files have ten at most; Python's own stack ends at some hundreds.
_DEEPEST = 100


def parse(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    Raises:
        ValueError: it is not TOML, or nested without end.
    """
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415  # `plan` and `info` read no TOML
    else:
        import tomli as tomllib  # noqa: PLC0415

    deep = f"tables and arrays are nested more than {_DEEPEST} deep"
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(deep) from error
    level: list[Any] = [content]
    for _ in range(_DEEPEST):
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
        level = [item for item in level if isinstance(item, (dict, list))]
        if not level:
            return content
    raise ValueError(deep)


def load(path: str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        OSError: it cannot be read.
        NotTomlError: it is not TOML, or not UTF-8.
    """
    from torch_auto.cli.project.encoding import of_toml  # noqa: PLC0415  # the parsers of all verbs import this module
    from torch_auto.cli.project.files import content_of  # noqa: PLC0415

    data = content_of(path)
    if data is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    try:
        return parse(of_toml(data))
    except ValueError as error:
        raise NotTomlError(path, str(error)) from error


def table(value: object, *keys: str) -> dict[str, Any]:
    """The table at a path of keys, or an empty one where there is none or something else is there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The items of an array, or of none where something else is there."""
    return list(value) if isinstance(value, list) else []
