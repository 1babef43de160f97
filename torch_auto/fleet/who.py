"""Who gets what of a project's groups: a plain table, one row for each group, driver and set of platforms."""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.catalog.torch_backends import CPU
from torch_auto.fleet.representatives import family, kinds, steps
from torch_auto.frozen import Frozen
from torch_auto.select.choose_group import choose
from torch_auto.select.runs_on import candidates, fault
from torch_auto.select.words import needs_in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_auto.catalog.model import Catalog, Release
    from torch_auto.fleet.representatives import Kind, Step
    from torch_auto.select.groups import Group
    from torch_auto.select.runs_on import Candidate


class Row(Frozen):
    """Machines, the name of the group that they take and, where none is for their GPU, why.

    ``driver`` is the oldest NVIDIA driver version from which on they take it; "" where any is right. With a newer one
    another row may hold.
    """

    group: str
    gpus: tuple[str, ...]
    driver: str
    platforms: tuple[str, ...]
    why: str = ""


class _Result(Frozen):
    group: str
    why: str


_PLATFORMS = {
    "linux_x86_64": "Linux x86_64",
    "linux_aarch64": "Linux aarch64",
    "win_amd64": "Windows",
    "win_arm64": "Windows on ARM",
    "macos_arm64": "macOS arm64",
    "macos_x86_64": "macOS x86_64",
}


def who_gets_what(groups: tuple[Group, ...], catalog: Catalog) -> tuple[Row, ...]:
    """Who gets which group: first those that a GPU's group serves, then those without a GPU, then who is left out."""
    releases = tuple(catalog.release(version) for version in dict.fromkeys(group.release for group in groups))
    found = {kind: _result(kind, groups, catalog) for kind in kinds(releases, catalog)}
    rows = [*_nvidia(found, steps(releases, catalog)), *_others(found)]
    if "linux_aarch64" in {kind.platform for kind in found} and catalog.tegra_compute_capabilities:
        stand_in = next((group for group in groups if group.torch_backend == CPU), groups[0])
        where = (_PLATFORMS["linux_aarch64"],)
        rows.append(
            Row(stand_in.name, ("Jetson with JetPack 6 or older",), "", where, "NVIDIA's own wheels serve them")
        )
    order = [group.name for group in sorted(groups, key=lambda group: group.torch_backend == CPU)]
    return tuple(sorted(rows, key=lambda row: (bool(row.why), order.index(row.group))))


def _result(kind: Kind, groups: tuple[Group, ...], catalog: Catalog) -> _Result:
    chosen = choose(kind.machine, groups, catalog)
    devices = candidates(kind.machine)
    if chosen.selection.needs is not None:
        return _Result(chosen.group.name, f"it needs {needs_in_words(chosen.selection.needs)}")
    served = chosen.selection.accelerated or not devices
    return _Result(chosen.group.name, "" if served else _why_not(devices[0], kind, groups, catalog))


def _why_not(device: Candidate, kind: Kind, groups: tuple[Group, ...], catalog: Catalog) -> str:
    """Why no group serves a GPU, in few words."""
    too_old = ""
    for version in sorted({group.release for group in groups}, key=version_key, reverse=True):
        here = catalog.release(version).platforms.get(kind.platform)
        builds = [build for build in here.builds if build.can_be_pinned] if here is not None else []
        faults = {build.torch_backend: fault(build, device, kind.machine, catalog) for build in builds}
        runs = [torch_backend for torch_backend, unfit in faults.items() if unfit is None]
        if runs:
            return f"{runs[0]} of torch {version} has a build for it"
        if not too_old and any(unfit is not None and unfit.kind == "driver" for unfit in faults.values()):
            too_old = f"the driver is too old for torch {version}"
    if too_old:
        return too_old
    served = [version_key(release.version) for release in _serving(device, kind, catalog)]
    newest = max(version_key(group.release) for group in groups)
    return f"{'an older' if min(served) < newest else 'a newer'} torch has a build for it"


def _serving(device: Candidate, kind: Kind, catalog: Catalog) -> list[Release]:
    """The releases that serve a GPU, be it with another driver; a kind has one at least."""
    if device.vendor == "nvidia":
        device = device.replace(accelerator=device.accelerator.replace(driver_version="9999"))
    return [
        release
        for release in catalog.releases
        if kind.platform in release.platforms
        and any(
            build.seen and fault(build, device, kind.machine, catalog) is None
            for build in release.platforms[kind.platform].builds
        )
    ]


def _nvidia(found: dict[Kind, _Result], drivers: tuple[Step, ...]) -> list[Row]:
    """One row for each group, driver from which on it is taken, and set of platforms on which that is so."""
    by_gpu: dict[tuple[str, tuple[int, int]], list[_Result]] = {}
    for kind, result in found.items():
        if kind.vendor == "nvidia":
            by_gpu.setdefault((kind.platform, kind.compute_capability), []).append(result)
    places: dict[tuple[_Result, int], dict[tuple[int, int], list[str]]] = {}
    for (platform, capability), results in by_gpu.items():
        for step, result in enumerate(results):
            if step == 0 or result != results[step - 1]:
                places.setdefault((result, step), {}).setdefault(capability, []).append(platform)
    rows = []
    for (result, step), capabilities in places.items():
        for platforms in dict.fromkeys(tuple(names) for names in capabilities.values()):
            gpus = tuple(family(item) for item, names in capabilities.items() if tuple(names) == platforms)
            driver = _driver(drivers[step], platforms) if step else ""
            rows.append(Row(result.group, gpus, driver, _named(platforms), result.why))
    return rows


def _driver(step: Step, platforms: tuple[str, ...]) -> str:
    versions = list(dict.fromkeys(step.on(platform) for platform in platforms))
    return versions[0] if len(versions) == 1 else f"{step.linux} (Windows: {step.windows})"


def _others(found: dict[Kind, _Result]) -> list[Row]:
    """AMD's and Intel's GPUs and machines without a GPU, with a row for each answer."""
    rows: dict[tuple[str | None, _Result], tuple[list[str], list[str]]] = {}
    for kind, result in found.items():
        if kind.vendor != "nvidia":
            gpus, platforms = rows.setdefault((kind.vendor, result), ([], []))
            gpus.append(kind.gfx_target or ("GPUs that PyTorch supports" if kind.vendor == "intel" else "no GPU"))
            platforms.append(kind.platform)
    names = {"amd": "AMD", "intel": "Intel", None: ""}
    return [
        Row(
            result.group, tuple(f"{names[vendor]} {gpu}".strip() for gpu in _once(gpus)), "", _named(places), result.why
        )
        for (vendor, result), (gpus, places) in rows.items()
    ]


def _named(platforms: Iterable[str]) -> tuple[str, ...]:
    return tuple(_PLATFORMS[item] for item in _once(platforms))


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
