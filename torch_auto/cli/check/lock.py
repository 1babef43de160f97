"""The lock of a project without torch groups: what it holds, and whose it is by its pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, torch_of
from torch_auto.cli.check.standing import NO_GPU, public_backend, standing

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.cli.project.lock import Lock

_OWNERS = {
    "nvidia": "a machine with an NVIDIA GPU",
    "amd": "a machine with an AMD GPU",
    "intel": "one with an Intel GPU",
}


def lock(situation: Situation) -> list[Finding]:
    """Whether the lock holds a torch that works on this machine; nothing where there is no lock."""
    locked = situation.lock
    if locked is None:
        return []
    name = locked.name
    if locked.torch_auto is None:
        return [_without_torch_auto(situation, locked)]
    plan = situation.plan_of(locked.torch_auto)
    if plan is None:
        text = f"It holds torch-auto {locked.torch_auto}, which this command does not know."
        return [Finding("lock.unknown", name, WARN, text)]
    if locked.torch is None:
        text = "It does not hold a torch for this machine."
        return [Finding("lock.no-torch", name, FAIL, text, situation.fix, situation.for_all)]
    if not locked.has_files:
        text = f"It holds torch {locked.torch} without a file for this machine's system, so nothing can be installed."
        return [Finding("lock.no-files", name, FAIL, text, situation.fix, situation.for_all)]
    if is_of_another_kind(situation, locked.torch):
        return [_of_others(situation, locked, locked.torch)]
    if situation.all_named and "+" not in locked.torch and plan.selection.local_version is not None:
        public = public_backend(locked.torch, situation.machine, situation.catalog)
        if plan.selection.torch_backend != public:
            text = f"It holds torch {locked.torch} from PyPI. PyTorch's pages are named now, and have {torch_of(plan)}."
            return [Finding("lock.older", name, WARN, text, situation.fix)]
    return [Finding("lock.ok", name, OK, f"It holds torch {locked.torch}, which works here.")]


def _without_torch_auto(situation: Situation, locked: Lock) -> Finding:
    text = "It does not hold torch-auto."
    if situation.works and not situation.requires_torch_auto:
        return Finding("lock.ok", locked.name, OK, text)
    return Finding("lock.no-torch-auto", locked.name, WARN, text, situation.fix)


def is_of_another_kind(situation: Situation, torch: str) -> bool:
    """Whether a lock's torch was chosen for another kind of machine, and does not serve this one as well."""
    backend = public_backend(torch, situation.machine, situation.catalog)
    stands = standing(torch, backend, situation.machine, situation.catalog)
    if stands.kind != NO_GPU:
        return not stands.works and not situation.asks_for_cpu
    # PyPI's build is nobody's in particular.
    return "+" in torch and backend != "cpu" and not situation.asked


def owner_of(torch: str) -> str:
    """Whose lock it is that holds a version of torch, by its pin."""
    local = torch.partition("+")[2]
    known = parse_or_none(local) if local else None
    if known is None:
        return "everybody, as PyPI's build is"
    return _OWNERS.get(known.vendor or "", "a machine without a GPU")


def _of_others(situation: Situation, locked: Lock, torch: str) -> Finding:
    best = situation.best
    text = f"It was made for another machine: it holds torch {torch}, which is for {owner_of(torch)}."
    if best is not None:
        text += f" This one needs {torch_of(best)}."
    backend = public_backend(torch, situation.machine, situation.catalog)
    stands = standing(torch, backend, situation.machine, situation.catalog)
    if stands.kind == NO_GPU:
        text += " It works here as well, on the CPU."
    status = FAIL if stands.kind != NO_GPU else WARN
    return Finding("lock.other-machine", locked.name, status, text, situation.fix_of_torch, situation.for_all)
