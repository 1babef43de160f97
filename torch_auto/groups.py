"""Dependency groups: one lock that holds several torch backends, of which each machine takes one.

A group is one release for one torch backend, "2.13.0+cu126", and is named torch-cu126. Which one a machine takes is
decided by the rules of :mod:`torch_auto.selection` on a catalog that has nothing but the groups' builds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, NamedTuple, Optional, Tuple

from torch_auto.catalog import Build, Catalog, PlatformBuilds, UnknownReleaseError, companions, vendor_of, version_key
from torch_auto.fit import Candidate, candidates
from torch_auto.machine import Machine
from torch_auto.reach import Context, reach_of, reached
from torch_auto.reasons import Rejection, unsupported, why_build, why_left_out
from torch_auto.requirements import exact_requirements, group_build
from torch_auto.selection import AUTO, Selection, select

CPU = "cpu"

_GROUP = re.compile(r"(\d+(?:\.\d+)+)\+([a-z]+[0-9.]*)", re.ASCII)


class Group(NamedTuple):
    """A dependency group: one release for one torch backend."""

    release: str
    torch_backend: str

    @property
    def name(self) -> str:
        """The group's name as tools write it (PEP 735, normalized): "torch-rocm7-1"."""
        return "torch-" + self.torch_backend.replace(".", "-")

    @property
    def version(self) -> str:
        """The version of torch where the platform has the build: "2.13.0+rocm7.1"."""
        return f"{self.release}+{self.torch_backend}"


class Chosen(NamedTuple):
    """The group that a machine takes, what it installs there, and why."""

    group: Group
    selection: Selection
    reasons: Tuple[str, ...]


def groups_text(groups: Tuple[Group, ...]) -> str:
    """The value of the setting ``groups``: "2.13.0+cpu,2.13.0+cu126"."""
    return ",".join(group.version for group in groups)


def parse_groups(text: str, catalog: Catalog) -> Tuple[Group, ...]:
    """The groups that a value of the setting names, in its order.

    Raises:
        ValueError: some of them are wrong; it names each, and what is valid.
    """
    found: List[Group] = []
    faults: List[str] = []
    for item in filter(None, re.split(r"[\s,]+", text)):
        match = _GROUP.fullmatch(item)
        if match is None:
            faults.append(f"{item!r} is not a release and a torch backend, such as {catalog.newest.version}+cpu")
            continue
        group = Group(*match.groups())
        fault = _fault(group, catalog)
        if fault is not None:
            faults.append(f"{item!r}: {fault}")
        elif any(group.name == other.name for other in found):
            faults.append(f"{item!r}: there is another group {group.name}; a torch backend has one release")
        else:
            found.append(group)
    if not found and not faults:
        faults.append(f"it names no group, such as {catalog.newest.version}+cpu")
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(found)


def _fault(group: Group, catalog: Catalog) -> Optional[str]:
    try:
        release = catalog.release(group.release)
    except UnknownReleaseError as error:
        return str(error)
    builds = [build for here in release.platforms.values() for build in here.builds if build.seen]
    valid = {build.torch_backend for build in builds if not build.own_index}
    if group.torch_backend in valid:
        return None
    if any(build.torch_backend == group.torch_backend for build in builds):
        return "its wheels require packages that its own index alone has, which no find-links page lists"
    names = [name for name in catalog.torch_backends() if name in valid]
    return f"torch {group.release} has no such build; valid are {', '.join(names)}"


def group_requirements(group: Group, catalog: Catalog, family: Tuple[str, ...] = ()) -> Tuple[str, ...]:
    """The group's requirements, with markers for every platform; ``family`` names torchvision and torchaudio.

    Where a platform lacks the build they are its cpu build, or else the public one.
    """
    requirements = exact_requirements(catalog.release(group.release), group.torch_backend)
    if family:
        from torch_auto.family_group import family_pins  # noqa: PLC0415  # a build needs none of it

        for project in family:
            requirements += tuple(family_pins(project, group.release, group.torch_backend, catalog))
    return requirements


