"""The JSON form of a machine: what ``torch-auto info --json`` prints and what the setting ``machine`` reads.

``schemas/machine.schema.json`` describes it. Reading names every fault with the path to it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from torch_auto.machine import (
    OUTCOMES,
    Accelerator,
    AmdAccelerator,
    AmdDevice,
    Evidence,
    IntelAccelerator,
    IntelDevice,
    Machine,
    NvidiaAccelerator,
    NvidiaDevice,
    format_pair,
)

#: Version of the JSON form. It changes when a reader of the old form would be wrong about the new one.
FORMAT_VERSION = 1

#: How much of a wrong value an error repeats.
_SHOWN_LENGTH = 60

_VERSION_PAIR = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_DRIVER_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}", re.ASCII)
_GFX_TARGET = re.compile(r"gfx[0-9a-f]{3,6}", re.ASCII)
_PCI_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_PYTHON = re.compile(r"3\.\d{1,3}t?", re.ASCII)
_LIBC = re.compile(r"(glibc|musl) \d{1,4}\.\d{1,4}", re.ASCII)


class MachineError(ValueError):
    """A machine description that cannot be used; ``faults`` names every one, in reading order."""

    def __init__(self, faults: List[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


# --- to JSON -------------------------------------------------------------------------------------------------


def _without_defaults(items: Dict[str, Any]) -> Dict[str, Any]:
    """Leave out what says nothing: None, False, and an empty name."""
    return {key: value for key, value in items.items() if value not in (None, False, "")}


def _device_to_json(device: Union[NvidiaDevice, AmdDevice, IntelDevice]) -> Dict[str, Any]:
    if isinstance(device, NvidiaDevice):
        capability = device.compute_capability
        return _without_defaults({"name": device.name, "compute_capability": capability and format_pair(capability)})
    if isinstance(device, AmdDevice):
        return _without_defaults(
            {"name": device.name, "gfx_target": device.gfx_target, "integrated": device.integrated}
        )
    return _without_defaults({"name": device.name, "pci_id": device.pci_id, "integrated": device.integrated})


def machine_to_json(machine: Machine) -> Dict[str, Any]:
    """The JSON form of a machine, as a dict that :func:`machine_from_json` reads back to an equal Machine."""
    accelerators = []
    for accelerator in machine.accelerators:
        item: Dict[str, Any] = {"vendor": accelerator.vendor}
        if isinstance(accelerator, NvidiaAccelerator):
            cuda = accelerator.cuda_driver_version
            item["driver_version"] = accelerator.driver_version
            item["cuda_driver_version"] = cuda and format_pair(cuda)
            item = _without_defaults(item)
        item["devices"] = [_device_to_json(device) for device in accelerator.devices]
        accelerators.append(item)
    return {
        "version": FORMAT_VERSION,
        "system": machine.system,
        "architecture": machine.architecture,
        "libc": machine.libc,
        "python": machine.python,
        "accelerators": accelerators,
        "evidence": [
            {"source": item.source, "outcome": item.outcome, "detail": item.detail} for item in machine.evidence
        ],
    }


# --- from JSON -----------------------------------------------------------------------------------------------


class _Reader:
    """Reads a JSON object and notes every fault with the path to it, instead of stopping at the first."""

    def __init__(self, value: object, path: str, faults: List[str]) -> None:
        self._path = path
        self._faults = faults
        self._known: List[str] = []
        self.items: Dict[str, Any] = {}
        if isinstance(value, dict):
            self.items = value
        else:
            self.fault("", f"must be an object, not {_json_type(value)}")

    def fault(self, key: str, text: str) -> None:
        where = f"{self._path}.{key}" if self._path and key else self._path or key
        self._faults.append(f"{where}: {text}" if where else text)

    def text(
        self,
        key: str,
        *,
        required: bool = False,
        pattern: Optional[re.Pattern[str]] = None,
        example: str = "",
        choices: Tuple[str, ...] = (),
    ) -> Optional[str]:
        self._known.append(key)
        value = self.items.get(key)
        if value is None:
            if required:
                self.fault(key, "is missing")
            return None
        if not isinstance(value, str):
            self.fault(key, f"must be a string, not {_json_type(value)}")
            return None
        if not _is_text(value):
            self.fault(key, "holds half of a surrogate pair, which is no text")
            return None
        if choices and value not in choices:
            self.fault(key, f"is {_shown(value)}, not one of {', '.join(choices)}")
            return None
        if pattern is not None and pattern.fullmatch(value) is None:
            self.fault(key, f"is {_shown(value)}, not of the form {example}")
            return None
        return value

    def pair(self, key: str, example: str) -> Optional[Tuple[int, int]]:
        text = self.text(key, pattern=_VERSION_PAIR, example=example)
        if text is None:
            return None
        major, minor = text.split(".")
        return int(major), int(minor)

    def flag(self, key: str) -> bool:
        self._known.append(key)
        value = self.items.get(key, False)
        if not isinstance(value, bool):
            self.fault(key, f"must be true or false, not {_json_type(value)}")
            return False
        return value

    def objects(self, key: str, *, required: bool = False) -> List[Tuple[object, str]]:
        self._known.append(key)
        value = self.items.get(key)
        if value is None:
            if required:
                self.fault(key, "is missing")
            return []
        if not isinstance(value, list):
            self.fault(key, f"must be an array, not {_json_type(value)}")
            return []
        prefix = f"{self._path}.{key}" if self._path else key
        return [(item, f"{prefix}[{number}]") for number, item in enumerate(value)]

    def refuse_unknown(self) -> None:
        for key in self.items:
            if key not in self._known:
                self.fault(key, f"is not a key of this object; it has {', '.join(self._known)}")


def _is_text(value: str) -> bool:
    """Whether a string can be written to a file: JSON's escapes can spell one that cannot."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def _shown(value: str) -> str:
    return json.dumps(value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "...")


