"""A machine file: what ``torch-auto info --json`` printed, and the setting ``machine`` reads.

``docs/schemas/machine.schema.json`` describes it. Reading names every fault with the path to it.
"""

from __future__ import annotations

import json
import re

from torch_auto.machine import CPYTHON, OUTCOMES, SYSTEMS, VENDORS, Accelerator, Device, Evidence, Machine
from torch_auto.machine_json import FORMAT_VERSION
from torch_auto.regular import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Bytes of a machine file that are read.
_LARGEST = 1 << 20

#: GPUs of one vendor, as many as are looked for. Every rule looks at each of them, so a thousand would take seconds.
_MOST_DEVICES = 256

#: How much of a wrong value an error repeats.
_SHOWN_LENGTH = 60

_VERSION_PAIR = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_DRIVER_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}", re.ASCII)
_GFX_TARGET = re.compile(r"gfx[0-9a-f]{3,6}", re.ASCII)
_PCI_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_PYTHON = re.compile(r"3\.\d{1,3}t?", re.ASCII)
_LIBC = re.compile(r"(glibc|musl) \d{1,4}\.\d{1,4}", re.ASCII)
_SYSTEM_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}", re.ASCII)
_LIBRARY = re.compile(r"[A-Za-z0-9_.+-]{1,64}", re.ASCII)

