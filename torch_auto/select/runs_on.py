"""Whether a build runs on a device, and if not, why: the rules of "usable on a device"."""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.frozen import Frozen
from torch_auto.machine import VENDORS, Accelerator, Device, Machine, format_pair
from torch_auto.select.reasons import Reason, because

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Build, Catalog

#: Kinds of Unfit, most telling first: what a user could change comes before what is as it is.
KINDS = ("no-driver", "tegra", "driver", "libc", "architecture", "vendor")

#: PTX of Kepler's is there for Kepler: much of torch is written for newer GPUs than it can be compiled for from that,
#: and torch itself calls such a GPU "not compatible with the current PyTorch installation" (torch/cuda/__init__.py).
_OLDEST_PTX = (5, 0)


class Unfit(Frozen):
    """Why a build does not run: a kind (see :data:`KINDS`), the reason, and the driver that would fix it."""

    kind: str
    reason: Reason
    driver: str | None = None


class Candidate(Frozen):
    """One device together with the accelerator (the driver) that it belongs to."""

    accelerator: Accelerator
    device: Device

    @property
    def vendor(self) -> str:
        """The vendor as in the JSON form: nvidia, amd or intel."""
        return self.accelerator.vendor

    def describe(self) -> str:
        """The device in words: "NVIDIA A100 (compute capability 8.0)"."""
        device = self.device
        vendor = VENDORS[self.vendor]
        if self.vendor == "nvidia":
            capability = device.compute_capability
            detail = f"compute capability {format_pair(capability)}" if capability else "compute capability unknown"
        else:
            detail = device.gfx_target or f"PCI id {device.pci_id}"
        name = device.name or f"{vendor} GPU"
        return f"{name if name.startswith(vendor) else f'{vendor} {name}'} ({detail})"


def rank(candidate: Candidate) -> tuple[int, bool, tuple[int, int]]:
    """What devices sort by, the most capable first."""
    capability = candidate.device.compute_capability or (0, 0)
    place = list(VENDORS).index(candidate.vendor)
    return place, candidate.device.integrated, (-capability[0], -capability[1])


def candidates(machine: Machine) -> list[Candidate]:
    """Every device of a machine, the most capable first.

    NVIDIA before AMD before Intel, discrete before integrated, then the highest compute capability; where that
    says nothing, the order of the machine itself. Of those, the choice is for the one that the newest release serves.
    """
    found = [Candidate(item, device) for item in machine.accelerators for device in item.devices]
    return sorted(found, key=rank)


def cuda_driver_version(accelerator: Accelerator, machine: Machine, catalog: Catalog) -> tuple[int, int] | None:
    """The CUDA driver version: as the driver said it, or else the one that this driver version came with."""
    if accelerator.cuda_driver_version is not None:
        return accelerator.cuda_driver_version
    if accelerator.driver_version is None:
        return None
    return catalog.drivers.cuda_of(accelerator.driver_version, windows=machine.is_windows)[0]


def libc_fault(glibc: tuple[int, int] | None, machine: Machine) -> Unfit | None:
    """Why wheels that ask for this glibc do not install on the machine, or None where they do or nothing is known."""
    if machine.system != "linux" or machine.libc is None:
        return None
    kind, _, version = machine.libc.partition(" ")
    if kind != "glibc":
        return Unfit("libc", because("libc-not-glibc", libc=machine.libc))
    if glibc is not None and version_key(version) < glibc:
        return Unfit("libc", because("libc-too-old", needs=format_pair(glibc), has=version))
    return None


def _has_code(build: Build, capability: tuple[int, int], catalog: Catalog) -> bool:
    """Code of a compute capability runs on those of the same major version from its minor version on.

    Tegra's are apart: Thor's code runs on Thor alone, whichever of its two names a driver gives it.
    """
    alike = catalog.same_code.get(capability)
    if alike is not None:
        return not alike.isdisjoint(build.sm)
    return any(major == capability[0] and minor <= capability[1] for major, minor in build.sm)


def _architecture_fault(
    build: Build, toolkit: tuple[int, int], candidate: Candidate, machine: Machine, catalog: Catalog
) -> Unfit | None:
    capability = candidate.device.compute_capability
    if capability is None or _has_code(build, capability, catalog):
        return None
    shown = format_pair(capability)
    if any(_OLDEST_PTX <= ptx <= capability for ptx in build.ptx):
        cuda = cuda_driver_version(candidate.accelerator, machine, catalog) or (0, 0)
        if toolkit <= cuda:
            return None
        reason = because("ptx-alone", capability=shown, toolkit=format_pair(toolkit), cuda=format_pair(cuda))
        return Unfit("driver", reason, catalog.drivers.native(toolkit, windows=machine.is_windows))
    return Unfit("architecture", because("no-code", holds=tuple(map(format_pair, build.sm)), capability=shown))


