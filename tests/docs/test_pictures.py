"""The pictures of docs/pictures/ show what the command prints today."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import fake_nvml, pytorch_org
from support.docs import ROOT
from support.torch_index import TorchIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

WHY_NOT = pytorch_org.why_not() or fake_nvml.why_not()

pytestmark = [
    pytest.mark.frontend,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal"),
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]

NAMES = sorted(path.stem for path in (ROOT / "docs" / "pictures").glob("*.svg"))


@pytest.fixture(scope="module")
def pictures(wheelhouse: Path, dists: Path) -> Iterator[dict[str, str]]:
    """The pictures as they would be made now."""
    sys.path.insert(0, str(ROOT / "tools"))
    from pictures import docs_pictures  # noqa: PLC0415  # it needs a pseudo-terminal

    sys.path.pop(0)
    with TorchIndex(wheelhouse=wheelhouse, dists=dists) as index:
        yield docs_pictures(index)


def words(picture: str) -> list[str]:
    """The texts of a picture, each with its place and colours."""
    return re.findall(r"<text.*?</text>", picture)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_current(pictures: dict[str, str], name: str) -> None:
    """Where this fails: python3 tools/dev.py run python tools/pictures.py."""
    kept = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text("utf-8")
    assert words(kept) == words(pictures[name])
    assert kept == pictures[name]


def test_every_picture_is_made(pictures: dict[str, str]) -> None:
    """None is left over, none is missing, and each has text that is read where pictures are not shown."""
    assert sorted(pictures) == NAMES
    assert all(re.search(r'aria-label="uvx? ', picture) for picture in pictures.values())
