"""What we publish, made once for each state of the source tree: the core, and an sdist per torch release."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from support.cache import CACHE, REPOSITORY, machine_environment, made_once, prune

if TYPE_CHECKING:
    from pathlib import Path

_INPUTS = (
    "hatch_build.py",
    "LICENSE",
    "core/pyproject.toml",
    "core/README.md",
    "stubs/pyproject.toml",
    "stubs/README.md",
    "tools/build_dists.py",
)


def inputs(repository: Path = REPOSITORY) -> list[Path]:
    """The files that a distribution is made of or by."""
    package = [path for path in (repository / "torch_auto").rglob("*") if path.is_file()]
    package = [path for path in package if "__pycache__" not in path.parts]
    return sorted([*package, *(repository / name for name in _INPUTS if (repository / name).exists())])


def fingerprint(repository: Path = REPOSITORY) -> str:
    """16 hexadecimal digits that stand for the names and the content of the inputs."""
    digest = hashlib.sha256(sys.version.encode())
    for path in inputs(repository):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(repository).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def dists(root: Path = CACHE) -> Path:
    """The folder of torch_auto-<release>.tar.gz and of torch-auto-core's sdist and wheel.

    Raises:
        RuntimeError: they could not be made; what the tool said is in it.
    """
    folder = made_once("dists", fingerprint(), _make, root)
    prune("dists", 20, root)
    return folder


def _make(folder: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "tools" / "build_dists.py"), str(folder)]
    environment = {key: value for key, value in machine_environment().items() if not key.startswith("TORCH_AUTO_")}
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False, env=environment
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def core(root: Path = CACHE) -> Path:
    """A folder for sys.path that holds torch-auto-core as it is installed.

    Raises:
        RuntimeError: it could not be made; what the tool said is in it.
    """

    def unpack(folder: Path) -> None:
        [wheel] = dists(root).glob("torch_auto_core-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)  # our own archive

    folder = made_once("core", fingerprint(), unpack, root)
    prune("core", 20, root)
    return folder
