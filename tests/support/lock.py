"""What a uv.lock or a poetry.lock says of each package."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from pathlib import Path

# tomli comes with pytest on Python 3.10.
tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


@dataclass(frozen=True)
class Locked:
    """A version of a package: where it comes from, which files it has, and for which environments it is.

    ``source`` is "" for Poetry's default, ``markers`` are empty where there is one version for all, and ``requires``
    are the names of what it depends on.
    """

    name: str
    version: str
    source: str
    files: tuple[str, ...]
    markers: tuple[str, ...]
    requires: tuple[str, ...]

    def serves(self, *tags: str) -> bool:
        """Whether some file is for a platform, told by a part of its platform tag."""
        return any(tag in file.rsplit("-", 1)[1] for file in self.files for tag in tags)


def read_lock(project: Path, name: str = "uv.lock") -> dict[str, list[Locked]]:
    """The packages of a lock by name, each with all its versions; a name that is not there has none."""
    data = tomllib.loads((project / name).read_text("utf-8"))
    found: dict[str, list[Locked]] = defaultdict(list)
    for package in data.get("package", []):
        source = package.get("source", {})
        artifacts = [*package.get("wheels", []), *package.get("files", [])]
        if "sdist" in package:
            artifacts.append(package["sdist"])
        names = [entry.get("file") or entry.get("url") or entry.get("path") or "" for entry in artifacts]
        dependencies = package.get("dependencies", [])
        found[package["name"]].append(
            Locked(
                package["name"],
                package["version"],
                source.get("registry") or source.get("url") or "",
                tuple(unquote(entry.rsplit("/", 1)[-1]) for entry in names),
                tuple(package.get("resolution-markers", ())),
                tuple(entry["name"] if isinstance(entry, dict) else entry for entry in dependencies),
            )
        )
    return found
