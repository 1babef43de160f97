"""The reasons of a selection, in words that a user understands."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from torch_auto.catalog import Build, Catalog, toolkit_version
from torch_auto.fit import KINDS, Candidate, Unfit, cuda_driver_version, fault
from torch_auto.machine import Machine, NvidiaAccelerator, format_pair
from torch_auto.reach import Context, Reach, has_python, reach_of, reached


class Rejection(NamedTuple):
    """A build that was not chosen, and why."""

    torch_backend: str
    reason: str


def needs_in_words(needs: str) -> str:
    """The label of a pin that nothing satisfies, as a person says it: "NVIDIA driver 580 or newer"."""
    if needs.startswith("nvidia.driver."):
        return f"NVIDIA driver {needs[len('nvidia.driver.') :]} or newer"
    if needs.startswith("torch."):
        release, _, direction = needs[len("torch.") :].rpartition(".or.")
        return f"torch {release} or {direction}"
    if needs.startswith("glibc."):
        return f"glibc {needs[len('glibc.') :]} or newer"
    others = {"glibc": "a system with glibc", "macos.arm64": "a Mac with Apple silicon"}
    return others.get(needs, f"a {needs} build, which it is not known to have")


def worst_first(faults: List[Unfit]) -> Optional[Unfit]:
    """The most telling of several faults: what the user could change comes first."""
    return min(faults, key=lambda item: KINDS.index(item.kind), default=None)


def span(releases: Tuple[str, ...], catalog: Catalog) -> str:
    """Releases as a person says them: "2.4.0 to 2.4.1 and 2.7.0 to 2.13.0"."""
    runs: List[List[str]] = [[]]
    for release in catalog.releases:
        if release.version in releases:
            runs[-1].append(release.version)
        elif runs[-1]:
            runs.append([])
    named = [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs if run]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def why_build(
    build: Build, decisive: Candidate, others: List[Candidate], context: Context, among: Optional[str] = None
) -> str:
    """Why this build, of those that run on the device that decides; ``among`` says which there are to choose from."""
    accelerator = decisive.accelerator
    toolkit = toolkit_version(build.torch_backend)
    where = "on it" if not others else "on it and on the most of the other GPUs"
    text = f"{build.torch_backend}: of the {among or f'builds of torch {context.release.version}'} that run {where}, "
    if not isinstance(accelerator, NvidiaAccelerator) or toolkit is None:
        return text + ("it has the newest ROCm." if build.gfx else "it is the one.")
    cuda = cuda_driver_version(accelerator, context.machine) or (0, 0)
    driver = f"driver {accelerator.driver_version}" if accelerator.driver_version else "this driver"
    natively = f"{driver} (CUDA {format_pair(cuda)})"
    if toolkit[0] == cuda[0] and toolkit <= cuda:
        return text + f"its toolkit {format_pair(toolkit)} is the newest that {natively} supports natively."
    if toolkit[0] == cuda[0]:
        return text + (
            f"its toolkit {format_pair(toolkit)} is the closest to {natively}; it is newer, and runs by NVIDIA's minor "
            "version compatibility."
        )
    if toolkit[0] < cuda[0]:
        return text + f"its toolkit {format_pair(toolkit)} is the newest; {natively} runs older majors as well."
    return text + (
        f"its toolkit {format_pair(toolkit)} is the closest to {natively}, whose version is new enough for its major."
    )


def unsupported(candidate: Candidate, machine: Machine, catalog: Catalog, reach: Reach) -> str:
    """Why no release has anything for a device on this machine."""
    name = candidate.describe()
    if reach.other_pythons:
        return (
            f"{name}: torch {span(reach.other_pythons, catalog)} run on it, "
            f"but no build of them is made for Python {machine.python}."
        )
    faults = []
    for release in catalog.releases:
        here = release.platforms.get(machine.platform or "")
        for build in here.builds if here else ():
            found = fault(build, candidate, machine, catalog)
            if build.seen and found is not None and found.kind != "vendor":
                faults.append(found)
    worst = worst_first(faults)
    if worst is None:
        return f"{name}: PyTorch publishes no builds for it on this system."
    if worst.kind == "architecture":
        return f"{name}: no build of torch {span(_versions(catalog), catalog)} has code for it on this system."
    return f"{name} cannot be used: {worst.text}."


def _versions(catalog: Catalog) -> Tuple[str, ...]:
    return tuple(release.version for release in catalog.releases)


def left_out(build: Build, others: List[Candidate], context: Context) -> List[str]:
    """What is left out, and which release would have served it."""
    reasons = []
    for other in others:
        found = context.fault(build, other)
        if found is None:
            continue
        reach = reach_of(other, context.machine, context.catalog)
        if not reach.releases:
            reasons.append(unsupported(other, context.machine, context.catalog, reach))
        else:
            reasons.append(why_left_out(other, found, context))
    return reasons


def why_left_out(other: Candidate, found: Unfit, context: Context) -> str:
    """Why a device is left out on which some build runs, but not the one that is taken."""
    reach = reach_of(other, context.machine, context.catalog)
    text = f"{other.describe()} is left out: {found.text}; "
    if context.release.version in reach.releases:
        return text + "another build of this release runs on it, but not on the more capable GPU."
    return text + f"torch {span(reach.releases, context.catalog)} have builds that run on it."


def rejections(
    chosen: Optional[Build],
    decisive: Optional[Candidate],
    context: Context,
    otherwise: str = "",
) -> Tuple[Rejection, ...]:
    """Every build of the release but the chosen one; ``otherwise`` is the reason where no device decides."""
    found: Dict[str, str] = {}
    for build in context.here.builds:
        if chosen is not None and build.torch_backend == chosen.torch_backend:
            continue
        if not build.seen:
            reason = f"not known to be published for {context.platform}, so it is not pinned"
        elif build.own_index:
            reason = "its wheels require packages that its own index alone has, which the hint does not reach"
        elif not has_python(build, context.machine.python):
            reason = f"it does not come for Python {context.machine.python}"
        elif decisive is None:
            reason = otherwise
        else:
            unfit = context.fault(build, decisive)
            if unfit is not None:
                reason = unfit.text
            elif chosen is not None and reached(build, context) < reached(chosen, context):
                reason = f"it runs on this machine too, but on fewer of its GPUs than {chosen.torch_backend}"
            else:
                name = chosen.torch_backend if chosen is not None else "another one"
                reason = f"it runs on this machine too, but {name} comes before it in the order of preference"
        found[build.torch_backend] = reason
    return tuple(Rejection(*item) for item in found.items())
