"""``torch-auto init``: write the hint where the project's tool reads it, the same for all who share the project."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from typing import List, Mapping, NamedTuple, Optional, Tuple

from packaging.utils import canonicalize_name

from torch_auto import catalog
from torch_auto.cli import environment as environments
from torch_auto.cli import init_pip, init_toml
from torch_auto.cli import project as projects
from torch_auto.cli.files import Text
from torch_auto.cli.pages import needed_pages
from torch_auto.cli.project import PYPROJECT, Project
from torch_auto.cli.situation import requirement
from torch_auto.cli.toml import items, load, table
from torch_auto.cli.toml_insert import NoPlaceError
from torch_auto.plan import machine_for, make_plan, newest_usable
from torch_auto.settings import Settings

#: From this uv on, config-settings-package has a cache entry of its own: a build without it is not served instead.
_UV_PIN = (0, 13)

_ADD = {
    "uv": "uv add torch-auto",
    "pip": "pip install torch-auto",
    # Without a bound, Poetry settles on the newest release before it resolves, and does not go back from it.
    "poetry": 'poetry add "torch-auto>=2.0"',
    "pdm": "pdm add torch-auto",
    "pixi": "pixi add --pypi torch-auto",
}


class Wish(NamedTuple):
    """What the command line asks for. ``index_url`` is the base of the index, ``pages`` are the pages of the hint."""

    tool: Optional[str]
    exact: bool
    index_url: str
    force: bool
    pages: Tuple[str, ...]


class RefusedError(Exception):
    """The hint is not written; the message says why, and what to do."""


def uv_version(variables: Mapping[str, str]) -> Optional[Tuple[int, ...]]:
    """The version of the uv in PATH, (0, 13, 9), or None where there is none that says it."""
    program = variables.get("UV") or shutil.which("uv", path=variables.get("PATH"))
    if not program:
        return None
    try:
        done = subprocess.run(  # noqa: S603  # the user's own uv, by its full path
            [os.path.abspath(program), "--version"], capture_output=True, text=True, timeout=20, check=False
        )
        return tuple(int(part) for part in done.stdout.split()[1].split(".")[:3])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None


def refuse_old_uv(what: str, variables: Mapping[str, str]) -> None:
    """Where the uv in PATH is too old for a setting in the project.

    Raises:
        RefusedError: it is.
    """
    version = uv_version(variables)
    if version is not None and version < _UV_PIN:
        raise RefusedError(
            f"{what} needs uv 0.13 or newer, and this is uv {'.'.join(map(str, version))}: an older one may serve "
            "a build without the setting from its cache. Run `uv self update`, or use --force"
        )


def _refuse_exact(tool: str, variables: Mapping[str, str]) -> None:
    if tool != "uv":
        raise RefusedError(
            f"--pin exact has a place in uv's settings alone; for {tool}, set TORCH_AUTO_PIN=exact where it builds"
        )
    refuse_old_uv("--pin exact", variables)


def refuse_own_index(project: Project, wish: Wish) -> None:
    """Where the project takes torch from an index that it names itself, a hint would be a second opinion.

    Raises:
        RefusedError: it does.
    """
    _, settings = project.uv_settings()
    for data, origin in ((settings, "the root's"), (table(project.member, "tool", "uv"), "this project's")):
        source = table(data, "sources").get("torch")
        if source is not None:
            shown = source if isinstance(source, dict) else {"several": len(items(source))}
            where = ", ".join(f"{key} = {value}" for key, value in shown.items())
            raise RefusedError(
                f"{origin} tool.uv.sources already takes torch from elsewhere ({where}). For torch-auto to choose, "
                "remove that entry, and the dependency on torch beside it; or use --force to keep both"
            )
    for entry in items(settings.get("index")):
        url = str(table(entry).get("url", ""))
        if url.startswith(wish.index_url) and not table(entry).get("explicit"):
            raise RefusedError(
                f"the index {url} is named in tool.uv.index: uv takes all packages that it lists from there, numpy "
                "among them, years old. Remove that entry, the hint does without it; or use --force to keep both"
            )


def _target(tool: str, project: Project, variables: Mapping[str, str]) -> str:
    """The file that the hint goes into."""
    if tool == "uv":
        return project.uv_settings()[0]
    if tool == "pixi":
        return project.file("pixi.toml") or os.path.join(project.root, PYPROJECT)
    if tool != "pip":
        return os.path.join(project.root, PYPROJECT)
    path = project.file("requirements.txt")
    if path is not None:
        return path
    found = environments.find(project.root, variables)
    if environments.at(found.prefix) is None:
        raise RefusedError(
            "there is no requirements.txt here, and no virtual environment; make one of them, or use the variable: "
            "torch-auto env"
        )
    return os.path.join(found.prefix, "pip.ini" if os.name == "nt" else "pip.conf")


def _edit(tool: str, project: Project, text: Text, wish: Wish) -> None:
    pages = wish.pages
    if text.before is None and text.path.endswith(".toml"):
        raise RefusedError(f"there is no {os.path.basename(text.path)} in {project.root}; `{tool} init` makes one")
    if tool == "uv":
        init_toml.uv(project, text, pages, exact=wish.exact)
    elif tool == "poetry":
        init_toml.poetry(project, text, wish.index_url)
    elif tool == "pdm":
        init_toml.pdm(project, text, pages)
    elif tool == "pixi":
        init_toml.pixi(load(text.path), text, pages)
    elif text.path.endswith(".txt"):
        init_pip.requirements(text, pages)
    else:
        init_pip.configuration(text, pages)


def _requires_torch_auto(project: Project) -> bool:
    found = [requirement(item) for item in project.dependencies()]
    names = [canonicalize_name(item.name) for item in found if item is not None]
    poetry = table(project.pyproject, "tool", "poetry", "dependencies")
    return "torch-auto" in [*names, *map(canonicalize_name, poetry)]


def _next(tool: str, project: Project, path: str) -> str:
    if tool == "pip" and path.endswith(".txt"):
        return f"pip install -r {os.path.basename(path)}" if _names_it(path) else _ADD[tool]
    if not _requires_torch_auto(project):
        return _ADD[tool]
    return "uv run torch-auto refresh" if tool == "uv" else "torch-auto refresh"


def _names_it(path: str) -> bool:
    with open(path, encoding="utf-8", errors="replace") as file:
        found = [requirement(line.split("#", 1)[0].strip()) for line in file]
    return any(item is not None and canonicalize_name(item.name) == "torch-auto" for item in found)


def difference(text: Text) -> List[str]:
    """The lines that go and come, each with its sign."""
    before, after = (text.before or "").splitlines(), text.after.splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
    return [f"  {line[0]} {line[1:]}" for line in lines if not line.startswith("@@")]


def pages_here(chosen: Settings, extras: Tuple[str, ...] = ()) -> Tuple[str, ...]:
    """The pages that this machine needs, and every other; ``extras`` are those that are asked for."""
    known = catalog.load()
    machine = machine_for(chosen)
    newest = newest_usable(machine, chosen, known).with_hint
    best = make_plan(known.release(newest), machine, chosen, known) if newest is not None else None
    return needed_pages(chosen.index_url, best, extras)


def run(start: str, variables: Mapping[str, str], wish: Wish, *, dry_run: bool) -> int:
    """Write the hint, or show what would be written; returns the exit status.

    Raises:
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read or written.
    """
    project = projects.find(start)
    tool = wish.tool or project.tool or ("uv" if project.has_pyproject else "pip")
    try:
        if wish.exact and not wish.force:
            _refuse_exact(tool, variables)
        if tool == "uv" and not wish.force:
            refuse_own_index(project, wish)
        text = Text(_target(tool, project, variables))
        _edit(tool, project, text, wish)
    except RefusedError as error:
        print(f"torch-auto: error: {error}. Nothing was written.", file=sys.stderr)
        return 2
    except NoPlaceError as error:
        lines = "".join(f"\n  {line}" for line in _by_hand(tool, wish))
        print(f"torch-auto: error: nothing was written: {error}. Add this by hand:{lines}", file=sys.stderr)
        return 2
    if not text.changed:
        print(f"{text.path} has the hint already. Next: {_next(tool, project, text.path)}")
        return 0
    if dry_run:
        print("\n".join([f"{text.path} would change:", *difference(text)]))
        return 0
    text.write()
    print("\n".join([f"{text.path} changed:", *difference(text), f"Next: {_next(tool, project, text.path)}"]))
    return 0


def _by_hand(tool: str, wish: Wish) -> List[str]:
    pages = wish.pages
    listed = ", ".join(f'"{page}"' for page in pages)
    if tool == "uv":
        exact = ['config-settings-package = { torch-auto = { pin = "exact" } }'] if wish.exact else []
        return ["[tool.uv]", f"find-links = [{listed}]", *exact]
    if tool == "poetry":
        return ["[[tool.poetry.source]]", 'name = "pytorch"', f'url = "{wish.index_url}"', 'priority = "primary"']
    if tool == "pdm":
        lines = [line for page in pages for line in ("[[tool.pdm.source]]", 'type = "find_links"', f'url = "{page}"')]
        return ["[tool.pdm.resolution]", "respect-source-order = true", *lines]
    if tool == "pixi":
        return ["[pypi-options]", "find-links = [" + ", ".join(f'{{ url = "{page}" }}' for page in pages) + "]"]
    return [f"--find-links {page}" for page in pages]
