"""Two tables about NVIDIA: what CUDA driver version a driver has, and what compute capability a PCI id has."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional, Tuple

from torch_auto.catalog import DATA, read_data


def load(name: str) -> Dict[str, Any]:
    """A file of torch_auto/data, which is ours and well formed."""
    data: Dict[str, Any] = json.loads(read_data(os.path.join(DATA, name)))
    return data


def _numbers(version: str) -> Tuple[int, ...]:
    """(550, 54, 14) of "550.54.14"; trailing zeros say nothing: 580 is 580.00."""
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def cuda_of_driver(driver_version: str, *, windows: bool) -> Tuple[Optional[Tuple[int, int]], str]:
    """The CUDA driver version that came with a driver, and how that is known.

    Each toolkit's release notes name the driver that it came with, and a branch of drivers (550) has one CUDA driver
    version from its first driver on. A branch that is newer than the table counts as the newest that the table knows.
    """
    column = "windows" if windows else "linux"
    rows: List[Tuple[Tuple[int, ...], Tuple[int, int], str]] = []
    for row in load("nvidia.json")["paired_drivers"]:
        if row.get(column):
            major, minor = row["cuda"].split(".")
            rows.append((_numbers(row[column]), (int(major), int(minor)), row[column]))
    rows.sort()
    driver = _numbers(driver_version)
    reached = [row for row in rows if row[0][0] <= driver[0]]
    if not reached:
        return None, "older than every driver in the table of CUDA driver versions"
    _, cuda, first = reached[-1]
    text = f"CUDA {cuda[0]}.{cuda[1]} came with driver {first}"
    if reached[-1] == rows[-1] and driver[0] > rows[-1][0][0]:
        text += ", the newest in the table; this driver is newer"
    return cuda, text


def capability_of_pci_id(pci_id: str) -> Optional[Tuple[int, int]]:
    """The compute capability of an NVIDIA PCI id such as "10de:20b0"; None for one that the table does not have."""
    vendor, _, device = pci_id.partition(":")
    if vendor != "10de":
        return None
    for row in load("nvidia_pci.json")["ranges"]:
        if row["first"] <= device <= row["last"]:
            major, minor = row["compute_capability"].split(".")
            return int(major), int(minor)
    return None