#: What others call a system, and an architecture on one of ours: taken for unknown ones, they would get no torch.
_SYSTEM_NAMES = {"darwin": "macos", "mac": "macos", "osx": "macos", "win32": "windows", "win": "windows"}
_ARCHITECTURE_NAMES = {
    "linux": {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64"},
    "windows": {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64"},
    "macos": {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64"},
}


class MachineError(ValueError):
    """A machine description that cannot be used; ``faults`` names every one, in reading order."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class _Reader:
    """Reads a JSON object and notes every fault with the path to it, instead of stopping at the first."""

    def __init__(self, value: object, path: str, faults: list[str]) -> None:
        self._path = path
        self._faults = faults
        self._known: list[str] = []
        self.items: dict[str, Any] = {}
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
        pattern: re.Pattern[str] | None = None,
        example: str = "",
        choices: tuple[str, ...] = (),
    ) -> str | None:
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
            self.fault(key, "contains an unpaired surrogate")
            return None
        if choices and value not in choices:
            self.fault(key, f"is {_shown(value)}, not one of {', '.join(choices)}")
            return None
        if pattern is not None and pattern.fullmatch(value) is None:
            self.fault(key, f"is {_shown(value)}, not of the form {example}")
            return None
        return value

    def pair(self, key: str, example: str) -> tuple[int, int] | None:
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

    def objects(self, key: str, *, required: bool = False) -> list[tuple[object, str]]:
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


def _read_device(vendor: str, value: object, path: str, faults: list[str]) -> Device:
    """A GPU, by what its vendor tells GPUs apart by."""
    reader = _Reader(value, path, faults)
    name = reader.text("name") or ""
    if vendor == "nvidia":
        device = Device(name, compute_capability=reader.pair("compute_capability", '"8.6"'))
    elif vendor == "amd":
        # Without the kernel's compute driver, or on Windows, the PCI id is all that is known.
        alone = reader.items.get("pci_id") is not None
        target = reader.text("gfx_target", required=not alone, pattern=_GFX_TARGET, example='"gfx90a"')
        pci_id = reader.text("pci_id", pattern=_PCI_ID, example='"1002:744c"')
        device = Device(name, gfx_target=target, pci_id=pci_id, integrated=reader.flag("integrated"))
    else:
        pci_id = reader.text("pci_id", required=True, pattern=_PCI_ID, example='"8086:56a0"')
        driver = reader.text("driver", pattern=_LIBRARY, example='"xe"')
        device = Device(name, pci_id=pci_id or "", integrated=reader.flag("integrated"), driver=driver)
    reader.refuse_unknown()
    return device


def _read_accelerator(vendor: str, value: object, path: str, faults: list[str]) -> Accelerator:
    reader = _Reader(value, path, faults)
    reader.text("vendor")
    driver, cuda, loaded = None, None, False
    lacks = reader.text("lacks", pattern=_LIBRARY, example='"libcuda.so.1"') if vendor != "amd" else None
    if vendor == "nvidia":
        loaded = reader.flag("driver_loaded")
        driver = reader.text("driver_version", pattern=_DRIVER_VERSION, example='"550.54.14"')
        cuda = reader.pair("cuda_driver_version", '"12.4"')
    listed = reader.objects("devices", required=True)
    if len(listed) > _MOST_DEVICES:
        reader.fault("devices", f"has {len(listed)} GPUs; the most is {_MOST_DEVICES}")
    found = [_read_device(vendor, item, at, faults) for item, at in listed[:_MOST_DEVICES]]
    reader.refuse_unknown()
    return Accelerator(vendor, tuple(found), driver, cuda, loaded, lacks)


def _read_accelerators(objects: list[tuple[object, str]], faults: list[str]) -> tuple[Accelerator, ...]:
    accelerators: list[Accelerator] = []
    vendors: list[str] = []
    for item, path in objects:
        reader = _Reader(item, path, faults)
        if not isinstance(item, dict):
            continue
        vendor = reader.text("vendor", required=True, choices=tuple(VENDORS))
        if vendor is None:
            continue
        if vendor in vendors:
            reader.fault("vendor", f"{vendor} is there twice; list all its devices in one object")
            continue
        vendors.append(vendor)
        accelerators.append(_read_accelerator(vendor, item, path, faults))
    return tuple(accelerators)


def machine_from_json(value: object) -> Machine:
    """The machine that a JSON value describes.

    Raises:
        MachineError: the value is not a machine; every fault is named with its path.
    """
    faults: list[str] = []
    reader = _Reader(value, "", faults)
    if not isinstance(value, dict):
        raise MachineError([f"a machine must be an object, not {_json_type(value)}"])
    form = value.get("version")
    if form != FORMAT_VERSION or isinstance(form, bool):
        faults.append(f"version: must be {FORMAT_VERSION}, as `torch-auto info --json` prints it")
    system = reader.text("system", required=True)
    architecture = reader.text("architecture", required=True)
    _refuse_other_names(system, architecture, reader)
    libc = reader.text("libc", pattern=_LIBC, example='"glibc 2.36" or "musl 1.2"')
    python = reader.text("python", required=True, pattern=_PYTHON, example='"3.12" or "3.13t"')
    version = reader.text("system_version", pattern=_SYSTEM_VERSION, example='"15.6.1"')
    implementation = reader.text("implementation", pattern=_NAME, example='"cpython"') or CPYTHON
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
    return Machine(
        system or "",
        architecture or "",
        python or "",
        libc,
        accelerators,
        tuple(evidence),
        version,
        implementation,
    )


def _refuse_other_names(system: str | None, architecture: str | None, reader: _Reader) -> None:
    """A system or an architecture by a name that it does not have here would be taken for an unknown one."""
    known = _SYSTEM_NAMES.get((system or "").lower())
    if system is not None and system not in SYSTEMS and (known or system.lower() in SYSTEMS):
        reader.fault("system", f"is {_shown(system)}; did you mean {_shown(known or system.lower())}?")
    names = _ARCHITECTURE_NAMES.get(known or (system or "").lower(), {})
    if architecture is not None and architecture.lower() in names:
        reader.fault("architecture", f"is {_shown(architecture)}; did you mean {_shown(names[architecture.lower()])}?")


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


def read_machine(path: str) -> Machine:
    """The machine that a machine file describes.

    Raises:
        OSError: the file cannot be read, or is too large to be one.
        MachineError: it is not a machine file.
    """
    try:
        text = read_regular(path, _LARGEST).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MachineError([f"it is not UTF-8 text: {error}"]) from error
    return machine_from_text(text)
