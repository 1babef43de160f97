"""Real pynvml loads the fake NVML and reads from it what a test set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import fake_nvml as fake

if TYPE_CHECKING:
    from collections.abc import Callable

READ = """
import json, pynvml
pynvml.nvmlInit()
devices = []
for i in range(pynvml.nvmlDeviceGetCount()):
    handle = pynvml.nvmlDeviceGetHandleByIndex(i)
    devices.append({
        "name": pynvml.nvmlDeviceGetName(handle),
        "capability": list(pynvml.nvmlDeviceGetCudaComputeCapability(handle)),
        "pci": pynvml.nvmlDeviceGetPciInfo(handle).busId,
        "migs": pynvml.nvmlDeviceGetMaxMigDeviceCount(handle),
    })
said = [pynvml.nvmlSystemGetDriverVersion(), pynvml.nvmlSystemGetCudaDriverVersion_v2(), devices]
assert pynvml.nvmlSystemGetCudaDriverVersion() == said[1]
pynvml.nvmlShutdown()
print(json.dumps(said))
"""

MIG = """
import json, pynvml
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
mode = pynvml.nvmlDeviceGetMigMode(handle)
migs = [pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, i) for i in range(2)]
names = [pynvml.nvmlDeviceGetName(mig) for mig in migs]
try:
    pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, 2)
except pynvml.NVMLError_NotFound:
    names.append("end")
print(json.dumps([mode, names]))
"""


def run(code: str, variables: dict[str, str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run code that imports pynvml in a fresh interpreter."""
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)


def said(code: str, variables: dict[str, str]) -> Any:
    """What such code printed, read as JSON."""
    done = run(code, variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_defaults(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """Without arguments it is an A100 with driver 550."""
    devices = [{"name": "NVIDIA A100-SXM4-80GB", "capability": [8, 0], "pci": "00000000:41:00.0", "migs": 7}]
    assert said(READ, fake_nvml()) == ["550.54.14", 12040, devices]


def test_two_devices(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """Driver, CUDA driver version and several devices are what a test sets."""
    devices = [("NVIDIA GeForce RTX 5090", "12.0"), ("Tesla P100-PCIE-16GB", "6.0")]
    driver, cuda, found = said(READ, fake_nvml("580.65.06", "13.0", devices))
    assert (driver, cuda) == ("580.65.06", 13000)
    assert [(d["name"], d["capability"], d["migs"]) for d in found] == [
        ("NVIDIA GeForce RTX 5090", [12, 0], 7),
        ("Tesla P100-PCIE-16GB", [6, 0], 0),
    ]


def test_no_device(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """A driver without a device is possible."""
    assert said(READ, fake_nvml(devices=[])) == ["550.54.14", 12040, []]


def test_mig(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """A device can be split into MIG devices."""
    mode, names = said(MIG, fake_nvml(devices=[("NVIDIA H100", "9.0", 2)]))
    assert (mode, names) == ([1, 1], ["NVIDIA H100 MIG", "NVIDIA H100 MIG", "end"])


@pytest.mark.parametrize(
    ("function", "code", "raised"),
    [
        ("nvmlInitWithFlags", fake.ERROR_DRIVER_NOT_LOADED, "NVMLError_DriverNotLoaded"),
        ("nvmlInitWithFlags", fake.ERROR_LIB_RM_VERSION_MISMATCH, "NVMLError_LibRmVersionMismatch"),
        ("nvmlSystemGetDriverVersion", fake.ERROR_UNKNOWN, "NVMLError_Unknown"),
        ("nvmlSystemGetCudaDriverVersion_v2", fake.ERROR_NOT_SUPPORTED, "NVMLError_NotSupported"),
        ("nvmlDeviceGetCount_v2", fake.ERROR_NO_PERMISSION, "NVMLError_NoPermission"),
        ("nvmlDeviceGetHandleByIndex_v2", fake.ERROR_GPU_IS_LOST, "NVMLError_GpuIsLost"),
        ("nvmlDeviceGetName", fake.ERROR_INSUFFICIENT_SIZE, "NVMLError_InsufficientSize"),
        ("nvmlDeviceGetCudaComputeCapability", fake.ERROR_TIMEOUT, "NVMLError_Timeout"),
        ("nvmlDeviceGetPciInfo_v3", fake.ERROR_NOT_SUPPORTED, "NVMLError_NotSupported"),
    ],
)
def test_errors(fake_nvml: Callable[..., dict[str, str]], function: str, code: int, raised: str) -> None:
    """Each function can be told to fail, and pynvml raises what belongs to that code."""
    done = run(READ, fake_nvml(errors={"nvmlShutdown": fake.ERROR_UNKNOWN, function: code}))
    assert done.returncode == 1
    assert f"pynvml.{raised}" in done.stderr.splitlines()[-1]


def test_uninitialized(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """Nothing answers before nvmlInit, as with the real one."""
    done = run("import pynvml; pynvml._LoadNvmlLibrary(); pynvml.nvmlDeviceGetCount()", fake_nvml())
    assert "NVMLError_Uninitialized" in done.stderr


def test_hang(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """A function can be told not to return."""
    start = time.perf_counter()
    with pytest.raises(subprocess.TimeoutExpired):
        run(READ, fake_nvml(hang="nvmlDeviceGetCount_v2"), timeout=2)
    assert time.perf_counter() - start >= 2
