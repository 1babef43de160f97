"""Where uv takes packages from: its variables, the project's settings, the user's and the system's.

The order is that of uv 0.13.9: ``index`` before ``extra-index-url``, each from the variables, the project, the user and
the system; then what stands in the place of PyPI. ``tool.uv.pip`` is for `uv pip` alone, and comes first there.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch_auto.cli.project.toml import NotTomlError, items, load, table
from torch_auto.cli.tools.places import ASIDE, DEFAULT, INDEX, LINKS, NamedPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_auto.cli.project.project import Project

    #: A file or a table of settings: what it holds, where it is, and what its keys are called there.
    _Part = tuple[dict[str, Any], str, str]


def places(
    project: Project, variables: Mapping[str, str], *, pip: bool = False, listed: Sequence[NamedPage] = ()
) -> list[NamedPage]:
    """Every place, in the order in which uv asks.

    ``pip``: for `uv pip`, for which ``listed`` are those of requirements files; they come last of their kind.

    Raises:
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    parts = list(_parts(project, variables, pip=pip))
    links = [NamedPage(url.strip(), "UV_FIND_LINKS") for url in variables.get("UV_FIND_LINKS", "").split(",")]
    links += [page for part in parts for page in _of_key(part, "find-links", LINKS)]
    links += [page for page in listed if page.kind == LINKS]
    indexes = _of_variable(variables, "UV_INDEX", INDEX)
    indexes += [page for part in parts for page in _of_tables(part)]
    indexes += _of_variable(variables, "UV_EXTRA_INDEX_URL", INDEX)
    indexes += [page for part in parts for page in _of_key(part, "extra-index-url", INDEX)]
    indexes += [page for page in listed if page.kind == INDEX]
    instead = [page for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL") for page in _of_variable(variables, name, DEFAULT)]
    instead += [page for page in indexes if page.kind == DEFAULT]
    instead += [page for part in parts for page in _of_key(part, "index-url", DEFAULT)]
    instead += [page for page in listed if page.kind == DEFAULT]
    aside = [replace(page, kind=ASIDE) for page in instead[1:]]
    return [*links, *(page for page in indexes if page.kind != DEFAULT), *instead[:1], *aside]


def in_order(project: Project, variables: Mapping[str, str], *, pip: bool = False) -> bool:
    """Whether uv takes a package from the first index that lists it, which is what it does unless it is told otherwise.

    Raises:
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    asked = [variables.get("UV_INDEX_STRATEGY")]
    asked += [settings.get("index-strategy") for settings, _, _ in _parts(project, variables, pip=pip)]
    return next(filter(None, asked), "first-index") != "unsafe-best-match"


def _parts(project: Project, variables: Mapping[str, str], *, pip: bool) -> Iterator[_Part]:
    for settings, path in _files(project, variables):
        prefix = "" if os.path.basename(path) != "pyproject.toml" else "tool.uv."
        if pip:
            yield table(settings, "pip"), path, f"{prefix}pip."
        yield settings, path, prefix


def _files(project: Project, variables: Mapping[str, str]) -> Iterator[tuple[dict[str, Any], str]]:
    """docs.astral.sh/uv/concepts/configuration-files; UV_CONFIG_FILE stands in the place of all others."""
    if variables.get("UV_NO_CONFIG"):
        return
    named = variables.get("UV_CONFIG_FILE")
    if not named:
        path, settings = project.uv_settings()
        yield settings, path
    for path in (named,) if named else _of_the_user(variables):
        try:
            yield load(path), path
        except (OSError, NotTomlError):
            continue  # there is none, or none that uv itself would take


def _of_the_user(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The files of the user and of the system."""
    if sys.platform == "win32":
        folders = [variables.get("APPDATA", ""), variables.get("PROGRAMDATA", "")]
    else:
        home = variables.get("HOME", "")
        folders = [variables.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")]
        folders += [*variables.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"), "/etc"]
    return tuple(os.path.join(folder, "uv", "uv.toml") for folder in folders if folder)


def _of_variable(variables: Mapping[str, str], name: str, kind: str) -> list[NamedPage]:
    """The URLs of a variable, each of which may have a name before it."""
    return [NamedPage(word.rpartition("=")[2], name, kind) for word in variables.get(name, "").split()]


def _of_key(part: _Part, key: str, kind: str) -> Iterator[NamedPage]:
    settings, path, prefix = part
    value = settings.get(key)
    for url in [value] if isinstance(value, str) else items(value):
        yield NamedPage(str(url), path, kind, prefix + key)


def _of_tables(part: _Part) -> Iterator[NamedPage]:
    settings, path, prefix = part
    for entry in map(table, items(settings.get("index"))):
        kind = DEFAULT if entry.get("default") is True else INDEX
        if entry.get("explicit") is True:
            kind = ASIDE
        if entry.get("format") == "flat":
            kind = LINKS
        yield NamedPage(str(entry.get("url", "")), path, kind, f"{prefix}index")
