"""NVIDIA's GPUs and their driver: NVML first, then the kernel's files, nvidia-smi and the PCI ids."""

from __future__ import annotations

from torch_auto.catalog import drivers
from torch_auto.detect import nvidia_files, nvidia_nvml, nvidia_smi
from torch_auto.detect.log import Log, clean
from torch_auto.detect.nvidia_files import Module
from torch_auto.detect.nvidia_pci import capability_of_pci_id
from torch_auto.detect.pci import PciDevice, gives_away
from torch_auto.detect.sources import Sources
from torch_auto.detect.tegra import tegra
from torch_auto.detect.tree import Tree
from torch_auto.frozen import Frozen
from torch_auto.machine import Accelerator, Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: The driver's library that torch computes through.
_CUDA_LIBRARY, _CUDA_LIBRARY_OF_WINDOWS = nvidia_files.CUDA_LIBRARY, "nvcuda.dll"
#: Seconds that NVML and nvidia-smi get in a build where they have nothing to add but names: a resolver that walks back
#: asks for each release. A GPU without the persistence daemon takes about one to wake up.
BRIEF = 1.0
#: Drivers of the kernel's own that leave a GPU without CUDA.
_WITHOUT_CUDA = ("nouveau", "nova_core", "nova-core")


class Said(Frozen):
    """What NVML or nvidia-smi said.

    ``gpus`` is how many GPUs NVML says there are; ``lacks_cuda`` that there is no libcuda beside NVML, without which no
    CUDA build finds the GPU. ``loaded``: the driver answered, whatever it said. ``hung``: it
    did not, and whoever asks it by another way may wait for good.
    """

    driver: str | None = None
    cuda: tuple[int, int] | None = None
    devices: tuple[Device, ...] = ()
    gpus: int | None = None
    lacks_cuda: bool = False
    loaded: bool = False
    hung: bool = False


def nvidia(sources: Sources, tree: Tree, log: Log, displays: Sequence[PciDevice]) -> Accelerator | None:
    """The NVIDIA accelerator of a Linux machine, or None where there is neither a GPU nor a driver."""
    chip = tegra(tree, log)
    module = nvidia_files.module(tree, log)
    on_bus = _on_bus(displays)
    ordinary = chip is None or chip.has_ordinary_driver or bool(on_bus)
    if chip is not None and not ordinary and not chip.may_have_ordinary_driver:
        return Accelerator("nvidia", (Device(chip.name, chip.compute_capability),), module.version)
    said = _ask(sources, tree, log, module, on_bus, with_smi=ordinary) if sources.live else Said()
    if chip is not None and not ordinary and said.driver is None:
        return Accelerator("nvidia", (Device(chip.name, chip.compute_capability),), module.version)
    if chip is None and sources.live and said.driver is None and not nvidia_files.has_any(tree, sources.env):
        # As in a container that was given no GPU, on a machine that has one: the kernel is the machine's.
        said = said.replace(lacks_cuda=True)
    if chip is not None:
        if chip.compute_capability is not None and not said.devices:
            said = said.replace(devices=(Device(chip.name, chip.compute_capability),))
        if said.driver is None and module.version is None and module.loaded and chip.cuda is not None:
            log.found("CUDA driver version", f"{chip.cuda[0]}.{chip.cuda[1]} at least, by the release of Jetson Linux")
            said = said.replace(cuda=said.cuda or chip.cuda)
    if not said.devices and not on_bus and not said.hung:
        said = said.replace(devices=nvidia_files.listed(tree, log))
    return combine(said, module, displays, log, windows=_is_wsl(tree))


def _on_bus(displays: Sequence[PciDevice]) -> list[PciDevice]:
    return [device for device in displays if device.vendor == nvidia_files.VENDOR]


def on_windows(
    sources: Sources, adapters: Sequence[tuple[str, str]], versions: Sequence[str], log: Log
) -> Accelerator | None:
    """The NVIDIA accelerator of a Windows machine, or None where there is neither a GPU nor a driver.

    ``adapters`` are the (name, PCI id) of the display adapters, ``versions`` the NVIDIA driver versions among them.
    """
    report = nvidia_nvml.ask(sources)
    note_nvml(report, sources, log)
    said = _of_nvml(report, log)
    if said.driver is None and not report.answered:
        said = _of_smi(sources, log) or said
    said = said.replace(driver=said.driver or (versions[0] if versions else None))
    if not said.devices:
        said = said.replace(devices=tuple(Device(name, capability_of_pci_id(pci_id)) for name, pci_id in adapters))
    return combine(said, Module(), (), log, windows=True, library=_CUDA_LIBRARY_OF_WINDOWS)