def _read_nvidia_device(value: object, path: str, faults: List[str]) -> NvidiaDevice:
    reader = _Reader(value, path, faults)
    device = NvidiaDevice(reader.text("name") or "", reader.pair("compute_capability", '"8.6"'))
    reader.refuse_unknown()
    return device


def _read_amd_device(value: object, path: str, faults: List[str]) -> AmdDevice:
    reader = _Reader(value, path, faults)
    target = reader.text("gfx_target", required=True, pattern=_GFX_TARGET, example='"gfx90a"')
    device = AmdDevice(target or "", reader.text("name") or "", reader.flag("integrated"))
    reader.refuse_unknown()
    return device


def _read_intel_device(value: object, path: str, faults: List[str]) -> IntelDevice:
    reader = _Reader(value, path, faults)
    pci_id = reader.text("pci_id", required=True, pattern=_PCI_ID, example='"8086:56a0"')
    device = IntelDevice(pci_id or "", reader.text("name") or "", reader.flag("integrated"))
    reader.refuse_unknown()
    return device


def _read_nvidia(value: object, path: str, faults: List[str]) -> NvidiaAccelerator:
    reader = _Reader(value, path, faults)
    reader.text("vendor")
    driver = reader.text("driver_version", pattern=_DRIVER_VERSION, example='"550.54.14"')
    cuda = reader.pair("cuda_driver_version", '"12.4"')
    devices = tuple(_read_nvidia_device(item, at, faults) for item, at in reader.objects("devices", required=True))
    reader.refuse_unknown()
    return NvidiaAccelerator(devices, driver, cuda)


def _read_amd(value: object, path: str, faults: List[str]) -> AmdAccelerator:
    reader = _Reader(value, path, faults)
    reader.text("vendor")
    devices = tuple(_read_amd_device(item, at, faults) for item, at in reader.objects("devices", required=True))
    reader.refuse_unknown()
    return AmdAccelerator(devices)


def _read_intel(value: object, path: str, faults: List[str]) -> IntelAccelerator:
    reader = _Reader(value, path, faults)
    reader.text("vendor")
    devices = tuple(_read_intel_device(item, at, faults) for item, at in reader.objects("devices", required=True))
    reader.refuse_unknown()
    return IntelAccelerator(devices)


_READ_VENDOR: Dict[str, Callable[[object, str, List[str]], Accelerator]] = {
    "nvidia": _read_nvidia,
    "amd": _read_amd,
    "intel": _read_intel,
}


def _read_accelerators(objects: List[Tuple[object, str]], faults: List[str]) -> Tuple[Accelerator, ...]:
    accelerators: List[Accelerator] = []
    vendors: List[str] = []
    for item, path in objects:
        reader = _Reader(item, path, faults)
        if not isinstance(item, dict):
            continue
        vendor = reader.text("vendor", required=True, choices=tuple(_READ_VENDOR))
        if vendor is None:
            continue
        if vendor in vendors:
            reader.fault("vendor", f"{vendor} is there twice; list all its devices in one object")
            continue
        vendors.append(vendor)
        accelerators.append(_READ_VENDOR[vendor](item, path, faults))
    return tuple(accelerators)


def machine_from_json(value: object) -> Machine:
    """The machine that a JSON value describes.

    Raises:
        MachineError: the value is not a machine; every fault is named with its path.
    """
    faults: List[str] = []
    reader = _Reader(value, "", faults)
    if not isinstance(value, dict):
        raise MachineError([f"a machine must be an object, not {_json_type(value)}"])
    version = value.get("version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        faults.append(f"version: must be {FORMAT_VERSION}, as `torch-auto info --json` prints it")
    system = reader.text("system", required=True)
    architecture = reader.text("architecture", required=True)
    libc = reader.text("libc", pattern=_LIBC, example='"glibc 2.36" or "musl 1.2"')
    python = reader.text("python", required=True, pattern=_PYTHON, example='"3.12" or "3.13t"')
    accelerators = _read_accelerators(reader.objects("accelerators", required=True), faults)
    evidence = []
    for item, path in reader.objects("evidence"):
        entry = _Reader(item, path, faults)
        source = entry.text("source", required=True) or ""
        outcome = entry.text("outcome", required=True, choices=OUTCOMES) or ""
        evidence.append(Evidence(source, outcome, entry.text("detail") or ""))
        entry.refuse_unknown()
    reader._known.append("version")  # noqa: SLF001  # it was looked at above, before anything that depends on it
    reader.refuse_unknown()
    if faults:
        raise MachineError(faults)
    return Machine(system or "", architecture or "", python or "", libc, accelerators, tuple(evidence))


def machine_from_text(text: str) -> Machine:
    """The machine in the text of a machine file.

    Raises:
        MachineError: the text is not JSON, or not a machine.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MachineError([f"it is not JSON: {error}"]) from error
    return machine_from_json(value)
