"""The one call that the build hook and the command share: release + settings + machine -> Plan."""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from torch_auto.catalog import Catalog, Release, companions, vendor_of
from torch_auto.family import Answer, Extra, extras
from torch_auto.fit import libc_fault
from torch_auto.machine import (
    Accelerator,
    AmdAccelerator,
    AmdDevice,
    Evidence,
    Machine,
    NvidiaAccelerator,
    NvidiaDevice,
)
from torch_auto.requirements import PREFER, torch_requirements
from torch_auto.selection import AUTO, PUBLIC, Selection, select
from torch_auto.settings import Settings

FORMAT_VERSION = 1

_POST = re.compile(r"\.post\d+\Z", re.ASCII)


class Plan(NamedTuple):
    """What a build of one release emits on one machine.

    ``requirements`` are the pins as METADATA has them, ``index_url`` is where the chosen torch backend's wheels are,
    ``find_links`` the pages that the user's side must name for them to be found. With the setting ``groups``,
    ``group`` is the name of this machine's; ``requirements`` are that group's then, and METADATA has none of them.
    ``extras`` say what torch-auto[vision] and its like ask for beside them. ``has_wheels`` is False where the release
    has none for the machine's Python; the pins are for every Python, and name builds all the same.
    """

    release: str
    selection: Selection
    requirements: Tuple[str, ...]
    index_url: str
    find_links: Tuple[str, ...]
    reasons: Tuple[str, ...]
    group: Optional[str] = None
    extras: Tuple[Extra, ...] = ()
    has_wheels: bool = True


def torch_release(version: str) -> str:
    """The torch release that a version of torch-auto pins: 2.5.1 for 2.5.1 and for its repair 2.5.1.post1."""
    return _POST.sub("", version)


def assume(machine: Machine, settings: Settings) -> Machine:
    """The machine with what uv's own variables say about it.

    UV_CUDA_DRIVER_VERSION and UV_AMD_GPU_ARCHITECTURE replace what was detected, as they do in uv; where no NVIDIA GPU
    was found, one of unknown compute capability is assumed. They count only where the setting ``backend`` is auto.
    """
    if settings.backend != AUTO or not (settings.driver_version or settings.gfx_target):
        return machine
    accelerators: List[Accelerator] = []
    evidence = list(machine.evidence)
    if settings.driver_version is not None:
        devices = (machine.nvidia.devices if machine.nvidia is not None else ()) or (NvidiaDevice(),)
        accelerators.append(NvidiaAccelerator(devices, settings.driver_version))
        evidence.append(Evidence("UV_CUDA_DRIVER_VERSION", "found", f"driver {settings.driver_version} is assumed"))
    if settings.gfx_target is not None:
        accelerators.append(AmdAccelerator((AmdDevice(settings.gfx_target),)))
        evidence.append(Evidence("UV_AMD_GPU_ARCHITECTURE", "found", f"{settings.gfx_target} is assumed"))
    return machine._replace(accelerators=tuple(accelerators), evidence=tuple(evidence))


def machine_for(settings: Settings, detected: Optional[Machine] = None) -> Machine:
    """The machine to build for: the setting's, or this one with what uv's variables say about it."""
    if settings.machine is not None:
        return settings.machine
    if detected is None:
        from torch_auto.detect import detect  # noqa: PLC0415  # costs start-up time that a given machine need not pay

        detected = detect()
    return assume(detected, settings)


def _pythons(release: Release, platform: Optional[str]) -> Tuple[str, ...]:
    """The Python versions that the release has wheels for, ascending."""
    here = release.platforms.get(platform or "")
    return here.python_versions if here is not None else ()


def _find_links(base: str, selection: Selection) -> Tuple[str, ...]:
    """The page of every local version of torch and, for ROCm and XPU, that of the triton that PyPI does not have."""
    if not selection.requires_torch:
        return ()
    vendor = vendor_of(selection.torch_backend) if selection.torch_backend is not None else None
    return tuple(f"{base}/{project}/" for project in ("torch", *companions(vendor, selection.release)))


def make_plan(release: Release, machine: Machine, settings: Settings, catalog: Catalog) -> Plan:
    """What a build of this release emits on this machine.

    The requirements hold for every Python; the reasons are told for the machine's own.
    """
    if settings.groups:
        return _group_plan(machine, settings, catalog)
    selection = select(machine, release, catalog, settings.backend)
    pythons = _pythons(release, machine.platform)
    selections = {
        python: selection
        if python == machine.python
        else select(machine._replace(python=python), release, catalog, settings.backend)
        for python in pythons
    }
    base = settings.index_url
    backend = selection.torch_backend
    # The public builds are the same everywhere, so no platform is told apart as this machine's own.
    platform = machine.platform if settings.backend != PUBLIC else None
    every = selections or {machine.python: selection}
    answer = Answer(machine, release, catalog, selection, every, platform, settings.pin)
    lacking = _no_wheels(release, machine, selection)
    return Plan(
        release=release.version,
        selection=selection,
        requirements=torch_requirements(every, release, platform, settings.pin),
        index_url=f"{base}/{backend}" if backend else base,
        find_links=_find_links(base, selection),
        reasons=(*selection.reasons, *lacking, *settings.notes),
        extras=extras(answer, base),
        has_wheels=not lacking,
    )


