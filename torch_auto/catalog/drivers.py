"""NVIDIA's drivers: the oldest for each CUDA major version, and the one that each toolkit came with."""

from __future__ import annotations

from functools import lru_cache

from torch_auto.catalog.files import DATA, read
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@lru_cache(maxsize=1024)
def version_key(version: str) -> tuple[int, ...]:
    """A key that sorts releases and driver versions: (550, 54, 14) for "550.54.14"."""
    return tuple(int(part) for part in version.split("."))


def pair(text: str) -> tuple[int, int]:
    """(12, 4) for "12.4"."""
    major, minor = text.split(".")
    return int(major), int(minor)


class DriverFloor(Frozen):
    """The oldest drivers that run toolkits of one major version (NVIDIA's minor version compatibility)."""

    toolkit_major: int
    linux: str
    windows: str


class PairedDriver(Frozen):
    """The driver that came with a CUDA toolkit: from it on, a driver supports that toolkit natively."""

    cuda: tuple[int, int]
    linux: str
    windows: str | None


class Drivers(Frozen):
    """The table of NVIDIA's drivers; ``paired`` is sorted, the oldest toolkit first."""

    floors: tuple[DriverFloor, ...]
    paired: tuple[PairedDriver, ...]

    def floor(self, toolkit_major: int, *, windows: bool) -> str | None:
        """The oldest driver version that runs toolkits of a major, or None where no floor is known for it."""
        for floor in self.floors:
            if floor.toolkit_major == toolkit_major:
                return floor.windows if windows else floor.linux
        return None

    def native(self, toolkit: tuple[int, int], *, windows: bool) -> str | None:
        """The driver version from which on a toolkit is supported natively, or None where it is not known."""
        for item in self.paired:
            if item.cuda == toolkit:
                return item.windows if windows else item.linux
        return None

    def cuda_of(self, driver_version: str, *, windows: bool) -> tuple[tuple[int, int] | None, str]:
        """The CUDA driver version that came with a driver, and how that is known.

        Each toolkit's release notes name the driver that it came with, and a branch of drivers (550) has one CUDA
        driver version from its first driver on. A branch newer than the table counts as the newest in it.
        """
        driver = version_key(driver_version)
        rows = [(version, item.cuda) for item in self.paired for version in [_column(item, windows=windows)] if version]
        rows.sort(key=lambda row: version_key(row[0]))
        reached = [row for row in rows if version_key(row[0])[0] <= driver[0]]
        if not reached:
            return None, "older than every driver in the table of CUDA driver versions"
        first, cuda = reached[-1]
        text = f"CUDA {cuda[0]}.{cuda[1]} came with driver {first}"
        if reached[-1] == rows[-1] and driver[0] > version_key(first)[0]:
            text += ", the newest in the table; this driver is newer"
        return cuda, text


def _column(item: PairedDriver, *, windows: bool) -> str | None:
    return item.windows if windows else item.linux


def drivers_of(rows: dict[str, Any]) -> Drivers:
    """The table in the records of nvidia.json."""
    floors = (DriverFloor(row["toolkit_major"], row["linux"], row["windows"]) for row in rows["toolkit_floors"])
    paired = [PairedDriver(pair(row["cuda"]), row["linux"], row.get("windows")) for row in rows["paired_drivers"]]
    return Drivers(tuple(floors), tuple(sorted(paired, key=lambda item: item.cuda)))


@lru_cache(maxsize=None)
def load(directory: str = DATA) -> Drivers:
    """The table in a directory, by default the package's own; it is read once.

    Raises:
        CatalogError: the file is missing or damaged.
    """
    return drivers_of(read(directory, "nvidia.json"))
