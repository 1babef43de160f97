"""NVIDIA's GPUs and their driver: NVML first, then the kernel's files, nvidia-smi and the PCI ids."""

from __future__ import annotations

from torch_auto.catalog import drivers
from torch_auto.detect import nvidia_files, nvidia_nvml, nvidia_smi
from torch_auto.detect.log import Log, clean
from torch_auto.detect.nvidia_pci import capability_of_pci_id
from torch_auto.detect.pci import GIVEN_AWAY, PciDevice
from torch_auto.detect.sources import Sources
from torch_auto.detect.tegra import tegra
from torch_auto.detect.tree import Tree
from torch_auto.machine import Accelerator, Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def nvidia(sources: Sources, tree: Tree, log: Log, displays: Sequence[PciDevice]) -> Accelerator | None:
    """The NVIDIA accelerator of a Linux machine, or None where there is neither a GPU nor a driver."""
    chip = tegra(tree, log)
    module = nvidia_files.module_version(tree, log)
    if chip is not None and not chip.has_ordinary_driver and not _on_bus(displays):
        return Accelerator("nvidia", (Device(chip.name, chip.compute_capability),), module)
    report = _ask_nvml(sources, tree, log) if sources.live else nvidia_nvml.NvmlReport(asked=False)
    driver, cuda = report.driver_version, report.cuda_driver_version
    # A driver that hung on one GPU has listed those before it; the bus has them all.
    devices = [] if report.hung and len(_on_bus(displays)) > len(report.devices) else _nvml_devices(report, log)
    if driver is None and sources.live and not report.answered:
        smi = nvidia_smi.ask(sources, log)
        if smi is not None:
            driver, cuda = smi.driver_version, smi.cuda_driver_version
            devices = [Device(clean(name), pair) for name, pair in smi.devices]
    if chip is not None and chip.compute_capability is not None and not devices:
        devices = [Device(chip.name, chip.compute_capability)]
    return combine(driver or module, cuda, devices, displays, log, windows=_is_wsl(tree))


def _on_bus(displays: Sequence[PciDevice]) -> list[PciDevice]:
    return [device for device in displays if device.vendor == nvidia_files.VENDOR]


def on_windows(
    sources: Sources, adapters: Sequence[tuple[str, str]], drivers: Sequence[str], log: Log
) -> Accelerator | None:
    """The NVIDIA accelerator of a Windows machine, or None where there is neither a GPU nor a driver.

    ``adapters`` are the (name, PCI id) of the display adapters, ``drivers`` the NVIDIA driver versions among them.
    """
    report = nvidia_nvml.ask(sources)
    note_nvml(report, sources, log)
    driver, cuda = report.driver_version, report.cuda_driver_version
    devices = _nvml_devices(report, log)
    if driver is None and not report.answered:
        smi = nvidia_smi.ask(sources, log)
        if smi is not None:
            driver, cuda = smi.driver_version, smi.cuda_driver_version
            devices = [Device(clean(name), pair) for name, pair in smi.devices]
    if not devices:
        devices = [Device(name, capability_of_pci_id(pci_id)) for name, pci_id in adapters]
    return combine(driver or (drivers[0] if drivers else None), cuda, devices, (), log, windows=True)


def _is_wsl(tree: Tree) -> bool:
    """Whether this is Windows' Linux: its NVIDIA driver is Windows' own, with Windows' version numbers."""
    return tree.exists("/dev/dxg") or tree.exists(nvidia_files.WSL_LIBRARIES)


def _ask_nvml(sources: Sources, tree: Tree, log: Log) -> nvidia_nvml.NvmlReport:
    library = nvidia_files.library(tree, sources.env)
    if library is None:
        log.absent(nvidia_files.LIBRARY, "neither in LD_LIBRARY_PATH nor where the loader looks")
        return nvidia_nvml.NvmlReport(asked=False)
    log.found(nvidia_files.LIBRARY, library)
    report = nvidia_nvml.ask(sources, tree.locate(library) if nvidia_files.out_of_reach(library) else None)
    note_nvml(report, sources, log)
    return report


