"""An installed environment, read from its files: which torch, which torch-auto, built for what.

Nothing of it is imported: torch takes seconds, and a torch that does not fit may not import at all.
"""

from __future__ import annotations

import json
import os
import re
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from torch_auto import record as records
from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.cli.errors import UserError
from torch_auto.cli.processes import answer
from torch_auto.cli.project.own import is_tools_own
from torch_auto.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CONFIG = re.compile(r"^\s*version(?:_info)?\s*=\s*(3)\.(\d+)", re.ASCII | re.MULTILINE)
_SITE = re.compile(r"python3\.\d+t?", re.ASCII)
_INSIDE = re.compile(r"^(__version__|cuda|hip|xpu)\b[^=\n]*=\s*(?:'([^'\n]*)'|\"([^\"\n]*)\"|None)", re.MULTILINE)


#: What an environment's Python says of itself: the folders that it imports from, and its version.
_ASK = (
    "import json, sys, sysconfig; t = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''; "
    "print(json.dumps([sys.path, '3.%d%s' % (sys.version_info[1], t)]))"
)


class NoEnvironmentError(UserError):
    """There is no environment to look at; the message says how to name one."""

    def __init__(self, root: str) -> None:
        super().__init__(
            f"there is no project in {root}, and no environment but the one that runs this command. Name the "
            "environment with --venv DIR, or activate it"
        )


@dataclass(frozen=True)
class Environment:
    """A Python environment: its prefix, where its Python finds distributions, and its version ("3.11").

    ``exists`` is False for the environment that a project is yet to get.
    """

    prefix: str
    site: tuple[str, ...]
    python: str
    exists: bool = True

    @property
    def interpreter(self) -> str:
        """The path of its Python."""
        if sys.executable and os.path.realpath(self.prefix) == os.path.realpath(sys.prefix):
            return sys.executable  # /usr has a python3, and may have no python
        return _python_in(self.prefix)

    def distribution(self, name: str) -> metadata.Distribution | None:
        """An installed distribution, or None."""
        for found in metadata.distributions(name=name, path=list(self.site)):
            return found
        return None

    @property
    def writable(self) -> bool:
        """Whether who runs this command can install into it: an image's user often cannot."""
        ours = (self.distribution(name) for name in ("torch-auto", "torch"))
        folders = [str(found.locate_file("")) for found in ours if found is not None]
        return not self.exists or os.access((folders or [self.prefix])[0], os.W_OK)

    def requiring(self, name: str) -> list[Installed]:
        """What is installed and requires a distribution, by name, each with those of its requirements."""
        found: dict[str, Installed] = {}
        pattern = re.compile(rf"^Requires-Dist:\s*({re.escape(name)}(?![\w.-]).*)$", re.IGNORECASE | re.MULTILINE)
        for item in metadata.distributions(path=list(self.site)):
            wanted = pattern.findall(item.read_text("METADATA") or "")
            if wanted:
                own = canonicalize_name(item.metadata["Name"] or "")
                found.setdefault(own, Installed(own, item.version, None, tuple(map(str.strip, wanted))))
        return sorted(found.values(), key=lambda item: item.name)


@dataclass(frozen=True)
class Installed:
    """An installed distribution of the torch family.

    ``version`` is METADATA's; ``torch_backend`` is what its files say that it was built for: PyPI's torch 2.5.1 says
    nothing in its version and cu124 inside. ``requires`` are its Requires-Dist.
    """

    name: str
    version: str
    torch_backend: str | None
    requires: tuple[str, ...] = ()
    installer: str | None = None

    def __str__(self) -> str:
        local = self.version.partition("+")[2]
        beside = f" ({self.torch_backend})" if self.torch_backend and not local else ""
        return f"{self.name} {self.version}{beside}"


def _python_in(prefix: str) -> str:
    name = os.path.join("Scripts", "python.exe") if os.name == "nt" else os.path.join("bin", "python")
    return os.path.join(prefix, name)


def own() -> Environment:
    """The environment that runs this command: what its Python imports from, user site and .pth files and all."""
    paths = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *sys.path]
    return Environment(sys.prefix, _folders(paths), f"3.{sys.version_info[1]}{_free_threaded()}")


def _free_threaded() -> str:
    return "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""


def _folders(paths: Iterable[Any]) -> tuple[str, ...]:
    """The folders among paths, each once; the one that a process stands in ("") is not installed into."""
    found = (os.path.abspath(path) for path in paths if isinstance(path, str) and path)
    return tuple(dict.fromkeys(path for path in found if os.path.isdir(path)))


def at(prefix: str) -> Environment | None:
    """The virtual environment, or that of conda, in a folder; None where there is none."""
    if not is_one(prefix):
        return None
    config = _config(prefix)
    return _said(os.path.abspath(prefix)) or _as_files_say(prefix, f"3.{config.group(2)}" if config else None)


def is_one(prefix: str) -> bool:
    """Whether a folder is a virtual environment, or conda's. Its Python is not started to tell."""
    return _config(prefix) is not None or os.path.isdir(os.path.join(prefix, "conda-meta"))


def is_the_users(prefix: str) -> bool:
    """The same, and it is the user's to install into: no tool made it for this command alone."""
    return is_one(prefix) and not is_tools_own(prefix)


