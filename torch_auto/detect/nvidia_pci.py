"""What compute capability an NVIDIA PCI id has, where nothing else says it."""

from __future__ import annotations

from torch_auto.catalog.drivers import pair
from torch_auto.catalog.files import DATA, read


def capability_of_pci_id(pci_id: str) -> tuple[int, int] | None:
    """The compute capability of an NVIDIA PCI id such as "10de:20b0"; None for one that the table does not have."""
    vendor, _, device = pci_id.partition(":")
    if vendor != "10de":
        return None
    for row in read(DATA, "nvidia_pci.json")["ranges"]:
        if row["first"] <= device <= row["last"]:
            return pair(row["compute_capability"])
    return None
