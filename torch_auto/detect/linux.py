"""Linux: what is there is seen from a few folders, and only then is a vendor's module loaded."""

from __future__ import annotations

from torch_auto.detect import nvidia_files, pci
from torch_auto.detect.host import Host, architecture_of
from torch_auto.detect.log import Log
from torch_auto.detect.sources import Sources
from torch_auto.detect.tree import Tree
from torch_auto.machine import Accelerator


def accelerators(sources: Sources, log: Log) -> tuple[Accelerator, ...]:
    """The accelerators of a Linux machine, NVIDIA's first, then AMD's, then Intel's."""
    tree = Tree(sources.root)
    if sources.live and emulated(sources.host, tree, log):
        return ()
    displays = pci.display_devices(tree, log)
    found: list[Accelerator] = []
    # A build compiles every module that it imports, each time: one per vendor, and only where it is needed.
    if nvidia_files.has_trace(tree, log, displays, sources.env):
        from torch_auto.detect.nvidia import nvidia  # noqa: PLC0415

        _add(found, nvidia(sources, tree, log, displays))
    kfd, on_bus = tree.exists("/sys/class/kfd"), any(device.vendor == "1002" for device in displays)
    if kfd or on_bus:
        from torch_auto.detect.amd import amd, without_kfd  # noqa: PLC0415

        listed = amd(sources, tree, log) if kfd else None
        if listed is None and on_bus:
            log.absent("/sys/class/kfd", "an AMD GPU without the kernel's compute driver (amdgpu with KFD)")
            listed = without_kfd(displays, log)
        _add(found, listed)
    else:
        log.absent("/sys/class/kfd")
    if any(device.vendor == "8086" for device in displays):
        from torch_auto.detect.intel import intel  # noqa: PLC0415

        _add(found, intel(sources, tree, displays, log))
    elif tree.exists("/usr/lib/wsl/drivers"):
        from torch_auto.detect.intel import note_wsl  # noqa: PLC0415

        note_wsl(tree, log)
    return tuple(found)


#: What the running kernel was made for, whatever an emulated process is told: sysctl kernel.arch, Linux 6.1 and newer.
KERNEL_ARCHITECTURE = "/proc/sys/kernel/arch"
_WIDE = ("x86_64", "aarch64")


def emulated(host: Host, tree: Tree, log: Log) -> bool:
    """Whether this Python runs under qemu-user or its like, which hands no GPU's calls on to the host's driver.

    Such a process sees the host's /proc and /sys, and the host's GPUs in them. NVIDIA's driver names its own
    architecture too.
    """
    own = architecture_of(host)
    native = tree.read(KERNEL_ARCHITECTURE) or nvidia_files.architecture(tree)
    if own not in _WIDE or native not in _WIDE or own == native:
        return False
    log.found("python", f"runs emulated: it is of {own}, the kernel of {native}. An emulator reaches no GPU")
    return True


def _add(found: list[Accelerator], accelerator: Accelerator | None) -> None:
    if accelerator is not None:
        found.append(accelerator)