def _config(prefix: str) -> re.Match[str] | None:
    try:
        data = read_regular(os.path.join(prefix, "pyvenv.cfg"), 1 << 20)
        return _CONFIG.search(data.decode("utf-8", "replace"))
    except OSError:
        return None


def _said(prefix: str) -> Environment | None:
    """What the environment's Python says: it alone knows user site, system site-packages and .pth files."""
    interpreter = _python_in(prefix)
    if not os.path.isfile(interpreter):
        return None
    # Its sitecustomize and its .pth files are its own. What PYTHONPATH names is looked into, and not run.
    flags = ("-E", "-s") if os.environ.get("PYTHONNOUSERSITE") else ("-E",)
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    try:
        paths, python = json.loads(answer((interpreter, *flags, "-c", _ASK)))
        return Environment(prefix, _folders([*named, *paths]), str(python))
    except (ValueError, TypeError):  # it says something else
        return None


def _as_files_say(prefix: str, python: str | None) -> Environment:
    """What can be said of an environment whose Python does not start, as in an image that is looked at from outside."""
    if os.name == "nt":
        site = [os.path.join(prefix, "Lib", "site-packages")]
        return Environment(os.path.abspath(prefix), tuple(site), python or own().python)
    library = os.path.join(prefix, "lib")
    names = sorted(
        name for name in _names(library) if _SITE.fullmatch(name) and name.startswith(f"python{python or 3}")
    )
    site = [os.path.join(library, name, "site-packages") for name in names]
    return Environment(os.path.abspath(prefix), tuple(site), names[0][len("python") :] if names else python or "")


def _names(folder: str) -> tuple[str, ...]:
    try:
        return tuple(os.listdir(folder))
    except OSError:
        return ()


def of_project(root: str, variables: Mapping[str, str]) -> str:
    """The folder of the environment that a project keeps: uv's variable names it, or it is .venv."""
    return os.path.join(root, variables.get("UV_PROJECT_ENVIRONMENT") or ".venv")


def find(root: str, variables: Mapping[str, str], named: str | None = None) -> Environment:
    """The environment to look at.

    The one that is named; else the one that runs this command, if it has torch; else the active one, the project's
    .venv or conda's, one that has torch before one that has not; else the one that runs this command. Never one that
    uvx, `uv tool` or pipx made for this command alone.

    Raises:
        NotADirectoryError: what is named is not a virtual environment.
        NoEnvironmentError: there is none.
    """
    if named is not None:
        chosen = at(named)
        if chosen is None:
            raise NotADirectoryError(f"--venv: {named} is not a virtual environment (no pyvenv.cfg)")
        return chosen
    here = None if is_tools_own(sys.prefix) else own()
    if here is not None and here.distribution("torch") is not None:
        return here
    found = []
    for prefix in (variables.get("VIRTUAL_ENV"), of_project(root, variables), variables.get("CONDA_PREFIX")):
        other = at(prefix) if prefix and not is_tools_own(prefix) else None
        if other is not None:
            found.append(other)
    if here is not None:
        found.append(here)
    if not found:
        raise NoEnvironmentError(root)
    return next((item for item in found if item.distribution("torch") is not None), found[0])


def find_or_own(root: str, variables: Mapping[str, str]) -> Environment:
    """The same; where there is none, the one that runs this command, whoever made it, to read and never to write."""
    try:
        return find(root, variables)
    except NoEnvironmentError:
        return own()


def installed(environment: Environment, name: str) -> Installed | None:
    """A distribution of the torch family as it is installed, or None."""
    found = environment.distribution(name)
    if found is None:
        return None
    inside = _inside(environment, name)
    version = found.version
    return Installed(
        name,
        version,
        _torch_backend(inside, version.partition("+")[2]),
        tuple(found.requires or ()),
        (found.read_text("INSTALLER") or "").strip() or None,
    )


def _inside(environment: Environment, name: str) -> dict[str, str | None]:
    """What ``version.py``, or else ``__init__.py``, of an installed package says of its build."""
    values: dict[str, str | None] = {}
    for site in environment.site:
        for file_name in ("version.py", "__init__.py"):
            try:
                with open(os.path.join(site, name, file_name), encoding="utf-8", errors="replace") as file:
                    text = file.read(1 << 20)
            except OSError:
                continue
            for key, single, double in _INSIDE.findall(text):
                values.setdefault(key, single or double or None)
    return values


def _torch_backend(inside: Mapping[str, str | None], local: str) -> str | None:
    local = local or (inside.get("__version__") or "").partition("+")[2]
    if parse_or_none(local) is not None:
        return local
    if inside.get("cuda"):
        return "cu" + str(inside["cuda"]).replace(".", "")
    if inside.get("hip"):
        return "rocm" + ".".join(str(inside["hip"]).split(".")[:2])
    if inside.get("xpu"):
        return "xpu"
    return "cpu" if "cuda" in inside else None


def record(environment: Environment) -> dict[str, Any]:
    """What torch-auto's wheel in an environment says that it was built for, or nothing where it does not say.

    One of a newer format comes as ``{"version": ...}`` alone: nothing of it is read.
    """
    found = environment.distribution("torch-auto")
    try:
        value = json.loads((found.read_text(records.FILE) if found is not None else None) or "null")
    except (ValueError, RecursionError, OSError):  # it is damaged: no UTF-8, no JSON, nested without end
        return {}
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        return {}
    return value if value["version"] == records.FORMAT_VERSION else {"version": value["version"]}