def note_nvml(report: nvidia_nvml.NvmlReport, sources: Sources, log: Log) -> None:
    """Note what NVML said and what it could not say."""
    if report.driver_version is not None:
        cuda = report.cuda_driver_version
        text = f", CUDA driver version {cuda[0]}.{cuda[1]}" if cuda else ""
        text += f", {report.gpus} GPU(s)" if report.gpus is not None else ""
        log.found("NVML", f"driver {report.driver_version}{text}")
    if any(device.mig for device in report.devices):
        log.found("NVML", "MIG is on; an instance has the compute capability of its GPU")
    if report.hung:
        log.unreadable("NVML", f"no end within {sources.deadline:g} s; the driver may be wedged")
    if report.code("nvmlInit") == nvidia_nvml.LIB_RM_VERSION_MISMATCH:
        log.unreadable("NVML", "library and kernel module are of two drivers: an upgrade without a reboot")
    for step, code, text in report.errors:
        number = "" if code is None else f" (NVML error {code})"
        log.unreadable("NVML", f"{step}: {text}{number}")


def _nvml_devices(report: nvidia_nvml.NvmlReport, log: Log) -> list[Device]:
    devices = []
    for device in report.devices:
        capability = device.compute_capability
        if capability is None and device.pci_id is not None:
            capability = capability_of_pci_id(device.pci_id)
            if capability is not None:
                log.found("PCI ids", f"{device.pci_id} has compute capability {capability[0]}.{capability[1]}")
        devices.append(Device(clean(device.name), capability))
    return devices


def combine(  # noqa: PLR0913
    driver: str | None,
    cuda: tuple[int, int] | None,
    devices: Sequence[Device],
    displays: Sequence[PciDevice],
    log: Log,
    *,
    windows: bool = False,
) -> Accelerator | None:
    """One accelerator of what the sources said; the PCI ids and the table of drivers fill what is missing."""
    on_bus = _on_bus(displays)
    if driver is not None and not nvidia_files.is_driver_version(driver):
        log.unreadable("NVIDIA driver version", repr(driver))
        driver = None
    if driver is None:
        if not on_bus and not devices:
            return None
        log.absent("NVIDIA driver", _no_driver(on_bus))
        return Accelerator("nvidia", tuple(devices) or _pci_devices(on_bus, log))
    if cuda is None:
        cuda, how = drivers.load().cuda_of(driver, windows=windows)
        (log.found if cuda else log.unreadable)("CUDA driver version", how)
    usable = [device for device in on_bus if device.driver not in GIVEN_AWAY]
    filled = tuple(devices) or _pci_devices(usable, log)
    if not filled:
        log.unreadable("NVIDIA GPUs", "the driver is there, and nothing could list its GPUs")
        filled = (Device(),)
    return Accelerator("nvidia", filled, driver, cuda)


def _pci_devices(on_bus: Sequence[PciDevice], log: Log) -> tuple[Device, ...]:
    devices = []
    for device in on_bus:
        capability = capability_of_pci_id(device.pci_id)
        if capability is None:
            log.unreadable("PCI ids", f"{device.pci_id} is in no range of the table")
        else:
            log.found("PCI ids", f"{device.pci_id} has compute capability {capability[0]}.{capability[1]}")
        devices.append(Device("", capability))
    return tuple(devices)


def _no_driver(on_bus: Sequence[PciDevice]) -> str:
    drivers = {device.driver for device in on_bus}
    if drivers == {"nouveau"}:
        return "the GPU runs on nouveau, which has no CUDA"
    if drivers <= set(GIVEN_AWAY):
        return "the GPU is set aside for a virtual machine"
    return "the GPU is there, NVIDIA's driver is not"
