"""The machine file: what it holds comes back, and what is wrong with it is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch_auto.machine import VENDORS, Accelerator, Device, Evidence, Machine
from torch_auto.machine_file import MachineError, machine_from_json, machine_from_text, read_machine
from torch_auto.machine_json import machine_to_json

REPOSITORY = Path(__file__).parents[2]
SCHEMA = json.loads((REPOSITORY / "docs/schemas/machine.schema.json").read_text(encoding="utf-8"))

# The example of the format's specification, as people will write it by hand.
EXAMPLE: dict[str, Any] = {
    "version": 1,
    "system": "linux",
    "architecture": "x86_64",
    "libc": "glibc 2.36",
    "python": "3.11",
    "accelerators": [
        {
            "vendor": "nvidia",
            "driver_version": "550.54.14",
            "cuda_driver_version": "12.4",
            "devices": [{"name": "NVIDIA A100", "compute_capability": "8.0"}],
        },
        {"vendor": "amd", "devices": [{"name": "", "gfx_target": "gfx942"}]},
        {"vendor": "intel", "devices": [{"name": "", "pci_id": "8086:56a0"}]},
    ],
    "evidence": [{"source": "NVML", "outcome": "found", "detail": "driver 550.54.14"}],
}

_names = st.text(max_size=20)
_pairs = st.tuples(st.integers(0, 99), st.integers(0, 99))
_nvidia = st.builds(
    Accelerator,
    st.just("nvidia"),
    st.lists(st.builds(Device, _names, st.none() | _pairs), max_size=3).map(tuple),
    st.none() | st.from_regex(r"[0-9]{3}\.[0-9]{1,3}(\.[0-9]{2})?", fullmatch=True).filter(str.isascii),
    st.none() | _pairs,
    st.booleans(),
    st.none() | st.just("libcuda.so.1"),
)


def _gpus(vendor: str, **told_by: Any) -> st.SearchStrategy[Accelerator]:
    """Accelerators of a vendor whose GPUs are told apart by this."""
    devices = st.builds(Device, _names, integrated=st.booleans(), **told_by)
    return st.builds(Accelerator, st.just(vendor), st.lists(devices, max_size=3).map(tuple))


_amd = _gpus("amd", gfx_target=st.sampled_from(["gfx90a", "gfx1100"])) | _gpus("amd", pci_id=st.just("1002:744c"))
_intel = _gpus("intel", pci_id=st.just("8086:56a0"), driver=st.sampled_from([None, "xe", "i915"]))
_machines = st.builds(
    Machine,
    st.sampled_from(["linux", "windows", "macos", "freebsd14"]),
    st.sampled_from(["x86_64", "riscv64"]),
    st.sampled_from(["3.8", "3.12", "3.14t"]),
    st.sampled_from([None, "glibc 2.36", "musl 1.2"]),
    st.tuples(st.lists(_nvidia, max_size=1), st.lists(_amd, max_size=1), st.lists(_intel, max_size=1)).map(
        lambda lists: tuple(item for part in lists for item in part)
    ),
    st.lists(st.builds(Evidence, _names, st.sampled_from(["found", "absent", "unreadable"]), _names), max_size=3).map(
        tuple
    ),
    st.none() | st.sampled_from(["13", "15.6.1"]),
    st.sampled_from(["cpython", "pypy"]),
)


@given(_machines)
def test_a_machine_survives_the_way_through_its_file(machine: Machine) -> None:
    """Whatever a Machine holds, its file gives it back equal, and the published schema accepts the file."""
    document = machine_to_json(machine)
    jsonschema.validate(document, SCHEMA)
    assert machine_from_text(json.dumps(document)) == machine


def test_the_specified_example_is_read() -> None:
    """The file that the format's specification shows is read, device by device."""
    jsonschema.validate(EXAMPLE, SCHEMA)
    machine = machine_from_json(EXAMPLE)
    assert machine.platform == "linux_x86_64"
    nvidia, amd, intel = machine.accelerators
    assert nvidia == Accelerator("nvidia", (Device("NVIDIA A100", (8, 0)),), "550.54.14", (12, 4))
    assert amd == Accelerator("amd", (Device(gfx_target="gfx942"),))
    assert intel == Accelerator("intel", (Device(pci_id="8086:56a0"),))
    assert machine.nvidia is nvidia
    assert [item.vendor for item in machine.accelerators] == list(VENDORS)