def _nvidia_fault(
    build: Build, toolkit: tuple[int, int], candidate: Candidate, machine: Machine, catalog: Catalog
) -> Unfit | None:
    accelerator = candidate.accelerator
    cuda = cuda_driver_version(accelerator, machine, catalog)
    tegra = _tegra_fault(toolkit, candidate, cuda, catalog)
    if tegra is not None:
        return tegra
    if not accelerator.has_driver:
        return Unfit("no-driver", because("no-driver"))
    return _architecture_fault(build, toolkit, candidate, machine, catalog) or _driver_fault(
        toolkit, accelerator, cuda, machine, catalog
    )


def _tegra_fault(
    toolkit: tuple[int, int], candidate: Candidate, cuda: tuple[int, int] | None, catalog: Catalog
) -> Unfit | None:
    """Why a build for servers does not run on a Jetson before Thor.

    On Orin it does, where both the build and the driver are of the CUDA from which on NVIDIA makes no difference.
    """
    capability = candidate.device.compute_capability
    if capability is None or capability not in catalog.tegra_compute_capabilities:
        return None
    since = catalog.unified.get(capability)
    if since is None:
        return Unfit("tegra", because("tegra"))
    if (cuda or (0, 0)) < since:
        return Unfit("tegra", because("tegra-until", toolkit=format_pair(since)))
    if toolkit < since:
        return Unfit("architecture", because("not-for-tegra", toolkit=format_pair(since)))
    return None


def _driver_fault(
    toolkit: tuple[int, int],
    accelerator: Accelerator,
    cuda: tuple[int, int] | None,
    machine: Machine,
    catalog: Catalog,
) -> Unfit | None:
    """The floor of the toolkit's major, by the driver version or, where only that is known, the CUDA driver version.

    Where no floor is known, only a driver that itself says that it supports the toolkit runs it.
    """
    floor = catalog.drivers.floor(toolkit[0], windows=machine.is_windows)
    version = accelerator.driver_version
    if floor is None:
        if (accelerator.cuda_driver_version or (0, 0)) >= toolkit:
            return None
    elif version is not None:
        if version_key(version) >= version_key(floor):
            return None
    elif cuda is None or cuda[0] >= toolkit[0]:
        return None
    has = format_pair(cuda) if cuda is not None and version is None else None
    return Unfit(
        "driver", because("driver-too-old", toolkit_major=toolkit[0], needs=floor, has=version, cuda=has), floor
    )


def fault(build: Build, candidate: Candidate, machine: Machine, catalog: Catalog) -> Unfit | None:
    """Why a build does not run on a device of this machine, or None where it does."""
    backend = build.torch_backend
    if backend.vendor != candidate.vendor:
        return Unfit("vendor", because("other-vendor", vendor=backend.vendor))
    libc = libc_fault(build.glibc, machine)
    if libc is not None:
        return libc
    device = candidate.device
    if backend.toolkit is not None:
        return _nvidia_fault(build, backend.toolkit, candidate, machine, catalog)
    if backend.rocm is not None:
        if device.gfx_target is None:
            return Unfit("no-driver", because("no-kfd"))
        if device.gfx_target in build.gfx:
            return None
        return Unfit("architecture", because("no-gfx-code", gfx_target=device.gfx_target))
    return _xpu_fault(device, catalog)


#: Linux' drivers for Intel's GPUs that XPU builds compute through.
_XPU_DRIVERS = ("xe", "i915")


def _xpu_fault(device: Device, catalog: Catalog) -> Unfit | None:
    """PyTorch supports Alchemist and newer. A GPU that is in no table, on Intel's driver, is newer than the table."""
    pci_id = device.pci_id or ""
    if pci_id in catalog.xpu_ids:
        return None
    if any(first <= pci_id <= last for first, last in catalog.xpu_too_old):
        return Unfit("architecture", because("not-an-xpu", pci_id=pci_id))
    if device.driver in _XPU_DRIVERS:
        return None
    return Unfit("architecture", because("unknown-xpu", pci_id=pci_id))


def worst_first(faults: list[Unfit]) -> Unfit | None:
    """The most telling of several faults: what the user could change comes first."""
    return min(faults, key=lambda item: KINDS.index(item.kind), default=None)