def _is_wsl(tree: Tree) -> bool:
    """Whether this is Windows' Linux: its NVIDIA driver is Windows' own, with Windows' version numbers."""
    return tree.exists("/dev/dxg") or tree.exists(nvidia_files.WSL_LIBRARIES)


def _ask(  # noqa: PLR0913
    sources: Sources, tree: Tree, log: Log, module: Module, on_bus: Sequence[PciDevice], *, with_smi: bool
) -> Said:
    """What NVML says or, where it could not be asked at all, nvidia-smi."""
    if sources.hurried and _files_decide(sources, tree, module, on_bus):
        sources = sources.replace(deadline=min(BRIEF, sources.deadline))
    report = _ask_nvml(sources, tree, log)
    said = _of_nvml(report, log)
    if report.hung and len(on_bus) > len(report.devices):
        # A driver that hung on one GPU has listed those before it; the bus has them all.
        said = said.replace(devices=())
    if said.driver is None and with_smi and not report.answered:
        said = _of_smi(sources, log) or said
    return said


def _ask_nvml(sources: Sources, tree: Tree, log: Log) -> nvidia_nvml.NvmlReport:
    libraries = nvidia_files.library(tree, sources.env)
    if not libraries:
        log.absent(nvidia_files.LIBRARY, nvidia_files.LOOKED_IN)
        return nvidia_nvml.NvmlReport(asked=False)
    log.found(nvidia_files.LIBRARY, ", ".join(libraries))
    report = nvidia_nvml.ask(sources, list(map(tree.locate, libraries)))
    note_nvml(report, sources, log)
    return report


def _files_decide(sources: Sources, tree: Tree, module: Module, on_bus: Sequence[PciDevice]) -> bool:
    """Whether the kernel's files say all that a choice depends on, so that NVML has nothing to add but names.

    They do not where GPUs are unlike, since a container may have some of those that the bus has; and where libcuda is
    missing or of another driver than the module, since NVML says for which CUDA that is.
    """
    if module.version is None or any(device.driver != "nvidia" for device in on_bus):
        return False
    capabilities = {capability_of_pci_id(device.pci_id) for device in on_bus}
    cuda, _ = drivers.load().cuda_of(module.version, windows=False)
    return (
        cuda is not None
        and len(capabilities) == 1
        and None not in capabilities
        and nvidia_files.has_the_modules_cuda(tree, sources.env, module.version)
    )


def note_nvml(report: nvidia_nvml.NvmlReport, sources: Sources, log: Log) -> None:
    """Note what NVML said and what it could not say."""
    cuda, gpus = report.cuda_driver_version, report.gpus
    said = [
        *([f"driver {report.driver_version}"] if report.driver_version is not None else []),
        *([f"CUDA driver version {cuda[0]}.{cuda[1]}"] if cuda else []),
        *([f"{gpus} GPU(s)"] if gpus is not None else []),
    ]
    if said:
        log.found("NVML", ", ".join(said))
    if any(device.mig for device in report.devices):
        log.found("NVML", "MIG is on; an instance has the compute capability of its GPU")
    if report.hung:
        log.unreadable("NVML", f"no end within {sources.deadline:g} s; the driver may be wedged")
    if report.code("nvmlInit") == nvidia_nvml.LIB_RM_VERSION_MISMATCH:
        log.unreadable("NVML", "library and kernel module are of two drivers: an upgrade without a reboot")
    for step, code, text in report.errors:
        number = "" if code is None else f" (NVML error {code})"
        log.unreadable("NVML", f"{step}: {text}{number}")


def _of_nvml(report: nvidia_nvml.NvmlReport, log: Log) -> Said:
    devices = []
    for device in report.devices:
        capability = device.compute_capability
        if capability is None and device.pci_id is not None:
            capability = _capability(device.pci_id, log)
        devices.append(Device(clean(device.name), capability))
    lacks = report.code("nvmlSystemGetCudaDriverVersion") == nvidia_nvml.LIBRARY_NOT_FOUND
    driver, cuda = report.driver_version, report.cuda_driver_version
    return Said(driver, cuda, tuple(devices), report.gpus, lacks, report.began, report.hung)


