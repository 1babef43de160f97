"""What is known about a machine, as frozen types.

A :class:`Machine` is the only thing that detection hands on and, beside the release and the catalog, the
only thing that a selection depends on. :mod:`torch_auto.machine_file` reads and writes its JSON form.

The types are named tuples and not dataclasses: every build imports this module, and dataclasses are slow to make.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple, Union

#: What each (system, architecture) is called in the catalog. Anything else has no torch builds.
PLATFORMS = {
    ("linux", "x86_64"): "linux_x86_64",
    ("linux", "aarch64"): "linux_aarch64",
    ("windows", "x86_64"): "win_amd64",
    ("windows", "arm64"): "win_arm64",
    ("macos", "arm64"): "macos_arm64",
    ("macos", "x86_64"): "macos_x86_64",
}

SYSTEMS = ("linux", "windows", "macos")
OUTCOMES = ("found", "absent", "unreadable")


class NvidiaDevice(NamedTuple):
    """One NVIDIA GPU. ``compute_capability`` is (major, minor), or None where nothing could tell it."""

    name: str = ""
    compute_capability: Optional[Tuple[int, int]] = None


class NvidiaAccelerator(NamedTuple):
    """The NVIDIA GPUs of a machine and their one driver.

    ``driver_version`` is the version of the kernel driver ("550.54.14"), ``cuda_driver_version`` the newest
    toolkit that it supports natively ((12, 4)): neither is the version of an installed CUDA toolkit. Both are
    None where the GPUs are there and NVIDIA's driver is not (nouveau, or no driver at all).
    """

    devices: Tuple[NvidiaDevice, ...]
    driver_version: Optional[str] = None
    cuda_driver_version: Optional[Tuple[int, int]] = None

    @property
    def vendor(self) -> str:
        """The vendor as in the JSON form."""
        return "nvidia"


class AmdDevice(NamedTuple):
    """One AMD GPU: its LLVM target ("gfx90a"), HSA_OVERRIDE_GFX_VERSION counted in."""

    gfx_target: str
    name: str = ""
    integrated: bool = False


class AmdAccelerator(NamedTuple):
    """The AMD GPUs that the kernel's compute driver (KFD) lists."""

    devices: Tuple[AmdDevice, ...]

    @property
    def vendor(self) -> str:
        """The vendor as in the JSON form."""
        return "amd"


class IntelDevice(NamedTuple):
    """One Intel GPU: its PCI id, "8086:56a0", in lower case."""

    pci_id: str
    name: str = ""
    integrated: bool = False


class IntelAccelerator(NamedTuple):
    """The Intel GPUs of a machine, those that PyTorch does not support among them."""

    devices: Tuple[IntelDevice, ...]

    @property
    def vendor(self) -> str:
        """The vendor as in the JSON form."""
        return "intel"


Accelerator = Union[NvidiaAccelerator, AmdAccelerator, IntelAccelerator]


class Evidence(NamedTuple):
    """One thing that was looked at. ``absent`` means that it is not there; ``unreadable`` that it is, or may be."""

    source: str
    outcome: str
    detail: str = ""


class Machine(NamedTuple):
    """A machine as torch's builds see it.

    ``system`` is one of :data:`SYSTEMS` or, for any other, ``sys.platform``; ``architecture`` that of the running
    Python's wheels (x86_64, aarch64, arm64, or another); ``libc`` "glibc 2.36", "musl 1.2", or None where
    there is none to know; ``python`` "3.12", with a "t" for a free-threaded one.
    """

    system: str
    architecture: str
    python: str
    libc: Optional[str] = None
    accelerators: Tuple[Accelerator, ...] = ()
    evidence: Tuple[Evidence, ...] = ()

    @property
    def platform(self) -> Optional[str]:
        """The catalog's name of the platform, or None where no torch build exists for it."""
        return PLATFORMS.get((self.system, self.architecture))

    @property
    def nvidia(self) -> Optional[NvidiaAccelerator]:
        """The NVIDIA GPUs, or None where there are none."""
        for accelerator in self.accelerators:
            if isinstance(accelerator, NvidiaAccelerator):
                return accelerator
        return None


def format_pair(pair: Tuple[int, int]) -> str:
    """(12, 4) as "12.4"."""
    return f"{pair[0]}.{pair[1]}"
