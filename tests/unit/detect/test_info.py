"""``torch-auto info`` is laid out for people, and as JSON for ``--machine``."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest

from torch_auto.cli.render.machine import render
from torch_auto.cli.verbs.info import execute
from torch_auto.machine import Accelerator, Device, Evidence, Machine
from torch_auto.machine_file import machine_from_text
from unit.detect.feeding import feed
from unit.detect.kinds import KINDS
from unit.detect.trees import pci, write

if TYPE_CHECKING:
    from pathlib import Path

MIXED = Machine(
    "linux",
    "x86_64",
    "3.12",
    "glibc 2.36",
    (
        Accelerator(
            "nvidia",
            (*[Device("NVIDIA H100 80GB HBM3", (9, 0))] * 8, Device("Tesla T4", (7, 5)), Device()),
            "550.54.14",
            (12, 4),
        ),
        Accelerator("amd", (Device(gfx_target="gfx1100"), Device(gfx_target="gfx1036", integrated=True))),
        Accelerator("intel", (Device("Arc A-series (Alchemist)", pci_id="8086:56a0"),)),
    ),
    (
        Evidence("/sys/module/nvidia/version", "found", "550.54.14"),
        Evidence("/dev/kfd", "absent"),
        Evidence("NVML", "unreadable", "no end within 5 s; the driver may be wedged " + "and so on " * 12),
    ),
)

LAYOUT = """\
Linux x86_64, glibc 2.36, Python 3.12

NVIDIA  driver 550.54.14, CUDA driver version 12.4
  8 × NVIDIA H100 80GB HBM3  compute capability 9.0
  Tesla T4                   compute capability 7.5
  NVIDIA GPU                 compute capability unknown

AMD
  AMD GPU  gfx1100, discrete
  AMD GPU  gfx1036, integrated

Intel
  Arc A-series (Alchemist)  8086:56a0, discrete

What was looked at
  + found       /sys/module/nvidia/version  550.54.14
  - absent      /dev/kfd
  ! unreadable  NVML                        no end within 5 s; the driver may be wedged and so on
                                            and so on and so on and so on and so on and so on and so
                                            on and so on and so on and so on and so on and so on
"""


def test_a_machine_is_laid_out_in_columns() -> None:
    """Equal GPUs are counted, names stand in a column, and what was looked at follows."""
    assert render(MIXED, colour=False) == LAYOUT


def test_colour_adds_escape_sequences_and_nothing_else() -> None:
    """The words are the same with colour, and there is no escape sequence without."""
    coloured = render(MIXED, colour=True)
    assert "\033[1mNVIDIA" in coloured
    assert "\033[33m! unreadable" in coloured
    for code in ("0", "1", "32", "33", "90"):
        coloured = coloured.replace(f"\033[{code}m", "")
    assert coloured == LAYOUT


@pytest.mark.parametrize(
    ("machine", "line"),
    [
        (Machine("linux", "i686", "3.12"), "Linux i686, Python 3.12: torch has no builds for it"),
        (Machine("freebsd14", "amd64", "3.12"), "freebsd14 amd64, Python 3.12: torch has no builds for it"),
        (Machine("windows", "x86_64", "3.12"), "No accelerator was found."),
        (Machine("macos", "arm64", "3.12"), "An Apple chip, whose GPU every macOS arm64 build of torch uses (MPS)."),
        (
            Machine("linux", "x86_64", "3.12", None, (Accelerator("nvidia", (Device("", (5, 2)),)),)),
            "NVIDIA  without NVIDIA's driver: not usable",
        ),
        (
            Machine("linux", "x86_64", "3.12", None, (Accelerator("nvidia", (Device(),), "1.2"),)),
            "NVIDIA  driver 1.2, CUDA driver version unknown",
        ),
    ],
)
def test_what_is_missing_is_said(machine: Machine, line: str) -> None:
    """A platform without builds, no accelerator and no driver each have a line of their own."""
    assert line in render(machine, colour=False).splitlines()


def test_every_kind_of_machine_can_be_laid_out(tmp_path: Path) -> None:
    """No line is wider than a hundred columns, and none holds a control character."""
    for number, kind in enumerate(kind for kind in KINDS if kind.nvml is None and kind.smi is None):
        text = render(feed(kind, tmp_path / str(number)), colour=False)
        assert all(line.isprintable() for line in text.splitlines())
        assert all(len(line) <= 100 for line in text.splitlines()), text


def test_info_prints_what_the_setting_machine_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``info --json --root`` is a machine file of the captured tree, and without --json its layout."""
    root = str(write(tmp_path, pci("0000:03:00.0", "8086:e20b", driver="xe")))
    assert execute(argparse.Namespace(root=root, json=True, capture_script=False, jsonl=False)) == 0
    text = capsys.readouterr().out
    machine = machine_from_text(text)
    assert json.loads(text)["accelerators"][0]["devices"][0]["pci_id"] == "8086:e20b"
    assert execute(argparse.Namespace(root=root, json=False, capture_script=False, jsonl=False)) == 0
    assert capsys.readouterr().out.startswith(render(machine, colour=False))


def test_a_root_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    """A misspelt --root is told, not taken for an empty machine."""
    with pytest.raises(NotADirectoryError, match="nothing is not a folder"):
        execute(argparse.Namespace(root=str(tmp_path / "nothing"), json=False, capture_script=False, jsonl=False))
