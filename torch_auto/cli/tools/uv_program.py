"""The uv that is in PATH: how old it is, and what it can do."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.processes import Step, answer
from torch_auto.cli.programs import program

if TYPE_CHECKING:
    from collections.abc import Mapping

#: From this uv on, an index can be a page of links (format = "flat"); older ones read find-links alone.
_FLAT = (0, 6, 17)
#: From this uv on, config-settings-package has a cache entry of its own: a build without it is not served instead.
_OWN_CACHE_ENTRY = (0, 13)

#: Has uv forget what it built of torch-auto.
CLEAN = Step(("uv", "cache", "clean", "torch-auto"))


def version(variables: Mapping[str, str]) -> tuple[int, ...] | None:
    """The version of the uv in PATH, (0, 13, 9), or None where there is none that says it."""
    path = program("uv", variables)
    try:
        return _version_of(path, os.stat(path).st_mtime_ns) if path is not None else None
    except OSError:
        return None


@lru_cache(maxsize=8)
def _version_of(path: str, changed: int) -> tuple[int, ...] | None:  # noqa: ARG001  # a uv that has updated itself
    """It is asked once in a command, however many settings depend on it."""
    words = answer([path, "--version"]).split()
    try:
        return tuple(int(part) for part in words[1].split(".")[:3])
    except (ValueError, IndexError):
        return None


def takes_flat(variables: Mapping[str, str]) -> bool:
    """Whether a project names a page as a flat index; where no uv says how old it is, it is a new one."""
    return (version(variables) or _FLAT) >= _FLAT


def keeps_settings_apart(variables: Mapping[str, str]) -> bool:
    """Whether a build with a setting has a cache entry of its own, so that a project can set one."""
    return (version(variables) or _OWN_CACHE_ENTRY) >= _OWN_CACHE_ENTRY


def refuse_old(what: str, variables: Mapping[str, str], otherwise: str = ", or use --force") -> None:
    """Where the uv in PATH is too old for a setting in the project.

    Raises:
        RefusedError: it is.
    """
    found = version(variables)
    if found is not None and found < _OWN_CACHE_ENTRY:
        raise RefusedError(
            f"{what} needs uv 0.13 or newer, and this is uv {'.'.join(map(str, found))}: an older one may serve "
            f"a build without the setting from its cache. Run `uv self update`{otherwise}"
        )


def unlocked(step: Step, variables: Mapping[str, str]) -> Step:
    """``uv cache clean`` as it works below ``uv run``; any other command as it is.

    A newer uv waits there until no other uv uses the cache, and the one that runs this command never stops to. Older
    ones neither wait nor have --force. uv tells what it runs where it is itself (the variable UV).
    """
    path = program("uv", variables)
    if step != CLEAN or "UV" not in variables or path is None:
        return step
    has_force = "--force" in answer([path, "cache", "clean", "--help"])
    return Step((*step.command, "--force")) if has_force else step
