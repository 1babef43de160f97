"""torchvision and torchaudio against the installed torch, and what else requires another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.catalog import version_key
from torch_auto.catalog.pairs import pair_rows
from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding
from torch_auto.cli.project.requirements import satisfies, torch_requirements
from torch_auto.pins.extras import EXTRAS

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.project.environment import Installed


def companions(situation: Situation) -> list[Finding]:
    """Whether what is built against torch was built for the same torch."""
    torch = situation.torch
    if torch is None:
        return []
    return [_companion(situation, item, torch) for item in situation.companions]


def requirements(situation: Situation) -> list[Finding]:
    """What else requires a torch that the installed one is not, as `pip check` says it."""
    torch = situation.torch
    if torch is None:
        return []
    found = []
    for item in situation.others:
        if not satisfies(torch.version, torch_requirements(item.requires), situation.machine):
            text = f"{item} requires {_wants(item)}, and {torch} is installed."
            commands = situation.fix if situation.tool.by_commands else ()
            found.append(Finding("requirement.broken", item.name, WARN, text, commands))
    return found


def _wants(item: Installed) -> str:
    return ", ".join(map(str, torch_requirements(item.requires)))


def _companion(situation: Situation, item: Installed, torch: Installed) -> Finding:
    if not satisfies(torch.version, torch_requirements(item.requires), situation.machine):
        text = f"{item} requires {_wants(item)}, and {torch} is installed."
        return Finding("companion.release", item.name, FAIL, text, _commands(situation, item.name))
    wanted = _other_release(item, torch)
    if wanted:
        text = f"{item} does not work with {torch}, which goes with {item.name} {wanted}."
        return Finding("companion.release", item.name, FAIL, text, _commands(situation, item.name))
    ours, theirs = item.torch_backend, torch.torch_backend
    if ours is None or theirs is None or ours == theirs:
        text = f"{item} is of the same torch backend as torch."
        return Finding("companion.ok", item.name, OK, text)
    if ours == "cpu":
        text = f"{item} was built for the CPU, and torch for {theirs}: its operators will not use the GPU."
        return Finding("companion.cpu", item.name, WARN, text, _commands(situation, item.name))
    # Of two CUDA builds, torchvision wants the same major (torchvision/extension.py), torchaudio the same CUDA version
    # (torchaudio/_extension/utils.py).
    text = f"{item} was built for {ours}, and torch for {theirs}: they have to be of one torch backend."
    same_major = _cuda_major(ours) is not None and _cuda_major(ours) == _cuda_major(theirs)
    if same_major and item.name == "torchvision":
        return Finding("companion.cuda", item.name, WARN, text, _commands(situation, item.name))
    return Finding("companion.torch-backend", item.name, FAIL, text, _commands(situation, item.name))


def _other_release(item: Installed, torch: Installed) -> str:
    """The version that goes with a release of torch, where METADATA is silent and the catalog knows better.

    torchaudio 2.11.0 requires no torch, and is made for torch 2.11.0 and newer: it has its code compiled against that.
    """
    if torch_requirements(item.requires):
        return ""
    release, version = torch.version.partition("+")[0], item.version.partition("+")[0]
    rows = [row for row in pair_rows() if row["project"] == item.name]
    own = next((str(row["version"]) for row in rows if row["release"] == release), "")
    made_for = [row["release"] for row in rows if row["version"] == version]
    if own in ("", version) or not made_for:
        return ""
    newest = max((row["release"] for row in rows), key=version_key)
    if newest in made_for and version_key(release) >= version_key(min(made_for, key=version_key)):
        return ""
    return own


def _cuda_major(torch_backend: str) -> int | None:
    found = parse_or_none(torch_backend)
    return found.toolkit[0] if found is not None and found.toolkit is not None else None


def _commands(situation: Situation, name: str) -> tuple[str, ...]:
    extra = next(extra for extra, project in EXTRAS.items() if project == name)
    if situation.tool.by_commands or extra in situation.extras:
        return situation.fix
    if situation.here is not None:
        return situation.tool.companion(name)
    return (situation.ours(f"add {extra}"),)
