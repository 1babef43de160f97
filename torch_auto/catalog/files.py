"""The catalog's files: JSON, one record per line, each with its source."""

from __future__ import annotations

import json
import os
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


class CatalogError(ValueError):
    """The catalog's files are damaged: the message names the file and the record."""


@lru_cache(maxsize=None)
def read(directory: str, name: str) -> dict[str, Any]:
    """The content of a file, which is read once.

    Raises:
        CatalogError: it is missing, damaged, or not of version 1.
    """
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise CatalogError(f"the catalog's file {name} cannot be read: {error}") from error
    if not isinstance(value, dict) or value.get("version") != 1:
        raise CatalogError(f"the catalog's file {name} is not of version 1")
    return value
