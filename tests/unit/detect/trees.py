"""Trees of files as the kernel lays them out, from a few facts each, for captured machines that the tests feed.

A tree is a mapping of paths to contents: text, bytes, a :class:`Link`, or :data:`FOLDER`. Layouts: the kernel's
Documentation/ABI/testing/sysfs-bus-pci and sysfs-class-kfd (kfd_topology.c), proc(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from support import fake_nvml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Link:
    """A symbolic link to ``target``, relative or absolute, as it stood on its machine."""

    target: str


#: An empty folder.
FOLDER = object()
#: A driver's library that says what the environment says; an empty file where it cannot be made.
NVML = object()

Files = dict[str, object]


def write(root: Path, files: Mapping[str, object]) -> Path:
    """Make ``files`` below ``root`` and return ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is FOLDER:
            path.mkdir(exist_ok=True)
        elif content is NVML:
            path.write_bytes(b"" if fake_nvml.why_not() else (fake_nvml.build() / fake_nvml.LIBRARY).read_bytes())
        elif isinstance(content, Link):
            path.symlink_to(content.target)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(str(content), encoding="utf-8")
    return root


def pci(address: str, pci_id: str, kind: str = "0x030000", driver: str | None = None) -> Files:
    """A device on the PCI bus. As in sysfs, its folder in /sys/bus is a link into /sys/devices."""
    vendor, device = pci_id.split(":")
    real = f"sys/devices/pci0000:00/{address}"
    files: Files = {
        f"sys/bus/pci/devices/{address}": Link(f"../../../devices/pci0000:00/{address}"),
        f"{real}/class": f"{kind}\n",
        f"{real}/vendor": f"0x{vendor}\n",
        f"{real}/device": f"0x{device}\n",
    }
    if driver is not None:
        files[f"{real}/driver"] = Link(f"../../../bus/pci/drivers/{driver}")
    return files


def nvidia_module(version: str, *, open_module: bool = False, architecture: str = "x86_64") -> Files:
    """NVIDIA's kernel module, with the wording of the proprietary or of the open one, and its device nodes."""
    line = f"NVIDIA UNIX {architecture} Kernel Module  {version}  Thu Feb 22 01:44:30 UTC 2024"
    if open_module:
        builder = "Release Build  (dvs-builder@U22-I3-H04-01-5)  Wed Jul 23 01:25:51 UTC 2025"
        line = f"NVIDIA UNIX Open Kernel Module for {architecture}  {version}  {builder}"
    return {
        "sys/module/nvidia/version": f"{version}\n",
        "proc/driver/nvidia/version": f"NVRM version: {line}\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
        "dev/nvidiactl": "",
        "dev/nvidia0": "",
    }


#: A library that the loader would find.
LIBRARY: Files = {"usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1": NVML}
LIBRARY_AARCH64: Files = {"usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1": NVML}


def kfd(node: int, values: Mapping[str, int], name: str = "ip discovery") -> Files:
    """A node of KFD's topology. As in sysfs, /sys/class/kfd/kfd is a link into /sys/devices."""
    defaults = {"cpu_cores_count": 0, "simd_count": 128, "mem_banks_count": 1, "vendor_id": 4098, "domain": 0}
    lines = [f"{key} {value}" for key, value in {**defaults, **values}.items()]
    real = f"sys/devices/virtual/kfd/kfd/topology/nodes/{node}"
    return {
        "sys/class/kfd/kfd": Link("../../devices/virtual/kfd/kfd"),
        f"{real}/properties": "\n".join(lines) + "\n",
        f"{real}/name": f"{name}\n",
        f"{real}/gpu_id": f"{1000 + node if values.get('gfx_target_version') else 0}\n",
    }


def kfd_cpu(node: int, cores: int) -> Files:
    """A processor's node."""
    return kfd(node, {"cpu_cores_count": cores, "simd_count": 0, "gfx_target_version": 0, "vendor_id": 0}, name="")


def join(*trees: Mapping[str, object]) -> Files:
    """One tree of several."""
    return {name: content for tree in trees for name, content in tree.items()}


def jetson(compatible: str | None, release: str | None, kernel: str, soc: str | None = None) -> Files:
    """A Jetson module: its device tree, its release file, its kernel's release and its chip's id in decimal."""
    files: Files = {"proc/sys/kernel/osrelease": f"{kernel}\n"}
    if compatible is not None:
        files["proc/device-tree"] = Link("/sys/firmware/devicetree/base")
        names = compatible.split()
        files["sys/firmware/devicetree/base/compatible"] = "".join(f"{name}\0" for name in names).encode()
    if release is not None:
        files["etc/nv_tegra_release"] = f"{release}\n"
    if soc is not None:
        files["sys/devices/soc0/family"] = "Tegra\n"
        files["sys/devices/soc0/soc_id"] = f"{soc}\n"
    return files