def _no_wheels(release: Release, machine: Machine, selection: Selection) -> Tuple[str, ...]:
    """The reason that is to be told where the release has nothing for the machine's Python."""
    pythons = _pythons(release, machine.platform)
    if not selection.requires_torch or not pythons or machine.python.rstrip("t") in pythons:
        return ()
    has = f"it has them for {', '.join(pythons)}"
    return (f"torch {release.version} has no wheels for Python {machine.python}; {has}.",)


def _group_plan(machine: Machine, settings: Settings, catalog: Catalog) -> Plan:
    """What the group of this machine comes to, whatever torch-auto's own release."""
    from torch_auto.groups import choose, group_pages, group_requirements  # noqa: PLC0415  # most builds are without

    group, selection, reasons = choose(machine, settings.groups, catalog, settings.backend)
    return Plan(
        release=group.release,
        selection=selection,
        requirements=group_requirements(group, catalog),
        # METADATA names it, and is the same on every machine.
        index_url=settings.index_url,
        find_links=group_pages(settings.groups, settings.index_url),
        reasons=(*reasons, *_no_wheels(catalog.release(group.release), machine, selection), *settings.notes),
        group=group.name,
    )


class Newest(NamedTuple):
    """The newest release that a machine can use, with the hint and without it; None where there is none."""

    with_hint: Optional[str]
    without_hint: Optional[str]


def newest_usable(machine: Machine, settings: Settings, catalog: Catalog, wanted: Tuple[str, ...] = ()) -> Newest:
    """What a resolver comes to that walks back from the newest release of torch-auto, on this machine's Python.

    ``wanted`` are extras that are asked for.
    """
    if settings.groups:
        plan = _group_plan(machine, settings, catalog)
        here = catalog.release(plan.release).platforms.get(machine.platform or "")
        usable = here is not None and machine.python in here.pythons and plan.selection.needs is None
        alone = usable and plan.selection.local_version is None
        return Newest(plan.release if usable else None, plan.release if alone else None)
    with_hint = None
    for release in reversed(catalog.releases):
        here = release.platforms.get(machine.platform or "")
        if here is None or machine.python not in here.pythons:
            continue
        selection = select(machine, release, catalog, settings.backend)
        build = here.find(selection.torch_backend) or here.public
        if selection.needs is not None or build is None or build.own_index or libc_fault(build.glibc, machine):
            continue
        answer = Answer(machine, release, catalog, selection, {}, None, settings.pin)
        found = extras(answer, settings.index_url) if wanted else ()
        asked = [item for item in found if item.name in wanted]
        if any(item.needs is not None for item in asked):
            continue
        with_hint = with_hint or release.version
        if satisfied_by_public(selection, settings.pin) and all(item.public_allowed for item in asked):
            return Newest(with_hint, release.version)
    return Newest(with_hint, None)


def satisfied_by_public(selection: Selection, pin: str) -> bool:
    """Whether the pins resolve where nothing but PyPI is visible."""
    if selection.needs is not None:
        return False
    return selection.local_version is None or (selection.public_allowed and pin == PREFER)


def extra_to_json(extra: Extra) -> Dict[str, Any]:
    """One of the extras of an entry of ``torch-auto plan --json``."""
    needs = f"needs.{extra.needs}" if extra.needs is not None else None
    return {
        "project": extra.project,
        "version": extra.version,
        "torch_backend": extra.torch_backend,
        "needs": needs,
        "public_allowed": extra.public_allowed,
        "requirements": list(extra.requirements),
        "find_links": [extra.page],
        "reasons": [extra.reason],
    }


def plan_to_json(plan: Plan) -> Dict[str, Any]:
    """One entry of ``torch-auto plan --json``; ``schemas/plan.schema.json`` describes it."""
    selection = plan.selection
    needs = f"needs.{selection.needs}" if selection.needs is not None else None
    return {
        "release": plan.release,
        "group": plan.group,
        "platform": selection.platform,
        "torch_backend": selection.torch_backend,
        "local_version": needs or selection.local_version,
        "accelerated": selection.accelerated,
        "requirements": list(plan.requirements),
        "index_url": plan.index_url,
        "find_links": list(plan.find_links),
        "reasons": list(plan.reasons),
        "rejected": [{"torch_backend": item.torch_backend, "reason": item.reason} for item in selection.rejected],
        "extras": {item.name: extra_to_json(item) for item in plan.extras},
    }


def record(plan: Plan, machine: Machine, settings: Settings) -> Dict[str, Any]:
    """What the wheel keeps in ``torch_auto/selection.json``: the machine, what was decided for it and why."""
    from torch_auto.machine_file import machine_to_json  # noqa: PLC0415  # preparing METADATA needs none of it

    return {
        "version": FORMAT_VERSION,
        "machine": machine_to_json(machine),
        "settings": {name: {"value": value, "origin": origin} for name, value, origin in settings.given},
        "plan": plan_to_json(plan),
    }
