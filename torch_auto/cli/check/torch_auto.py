"""torch-auto's own METADATA, in a project without torch groups."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto import __version__
from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, torch_of
from torch_auto.cli.check.machine import changes_of
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.own import updating
from torch_auto.cli.project.requirements import applicable, torch_requirements
from torch_auto.select.words import sentence

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.project.environment import Installed
    from torch_auto.decide import Plan


def newer(situation: Situation, version: int) -> Finding:
    """The installed torch-auto was built by a newer core: what it knows is not known here."""
    here, environment = situation.torch_auto, situation.environment
    text = (
        f"{here.version if here is not None else 'It'} was built by a newer torch-auto-core than this command "
        f"({__version__}), which cannot read its record (format {version}). So nothing is said about torch."
    )
    own = environments.own().prefix
    if os.path.realpath(own) == os.path.realpath(environment.prefix):
        commands = situation.tool.newer_core(environment)
        if situation.here is not None and not situation.tool.by_commands:  # its last one installs another group
            commands = (*commands[:1], situation.ours("sync"))
    else:
        commands = (updating(own),)
    return Finding("torch-auto.newer", "torch-auto", WARN, text, commands)


def torch_auto(situation: Situation) -> Finding:
    """Whether the installed torch-auto was built for this machine as it is now."""
    here = situation.torch_auto
    if here is None:
        return _absent(situation)
    plan = situation.plan
    if plan is None:
        text = (
            f"{here.version} is installed, a release that this command (catalog of {situation.catalog.as_of}) does not "
            "know; run the project's own command, or a newer one."
        )
        return Finding("torch-auto.unknown", "torch-auto", WARN, text)
    return _built(situation, here, plan)


def _absent(situation: Situation) -> Finding:
    text = f"It is not installed in {situation.environment.prefix}."
    if situation.works and not situation.requires_torch_auto:
        return Finding("torch-auto.absent", "torch-auto", OK, f"{text} torch works without it.")
    return Finding("torch-auto.missing", "torch-auto", WARN, text, situation.fix)


def _built(situation: Situation, here: Installed, plan: Plan) -> Finding:
    changes = changes_of(situation)
    notes = "".join(f" {note}" for note in situation.notes)
    if plan.selection.needs is not None and not situation.works:
        reason = sentence(plan.selection.reasons[-1])
        text = f"{here.version} does not have a torch for this machine. {reason}{notes}"
        return Finding("torch-auto.no-torch", "torch-auto", FAIL, text, situation.fix_of_torch)
    wanted = applicable(torch_requirements(plan.requirements), situation.machine)
    has = applicable(torch_requirements(here.requires), situation.machine)
    if wanted == has:
        tail = f" ({changes}: the answer is the same)" if changes else ""
        text = f"{here.version} was built for this machine and requires {torch_of(plan)}{tail}.{notes}"
        return Finding("torch-auto.ok", "torch-auto", OK, text)
    why = changes or "its settings, or what is known of its release, have changed since"
    if situation.works or situation.asks_for_cpu:
        text = f"{here.version} was built when things were different: {why}. What is installed works.{notes}"
        return Finding("torch-auto.ok", "torch-auto", OK, text)
    text = f"{here.version} was not built for this machine as it is now: {why}.{notes}"
    return Finding("torch-auto.stale", "torch-auto", FAIL, text, situation.fix)
