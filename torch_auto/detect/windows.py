"""Windows: display adapters from the registry, NVIDIA's driver through NVML.

What the registry holds is read through a narrow seam, ``sources.Registry``. Which devices are present is asked of the
configuration manager, since the registry remembers cards that were taken out.
"""

from __future__ import annotations

import re

from torch_auto.detect.log import Log, clean
from torch_auto.frozen import Frozen
from torch_auto.machine import Accelerator, Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.detect.sources import Registry, Sources

#: The device setup class "Display adapters" (learn.microsoft.com, System-Defined Device Setup Classes).
DISPLAY_CLASS = "{4d36e968-e325-11ce-bfc1-08002be10318}"
CLASS_KEY = f"SYSTEM\\CurrentControlSet\\Control\\Class\\{DISPLAY_CLASS}"
ENVIRONMENT_KEY = "SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"

_MOST_ADAPTERS = 64
#: A part of a GPU that Hyper-V hands to a virtual machine. The GPU's own driver, and its NVML, are there.
_PARTITION = ("1414", "008e")
_VENDORS = ("10de", "1002", "8086")
_PCI = re.compile(r"pci\\ven_([0-9a-f]{4})&dev_([0-9a-f]{4})", re.ASCII | re.IGNORECASE)
_DRIVER = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,6}", re.ASCII)


class LocalMachine:
    """The registry below HKEY_LOCAL_MACHINE and the devices of the running Windows."""

    def keys(self, path: str) -> list[str]:
        """Names of the keys below a path. Raises OSError."""
        import winreg  # noqa: PLC0415

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:  # type: ignore[attr-defined,unused-ignore]
            return [winreg.EnumKey(key, number) for number in range(winreg.QueryInfoKey(key)[0])]  # type: ignore[attr-defined,unused-ignore]

    def value(self, path: str, name: str) -> str | int | bytes | list[str] | None:
        """A value of the key at a path. Raises OSError."""
        import winreg  # noqa: PLC0415

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:  # type: ignore[attr-defined,unused-ignore]
            value: str | int | bytes | list[str] | None = winreg.QueryValueEx(key, name)[0]  # type: ignore[attr-defined,unused-ignore]
            return value

    def present(self) -> list[str] | None:
        """Instance ids of the display adapters that are there now; None where Windows does not say."""
        import ctypes  # noqa: PLC0415

        # From Windows' own folder and no other: LOAD_LIBRARY_SEARCH_SYSTEM32.
        manager = ctypes.WinDLL("CfgMgr32.dll", winmode=0x800)  # type: ignore[attr-defined,unused-ignore]
        flags = 0x100 | 0x200  # CM_GETIDLIST_FILTER_PRESENT, CM_GETIDLIST_FILTER_CLASS
        size = ctypes.c_ulong()
        class_id = ctypes.c_wchar_p(DISPLAY_CLASS)
        if manager.CM_Get_Device_ID_List_SizeW(ctypes.byref(size), class_id, ctypes.c_ulong(flags)):
            return None
        buffer = ctypes.create_unicode_buffer(min(size.value, 1 << 16) + 1)
        length = ctypes.c_ulong(len(buffer))
        if manager.CM_Get_Device_ID_ListW(class_id, buffer, length, ctypes.c_ulong(flags)):
            return None
        return [text for text in "".join(buffer).split("\0") if text]


class Adapter(Frozen):
    """A display adapter that is present. ``driver`` is Windows' own form of its version, "32.0.15.5161"."""

    vendor: str
    device: str
    name: str = ""
    driver: str = ""

    @property
    def pci_id(self) -> str:
        """Vendor and device: "8086:56a0"."""
        return f"{self.vendor}:{self.device}"


def pci_id_of(text: object) -> tuple[str, str] | None:
    """("8086", "56a0") of a hardware id, which begins with PCI, a backslash and VEN_8086&DEV_56A0&..."""
    found = _PCI.match(text) if isinstance(text, str) else None
    return (found.group(1).lower(), found.group(2).lower()) if found else None


def adapters(registry: Registry, log: Log) -> tuple[Adapter, ...] | None:
    """The display adapters that are present; None where the registry cannot be read."""
    try:
        keys = registry.keys(CLASS_KEY)
    except OSError as error:
        log.unreadable("registry: display adapters", str(error))
        return None
    present = _present(registry, log)
    found: list[Adapter] = []
    for key in keys[:_MOST_ADAPTERS]:
        if not (key.isascii() and key.isdigit()):
            continue  # "Properties" and "Configuration" are no devices
        path = f"{CLASS_KEY}\\{key}"
        pci = pci_id_of(_text(registry, path, "MatchingDeviceId"))
        if pci is None:
            continue  # a remote desktop's or a virtual adapter
        name = clean(_text(registry, path, "DriverDesc"))
        if present is not None and pci not in present:
            log.absent(f"registry: adapter {key}", f"{pci[0]}:{pci[1]} {name}: installed once, not present now")
            continue
        found.append(Adapter(pci[0], pci[1], name, _text(registry, path, "DriverVersion")))
        log.found(f"registry: adapter {key}", f"{found[-1].pci_id} {name}, driver {found[-1].driver or 'unknown'}")
    return (*found, *_without_driver(found, present or (), log))


