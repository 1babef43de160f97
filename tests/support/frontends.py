"""uv, pip, build, Poetry and others, each in a venv of its own, in an environment that holds nothing of this machine's.

A :class:`Tool` is installed once and kept; a :class:`Frontend` is a tool inside one test's :class:`Sandbox`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from support import interpreters
from support.cache import CACHE, key_of, machine_environment, made_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.torch_index import TorchIndex

#: The oldest uv that the tests run: before it, torch==2.5.1 did not match 2.5.1+cu124 (PEP 440, version matching).
OLDEST_UV = "0.5.0"
#: The pip that Python 3.11.5 came with; many images still have it.
OLD_PIP = "23.2"

_TIMEOUT = 180.0


@dataclass(frozen=True)
class Tool:
    """A program of one version. ``executable`` is in a venv that holds nothing but the tool."""

    name: str
    version: str
    executable: Path

    @property
    def python(self) -> Path:
        """The Python of the tool's venv."""
        return self.executable.parent / _exe("python")


@dataclass(frozen=True)
class Finished:
    """A run that ended. Streams are text, ``seconds`` is the wall clock's."""

    command: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float

    def __str__(self) -> str:
        head = f"$ {' '.join(self.command)}\n(exit code {self.returncode} after {self.seconds:.2f} s)"
        return f"{head}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True)
class Sandbox:
    """One test's own home, caches and settings, with its own package index.

    ``environment`` is all that a program gets to see: no UV_*, PIP_*, POETRY_*, TORCH_AUTO_* of this machine, and
    a proxy that does not answer for everything that is not on 127.0.0.1.
    """

    root: Path
    index: TorchIndex
    python: Path = field(default_factory=interpreters.own)

    @property
    def environment(self) -> dict[str, str]:
        return _environment(self.root, self.index, self.python)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout: float = _TIMEOUT,
        check: bool = True,
    ) -> Finished:
        """Run a program. ``env`` adds to the environment; None takes a variable out.

        Raises:
            AssertionError: it ended with another exit code than 0 (unless ``check`` is off), or not at all in time.
        """
        environment = dict(self.environment)
        for key, value in (env or {}).items():
            environment.pop(key, None)
            if value is not None:
                environment[key] = value
        finished = run([str(part) for part in command], cwd or self.root, environment, timeout)
        if check and finished.returncode != 0:
            raise AssertionError(str(finished))
        return finished

    def venv(self, python: Path | None = None, name: str = "venv") -> Path:
        """A new venv without pip, of ``python`` or the sandbox's; returns its Python."""
        folder = self.root / name
        self.run([python or self.python, "-m", "venv", "--without-pip", folder])
        return folder / _BIN / _exe("python")

    def project(
        self,
        dependencies: Sequence[str] = (),
        *,
        name: str = "project",
        requires_python: str = ">=3.11",
        extra: str = "",
    ) -> Path:
        """A new folder with a pyproject.toml; ``extra`` is TOML that follows [project]."""
        folder = self.root / name
        folder.mkdir(parents=True)
        lines = ["[project]", f'name = "{name}"', 'version = "1.0"', f'requires-python = "{requires_python}"']
        quoted = ", ".join(f'"{dependency}"' for dependency in dependencies)
        lines += [f"dependencies = [{quoted}]", extra, ""]
        (folder / "pyproject.toml").write_text("\n".join(lines), "utf-8")
        return folder


@dataclass(frozen=True)
class Frontend:
    """A tool inside a sandbox."""

    tool: Tool
    sandbox: Sandbox

    @property
    def version(self) -> str:
        return self.tool.version

    def run(
        self,
        args: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout: float = _TIMEOUT,
        check: bool = True,
    ) -> Finished:
        """Run the tool with these arguments; see :meth:`Sandbox.run`."""
        if self.tool.name != "uv":
            # Hatch and others run uv on an environment of their own; UV_PYTHON has it install into the Python instead.
            env = {"UV_PYTHON": None, **(env or {})}
        return self.sandbox.run([self.tool.executable, *args], cwd=cwd, env=env, timeout=timeout, check=check)


# --- environment ------------------------------------------------------------------------------------------------

