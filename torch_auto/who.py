"""Who gets what of a project's groups, in few lines of words."""

from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from torch_auto.catalog import Catalog, Release, version_key
from torch_auto.fit import Candidate, candidates, fault
from torch_auto.groups import CPU, Group, choose
from torch_auto.kinds import FAMILIES, Kind, Step, kinds, steps
from torch_auto.machine import NvidiaAccelerator, format_pair
from torch_auto.reasons import needs_in_words


class Row(NamedTuple):
    """Machines in words, the name of the group that they take and, where none is for them, why."""

    who: str
    group: str
    why: str = ""


class _Result(NamedTuple):
    group: str
    why: str


_Run = Tuple[_Result, int, Optional[int]]  # a result, the first step that has it, the first that has it no more

_PLATFORMS = {"linux_x86_64": "Linux x86_64", "linux_aarch64": "Linux aarch64", "win_amd64": "Windows"}
_OTHERS = {"win_arm64": "Windows on ARM", "macos_arm64": "macOS", "macos_x86_64": "Intel Macs"}
_TOO_OLD = "that is too old for torch {}"


def who_gets_what(groups: Tuple[Group, ...], catalog: Catalog) -> Tuple[Row, ...]:
    """Who gets which group: first those that a GPU's group serves, then those without a GPU, then who is left out."""
    releases = tuple(catalog.release(version) for version in dict.fromkeys(group.release for group in groups))
    found = {kind: _result(kind, groups, catalog) for kind in kinds(releases, catalog)}
    rows = [
        *_nvidia(found, steps(releases, catalog)),
        *_by_vendor(found, "amd", "AMD"),
        *_by_vendor(found, "intel", "Intel GPUs that PyTorch supports"),
        *_without_gpu(found),
    ]
    if "linux_aarch64" in {kind.platform for kind in found} and catalog.tegra_compute_capabilities:
        stand_in = next((group for group in groups if group.torch_backend == CPU), groups[0])
        rows.append(Row("Jetson modules before Thor", stand_in.name, "NVIDIA's own wheels serve them"))
    order = [group.name for group in sorted(groups, key=lambda group: group.torch_backend == CPU)]
    return tuple(sorted(rows, key=lambda row: (bool(row.why), order.index(row.group))))


def _result(kind: Kind, groups: Tuple[Group, ...], catalog: Catalog) -> _Result:
    chosen = choose(kind.machine, groups, catalog)
    devices = candidates(kind.machine)
    if chosen.selection.needs is not None:
        return _Result(chosen.group.name, f"it needs {needs_in_words(chosen.selection.needs)}")
    served = chosen.selection.accelerated or not devices
    return _Result(chosen.group.name, "" if served else _why_not(devices[0], kind, groups, catalog))


def _why_not(device: Candidate, kind: Kind, groups: Tuple[Group, ...], catalog: Catalog) -> str:
    """Why no group serves a GPU, in few words."""
    too_old = ""
    for version in sorted({group.release for group in groups}, key=version_key, reverse=True):
        here = catalog.release(version).platforms.get(kind.platform)
        builds = [build for build in here.builds if build.seen and not build.own_index] if here is not None else []
        faults = {build.torch_backend: fault(build, device, kind.machine, catalog) for build in builds}
        runs = [torch_backend for torch_backend, unfit in faults.items() if unfit is None]
        if runs:
            return f"{runs[0]} of torch {version} has a build for it"
        if not too_old and any(unfit is not None and unfit.kind == "driver" for unfit in faults.values()):
            too_old = _TOO_OLD.format(version)
    if too_old:
        return too_old
    served = [version_key(release.version) for release in _serving(device, kind, catalog)]
    newest = max(version_key(group.release) for group in groups)
    return f"{'an older' if min(served) < newest else 'a newer'} torch has a build for it"


def _serving(device: Candidate, kind: Kind, catalog: Catalog) -> List[Release]:
    """The releases that serve a GPU, be it with another driver; a kind has one at least."""
    if isinstance(device.accelerator, NvidiaAccelerator):
        device = device._replace(accelerator=device.accelerator._replace(driver_version="9999"))
    return [
        release
        for release in catalog.releases
        if kind.platform in release.platforms
        and any(
            build.seen and fault(build, device, kind.machine, catalog) is None
            for build in release.platforms[kind.platform].builds
        )
    ]


# --- NVIDIA --------------------------------------------------------------------------------------------------------

_Capability = Tuple[int, int]


def _nvidia(found: Dict[Kind, _Result], drivers: Tuple[Step, ...]) -> List[Row]:
    """One row for each group, range of drivers and range of compute capabilities."""
    known: Dict[str, Dict[_Capability, List[_Result]]] = {}
    for kind, result in found.items():
        if kind.vendor == "nvidia":
            known.setdefault(kind.platform, {}).setdefault(kind.compute_capability, []).append(result)
    runs: Dict[_Run, Dict[str, List[_Capability]]] = {}
    for platform, by_capability in known.items():
        for capability, results in by_capability.items():
            for run in _runs(results):
                runs.setdefault(run, {}).setdefault(platform, []).append(capability)
    rows = []
    for run, places in runs.items():
        for where in _alike(places, known):
            platforms = "" if len(where) == len(known) else f", {listed([_PLATFORMS[item] for item in where])}"
            gpus = _gpus({platform: places[platform] for platform in where}, known)
            rows.append(Row(f"NVIDIA {gpus}{_drivers(run, drivers, where)}{platforms}", *run[0]))
    return rows


