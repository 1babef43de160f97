"""The root of an image, made of files of this machine: a shell, a few programs, Python, pip, uv, and their libraries.

It stands in for the images of Docker Hub, which tests do not reach. As there, Python is in /usr/local, with pip, and
uv beside it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from support import frontends, interpreters
from support.cache import key_of, made_once, prune

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What the recipes call, and what a test looks with.
_PROGRAMS = (
    *("sh", "bash", "env", "id", "ls", "cat", "cp", "mv", "rm", "mkdir", "ln", "chmod", "chown", "touch", "sleep"),
    *("basename", "cut", "date", "dirname", "du", "expr", "head", "install", "mktemp", "printf", "pwd", "readlink"),
    *("realpath", "sort", "stat", "tail", "tee", "test", "tr", "true", "uname", "wc", "find", "grep", "sed", "useradd"),
)
_FOLDERS = (
    "dev",
    "etc",
    "home",
    "opt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "usr/local/bin",
    "usr/lib",
    "var/tmp",
)
#: No user of this machine's is known there.
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
#: What an image of Python leaves out as well, and what belongs to this machine.
_LEFT_OUT = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "tkinter", "__pycache__", "config-*")
_LIBRARY = re.compile(r"(?:^|=>)\s*(/\S+) \(0x", re.MULTILINE)


def rootfs() -> Path:
    """The folder, made once. Nothing may write into it."""
    interpreter, uv, pip = interpreters.find("3.12") or interpreters.own(), frontends.uv(), frontends.pip()
    key = key_of([str(interpreter), uv.version, pip.version, Path(__file__).read_text("utf-8")])
    made = made_once("rootfs", key, lambda root: _make(root, interpreter, uv.executable, pip.executable))
    prune("rootfs", 2)
    return made


def _make(root: Path, interpreter: Path, uv: Path, pip: Path) -> None:
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):  # links into /usr on most systems
        if Path("/", name).is_symlink():
            (root / "usr" / name).mkdir(exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
    found = [shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") for name in _PROGRAMS]
    programs = [Path(path) for path in found if path]
    for path in programs:
        _copy(path, root / path.relative_to("/"))
    for below, text in _FILES.items():
        (root / below).write_text(text, "ascii")
    modules = _python(root / "usr/local", interpreter, next(pip.parent.parent.glob("lib/python3.*/site-packages")))
    for path in (uv, uv.parent / "uvx"):
        _copy(path, root / "usr/local/bin" / path.name)
    for path in _libraries([*programs, *modules, interpreter, uv]):
        usual = path.parts[1].startswith("lib") or path.parts[1:3] == ("usr", "lib")
        # One that is elsewhere, as a Python's own, is put where every loader looks.
        _copy(path, root / (path.relative_to("/") if usual else Path("usr/lib", path.name)))


def _python(local: Path, interpreter: Path, theirs: Path) -> list[Path]:
    """Python with the pip of a site-packages; returns its modules that are libraries."""
    version = interpreter.name  # python3.12
    library = local / "lib" / version
    shutil.copytree(interpreter.parent.parent / "lib" / version, library, ignore=_LEFT_OUT, symlinks=True)
    _copy(interpreter, local / "bin" / version)
    for name in ("python", "python3"):
        (local / "bin" / name).symlink_to(version)
    (library / "site-packages").mkdir()
    for path in theirs.glob("pip*"):
        shutil.copytree(path, library / "site-packages" / path.name, ignore=_LEFT_OUT)
    (local / "bin/pip").write_text('#!/bin/sh\nexec /usr/local/bin/python -m pip "$@"\n', "utf-8")
    (local / "bin/pip").chmod(0o755)
    return sorted((library / "lib-dynload").glob("*.so"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _libraries(of: Iterable[Path]) -> list[Path]:
    """The libraries that programs are linked with, and the loader."""
    listed = subprocess.run(["ldd", *map(str, of)], capture_output=True, text=True, check=False, timeout=60).stdout
    return sorted({Path(path) for path in _LIBRARY.findall(listed)})
