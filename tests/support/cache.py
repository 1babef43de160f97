"""What is made once and kept under .cache/ at the top of the repository: downloads, venvs, a compiled library.

Everything there can be deleted at any time, and is then made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
# Resolved, so that worktrees can share one folder through a link: an environment keeps the path it was made by.
CACHE = (REPOSITORY / ".cache").resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file. It ends with the process that holds it, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # Windows alone has it

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl  # noqa: PLC0415  # Windows has none

            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


def key_of(value: Any) -> str:
    """16 hexadecimal digits that stand for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def made_once(name: str, key: str, make: Callable[[Path], None], root: Path = CACHE) -> Path:
    """The folder ``<name>-<key>`` in the cache, filled by ``make(folder)`` the first time.

    Processes that want the same folder wait for the one that makes it. A folder whose making was cut short is made
    anew, since it lacks its mark. It is made where it stays: a venv cannot be moved.
    """
    folder = root / f"{name}-{key}"
    mark = root / f"{name}-{key}.made"
    if mark.exists() and folder.is_dir():
        return folder
    with locked(root / f"{name}-{key}.lock"):
        if not (mark.exists() and folder.is_dir()):
            mark.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            mark.touch()
    return folder


def prune(name: str, keep: int, root: Path = CACHE) -> None:
    """Leave the ``keep`` folders ``<name>-...`` that were made last; more than one, since others may be in use."""
    times = {}
    for mark in root.glob(f"{name}-*.made"):
        with suppress(FileNotFoundError):  # another process prunes too
            times[mark] = mark.stat().st_mtime
    for mark in sorted(times, key=times.__getitem__, reverse=True)[keep:]:
        mark.unlink(missing_ok=True)
        shutil.rmtree(mark.with_suffix(""), ignore_errors=True)
        mark.with_suffix(".lock").unlink(missing_ok=True)


def machine_environment() -> dict[str, str]:
    """The environment for a download from the package index that this machine is set up for.

    The index settings and certificates of the environment stay. pip's configuration files do not: they may hold
    constraints and local folders, and what is downloaded must not depend on these. Of them, only what says how the
    index is reached is kept.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    for option, value in _pip_configuration().items():
        environment.setdefault(f"PIP_{option.upper().replace('-', '_')}", value)
    environment["PIP_CONFIG_FILE"] = os.devnull
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment["PIP_NO_INPUT"] = "1"
    return environment


_DROPPED = (
    "PIP_CONSTRAINT",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_REQUIREMENT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)
_KEPT_OPTIONS = ("index-url", "cert", "client-cert", "proxy", "trusted-host")


def _pip_configuration() -> dict[str, str]:
    """The options of pip's configuration files that say how the index is reached."""
    if os.environ.get("PIP_CONFIG_FILE") == os.devnull:
        return {}
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    options = {}
    for line in listed.splitlines():
        name, separator, value = line.partition("=")
        section, _, option = name.partition(".")
        if separator and section in ("global", "install", "download") and option in _KEPT_OPTIONS:
            options[option] = value.strip("'\"")
    return options
