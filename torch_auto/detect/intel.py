"""Intel's GPUs, by their PCI ids. Which of them PyTorch supports is data, and the selection's to judge."""

from __future__ import annotations

from torch_auto.catalog.files import DATA, read
from torch_auto.detect.log import Log
from torch_auto.detect.pci import PciDevice, gives_away
from torch_auto.machine import Accelerator, Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

VENDOR = "8086"


def intel(displays: Sequence[PciDevice], log: Log) -> Accelerator | None:
    """The Intel accelerator of a Linux machine: every Intel display device that this system keeps for itself."""
    devices: list[Device] = []
    for device in displays:
        if device.vendor != VENDOR:
            continue
        where = f"/sys/bus/pci/devices/{device.address}"
        if gives_away(device.driver):
            log.absent(where, f"{device.pci_id} is set aside for a virtual machine")
            continue
        # The integrated GPU of every Intel processor is device 2 on bus 0.
        devices.append(described(device.pci_id, log, integrated=device.address.endswith(":00:02.0")))
        if device.driver is None:
            log.absent(where, "no driver; XPU builds compute through the kernel's i915 or xe")
    return Accelerator("intel", tuple(devices)) if devices else None


def described(pci_id: str, log: Log, *, integrated: bool, name: str = "") -> Device:
    """A device with its family's name, and whether PyTorch lists it noted. ``integrated`` counts for unknown ids."""
    table = read(DATA, "intel.json")
    for row in table["supported"]:
        if pci_id in row["ids"]:
            log.found("Intel GPUs", f"{pci_id} is {row['family']}, which XPU builds support")
            return Device(name or row["family"], pci_id=pci_id, integrated=row["integrated"])
    row = _unsupported(pci_id, table["unsupported"])
    if row is not None:
        log.found("Intel GPUs", f"{pci_id} is {row['family']}, which no XPU build supports")
        return Device(name or row["family"], pci_id=pci_id, integrated=row["integrated"])
    log.unreadable("Intel GPUs", f"{pci_id} is not in the table of what XPU builds support")
    return Device(name, pci_id=pci_id, integrated=integrated)


def _unsupported(pci_id: str, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    for row in rows:
        if any(first <= pci_id <= last for first, last in row["ranges"]):
            return row
    return None
