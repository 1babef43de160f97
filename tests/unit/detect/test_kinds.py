"""Every kind of machine that is known here is detected as what it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support import fake_nvml

from torch_auto.catalog import load
from torch_auto.machine import format_pair
from torch_auto.machine_file import machine_from_json
from torch_auto.machine_json import machine_to_json
from unit.detect.feeding import EVIDENCE, describe, feed, told
from unit.detect.kinds import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from unit.detect.kinds import Kind


def _newest_cuda() -> str:
    return format_pair(max(item.cuda for item in load().drivers.paired))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_of_machine_is_detected_as_what_it_is(kind: Kind, tmp_path: Path) -> None:
    """The accelerators, the platform and each line of the evidence are those that the lists say."""
    if kind.nvml is not None and fake_nvml.why_not() is not None:
        pytest.skip(str(fake_nvml.why_not()))
    machine = feed(kind, tmp_path)
    assert describe(machine) == kind.expected.replace("CUDA newest", f"CUDA {_newest_cuda()}")
    assert machine.platform == kind.platform
    if sys.platform.startswith("linux"):
        assert told(kind, machine, tmp_path) in EVIDENCE.read_text("utf-8").rstrip().split("\n\n")
    for source, outcome, detail in kind.notes:
        found = [item for item in machine.evidence if source in item.source and item.outcome == outcome]
        assert any(detail in item.detail for item in found), machine.evidence
    assert machine_from_json(machine_to_json(machine)) == machine


def test_the_list_holds_at_least_forty_kinds_each_with_a_source() -> None:
    """No kind is there twice, and each says where its facts come from and who is right."""
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names)) >= 40
    assert all(kind.source and kind.fed and kind.why for kind in KINDS)
