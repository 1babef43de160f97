"""What the kernel's files say of NVIDIA's driver, where NVML cannot be asked, and whether to ask it at all."""

from __future__ import annotations

import re

from torch_auto.detect.libraries import find
from torch_auto.detect.log import Log, clean
from torch_auto.detect.pci import PciDevice
from torch_auto.detect.tree import Tree
from torch_auto.frozen import Frozen
from torch_auto.machine import Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VENDOR = "10de"
MODULE_VERSION = "/sys/module/nvidia/version"
PROC_VERSION = "/proc/driver/nvidia/version"
PROC_GPUS = "/proc/driver/nvidia/gpus"
LIBRARY = "libnvidia-ml.so.1"
#: The driver's library that torch computes through.
CUDA_LIBRARY = "libcuda.so.1"
WSL_LIBRARIES = "/usr/lib/wsl/lib"

#: Where NVIDIA's libraries are put that the loader does not find without help.
_OTHER_FOLDERS = (
    WSL_LIBRARIES,
    "/usr/local/nvidia/lib64",  # containers of Google's and of older container toolkits
    "/usr/lib64/nvidia",
    "/usr/lib/nvidia",
    "/run/opengl-driver/lib",  # NixOS
    "/opt/nvidia/lib64",
    "/run/current-system/profile/lib",  # Guix System
    "/.singularity.d/libs",  # Apptainer, with --nv
    "/run/nvidia/driver/usr/lib/x86_64-linux-gnu",  # the driver container of NVIDIA's gpu-operator
    "/run/nvidia/driver/usr/lib64",
    "/usr/local/glibc/usr/lib",  # Talos
    "/x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/nvidia/tesla",
    "/aarch64-bottlerocket-linux-gnu/sys-root/usr/lib/nvidia/tesla",
)
#: Folders of one driver each, below these: Flatpak's extension org.freedesktop.Platform.GL.nvidia-550-54-14.
_FLATPAK = ("/usr/lib/x86_64-linux-gnu/GL", "/usr/lib/aarch64-linux-gnu/GL")

LOOKED_IN = (
    "looked in LD_LIBRARY_PATH, the loader's folders and cache, and where WSL, NixOS, Guix, Flatpak, Apptainer, "
    "gpu-operator, Talos, Bottlerocket and Google's images keep it"
)

#: Files of a Tegra module, which has no GPU on a bus, and what is in them.
_TEGRA_TRACES = (
    ("/etc/nv_tegra_release", "release"),
    ("/proc/sys/kernel/osrelease", "tegra"),
    ("/proc/device-tree/compatible", "nvidia,tegra"),
    ("/sys/devices/soc0/family", "tegra"),
)

DRIVER_VERSION = re.compile(r"\d{1,6}(?:\.\d{1,6}){1,3}", re.ASCII)


def is_driver_version(text: str) -> bool:
    """Whether a text is a driver version, such as "550.54.14", and nothing else."""
    return DRIVER_VERSION.fullmatch(text) is not None


class Module(Frozen):
    """The kernel module: its version, or else whether it is loaded all the same, and nothing tells its version."""

    version: str | None = None
    loaded: bool = False


def module(tree: Tree, log: Log) -> Module:
    """The loaded kernel module. Both files are the kernel's, and hang in no driver.

    /sys/module/nvidia/version holds "550.54.14". /proc/driver/nvidia/version says, of the proprietary and of the
    open module, and of a Jetson Thor's:

        NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024
        NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build  (dvs-builder@...)  ...
        NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  TempVersion  Release Build  (buildbrain@...)  ...
    """
    text = tree.read(MODULE_VERSION, log)
    if text is not None:
        if is_driver_version(text):
            log.found(MODULE_VERSION, text)
            return Module(text)
        log.unreadable(MODULE_VERSION, f"not a driver version: {text!r}")
    loaded = text is not None  # whatever it says, only a loaded module has it
    text = tree.read(PROC_VERSION, log)
    if text is not None:
        version = proc_version(text)
        if version:
            log.found(PROC_VERSION, text.splitlines()[0])
            return Module(version)
        log.unreadable(PROC_VERSION, f"no driver version in it: {text!r}")
        loaded = loaded or _is_loaded(text)
    return Module(loaded=loaded)


