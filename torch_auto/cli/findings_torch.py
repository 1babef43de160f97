"""What ``torch-auto check`` says of the installed torch, and of what is built against it."""

from __future__ import annotations

from typing import List, Optional, Tuple

from torch_auto.catalog import Build, vendor_of
from torch_auto.cli import environment as environments
from torch_auto.cli.environment import Installed
from torch_auto.cli.finding import FAIL, INIT, OK, REFRESH, WARN, Finding, add, torch_of
from torch_auto.cli.situation import Situation, requirement, satisfies, torch_requirements
from torch_auto.family import EXTRAS
from torch_auto.fit import Unfit, candidates, fault


def _build(situation: Situation, torch: Installed) -> Optional[Build]:
    try:
        release = situation.catalog.release(torch.version.partition("+")[0])
    except KeyError:
        return None
    here = release.platforms.get(situation.machine.platform or "")
    found = [build for build in here.builds if build.torch_backend == torch.torch_backend] if here is not None else []
    return found[0] if found else None


def unfit(situation: Situation, torch: Installed) -> Optional[Unfit]:
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
        return f' It has no code for {name}: {why.text}; CUDA would say "no kernel image is available".'
    if torch.torch_backend == "cpu":
        return f" It is a CPU build, and leaves {name} unused."
    if why.kind == "driver":
        return f" It does not run with this driver: {why.text}."
    return f" It does not use {name}: {why.text}."


def torch(situation: Situation) -> Finding:
    """Whether the installed torch is the one for this machine."""
    here, plan = situation.torch, situation.plan
    if here is None:
        none = situation.here is None and plan is not None
        if none and not torch_requirements(situation.torch_auto.requires if situation.torch_auto else ()):
            return Finding("torch", OK, "It is not installed, and not required.")
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
    hinted = (REFRESH,) if situation.hinted else (INIT, REFRESH)
    if unused:
        return Finding("torch", FAIL, f"{here} is installed; {torch_of(plan)} would use the GPU.{unused}", hinted)
    local = plan.selection.local_version
    asked = [extra.torch_backend for extra in plan.extras if extra.name in situation.extras]
    if local is not None and here.torch_backend not in (None, plan.selection.torch_backend, *asked):
        better = "is smaller" if plan.selection.torch_backend == "cpu" else "fits this machine better"
        return Finding("torch", WARN, f"{here} is installed and works; {torch_of(plan)} {better}.", hinted)
    return Finding("torch", OK, f"{here} is installed, and is what this machine needs.")


def companions(situation: Situation) -> List[Finding]:
    """Whether what is built against torch was built for the same torch."""
    found = []
    for name in EXTRAS.values():
        item = environments.installed(situation.environment, name)
        if item is not None and situation.torch is not None:
            found.append(_companion(situation, item, situation.torch))
    return found


def _companion(situation: Situation, item: Installed, torch: Installed) -> Finding:
    if not satisfies(torch.version, torch_requirements(item.requires), situation.machine):
        wants = ", ".join(
            str(wanted) for wanted in map(requirement, item.requires) if wanted and wanted.name == "torch"
        )
        text = f"{item} requires {wants}, and {torch} is installed."
        return Finding(item.name, FAIL, text, _companion_command(situation, item.name))
    ours, theirs = item.torch_backend, torch.torch_backend
    if ours is None or theirs is None or ours == theirs:
        return Finding(item.name, OK, f"{item} is of the same torch backend as torch.")
    # Of two CUDA builds, torchvision wants the same major (torchvision/extension.py), torchaudio the same CUDA version
    # (torchaudio/_extension/utils.py).
    cuda = vendor_of(ours) == vendor_of(theirs) == "nvidia"
    status = WARN if cuda and ours[:-1] == theirs[:-1] and item.name == "torchvision" else FAIL
    text = f"{item} was built for {ours}, and torch for {theirs}: they have to be of one torch backend."
    if ours == "cpu":
        status, text = (
            WARN,
            f"{item} was built for the CPU, and torch for {theirs}: its operators will not use the GPU.",
        )
    return Finding(item.name, status, text, _companion_command(situation, item.name))


def _companion_command(situation: Situation, name: str) -> Tuple[str, ...]:
    index = situation.plan.index_url if situation.plan is not None else situation.settings.index_url
    extra = next(extra for extra, project in EXTRAS.items() if project == name)
    if extra in situation.extras:
        return (REFRESH,) if situation.hinted else (INIT, REFRESH)
    if situation.tool == "uv" and situation.here is None:
        return (f"{INIT} --with {extra}", f'uv add "torch-auto[{extra}]"')
    if situation.tool == "uv":
        return (f"uv lock --upgrade-package {name}", "uv sync --inexact")
    if situation.tool == "uv pip":
        return (f"uv pip install --reinstall-package {name} --index {index} {name}",)
    if situation.tool == "pip":
        return (f"pip install --force-reinstall --no-deps --index-url {index} {name}",)
    return (f"{situation.tool} update {name}",)
