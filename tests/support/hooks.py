"""The hooks of a source tree, called as a frontend calls them: in a fresh interpreter, with the tree as its folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CALL = """
import json, os, sys
sys.path.insert(0, "")
os.umask(int(sys.argv[4]))
import torch_auto.build as backend
print(getattr(backend, sys.argv[1])(sys.argv[2], json.loads(sys.argv[3])))
"""


def call(
    hook: str,
    tree: Path,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    *,
    umask: int = 0o022,
    env: Mapping[str, str] | None = None,
) -> Path:
    """What a hook made in ``folder``, which is made if there is none. ``env`` adds to an environment without settings.

    Raises:
        AssertionError: the hook failed; what it said is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unset = ("TORCH_AUTO_", "UV_", "HATCH_", "SOURCE_DATE_EPOCH")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(unset)}
    command = [sys.executable, "-c", _CALL, hook, str(folder), json.dumps(settings), str(umask)]
    done = subprocess.run(command, cwd=tree, env={**clean, **(env or {})}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


def unpack(sdist: Path, folder: Path) -> Path:
    """The folder of an unpacked sdist."""
    with tarfile.open(sdist) as archive:
        if sys.version_info >= (3, 12):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)  # noqa: S202  # our own archive
    return folder / sdist.name[: -len(".tar.gz")]


def sdist_file(sdist: Path, name: str) -> bytes:
    """A file of an sdist, by its name below the one folder at the top."""
    with tarfile.open(sdist) as archive:
        file = archive.extractfile(f"{sdist.name[: -len('.tar.gz')]}/{name}")
        assert file is not None
        return file.read()


def wheel_file(wheel: Path, name: str) -> bytes:
    """A file of a wheel; ``*.dist-info`` in its name stands for the folder of that name."""
    project, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name.replace("*.dist-info", f"{project}-{version}.dist-info"))
