"""The wheels that building our sdist and installing its wheel take, from this machine's package index."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from support.cache import CACHE, key_of, machine_environment, made_once

if TYPE_CHECKING:
    from pathlib import Path

#: The Pythons that our sdists are built on. Each gets the newest release that supports it.
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")

#: What the sdist is built with, what its wheel requires, and what these require in turn on any of the Pythons.
#: All are named, since pip works out markers for the Python that it runs on and not for the one that it is told.
PROJECTS = (
    "editables",
    "hatchling",
    "nvidia-ml-py",
    "packaging",
    "pathspec",
    "pluggy",
    "tomli",
    "tomlkit",
    "trove-classifiers",
)


def wheelhouse(root: Path = CACHE) -> Path:
    """The folder of these wheels, all py3-none-any.

    Raises:
        RuntimeError: the download failed; what pip said is in it.
    """
    return made_once("wheelhouse", key_of([PYTHONS, PROJECTS]), _download, root)


def _download(folder: Path) -> None:
    for python in PYTHONS:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder), "--no-deps"]
        command += ["--only-binary", ":all:", "--python-version", python, "--implementation", "py"]
        command += ["--abi", "none", "--platform", "any", *PROJECTS]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, env=machine_environment()
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
