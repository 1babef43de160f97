"""What ``torch-auto check`` finds, one finding per thing that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check import companions, groups, lock, machine, numpy, pages, torch, torch_auto
from torch_auto.cli.check.finding import FAIL, Finding
from torch_auto.cli.render.machine import devices

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation


def all_findings(situation: Situation) -> list[Finding]:
    """Every finding, in the order in which they are shown."""
    if situation.newer_format is not None:
        # Whatever else would be said of torch comes from a catalog that is older than the installed answer.
        return [torch_auto.newer(situation, situation.newer_format)]
    here = situation.here
    if here is not None:
        found = [
            groups.group(situation, here, devices(situation.machine)),
            groups.torch_auto(situation, here, machine.changes_of(situation)),
            torch.torch(situation),
            *companions.companions(situation),
            *numpy.numpy(situation),
            groups.lock(situation, here),
            *([] if here.torch_groups.pylocks else [*groups.family(situation), pages.pages(situation)]),
        ]
        return groups.with_sync(situation, found)
    return [
        machine.machine(situation),
        torch_auto.torch_auto(situation),
        torch.torch(situation),
        *companions.companions(situation),
        *numpy.numpy(situation),
        *([Finding("groups", FAIL, situation.fault)] if situation.fault else []),
        *lock.lock(situation),
        pages.pages(situation),
    ]
