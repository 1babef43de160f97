"""What ``torch-auto check`` finds, one finding per thing that is looked at."""

from __future__ import annotations

from typing import Dict, List

from torch_auto.cli import findings_groups
from torch_auto.cli.finding import FAIL, INIT, OK, REFRESH, WARN, Finding, add, torch_of
from torch_auto.cli.findings_torch import companions, torch
from torch_auto.cli.hints import missing_pages
from torch_auto.cli.lock import read_lock
from torch_auto.cli.pages import hint_pages
from torch_auto.cli.situation import Situation, applicable, satisfies, torch_requirements
from torch_auto.fit import candidates
from torch_auto.machine import Machine, NvidiaAccelerator
from torch_auto.machine_file import MachineError, machine_from_json
from torch_auto.plan import Plan


def _devices(machine: Machine) -> str:
    found = candidates(machine)
    if not found:
        return "Apple silicon" if machine.platform == "macos_arm64" else "no GPU"
    text = found[0].describe()
    accelerator = found[0].accelerator
    if isinstance(accelerator, NvidiaAccelerator) and accelerator.driver_version is not None:
        text += f", driver {accelerator.driver_version}"
    return text if len(found) == 1 else f"{text}, and {len(found) - 1} more"


# --- the machine -------------------------------------------------------------------------------------------------


def machine(situation: Situation) -> Finding:
    """What the machine needs, and whether torch can use its GPU at all."""
    devices, newest = _devices(situation.machine), situation.newest
    if newest.with_hint is None:
        last = situation.plan_of(situation.catalog.newest.version)
        why = " ".join(last.reasons) if last is not None else ""
        return Finding("machine", FAIL, f"{devices}: no release of torch can be used here. {why}".rstrip())
    best = situation.plan_of(newest.with_hint)
    if best is None:  # it comes from the same catalog
        return Finding("machine", OK, devices)
    if candidates(situation.machine) and not best.selection.accelerated and situation.settings.backend == "auto":
        return Finding("machine", WARN, f"torch cannot use the GPU. {best.reasons[0]}{_advice(situation.machine)}")
    if newest.without_hint == newest.with_hint:
        return Finding("machine", OK, f"{devices}: the newest torch for it is {torch_of(best)}.")
    alone = f"torch {newest.without_hint}" if newest.without_hint else "none"
    return Finding(
        "machine", OK, f"{devices}: the newest torch for it is {torch_of(best)}; on PyPI alone it is {alone}."
    )


def _advice(found: Machine) -> str:
    nvidia = found.nvidia
    if nvidia is None or nvidia.driver_version is not None or nvidia.cuda_driver_version is not None:
        return ""
    return (
        " Install NVIDIA's driver (nouveau does not do; on Ubuntu: sudo ubuntu-drivers install; others: "
        "nvidia.com/drivers), restart, then run torch-auto refresh."
    )


# --- torch-auto's own METADATA -----------------------------------------------------------------------------------


def torch_auto(situation: Situation) -> Finding:
    """Whether the installed torch-auto was built for this machine as it is now."""
    here = situation.torch_auto
    if here is None:
        return Finding("torch-auto", WARN, f"It is not installed in {situation.environment.prefix}.", add(situation))
    plan = situation.plan
    if plan is None:
        text = (
            f"{here.version} is installed, a release that this command (catalog of {situation.catalog.as_of}) does not "
            "know; run the project's own command, or a newer one."
        )
        return Finding("torch-auto", WARN, text)
    wanted = applicable(torch_requirements(plan.requirements), situation.machine)
    has = applicable(torch_requirements(here.requires), situation.machine)
    if not torch_requirements(here.requires):
        return Finding(
            "torch-auto", OK, f"{here.version} is the command alone here (backend=none): it requires no torch."
        )
    changes = _changes(situation)
    notes = "".join(f" {note}" for note in situation.notes)
    if wanted != has:
        why = changes or "its settings, or what is known of its release, have changed since"
        return Finding(
            "torch-auto", FAIL, f"{here.version} was not built for this machine as it is now: {why}.{notes}", (REFRESH,)
        )
    if plan.selection.needs is not None:
        reason = plan.reasons[-1] if plan.reasons else ""
        return Finding(
            "torch-auto", FAIL, f"{here.version} serves no torch on this machine. {reason}{notes}", (REFRESH,)
        )
    tail = f" ({changes}: the answer is the same)" if changes else ""
    return Finding("torch-auto", OK, f"{here.version} requires {torch_of(plan)} here, and was built so{tail}.{notes}")


def _accelerators(found: Machine) -> Dict[str, List[str]]:
    return {
        item.vendor: [candidate.describe() for candidate in candidates(found) if candidate.vendor == item.vendor]
        for item in found.accelerators
    }