def _is_loaded(text: str) -> bool:
    return any(line.startswith("NVRM version:") and "Kernel Module" in line for line in text.splitlines())


def architecture(tree: Tree) -> str | None:
    """The architecture that the driver's module was made for, "x86_64" or "aarch64"; None where there is none."""
    found = re.search(r"NVRM version:.*?\b(x86_64|aarch64)\b", tree.read(PROC_VERSION) or "", re.ASCII)
    return found.group(1) if found else None


def listed(tree: Tree, log: Log) -> tuple[Device, ...]:
    """The GPUs that the driver lists in /proc, for a container that hides /sys: their names, and nothing else of use.

    To read such a file wakes the GPU up (nv-procfs.c, rm_ref_dynamic_power), so a driver that hangs may hang here too.
    Each has a file "information" with the lines "Model: <tab> NVIDIA A100-SXM4-40GB" and, where an administrator has
    taken the GPU away, "GPU Excluded: <tab> Yes".
    """
    devices = []
    for name in tree.names(PROC_GPUS):
        path = f"{PROC_GPUS}/{name}/information"
        text = tree.read(path, log)
        if text is None:
            continue
        values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
        if values.get("GPU Excluded") == "Yes":
            log.absent(path, "excluded by an administrator")
            continue
        devices.append(Device(clean(values.get("Model", ""))))
        log.found(path, values.get("Model", ""))
    return tuple(devices)


def proc_version(text: str) -> str | None:
    """The driver version in the line of /proc/driver/nvidia/version that begins with "NVRM version:"."""
    for line in text.splitlines():
        if line.startswith("NVRM version:") and "Kernel Module" in line:
            # "x86_64" and "aarch64" have no dot, and the version is the first thing after "Kernel Module" that has.
            found = DRIVER_VERSION.search(line.partition("Kernel Module")[2])
            return found.group() if found else None
    return None


def library(tree: Tree, env: Mapping[str, str]) -> tuple[str, ...]:
    """The paths of libnvidia-ml.so.1, in the order in which they are tried."""
    flatpak = [
        f"{parent}/{name}/lib" for parent in _FLATPAK for name in tree.names(parent) if name.startswith("nvidia")
    ]
    return find(LIBRARY, tree, env, (*_OTHER_FOLDERS, *flatpak))


def has_any(tree: Tree, env: Mapping[str, str]) -> bool:
    """Whether there is any of the driver's libraries, of whatever version."""
    return bool(library(tree, env) or find(CUDA_LIBRARY, tree, env, _OTHER_FOLDERS))


def has_the_modules_cuda(tree: Tree, env: Mapping[str, str], version: str) -> bool:
    """Whether libcuda, by its name, is of the driver that the kernel module is of, so that its CUDA is the module's.

    The link libcuda.so.1 leads to libcuda.so.550.54.14. That of a CUDA compatibility package leads to another version.
    """
    found = find(CUDA_LIBRARY, tree, env, _OTHER_FOLDERS)
    return bool(found) and tree.link(found[0]) == f"libcuda.so.{version}"


def has_trace(tree: Tree, log: Log, displays: Sequence[PciDevice], env: Mapping[str, str]) -> bool:
    """Whether anything at all speaks for an NVIDIA GPU or driver. Costs a few failed opens where nothing does.

    A library alone is asked too: there are sandboxes that show the driver's devices and hide the kernel's files.
    """
    if any(device.vendor == VENDOR for device in displays):
        return True
    for path in ("/proc/driver/nvidia", "/sys/module/nvidia", "/dev/nvidiactl", WSL_LIBRARIES + "/" + LIBRARY):
        if tree.exists(path):
            return True
    if any(mark in (tree.read(path) or "").lower() for path, mark in _TEGRA_TRACES):
        return True
    for path in ("/proc/driver/nvidia", "/dev/nvidiactl"):
        log.absent(path)
    where = library(tree, env)
    if not where:
        log.absent(LIBRARY, LOOKED_IN)
    return bool(where)