_BIN = "Scripts" if sys.platform == "win32" else "bin"
_PASSED_ON = ("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "LANG", "LC_ALL")
_NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens


def _exe(name: str) -> str:
    return f"{name}.exe" if sys.platform == "win32" else name


def _environment(root: Path, index: TorchIndex, python: Path) -> dict[str, str]:
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    home = root / "home"
    folders = {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "AppData",
        "LOCALAPPDATA": home / "AppData",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_CONFIG_DIRS": home / "config-dirs",
        "XDG_DATA_HOME": home / "data",
        "XDG_STATE_HOME": home / "state",
        "TMPDIR": root / "tmp",
        "TEMP": root / "tmp",
        "TMP": root / "tmp",
        "UV_CACHE_DIR": root / "uv-cache",
        "PIP_CACHE_DIR": root / "pip-cache",
        "POETRY_CACHE_DIR": root / "poetry-cache",
        "POETRY_CONFIG_DIR": home / "config" / "poetry",
        "POETRY_DATA_DIR": home / "data" / "poetry",
        "PDM_CACHE_DIR": root / "pdm-cache",
        "PDM_CONFIG_FILE": home / "config" / "pdm.toml",
        "PDM_LOG_DIR": home / "state" / "pdm",
        "HATCH_CACHE_DIR": root / "hatch-cache",
        "HATCH_CONFIG": home / "config" / "hatch.toml",
        "HATCH_DATA_DIR": home / "data" / "hatch",
        "PIP_TOOLS_CACHE_DIR": root / "pip-tools-cache",
        "PIPX_HOME": home / "pipx",
        "PIPX_BIN_DIR": home / "bin",
        "PIPX_MAN_DIR": home / "man",
        "PIPX_COMPLETION_DIR": home / "completion",
    }
    for folder in (home / "config", root / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    (home / "config" / "hatch.toml").touch()  # Hatch does not start without the file that it is told to read
    environment.update({key: str(folder) for key, folder in folders.items()})
    system = os.environ.get("PATH", "") if sys.platform == "win32" else "/usr/local/bin:/usr/bin:/bin"
    environment["PATH"] = os.pathsep.join([str(python.parent), system])
    environment.update(
        PYTHONUTF8="1",
        PYTHONNOUSERSITE="1",
        HTTP_PROXY=_NOBODY,
        HTTPS_PROXY=_NOBODY,
        ALL_PROXY=_NOBODY,
        NO_PROXY="127.0.0.1",
        NO_COLOR="1",
        # UV_NO_CONFIG would hide the project's own [tool.uv] too; with the folders above there is no other file
        # but /etc/uv/uv.toml.
        UV_DEFAULT_INDEX=index.pypi,
        UV_PYTHON=str(python),
        UV_PYTHON_DOWNLOADS="never",
        UV_NO_PROGRESS="1",
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL=index.pypi,
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
        POETRY_VIRTUALENVS_IN_PROJECT="1",
        POETRY_NO_INTERACTION="1",
        POETRY_KEYRING_ENABLED="0",
        PDM_PYPI_URL=index.pypi,
        PDM_CHECK_UPDATE="0",
        PDM_NON_INTERACTIVE="1",
        HATCH_INTERACTIVE="0",
        PIPX_DEFAULT_PYTHON=str(python),
        PIPX_USE_EMOJI="0",
    )
    return environment


def poetry_sources(index: TorchIndex, *torch_backends: str) -> str:
    """The part of pyproject.toml that makes the view of PyPI, and these torch backends' indexes, Poetry's sources."""
    sources = [("pypi-view", index.pypi), *((name, f"{index.of_backend(name)}/") for name in torch_backends)]
    tables = ["[tool.poetry]", "package-mode = false"]
    for name, url in sources:
        tables += ["[[tool.poetry.source]]", f'name = "{name}"', f'url = "{url}"', 'priority = "primary"']
    return "\n".join([*tables, ""])


def run(command: list[str], cwd: Path, environment: dict[str, str], timeout: float) -> Finished:
    """Run a program with this environment and nothing else; what it started ends with it.

    Raises:
        AssertionError: it did not end in time.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that what a tool started ends with it
    )
    with process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            stdout, stderr = process.communicate()
            finished = Finished(tuple(command), process.returncode, stdout, stderr, time.perf_counter() - started)
            raise AssertionError(f"not finished after {timeout} s: {finished}") from None
    return Finished(tuple(command), process.returncode, stdout, stderr, time.perf_counter() - started)


def _end(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


# --- installation -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=None)
def tool(name: str, requirement: str | None = None, executable: str | None = None) -> Tool:
    """A tool from this machine's package index, in a venv that is made once.

    ``requirement`` is "uv==0.4.27"; without it, the newest when the venv is made (delete .cache/ to look again).

    Raises:
        RuntimeError: it could not be installed; what pip said is in it.
    """
    wanted = requirement or name
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    folder = made_once(
        f"tool-{name}", key_of([wanted, python, sys.base_prefix]), lambda at: _install(at, wanted), CACHE
    )
    version = (folder / f"{name}.version").read_text("utf-8").strip()
    return Tool(name, version, folder / _BIN / _exe(executable or name))


def _install(folder: Path, requirement: str) -> None:
    python = folder / _BIN / _exe("python")
    name = re.split(r"[=<>\[]", requirement, maxsplit=1)[0]
    show = f"from importlib.metadata import version; print(version({name!r}))"
    # The newest pip comes to be by being asked for; the others need no newer one than the venv has.
    commands = [
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", *(["--upgrade"] if name == "pip" else []), requirement],
        [str(python), "-c", show],
    ]
    stdout = ""
    for command in commands:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, env=machine_environment()
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        stdout = done.stdout
    (folder / f"{name}.version").write_text(stdout, "utf-8")


def uv(version: str | None = None) -> Tool:
    """uv, the newest or one version."""
    return tool("uv", f"uv=={version}" if version else None)


def pip(version: str | None = None) -> Tool:
    """pip, the newest or one version. ``pip --python <venv> install`` installs elsewhere than in its own venv."""
    return tool("pip", f"pip=={version}" if version else None)


def pyproject_build() -> Tool:
    """pypa/build, the newest; its executable is ``pyproject-build``, which is ``python -m build``."""
    return tool("build", executable="pyproject-build")


def poetry() -> Tool:
    """Poetry, the newest 2."""
    return tool("poetry", "poetry>=2,<3")


def pdm() -> Tool:
    """PDM, the newest 2, with the dependencies that it was released with: 2.29.3 does not start with hishel 2."""
    return tool("pdm", "pdm[locked]>=2,<3")


def hatch() -> Tool:
    """Hatch, the newest 1."""
    return tool("hatch", "hatch>=1,<2")


def pip_tools() -> Tool:
    """pip-tools, the newest; its executable is ``pip-compile``, with ``pip-sync`` beside it."""
    return tool("pip-tools", executable="pip-compile")


def pipx() -> Tool:
    """pipx, the newest 1."""
    return tool("pipx", "pipx>=1,<2")
