"""Requirements of torch, and whether a version satisfies them on a machine, which need not be this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.machine import Machine

_SYSTEMS = {"linux": "linux", "windows": "win32", "macos": "darwin"}
_WINDOWS = {"x86_64": "AMD64", "arm64": "ARM64"}


def requirement(text: str) -> Requirement | None:
    """A requirement, or None where the text is none."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def torch_requirements(requires: Sequence[str]) -> list[Requirement]:
    """The requirements of torch among a distribution's, those of extras left out."""
    found = [item for item in map(requirement, requires) if item is not None and item.name == "torch"]
    return [item for item in found if "extra" not in str(item.marker)]


def marker_environment(machine: Machine) -> dict[str, str]:
    """What markers are read with: the machine's system and Python, which may be others than those of this process."""
    python = machine.python.rstrip("t")
    architecture = machine.architecture
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": _SYSTEMS.get(machine.system, machine.system),
        "platform_machine": _WINDOWS.get(architecture, architecture) if machine.system == "windows" else architecture,
        "extra": "",
    }


def applicable(requirements: Sequence[Requirement], machine: Machine) -> frozenset[str]:
    """The specifiers of the requirements whose markers are true on a machine."""
    here = marker_environment(machine)
    return frozenset(str(item.specifier) for item in requirements if item.marker is None or item.marker.evaluate(here))


def satisfies(version: str, requirements: Sequence[Requirement], machine: Machine) -> bool:
    """Whether a version of torch satisfies the requirements whose markers are true on a machine."""
    specifiers = map(SpecifierSet, applicable(requirements, machine))
    return all(item.contains(version, prereleases=True) for item in specifiers)
