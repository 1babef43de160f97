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


def _cells(text: str) -> list[list[str]]:
    """The rows of a table, cell by cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_document_has_the_kinds_that_are_tested(rows: list[Row]) -> None:
    """docs/reference/kinds.md says what is fed and found, and uv's torch backend; our releases in it may be older."""
    found = {line[1]: (line[2], line[3], line[5]) for line in _cells(detection_table.DOCUMENT.read_text("utf-8"))[2:]}
    assert found == {row.kind.name: (row.kind.fed, row.found, row.uv) for row in rows}


def test_the_document_says_who_is_right_where_uv_differs(rows: list[Row]) -> None:
    """Each kind on which the two differ is named by its number, with its verdict."""
    text = detection_table.COMPARISON.read_text("utf-8").partition("<!-- uv: begin")[2].partition("<!-- uv: end")[0]
    told = {number: verdict for numbers, verdict in _cells(text)[2:] for number in numbers.split(", ")}
    assert told == {str(number): row.kind.why for number, row in enumerate(rows, 1) if row.differs}
