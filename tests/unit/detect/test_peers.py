"""The side by side with torchruntime and light-the-torch: their inputs, and who is right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from torch_auto.catalog.torch_backends import parse_or_none
from unit.detect.peers import INPUTS, NAMES, SAME, Input

sys.path.append(str(Path(__file__).parents[3] / "tools"))
import detection_table


@pytest.mark.parametrize("item", INPUTS, ids=lambda item: f"{item.peer}: {item.name}")
def test_the_verdict_says_the_same_where_the_answers_are(item: Input) -> None:
    """ "The same" stands where the torch backends are, and an answer that differs has another verdict."""
    _, torch_backend = detection_table.answer(item.machine)
    assert (torch_backend == item.theirs) == (item.why == SAME), torch_backend


def test_the_document_has_each_input_with_its_verdict() -> None:
    """docs/explanation/comparison.md names each input beside its verdict."""
    text = detection_table.COMPARISON.read_text(encoding="utf-8").partition("<!-- peers: begin")[2]
    cells = [[cell.strip(" |") for cell in line.split(" | ")] for line in text.splitlines()]
    named = {verdict: names for names, verdict in (line for line in cells if len(line) == 2)}
    assert [item for item in INPUTS if f"{item.peer}: {item.name}" not in named.get(item.why, "")] == []


def test_names_of_torch_backends() -> None:
    """light-the-torch reads five spellings of CUDA 12.3; a name here is what PyTorch calls its builds, and no other."""
    read = {name for name in NAMES if parse_or_none(name) is not None}
    assert read == {"cpu", "cu123", "rocm4.5.2", "rocm5.0"}
