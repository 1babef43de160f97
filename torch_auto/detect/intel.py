"""Intel's GPUs, by their PCI ids. Which of them PyTorch supports is data, and the selection's to judge."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from torch_auto.detect.log import Log
from torch_auto.detect.nvidia_table import load
from torch_auto.detect.pci import GIVEN_AWAY, PciDevice
from torch_auto.machine import IntelAccelerator, IntelDevice

VENDOR = "8086"


def intel(displays: Sequence[PciDevice], log: Log) -> Optional[IntelAccelerator]:
    """The Intel accelerator of a Linux machine: every Intel display device that this system keeps for itself."""
    devices: List[IntelDevice] = []
    for device in displays:
        if device.vendor != VENDOR:
            continue
        where = f"/sys/bus/pci/devices/{device.address}"
        if device.driver in GIVEN_AWAY:
            log.absent(where, f"{device.pci_id} is set aside for a virtual machine")
            continue
        # The integrated GPU of every Intel processor is device 2 on bus 0.
        devices.append(described(device.pci_id, log, integrated=device.address.endswith(":00:02.0")))
        if device.driver is None:
            log.absent(where, "no driver; XPU builds compute through the kernel's i915 or xe")
    return IntelAccelerator(tuple(devices)) if devices else None


def described(pci_id: str, log: Log, *, integrated: bool, name: str = "") -> IntelDevice:
    """A device with its family's name, and whether PyTorch lists it noted. ``integrated`` counts for unknown ids."""
    table = load("intel.json")
    for row in table["supported"]:
        if pci_id in row["ids"]:
            log.found("Intel GPUs", f"{pci_id} is {row['family']}, which XPU builds support")
            return IntelDevice(pci_id, name or row["family"], row["integrated"])
    row = _unsupported(pci_id, table["unsupported"])
    if row is not None:
        log.found("Intel GPUs", f"{pci_id} is {row['family']}, which no XPU build supports")
        return IntelDevice(pci_id, name or row["family"], row["integrated"])
    log.unreadable("Intel GPUs", f"{pci_id} is not in the table of what XPU builds support")
    return IntelDevice(pci_id, name, integrated)


def _unsupported(pci_id: str, rows: List[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    for row in rows:
        if any(first <= pci_id <= last for first, last in row["ranges"]):
            return row
    return None
