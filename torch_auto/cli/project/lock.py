"""What a project's lock holds for an environment: the version of torch-auto, and that of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

from torch_auto.cli import tools
from torch_auto.cli.project.requirements import marker_environment
from torch_auto.cli.project.toml import items, load, table

if TYPE_CHECKING:
    from torch_auto.cli.project.project import Project
    from torch_auto.machine import Machine


@dataclass(frozen=True)
class Lock:
    """A lock's file name, and the versions in it that a machine gets; None where it gets none.

    ``has_files`` is False where the lock names no file of that torch that the machine's system can install.
    """

    name: str
    torch_auto: str | None
    torch: str | None
    has_files: bool = True


#: How the tags of wheels for a system start, and what architectures are called in them.
_TAGS = {"linux": ("manylinux", "linux", "musllinux"), "windows": ("win",), "macos": ("macosx",)}
_ARCHITECTURES = {
    "x86_64": ("x86_64", "amd64", "universal2"),
    "aarch64": ("aarch64",),
    "arm64": ("arm64", "universal2"),
}


def _installs(package: dict[str, Any], machine: Machine) -> bool:
    """Whether one of the files that a lock names for a package is for the machine's system, or it names none."""
    files = [*items(package.get("wheels")), *items(package.get("files"))]
    names = [
        str(table(item).get("filename") or table(item).get("file") or table(item).get("url", "")) for item in files
    ]
    tags = [name.rpartition("/")[2][: -len(".whl")].rpartition("-")[2] for name in names if name.endswith(".whl")]
    if not tags or package.get("sdist"):
        return True
    systems, architectures = _TAGS.get(machine.system, ("",)), _ARCHITECTURES.get(machine.architecture, ("",))
    single = [part for tag in tags for part in tag.split(".")]
    return any(tag == "any" or (tag.startswith(systems) and tag.endswith(architectures)) for tag in single)


def _is_true(marker: str, machine: Machine) -> bool:
    try:
        return bool(Marker(marker).evaluate(marker_environment(machine)))
    except (InvalidMarker, UndefinedEnvironmentName):
        return True  # a marker of uv's own, for extras and groups that conflict; it says nothing about the machine


def _for(machine: Machine, packages: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """The entry of a package that a machine gets. uv.lock has ``resolution-markers``, the others ``markers``."""
    for package in packages:
        if package.get("name") != name:
            continue
        markers = items(package.get("resolution-markers")) or [
            marker for marker in (package.get("markers"), package.get("marker")) if isinstance(marker, str)
        ]
        if not markers or any(_is_true(str(marker), machine) for marker in markers):
            return package
    return None


def _uv_torch(machine: Machine, torch_auto: dict[str, Any]) -> str | None:
    """Torch as torch-auto's own entry names it: with its version where the lock holds several."""
    for dependency in items(torch_auto.get("dependencies")):
        entry = table(dependency)
        marker = str(entry.get("marker", ""))
        if entry.get("name") == "torch" and "version" in entry and (not marker or _is_true(marker, machine)):
            return str(entry["version"])
    return None


def read_lock(project: Project, machine: Machine) -> Lock | None:
    """What the project's lock holds, or None where it has none.

    Raises:
        NotTomlError: the lock is not TOML.
        OSError: it cannot be read.
    """
    for name in (name for tool in tools.all_tools() for name in tool.locks):
        path = project.file(name)
        if path is None:
            continue
        packages = [table(item) for item in items(load(path).get("package"))]
        torch_auto = _for(machine, packages, "torch-auto")
        torch = _for(machine, packages, "torch")
        version = str(torch["version"]) if torch is not None else None
        if torch_auto is not None:
            version = _uv_torch(machine, torch_auto) or version
        held = [item for item in packages if item.get("name") == "torch" and item.get("version") == version]
        has_files = not held or any(_installs(item, machine) for item in held)
        return Lock(name, str(torch_auto["version"]) if torch_auto is not None else None, version, has_files)
    return None


def held_from(project: Project, index_url: str) -> set[str]:
    """The packages that the project's uv.lock holds from an index.

    Raises:
        NotTomlError: the lock is not TOML.
        OSError: it cannot be read.
    """
    path = project.file("uv.lock")
    packages = map(table, items(load(path).get("package"))) if path is not None else ()
    wanted = index_url.rstrip("/")
    return {
        str(item.get("name"))
        for item in packages
        if str(table(item, "source").get("registry", "")).rstrip("/") == wanted
    }
