"""Whatever the files, the tools and the library hold, detection neither raises nor forgets how to be JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import fake_nvml

from torch_auto.detect import Sources, detect_from
from torch_auto.detect.log import clean
from torch_auto.detect.nvidia_nvml import parse
from torch_auto.detect.nvidia_smi import parse_banner, parse_query
from torch_auto.detect.process import Output
from torch_auto.detect.windows import CLASS_KEY
from torch_auto.machine import Machine
from torch_auto.machine_file import machine_from_json
from torch_auto.machine_json import machine_to_json
from unit.detect.feeding import RecordedRegistry
from unit.detect.kinds import KINDS, WINDOWS, linux
from unit.detect.trees import LIBRARY, Link, write

#: Every path that detection reads on some kind of machine, made of the kinds themselves, and a few that they lack.
PATHS = sorted(
    {path for kind in KINDS for path, content in kind.files.items() if not isinstance(content, Link)}
    | {"etc/ld.so.cache", "sys/bus/pci/devices/0000:01:00.0/class", "sys/bus/pci/devices/0000:01:00.0/vendor"}
    | {"sys/bus/pci/devices/0000:01:00.0/device", "sys/class/kfd/kfd/topology/nodes/1/properties"}
)
_REAL = [
    (path, content if isinstance(content, bytes) else str(content).encode())
    for kind in KINDS
    for path, content in kind.files.items()
    if isinstance(content, (bytes, str))
]


def _ends_as_json(machine: Machine) -> None:
    assert machine_from_json(json.loads(json.dumps(machine_to_json(machine)))) == machine


def _detect(files: dict[str, Any], **others: Any) -> Machine:
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {name: content for name, content in files.items() if not _is_inside(name, files)})
        return detect_from(Sources(**{"host": linux(), "root": str(root), "live": False, **others}))


def _is_inside(name: str, files: dict[str, Any]) -> bool:
    return any(name.startswith(other + "/") for other in files)


@st.composite
def _nearly_real(draw: st.DrawFn) -> tuple[str, bytes]:
    """A real file's content, cut, and with some of its bytes changed."""
    path, content = draw(st.sampled_from(_REAL))
    data = bytearray(content[: draw(st.integers(0, len(content)))])
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return path, bytes(data) * draw(st.sampled_from([1, 1, 1, 500]))


_JUNK = st.tuples(st.sampled_from(PATHS), st.binary(max_size=300))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_JUNK, _nearly_real()), max_size=25))
def test_any_bytes_in_any_file_give_a_machine(contents: list[tuple[str, bytes]]) -> None:
    """300 trees of random and of damaged files: never an exception, and a machine that round-trips through JSON."""
    machine = _detect(dict(contents))
    _ends_as_json(machine)
    assert not [item for item in machine.evidence if item.source == "detection"], machine.evidence


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20).filter(
            lambda name: name.strip(".") != ""
        ),
        st.tuples(st.binary(max_size=20), st.binary(max_size=20)),
        max_size=6,
    )
)
def test_any_names_on_the_bus_and_in_the_topology_give_a_machine(names: dict[str, tuple[bytes, bytes]]) -> None:
    """300 trees whose devices and nodes have any names: never an exception."""
    files: dict[str, Any] = {}
    for name, (first, second) in names.items():
        files[f"sys/bus/pci/devices/{name}/class"] = b"0x030000\n"
        files[f"sys/bus/pci/devices/{name}/vendor"] = first or b"0x10de\n"
        files[f"sys/bus/pci/devices/{name}/device"] = second or b"0x20b0\n"
        files[f"sys/class/kfd/kfd/topology/nodes/{name}/properties"] = b"gfx_target_version 110000\n" + first
    _ends_as_json(_detect(files))


