"""The kinds of machines that the catalog tells apart, each with a machine that stands for all of its kind.

Kinds are made from the data: the platforms, the compute capabilities and gfx targets that any build is made for, and
the driver versions at which an answer changes. Machines with GPUs of several kinds are not among them.
"""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.frozen import Frozen
from torch_auto.machine import PLATFORMS, Accelerator, Device, Machine, format_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Build, Catalog, Release

#: NVIDIA's names of compute capabilities (developer.nvidia.com/cuda-gpus), by the lowest that has code of its own.
FAMILIES = {
    (3, 7): "Kepler 3.7",
    (5, 0): "Maxwell 5.0 to 5.2",
    (6, 0): "Pascal 6.0",
    (6, 1): "Pascal 6.1",
    (7, 0): "Volta 7.0",
    (7, 5): "Turing 7.5",
    (8, 0): "Ampere 8.0",
    (8, 6): "Ampere and Ada 8.6 to 8.9",
    (9, 0): "Hopper 9.0",
    (10, 0): "Blackwell 10.0 to 10.3",
    (11, 0): "Thor 11.0",
    (12, 0): "Blackwell 12.0 to 12.1",
}

_PLACES = {platform: place for place, platform in PLATFORMS.items()}


def family(capability: tuple[int, int]) -> str:
    """The GPUs that run the code of a compute capability; one that has no name here goes by its number."""
    return FAMILIES.get(capability, f"compute capability {format_pair(capability)}")


class Step(Frozen):
    """A driver version from which on an answer may be another; the first step of all is any older driver."""

    linux: str
    windows: str

    def on(self, platform: str) -> str:
        """The driver version on a platform."""
        return self.windows if platform.startswith("win") else self.linux


class Kind(Frozen):
    """A kind of machine: ``vendor`` and what it is told apart by; a machine without a GPU has none of them.

    ``step`` is the position of the driver among :func:`steps`.
    """

    platform: str
    machine: Machine
    vendor: str | None = None
    compute_capability: tuple[int, int] = (0, 0)
    step: int = 0
    gfx_target: str = ""


def steps(releases: tuple[Release, ...], catalog: Catalog) -> tuple[Step, ...]:
    """The drivers at which the answer for these releases may change, oldest first."""
    toolkits = {
        build.torch_backend.toolkit
        for release in releases
        for here in release.platforms.values()
        for build in here.builds
        if build.seen
    }
    found = [
        Step(floor.linux, floor.windows)
        for floor in catalog.drivers.floors
        if floor.toolkit_major in {toolkit[0] for toolkit in toolkits if toolkit is not None}
    ]
    found += [
        Step(paired.linux, paired.windows)
        for paired in catalog.drivers.paired
        if paired.cuda in toolkits and paired.windows is not None
    ]
    oldest = Step("1", "1")
    return (oldest, *sorted(set(found), key=lambda step: version_key(step.linux)))


def common_python(release: Release) -> str:
    """The newest Python that all of a release's builds come for; where there is none, of Linux on x86_64."""
    sets: list[frozenset[str]] = []
    for here in release.platforms.values():
        sets += [build.pythons or here.pythons for build in here.builds if build.seen] or [here.pythons]
    common = frozenset.intersection(*sets) or release.platforms["linux_x86_64"].pythons
    return max((python for python in common if not python.endswith("t")), key=version_key)


def kinds(releases: tuple[Release, ...], catalog: Catalog) -> tuple[Kind, ...]:
    """Every kind of machine that a build of any release serves, on the platforms of these releases.

    So there are machines among them that none of these releases serves. A GPU that no torch serves is no kind.
    """
    python = common_python(max(releases, key=lambda release: version_key(release.version)))
    drivers = steps(releases, catalog)
    platforms = [platform for platform in _PLACES if any(platform in release.platforms for release in releases)]
    capabilities = sorted({pair for build in _builds(catalog) for pair in (*build.sm, *build.ptx)})
    found: list[Kind] = []
    for platform in platforms:
        found.append(Kind(platform, _machine(platform, python)))
        builds = _builds(catalog, platform)
        windows = platform.startswith("win")
        gpus = [(step, catalog.drivers.cuda_of(step.on(platform), windows=windows)[0] or (0, 0)) for step in drivers]
        for capability in capabilities:
            if not any(_has_code(build, capability) for build in builds):
                continue
            for number, (step, cuda) in enumerate(gpus):
                gpu = Accelerator("nvidia", (Device("", capability),), step.on(platform), cuda)
                machine = _machine(platform, python, gpu)
                found.append(Kind(platform, machine, "nvidia", compute_capability=capability, step=number))
        for target in sorted({target for build in builds for target in build.gfx}, key=gfx_key):
            machine = _machine(platform, python, Accelerator("amd", (Device(gfx_target=target),)))
            found.append(Kind(platform, machine, "amd", gfx_target=target))
        if any(build.torch_backend.vendor == "intel" for build in builds):
            gpu = Accelerator("intel", (Device(pci_id=min(catalog.xpu_ids)),))
            found.append(Kind(platform, _machine(platform, python, gpu), "intel"))
    return tuple(found)


def _builds(catalog: Catalog, platform: str | None = None) -> list[Build]:
    """The builds of all releases, on one platform or on all."""
    return [
        build
        for release in catalog.releases
        for name, here in release.platforms.items()
        for build in here.builds
        if build.seen and platform in (None, name)
    ]


def _has_code(build: Build, capability: tuple[int, int]) -> bool:
    return any(major == capability[0] and minor <= capability[1] for major, minor in build.sm)


def gfx_key(target: str) -> tuple[int, str]:
    """A key that sorts gfx targets: gfx90a before gfx1030."""
    return len(target), target


def _machine(platform: str, python: str, *accelerators: Accelerator) -> Machine:
    """The libc is left open, so that wheels of every glibc install."""
    system, architecture = _PLACES[platform]
    return Machine(system, architecture, python, accelerators=accelerators)
