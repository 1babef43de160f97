"""Machines as ``torch-auto info --json`` describes them, for tests.

Constants are machines that exist; the functions make others. All are plain JSON values of which each use gets a
copy of its own.
"""

from __future__ import annotations

from typing import Any

Machine = dict[str, Any]


def machine(
    *accelerators: dict[str, Any],
    system: str = "linux",
    architecture: str = "x86_64",
    libc: str | None = "glibc 2.36",
    python: str = "3.11",
) -> Machine:
    """A machine with these accelerators; only Linux has a libc."""
    return {
        "version": 1,
        "system": system,
        "architecture": architecture,
        "libc": libc if system == "linux" else None,
        "python": python,
        "accelerators": list(accelerators),
    }


def nvidia(driver: str | None, cuda: str | None, *devices: tuple[str, str]) -> dict[str, Any]:
    """NVIDIA devices, each (name, compute capability), with the driver version and the CUDA driver version."""
    accelerator: dict[str, Any] = {"vendor": "nvidia"}
    if driver is not None:
        accelerator["driver_version"] = driver
    if cuda is not None:
        accelerator["cuda_driver_version"] = cuda
    accelerator["devices"] = [{"name": name, "compute_capability": capability} for name, capability in devices]
    return accelerator


def amd(*devices: tuple[str, str], integrated: bool = False) -> dict[str, Any]:
    """AMD devices, each (name, gfx target)."""
    found = [{"name": name, "gfx_target": target, "integrated": integrated} for name, target in devices]
    return {"vendor": "amd", "devices": found}


def intel(*devices: tuple[str, str], integrated: bool = False) -> dict[str, Any]:
    """Intel devices, each (name, PCI id)."""
    found = [{"name": name, "pci_id": pci_id, "integrated": integrated} for name, pci_id in devices]
    return {"vendor": "intel", "devices": found}


#: The CUDA driver version of each driver version used here (NVIDIA's release notes, CUDA Toolkit and driver pairs).
DRIVERS = {
    "470.57.02": "11.4",
    "525.60.13": "12.0",
    "535.54.03": "12.2",
    "550.54.14": "12.4",
    "560.28.03": "12.6",
    "570.26": "12.8",
    "575.51.03": "12.9",
    "580.65.06": "13.0",
    "595.45.04": "13.2",
}

#: Names and compute capabilities (developer.nvidia.com/cuda-gpus).
K80 = ("Tesla K80", "3.7")
M60 = ("Tesla M60", "5.2")
P100 = ("Tesla P100-PCIE-16GB", "6.0")
GTX1080 = ("NVIDIA GeForce GTX 1080", "6.1")
V100 = ("Tesla V100-SXM2-16GB", "7.0")
T4 = ("Tesla T4", "7.5")
A100 = ("NVIDIA A100-SXM4-80GB", "8.0")
RTX3090 = ("NVIDIA GeForce RTX 3090", "8.6")
RTX4090 = ("NVIDIA GeForce RTX 4090", "8.9")
H100 = ("NVIDIA H100 80GB HBM3", "9.0")
GB200 = ("NVIDIA GB200", "10.0")
RTX5090 = ("NVIDIA GeForce RTX 5090", "12.0")


def with_nvidia(driver: str, *devices: tuple[str, str], **where: Any) -> Machine:
    """A machine with NVIDIA devices and a driver of :data:`DRIVERS`; ``where`` is as for :func:`machine`."""
    return machine(nvidia(driver, DRIVERS[driver], *devices), **where)


def cpu(**where: Any) -> Machine:
    """A machine without an accelerator."""
    return machine(**where)


def a100_550(**where: Any) -> Machine:
    return with_nvidia("550.54.14", A100, **where)


def h100_580(**where: Any) -> Machine:
    return with_nvidia("580.65.06", H100, **where)


def rtx5090_575(**where: Any) -> Machine:
    return with_nvidia("575.51.03", RTX5090, **where)


def p100_580(**where: Any) -> Machine:
    return with_nvidia("580.65.06", P100, **where)


def v100_470(**where: Any) -> Machine:
    return with_nvidia("470.57.02", V100, **where)


def k80_470(**where: Any) -> Machine:
    return with_nvidia("470.57.02", K80, **where)


def mi300(**where: Any) -> Machine:
    return machine(amd(("AMD Instinct MI300X", "gfx942")), **where)


def rx7900(**where: Any) -> Machine:
    return machine(amd(("AMD Radeon RX 7900 XTX", "gfx1100")), **where)


def radeon_vii(**where: Any) -> Machine:
    """gfx906, which builds from rocm6.4 on no longer serve."""
    return machine(amd(("AMD Radeon VII", "gfx906")), **where)


def arc_b580(**where: Any) -> Machine:
    return machine(intel(("Intel Arc B580", "8086:e20b")), **where)


def macos_arm64(**where: Any) -> Machine:
    return machine(system="macos", architecture="arm64", **where)


def macos_x86_64(**where: Any) -> Machine:
    return machine(system="macos", **where)


def windows_cpu(**where: Any) -> Machine:
    return machine(system="windows", **where)


def windows_arm64(**where: Any) -> Machine:
    return machine(system="windows", architecture="arm64", **where)


def windows_rtx4090(**where: Any) -> Machine:
    """Windows drivers have numbers of their own; 560.76 supports CUDA 12.6."""
    return machine(nvidia("560.76", "12.6", RTX4090), system="windows", **where)


def gb200(**where: Any) -> Machine:
    """Grace and Blackwell: aarch64 with sbsa drivers."""
    return with_nvidia("580.65.06", GB200, architecture="aarch64", **where)


def linux_aarch64_cpu(**where: Any) -> Machine:
    return machine(architecture="aarch64", **where)


def mixed(**where: Any) -> Machine:
    """An H100 beside a P100: no single build newer than 2.7.1 on CUDA 12.6 serves both."""
    return with_nvidia("580.65.06", H100, P100, **where)


def musl(**where: Any) -> Machine:
    """Alpine Linux: torch has no wheels for musl."""
    return machine(libc="musl 1.2", **where)


def nouveau(**where: Any) -> Machine:
    """A GPU of NVIDIA without NVIDIA's driver."""
    accelerator: dict[str, Any] = {"vendor": "nvidia", "devices": [{"name": RTX3090[0]}]}
    return machine(accelerator, **where)


#: Every machine above, by name, for ``pytest.mark.parametrize``.
MACHINES: dict[str, Machine] = {
    "cpu": cpu(),
    "a100-550": a100_550(),
    "h100-580": h100_580(),
    "rtx5090-575": rtx5090_575(),
    "p100-580": p100_580(),
    "v100-470": v100_470(),
    "k80-470": k80_470(),
    "mi300": mi300(),
    "rx7900": rx7900(),
    "radeon-vii": radeon_vii(),
    "arc-b580": arc_b580(),
    "macos-arm64": macos_arm64(),
    "macos-x86-64": macos_x86_64(),
    "windows-cpu": windows_cpu(),
    "windows-arm64": windows_arm64(),
    "windows-rtx4090": windows_rtx4090(),
    "gb200": gb200(),
    "linux-aarch64-cpu": linux_aarch64_cpu(),
    "mixed": mixed(),
    "musl": musl(),
    "nouveau": nouveau(),
}