def group_pages(groups: Tuple[Group, ...], index_url: str, family: Tuple[str, ...] = ()) -> Tuple[str, ...]:
    """The find-links pages from which a lock of these groups resolves; they are the same on every machine."""
    projects = ["torch"]
    for group in groups:
        projects.extend(companions(vendor_of(group.torch_backend), group.release))
    return tuple(f"{index_url}/{project}/" for project in dict.fromkeys([*projects, *family]))


# --- which group a machine takes -----------------------------------------------------------------------------------


class _Case(NamedTuple):
    """What a choice looks at."""

    machine: Machine
    groups: Tuple[Group, ...]
    catalog: Catalog

    def here(self, group: Group) -> Optional[PlatformBuilds]:
        """The builds of a group's release on the machine's platform."""
        return self.catalog.release(group.release).platforms.get(self.machine.platform or "")


def choose(machine: Machine, groups: Tuple[Group, ...], catalog: Catalog, torch_backend: str = AUTO) -> Chosen:
    """The group of a machine: the newest release with a group that runs on its most capable GPU, or else torch-cpu.

    ``torch_backend`` asks for one group by its torch backend. Without a group for cpu the first one stands in for it.

    Raises:
        ValueError: ``torch_backend`` is not among the groups; it names those that are.
    """
    case = _Case(machine, groups, catalog)
    if torch_backend == AUTO:
        return _for_gpu(case) or _for_cpu(case)
    for group in groups:
        if group.torch_backend == torch_backend:
            return _asked_for(case, group)
    names = ", ".join(group.torch_backend for group in groups)
    raise ValueError(f"there is no group for {torch_backend}; there are {names}")


@lru_cache(maxsize=64)
def _only(groups: Tuple[Group, ...], catalog: Catalog) -> Catalog:
    """The catalog as if PyTorch had published nothing but the groups' builds for GPUs."""
    wanted: Dict[str, List[str]] = {}
    for group in groups:
        if group.torch_backend != CPU:
            wanted.setdefault(group.release, []).append(group.torch_backend)
    releases = []
    for release in catalog.releases:
        platforms = {}
        for platform, here in release.platforms.items():
            builds = tuple(item for item in here.builds if item.torch_backend in wanted.get(release.version, ()))
            if any(item.seen for item in builds):
                platforms[platform] = here._replace(builds=builds, public=None)
        if platforms:
            releases.append(release._replace(platforms=platforms))
    return catalog._replace(releases=tuple(releases))


def _comes_for(python: str, here: PlatformBuilds) -> bool:
    return any(python in (build.pythons or here.pythons) for build in here.builds)


def _for_gpu(case: _Case) -> Optional[Chosen]:
    """The group for the most capable GPU that any group serves."""
    only = _only(case.groups, case.catalog)
    for release in reversed(only.releases):
        here = release.platforms.get(case.machine.platform or "")
        if here is None or not _comes_for(case.machine.python, here):
            continue
        selection = select(case.machine, release, only)
        build = here.find(selection.torch_backend)
        if selection.accelerated and build is not None:
            context = Context(case.machine, only, release, case.machine.platform or "", here)
            return _reasoned(case, context, build, selection)
    return None


def _reasoned(case: _Case, context: Context, build: Build, selection: Selection) -> Chosen:
    """A choice among the groups' builds, in words that hold where PyTorch has more than these."""
    group = Group(context.release.version, build.torch_backend)
    devices = candidates(case.machine)
    served = [bool(reach_of(item, case.machine, context.catalog).releases) for item in devices]
    first = served.index(True)
    decisive, others = devices[first], [*devices[:first], *devices[first + 1 :]]
    why = why_build(build, decisive, others, context, "groups")
    reasons = [_unserved(item, case) for item in devices[:first]]
    reasons += [f"{decisive.describe()} decides.", group.name + why[len(group.torch_backend) :]]
    for number, other in enumerate(devices[first + 1 :], first + 1):
        found = context.fault(build, other)
        if found is not None:
            reasons.append(why_left_out(other, found, context) if served[number] else _unserved(other, case))
    return _chosen(case, group, selection._replace(public_allowed=False), reasons)


