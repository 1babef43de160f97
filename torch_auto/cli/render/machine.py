"""A machine for people: its system, its accelerators, and what was looked at to find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.terminal import BOLD, GREEN, GREY, YELLOW, paint, table, times, width, wrap
from torch_auto.machine import VENDORS, format_pair
from torch_auto.select.runs_on import candidates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_auto.machine import Accelerator, Device, Evidence, Machine

#: What people call the systems.
SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
#: Outcome: its mark, and the colour of the mark and the word.
_OUTCOMES = {"found": ("+", GREEN), "absent": ("-", GREY), "unreadable": ("!", YELLOW)}


def _system(machine: Machine) -> str:
    parts = [f"{SYSTEMS.get(machine.system, machine.system)} {machine.architecture}"]
    if machine.libc:
        parts.append(machine.libc)
    parts.append(f"Python {machine.python}")
    line = ", ".join(parts)
    return line if machine.platform else f"{line}: torch has no builds for it"


def _heading(accelerator: Accelerator) -> str:
    if accelerator.vendor != "nvidia":
        return VENDORS[accelerator.vendor]
    if accelerator.driver_version is None:
        return "NVIDIA  without NVIDIA's driver: not usable"
    cuda = accelerator.cuda_driver_version
    tail = f"CUDA driver version {format_pair(cuda)}" if cuda else "CUDA driver version unknown"
    return f"NVIDIA  driver {accelerator.driver_version}, {tail}"


def _device(vendor: str, device: Device) -> tuple[str, str]:
    """A GPU's name, and what its vendor tells GPUs apart by."""
    name = device.name or f"{VENDORS[vendor]} GPU"
    if vendor == "nvidia":
        pair = device.compute_capability
        return name, f"compute capability {format_pair(pair)}" if pair else "compute capability unknown"
    return name, f"{device.gfx_target or device.pci_id}, {'integrated' if device.integrated else 'discrete'}"


def _counted(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Equal GPUs in one line: eight of a kind read better so."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        counts[row] = counts.get(row, 0) + 1
    return [(f"{count} {times()} {name}" if count > 1 else name, text) for (name, text), count in counts.items()]


def _accelerators(machine: Machine, *, colour: bool) -> list[str]:
    if not machine.accelerators:
        none = "No accelerator was found."
        if machine.system == "macos" and machine.architecture == "arm64":
            none = "An Apple chip, whose GPU every macOS arm64 build of torch uses (MPS)."
        return ["", paint(none, BOLD, colour=colour)]
    lines: list[str] = []
    for accelerator in machine.accelerators:
        lines += ["", paint(_heading(accelerator), BOLD, colour=colour)]
        rows = _counted(_device(accelerator.vendor, device) for device in accelerator.devices)
        lines += table(rows, width(), colour=colour) if rows else []
    return lines


def _evidence(evidence: tuple[Evidence, ...], *, colour: bool) -> list[str]:
    if not evidence:
        return []
    lines = ["", paint("What was looked at", BOLD, colour=colour)]
    # A long path keeps its line to itself, and the others stay in their column.
    columns = width()
    column = max((len(item.source) for item in evidence if len(item.source) <= columns * 2 // 5), default=0)
    indent = " " * (18 + column)
    for item in evidence:
        mark, code = _OUTCOMES[item.outcome]
        state = paint(f"{mark} {item.outcome:<10}", code, colour=colour)
        detail = wrap(item.detail, columns, indent) if item.detail else []
        if len(item.source) > column:
            lines += [f"  {state}  {item.source}", *detail]
        else:
            after = detail[0][len(indent) - 2 :] if detail else ""
            lines += [f"  {state}  {item.source:<{column}}{after}".rstrip(), *detail[1:]]
    return lines


def render(machine: Machine, *, colour: bool) -> str:
    """The machine for people: its system, its accelerators, and what was looked at; ANSI colours only if wanted."""
    lines = [_system(machine), *_accelerators(machine, colour=colour), *_evidence(machine.evidence, colour=colour)]
    return "\n".join(lines) + "\n"


def devices(machine: Machine) -> str:
    """The GPUs in a line, the most capable first, each kind once, with NVIDIA's driver."""
    found = [item.describe() for item in candidates(machine)]
    if not found:
        return "Apple silicon" if machine.platform == "macos_arm64" else "no GPU"
    drivers = [f"driver {item.driver_version}" for item in machine.accelerators if item.driver_version is not None]
    return ", ".join([*dict.fromkeys(found), *drivers])


def kind(machine: Machine) -> str:
    """What a machine is in a few words: its GPUs, the most capable first, each name once, and NVIDIA's driver."""
    found = [_named(item.vendor, item.device) for item in candidates(machine)]
    drivers = [f"driver {item.driver_version}" for item in machine.accelerators if item.driver_version is not None]
    if not found:
        found = ["no GPU"]
        if any(item.devices for item in machine.accelerators):
            found = ["no usable GPU"]
        elif machine.platform == "macos_arm64":
            found = ["Apple silicon"]
    return ", ".join([*dict.fromkeys(found), *drivers])


def _named(vendor: str, device: Device) -> str:
    """A GPU's name with its vendor's."""
    called = VENDORS[vendor]
    if not device.name:
        return f"{called} GPU"
    return device.name if called.lower() in device.name.lower() else f"{called} {device.name}"
