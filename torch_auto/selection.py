"""Which build of a release a machine gets, and why: the rules of docs/rules.md, as a pure function.

``select`` reads a Machine, a Release and the Catalog, and nothing else. What it decides is a :class:`Selection`;
how that is written as requirements is the business of :mod:`torch_auto.requirements`.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

from torch_auto.catalog import (
    Build,
    Catalog,
    PlatformBuilds,
    Release,
    rocm_version,
    toolkit_version,
    vendor_of,
    version_key,
)
from torch_auto.fit import Candidate, candidates, cuda_driver_version, libc_fault
from torch_auto.machine import Machine, NvidiaAccelerator, format_pair
from torch_auto.reach import Context, Reach, has_python, reach_of, reached
from torch_auto.reasons import Rejection, left_out, rejections, span, unsupported, why_build, worst_first

#: Values of the setting ``backend`` that are no torch backend.
AUTO, PUBLIC, NONE = "auto", "pypi", "none"


class Selection(NamedTuple):
    """What a release comes to on a machine.

    ``local_version`` is the local version to pin, or None where the build has none (the public build alone).
    ``public_allowed`` says that the public build does as well where no index shows that local version. ``needs`` is
    the label of a pin that nothing satisfies ("nvidia.driver.580"), set where this release has nothing for the
    machine and another release has; ``torch_backend`` is None then, and with the setting ``backend=none``.
    """

    release: str
    platform: Optional[str]
    torch_backend: Optional[str]
    local_version: Optional[str]
    public_allowed: bool
    accelerated: bool
    needs: Optional[str] = None
    reasons: Tuple[str, ...] = ()
    rejected: Tuple[Rejection, ...] = ()

    @property
    def requires_torch(self) -> bool:
        """False with the setting backend=none alone."""
        return self.torch_backend is not None or self.needs is not None

    @property
    def version(self) -> str:
        """The version of torch where the hint is followed: "2.13.0+cu126"; the release where there is no local one."""
        return f"{self.release}+{self.local_version}" if self.local_version else self.release


# --- the order of builds ---------------------------------------------------------------------------------------


def _nvidia_order(build: Build, cuda: Tuple[int, int]) -> Tuple[int, int, int]:
    """The driver's own toolkit major first: native ones newest first, then others oldest first; then older majors.

    A newer major comes last, the nearest first: it is there where the driver reaches that major's floor and yet calls
    itself older, as with an old libcuda in a container.
    """
    major, minor = toolkit_version(build.torch_backend) or (0, 0)
    if major == cuda[0]:
        native = minor <= cuda[1]
        return (0, 0, -minor) if native else (0, 1, minor)
    return (1000 + major, 0, minor) if major > cuda[0] else (1 + cuda[0] - major, 0, -minor)


def _order(build: Build, decisive: Candidate, context: Context) -> Tuple[int, ...]:
    accelerator = decisive.accelerator
    if isinstance(accelerator, NvidiaAccelerator):
        cuda = cuda_driver_version(accelerator, context.machine)
        return _nvidia_order(build, cuda or (0, 0))
    return tuple(-part for part in rocm_version(build.torch_backend) or ())


def _best(usable: List[Build], decisive: Candidate, context: Context) -> Build:
    def key(build: Build) -> Tuple[int, Tuple[int, ...]]:
        return -reached(build, context), _order(build, decisive, context)

    return min(usable, key=key)


# --- the rules ---------------------------------------------------------------------------------------------------


def _public_only(
    machine: Machine, release: Release, reasons: Tuple[str, ...], *, accelerated: bool = False
) -> Selection:
    here = release.platforms.get(machine.platform or "")
    public = here.public.torch_backend if here is not None and here.public is not None else None
    return Selection(
        release.version,
        machine.platform,
        public or "cpu",
        None,
        public_allowed=True,
        accelerated=accelerated,
        reasons=reasons,
    )


def _label(
    context: Context,
    needs: str,
    reasons: List[str],
    decisive: Optional[Candidate],
    otherwise: str = "it does not install on this system",
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
    )


def _cpu(context: Context, reasons: List[str], otherwise: str = "there is no GPU that it could use") -> Selection:
    """Rule 1: the CPU build, or the public one where no index shows it."""
    here = context.here
    build = here.find("cpu")
    public = here.public
    if build is not None and build.local_version is not None:
        if public is not None and public.torch_backend != "cpu":
            reasons.append(
                f"The public build of {context.release.version} on PyPI is {public.torch_backend}: it runs on the CPU "
                "too, but brings GPU libraries along; with the hint the much smaller cpu build is taken."
            )
        local: Optional[str] = build.local_version
    else:
        local = None
    return Selection(
        context.release.version,
        context.platform,
        "cpu",
        local,
        public_allowed=True,
        accelerated=False,
        reasons=tuple(reasons),
        rejected=rejections(build, None, context, otherwise),
    )


def _libc_label(context: Context) -> Optional[Tuple[str, str]]:
    """The label and the reason where none of this release's wheels install on the machine's libc."""
    builds = [build for build in context.here.builds if build.seen]
    if context.here.public is not None:
        builds.append(context.here.public)
    faults = [libc_fault(build.glibc, context.machine) for build in builds]
    if not faults or None in faults:
        return None
    text = f"torch {context.release.version} does not install here: {faults[0].text if faults[0] else ''}."
    if not (context.machine.libc or "").startswith("glibc"):
        return "glibc", text
    lowest = min(build.glibc for build in builds if build.glibc is not None)
    return f"glibc.{format_pair(lowest)}", text


def _release_label(reach: Reach, release: str) -> str:
    """The label that names the nearest release that serves the machine: a newer one if there is one, else an older."""
    older = [item for item in reach.releases if version_key(item) < version_key(release)]
    newer = [item for item in reach.releases if version_key(item) > version_key(release)]
    return f"torch.{newer[0]}.or.newer" if newer else f"torch.{older[-1]}.or.older"


def _nothing_here(context: Context, decisive: Candidate, reach: Reach, reasons: List[str]) -> Selection:
    faults = [context.fault(build, decisive) for build in context.here.builds if build.seen]
    drivers = [item.driver for item in faults if item is not None and item.kind == "driver" and item.driver]
    serving = span(reach.releases, context.catalog)
    if drivers:
        driver = min(drivers, key=version_key)
        reasons.append(
            f"torch {context.release.version} needs NVIDIA driver {driver} or newer on this GPU; "
            f"with the driver of this machine torch {serving} have a build for it."
        )
        return _label(context, f"nvidia.driver.{driver}", reasons, decisive)
    reasons.append(f"torch {context.release.version} has no build that runs on it; torch {serving} have.")
    return _label(context, _release_label(reach, context.release.version), reasons, decisive)


def _accelerated(context: Context, decisive: Candidate, others: List[Candidate], reasons: List[str]) -> Selection:
    """Rule 2, and rule 3 where this release has no build for the device that decides."""
    reach = reach_of(decisive, context.machine, context.catalog)
    reasons.append(f"{decisive.describe()} decides.")
    usable = context.usable(decisive)
    if not usable:
        return _nothing_here(context, decisive, reach, reasons)
    best = _best(usable, decisive, context)
    reasons.append(why_build(best, decisive, others, context))
    reasons.extend(left_out(best, others, context))
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
    )


def _public_beside(best: Build, devices: List[Candidate], reach: Reach, context: Context) -> Tuple[bool, str]:
    """Whether the public build does too, by (a) it runs on the same devices, or (b) no release's public build does."""
    public = context.here.public
    version = context.release.version
    if public is None:
        return False, f"PyPI has no build of torch {version} for {context.platform}: the hint is needed."
    served = [item for item in devices if context.fault(best, item) is None]
    if public.torch_backend == best.torch_backend:
        return (
            True,
            f"The public build of {version} on PyPI is {best.torch_backend} too, so it serves without the hint.",
        )
    if all(context.fault(public, item) is None for item in served):
        return True, (
            f"The public build of {version} on PyPI ({public.torch_backend}) runs on the same devices, "
            "so it serves without the hint."
        )
    if not reach.public:
        return True, (
            f"The public build of {version} on PyPI ({public.torch_backend}) does not use this GPU, and no release's "
            f"does; it is allowed all the same, so that something installs. With the hint {best.torch_backend} comes."
        )
    older = [item for item in reach.public if version_key(item) < version_key(version)]
    then = f"goes back, to torch {older[-1]} at best" if older else "finds no older release whose public build does"
    which = "this GPU" if len(devices) == 1 else f"every GPU that {best.torch_backend} runs on"
    return False, (
        f"The public build of {version} on PyPI ({public.torch_backend}) does not run on {which}; without the hint an "
        f"installer {then}."
    )


