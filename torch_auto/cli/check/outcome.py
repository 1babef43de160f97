"""After commands were run: whether ``check`` is content now, and before them: whether they are this machine's alone."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import FAIL, OK
from torch_auto.cli.check.findings import all_findings
from torch_auto.cli.check.lock import is_of_another_kind, owner_of
from torch_auto.cli.check.report import rows, status_of
from torch_auto.cli.check.situation import survey
from torch_auto.cli.output import confirmed

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation, Where


def agreed(situation: Situation, *, yes: bool) -> bool:
    """Whether the lock may be made for this machine: it is asked where others use it as it is."""
    locked = situation.lock
    if situation.here is not None or situation.tool.by_commands or locked is None:
        return True
    if locked.torch_auto is None or locked.torch is None or not is_of_another_kind(situation, locked.torch) or yes:
        return True
    print(
        f"{locked.name} holds torch {locked.torch}, which is for {owner_of(locked.torch)}. Locking again changes it "
        f"for everyone who uses it.\nOne lock for every machine: {' && '.join(situation.for_all)}",
        file=sys.stderr,
    )
    if confirmed("Make it this machine's?"):
        return True
    print(f"Nothing was changed. Without the question: {situation.ours('refresh')} --yes", file=sys.stderr)
    return False


def look_again(where: Where) -> int:
    """Say on stderr what is still not well; 1 where something does not work, else 0.

    Raises:
        SettingsError, NotTomlError, OSError: as :func:`survey` says.
    """
    importlib.invalidate_caches()
    situation = survey(where)
    left = [finding for finding in all_findings(situation) if finding.status != OK]
    if not left:
        print(f"Done. `{situation.ours('check')}` is content.", file=sys.stderr)
        return 0
    print("Done, and this is left:", file=sys.stderr)
    print("\n".join(rows(left, sys.stderr)), file=sys.stderr)
    return 1 if status_of(left) == FAIL else 0
