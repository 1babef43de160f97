"""What the rules look at: a release on a machine, its usable builds, and which releases reach a device at all."""

from __future__ import annotations

from functools import lru_cache
from typing import FrozenSet, List, NamedTuple, Optional, Tuple

from torch_auto.catalog import Build, Catalog, PlatformBuilds, Release
from torch_auto.fit import Candidate, Unfit, candidates, fault
from torch_auto.machine import Machine


class Context(NamedTuple):
    """What every rule looks at."""

    machine: Machine
    catalog: Catalog
    release: Release
    platform: str
    here: PlatformBuilds

    def fault(self, build: Build, candidate: Candidate) -> Optional[Unfit]:
        """Why a build does not run on a device of this machine, or None where it does."""
        return fault(build, candidate, self.machine, self.catalog)

    def usable(self, candidate: Candidate) -> List[Build]:
        """The release's builds that can be pinned for a device."""
        return _usable(self.here, candidate, self.machine, self.catalog)


def _usable(here: PlatformBuilds, candidate: Candidate, machine: Machine, catalog: Catalog) -> List[Build]:
    """The builds that can be pinned for a device, where nothing but the hint is set."""
    return [
        build
        for build in here.builds
        if build.seen
        and not build.own_index
        and has_python(build, machine.python)
        and fault(build, candidate, machine, catalog) is None
    ]


def has_python(build: Build, python: str) -> bool:
    """Whether a build comes for a Python, as far as it differs from its platform's; "" stands for any."""
    return not python or build.pythons is None or python in build.pythons


class Reach(NamedTuple):
    """In which releases a device has a build, on the machine's platform."""

    releases: Tuple[str, ...]  # those that the machine's Python can install, oldest first
    public: Tuple[str, ...]  # those of them whose public build runs on the device
    other_pythons: Tuple[str, ...]  # those that only other Pythons can install


class _Served(NamedTuple):
    release: str
    public: bool
    pythons: FrozenSet[str]


@lru_cache(maxsize=256)
def _served(candidate: Candidate, machine: Machine, catalog: Catalog) -> Tuple[_Served, ...]:
    """The releases that have a build for a device, whatever the Python."""
    found = []
    for release in catalog.releases:
        here = release.platforms.get(machine.platform or "")
        usable = _usable(here, candidate, machine, catalog) if here is not None else []
        if here is not None and usable:
            public = here.public is not None and fault(here.public, candidate, machine, catalog) is None
            pythons = frozenset().union(*(build.pythons or here.pythons for build in usable))
            found.append(_Served(release.version, public, pythons))
    return tuple(found)


def reach_of(candidate: Candidate, machine: Machine, catalog: Catalog) -> Reach:
    """In which releases a device of this machine has a build, by the machine's Python."""
    served = _served(candidate, machine._replace(python="", evidence=()), catalog)
    mine = [item for item in served if machine.python in item.pythons]
    return Reach(
        tuple(item.release for item in mine),
        tuple(item.release for item in mine if item.public),
        tuple(item.release for item in served if machine.python not in item.pythons),
    )


def reached(build: Build, context: Context) -> int:
    """On how many of the machine's GPUs a build runs."""
    return sum(context.fault(build, item) is None for item in candidates(context.machine))
