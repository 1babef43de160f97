"""The hooks of a source tree, called as a frontend calls them: in a fresh interpreter, with the tree as its folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

from support import dists

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: The hook's name, its folder, the settings, the umask, the backend, and the folder that the backend is in.
_CALL = """
import importlib, json, os, sys
hook, folder, settings, umask, backend, where = sys.argv[1:7]
sys.path.insert(0, where)
os.umask(int(umask))
result = getattr(importlib.import_module(backend), hook)(folder, json.loads(settings), *sys.argv[7:])
print(result)
"""


def backend_of(tree: Path) -> tuple[str, Path]:
    """The backend that a source tree names, and the folder that it is imported from: the core's, or the tree itself."""
    text = (tree / "pyproject.toml").read_text("utf-8")
    [name] = re.findall(r'(?m)^build-backend = "([^"]+)"', text)
    return name, tree if "\nbackend-path = " in text else dists.core()


def call(
    hook: str,
    tree: Path,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    *,
    umask: int = 0o022,
    env: Mapping[str, str] | None = None,
    prepared: Path | None = None,
    core: Path | None = None,
    python: str | Path = sys.executable,
) -> Path:
    """What a hook made in ``folder``, which is made if there is none. ``env`` adds to an environment without settings.

    ``prepared`` is a dist-info folder that build_wheel is handed, ``core`` a folder with another torch-auto-core.

    Raises:
        AssertionError: the hook failed; what it said is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unset = ("TORCH_AUTO_", "UV_", "HATCH_", "SOURCE_DATE_EPOCH")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(unset)}
    name, where = backend_of(tree)
    command = [str(python), "-c", _CALL, hook, str(folder), json.dumps(settings), str(umask), name, str(core or where)]
    command += [str(prepared)] if prepared is not None else []
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