_CELL = st.one_of(
    st.text(max_size=20), st.sampled_from(["550.54.14", "8.0", "[N/A]", "NVIDIA A100", "0x102D10DE", "12.4", ""])
)
_LINES = st.lists(st.lists(_CELL, max_size=5).map(", ".join), max_size=8).map("\n".join)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.text(max_size=2000), _LINES))
def test_any_text_from_nvidia_smi_is_read_without_an_exception(text: str) -> None:
    """1000 texts: what is taken of them has the form of a driver version and of a compute capability."""
    report = parse_query(text)
    assert len(report.devices) <= 64
    assert report.driver_version is None or all(part.isdigit() for part in report.driver_version.split("."))
    driver, cuda = parse_banner(text)
    assert driver is None or all(part.isdigit() for part in driver.split("."))
    assert cuda is None or min(cuda) >= 0


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["error", "code", "text", "driver", "cuda", "count", "device", "name", "capability", "pci", "mig", "done"]
)
_DEVICE = st.fixed_dictionaries(
    {"device": st.integers(), "capability": st.lists(st.integers(), min_size=2, max_size=2)}
)
_OBJECT = st.one_of(st.dictionaries(_KEYS, _VALUE, max_size=5), _DEVICE)
_REPORT = st.lists(st.one_of(st.text(max_size=40), _OBJECT.map(json.dumps)), max_size=10).map("\n".join)


@settings(max_examples=1000, deadline=None)
@given(_REPORT, st.sampled_from([None, 0, -6, -11, 1]))
def test_any_report_of_the_process_that_asks_nvml_is_read_without_an_exception(
    text: str, exit_code: int | None
) -> None:
    """1000 reports with values of any type: what is taken of them is of the right type."""
    report = parse(Output(text, exit_code))
    assert all(0 < pair[0] < 1000 for device in report.devices if (pair := device.compute_capability))
    assert report.gpus is None or isinstance(report.gpus, int)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=1000))
def test_evidence_is_one_printable_line_of_bounded_length(text: str) -> None:
    """No text, escape sequences of a terminal among them, gets past the evidence as it is."""
    line = clean(text)
    assert len(line) <= 300
    assert line.isprintable()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.text(max_size=30), st.sampled_from(["PCI\\VEN_10DE&DEV_2684", "32.0.15.6636"]))] * 3)
    )
)
def test_any_values_in_the_registry_give_a_machine(adapters: list[tuple[str, str, str]]) -> None:
    """300 registries with any text as their values: never an exception."""
    values = {
        f"{CLASS_KEY}\\{number:04d}": {"MatchingDeviceId": device, "DriverDesc": name, "DriverVersion": version}
        for number, (device, name, version) in enumerate(adapters)
    }
    registry = RecordedRegistry({CLASS_KEY: {}, **values})
    _ends_as_json(detect_from(Sources(host=WINDOWS, registry=registry, module_path=())))


@pytest.mark.skipif(fake_nvml.why_not() is not None, reason=str(fake_nvml.why_not()))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "nvmlInitWithFlags",
                "nvmlSystemGetDriverVersion",
                "nvmlSystemGetCudaDriverVersion",
                "nvmlSystemGetCudaDriverVersion_v2",
                "nvmlDeviceGetCount_v2",
                "nvmlDeviceGetHandleByIndex_v2",
                "nvmlDeviceGetName",
                "nvmlDeviceGetCudaComputeCapability",
                "nvmlDeviceGetPciInfo_v3",
                "nvmlDeviceGetMigMode",
            ]
        ),
        st.one_of(st.integers(1, 30), st.just(999), st.integers(-(2**31), 2**31 - 1)),
        max_size=4,
    )
)
def test_any_code_from_any_function_of_nvml_gives_a_machine(errors: dict[str, int]) -> None:
    """40 runs of real pynvml over the compiled NVML with any return codes: never an exception."""
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {**LIBRARY, "dev/nvidiactl": ""})
        env = fake_nvml.env(errors=errors)
        machine = detect_from(Sources(linux(), str(root), env, interpreter=sys.executable, deadline=20.0))
    _ends_as_json(machine)
    assert machine.nvidia is None or machine.nvidia.devices
    assert not [item for item in machine.evidence if item.source == "detection"], machine.evidence
