"""The environment that this command runs in: whether a tool made it for the command alone, and how to update it."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from torch_auto.cli.programs import program

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A file that says which tool made an environment for one command alone, and what updates the command there.
_RECEIPTS = {
    "uv-receipt.toml": "uv tool upgrade torch-auto-core",
    "pipx_metadata.json": "pipx upgrade torch-auto-core",
}
#: The same where uvx made it, and from anywhere else.
_NEWEST = "uvx torch-auto-core@latest check"


def is_tools_own(prefix: str) -> bool:
    """Whether an environment is one that uvx, `uv tool` or pipx made for this command alone."""
    return _receipt(prefix) is not None or _is_in_a_cache(prefix)


def updating(prefix: str) -> str:
    """What to type for a newer command than the one in an environment, which no project manages."""
    receipt = _receipt(prefix)
    return _RECEIPTS[receipt] if receipt is not None else _NEWEST


def _receipt(prefix: str) -> str | None:
    return next((name for name in _RECEIPTS if os.path.isfile(os.path.join(prefix, name))), None)


def _is_in_a_cache(prefix: str) -> bool:
    folder = os.path.dirname(os.path.realpath(prefix))
    for _ in range(3):  # uvx: below a folder or two of uv's cache
        if os.path.isfile(os.path.join(folder, "CACHEDIR.TAG")):
            return True
        folder = os.path.dirname(folder)
    return False


def typed(variables: Mapping[str, str]) -> str:
    """What to type for this command, as it was started: below `uv run`, by uvx or pipx, from PATH, or by its Python."""
    prefix = os.path.realpath(sys.prefix)
    found = program("torch-auto", variables)
    if _is_in_a_cache(prefix):
        return "pipx run torch-auto-core" if "pipx" in prefix.split(os.sep) else "uvx torch-auto-core"
    if found is not None and os.path.realpath(found).startswith(prefix + os.sep):
        return "uv run torch-auto" if variables.get("UV_RUN_RECURSION_DEPTH") else "torch-auto"
    if _receipt(prefix) == "pipx_metadata.json":  # `pipx run`: what it keeps is not in PATH
        return "pipx run torch-auto-core"
    if os.path.basename(sys.argv[0]).startswith("torch-auto"):  # its script, by a path
        return shlex.quote(_short(os.path.abspath(sys.argv[0])))
    return f"{shlex.quote(_short(sys.executable))} -m torch_auto"


def below_here(path: str) -> str:
    """A path below the folder that the user stands in as it is from there."""
    here = os.getcwd() + os.sep
    return path[len(here) :] if path.startswith(here) else path


def _short(path: str) -> str:
    """The same for a program: one word without a folder would be looked for in PATH."""
    short = below_here(path)
    return short if os.sep in short else path
