"""Machines of a few words each, lists of all that the rules tell apart, and the rules once more, the short way."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from support import machines as files

from torch_auto.machine import Accelerator, Device, Machine
from torch_auto.machine_file import machine_from_json
from unit.data import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The machines of tests/support, by name.
MACHINES = {name: machine_from_json(value) for name, value in files.MACHINES.items()}


def machine(
    *accelerators: Accelerator, platform: str = "linux_x86_64", python: str = "3.12", libc: str = "glibc 2.36"
) -> Machine:
    """A machine of a platform; libc counts on Linux alone."""
    system, architecture = {
        "linux_x86_64": ("linux", "x86_64"),
        "linux_aarch64": ("linux", "aarch64"),
        "win_amd64": ("windows", "x86_64"),
        "win_arm64": ("windows", "arm64"),
        "macos_arm64": ("macos", "arm64"),
        "macos_x86_64": ("macos", "x86_64"),
    }[platform]
    return Machine(system, architecture, python, libc if system == "linux" else None, accelerators)


def nvidia(driver: str | None, cuda: tuple[int, int] | None, *capabilities: tuple[int, int] | None) -> Accelerator:
    """NVIDIA GPUs of these compute capabilities with one driver."""
    return Accelerator("nvidia", tuple(Device("", item) for item in capabilities), driver, cuda)


def amd(*targets: str) -> Accelerator:
    """AMD GPUs of these LLVM targets."""
    return Accelerator("amd", tuple(Device(gfx_target=target) for target in targets))


def intel(*ids: str) -> Accelerator:
    """Intel GPUs of these PCI ids."""
    return Accelerator("intel", tuple(Device(pci_id=item) for item in ids))


#: Accelerators of the machines of tests/support, so that a name means one thing in all tests.
A100_550, H100_580, P100_580, V100_470, RTX5090_575 = (
    MACHINES[name].accelerators[0] for name in ("a100-550", "h100-580", "p100-580", "v100-470", "rtx5090-575")
)
T4_580 = nvidia("580.65.06", (13, 0), (7, 5))
#: Jetsons: Xavier; Orin with JetPack 6, with JetPack 7.2, and with 7.2 where nothing tells the driver's version.
XAVIER = nvidia("35.3.1", None, (7, 2))
ORIN_6 = nvidia("540.4.0", (12, 6), (8, 7))
ORIN_7 = nvidia("595.45.04", (13, 2), (8, 7))
ORIN_UNTOLD = nvidia(None, (13, 2), (8, 7)).replace(driver_loaded=True)

# --- all that the rules tell apart ---------------------------------------------------------------------------------

CAPABILITIES = [
    (3, 0), (3, 5), (3, 7), (5, 0), (5, 2), (5, 3), (6, 0), (6, 1), (6, 2), (7, 0), (7, 2), (7, 5),
    (8, 0), (8, 6), (8, 7), (8, 9), (9, 0), (10, 0), (10, 1), (10, 3), (10, 7), (11, 0), (12, 0), (12, 1), (13, 0),
]  # fmt: skip
DRIVERS = [
    (None, None), ("390.157", (9, 1)), ("450.80.01", (11, 0)), ("450.80.02", (11, 0)), ("470.57.02", (11, 4)),
    ("525.60.12", (12, 0)), ("525.60.13", (12, 0)), ("528.32", (12, 0)), ("528.33", (12, 0)), ("550.54.14", (12, 4)),
    ("570.26", (12, 8)), ("575.51.03", (12, 9)), ("579.99", (12, 9)), ("580.65.06", (13, 0)), ("595.45.04", (13, 2)),
    ("999.1", (14, 1)),
]  # fmt: skip
GFX = ["gfx803", "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1010", "gfx1030", "gfx1036", "gfx1100",
       "gfx1101", "gfx1102", "gfx1103", "gfx1150", "gfx1151", "gfx1200", "gfx1201"]  # fmt: skip
INTEL = ["8086:56a0", "8086:e20b", "8086:7d55", "8086:64a0", "8086:b080", "8086:9bc5", "8086:4680", "8086:ffff"]
PYTHONS = ["3.8", "3.12", "3.14t"]


def all_accelerators() -> Iterator[tuple[Accelerator, ...]]:
    """What there may be in a machine: nothing, a GPU of each kind with each driver, and GPUs of several kinds."""
    yield ()
    for (driver, cuda), capability in itertools.product(DRIVERS, CAPABILITIES):
        yield (nvidia(driver, cuda, capability),)
    for target in GFX:
        yield (amd(target),)
    for item in INTEL:
        yield (intel(item),)
    yield (nvidia("550.54.14", None, None),)
    yield from MIXED


#: Machines of several GPUs -> the one of them that decides: the most capable one that any release serves.
MIXED: dict[tuple[Accelerator, ...], Accelerator] = {
    (H100_580, amd("gfx942"), intel("8086:9bc5")): H100_580,
    (nvidia("580.65.06", (13, 0), (6, 0), (12, 0)),): nvidia("580.65.06", (13, 0), (12, 0)),
    (nvidia(None, None, (8, 6)), amd("gfx1100")): amd("gfx1100"),
    # Of AMD's, the one that the newest release serves, whichever slot it is in.
    (amd("gfx906", "gfx1030"),): amd("gfx1030"),
    (amd("gfx1030", "gfx906"),): amd("gfx1030"),
}

# --- the rules once more -------------------------------------------------------------------------------------------

FLOORS = {
    "linux": {11: (450, 80, 2), 12: (525, 60, 13), 13: (580,)},
    "windows": {11: (452, 39), 12: (528, 33), 13: (580,)},
}


def _new_enough(version: str | None, floor: tuple[int, ...] | None, *, native: bool) -> bool:
    """Whether a driver runs toolkits of a major: by the floor, or by its own word where no floor is known."""
    if version is None or floor is None:
        return version is not None and native
    return tuple(int(part) for part in version.split(".")) >= floor


def runs(build: dict[str, Any], on: Machine) -> bool:  # noqa: PLR0912  # an oracle states all rules in one place
    """Whether a build runs on some device of a machine, straight from its record."""
    name = build["torch_backend"]
    for accelerator in on.accelerators:
        for device in accelerator.devices:
            if accelerator.vendor == "amd" and device.gfx_target in build.get("gfx", ()):
                return True
            if accelerator.vendor == "intel" and name == "xpu" and device.pci_id in CATALOG.xpu_ids:
                return True
            if accelerator.vendor == "nvidia" and name.startswith("cu"):
                toolkit = (int(name[2:4]), int(name[4:]))
                native = accelerator.cuda_driver_version is not None and accelerator.cuda_driver_version >= toolkit
                if not _new_enough(accelerator.driver_version, FLOORS[on.system].get(toolkit[0]), native=native):
                    continue
                if device.compute_capability is None:
                    return True
                if device.compute_capability in ((5, 3), (6, 2), (7, 2)):
                    continue
                if device.compute_capability == (8, 7) and not (
                    toolkit >= (13, 2) and (accelerator.cuda_driver_version or (0, 0)) >= (13, 2)
                ):
                    continue
                if device.compute_capability in ((10, 1), (11, 0)):
                    if {101, 110} & set(build["sm"]):
                        return True
                    continue
                number = device.compute_capability[0] * 10 + device.compute_capability[1]
                if any(sm // 10 == number // 10 and sm <= number for sm in build["sm"]):
                    return True
                if native and any(50 <= ptx <= number for ptx in build["ptx"]):
                    return True
    return False
