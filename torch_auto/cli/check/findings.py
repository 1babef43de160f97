"""What ``torch-auto check`` finds, one finding per thing that is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch_auto.cli.check import companions, groups, lock, machine, numpy, pages, torch, torch_auto
from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding
from torch_auto.cli.render.machine import devices

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation


def all_findings(situation: Situation) -> list[Finding]:
    """Every finding, in the order in which they are shown."""
    found = _all(situation)
    if situation.environment.writable or (situation.works and not any(finding.commands for finding in found)):
        return found
    # Each of the commands installs in the end, and fails here.
    return [*(replace(finding, commands=(), otherwise=()) for finding in found), _read_only(situation)]


def _read_only(situation: Situation) -> Finding:
    """What is to be done elsewhere: an image is built again, and not changed where it runs."""
    text = f"You cannot write {situation.environment.prefix}, so no command is printed. Change it where it is made"
    best = situation.best
    if best is not None and best.selection.accelerated and not situation.works:
        text += f"; build an image for this machine with backend={best.selection.torch_backend}"
    return Finding("environment.read-only", "environment", OK, f"{text}.")


def _all(situation: Situation) -> list[Finding]:
    if situation.newer_format is not None:
        # Whatever else would be said of torch comes from a catalog that is older than the installed answer.
        return [torch_auto.newer(situation, situation.newer_format)]
    if situation.fault:
        # What the project asks for is not known, and so neither is what it should have.
        return [machine.machine(situation), Finding("groups.faulty", "groups", FAIL, situation.fault)]
    here = situation.here
    if here is not None:
        family = [] if here.torch_groups.pylocks else groups.family(situation)
        # What ends that names the pages as well.
        named = [] if here.torch_groups.pylocks or family else [pages.pages(situation)]
        return [
            groups.group(situation, here, devices(situation.machine)),
            *_installed(situation, groups.torch_auto(situation, here, machine.changes_of(situation))),
            groups.lock(situation, here),
            *family,
            *named,
            *pages.hiding(situation),
        ]
    return [
        machine.machine(situation),
        *_installed(situation, torch_auto.torch_auto(situation)),
        *lock.lock(situation),
        pages.pages(situation),
        *pages.hiding(situation),
    ]


def _installed(situation: Situation, ours: Finding) -> list[Finding]:
    """What is in the environment; of one that is not there yet, that."""
    if not situation.environment.exists:
        text = f"There is none yet: {situation.environment.prefix}."
        return [Finding("environment.missing", "environment", WARN, text, situation.fix)]
    found = [ours, torch.torch(situation), *companions.companions(situation), *numpy.numpy(situation)]
    return [*found, *companions.requirements(situation)]