def test_names_and_evidence_may_be_missing() -> None:
    """A file without names and evidence is as good as one with them empty."""
    short = {key: value for key, value in EXAMPLE.items() if key != "evidence"}
    short["accelerators"] = [{"vendor": "amd", "devices": [{"gfx_target": "gfx942"}]}]
    jsonschema.validate(short, SCHEMA)
    assert machine_from_json(short).accelerators == (Accelerator("amd", (Device(gfx_target="gfx942"),)),)


def _changed(path: list[Any], value: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(EXAMPLE))
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["version"], 2, "version: must be 1"),
        (["version"], True, "version: must be 1"),
        (["speed"], 9, "speed: is not a key of this object"),
        (["system"], None, "system: is missing"),
        (["system"], 3, "system: must be a string, not a number"),
        (["python"], "2.7", 'python: is "2.7", not of the form'),
        (["python"], "3.11\n", "python: is"),
        (["libc"], "uclibc 1", "libc: is"),
        (["accelerators"], {}, "accelerators: must be an array"),
        (["accelerators", 0], 7, "accelerators[0]: must be an object"),
        (["accelerators", 0, "vendor"], "nvida", 'accelerators[0].vendor: is "nvida", not one of nvidia, amd, intel'),
        (["accelerators", 1, "vendor"], "nvidia", "accelerators[1].vendor: nvidia is there twice"),
        (["accelerators", 0, "devices", 0, "name"], "\ud800 X", "devices[0].name: contains an unpaired surrogate"),
        (["accelerators", 0, "driver_version"], "R550", "accelerators[0].driver_version: is"),
        (["accelerators", 0, "cuda_driver_version"], 12.4, "cuda_driver_version: must be a string, not a number"),
        (["accelerators", 0, "devices", 0, "compute_capability"], "8", "devices[0].compute_capability: is"),
        (["accelerators", 0, "devices", 0, "sm"], 80, "devices[0].sm: is not a key of this object"),
        (["accelerators", 1, "devices", 0, "gfx_target"], None, "devices[0].gfx_target: is missing"),
        (["accelerators", 2, "devices", 0, "pci_id"], "56a0", "devices[0].pci_id: is"),
        (["accelerators", 2, "devices", 0, "integrated"], 1, "devices[0].integrated: must be true or false"),
        # What another vendor's GPUs are told apart by says nothing of these.
        (["accelerators", 0, "devices", 0, "integrated"], True, "devices[0].integrated: is not a key of this object"),
        (["accelerators", 0, "devices", 0, "gfx_target"], "gfx942", "devices[0].gfx_target: is not a key"),
        (["accelerators", 1, "devices", 0, "compute_capability"], "8.0", "devices[0].compute_capability: is not a key"),
        (["accelerators", 2, "driver_version"], "550.54.14", "accelerators[2].driver_version: is not a key"),
        (["evidence", 0, "outcome"], "maybe", "evidence[0].outcome: is"),
        (["accelerators", 0, "devices"], [{}] * 257, "accelerators[0].devices: has 257 GPUs; the most is 256"),
    ],
)
def test_a_fault_is_named_with_its_place(path: list[Any], value: object, expected: str) -> None:
    """Each kind of fault is refused, by the path to it, and by the schema as well."""
    document = _changed(path, value)
    with pytest.raises(MachineError) as caught:
        machine_from_json(document)
    assert any(expected in fault for fault in caught.value.faults), caught.value.faults
    if path not in (["accelerators", 1, "vendor"], ["accelerators", 0, "devices", 0, "name"]):  # beyond a schema
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, SCHEMA)


def test_what_says_nothing_is_left_out() -> None:
    """An unknown compute capability, a driver that is not there and an empty name are no keys of the file."""
    machine = Machine("linux", "x86_64", "3.12", accelerators=(Accelerator("nvidia", (Device(),)),))
    document = machine_to_json(machine)
    assert document["accelerators"] == [{"vendor": "nvidia", "devices": [{}]}]
    jsonschema.validate(document, SCHEMA)
    assert machine_from_json(document) == machine


