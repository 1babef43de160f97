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

    from torch_auto.detect.sources import Sources
    from torch_auto.detect.tree import Tree

VENDOR = "8086"
#: Level Zero for Intel's GPUs: torch's wheels bring the rest along, and this one is the compute driver's.
LIBRARY = "libze_intel_gpu.so.1"
#: Where WSL shows the files of Windows' drivers; Intel's folder begins so.
WSL_DRIVERS = "/usr/lib/wsl/drivers"
_WSL_INTEL = "iigd_"


def intel(sources: Sources, tree: Tree, displays: Sequence[PciDevice], log: Log) -> Accelerator | None:
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
        integrated = device.address.endswith(":00:02.0")
        devices.append(described(device.pci_id, log, integrated=integrated, driver=device.driver))
        if device.driver is None:
            log.absent(where, "no driver; XPU builds compute through the kernel's i915 or xe")
    if not devices:
        return None
    lacks = None
    if sources.live and any(_row(device.pci_id or "", "unsupported") is None for device in devices):
        lacks = _lacks(sources, tree, log)
    return Accelerator("intel", tuple(devices), lacks=lacks)


def _lacks(sources: Sources, tree: Tree, log: Log) -> str | None:
    """Intel's compute driver, where it is not installed: the GPU is there, and torch does not find it."""
    from torch_auto.detect.libraries import find  # noqa: PLC0415  # for GPUs that torch can use alone

    where = find(LIBRARY, tree, sources.env)
    if not where:
        log.absent(LIBRARY, "Intel's compute driver is not installed, and XPU builds do not find the GPU without it")
        return LIBRARY
    log.found(LIBRARY, where[0])
    return None


def note_wsl(tree: Tree, log: Log) -> None:
    """Windows' Linux shows no PCI id of a GPU, so Intel's is not found there; its driver's folder hints at it."""
    for name in tree.names(WSL_DRIVERS):
        if name.startswith(_WSL_INTEL):
            text = (
                "Intel's driver for WSL is there, and WSL does not say for which GPU: for Arc and newer, the setting "
            )
            log.unreadable(f"{WSL_DRIVERS}/{name}", text + "backend=xpu takes the XPU build")
            return


def described(pci_id: str, log: Log, *, integrated: bool, name: str = "", driver: str | None = None) -> Device:
    """A device with its family's name, and whether PyTorch lists it noted. ``integrated`` counts for unknown ids."""
    row = _row(pci_id, "supported")
    if row is not None:
        listed = f"which PyTorch lists from {row['since']} on" if row["since"] else "which PyTorch does not list"
        log.found("Intel GPUs", f"{pci_id} is {row['family']}, {listed}; XPU builds support Alchemist and newer")
        return Device(name or row["family"], pci_id=pci_id, integrated=row["integrated"], driver=driver)
    row = _row(pci_id, "unsupported")
    if row is not None:
        log.found("Intel GPUs", f"{pci_id} is {row['family']}, which no XPU build supports")
        return Device(name or row["family"], pci_id=pci_id, integrated=row["integrated"], driver=driver)
    log.unreadable("Intel GPUs", f"{pci_id} is not in the table of what XPU builds support")
    return Device(name, pci_id=pci_id, integrated=integrated, driver=driver)


def _row(pci_id: str, kind: str) -> dict[str, Any] | None:
    """The row of a table that has a PCI id."""
    rows: list[dict[str, Any]] = read(DATA, "intel.json")[kind]
    for row in rows:
        if pci_id in row.get("ids", ()) or any(first <= pci_id <= last for first, last in row.get("ranges", ())):
            return row
    return None