def _runs(results: Sequence[_Result]) -> List[_Run]:
    """Equal results of successive drivers as one."""
    starts = [number for number, item in enumerate(results) if number == 0 or item != results[number - 1]]
    ends: List[Optional[int]] = [*starts[1:], None]
    return [(results[start], start, end) for start, end in zip(starts, ends)]


def _alike(places: Dict[str, List[_Capability]], known: Dict[str, Dict[_Capability, List[_Result]]]) -> List[List[str]]:
    """The platforms in as few lists as there are answers: of GPUs that two platforms know, both have the same."""
    lists: List[List[str]] = []
    for platform, capabilities in places.items():
        for others in lists:
            first = others[0]
            both = [item for item in known[platform] if item in known[first]]
            if [item for item in both if item in capabilities] == [item for item in both if item in places[first]]:
                others.append(platform)
                break
        else:
            lists.append([platform])
    return lists


def _gpus(places: Dict[str, List[_Capability]], known: Dict[str, Dict[_Capability, List[_Result]]]) -> str:
    """Compute capabilities in words: "Turing to Hopper (7.5 to 9.0; Linux aarch64: 8.0 to 9.0)"."""
    (platform, capabilities), *others = sorted(places.items(), key=lambda item: -len(item[1]))
    names = [
        FAMILIES[first][0]
        if FAMILIES[first][0] == FAMILIES[last][1]
        else f"{FAMILIES[first][0]} to {FAMILIES[last][1]}"
        for first, last in _ranges(capabilities, known[platform])
    ]
    numbers = [_numbers(capabilities, known[platform])]
    for other, items in others:
        found = _numbers(items, known[other])
        if found != numbers[0]:
            numbers.append(f"{_PLATFORMS[other]}: {found}")
    return f"{listed(_once(names))} ({'; '.join(numbers)})"


def _numbers(capabilities: List[_Capability], known: Iterable[_Capability]) -> str:
    found = [(format_pair(first), format_pair(FAMILIES[last][2])) for first, last in _ranges(capabilities, known)]
    return listed([first if first == last else f"{first} to {last}" for first, last in found])


def _ranges(capabilities: List[_Capability], known: Iterable[_Capability]) -> List[Tuple[_Capability, _Capability]]:
    """Runs of compute capabilities that follow each other on a platform, as (first, last)."""
    found: List[Tuple[_Capability, _Capability]] = []
    before: Optional[_Capability] = None
    for item in known:
        if item in capabilities:
            if found and found[-1][1] == before:
                found[-1] = (found[-1][0], item)
            else:
                found.append((item, item))
        before = item
    return found


def _drivers(run: _Run, drivers: Tuple[Step, ...], platforms: List[str]) -> str:
    _, start, end = run
    since = _version(drivers[start], platforms)
    if end is None:
        return f", driver {since} or newer" if start else ""
    until = _version(drivers[end], platforms)
    return f", driver {since} or newer but older than {until}" if start else f", driver older than {until}"


def _version(step: Step, platforms: List[str]) -> str:
    versions = _once([step.on(platform) for platform in platforms])
    return versions[0] if len(versions) == 1 else f"{step.linux} (Windows: {step.windows})"


# --- others --------------------------------------------------------------------------------------------------------


def _by_vendor(found: Dict[Kind, _Result], vendor: str, name: str) -> List[Row]:
    """One row for each answer, with the gfx targets that come to it."""
    rows: Dict[_Result, Tuple[List[str], List[str]]] = {}
    for kind, result in found.items():
        if kind.vendor == vendor:
            targets, platforms = rows.setdefault(result, ([], []))
            targets.append(kind.gfx_target)
            platforms.append(_PLATFORMS[kind.platform])
    return [
        Row(f"{name} {', '.join(targets)}".rstrip(" ,") + f", {listed(_once(platforms))}", *result)
        for result, (targets, platforms) in rows.items()
    ]


def _without_gpu(found: Dict[Kind, _Result]) -> List[Row]:
    rows: Dict[_Result, List[str]] = {}
    for kind, result in found.items():
        if kind.vendor is None:
            rows.setdefault(result, []).append(_OTHERS.get(kind.platform, "no GPU"))
    return [Row(", ".join(_once(names)), *result) for result, names in rows.items()]


def _once(items: Sequence[str]) -> List[str]:
    return list(dict.fromkeys(items))


def listed(items: Sequence[str]) -> str:
    """["a", "b", "c"] as "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else "none"