def _without_driver(found: Sequence[Adapter], present: Sequence[tuple[str, str]], log: Log) -> list[Adapter]:
    """Cards that are there on Microsoft's Basic Display Adapter, whose key in the registry names a class of devices."""
    own = {(adapter.vendor, adapter.device) for adapter in found}
    others = [pci for pci in dict.fromkeys(present) if pci not in own and pci[0] in _VENDORS]
    for vendor, device in others:
        log.absent(f"driver of {vendor}:{device}", "the card is on Microsoft's Basic Display Adapter")
    return [Adapter(vendor, device) for vendor, device in others]


def _text(registry: Registry, path: str, name: str) -> str:
    try:
        value = registry.value(path, name)
    except OSError:
        return ""
    return value[:512] if isinstance(value, str) else ""


def _present(registry: Registry, log: Log) -> list[tuple[str, str]] | None:
    try:
        instances = registry.present()
    except (AttributeError, OSError, ValueError) as error:
        log.unreadable("configuration manager", str(error))
        return None
    if instances is None:
        return None
    return [pci for pci in map(pci_id_of, instances) if pci is not None]


def nvidia_driver_of(version: str) -> str | None:
    """NVIDIA's number of a driver that Windows calls "32.0.15.5161": the last five digits, 551.61.

    The last part is a number, and has lost its zeros: "32.0.16.597" is 605.97.
    """
    if _DRIVER.fullmatch(version) is None:
        return None
    _, _, third, last = version.split(".")
    if len(last) > 4:  # noqa: PLR2004
        return None
    digits = third[-1] + last.zfill(4)
    return f"{int(digits[:3])}.{digits[3:]}"


def accelerators(sources: Sources, log: Log) -> tuple[Accelerator, ...]:
    """The accelerators of a Windows machine, NVIDIA's first, then AMD's, then Intel's."""
    if sources.registry is None:
        return ()
    _note_emulation(sources, log)
    listed = adapters(sources.registry, log)
    there = listed or ()
    found: list[Accelerator] = []
    nvidia = [adapter for adapter in there if adapter.vendor == "10de"]
    partition = any((adapter.vendor, adapter.device) == _PARTITION for adapter in there)
    # Without a registry to go by, or with a part of some GPU, NVML is the only one to ask.
    accelerator = _nvidia(sources, nvidia, log) if nvidia or partition or listed is None else None
    if accelerator is not None:
        found.append(accelerator)
    amd = [adapter for adapter in there if adapter.vendor == "1002"]
    for adapter in amd:
        text = "PyTorch has no ROCm builds for Windows; AMD has: see rocm.docs.amd.com, Install PyTorch on ROCm"
        log.found("AMD GPUs", f"{adapter.pci_id} {adapter.name}: {text}")
    if amd:
        found.append(Accelerator("amd", tuple(Device(adapter.name, pci_id=adapter.pci_id) for adapter in amd)))
    intel = [adapter for adapter in there if adapter.vendor == "8086"]
    if intel:
        from torch_auto.detect.intel import described  # noqa: PLC0415

        devices = [described(adapter.pci_id, log, integrated=True, name=adapter.name) for adapter in intel]
        found.append(Accelerator("intel", tuple(devices)))
    return tuple(found)


def _nvidia(sources: Sources, there: Sequence[Adapter], log: Log) -> Accelerator | None:
    from torch_auto.detect.nvidia import on_windows  # noqa: PLC0415

    versions = [version for version in (nvidia_driver_of(adapter.driver) for adapter in there) if version]
    return on_windows(sources, [(adapter.name, adapter.pci_id) for adapter in there], versions, log)


def _note_emulation(sources: Sources, log: Log) -> None:
    """An x86_64 Python on an ARM64 Windows takes x86_64 wheels. The registry keeps the machine's own architecture."""
    if sources.registry is None:
        return
    native = _text(sources.registry, ENVIRONMENT_KEY, "PROCESSOR_ARCHITECTURE").upper()
    if native == "ARM64" and sources.host.machine.lower() != "arm64":
        log.found("python", f"runs emulated on ARM64: it gets the wheels for {sources.host.machine}, not win_arm64's")
