"""The one decision that both doors of a build and the command share: release + settings + machine -> Plan."""

from __future__ import annotations

import re

from torch_auto.catalog.drivers import version_key
from torch_auto.catalog.pairs import companions
from torch_auto.frozen import Frozen
from torch_auto.machine import CPYTHON, Accelerator, Device, Evidence
from torch_auto.pins.extras import Answer, extras
from torch_auto.pins.torch import accepted, torch_requirements
from torch_auto.select.build import select
from torch_auto.select.reasons import because
from torch_auto.settings import AUTO, PUBLIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torch_auto.catalog.model import Catalog, Release
    from torch_auto.machine import Machine
    from torch_auto.pins.extras import Extra
    from torch_auto.select.build import Selection
    from torch_auto.select.reasons import Reason
    from torch_auto.settings import Settings

_POST = re.compile(r"\.post\d+\Z", re.ASCII)


class Plan(Frozen):
    """What a build of one release emits on one machine.

    ``requirements`` are the pins as METADATA has them, ``index_url`` is where the chosen torch backend's wheels are,
    ``pages`` are PyTorch's pages that the user's side must name for them to be found. With the setting ``groups``,
    ``group`` is the name of this machine's; ``requirements`` are that group's then, and METADATA has none of them.
    ``extras`` say what torch-auto[vision] and its like ask for beside them. ``accepted`` are the versions of torch that
    the pins admit on the machine's platform, by Python, the one that is preferred first: "2.5.1" is PyPI's build.
    ``has_wheels`` is False where the release has none for the machine's Python; the pins are for every Python, and name
    builds all the same.
    """

    release: str
    selection: Selection
    requirements: tuple[str, ...]
    index_url: str
    pages: tuple[str, ...]
    reasons: tuple[Reason, ...]
    group: str | None = None
    extras: tuple[Extra, ...] = ()
    accepted: Mapping[str, tuple[str, ...]] = {}
    has_wheels: bool = True


class Decision(Frozen):
    """A plan, and all that it was made of."""

    plan: Plan
    machine: Machine
    settings: Settings
    catalog: Catalog


def torch_release(version: str) -> str:
    """The torch release that a version of torch-auto pins: 2.5.1 for 2.5.1 and for a repair 2.5.1.post1."""
    return _POST.sub("", version)


def assume(machine: Machine, settings: Settings) -> Machine:
    """The machine with what uv's own variables say about it.

    UV_CUDA_DRIVER_VERSION and UV_AMD_GPU_ARCHITECTURE replace what was detected, as they do in uv; where no NVIDIA GPU
    was found, one of unknown compute capability is assumed. They count only where the setting ``backend`` is auto.
    """
    if settings.backend != AUTO or not (settings.driver_version or settings.gfx_target):
        return machine
    accelerators: list[Accelerator] = []
    evidence = list(machine.evidence)
    if settings.driver_version is not None:
        devices = (machine.nvidia.devices if machine.nvidia is not None else ()) or (Device(),)
        accelerators.append(Accelerator("nvidia", devices, settings.driver_version))
        evidence.append(Evidence("UV_CUDA_DRIVER_VERSION", "found", f"driver {settings.driver_version} is assumed"))
    if settings.gfx_target is not None:
        accelerators.append(Accelerator("amd", (Device(gfx_target=settings.gfx_target),)))
        evidence.append(Evidence("UV_AMD_GPU_ARCHITECTURE", "found", f"{settings.gfx_target} is assumed"))
    return machine.replace(accelerators=tuple(accelerators), evidence=tuple(evidence))


def machine_for(settings: Settings, detected: Machine | None = None, *, hurried: bool = False) -> Machine:
    """The machine to build for: the setting's, or this one with what uv's variables say about it.

    ``hurried``: as for :func:`torch_auto.detect.detect`.
    """
    if settings.machine is not None:
        return settings.machine
    if detected is None:
        from torch_auto.detect import detect  # noqa: PLC0415  # costs start-up time that a given machine need not pay

        detected = detect(hurried=hurried)
    return assume(detected, settings)


def _pythons(release: Release, platform: str | None) -> tuple[str, ...]:
    """The Python versions that the release has wheels for, ascending."""
    here = release.platforms.get(platform or "")
    return here.python_versions if here is not None else ()


def _pages(base: str, selection: Selection) -> tuple[str, ...]:
    """The page of every local version of torch and, for ROCm and XPU, that of the triton that PyPI does not have."""
    found = ("torch", *companions(selection.vendor, selection.release))
    return tuple(f"{base}/{project}/" for project in found)


def _accepted(selections: Mapping[str, Selection], release: Release, pin: str) -> dict[str, tuple[str, ...]]:
    """The versions that the pins admit on the machine's platform, by Python."""
    version = release.version
    return {
        python: tuple(f"{version}+{local}" if local else version for local in accepted(selection, release, pin))
        for python, selection in selections.items()
    }


