"""What is known about a machine, as frozen types.

A :class:`Machine` is the only thing that detection hands on and, beside the release and the catalog, the
only thing that a selection depends on. :mod:`torch_auto.machine_json` reads and writes its JSON form.
"""

from __future__ import annotations

from torch_auto.frozen import Frozen

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
#: The only implementation of Python that torch has wheels for.
CPYTHON = "cpython"
OUTCOMES = ("found", "absent", "unreadable")
#: The vendors of accelerators, and what people call them; the order is that in which they are preferred.
VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}


class Device(Frozen):
    """One GPU. What its vendor tells GPUs apart by is set, and the others are None.

    NVIDIA: ``compute_capability``, (8, 6), or None where nothing could tell it. AMD: ``gfx_target``, LLVM's name
    "gfx90a", with HSA_OVERRIDE_GFX_VERSION counted in; ``pci_id`` alone where the kernel's compute driver, which
    tells the target, is not there. Intel: ``pci_id``, "8086:56a0", in lower case, and ``driver``, the name of its
    kernel driver, where that is known.
    """

    name: str = ""
    compute_capability: tuple[int, int] | None = None
    gfx_target: str | None = None
    pci_id: str | None = None
    integrated: bool = False
    driver: str | None = None


class Accelerator(Frozen):
    """The GPUs of one vendor, and their one driver; ``vendor`` is a key of :data:`VENDORS`.

    ``driver_version`` is the version of NVIDIA's kernel driver ("550.54.14"), ``cuda_driver_version`` the newest
    toolkit that it supports natively ((12, 4)): neither is the version of an installed CUDA toolkit. Both are None
    for other vendors, and where the GPUs are there and NVIDIA's driver is not (nouveau, or no driver at all).
    ``driver_loaded`` says that NVIDIA's driver is loaded although nothing told its version. ``lacks`` is the library of
    the driver that torch computes through ("libcuda.so.1"), where it was looked for and is not there. Intel's devices
    are all that there are, those that PyTorch does not support among them.
    """

    vendor: str
    devices: tuple[Device, ...]
    driver_version: str | None = None
    cuda_driver_version: tuple[int, int] | None = None
    driver_loaded: bool = False
    lacks: str | None = None

    @property
    def has_driver(self) -> bool:
        """Whether NVIDIA's driver is there, as far as anything told."""
        return self.driver_loaded or self.driver_version is not None or self.cuda_driver_version is not None


class Evidence(Frozen):
    """One thing that was looked at. ``absent`` means that it is not there; ``unreadable`` that it is, or may be."""

    source: str
    outcome: str
    detail: str = ""


class Machine(Frozen):
    """A machine as torch's builds see it.

    ``system`` is one of :data:`SYSTEMS` or, for any other, ``sys.platform``; ``architecture`` that of the running
    Python's wheels (x86_64, aarch64, arm64, or another); ``libc`` "glibc 2.36", "musl 1.2", or None where
    there is none to know; ``python`` "3.12", with a "t" for a free-threaded one. ``system_version`` is that of macOS
    ("15.6.1"), which its wheels ask for; ``implementation`` is ``sys.implementation.name``.
    """

    system: str
    architecture: str
    python: str
    libc: str | None = None
    accelerators: tuple[Accelerator, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    system_version: str | None = None
    implementation: str = CPYTHON

    @property
    def platform(self) -> str | None:
        """The catalog's name of the platform, or None where no torch build exists for it."""
        return PLATFORMS.get((self.system, self.architecture))

    @property
    def is_windows(self) -> bool:
        """Whether NVIDIA's drivers have the version numbers of Windows here."""
        return self.system == "windows"

    @property
    def nvidia(self) -> Accelerator | None:
        """The NVIDIA GPUs, or None where there are none."""
        return next((item for item in self.accelerators if item.vendor == "nvidia"), None)


def format_pair(pair: tuple[int, int]) -> str:
    """(12, 4) as "12.4"."""
    return f"{pair[0]}.{pair[1]}"