def _unserved(device: Candidate, case: _Case) -> str:
    """Why no group serves a GPU, and what would."""
    reach = reach_of(device, case.machine, case.catalog)
    name = device.describe()
    if not reach.releases:
        return unsupported(device, case.machine, case.catalog, reach)
    releases = sorted({group.release for group in case.groups}, key=version_key, reverse=True)
    named = next((release for release in releases if release in reach.releases), releases[0])
    alone = case.machine._replace(accelerators=(device.accelerator._replace(devices=(device.device,)),))  # type: ignore[arg-type]  # both of one vendor
    release = case.catalog.release(named)
    here = release.platforms.get(case.machine.platform or "")
    if here is not None and not _comes_for(case.machine.python, here):
        return f"{name}: no group runs on it; torch {named} has no wheels for Python {case.machine.python}."
    selection = select(alone, release, case.catalog)
    if selection.accelerated:
        return f"{name}: no group runs on it; torch {named} has a build for it, {selection.torch_backend}."
    return f"{name}: no group runs on it. {selection.reasons[-1]}"


def _for_cpu(case: _Case) -> Chosen:
    """Rule 1 among groups: nothing that a group serves."""
    group = next((item for item in case.groups if item.torch_backend == CPU), case.groups[0])
    selection = _installs(case, group)
    reasons = list(selection.reasons)
    if case.machine.platform == "macos_arm64":
        reasons.append(f"{group.name}: every group comes to that build.")
    elif selection.needs is None and case.machine.platform is not None:
        devices = candidates(case.machine)
        reasons = [_unserved(item, case) for item in devices]
        reasons.append(f"{'No GPU that a group runs on' if devices else 'No GPU was found'}: {group.name}.")
        if group.torch_backend != CPU:
            reasons.append(f"There is no group torch-cpu; the first one stands in for it: {_torch(selection)}.")
    return _chosen(case, group, selection, reasons)


def _asked_for(case: _Case, group: Group) -> Chosen:
    """A group that the user named."""
    selection = _installs(case, group)
    reasons = [f"The setting asks for {group.torch_backend}."]
    here = case.here(group)
    if selection.needs is not None or here is None or here.find(CPU) is None:
        reasons.extend(selection.reasons)
    elif selection.torch_backend != group.torch_backend:
        where = f"for {case.machine.platform} and Python {case.machine.python}"
        reasons.append(f"torch {group.release} has no such build {where}: {_torch(selection)}.")
    elif group.torch_backend != CPU and not selection.accelerated:
        asked = select(case.machine, case.catalog.release(group.release), case.catalog, group.torch_backend)
        reasons.extend(item for item in asked.reasons if item.startswith("It will not"))
    return _chosen(case, group, selection, reasons)


def _torch(selection: Selection) -> str:
    return f"torch {selection.version}{'' if selection.local_version else ', the public build'}"


def _installs(case: _Case, group: Group) -> Selection:
    """What a group's requirements come to on a machine, whatever GPU it has."""
    release = case.catalog.release(group.release)
    machine = case.machine
    if machine.platform == "macos_arm64":
        return select(machine, release, case.catalog)
    selection = select(machine, release, case.catalog, CPU)
    here = case.here(group)
    build = group_build(here, group.torch_backend, machine.python) if here is not None else None
    if here is None or build is None or selection.needs is not None:
        return selection
    context = Context(machine, case.catalog, release, machine.platform or "", here)
    local = build.local_version
    return selection._replace(
        torch_backend=build.torch_backend,
        local_version=local,
        public_allowed=local is None,
        accelerated=_comes_for(machine.python, here._replace(builds=(build,))) and reached(build, context) > 0,
    )


def _chosen(case: _Case, group: Group, selection: Selection, reasons: List[str]) -> Chosen:
    """The choice with its reasons, and every other build of the release with the reason why not."""
    others = [item.torch_backend for item in case.groups if item.release == group.release]
    rejected = {item.torch_backend: item for item in selection.rejected}
    here = case.here(group)
    for build in here.builds if here is not None else ():
        name = build.torch_backend
        if name not in others:
            rejected[name] = Rejection(name, "it is not among the groups")
        elif not selection.accelerated or name not in rejected:
            rejected[name] = Rejection(name, f"{group.name} is taken")
    rejected.pop(selection.torch_backend or "", None)
    selection = selection._replace(reasons=tuple(dict.fromkeys(reasons)), rejected=tuple(rejected.values()))
    return Chosen(group, selection, selection.reasons)
