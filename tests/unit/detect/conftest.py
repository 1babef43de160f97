"""What the tests of detection share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from torch_auto.detect import Sources
from unit.detect.kinds import linux
from unit.detect.trees import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def system(tmp_path: Path) -> Callable[..., Sources]:
    """``system(files, ...)``: the sources of a Linux machine with these files."""

    def make(files: dict[str, Any] | None = None, **others: Any) -> Sources:
        root = write(tmp_path / "tree", files or {})
        settings = {"host": linux(), "root": str(root), "interpreter": sys.executable, "deadline": 20.0}
        return Sources(**{**settings, **others})

    return make
