"""AMD's GPUs, from the files of the kernel's compute driver (KFD) alone: no ROCm has to be installed.

Each node of the topology has a file ``properties`` of lines "name value", all values decimal, and a GPU's has
``gfx_target_version``: major * 10000 + minor * 100 + stepping. Layout: kfd_topology.c of the kernel.
"""

from __future__ import annotations

import os
import re

from torch_auto.catalog.files import DATA, read
from torch_auto.detect.log import Log, clean
from torch_auto.detect.pci import PciDevice, gives_away
from torch_auto.detect.sources import Sources
from torch_auto.detect.tree import Tree
from torch_auto.machine import Accelerator, Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NODES = "/sys/class/kfd/kfd/topology/nodes"
DEVICE_FILE = "/dev/kfd"
OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
VENDOR = "1002"

_OVERRIDE = re.compile(r"(\d{1,2})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
#: Targets of GPUs that share a chip with the processor: "APU" in LLVM's table of AMDGPU processors. gfx942 is both,
#: and the MI300A is no lesser GPU for it.
_INTEGRATED = frozenset(
    {"gfx700", "gfx705", "gfx801", "gfx810", "gfx902", "gfx909", "gfx90c"}
    | {"gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037"}
    | {"gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153"}
)


def amd(sources: Sources, tree: Tree, log: Log) -> Accelerator | None:
    """The AMD accelerator of a Linux machine, or None where KFD lists no GPU."""
    devices: list[Device] = []
    seen: dict[tuple[int, int], str] = {}
    # Nodes are numbers: 10 comes after 2.
    for node in sorted(filter(_is_number, tree.names(NODES, log)), key=int):
        path = f"{NODES}/{node}/properties"
        text = tree.read(path, log)
        if text is None:
            continue  # a container's devices cgroup hides a GPU by refusing to read its node
        values = properties(text)
        target = gfx_target(values.get("gfx_target_version", 0)) or _by_device(values, text, path, tree, log)
        if target is None and not _is_gpu(values):
            if not values:
                log.unreadable(path, "no properties in it")
            continue
        physical = _physical(values)
        if physical in seen:
            log.found(path, f"{target}, a partition of the GPU of {seen[physical]}")
            continue
        seen[physical] = path
        if target is None:
            old = "" if _version_text(text) else "; kernels before 5.16 have no gfx_target_version"
            log.unreadable(path, f"a GPU whose target cannot be told{old}")
            devices.append(Device(_name(node, values, tree), pci_id=f"{VENDOR}:{_device_id(values, tree)}"))
            continue
        integrated = target in _INTEGRATED
        log.found(path, f"{target}, {'integrated' if integrated else 'discrete'}")
        target = _overridden(target, node, sources.env, log)
        devices.append(Device(_name(node, values, tree), gfx_target=target, integrated=integrated))
    if devices and sources.live:
        _note_access(tree, log)
    return Accelerator("amd", tuple(devices)) if devices else None


def properties(text: str) -> dict[str, int]:
    """The values in the text of a node's properties; lines of another form are passed over."""
    values = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        value = value.strip()
        if _is_number(value) and len(value) <= 20:  # noqa: PLR2004  # the digits of 2**64
            values[name] = int(value)
    return values


def gfx_target(version: int) -> str | None:
    """LLVM's name of a gfx_target_version: 90010 is gfx90a, 110501 is gfx1151; None for 0, which is a processor's."""
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    if not 0 < major < 100 or minor > 15 or stepping > 15:  # noqa: PLR2004  # minor and stepping are one hex digit
        return None
    return f"gfx{major}{minor:x}{stepping:x}"


def override_target(text: str) -> str | None:
    """The target that HSA_OVERRIDE_GFX_VERSION names: "10.3.0" is gfx1030; None for anything that ROCm refuses."""
    found = _OVERRIDE.fullmatch(text)
    if found is None:
        return None
    major, minor, stepping = (int(part) for part in found.groups())
    return gfx_target(major * 10000 + minor * 100 + stepping) if minor < 100 and stepping < 100 else None  # noqa: PLR2004


def without_kfd(displays: Sequence[PciDevice], log: Log) -> Accelerator | None:
    """AMD's GPUs that the PCI bus has and the kernel's compute driver does not list: they are named, and not usable."""
    devices = []
    for device in displays:
        if device.vendor != VENDOR:
            continue
        where = f"/sys/bus/pci/devices/{device.address}"
        if gives_away(device.driver):
            log.absent(where, f"{device.pci_id} is set aside for a virtual machine")
            continue
        log.absent(where, f"{device.pci_id}: the kernel's compute driver (amdgpu with KFD) does not list it")
        devices.append(Device(pci_id=device.pci_id))
    return Accelerator("amd", tuple(devices)) if devices else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_gpu(values: Mapping[str, int]) -> bool:
    return bool(values.get("simd_count"))


def _version_text(text: str) -> str:
    """What the properties have as gfx_target_version, which is more than none, and may be nonsense."""
    found = re.search(r"^\s*gfx_target_version[ \t]+(\S.*?)\s*$", text, re.MULTILINE)
    return "" if found is None or found.group(1) == "0" else found.group(1)


def _by_device(values: Mapping[str, int], text: str, path: str, tree: Tree, log: Log) -> str | None:
    """The target by the device's id, as ROCm itself tells it where the kernel is older than 5.16."""
    if not _is_gpu(values):
        return None
    version = _version_text(text)
    if version:
        log.unreadable(path, f"gfx_target_version {version!r} is not that of a GPU")
    number = _device_id(values, tree)
    for row in read(DATA, "amd.json")["devices"]:
        if number in row["ids"]:
            why = "" if version else "no gfx_target_version, as of kernels before 5.16; "
            log.found(path, f"{why}{VENDOR}:{number} is {row['gfx_target']}")
            target: str = row["gfx_target"]
            return target
    return None


def _address(values: Mapping[str, int]) -> str:
    """The PCI address of a node's device, "0000:03:00.0"."""
    location = values.get("location_id", 0) & 0xFFF8
    return f"{values.get('domain', 0):04x}:{location >> 8:02x}:{location >> 3 & 0x1F:02x}.0"


def _device_id(values: Mapping[str, int], tree: Tree) -> str:
    """The device's id in four hex digits: KFD's, or else the PCI bus's."""
    number = values.get("device_id", 0)
    if not 0 < number <= 0xFFFF:  # noqa: PLR2004
        text = tree.read(f"/sys/bus/pci/devices/{_address(values)}/device") or ""
        found = re.fullmatch(r"0x([0-9a-f]{4})", text, re.ASCII)
        return found.group(1) if found else "0000"
    return f"{number:04x}"


def _physical(values: Mapping[str, int]) -> tuple[int, int]:
    """What partitions of one GPU share: the PCI domain, and the address without the partition's number.

    The number is in the upper four bits of location_id, and in the three of the PCI function for kernels before 6.9.
    """
    return values.get("domain", 0), values.get("location_id", 0) & 0x0FFFFFF8


def _overridden(target: str, node: str, env: Mapping[str, str], log: Log) -> str:
    """The target that ROCm takes a GPU for. The node's own variable comes first, as in ROCm's thunk library."""
    for variable in (f"{OVERRIDE}_{node}", OVERRIDE):
        if variable in env:
            other = override_target(env[variable])
            if other is None:
                log.unreadable(f"${variable}", f"{env[variable]!r} is not of the form 10.3.0")
                return target
            log.found(f"${variable}", f"{env[variable]}: {target} counts as {other}")
            return other
    return target


def _name(node: str, values: Mapping[str, int], tree: Tree) -> str:
    """The product's name, which server cards have, or KFD's name of the chip, which newer ones have not."""
    product = tree.read(f"/sys/bus/pci/devices/{_address(values)}/product_name")
    chip = tree.read(f"{NODES}/{node}/name") or ""
    return clean(product or ("" if chip == "ip discovery" else chip))


def _note_access(tree: Tree, log: Log) -> None:
    """A user outside the group render can build for the GPU, and cannot compute on it."""
    if not tree.exists(DEVICE_FILE):
        log.absent(DEVICE_FILE, "ROCm computes through it; a container needs --device=/dev/kfd --device=/dev/dri")
    elif os.access(tree.locate(DEVICE_FILE), os.R_OK | os.W_OK):
        log.found(DEVICE_FILE, "can be opened by this user")
    else:
        log.unreadable(DEVICE_FILE, "this user may not open it; it belongs to the group render or video")
