"""What the rules look at: a release on a machine, its usable builds, and which releases reach a device at all."""

from __future__ import annotations

from functools import lru_cache

from torch_auto.catalog.drivers import version_key
from torch_auto.frozen import Frozen
from torch_auto.select.runs_on import candidates, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Build, Catalog, LibraryGap, PlatformBuilds, Release
    from torch_auto.machine import Machine
    from torch_auto.select.runs_on import Candidate, Unfit

    #: The builds to choose from, as (release, torch backend): those of a project's groups. None stands for all.
    Allowed = frozenset[tuple[str, str]] | None


class Context(Frozen):
    """What every rule looks at: the machine, the release on its platform, and which builds there are to choose from."""

    machine: Machine
    catalog: Catalog
    release: Release
    platform: str
    here: PlatformBuilds
    allowed: Allowed = None

    @property
    def builds(self) -> tuple[Build, ...]:
        """The builds of the release on the platform that there are to choose from."""
        return _among(self.here.builds, self.release.version, self.allowed)

    @property
    def public(self) -> Build | None:
        """PyPI's build; None where PyPI has none, and where groups leave no room for it."""
        return self.here.public if self.allowed is None else None

    def fault(self, build: Build, candidate: Candidate) -> Unfit | None:
        """Why a build does not run on a device of this machine, or None where it does."""
        return fault(build, candidate, self.machine, self.catalog)

    def usable(self, candidate: Candidate) -> list[Build]:
        """The release's builds that can be pinned for a device on the machine's Python."""
        found = _usable(self.builds, candidate, self.machine, self.catalog)
        return [build for build in found if build.comes_for(self.machine.python)]

    def reach(self, candidate: Candidate) -> Reach:
        """In which releases a device has a build to choose from."""
        return reach_of(candidate, self.machine, self.catalog, self.allowed)

    def gaps(self, build: Build, candidate: Candidate) -> tuple[LibraryGap, ...]:
        """What the libraries of a build lack for a device that the build itself runs on."""
        capability, release = candidate.device.compute_capability, version_key(self.release.version)
        return tuple(
            gap
            for gap in self.catalog.library_gaps
            if capability in gap.compute_capabilities
            and build.torch_backend in gap.torch_backends
            and self.platform in gap.platforms
            and version_key(gap.since) <= release <= version_key(gap.until)
        )

    def reached(self, build: Build) -> int:
        """On how many of the machine's GPUs a build runs."""
        return sum(self.fault(build, item) is None for item in candidates(self.machine))


def _among(builds: tuple[Build, ...], release: str, allowed: Allowed) -> tuple[Build, ...]:
    if allowed is None:
        return builds
    return tuple(build for build in builds if (release, build.torch_backend) in allowed)


def _usable(builds: tuple[Build, ...], candidate: Candidate, machine: Machine, catalog: Catalog) -> list[Build]:
    """The builds that can be pinned for a device, whatever the Python, where PyTorch's pages are named."""
    return [build for build in builds if build.can_be_pinned and fault(build, candidate, machine, catalog) is None]


class Reach(Frozen):
    """In which releases a device has a build, on the machine's platform."""

    releases: tuple[str, ...]  # those that the machine's Python can install, oldest first
    public: tuple[str, ...] = ()  # those of them whose PyPI build runs on the device
    other_pythons: tuple[str, ...] = ()  # those that only other Pythons can install


class _Served(Frozen):
    release: str
    public: bool
    pythons: frozenset[str]


@lru_cache(maxsize=256)
def _served(candidate: Candidate, machine: Machine, catalog: Catalog, allowed: Allowed) -> tuple[_Served, ...]:
    """The releases that have a build for a device, whatever the Python."""
    found = []
    for release in catalog.releases:
        here = release.platforms.get(machine.platform or "")
        if here is None:
            continue
        usable = _usable(_among(here.builds, release.version, allowed), candidate, machine, catalog)
        if usable:
            public = here.public is not None and fault(here.public, candidate, machine, catalog) is None
            pythons: frozenset[str] = frozenset().union(*(build.pythons or here.pythons for build in usable))
            found.append(_Served(release.version, public, pythons))
    return tuple(found)


def reach_of(candidate: Candidate, machine: Machine, catalog: Catalog, allowed: Allowed = None) -> Reach:
    """In which releases a device of this machine has a build to choose from, by the machine's Python."""
    served = _served(candidate, machine.replace(python="", evidence=()), catalog, allowed)
    mine = [item for item in served if machine.python in item.pythons]
    return Reach(
        tuple(item.release for item in mine),
        tuple(item.release for item in mine if item.public),
        tuple(item.release for item in served if machine.python not in item.pythons),
    )
