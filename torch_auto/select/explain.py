"""The reasons of a selection, as data: why this build, why not the others, what is left out."""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.frozen import Frozen
from torch_auto.machine import format_pair
from torch_auto.select.reasons import because
from torch_auto.select.runs_on import cuda_driver_version, fault, worst_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch_auto.catalog.model import Build, Catalog, LibraryGap
    from torch_auto.machine import Machine
    from torch_auto.select.reach import Context
    from torch_auto.select.reasons import Reason
    from torch_auto.select.runs_on import Candidate, Unfit


class Rejection(Frozen):
    """A build that was not chosen, and why."""

    torch_backend: str
    reason: Reason


def span(releases: tuple[str, ...], catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """Releases as runs of successive ones, (first, last) each."""
    runs: list[list[str]] = [[]]
    for release in catalog.releases:
        if release.version in releases:
            runs[-1].append(release.version)
        elif runs[-1]:
            runs.append([])
    return tuple((run[0], run[-1]) for run in runs if run)


def why_build(
    build: Build, decisive: Candidate, others: list[Candidate], usable: list[Build], context: Context
) -> Reason:
    """Why this build, of those that run on the device that the choice is for."""
    how, values = _how(build, decisive, context)
    lacking = tuple(str(item.torch_backend) for item in usable if context.gaps(item, decisive))
    if lacking and not context.gaps(build, decisive):
        how, values = "complete", {"lacking": lacking}
    return because(
        "best-build",
        torch_backend=str(build.torch_backend),
        how=how,
        of="groups" if context.allowed is not None else "release",
        release=context.release.version,
        others=any(context.fault(build, item) is None for item in others),
        **values,
    )


def _how(build: Build, decisive: Candidate, context: Context) -> tuple[str, dict[str, Any]]:
    """By what a build comes first: one of the words of :mod:`torch_auto.select.words`, and what it compares."""
    toolkit = build.torch_backend.toolkit
    if toolkit is None:
        return ("newest-rocm" if build.torch_backend.rocm is not None else "only"), {}
    accelerator = decisive.accelerator
    cuda = cuda_driver_version(accelerator, context.machine, context.catalog)
    if cuda is None:
        return "oldest", {"toolkit": format_pair(toolkit)}
    if toolkit[0] == cuda[0]:
        how = "newest-native" if toolkit <= cuda else "closest-newer"
    else:
        how = "older-major" if toolkit[0] < cuda[0] else "newer-major"
    values = {"toolkit": format_pair(toolkit), "driver": accelerator.driver_version, "cuda": format_pair(cuda)}
    return how, values


def cautions(candidate: Candidate, build: Build, context: Context) -> list[Reason]:
    """What a person should know of a build that is taken: it runs on the device as far as is known, and yet."""
    accelerator, device, release = candidate.accelerator, candidate.device, context.release.version
    found = []
    if accelerator.lacks is not None:
        found.append(because("lacks-library", library=accelerator.lacks, vendor=accelerator.vendor))
    toolkit = build.torch_backend.toolkit
    if toolkit is not None and accelerator.driver_version is None and accelerator.cuda_driver_version is None:
        floor = context.catalog.drivers.floor(toolkit[0], windows=context.machine.is_windows)
        found.append(because("driver-untold", torch_backend=str(build.torch_backend), needs=floor))
    found += [_lacks_code(gap, candidate, build, context) for gap in context.gaps(build, candidate)]
    if candidate.vendor == "intel":
        family = context.catalog.xpu_ids.get(device.pci_id or "")
        if family is None:
            found.append(because("xpu-newer", pci_id=device.pci_id, driver=device.driver))
        elif family.since is None or version_key(release) < version_key(family.since):
            found.append(because("xpu-not-listed", family=family.name, release=release, since=family.since))
    return found


def _lacks_code(gap: LibraryGap, candidate: Candidate, build: Build, context: Context) -> Reason:
    return because(
        "lacks-code",
        library=gap.library,
        purpose=gap.purpose,
        torch_backend=str(build.torch_backend),
        release=context.release.version,
        capability=format_pair(candidate.device.compute_capability or (0, 0)),
        complete=_complete(candidate, context),
    )


def _complete(candidate: Candidate, context: Context) -> str | None:
    """The newest build whose libraries have code for a device, "2.3.1+cu118"; None where there is none."""
    for version in reversed(context.reach(candidate).releases):
        release = context.catalog.release(version)
        there = context.replace(release=release, here=release.platforms[context.platform])
        found = [item for item in there.usable(candidate) if not there.gaps(item, candidate)]
        if found:
            return f"{version}+{found[-1].torch_backend}"
    return None


def unsupported(candidate: Candidate, machine: Machine, catalog: Catalog, other_pythons: tuple[str, ...]) -> Reason:
    """Why no release has anything for a device on this machine."""
    name = candidate.describe()
    if (machine.platform, candidate.vendor) == ("win_amd64", "amd"):
        return because("amd-on-windows", device=name)
    if (machine.platform, candidate.vendor) == ("win_arm64", "nvidia"):
        return because("nvidia-on-windows-arm", device=name)
    if other_pythons:
        return because("other-pythons-alone", device=name, releases=span(other_pythons, catalog), python=machine.python)
    faults = []
    for release in catalog.releases:
        here = release.platforms.get(machine.platform or "")
        for build in here.builds if here else ():
            found = fault(build, candidate, machine, catalog)
            if build.seen and found is not None and found.kind != "vendor":
                faults.append(found)
    worst = worst_first(faults)
    if worst is None:
        return because("nothing-published", device=name)
    if worst.kind == "architecture":
        versions = tuple(release.version for release in catalog.releases)
        override = catalog.gfx_overrides.get(candidate.device.gfx_target or "")
        if override is not None:
            values = {"value": override[0], "gfx_target": override[1]}
            return because("no-code-without-override", device=name, releases=span(versions, catalog), **values)
        return because("no-code-anywhere", device=name, releases=span(versions, catalog))
    return because("cannot-be-used", device=name, why=worst.reason)


def left_out(other: Candidate, found: Unfit, context: Context) -> Reason:
    """Why a device is left out on which some build runs, but not the one that is taken."""
    reach = context.reach(other)
    return because(
        "left-out",
        device=other.describe(),
        why=found.reason,
        here=context.release.version in reach.releases,
        releases=span(reach.releases, context.catalog),
    )


def rejections(
    chosen: Build | None,
    decisive: Candidate | None,
    context: Context,
    otherwise: Reason | None = None,
) -> tuple[Rejection, ...]:
    """Every build of the release but the chosen one; ``otherwise`` is the reason where no device decides."""
    found: dict[str, Reason] = {}
    for build in context.here.builds:
        if chosen is not None and build.torch_backend == chosen.torch_backend:
            continue
        found[build.torch_backend] = _rejected(build, chosen, decisive, context) or otherwise or because("not-here")
    return tuple(Rejection(*item) for item in found.items())


def _unseen(build: Build, context: Context) -> Reason:
    """Why a build is never pinned: nobody knows what it is for, or nobody has seen it."""
    toolkit = build.torch_backend.toolkit
    drivers = context.catalog.drivers
    known = bool(build.sm or build.gfx or build.torch_backend.vendor in (None, "intel"))
    if known and toolkit is not None:
        known = drivers.floor(toolkit[0], windows=context.machine.is_windows) is not None
    if not known:
        return because("for-unknown", as_of=context.catalog.as_of)
    return because("unseen", platform=context.platform, as_of=context.catalog.as_of)


def _rejected(build: Build, chosen: Build | None, decisive: Candidate | None, context: Context) -> Reason | None:
    """Why a build is not taken; None where nothing about it keeps it from being taken."""
    if not build.seen:
        return _unseen(build, context)
    if build.own_index:
        return because("own-index")
    if not build.comes_for(context.machine.python):
        return because("not-for-python", python=context.machine.python)
    if decisive is None:
        return None
    unfit = context.fault(build, decisive)
    if unfit is not None:
        return unfit.reason
    gaps = context.gaps(build, decisive)
    if gaps and chosen is not None and not context.gaps(chosen, decisive):
        capability = format_pair(decisive.device.compute_capability or (0, 0))
        return because("library-gap", library=gaps[0].library, purpose=gaps[0].purpose, capability=capability)
    than = str(chosen.torch_backend) if chosen is not None else None
    if chosen is not None and context.reached(build) < context.reached(chosen):
        return because("fewer-gpus", than=than)
    doubtful = chosen is not None and build.doubtful and not chosen.doubtful
    return because("doubtful" if doubtful else "later-in-order", than=than)
