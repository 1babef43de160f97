"""The tests' machines are machines that torch_auto reads."""

from __future__ import annotations

import copy
import json

import pytest
from support import machines

from torch_auto.machine_file import machine_from_json
from torch_auto.machine_json import machine_to_json


@pytest.mark.parametrize("name", machines.MACHINES)
def test_machines_are_read(name: str) -> None:
    """Each is read without a fault, and says the same when it is written again."""
    value = machines.MACHINES[name]
    machine = machine_from_json(json.loads(json.dumps(value)))
    assert machine_from_json(machine_to_json(machine)) == machine
    assert (machine.system, machine.architecture, machine.python) == (
        value["system"],
        value["architecture"],
        value["python"],
    )


def test_python_and_platform_can_be_set() -> None:
    """A machine can be had with another Python and another platform."""
    machine = machine_from_json(machines.a100_550(python="3.13t", architecture="aarch64", libc="glibc 2.28"))
    assert (machine.python, machine.platform, machine.libc) == ("3.13t", "linux_aarch64", "glibc 2.28")


def test_what_they_are() -> None:
    """The devices, drivers and platforms are those that the names promise."""
    read = {name: machine_from_json(copy.deepcopy(value)) for name, value in machines.MACHINES.items()}
    nvidia = {
        name: (
            machine.nvidia.driver_version,
            machine.nvidia.cuda_driver_version,
            machine.nvidia.devices[0].compute_capability,
        )
        for name, machine in read.items()
        if machine.nvidia is not None
    }
    assert nvidia == {
        "a100-550": ("550.54.14", (12, 4), (8, 0)),
        "h100-580": ("580.65.06", (13, 0), (9, 0)),
        "rtx5090-575": ("575.51.03", (12, 9), (12, 0)),
        "p100-580": ("580.65.06", (13, 0), (6, 0)),
        "v100-470": ("470.57.02", (11, 4), (7, 0)),
        "k80-470": ("470.57.02", (11, 4), (3, 7)),
        "windows-rtx4090": ("560.76", (12, 6), (8, 9)),
        "gb200": ("580.65.06", (13, 0), (10, 0)),
        "mixed": ("580.65.06", (13, 0), (9, 0)),
        "nouveau": (None, None, None),
    }
    assert {machine.platform for machine in read.values()} == {
        "linux_x86_64",
        "linux_aarch64",
        "win_amd64",
        "win_arm64",
        "macos_arm64",
        "macos_x86_64",
    }