def _of_smi(sources: Sources, log: Log) -> Said | None:
    report = nvidia_smi.ask(sources, log)
    if report is None:
        return None
    devices = []
    for name, capability, pci_id in report.devices:
        known = capability if capability is not None or pci_id is None else _capability(pci_id, log)
        devices.append(Device(clean(name), known))
    driver, cuda = report.driver_version, report.cuda_driver_version
    return Said(driver, cuda, tuple(devices), None, report.lacks_cuda, bool(devices))


def _capability(pci_id: str, log: Log) -> tuple[int, int] | None:
    capability = capability_of_pci_id(pci_id)
    if capability is None:
        log.unreadable("PCI ids", f"{pci_id} is in no range of the table")
    else:
        log.found("PCI ids", f"{pci_id} has compute capability {capability[0]}.{capability[1]}")
    return capability


def combine(  # noqa: PLR0913
    said: Said,
    module: Module,
    displays: Sequence[PciDevice],
    log: Log,
    *,
    windows: bool = False,
    library: str = _CUDA_LIBRARY,
) -> Accelerator | None:
    """One accelerator of what the sources said; the PCI ids and the table of drivers fill what is missing."""
    on_bus = _on_bus(displays)
    # Each source tells a fact or nothing: what is not of its form went into the evidence where it was read.
    driver = said.driver or module.version
    loaded = said.loaded or module.loaded or any(device.driver == "nvidia" for device in on_bus)
    if driver is None and said.cuda is None and not loaded:
        if not on_bus and not said.devices:
            return None
        log.absent("NVIDIA driver", _no_driver(on_bus))
        return Accelerator("nvidia", said.devices or _pci_devices(on_bus, log))
    if said.gpus == 0 and not on_bus and not said.devices:
        log.absent("NVIDIA GPUs", "NVML lists none, and there is none on the PCI bus")
        return None
    ours = _driven(on_bus)
    if on_bus and not ours and not said.devices:
        log.absent("NVIDIA driver", f"it is loaded, and drives no GPU: {_no_driver(on_bus)}")
        return Accelerator("nvidia", _pci_devices(on_bus, log))
    cuda = said.cuda
    if driver is None:
        log.unreadable("NVIDIA driver", "it is loaded, and nothing tells its version")
    elif cuda is None:
        cuda, how = drivers.load().cuda_of(driver, windows=windows)
        (log.found if cuda else log.unreadable)("CUDA driver version", how)
    if said.lacks_cuda:
        log.absent(library, "NVIDIA's driver is there without it, and no CUDA build of torch finds the GPU")
    filled = _filled(said.devices, ours, log) or _pci_devices(ours, log)
    if not filled:
        log.unreadable("NVIDIA GPUs", "the driver is there, and nothing could list its GPUs")
        filled = (Device(),)
    return Accelerator(
        "nvidia",
        filled,
        driver,
        cuda,
        driver_loaded=driver is None,
        lacks=library if said.lacks_cuda else None,
    )


def _driven(on_bus: Sequence[PciDevice]) -> list[PciDevice]:
    """The GPUs that NVIDIA's driver has or, where none is known to be bound to it, that nothing else has."""
    bound = [device for device in on_bus if device.driver == "nvidia"]
    return bound or [
        device for device in on_bus if not gives_away(device.driver) and device.driver not in _WITHOUT_CUDA
    ]


def _filled(devices: tuple[Device, ...], ours: Sequence[PciDevice], log: Log) -> tuple[Device, ...]:
    """The GPUs, with the compute capability that the bus tells of them, where it tells of one alone."""
    if len(devices) != len(ours) or all(device.compute_capability is not None for device in devices):
        return devices
    known = {capability_of_pci_id(device.pci_id) for device in ours}
    if len(known) != 1:
        return devices
    capability = _capability(ours[0].pci_id, log)
    return tuple(
        device if device.compute_capability is not None else device.replace(compute_capability=capability)
        for device in devices
    )


def _pci_devices(on_bus: Sequence[PciDevice], log: Log) -> tuple[Device, ...]:
    return tuple(Device("", _capability(device.pci_id, log)) for device in on_bus)


def _no_driver(on_bus: Sequence[PciDevice]) -> str:
    """Why no GPU of these has NVIDIA's driver; there may be none, where Windows or a device tree names the GPU."""
    if on_bus and all(device.driver in _WITHOUT_CUDA for device in on_bus):
        return f"the GPU runs on {on_bus[0].driver}, which has no CUDA"
    if on_bus and all(gives_away(device.driver) for device in on_bus):
        return "the GPU is set aside for a virtual machine"
    return "the GPU is there, NVIDIA's driver is not"
