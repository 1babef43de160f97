"""Where a program is, by its full path: no folder that somebody else may write in decides what is started."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def program(name: str, variables: Mapping[str, str]) -> str | None:
    """The absolute path of a program. uv says where it is itself to what it runs (the variable UV)."""
    if os.path.isabs(name):
        return name
    if name == "uv" and os.path.isabs(variables.get("UV", "")):
        return variables["UV"]
    return in_path(name, variables.get("PATH", os.environ.get("PATH", os.defpath)))


def in_path(name: str, path: str) -> str | None:
    """The absolute path of a program in a search path; None where there is none.

    Folders that are relative or empty mean the current one, whoever's it is. Windows looks there before all others, and
    so does :func:`shutil.which`.
    """
    endings = os.environ.get("PATHEXT", ".EXE;.BAT;.CMD").split(";") if os.name == "nt" else [""]
    for folder in path.split(os.pathsep):
        if os.path.isabs(folder):
            for ending in endings:
                found = os.path.join(folder, name + ending)
                if os.path.isfile(found) and os.access(found, os.X_OK):
                    return found
    return None