def _changes(situation: Situation) -> str:
    """What is different between the machine that the wheel was built on and this one, in words."""
    try:
        then = machine_from_json(situation.record.get("machine"))
    except MachineError:
        return ""
    now = situation.machine
    found = []
    if then.platform != now.platform:
        found.append(f"{then.platform} then, {now.platform} now")
    if _accelerators(then) != _accelerators(now):
        found.append(f"{_devices(then)} then, {_devices(now)} now")
    elif then.nvidia is not None and now.nvidia is not None:
        before, after = then.nvidia.driver_version, now.nvidia.driver_version
        if before != after:
            found.append(f"driver {before or 'none'} then, {after or 'none'} now")
    if (then.libc, now.libc) != (None, None) and then.libc != now.libc:
        found.append(f"{then.libc or 'unknown libc'} then, {now.libc or 'unknown libc'} now")
    return "; ".join(found)


# --- the lock and the hint -----------------------------------------------------------------------------------------


def project(situation: Situation) -> List[Finding]:
    """Whether the project's files could be read; nothing where they were."""
    if not situation.unread:
        return []
    text = "pyproject.toml and the lock were not read, so what follows may be wrong: this Python reads no TOML."
    return [Finding("project", WARN, text, ('pip install "torch-auto[cli]"',))]


def lock(situation: Situation) -> List[Finding]:
    """Whether the lock holds the torch of this machine; nothing where there is no lock."""
    locked = read_lock(situation.project, situation.machine)
    if locked is None:
        return []
    if locked.torch_auto is None:
        return [Finding(locked.name, WARN, "It does not hold torch-auto.", add(situation))]
    plan = situation.plan_of(locked.torch_auto)
    if plan is None:
        return [
            Finding(locked.name, WARN, f"It holds torch-auto {locked.torch_auto}, which this command does not know.")
        ]
    if locked.torch is None:
        return [Finding(locked.name, WARN, "It holds no torch for this machine.", (REFRESH,))]
    required = torch_requirements(plan.requirements)
    if not satisfies(locked.torch, required, situation.machine):
        text = f"It was made for another machine: it holds torch {locked.torch}, and this one needs {torch_of(plan)}."
        return [Finding(locked.name, FAIL, text, (REFRESH,))]
    if situation.hinted and "+" not in locked.torch and plan.selection.local_version is not None:
        text = f"It holds torch {locked.torch} from PyPI; the hint is set, and with it {torch_of(plan)} comes."
        return [Finding(locked.name, WARN, text, (REFRESH,))]
    return [Finding(locked.name, OK, f"It holds torch {locked.torch}, which satisfies this machine.")]


def hint(situation: Situation) -> Finding:
    """Whether the user's side names the pages that the machine's torch is on."""
    if situation.hinted:
        base = situation.settings.index_url
        naming = [item for item in situation.hints if not missing_pages([item], hint_pages(base)[:1], base)]
        origins = dict.fromkeys(item.origin for item in naming)
        return Finding("hint", OK, f"It is set in {', '.join(origins)}.")
    newest = situation.newest
    best = situation.plan_of(newest.with_hint) if newest.with_hint is not None else None
    plans = [plan for plan in (situation.plan, best) if plan is not None and plan.selection.needs is None]
    if newest.with_hint == newest.without_hint and all(_is_public(situation, plan) for plan in plans):
        return Finding("hint", OK, "It is not set, and not needed: PyPI has what there is for this machine.")
    pages = " ".join(situation.missing)
    return Finding("hint", WARN, f"It is not set: {pages} has builds that fit this machine better.", (INIT, REFRESH))


def _is_public(situation: Situation, plan: Plan) -> bool:
    """Whether PyPI's build is the very build that a plan prefers."""
    selection = plan.selection
    if selection.local_version is None:
        return selection.needs is None
    here = situation.catalog.release(plan.release).platforms.get(selection.platform or "")
    public = here.public if here is not None else None
    return public is not None and public.torch_backend == selection.torch_backend


def all_findings(situation: Situation) -> List[Finding]:
    """Every finding, in the order in which they are shown."""
    here = situation.here
    if here is not None:
        found = [
            findings_groups.group(situation, here, _devices(situation.machine)),
            findings_groups.torch_auto(situation, here, _changes(situation)),
            torch(situation),
            *companions(situation),
            findings_groups.lock(situation, here),
            *([] if here.torch_groups.pylocks else [*findings_groups.family(situation), hint(situation)]),
        ]
        return findings_groups.mended(situation, found)
    return [
        machine(situation),
        torch_auto(situation),
        torch(situation),
        *companions(situation),
        *project(situation),
        *([Finding("groups", FAIL, situation.fault)] if situation.fault else []),
        *lock(situation),
        hint(situation),
    ]
