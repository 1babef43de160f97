"""``torch-auto info``: what is in this machine, and what was looked at to find it."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from datetime import datetime, timezone
from typing import Dict, Iterable, List, Tuple

from torch_auto import catalog
from torch_auto.cli.age import catalog_age
from torch_auto.machine import (
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
from torch_auto.machine_file import machine_to_json

#: Columns of the layout. A terminal that is narrower wraps it, and a file reads well.
_WIDTH = 100
_SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
#: Outcome: its mark, and the ANSI colour of the mark and the word: green, grey, yellow.
_OUTCOMES = {"found": ("+", "32"), "absent": ("-", "90"), "unreadable": ("!", "33")}


def _paint(text: str, code: str, *, colour: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if colour else text


def _system(machine: Machine) -> str:
    parts = [f"{_SYSTEMS.get(machine.system, machine.system)} {machine.architecture}"]
    if machine.libc:
        parts.append(machine.libc)
    parts.append(f"Python {machine.python}")
    line = ", ".join(parts)
    return line if machine.platform else f"{line}: torch has no builds for it"


def _heading(accelerator: Accelerator) -> str:
    if isinstance(accelerator, NvidiaAccelerator):
        if accelerator.driver_version is None:
            return "NVIDIA  without NVIDIA's driver: not usable"
        cuda = accelerator.cuda_driver_version
        tail = f"CUDA driver version {format_pair(cuda)}" if cuda else "CUDA driver version unknown"
        return f"NVIDIA  driver {accelerator.driver_version}, {tail}"
    return "AMD" if isinstance(accelerator, AmdAccelerator) else "Intel"


def _kind(*, integrated: bool) -> str:
    return "integrated" if integrated else "discrete"


def _nvidia(device: NvidiaDevice) -> Tuple[str, str]:
    pair = device.compute_capability
    capability = f"compute capability {format_pair(pair)}" if pair else "compute capability unknown"
    return device.name or "NVIDIA GPU", capability


def _amd(device: AmdDevice) -> Tuple[str, str]:
    return device.name or "AMD GPU", f"{device.gfx_target}, {_kind(integrated=device.integrated)}"


def _intel(device: IntelDevice) -> Tuple[str, str]:
    return device.name or "Intel GPU", f"{device.pci_id}, {_kind(integrated=device.integrated)}"


def _devices(accelerator: Accelerator) -> List[Tuple[str, str]]:
    if isinstance(accelerator, NvidiaAccelerator):
        return [_nvidia(device) for device in accelerator.devices]
    if isinstance(accelerator, IntelAccelerator):
        return [_intel(device) for device in accelerator.devices]
    return [_amd(device) for device in accelerator.devices]


def _counted(rows: Iterable[Tuple[str, str]]) -> List[Tuple[str, str]]:
    """Equal GPUs in one line: eight of a kind read better as "8 x NVIDIA H100"."""
    counts: Dict[Tuple[str, str], int] = {}
    for row in rows:
        counts[row] = counts.get(row, 0) + 1
    return [(f"{count} x {name}" if count > 1 else name, text) for (name, text), count in counts.items()]


def _accelerators(machine: Machine, *, colour: bool) -> List[str]:
    if not machine.accelerators:
        none = "No accelerator was found."
        if machine.system == "macos" and machine.architecture == "arm64":
            none = "An Apple chip, whose GPU every macOS arm64 build of torch uses (MPS)."
        return ["", _paint(none, "1", colour=colour)]
    lines: List[str] = []
    for accelerator in machine.accelerators:
        lines += ["", _paint(_heading(accelerator), "1", colour=colour)]
        rows = _counted(_devices(accelerator))
        width = max((len(name) for name, _ in rows), default=0)
        lines += [f"  {name:<{width}}  {text}".rstrip() for name, text in rows]
    return lines


def _evidence(evidence: Tuple[Evidence, ...], *, colour: bool) -> List[str]:
    if not evidence:
        return []
    lines = ["", _paint("What was looked at", "1", colour=colour)]
    # A long path keeps its line to itself, and the others stay in their column.
    width = max((len(item.source) for item in evidence if len(item.source) <= 40), default=0)  # noqa: PLR2004
    for item in evidence:
        mark, code = _OUTCOMES[item.outcome]
        state = _paint(f"{mark} {item.outcome:<10}", code, colour=colour)
        indent = " " * (18 + width)
        detail = textwrap.wrap(item.detail, max(20, _WIDTH - len(indent))) or [""]
        if len(item.source) > width:
            lines.append(f"  {state}  {item.source}")
            lines += [indent + text for text in detail if text]
        else:
            lines.append(f"  {state}  {item.source:<{width}}{'  ' + detail[0] if detail[0] else ''}".rstrip())
            lines += [indent + text for text in detail[1:]]
    return lines


def render(machine: Machine, *, colour: bool) -> str:
    """The machine for people: its system, its accelerators, and what was looked at; ANSI colours only if wanted."""
    lines = [_system(machine), *_accelerators(machine, colour=colour), *_evidence(machine.evidence, colour=colour)]
    return "\n".join(lines) + "\n"


def run(root: str, *, as_json: bool, colour: bool) -> int:
    """Print the running machine, or the one whose files were captured into ``root``.

    Raises:
        NotADirectoryError: ``root`` is no folder.
    """
    from torch_auto.detect import detect  # noqa: PLC0415  # rendering alone needs none of it

    if not os.path.isdir(root):
        raise NotADirectoryError(f"--root: {root} is not a folder")
    machine = detect(root)
    if as_json:
        json.dump(machine_to_json(machine), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(
            f"{render(machine, colour=colour)}\n{catalog_age(catalog.load(), datetime.now(timezone.utc).date())}\n"
        )
    return 0