def _auto(context: Context) -> Selection:
    if context.platform == "macos_arm64":
        reason = "macOS on Apple silicon has one build, the public one; it uses the GPU through MPS."
        return _public_only(context.machine, context.release, (reason,), accelerated=True)
    devices = candidates(context.machine)
    reasons: List[str] = []
    for position, decisive in enumerate(devices):
        reach = reach_of(decisive, context.machine, context.catalog)
        if reach.releases:
            others = [*devices[:position], *devices[position + 1 :]]
            return _accelerated(context, decisive, others, reasons)
    reasons.extend(
        unsupported(item, context.machine, context.catalog, reach_of(item, context.machine, context.catalog))
        for item in devices
    )
    reasons.append("No GPU that torch can use: the CPU build." if devices else "No GPU was found: the CPU build.")
    return _cpu(context, list(dict.fromkeys(reasons)))


def _asked_for(context: Context, torch_backend: str) -> Selection:
    """A torch backend that the user named: that build and no other, whatever the machine has."""
    reasons = [f"The setting asks for {torch_backend}."]
    otherwise = f"the setting asks for {torch_backend}"
    places = [
        release.version
        for release in context.catalog.releases
        if context.platform in release.platforms and release.platforms[context.platform].find(torch_backend) is not None
    ]
    if not places and torch_backend in context.catalog.torch_backends():
        reasons.append(f"PyTorch has no {torch_backend} build for {context.platform}: the public build.")
        return _public_only(context.machine, context.release, tuple(reasons))
    if not places:
        reasons.append(
            f"No release in this catalog, of {context.catalog.as_of}, is known to have a {torch_backend} build."
        )
        return _label(context, torch_backend, reasons, None, otherwise)
    build = context.here.find(torch_backend)
    libc = libc_fault(build.glibc, context.machine) if build is not None else None
    if build is not None and libc is not None and build.glibc is not None:
        reasons.append(f"It does not install here: {libc.text}.")
        return _label(context, f"glibc.{format_pair(build.glibc)}", reasons, None, otherwise)
    if build is None or not has_python(build, context.machine.python):
        reasons.append(
            f"torch {context.release.version} has no such build; torch {span(tuple(places), context.catalog)} have."
        )
        label = _release_label(Reach(tuple(places), (), ()), context.release.version)
        return _label(context, label, reasons, None, otherwise)
    devices = [item for item in candidates(context.machine) if item.vendor == vendor_of(torch_backend)]
    faults = [context.fault(build, item) for item in devices]
    runs = None in faults
    if not runs:
        known = [item for item in faults if item is not None]
        why = worst_first(known)
        reasons.append(f"It will not use a GPU of this machine: {why.text if why else 'there is none that it is for'}.")
    if build.own_index:
        reasons.append("Its wheels require packages that its own index alone has: that index has to be named, too.")
    public = context.here.public
    same = public is not None and public.torch_backend == torch_backend
    if same:
        reasons.append(f"The public build of {context.release.version} on PyPI is {torch_backend} too.")
    return Selection(
        context.release.version,
        context.platform,
        torch_backend,
        build.local_version,
        public_allowed=same,
        accelerated=runs,
        reasons=tuple(reasons),
        rejected=rejections(build, None, context, otherwise),
    )


