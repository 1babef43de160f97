"""The Pythons of this machine, by version, wherever they were installed from."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


OWN_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


@lru_cache(maxsize=None)
def find(version: str) -> Path | None:
    """The executable of Python ``version`` ("3.12"), or None where this machine has none that starts.

    It is looked for in PATH, beside the running Python (version managers and CI runners keep one folder per version)
    and where uv keeps its own. A candidate has to start and to say its version: managers' shims may do neither.
    """
    if version == OWN_VERSION:
        return own()
    for candidate in _candidates(version):
        found = _started(candidate, version)
        if found is not None:
            return found
    return None


def own() -> Path:
    """The executable of the running Python, outside of the venv that it may run in."""
    below = "python.exe" if sys.platform == "win32" else f"bin/python{OWN_VERSION}"
    outside = Path(sys.base_prefix, below)
    return outside if outside.exists() else Path(sys.executable)


def _candidates(version: str) -> Iterator[Path]:
    name = "python.exe" if sys.platform == "win32" else f"python{version}"
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    yield from (folder / name for folder in folders)
    prefix = Path(sys.base_prefix)
    below = "" if sys.platform == "win32" else "bin/"
    places = [(prefix.parent, f"*/{below}{name}"), (prefix.parent.parent, f"{version}*/*/{below}{name}")]
    places.append((Path.home() / ".local" / "share" / "uv" / "python", f"*/{below}{name}"))
    for parent, pattern in places:
        yield from sorted(parent.glob(pattern), reverse=True)


def _started(candidate: Path, version: str) -> Path | None:
    """The executable behind a candidate, if it starts and is of this version."""
    if not candidate.is_file():
        return None
    code = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"
    try:
        done = subprocess.run(
            [str(candidate), "-I", "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.splitlines()
    return Path(lines[1]) if done.returncode == 0 and len(lines) == 2 and lines[0] == version else None
