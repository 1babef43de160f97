"""NumPy: whether the installed torch was compiled for the installed NumPy, which torch's requirements do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.catalog import UnknownReleaseError, version_key
from torch_auto.cli.check.finding import WARN, Finding
from torch_auto.cli.project import environment as environments

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation


def numpy(situation: Situation) -> list[Finding]:
    """NumPy 2 beside a torch that was compiled for NumPy 1."""
    first = situation.catalog.numpy_1.get(situation.machine.platform or "")
    found = environments.installed(situation.environment, "numpy")
    if first is None or found is None or situation.torch is None or found.version.partition(".")[0] in ("0", "1"):
        return []
    try:
        release = situation.catalog.release(situation.torch.version.partition("+")[0])
    except UnknownReleaseError:
        return []
    if version_key(release.version) >= version_key(first):
        return []
    text = (
        f"{situation.torch} was compiled for NumPy 1, and {found} is installed: torch cannot exchange arrays with it. "
    )
    return [
        Finding("companion.numpy", "numpy", WARN, text + f"Require numpy<2 in the project, or torch {first} or newer.")
    ]
