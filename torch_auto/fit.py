"""Whether a build runs on a device, and if not, why: the rules of "usable on a device"."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple, Union

from torch_auto.catalog import Build, Catalog, toolkit_version, vendor_of, version_key
from torch_auto.detect.nvidia_table import cuda_of_driver
from torch_auto.machine import (
    Accelerator,
    AmdDevice,
    IntelDevice,
    Machine,
    NvidiaAccelerator,
    NvidiaDevice,
    format_pair,
)

_VENDOR_ORDER = ("nvidia", "amd", "intel")
_VENDOR_NAMES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}

#: Kinds of Unfit, most telling first: what a user could change comes before what is as it is.
KINDS = ("no-driver", "tegra", "driver", "libc", "architecture", "vendor")


#: PTX of Kepler's is there for Kepler: much of torch is written for newer GPUs than it can be compiled for from that,
#: and torch itself calls such a GPU "not compatible with the current PyTorch installation" (torch/cuda/__init__.py).
_OLDEST_PTX = (5, 0)


class Unfit(NamedTuple):
    """Why a build does not run: a kind (see :data:`KINDS`), a sentence part, and the driver that would mend it."""

    kind: str
    text: str
    driver: Optional[str] = None


class Candidate(NamedTuple):
    """One device together with the accelerator (the driver) that it belongs to."""

    accelerator: Accelerator
    device: Union[NvidiaDevice, AmdDevice, IntelDevice]

    @property
    def vendor(self) -> str:
        """The vendor as in the JSON form: nvidia, amd or intel."""
        return self.accelerator.vendor

    def describe(self) -> str:
        """The device in words: "NVIDIA A100 (compute capability 8.0)"."""
        device = self.device
        vendor = _VENDOR_NAMES[self.vendor]
        if isinstance(device, NvidiaDevice):
            capability = device.compute_capability
            detail = f"compute capability {format_pair(capability)}" if capability else "compute capability unknown"
        elif isinstance(device, AmdDevice):
            detail = device.gfx_target
        else:
            detail = f"PCI id {device.pci_id}"
        name = device.name or f"{vendor} GPU"
        return f"{name if name.startswith(vendor) else f'{vendor} {name}'} ({detail})"


def _rank(candidate: Candidate) -> Tuple[int, bool, Tuple[int, int]]:
    device = candidate.device
    capability = (0, 0)
    integrated = False
    if isinstance(device, NvidiaDevice):
        capability = device.compute_capability or (0, 0)
    else:
        integrated = device.integrated
    return _VENDOR_ORDER.index(candidate.vendor), integrated, (-capability[0], -capability[1])


def candidates(machine: Machine) -> List[Candidate]:
    """Every device of a machine, the most capable first.

    NVIDIA before AMD before Intel, discrete before integrated, then the highest compute capability; where that
    says nothing, the order of the machine itself.
    """
    found = [Candidate(item, device) for item in machine.accelerators for device in item.devices]
    return sorted(found, key=_rank)


def cuda_driver_version(accelerator: NvidiaAccelerator, machine: Machine) -> Optional[Tuple[int, int]]:
    """The CUDA driver version: as the driver said it, or else the one that this driver version came with."""
    if accelerator.cuda_driver_version is not None:
        return accelerator.cuda_driver_version
    if accelerator.driver_version is None:
        return None
    return cuda_of_driver(accelerator.driver_version, windows=machine.system == "windows")[0]


def libc_fault(glibc: Optional[Tuple[int, int]], machine: Machine) -> Optional[Unfit]:
    """Why wheels that ask for this glibc do not install on the machine, or None where they do or nothing is known."""
    if machine.system != "linux" or machine.libc is None:
        return None
    kind, _, version = machine.libc.partition(" ")
    if kind != "glibc":
        return Unfit("libc", f"its wheels are made for glibc, and this system has {machine.libc}")
    if glibc is not None and version_key(version) < glibc:
        return Unfit("libc", f"its wheels need glibc {format_pair(glibc)}, and this system has {version}")
    return None


def _architecture_fault(
    build: Build, capability: Tuple[int, int], cuda: Tuple[int, int], machine: Machine, catalog: Catalog
) -> Optional[Unfit]:
    if any(major == capability[0] and minor <= capability[1] for major, minor in build.sm):
        return None
    toolkit = toolkit_version(build.torch_backend)
    assert toolkit is not None  # noqa: S101  # only CUDA builds come here
    if any(_OLDEST_PTX <= ptx <= capability for ptx in build.ptx):
        if toolkit <= cuda:
            return None
        return Unfit(
            "driver",
            f"it holds only PTX for compute capability {format_pair(capability)}, which needs a driver that supports "
            f"CUDA {format_pair(toolkit)} natively; this one supports {format_pair(cuda)}",
            catalog.paired_driver(toolkit, machine.system),
        )
    holds = ", ".join(format_pair(pair) for pair in build.sm)
    return Unfit("architecture", f"it holds code for {holds}, none of which runs on {format_pair(capability)}")


def _nvidia_fault(
    build: Build, device: NvidiaDevice, accelerator: NvidiaAccelerator, machine: Machine, catalog: Catalog
) -> Optional[Unfit]:
    toolkit = toolkit_version(build.torch_backend)
    assert toolkit is not None  # noqa: S101  # only CUDA builds come here
    capability = device.compute_capability
    if capability in catalog.tegra_compute_capabilities:
        return Unfit("tegra", "it is a Jetson module, which NVIDIA's own wheels serve (see NVIDIA's Jetson downloads)")
    cuda = cuda_driver_version(accelerator, machine)
    if accelerator.driver_version is None and cuda is None:
        return Unfit("no-driver", "NVIDIA's driver is not installed or not loaded")
    if capability is not None:
        fault = _architecture_fault(build, capability, cuda or (0, 0), machine, catalog)
        if fault is not None:
            return fault
    return _driver_fault(toolkit, accelerator, cuda, machine, catalog)


def _driver_fault(
    toolkit: Tuple[int, int],
    accelerator: NvidiaAccelerator,
    cuda: Optional[Tuple[int, int]],
    machine: Machine,
    catalog: Catalog,
) -> Optional[Unfit]:
    """The floor of the toolkit's major, by the driver version or, where only that is known, the CUDA driver version."""
    floor = catalog.driver_floor(toolkit[0], machine.system)
    if accelerator.driver_version is not None:
        if floor is None or version_key(accelerator.driver_version) >= version_key(floor):
            return None
        has = f"driver {accelerator.driver_version}"
    else:
        assert cuda is not None  # noqa: S101  # the caller has seen that one of the two is known
        if cuda[0] >= toolkit[0]:
            return None
        has = f"a driver for CUDA {format_pair(cuda)}"
    return Unfit("driver", f"CUDA {toolkit[0]} needs driver {floor} or newer, and this machine has {has}", floor)


def fault(build: Build, candidate: Candidate, machine: Machine, catalog: Catalog) -> Optional[Unfit]:
    """Why a build does not run on a device of this machine, or None where it does."""
    if vendor_of(build.torch_backend) != candidate.vendor:
        made_for = vendor_of(build.torch_backend)
        what = f"it is made for {_VENDOR_NAMES[made_for]} GPUs" if made_for else "it uses no GPU"
        return Unfit("vendor", what)
    libc = libc_fault(build.glibc, machine)
    if libc is not None:
        return libc
    device, accelerator = candidate.device, candidate.accelerator
    if isinstance(device, NvidiaDevice):
        assert isinstance(accelerator, NvidiaAccelerator)  # noqa: S101  # they come as a pair
        return _nvidia_fault(build, device, accelerator, machine, catalog)
    if isinstance(device, AmdDevice):
        if device.gfx_target in build.gfx:
            return None
        return Unfit("architecture", f"it is not built for {device.gfx_target}")
    if device.pci_id in catalog.xpu_ids:
        return None
    return Unfit("architecture", f"PyTorch's XPU builds do not support PCI id {device.pci_id}")