def _no_builds(machine: Machine, release: Release, catalog: Catalog, platform: str) -> Selection:
    """The release has nothing for the whole platform; another one has."""
    places = tuple(item.version for item in catalog.releases if platform in item.platforms)
    text = f"torch {release.version} has no build for {platform}; torch {span(places, catalog)} have."
    label = _release_label(Reach(places, (), ()), release.version)
    if platform == "macos_x86_64":
        label = "macos.arm64"
        text += " Newer releases of torch need a Mac with Apple silicon."
    empty = Context(machine, catalog, release, platform, PlatformBuilds((), None, frozenset()))
    return _label(empty, label, [text], None)


def select(machine: Machine, release: Release, catalog: Catalog, torch_backend: str = AUTO) -> Selection:
    """What a release comes to on a machine.

    ``torch_backend`` is a value of the setting ``backend``: "auto", a torch backend, "pypi" or "none".
    """
    if torch_backend == NONE:
        return Selection(
            release.version,
            machine.platform,
            None,
            None,
            public_allowed=False,
            accelerated=False,
            reasons=("The setting backend=none asks for no torch: the command alone.",),
        )
    if torch_backend == PUBLIC:
        return _public_only(machine, release, ("The setting backend=pypi asks for the public builds, everywhere.",))
    platform = machine.platform
    if platform is None:
        reason = (
            f"PyTorch publishes no builds for {machine.system} on {machine.architecture}; the public build is "
            "required, so that the installer says so."
        )
        return _public_only(machine, release, (reason,))
    here = release.platforms.get(platform)
    if here is None:
        return _no_builds(machine, release, catalog, platform)
    context = Context(machine, catalog, release, platform, here)
    label = _libc_label(context)
    if label is not None:
        return _label(context, label[0], [label[1]], None)
    if torch_backend == AUTO:
        return _auto(context)
    if torch_backend == "cpu":
        return _cpu(context, ["The setting asks for cpu."], "the setting asks for cpu")
    return _asked_for(context, torch_backend)