def decide(release: Release, machine: Machine, settings: Settings, catalog: Catalog) -> Plan:
    """What a build of this release emits on this machine.

    The requirements hold for every Python; the reasons are those for the machine's own.
    """
    if settings.groups:
        return group_plan(machine, settings, catalog)
    selection = select(machine, release, catalog, settings.backend)
    selections = {
        # METADATA names Pythons as markers do, which cannot tell a free-threaded one: it is for this machine's own.
        python: selection
        if python == machine.python.rstrip("t")
        else select(machine.replace(python=python), release, catalog, settings.backend)
        for python in _pythons(release, machine.platform)
    }
    base, backend = settings.index_url, selection.torch_backend
    # PyPI's builds are the same everywhere, so no platform is told apart as this machine's own.
    platform = machine.platform if settings.backend != PUBLIC else None
    every = selections or {machine.python: selection}
    lacking = _no_wheels(release, machine, selection)
    named = settings.backend not in (AUTO, PUBLIC)
    return Plan(
        release=release.version,
        selection=selection,
        requirements=torch_requirements(every, release, platform, settings.pin),
        index_url=f"{base}/{backend}" if backend else base,
        pages=_pages(base, selection),
        reasons=(*selection.reasons, *lacking, *_numpy(release, machine, catalog), *settings.notes),
        extras=extras(Answer(release, catalog, selection, every, platform, settings.pin, named), base),
        accepted=_accepted(every, release, settings.pin),
        has_wheels=not lacking,
    )


def decide_here(version: str, config: Mapping[str, Any]) -> Decision:
    """What a build of a version of torch-auto decides on this machine: the one call of both doors.

    Raises:
        SettingsError: a setting of the user's is wrong.
        UnknownReleaseError: the catalog does not know the release.
    """
    from torch_auto import settings  # noqa: PLC0415  # the command reads them by itself
    from torch_auto.catalog.loading import load  # noqa: PLC0415
    from torch_auto.uv_flag import refuse_another  # noqa: PLC0415

    catalog = load()
    chosen = settings.read(catalog, config)
    machine = machine_for(chosen, hurried=True)
    plan = decide(catalog.release(torch_release(version)), machine, chosen, catalog)
    refuse_another(plan)
    return Decision(plan, machine, chosen, catalog)


def _no_wheels(release: Release, machine: Machine, selection: Selection) -> tuple[Reason, ...]:
    """The reason that is to be told where the release has nothing for the machine's Python."""
    if machine.implementation != CPYTHON and machine.platform in release.platforms:
        return (
            because("no-wheels-for-implementation", release=release.version, implementation=machine.implementation),
        )
    pythons = _pythons(release, machine.platform)
    if not pythons or machine.python.rstrip("t") in pythons:
        # Of a free-threaded Python a label says it, where it can; a group has none.
        own = release.platforms[machine.platform].pythons if pythons and machine.platform is not None else ()
        if not own or machine.python in own or selection.needs is not None:
            return ()
    return (because("no-wheels-for-python", release=release.version, python=machine.python, pythons=pythons),)


def _numpy(release: Release, machine: Machine, catalog: Catalog) -> tuple[Reason, ...]:
    """The reason that is to be told where the release is for NumPy 1, which torch does not require."""
    first = catalog.numpy_1.get(machine.platform or "")
    if first is None or machine.platform not in release.platforms or version_key(release.version) >= version_key(first):
        return ()
    return (because("old-numpy", release=release.version),)


def group_plan(machine: Machine, settings: Settings, catalog: Catalog) -> Plan:
    """What the group of this machine gives, whatever torch-auto's own release."""
    from torch_auto.pins.groups import group_pages, group_requirements  # noqa: PLC0415  # most builds are without
    from torch_auto.select.choose_group import choose  # noqa: PLC0415

    chosen = choose(machine, settings.groups, catalog, settings.backend)
    group, selection = chosen.group, chosen.selection
    release = catalog.release(group.release)
    pythons = _pythons(release, machine.platform) or (machine.python,)
    by_python = {
        python: choose(machine.replace(python=python), (group,), catalog, group.torch_backend).selection
        for python in pythons
    }
    lacking = _no_wheels(release, machine, selection)
    return Plan(
        release=group.release,
        selection=selection,
        requirements=group_requirements(group, catalog),
        # METADATA names it, and is the same on every machine.
        index_url=settings.index_url,
        pages=group_pages(settings.groups, settings.index_url),
        reasons=(*selection.reasons, *lacking, *settings.notes),
        group=group.name,
        accepted=_accepted(by_python, release, settings.pin),
        has_wheels=not lacking,
    )
