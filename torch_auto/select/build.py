"""Which build of a release a machine gets, and why: the rules of docs/explanation/rules.md, as a pure function.

``select`` reads a Machine, a Release and the Catalog, and nothing else. What it decides is a :class:`Selection`;
how that is written as requirements is the business of :mod:`torch_auto.pins`.
"""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.catalog.model import PlatformBuilds
from torch_auto.catalog.torch_backends import CPU, parse_or_none
from torch_auto.frozen import Frozen
from torch_auto.machine import format_pair
from torch_auto.select.explain import cautions, left_out, rejections, span, unsupported, why_build
from torch_auto.select.needs import (
    OLDER,
    Needs,
    needs_driver,
    needs_glibc,
    needs_macos,
    needs_sighting,
    needs_torch,
)
from torch_auto.select.reach import Context, Reach, reach_of
from torch_auto.select.reasons import because
from torch_auto.select.runs_on import candidates, cuda_driver_version, libc_fault, rank, worst_first
from torch_auto.settings import AUTO, PUBLIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch_auto.catalog.model import Build, Catalog, Release
    from torch_auto.machine import Machine
    from torch_auto.select.explain import Rejection
    from torch_auto.select.reach import Allowed
    from torch_auto.select.reasons import Reason
    from torch_auto.select.runs_on import Candidate