def test_a_file_is_read_from_a_path(tmp_path: Path) -> None:
    """One reader for everybody: what cannot be read is an OSError, and what is no machine file a MachineError."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(EXAMPLE), "utf-8")
    assert read_machine(str(path)) == machine_from_json(EXAMPLE)
    path.write_bytes(b" " * (1 << 20) + b"{}")
    with pytest.raises(OSError, match="larger than 1048576 bytes"):
        read_machine(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(MachineError, match="not UTF-8"):
        read_machine(str(path))
    with pytest.raises(FileNotFoundError):
        read_machine(str(tmp_path / "nothing.json"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to, and a device that never ends, are errors at once."""
    pipe = tmp_path / "machine.json"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero"):
        with pytest.raises(OSError, match="a pipe or a device"):
            read_machine(path)


def test_every_fault_is_named_at_once() -> None:
    """Three faults in one file are three faults in one error."""
    document = _changed(["system"], None)
    document["libc"] = 5
    document["extra"] = 1
    with pytest.raises(MachineError) as caught:
        machine_from_json(document)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("text", ["", "[", "[]", "null", "7", '"x"', "{" * 100_000])
def test_text_that_is_no_machine_is_refused(text: str) -> None:
    """Text that is not JSON, or JSON that is no object, is a MachineError and nothing else."""
    with pytest.raises(MachineError):
        machine_from_text(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["version", "system", "accelerators", "devices", "evidence", "x"]), inner)
        ),
    )
)
def test_any_json_is_a_machine_or_a_machine_error(value: object) -> None:
    """No JSON value whatever makes the reader fail in another way."""
    try:
        found = machine_from_json(value)
    except MachineError as error:
        found = None
        faults = error.faults
    assert isinstance(found, Machine) or faults


@pytest.mark.parametrize(
    ("system", "architecture", "words"),
    [
        ("darwin", "arm64", 'system: is "darwin"; did you mean "macos"?'),
        ("Darwin", "arm64", 'system: is "Darwin"; did you mean "macos"?'),
        ("win32", "x86_64", 'system: is "win32"; did you mean "windows"?'),
        ("Linux", "x86_64", 'system: is "Linux"; did you mean "linux"?'),
        ("linux", "amd64", 'architecture: is "amd64"; did you mean "x86_64"?'),
        ("linux", "arm64", 'architecture: is "arm64"; did you mean "aarch64"?'),
        ("windows", "AMD64", 'architecture: is "AMD64"; did you mean "x86_64"?'),
        ("macos", "aarch64", 'architecture: is "aarch64"; did you mean "arm64"?'),
    ],
)
def test_a_system_by_another_of_its_names_is_a_fault(system: str, architecture: str, words: str) -> None:
    """What platform.system() and platform.machine() say is not taken for a system that torch does not know."""
    document = {**EXAMPLE, "system": system, "architecture": architecture}
    with pytest.raises(MachineError) as error:
        machine_from_json(document)
    assert words in error.value.faults


def test_other_systems_keep_their_own_names() -> None:
    """FreeBSD calls x86_64 amd64, and is no system that torch is built for."""
    machine = machine_from_json({**EXAMPLE, "system": "freebsd14", "architecture": "amd64"})
    assert (machine.architecture, machine.platform) == ("amd64", None)


def test_an_amd_gpu_is_told_by_its_target_or_by_its_pci_id() -> None:
    """Without the kernel's compute driver the PCI id is all there is; neither is a fault."""
    document = {**EXAMPLE, "accelerators": [{"vendor": "amd", "devices": [{"pci_id": "1002:744c"}]}]}
    jsonschema.validate(document, SCHEMA)
    assert machine_from_json(document).accelerators == (Accelerator("amd", (Device(pci_id="1002:744c"),)),)
    with pytest.raises(MachineError, match="gfx_target: is missing"):
        machine_from_json({**EXAMPLE, "accelerators": [{"vendor": "amd", "devices": [{"name": "a"}]}]})
