"""The newest release of torch that a machine can use: what a resolver finds that walks back from the newest."""

from __future__ import annotations

from torch_auto.decide import group_plan
from torch_auto.frozen import Frozen
from torch_auto.machine import CPYTHON
from torch_auto.pins.extras import Answer, extras
from torch_auto.select.build import select
from torch_auto.select.runs_on import libc_fault
from torch_auto.settings import AUTO, PREFER, PUBLIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Catalog
    from torch_auto.machine import Machine
    from torch_auto.select.build import Selection
    from torch_auto.settings import Settings


class Newest(Frozen):
    """The newest release that a machine can use, with PyTorch's pages and without them; None where there is none."""

    with_pages: str | None
    without_pages: str | None


def newest_usable(machine: Machine, settings: Settings, catalog: Catalog, wanted: tuple[str, ...] = ()) -> Newest:
    """What a resolver finds that walks back from the newest release of torch-auto, on this machine's Python.

    ``wanted`` are extras that are asked for.
    """
    if settings.groups:
        plan = group_plan(machine, settings, catalog)
        here = catalog.release(plan.release).platforms.get(machine.platform or "")
        usable = here is not None and machine.python in here.pythons and plan.selection.needs is None
        alone = usable and plan.selection.local_version is None
        return Newest(plan.release if usable else None, plan.release if alone else None)
    if machine.implementation != CPYTHON:
        return Newest(None, None)
    with_pages = None
    named = settings.backend not in (AUTO, PUBLIC)
    for release in reversed(catalog.releases):
        here = release.platforms.get(machine.platform or "")
        if here is None or machine.python not in here.pythons:
            continue
        selection = select(machine, release, catalog, settings.backend)
        build = here.find(selection.torch_backend) or here.public
        if selection.needs is not None or build is None or build.own_index or libc_fault(build.glibc, machine):
            continue
        answer = Answer(release, catalog, selection, {}, None, settings.pin, named)
        found = extras(answer, settings.index_url) if wanted else ()
        asked = [item for item in found if item.name in wanted]
        if any(item.needs is not None for item in asked):
            continue
        with_pages = with_pages or release.version
        if satisfied_by_public(selection, settings.pin) and all(item.public_allowed for item in asked):
            return Newest(with_pages, release.version)
    return Newest(with_pages, None)


def satisfied_by_public(selection: Selection, pin: str) -> bool:
    """Whether the pins resolve where nothing but PyPI is visible."""
    if selection.needs is not None:
        return False
    return selection.local_version is None or (selection.public_allowed and pin == PREFER)
