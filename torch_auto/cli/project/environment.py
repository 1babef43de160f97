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

from torch_auto import record as records
from torch_auto.catalog.torch_backends import parse_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONFIG = re.compile(r"^\s*version(?:_info)?\s*=\s*(3)\.(\d+)", re.ASCII | re.MULTILINE)
_SITE = re.compile(r"python3\.\d+t?", re.ASCII)
_INSIDE = re.compile(r"^(__version__|cuda|hip|xpu)\b[^=\n]*=\s*(?:'([^'\n]*)'|\"([^\"\n]*)\"|None)", re.MULTILINE)


@dataclass(frozen=True)
class Environment:
    """A Python environment: its prefix, its site-packages, and its Python version ("3.11")."""

    prefix: str
    site: tuple[str, ...]
    python: str

    @property
    def interpreter(self) -> str:
        """The path of its Python."""
        name = os.path.join("Scripts", "python.exe") if os.name == "nt" else os.path.join("bin", "python")
        return os.path.join(self.prefix, name)

    def distribution(self, name: str) -> metadata.Distribution | None:
        """An installed distribution, or None."""
        for found in metadata.distributions(name=name, path=list(self.site)):
            return found
        return None


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


def own() -> Environment:
    """The environment that runs this command."""
    site = dict.fromkeys(path for path in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")) if path)
    return Environment(sys.prefix, tuple(site), f"3.{sys.version_info[1]}{_free_threaded()}")


def _free_threaded() -> str:
    return "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""


def at(prefix: str) -> Environment | None:
    """The virtual environment in a folder, or None where there is none."""
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8", errors="replace") as file:
            config = _CONFIG.search(file.read())
    except OSError:
        return None
    if config is None:
        return None
    python = f"3.{config.group(2)}"
    if os.name == "nt":
        site = [os.path.join(prefix, "Lib", "site-packages")]
    else:
        library = os.path.join(prefix, "lib")
        names = sorted(name for name in _names(library) if _SITE.fullmatch(name) and name.startswith(f"python{python}"))
        site = [os.path.join(library, name, "site-packages") for name in names]
        python = names[0][len("python") :] if names else python
    return Environment(os.path.abspath(prefix), tuple(site), python)


def _names(folder: str) -> tuple[str, ...]:
    try:
        return tuple(os.listdir(folder))
    except OSError:
        return ()


def find(root: str, environment: Mapping[str, str], named: str | None = None) -> Environment:
    """The environment to look at.

    The one that is named; else the one that runs this command, if it has torch; else, for a command that runs as a
    tool of its own, the active one, or .venv of the project.

    Raises:
        NotADirectoryError: what is named is not a virtual environment.
    """
    if named is not None:
        chosen = at(named)
        if chosen is None:
            raise NotADirectoryError(f"--venv: {named} is not a virtual environment (no pyvenv.cfg)")
        return chosen
    here = own()
    if here.distribution("torch") is not None:
        return here
    for prefix in (environment.get("VIRTUAL_ENV"), os.path.join(root, ".venv"), environment.get("CONDA_PREFIX")):
        other = at(prefix) if prefix else None
        if other is not None:
            return other
    return here


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
