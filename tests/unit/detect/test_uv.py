"""The side by side with uv is made of what is fed, and the document shows it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import fake_nvml as fake

sys.path.append(str(Path(__file__).parents[3] / "tools"))
import detection_table

if TYPE_CHECKING:
    from detection_table import Row

pytestmark = pytest.mark.skipif(fake.why_not() is not None, reason=str(fake.why_not()))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """All kinds, fed to us and to the model of uv."""
    return detection_table.rows()


def _family(torch_backend: str) -> str:
    """The letters: "cu" of cu126, "rocm" of rocm6.4: what a new release of torch does not change."""
    return re.split(r"[\d:]", torch_backend)[0]


def test_where_uv_differs_it_is_said_who_is_right_and_why(rows: list[Row]) -> None:
    """A verdict of "the same" stands where both are of one family, one against uv where the backends differ."""
    for row in rows:
        verdict = row.kind.why
        if verdict.startswith(("The same build", "Both can run")):
            assert _family(row.uv) == _family(row.torch_backend), row.kind.name
        elif not verdict.startswith("Neither"):
            assert row.differs, row.kind.name


def test_the_document_has_the_kinds_that_are_tested(rows: list[Row]) -> None:
    """docs/reference/kinds.md is what tools/detection_table.py writes of detection: run it where this fails."""
    text = detection_table.DOCUMENT.read_text(encoding="utf-8")
    assert detection_table.tables(rows)["kinds"] in text


def test_the_document_has_the_kinds_on_which_uv_differs(rows: list[Row]) -> None:
    """The side by side has a line for each kind on which the two differ, with uv's torch backend and the verdict."""
    text = detection_table.COMPARISON.read_text(encoding="utf-8").partition("<!-- uv: begin")[2]
    cells = [[cell.strip(" |") for cell in line.split(" | ")] for line in text.splitlines()]
    told = {line[1]: (line[3], line[4]) for line in cells if len(line) == 5 and line[0].isdigit()}  # no version of ours
    assert told == {row.kind.name: (row.uv, row.kind.why) for row in rows if row.differs}
