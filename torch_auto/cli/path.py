"""Where a program is. It is apart from what starts programs, which takes longer to load."""

from __future__ import annotations

import os


def in_path(name: str, path: str | None) -> str | None:
    """The absolute path of a program in a search path, by default this process's; None where there is none.

    Folders that are relative or empty mean the current one, whoever's it is. Windows looks there before all others, and
    so does :func:`shutil.which`.
    """
    folders = os.environ.get("PATH", os.defpath) if path is None else path
    endings = os.environ.get("PATHEXT", ".EXE;.BAT;.CMD").split(";") if os.name == "nt" else [""]
    for folder in folders.split(os.pathsep):
        if os.path.isabs(folder):
            for ending in endings:
                found = os.path.join(folder, name + ending)
                if os.path.isfile(found) and os.access(found, os.X_OK):
                    return found
    return None
