"""Dependency groups: one lock that holds several torch backends, of which each machine takes one.

A group is one release for one torch backend, "2.13.0+cu126", and is named torch-cu126. Which one a machine takes is
the business of :mod:`torch_auto.select.choose_group`, what it pins that of :mod:`torch_auto.pins.groups`.
"""

from __future__ import annotations

import re

from torch_auto.catalog.model import UnknownReleaseError
from torch_auto.catalog.torch_backends import parse, parse_or_none
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Build, Catalog, PlatformBuilds
    from torch_auto.catalog.torch_backends import TorchBackend


class GroupsError(ValueError):
    """Groups are wrong; ``faults`` names each with what is valid."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


_GROUP = re.compile(r"(\d+(?:\.\d+)+)\+([a-z]+[0-9.]*)", re.ASCII)


class Group(Frozen):
    """A dependency group: one release for one torch backend."""

    release: str
    torch_backend: TorchBackend

    @property
    def name(self) -> str:
        """The group's name as tools write it (PEP 735, normalized): "torch-rocm7-1"."""
        return self.torch_backend.group

    @property
    def version(self) -> str:
        """The version of torch where the platform has the build: "2.13.0+rocm7.1"."""
        return f"{self.release}+{self.torch_backend}"


def group_of(release: str, torch_backend: str) -> Group:
    """The group of a release and a torch backend.

    Raises:
        ValueError: the second is not a torch backend.
    """
    return Group(release, parse(torch_backend))


def groups_text(groups: tuple[Group, ...]) -> str:
    """The value of the setting ``groups``: "2.13.0+cpu,2.13.0+cu126"."""
    return ",".join(group.version for group in groups)


def parse_groups(text: str, catalog: Catalog) -> tuple[Group, ...]:
    """The groups that a value of the setting names, in its order.

    Raises:
        GroupsError: some of them are wrong; it names each, and what is valid.
    """
    found: list[Group] = []
    faults: list[str] = []
    for item in filter(None, re.split(r"[\s,]+", text)):
        match = _GROUP.fullmatch(item)
        if match is None:
            faults.append(f"{item!r} is not a release and a torch backend, such as {catalog.newest.version}+cpu")
            continue
        fault = _fault(match.group(1), match.group(2), catalog)
        if fault is not None:
            faults.append(f"{item!r}: {fault}")
            continue
        group = group_of(match.group(1), match.group(2))
        if any(group.name == other.name for other in found):
            faults.append(f"{item!r}: there is another group {group.name}; a torch backend has one release")
        else:
            found.append(group)
    if not found and not faults:
        faults.append(f"it names no group, such as {catalog.newest.version}+cpu")
    if faults:
        raise GroupsError(faults)
    return tuple(found)


def _fault(version: str, torch_backend: str, catalog: Catalog) -> str | None:
    try:
        release = catalog.release(version)
    except UnknownReleaseError as error:
        return str(error)
    builds = [build for here in release.platforms.values() for build in here.builds if build.seen]
    valid = {build.torch_backend for build in builds if build.can_be_pinned}
    wanted = parse_or_none(torch_backend)
    if wanted in valid:
        return None
    if any(build.torch_backend == wanted for build in builds):
        return "its wheels require packages that only an index of their own has, which PyTorch's pages do not list"
    return f"torch {version} does not have such a build; valid are {', '.join(sorted(valid))}"


def group_build(here: PlatformBuilds, torch_backend: str, python: str) -> Build | None:
    """What the group of a torch backend is on one platform and Python: its build, or else cpu, or else the public one.

    ``python`` is "" for any; None where a platform has none of the three.
    """
    for build in (here.find(torch_backend), here.find("cpu")):
        if build is not None and build.can_be_pinned and build.comes_for(python):
            return build
    return here.public
