"""torchvision and torchaudio: whether what is built against torch was built for the same torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.cli.check.finding import FAIL, INIT, OK, REFRESH, WARN, Finding
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.requirements import requirement, satisfies, torch_requirements
from torch_auto.pins.extras import EXTRAS

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.project.environment import Installed


def companions(situation: Situation) -> list[Finding]:
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
        return Finding(item.name, FAIL, text, _commands(situation, item.name))
    ours, theirs = item.torch_backend, torch.torch_backend
    if ours is None or theirs is None or ours == theirs:
        return Finding(item.name, OK, f"{item} is of the same torch backend as torch.")
    # Of two CUDA builds, torchvision wants the same major (torchvision/extension.py), torchaudio the same CUDA version
    # (torchaudio/_extension/utils.py).
    same_major = _cuda_major(ours) is not None and _cuda_major(ours) == _cuda_major(theirs)
    status = WARN if same_major and item.name == "torchvision" else FAIL
    text = f"{item} was built for {ours}, and torch for {theirs}: they have to be of one torch backend."
    if ours == "cpu":
        status, text = (
            WARN,
            f"{item} was built for the CPU, and torch for {theirs}: its operators will not use the GPU.",
        )
    return Finding(item.name, status, text, _commands(situation, item.name))


def _cuda_major(torch_backend: str) -> int | None:
    found = parse_or_none(torch_backend)
    return found.toolkit[0] if found is not None and found.toolkit is not None else None


def _commands(situation: Situation, name: str) -> tuple[str, ...]:
    extra = next(extra for extra, project in EXTRAS.items() if project == name)
    if extra in situation.extras:
        return (REFRESH,) if situation.all_named else (INIT, REFRESH)
    index_url = situation.plan.index_url if situation.plan is not None else situation.settings.index_url
    return situation.tool.companion(name, extra, index_url, groups=situation.here is not None)
