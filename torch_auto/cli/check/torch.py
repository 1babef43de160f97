"""The installed torch: whether it works on this machine, and whether it is as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.catalog.torch_backends import CPU
from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, torch_of
from torch_auto.cli.check.standing import CPU_BUILD, PARTLY, UNFIT, UNKNOWN
from torch_auto.cli.project.requirements import satisfies, torch_requirements
from torch_auto.select.words import sentence

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.check.standing import Standing
    from torch_auto.cli.project.environment import Installed
    from torch_auto.select.runs_on import Unfit

_CODES = {
    "driver": "torch.driver",
    "no-driver": "torch.driver",
    "architecture": "torch.no-code",
    "vendor": "torch.vendor",
}


def torch(situation: Situation) -> Finding:
    """Whether the installed torch works, and is the one that is required."""
    here, stands = situation.torch, situation.standing
    if here is None or stands is None:
        text = f"It is not installed in {situation.environment.prefix}."
        return Finding("torch.missing", "torch", FAIL, text, situation.fix)
    if stands.kind == UNFIT and stands.unfit is not None:
        code = _CODES.get(stands.unfit.kind, "torch.unfit")
        text = f"{here} is installed.{_unused(stands, stands.unfit)}{_would(situation)}{_whence(situation)}"
        return Finding(code, "torch", FAIL, text, situation.fix_of_torch)
    if stands.kind == CPU_BUILD and stands.device is not None:
        return _cpu_build(situation, here, stands.device.describe())
    if stands.kind == PARTLY and stands.unfit is not None:
        text = f"{here} is installed, and runs on another GPU.{_unused(stands, stands.unfit)}{_would(situation)}"
        return Finding("torch.partly", "torch", WARN, text, situation.fix_of_torch)
    return _works(situation, here, stands)


def _unused(stands: Standing, why: Unfit) -> str:
    """Why a build does not use the GPU, as a sentence."""
    name = stands.device.describe() if stands.device is not None else "the GPU"
    if why.kind == "architecture":
        return f' It has no code for {name}: {sentence(why.reason)}; CUDA would say "no kernel image is available".'
    if why.kind == "driver":
        return f" It does not run with this driver: {sentence(why.reason)}."
    return f" It does not use {name}: {sentence(why.reason)}."


def _would(situation: Situation) -> str:
    """What would use the GPU, and what stands in the way."""
    best = situation.best
    text = f" {torch_of(best)} would use it." if best is not None and best.selection.accelerated else ""
    return text + situation.in_the_way


def _cpu_build(situation: Situation, here: Installed, device: str) -> Finding:
    text = f"{here} is installed. It is a CPU build, and leaves {device} unused.{_would(situation)}{_whence(situation)}"
    if not situation.asks_for_cpu:
        return Finding("torch.cpu", "torch", FAIL, text, situation.fix_of_torch)
    if situation.here is not None:
        return Finding("torch.cpu-asked", "torch", WARN, text, situation.more_groups)
    return Finding("torch.cpu-asked", "torch", WARN, text, situation.fix_of_torch)


def _works(situation: Situation, here: Installed, stands: Standing) -> Finding:
    """A torch that works: whether the one that is required."""
    if stands.kind == UNKNOWN:
        text = f"{here} is installed, a build that this command (catalog of {situation.catalog.as_of}) does not know."
        return Finding("torch.unknown", "torch", OK, text)
    unmet = _unmet(situation, here)
    if unmet:
        text = f"{here} is installed and works here, and {unmet}.{_whence(situation)}"
        return Finding("torch.other", "torch", WARN, text, _free(situation))
    plan = situation.plan
    if plan is None or plan.selection.needs is not None:
        return Finding("torch.ok", "torch", OK, f"{here} is installed, and works here.")
    asked = [extra.torch_backend for extra in plan.extras if extra.name in situation.wanted_extras]
    wanted = plan.selection.torch_backend
    if plan.selection.local_version is not None and here.torch_backend not in (None, wanted, *asked):
        if wanted == CPU:
            text = f"{here} is installed and works; {torch_of(plan)} is smaller."
            return Finding("torch.large", "torch", WARN, text, _free(situation))
        if "+" not in here.version:
            text = f"{here} is installed and works; {torch_of(plan)} fits this machine better."
            return Finding("torch.pypi", "torch", WARN, text, _free(situation))
        text = f"{here} is installed, and works here. {torch_of(plan)} would be chosen now."
        return Finding("torch.ok", "torch", OK, text)
    return Finding("torch.ok", "torch", OK, f"{here} is installed, and is what this machine needs.")


def _unmet(situation: Situation, here: Installed) -> str:
    """What torch-auto's METADATA requires instead of the installed torch, or nothing."""
    ours = situation.torch_auto
    if situation.here is not None:
        plan = situation.plan
        required = torch_requirements(plan.requirements) if plan is not None else []
        return "" if satisfies(here.version, required, situation.machine) else f"its group pins {situation.here.torch}"
    if ours is None:
        return ""
    if satisfies(here.version, torch_requirements(ours.requires), situation.machine):
        return ""
    decided = situation.record.get("decided")
    torch = decided.get("torch") if isinstance(decided, dict) else None
    return f"torch-auto {ours.version} requires {f'torch {torch}' if torch else 'another one'}"


def _whence(situation: Situation) -> str:
    """How a torch came here that the installed torch-auto does not allow, as a sentence; nothing where it does.

    A tool that keeps METADATA apart from wheels may resolve with another machine's, from its cache or a lock, and then
    build the wheel here.
    """
    ours, here = situation.torch_auto, situation.torch
    if situation.here is not None or ours is None or here is None or not situation.tool.keeps_metadata:
        return ""
    if satisfies(here.version, torch_requirements(ours.requires), situation.machine):
        return ""
    if situation.is_locked:
        return " The lock has it from another machine, or from before a change of this one."
    cache = f"{situation.tool.name} took what its cache holds of another machine's torch-auto"
    return f" torch-auto {ours.version} does not allow it: it was installed by hand, or {cache}."


def _free(situation: Situation) -> tuple[str, ...]:
    """The commands, unless the torch is what a lock holds that others use: that is told where the lock is."""
    return () if situation.is_locked else situation.fix
