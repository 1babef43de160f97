"""The display devices on a Linux machine's PCI bus, from sysfs.

Layout: Documentation/ABI/testing/sysfs-bus-pci of the kernel. ``class`` is 0x03xxxx for a display device: 0x0300
VGA, 0x0302 a "3D controller" without outputs (most data center GPUs), 0x0380 any other. AMD's newer accelerators are
of class 0x1200, processing accelerators, as Intel's NPUs are too.
"""

from __future__ import annotations

from torch_auto.detect.log import Log
from torch_auto.detect.tree import Tree
from torch_auto.frozen import Frozen

DEVICES = "/sys/bus/pci/devices"
#: Drivers that take a device away from this system, to hand it to a virtual machine; sysfs calls Xen's "pciback".
_GIVEN_AWAY = ("pci-stub", "pciback")


def gives_away(driver: str | None) -> bool:
    """Whether a driver takes its device away from this system: those above, and every kind of VFIO.

    Variants of vfio-pci have names of their own, such as nvgrace_gpu_vfio_pci (Linux: drivers/vfio/pci).
    """
    return driver is not None and (driver in _GIVEN_AWAY or "vfio" in driver)


class PciDevice(Frozen):
    """A device's address ("0000:01:00.0"), its vendor and device as four hex digits each, and its driver's name."""

    address: str
    vendor: str
    device: str
    driver: str | None = None

    @property
    def pci_id(self) -> str:
        """Vendor and device: "10de:20b0"."""
        return f"{self.vendor}:{self.device}"


def _hex(text: str | None, digits: int) -> str | None:
    """The digits of "0x10de", for four of them; None for anything else."""
    if text is None or len(text) != digits + 2 or text[:2] != "0x":
        return None
    number = text[2:].lower()
    return number if all(character in "0123456789abcdef" for character in number) else None


def display_devices(tree: Tree, log: Log) -> tuple[PciDevice, ...]:
    """All display devices, in the order of their addresses. Notes the folder, and a device that cannot be read."""
    devices = []
    addresses = tree.names(DEVICES, log)
    for address in addresses:
        folder = f"{DEVICES}/{address}"
        # The class first, and alone: a server has hundreds of devices, and a read each is what they cost.
        kind = _hex(tree.read(f"{folder}/class"), 6) or ""
        if not kind.startswith(("03", "1200")):
            continue
        vendor = _hex(tree.read(f"{folder}/vendor"), 4)
        device = _hex(tree.read(f"{folder}/device"), 4)
        if kind.startswith("12") and vendor != "1002":
            continue
        if vendor is None or device is None:
            log.unreadable(folder, "a display device without a readable vendor and device")
            continue
        if tree.link(f"{folder}/physfn") is not None:
            continue  # a virtual function of a GPU that is listed itself
        found = PciDevice(address, vendor, device, tree.link(f"{folder}/driver"))
        devices.append(found)
        log.found(folder, f"display device {found.pci_id}, {_driver(found)}")
    if addresses and not devices:
        log.absent(DEVICES, f"no display device among {len(addresses)} devices")
    return tuple(devices)


def _driver(device: PciDevice) -> str:
    return f"driver {device.driver}" if device.driver else "no driver"
