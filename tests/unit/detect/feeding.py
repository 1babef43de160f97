"""Feeds a kind of machine to detection: real files, a real library and a real program, and a recorded registry."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support import fake_nvml

from torch_auto.detect import Sources, detect_from
from torch_auto.detect.windows import CLASS_KEY, ENVIRONMENT_KEY
from torch_auto.machine import Machine, format_pair
from unit.detect.kinds import linux
from unit.detect.trees import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_auto.machine import Accelerator
    from unit.detect.kinds import Kind

#: What detection says of each kind, made by tools/detection_table.py.
EVIDENCE = Path(__file__).with_name("evidence.txt")


@dataclass(frozen=True)
class RecordedRegistry:
    """A registry with recorded values: {key: {name: value}}, and the instance ids of the adapters that are present."""

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    instances: tuple[str, ...] | None = None

    def keys(self, path: str) -> list[str]:
        """Names of the keys below a path. Raises OSError."""
        below = [key[len(path) + 1 :] for key in self.values if key.startswith(path + "\\")]
        if not below and path not in self.values:
            raise FileNotFoundError(2, "The system cannot find the file specified", path)
        return [key for key in below if "\\" not in key]

    def value(self, path: str, name: str) -> str:
        """A value of the key at a path. Raises OSError."""
        try:
            return self.values[path][name]
        except KeyError:
            raise FileNotFoundError(2, "The system cannot find the file specified", path) from None

    def present(self) -> list[str] | None:
        """Instance ids of the display adapters that are there now."""
        return None if self.instances is None else list(self.instances)


def registry(kind: Kind) -> RecordedRegistry | None:
    """The registry of a kind of Windows machine."""
    if kind.adapters is None:
        return None
    values: dict[str, dict[str, str]] = {
        CLASS_KEY: {},
        f"{CLASS_KEY}\\Properties": {},
        ENVIRONMENT_KEY: {"PROCESSOR_ARCHITECTURE": kind.native},
    }
    for number, (device, name, version) in enumerate(kind.adapters):
        entry = {"MatchingDeviceId": device, "DriverDesc": name, "DriverVersion": version}
        values[f"{CLASS_KEY}\\{number:04d}"] = entry
    return RecordedRegistry(values, present_ids(kind))


def present_ids(kind: Kind) -> tuple[str, ...]:
    """The instance ids of the adapters that were not taken out."""
    if kind.instances is not None:
        return kind.instances
    gone = [pci_id.upper().split(":") for pci_id in kind.removed]
    return tuple(
        f"{device}\\4&2283F625&0&0019"
        for device, _, _ in kind.adapters or ()
        if not any(f"VEN_{vendor}&DEV_{number}" in device.upper() for vendor, number in gone)
    )


def sources(kind: Kind, folder: Path) -> Sources:
    """All that detection is to look at, made below ``folder``."""
    root = write(folder / "tree", kind.files)
    env = dict(kind.env)
    if kind.nvml is not None:
        env.update(fake_nvml.env(**kind.nvml))
        if (kind.host or linux()).sys_platform != "win32":
            del env["LD_LIBRARY_PATH"]  # the library is in the tree, and Windows' is where pynvml knows
    smi: tuple[str, ...] = ()
    if kind.smi is not None:
        script = folder / "nvidia-smi"
        script.write_text(f"#!/bin/sh\n{kind.smi}", encoding="utf-8")
        script.chmod(0o755)
        smi = (str(folder / "absent" / "nvidia-smi"), str(script))
        env["PATH"] = os.environ["PATH"]
    return Sources(
        host=kind.host or linux(),
        root=str(root),
        env=env,
        interpreter=sys.executable,
        module_path=None if kind.pynvml else (),
        nvidia_smi=smi,
        registry=registry(kind),
        deadline=kind.deadline,
    )


def feed(kind: Kind, folder: Path) -> Machine:
    """What detection makes of a kind."""
    return detect_from(sources(kind, folder))


def told(kind: Kind, machine: Machine, folder: Path) -> str:
    """All that detection says of a kind, as evidence.txt has it: a heading, and a line of each look."""
    lines = [f"{item.outcome} {item.source}: {item.detail}".rstrip(": ") for item in machine.evidence]
    return "\n".join([f"# {kind.name}", *lines]).replace(str(folder), "...")


# --- in a line ---------------------------------------------------------------------------------------------------


def _counted(items: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return ", ".join(f"{count} x {item}" if count > 1 else item for item, count in counts.items())


def _nvidia(accelerator: Accelerator) -> str:
    head = "NVIDIA without a driver"
    cuda = accelerator.cuda_driver_version
    if accelerator.driver_version is not None:
        head = f"NVIDIA driver {accelerator.driver_version}, CUDA {format_pair(cuda) if cuda else 'unknown'}"
    elif accelerator.has_driver:
        head = f"NVIDIA driver of unknown version, CUDA {format_pair(cuda) if cuda else 'unknown'}"
    elif not accelerator.devices:
        head = "NVIDIA without a driver and without a GPU"
    if accelerator.lacks is not None:
        head += f", without {accelerator.lacks}"
    names = [(device.name or "GPU", device.compute_capability) for device in accelerator.devices]
    return f"{head}: " + _counted(f"{name} ({format_pair(pair)})" if pair else name for name, pair in names)


def _kind(*, integrated: bool) -> str:
    return "integrated" if integrated else "discrete"


def _line(accelerator: Accelerator) -> str:
    if accelerator.vendor == "nvidia":
        return _nvidia(accelerator)
    if accelerator.vendor == "amd":
        gpus = _counted(
            f"{gpu.gfx_target or gpu.pci_id} {_kind(integrated=gpu.integrated)}" for gpu in accelerator.devices
        )
        return f"AMD: {gpus}"
    assert accelerator.vendor == "intel"
    return "Intel: " + _counted(f"{gpu.pci_id} {_kind(integrated=gpu.integrated)}" for gpu in accelerator.devices)


def describe(machine: Machine) -> str:
    """The accelerators of a machine in a line; "none" where there are none."""
    return "; ".join(_line(accelerator) for accelerator in machine.accelerators) or "none"
