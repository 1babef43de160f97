"""NVIDIA's Tegra modules (Jetson, DRIVE), whose GPU is on the chip and on no PCI bus that tells its id.

Up to Orin with JetPack 6 they need wheels of their own, which NVIDIA publishes. Thor runs the ordinary aarch64 driver
and wheels, and so does Orin from JetPack 7.2 (L4T R39) on.
"""

from __future__ import annotations

import re

from torch_auto.detect.log import Log
from torch_auto.detect.tree import Tree

COMPATIBLE = "/proc/device-tree/compatible"
RELEASE = "/etc/nv_tegra_release"
KERNEL = "/proc/sys/kernel/osrelease"
SOC = "/sys/devices/soc0"

#: Chip, its id, the module's name and its compute capability. The device tree says "nvidia,tegra234"; soc_id holds the
#: id in decimal, 35 = 0x23 (kernel: include/soc/tegra/fuse.h), also in containers, which hide the device tree.
_CHIPS = (
    ("tegra210", "33", "Jetson Nano or TX1", (5, 3)),
    ("tegra186", "24", "Jetson TX2", (6, 2)),
    ("tegra194", "25", "Jetson Xavier", (7, 2)),
    ("tegra234", "35", "Jetson Orin", (8, 7)),
    ("tegra264", "38", "Jetson Thor", (11, 0)),
)
_ORIN, _THOR = (8, 7), (11, 0)
#: The release of Jetson Linux that is for Thor alone. Those before are for older modules, 39 is for Orin and Thor.
_THOR_RELEASE = 38
_UNIFIED_RELEASE = 39
#: The CUDA that a release's driver is of: R38 is JetPack 7.0 and 7.1, R39 is JetPack 7.2 (OE4T/meta-tegra PR 2224).
_CUDA = {_THOR_RELEASE: (13, 0), _UNIFIED_RELEASE: (13, 2)}

POINTER = "PyTorch's wheels do not run on it; NVIDIA's do: see docs.nvidia.com, Installing PyTorch for Jetson Platform"
LATER = "; with JetPack 7.2 (L4T R39) PyTorch's builds for CUDA 13.2 and newer run on it too"


class Tegra:
    """A Tegra module: its name, its compute capability where the chip is known, and its release of Jetson Linux."""

    def __init__(self, name: str, compute_capability: tuple[int, int] | None, release: int | None) -> None:
        self.name = name
        self.compute_capability = compute_capability
        self.release = release

    @property
    def has_ordinary_driver(self) -> bool:
        """Whether NVIDIA's driver for servers and its CUDA serve it, as they do from Thor on, or may."""
        if self.compute_capability == _ORIN:
            return self.release is not None and self.release >= _UNIFIED_RELEASE
        return self.compute_capability is None or self.compute_capability >= _THOR

    @property
    def may_have_ordinary_driver(self) -> bool:
        """Whether only the driver itself can tell: an Orin whose release is hidden, as in a container."""
        return self.compute_capability == _ORIN and self.release is None

    @property
    def cuda(self) -> tuple[int, int] | None:
        """The CUDA that its driver is of at least, where the driver does not say it; None where that is not known."""
        if not self.has_ordinary_driver:
            return None
        known = _CUDA.get(min(self.release or 0, _UNIFIED_RELEASE))
        return known or (_CUDA[_THOR_RELEASE] if self.compute_capability == _THOR else None)


def tegra(tree: Tree, log: Log) -> Tegra | None:
    """The Tegra module that this is, or None. Everything that speaks for one is noted."""
    chip = _from_device_tree(tree, log) or _from_soc(tree, log)
    release = _release(tree, log)
    kernel = tree.read(KERNEL) or ""
    if kernel.endswith("-tegra"):
        log.found(KERNEL, kernel)
    if chip is not None:
        _, _, name, capability = chip
        found = Tegra(name, capability, release)
    elif release is not None or kernel.endswith("-tegra"):
        found = _of_release(release)
        log.unreadable("Tegra", f"no file names the chip; taken for {found.name}")
    else:
        return None
    if not found.has_ordinary_driver:
        log.found(found.name, POINTER + (LATER if found.compute_capability == _ORIN else ""))
    return found


def _of_release(release: int | None) -> Tegra:
    """What a release of Jetson Linux runs on. Orin stands for all the modules that are served alike."""
    if release is not None and release > _THOR_RELEASE:
        return Tegra("Jetson Orin or Thor", None, release)
    if release == _THOR_RELEASE:
        return Tegra("Jetson Thor", _THOR, release)
    return Tegra("Jetson Orin or older", _ORIN, release)


def _from_device_tree(tree: Tree, log: Log) -> tuple[str, str, str, tuple[int, int]] | None:
    """The file holds names that NULs end: "nvidia,p3737-0000+p3701-0005", "nvidia,p3701-0005", "nvidia,tegra234"."""
    text = tree.read(COMPATIBLE)
    if text is None:
        return None
    names = re.split(r"[\0\n]", text)
    for chip in _CHIPS:
        if f"nvidia,{chip[0]}" in names:
            log.found(COMPATIBLE, " ".join(names))
            return chip
    return None


def _from_soc(tree: Tree, log: Log) -> tuple[str, str, str, tuple[int, int]] | None:
    if (tree.read(f"{SOC}/family") or "").lower() != "tegra":
        return None
    identifier = tree.read(f"{SOC}/soc_id") or ""
    for chip in _CHIPS:
        if chip[1] == identifier:
            log.found(f"{SOC}/soc_id", f"{identifier}, {chip[0]}")
            return chip
    log.unreadable(f"{SOC}/soc_id", f"{identifier!r} is no chip that is known here")
    return None


def _release(tree: Tree, log: Log) -> int | None:
    """36 of "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, ..."."""
    text = tree.read(RELEASE)
    if text is None:
        return None
    found = re.match(r"# R(\d{1,3}) ", text, re.ASCII)
    if found is None:
        log.unreadable(RELEASE, repr(text[:80]))
        return None
    log.found(RELEASE, text.splitlines()[0])
    return int(found.group(1))