class Selection(Frozen):
    """What a release gives a machine.

    ``local_version`` is the local version to pin, or None where the build has none (PyPI's build alone).
    ``public_allowed`` says that PyPI's build serves as well where no page shows that local version. ``needs`` is
    the label of a pin that nothing satisfies, set where this release has nothing for the machine and another release
    has; ``torch_backend`` is None then, and only then. ``device`` is the one that the build was chosen for.
    """

    release: str
    platform: str | None
    torch_backend: str | None
    local_version: str | None
    public_allowed: bool
    accelerated: bool
    needs: Needs | None = None
    reasons: tuple[Reason, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    device: Candidate | None = None

    @property
    def version(self) -> str:
        """The version of torch where the pages are named: "2.13.0+cu126"; the release where there is no local one."""
        return f"{self.release}+{self.local_version}" if self.local_version else self.release

    @property
    def vendor(self) -> str | None:
        """Whose GPUs the torch backend is for; None for the CPU, and where none is chosen."""
        found = parse_or_none(self.torch_backend) if self.torch_backend is not None else None
        return found.vendor if found is not None else None


# --- the order of builds ---------------------------------------------------------------------------------------


def _nvidia_order(toolkit: tuple[int, int], cuda: tuple[int, int]) -> tuple[int, int, int]:
    """The driver's own toolkit major first: native ones newest first, then others oldest first; then older majors.

    A newer major comes last, the nearest first: it is there where the driver reaches that major's floor and yet calls
    itself older, as with an old libcuda in a container.
    """
    major, minor = toolkit
    if major == cuda[0]:
        native = minor <= cuda[1]
        return (0, 0, -minor) if native else (0, 1, minor)
    return (2, major, minor) if major > cuda[0] else (1, cuda[0] - major, -minor)


def _order(build: Build, decisive: Candidate, context: Context) -> tuple[int, ...]:
    toolkit = build.torch_backend.toolkit
    if toolkit is not None:
        cuda = cuda_driver_version(decisive.accelerator, context.machine, context.catalog)
        return _nvidia_order(toolkit, cuda or (0, 0))
    return tuple(-part for part in build.torch_backend.rocm or ())


def _best(usable: list[Build], decisive: Candidate, context: Context) -> Build:
    def key(build: Build) -> tuple[int, bool, bool, tuple[int, ...]]:
        gaps = bool(context.gaps(build, decisive))
        return -context.reached(build), build.doubtful, gaps, _order(build, decisive, context)

    return min(usable, key=key)


# --- the rules ---------------------------------------------------------------------------------------------------


def _public_only(machine: Machine, release: Release, *reasons: Reason, accelerated: bool = False) -> Selection:
    """PyPI's build, and no other."""
    here = release.platforms.get(machine.platform or "")
    public = here.public.torch_backend if here is not None and here.public is not None else None
    return Selection(
        release.version,
        machine.platform,
        public or CPU,
        None,
        public_allowed=True,
        accelerated=accelerated,
        reasons=reasons,
    )


def _label(
    context: Context,
    needs: Needs,
    reasons: list[Reason],
    decisive: Candidate | None,
    otherwise: Reason | None = None,
) -> Selection:
    """Rule 3: a pin that nothing satisfies, so that the resolver goes on to a release that serves this machine."""
    return Selection(
        context.release.version,
        context.platform,
        None,
        None,
        public_allowed=False,
        accelerated=False,
        needs=needs,
        reasons=tuple(reasons),
        rejected=rejections(None, decisive, context, otherwise),
        device=decisive,
    )


def _cpu(context: Context, reasons: list[Reason], otherwise: Reason) -> Selection:
    """Rule 1: the CPU build, or PyPI's where no page shows it."""
    build = context.here.find(CPU)
    public = context.here.public
    local = build.local_version if build is not None else None
    if local is not None and public is not None and public.torch_backend != CPU:
        release = context.release.version
        reasons.append(because("pypi-is-large", release=release, torch_backend=str(public.torch_backend)))
    return Selection(
        context.release.version,
        context.platform,
        CPU,
        local,
        public_allowed=True,
        accelerated=False,
        reasons=tuple(reasons),
        rejected=rejections(build, None, context, otherwise),
    )


def _libc_label(context: Context) -> tuple[Needs, Reason] | None:
    """The label and the reason where none of this release's wheels install on the machine's libc."""
    builds = [build for build in context.builds if build.seen]
    if context.public is not None:
        builds.append(context.public)
    faults = [found for found in (libc_fault(build.glibc, context.machine) for build in builds) if found is not None]
    if not builds or len(faults) < len(builds):
        return None
    reason = because("libc", release=context.release.version, why=faults[0].reason)
    if not (context.machine.libc or "").startswith("glibc"):
        return needs_glibc(), reason
    lowest = min(build.glibc for build in builds if build.glibc is not None)
    return needs_glibc(format_pair(lowest)), reason


def _macos_label(context: Context) -> tuple[Needs, Reason] | None:
    """The label and the reason where the wheels ask for a newer macOS, which no marker can tell."""
    oldest, version = context.here.macos, context.machine.system_version
    if oldest is None or version is None or (*version_key(version), 0)[:2] >= oldest:
        return None
    needs = needs_macos(oldest)
    return needs, because("macos-too-old", release=context.release.version, needs=needs.value, has=version)


def _has_wheels(here: PlatformBuilds, python: str) -> bool:
    """Whether any build of a release comes for a Python."""
    builds = (build for build in here.builds if build.can_be_pinned)
    return python in here.pythons or any(python in (build.pythons or ()) for build in builds)


def _python_label(context: Context) -> tuple[Needs, Reason] | None:
    """The label and the reason where there are wheels for a Python, and not for its free-threaded build.

    No marker can tell the two apart. Where no release has wheels for it, there is nothing to lead to.
    """
    python, pythons, version = context.machine.python, context.here.pythons, context.release.version
    if not python.endswith("t") or _has_wheels(context.here, python) or python.rstrip("t") not in pythons:
        return None
    places = tuple(
        release.version
        for release in context.catalog.releases
        if context.platform in release.platforms and _has_wheels(release.platforms[context.platform], python)
    )
    if not places:
        return None
    known = tuple(sorted(pythons, key=lambda item: (version_key(item.rstrip("t")), item)))
    reason = because("no-wheels-for-python", release=version, python=python, pythons=known)
    return _release_label(places, version), reason


def _release_label(releases: tuple[str, ...], release: str) -> Needs:
    """The label that names the nearest release that serves the machine: a newer one if there is one, else an older."""
    newer = [item for item in releases if version_key(item) > version_key(release)]
    if newer:
        return needs_torch(newer[0], newer=True)
    older = [item for item in releases if version_key(item) < version_key(release)]
    return needs_torch(older[-1], newer=False)


def _nothing_here(context: Context, decisive: Candidate, reach: Reach) -> Selection:
    """Rule 3: the release has no build for the device that the choice is for, and another one has."""
    faults = [context.fault(build, decisive) for build in context.builds if build.seen]
    drivers = [item.driver for item in faults if item is not None and item.kind == "driver" and item.driver]
    release, serving = context.release.version, span(reach.releases, context.catalog)
    values: dict[str, Any] = {"device": decisive.describe(), "release": release, "releases": serving}
    if drivers:
        driver = min(drivers, key=version_key)
        return _label(context, needs_driver(driver), [because("newer-driver", **values, driver=driver)], decisive)
    label = _release_label(reach.releases, release)
    hoped = [build for build in context.builds if not build.seen and context.fault(build, decisive) is None]
    if hoped and label.kind == OLDER:  # the newest release: its builds come to be seen one by one
        torch_backend = str(max(build.torch_backend for build in hoped))
        reason = because("not-yet-seen", **values, torch_backend=torch_backend, as_of=context.catalog.as_of)
        return _label(context, needs_sighting(torch_backend), [reason], decisive)
    return _label(context, label, [because("other-releases", **values)], decisive)


def _accelerated(context: Context, decisive: Candidate, others: list[Candidate]) -> Selection:
    """Rule 2, and rule 3 where this release has no build for the device that the choice is for."""
    reach = context.reach(decisive)
    usable = context.usable(decisive)
    if not usable:
        return _nothing_here(context, decisive, reach)
    best = _best(usable, decisive, context)
    reasons = [because("chosen-for", device=decisive.describe())]
    reasons.append(why_build(best, decisive, others, usable, context))
    reasons.extend(cautions(decisive, best, context))
    for other in others:
        found = context.fault(best, other)
        if found is not None:
            served = context.reach(other).releases
            reasons.append(left_out(other, found, context) if served else why_unserved(other, context))
    allowed = False
    if context.allowed is None:
        allowed, why = _public_beside(best, [decisive, *others], reach, context)
        reasons.append(why)
    return Selection(
        context.release.version,
        context.platform,
        best.torch_backend,
        best.local_version,
        public_allowed=allowed,
        accelerated=True,
        reasons=tuple(reasons),
        rejected=rejections(best, decisive, context),
        device=decisive,
    )


def _public_beside(best: Build, devices: list[Candidate], reach: Reach, context: Context) -> tuple[bool, Reason]:
    """Whether PyPI's build serves too: (a) it runs on the same devices, or (b) no release's PyPI build does."""
    public, version = context.public, context.release.version
    if public is None:
        return False, because("not-on-pypi", release=version, platform=context.platform)
    torch_backend = str(public.torch_backend)
    served = [item for item in devices if context.fault(best, item) is None]
    if public.torch_backend == best.torch_backend:
        return True, because("pypi-is-the-same", release=version, torch_backend=torch_backend)
    faults = [(item, fault) for item in served if (fault := context.fault(public, item)) is not None]
    if not faults:
        return True, because("pypi-runs-too", release=version, torch_backend=torch_backend)
    if not reach.public:
        wanted = str(best.torch_backend)
        return True, because("pypi-never-runs", release=version, torch_backend=torch_backend, wanted=wanted)
    device, unfit = faults[0]
    return False, because(
        "pypi-does-not-run",
        release=version,
        torch_backend=torch_backend,
        device=device.describe() if len(devices) > 1 else None,
        why=unfit.reason,
    )


def why_unserved(device: Candidate, context: Context) -> Reason:
    """Why nothing that there is to choose from runs on a device and, among groups, what would."""
    machine, catalog = context.machine, context.catalog
    reach = reach_of(device, machine, catalog)
    if context.allowed is None or not reach.releases:
        return unsupported(device, machine, catalog, reach.other_pythons)
    releases = {context.release.version, *(release for release, _ in context.allowed)}
    named = max(releases & set(reach.releases) or releases, key=version_key)
    release = catalog.release(named)
    here = release.platforms.get(machine.platform or "")
    if here is not None and not any(machine.python in (build.pythons or here.pythons) for build in here.builds):
        return because("no-group-for-python", device=device.describe(), release=named, python=machine.python)
    alone = machine.replace(accelerators=(device.accelerator.replace(devices=(device.device,)),))
    selection = select(alone, release, catalog)
    if selection.accelerated:
        wanted = str(selection.torch_backend)
        return because("no-group-runs-on", device=device.describe(), release=named, torch_backend=wanted)
    return because("no-group-runs-on", device=device.describe(), release=named, why=selection.reasons[-1])


def _decisive(context: Context, devices: list[Candidate]) -> Candidate | None:
    """The device that the choice is for: the most capable one that any release serves; None where there is none.

    AMD's and Intel's kinds have no order of their own, and the slot that a card is in says nothing: of those that rank
    alike it is the one that the newest release serves, since a release's builds serve old GPUs least long.
    """
    first = next((item for item in devices if context.reach(item).releases), None)
    if first is None or first.vendor == "nvidia":
        return first
    alike = [item for item in devices if rank(item) == rank(first) and context.reach(item).releases]
    return max(alike, key=lambda item: version_key(context.reach(item).releases[-1]))


def _auto(context: Context) -> Selection:
    if context.platform == "macos_arm64":
        return _public_only(context.machine, context.release, because("apple-silicon"), accelerated=True)
    devices = candidates(context.machine)
    decisive = _decisive(context, devices)
    if decisive is not None:
        others = list(devices)
        others.remove(decisive)
        return _accelerated(context, decisive, others)
    reasons = [why_unserved(item, context) for item in devices]
    reasons.append(because("no-usable-gpu" if devices else "no-gpu"))
    return _cpu(context, list(dict.fromkeys(reasons)), because("no-gpu-for-it"))


def _asked_for(context: Context, torch_backend: str) -> Selection:
    """A torch backend that the user named: that build and no other, whatever the machine has."""
    version, catalog = context.release.version, context.catalog
    asked = because("asked-for", torch_backend=torch_backend)
    reasons = [asked]
    places = tuple(
        release.version
        for release in catalog.releases
        if context.platform in release.platforms and release.platforms[context.platform].find(torch_backend) is not None
    )
    if not places and torch_backend in catalog.torch_backends:
        missing = because("never-on-platform", torch_backend=torch_backend, platform=context.platform)
        return _public_only(context.machine, context.release, asked, missing)
    if not places:
        reasons.append(because("not-in-catalog", torch_backend=torch_backend, as_of=catalog.as_of))
        return _label(context, Needs(torch_backend), reasons, None, asked)
    build = context.here.find(torch_backend)
    libc = libc_fault(build.glibc, context.machine) if build is not None else None
    if build is not None and libc is not None and build.glibc is not None:
        reasons.append(because("libc", release=version, why=libc.reason))
        return _label(context, needs_glibc(format_pair(build.glibc)), reasons, None, asked)
    if build is None or not build.comes_for(context.machine.python):
        reasons.append(because("build-in-other-releases", release=version, releases=span(places, catalog)))
        return _label(context, _release_label(places, version), reasons, None, asked)
    devices = [item for item in candidates(context.machine) if item.vendor == build.torch_backend.vendor]
    faults = [context.fault(build, item) for item in devices]
    runs = None in faults
    if not runs:
        worst = worst_first([item for item in faults if item is not None])
        reasons.append(because("uses-no-gpu", why=worst.reason if worst is not None else None))
    if build.own_index:
        reasons.append(because("asked-own-index"))
    public = context.here.public
    same = public is not None and public.torch_backend == torch_backend
    if same:
        reasons.append(because("pypi-is-the-same", release=version, torch_backend=torch_backend))
    return Selection(
        version,
        context.platform,
        torch_backend,
        build.local_version,
        public_allowed=same,
        accelerated=runs,
        reasons=tuple(reasons),
        rejected=rejections(build, None, context, asked),
        device=devices[faults.index(None)] if runs else None,
    )


def _no_builds(machine: Machine, release: Release, catalog: Catalog, platform: str) -> Selection:
    """The release has nothing for the whole platform; another one has."""
    places = tuple(item.version for item in catalog.releases if platform in item.platforms)
    old_mac = platform == "macos_x86_64"
    values = {"release": release.version, "platform": platform, "releases": span(places, catalog)}
    reason = because("no-builds-for-platform", **values, apple_silicon=old_mac)
    empty = Context(machine, catalog, release, platform, PlatformBuilds((), None, frozenset()))
    label = Needs("macos.arm64") if old_mac else _release_label(places, release.version)
    return _label(empty, label, [reason], None)


def select(
    machine: Machine, release: Release, catalog: Catalog, torch_backend: str = AUTO, allowed: Allowed = None
) -> Selection:
    """What a release gives a machine.

    ``torch_backend`` is a value of the setting ``backend``: "auto", a torch backend, or "pypi". ``allowed`` are the
    builds for GPUs that there are to choose from, where these are a project's groups.
    """
    if torch_backend == PUBLIC:
        return _public_only(machine, release, because("asked-for-pypi"))
    platform = machine.platform
    if platform is None:
        where = {"system": machine.system, "architecture": machine.architecture}
        elsewhere = catalog.elsewhere.get((machine.system, machine.architecture))
        reason = (
            because("wheels-elsewhere", torch=elsewhere, **where) if elsewhere else because("not-a-platform", **where)
        )
        return _public_only(machine, release, reason)
    here = release.platforms.get(platform)
    if here is None:
        return _no_builds(machine, release, catalog, platform)
    context = Context(machine, catalog, release, platform, here, allowed)
    label = _libc_label(context) or _macos_label(context) or _python_label(context)
    if label is not None:
        return _label(context, label[0], [label[1]], None)
    if torch_backend == AUTO:
        return _auto(context)
    if torch_backend == CPU:
        asked = because("asked-for", torch_backend=CPU)
        return _cpu(context, [asked], asked)
    return _asked_for(context, torch_backend)
