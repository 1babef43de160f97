"""The installed torch: whether it is the one for this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import FAIL, INIT, OK, REFRESH, WARN, Finding, add, torch_of
from torch_auto.cli.project.requirements import satisfies, torch_requirements
from torch_auto.select.runs_on import candidates, fault
from torch_auto.select.words import sentence

if TYPE_CHECKING:
    from torch_auto.catalog import Build
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.project.environment import Installed
    from torch_auto.select.runs_on import Unfit


def _build(situation: Situation, torch: Installed) -> Build | None:
    try:
        release = situation.catalog.release(torch.version.partition("+")[0])
    except KeyError:
        return None
    here = release.platforms.get(situation.machine.platform or "")
    found = [build for build in here.builds if build.torch_backend == torch.torch_backend] if here is not None else []
    return found[0] if found else None


def unfit(situation: Situation, torch: Installed) -> Unfit | None:
    """Why an installed torch does not run on the most capable GPU, or None where it does or nothing is known."""
    devices = candidates(situation.machine)
    build = _build(situation, torch)
    if not devices or build is None:
        return None
    return fault(build, devices[0], situation.machine, situation.catalog)


def _gpu_unused(situation: Situation, torch: Installed) -> str:
    """What is wrong with a torch on this machine's GPU as a sentence, or nothing."""
    why = unfit(situation, torch)
    plan = situation.plan
    if why is None or (plan is not None and not plan.selection.accelerated and plan.selection.needs is None):
        return ""
    name = candidates(situation.machine)[0].describe()
    if why.kind == "architecture":
        return f' It has no code for {name}: {sentence(why.reason)}; CUDA would say "no kernel image is available".'
    if torch.torch_backend == "cpu":
        return f" It is a CPU build, and leaves {name} unused."
    if why.kind == "driver":
        return f" It does not run with this driver: {sentence(why.reason)}."
    return f" It does not use {name}: {sentence(why.reason)}."


def torch(situation: Situation) -> Finding:
    """Whether the installed torch is the one for this machine."""
    here, plan = situation.torch, situation.plan
    if here is None:
        commands = add(situation) if situation.torch_auto is None and situation.here is None else (REFRESH,)
        return Finding("torch", FAIL, f"It is not installed in {situation.environment.prefix}.", commands)
    unused = _gpu_unused(situation, here)
    if plan is None:
        return Finding(
            "torch", FAIL if unused else OK, f"{here} is installed.{unused}", add(situation) if unused else ()
        )
    required = torch_requirements(plan.requirements)
    if not satisfies(here.version, required, situation.machine):
        return Finding(
            "torch", FAIL, f"{here} is installed, and this machine needs {torch_of(plan)}.{unused}", (REFRESH,)
        )
    commands = (REFRESH,) if situation.all_named else (INIT, REFRESH)
    if unused:
        return Finding("torch", FAIL, f"{here} is installed; {torch_of(plan)} would use the GPU.{unused}", commands)
    local = plan.selection.local_version
    asked = [extra.torch_backend for extra in plan.extras if extra.name in situation.extras]
    if local is not None and here.torch_backend not in (None, plan.selection.torch_backend, *asked):
        better = "is smaller" if plan.selection.torch_backend == "cpu" else "fits this machine better"
        return Finding("torch", WARN, f"{here} is installed and works; {torch_of(plan)} {better}.", commands)
    return Finding("torch", OK, f"{here} is installed, and is what this machine needs.")
