"""What ``torch-auto check`` finds in a project with torch groups: the machine's group, the record, and the lock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding
from torch_auto.cli.check.standing import decisive
from torch_auto.cli.portable.choice import newest_with_groups
from torch_auto.cli.portable.edits import written
from torch_auto.cli.project import extras
from torch_auto.cli.project.requirements import torch_requirements
from torch_auto.cli.project.toml import items, load, table
from torch_auto.pins.extras import EXTRAS
from torch_auto.select.words import sentences

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.portable.here import Here


def group(situation: Situation, here: Here, devices: str) -> Finding:
    """Which group the machine has, and whether its GPU is used then."""
    selection = here.chosen.selection
    reasons = " ".join(sentences(here.chosen.reasons))
    if selection.needs is not None:
        return Finding("group.none", "machine", FAIL, f"{devices}: no torch group can be used here. {reasons}")
    text = f"{devices}: its torch group is {here.chosen.group.name}, torch {here.torch}"
    if decisive(situation.machine, situation.catalog) is not None and not selection.accelerated:
        text = f"{text}, which does not use the GPU. {reasons}"
        return Finding("group.no-gpu", "machine", WARN, text, situation.more_groups)
    newer = newest_with_groups([item.group for item in written(situation.project.member)], situation.catalog)
    upgrade = f" torch {newer} has these groups: {situation.ours('init --portable --upgrade')}." if newer else ""
    return Finding("group.ok", "machine", OK, f"{text}.{upgrade}")


def torch_auto(situation: Situation, here: Here, changes: str) -> Finding:
    """Whether the installed torch-auto, which speaks up at import, was built for the machine's group."""
    installed, line = situation.torch_auto, "torch-auto"
    name, refresh = here.chosen.group.name, (situation.ours("refresh"),)
    if installed is None and here.torch_groups.pylocks:
        text = "It is not installed, and the lock files need it for `torch-auto sync` alone."
        return Finding("torch-auto.absent", line, OK, text)
    if installed is None:
        text = f"It is not installed in {situation.environment.prefix}."
        commands = (situation.ours("sync"),) if situation.requires_torch_auto else (situation.tool.adding,)
        return Finding("torch-auto.missing", line, WARN, text, commands)
    if torch_requirements(installed.requires):
        text = f"{installed.version} was built without the project's groups, and requires a torch of its own."
        return Finding("group.requires-torch", line, FAIL, text, refresh)
    before = here.built_for(situation.record)
    if before is None:
        text = f"{installed.version} was built without the project's groups, and cannot tell at import which is right."
        return Finding("group.record", line, WARN, text, refresh)
    if situation.stale:
        why = changes or "the groups have changed since"
        text = (
            f"{installed.version} was built for {before.name} of torch {before.release}, and this machine's group is "
            f"{name} of torch {here.chosen.group.release} now: {why}."
        )
        # What is installed works: it is only said to be wrong at import.
        return Finding("group.record", line, WARN, text, refresh)
    notes = "".join(f" {note}" for note in situation.notes)
    text = f"{installed.version} knows that this machine's torch group is {name}.{notes}"
    return Finding("torch-auto.ok", line, OK, text)


def family(situation: Situation) -> list[Finding]:
    """The extras of torch-auto that the project requires and its groups do not know of: they ask for nothing then."""
    known = {project for item in written(situation.project.member) for project in item.family}
    lacking = [name for name in extras.of_project(situation.project) if EXTRAS[name] not in known]
    if not lacking:
        return []
    text = (
        f"The project requires torch-auto[{','.join(lacking)}]. In a project with torch groups the extra has no "
        f"effect, and no group pins {' and '.join(EXTRAS[name] for name in lacking)}."
    )
    return [Finding("group.extras", "extras", WARN, text, situation.for_all)]


def lock(situation: Situation, here: Here) -> Finding:
    """Whether the lock holds the torch of every group."""
    pylocks = here.torch_groups.pylocks
    if pylocks:
        names = ", ".join(os.path.basename(path) for path in pylocks.values())
        return Finding("lock.ok", "lock files", OK, f"{names}: this machine's is that of {here.chosen.group.name}.")
    path = situation.project.file("uv.lock")
    commands = ("uv lock", situation.ours("sync"))
    if path is None:
        return Finding("group.lock", "uv.lock", FAIL, "There is none.", commands)
    locked = _locked(load(path))
    missing = [group.name for group in here.torch_groups.groups if group.version not in locked.get(group.name, ())]
    if missing:
        text = f"It does not hold the torch of {', '.join(missing)}."
        return Finding("group.lock", "uv.lock", FAIL, text, commands)
    return Finding("lock.ok", "uv.lock", OK, f"It holds all groups: {', '.join(here.torch_groups.names)}.")


def _locked(data: dict[str, Any]) -> dict[str, list[str]]:
    """The versions of torch by the dependency group that brings them."""
    found: dict[str, list[str]] = {}
    for package in items(data.get("package")):
        for name, entries in table(package, "dev-dependencies").items():
            torch = [table(entry) for entry in items(entries) if table(entry).get("name") == "torch"]
            found.setdefault(name, []).extend(str(entry.get("version")) for entry in torch)
    return found
