"""The lock of a project without torch groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import FAIL, OK, REFRESH, WARN, Finding, add, torch_of
from torch_auto.cli.project.lock import read_lock
from torch_auto.cli.project.requirements import satisfies, torch_requirements

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation


def lock(situation: Situation) -> list[Finding]:
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
        return [Finding(locked.name, WARN, "It does not hold a torch for this machine.", (REFRESH,))]
    required = torch_requirements(plan.requirements)
    if not satisfies(locked.torch, required, situation.machine):
        text = f"It was made for another machine: it holds torch {locked.torch}, and this one needs {torch_of(plan)}."
        return [Finding(locked.name, FAIL, text, (REFRESH,))]
    if situation.all_named and "+" not in locked.torch and plan.selection.local_version is not None:
        text = f"It holds torch {locked.torch} from PyPI. PyTorch's pages are named now, and have {torch_of(plan)}."
        return [Finding(locked.name, WARN, text, (REFRESH,))]
    return [Finding(locked.name, OK, f"It holds torch {locked.torch}, which satisfies this machine.")]
