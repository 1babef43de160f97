"""What uv's --torch-backend=auto comes to, as its source says: the facts of detection and of its tables.

Read in astral-sh/uv crates/uv-torch/src/accelerator.rs and backend.rs @26a9dd4b, 2026-08-21. It is a statement of its
rules for a side by side with ours, which a change of uv can make wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: The driver that uv asks for each torch backend, newest first, on Linux and on Windows. The backends of one major
#: toolkit have one driver from 11.1 on, so the newest of them stands for all.
_CUDA = {
    "linux": (
        ("cu132", "580"),
        ("cu129", "525.60.13"),
        ("cu118", "450.80.2"),
        ("cu110", "450.36.6"),
        ("cu102", "440.33"),
        ("cu101", "418.39"),
        ("cu100", "410.48"),
        ("cu92", "396.26"),
        ("cu91", "390.46"),
        ("cu90", "384.81"),
        ("cu80", "375.26"),
    ),
    "windows": (
        ("cu132", "580"),
        ("cu129", "528.33"),
        ("cu118", "452.39"),
        ("cu110", "451.22"),
        ("cu102", "441.22"),
        ("cu101", "418.96"),
        ("cu100", "411.31"),
        ("cu92", "398.26"),
        ("cu91", "391.29"),
        ("cu90", "385.54"),
        ("cu80", "376.51"),
    ),
}
_GFX = ("gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100", "gfx1101", "gfx1102")
#: In the order in which uv compares them, oldest first. All are in its list for rocm7.2.
GFX_TARGETS = (*_GFX, "gfx1150", "gfx1151", "gfx1200", "gfx1201")


def _cuda(driver: str, system: str) -> str:
    try:
        version = Version(driver)
    except InvalidVersion:
        return f"error: {driver!r} is no version"
    return next((backend for backend, floor in _CUDA.get(system, ()) if version >= Version(floor)), "cpu")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def auto(
    root: Path,
    system: str,
    smi: Sequence[str] | None,
    rocm_agents: Sequence[str] | None,
    windows_ids: Sequence[str] = (),
) -> str:
    """The torch backend that uv asks first; "cpu" where it finds nothing, "error: ..." where it ends the run.

    ``smi`` are the lines that ``nvidia-smi --query-gpu=driver_version`` in PATH prints, None where there is none or it
    fails; ``rocm_agents`` those of ``rocm_agent_enumerator``, which comes with ROCm's user space.
    """
    version = _text(root / "sys/module/nvidia/version")
    if version is not None:
        return _cuda(version.strip(), system)
    line = _text(root / "proc/driver/nvidia/version")
    if line is not None and len(line.split("  ")) > 1:
        return _cuda(line.split("  ")[1].strip(), system)
    if smi:
        return _cuda(smi[0].strip(), system)
    known = sorted((target for target in rocm_agents or () if target in GFX_TARGETS), key=GFX_TARGETS.index)
    if known:
        # The lowest of them, and in its list of ROCm builds for Linux.
        return "rocm7.2" if system == "linux" else "cpu"
    if _has_intel_display(root) or any(re.search(r"VEN_8086(&|\\|$)", text, re.IGNORECASE) for text in windows_ids):
        return "xpu" if system in ("linux", "windows") else "cpu"
    return "cpu"


def _has_intel_display(root: Path) -> bool:
    for device in sorted((root / "sys/bus/pci/devices").glob("*")):
        kind, vendor = _text(device / "class"), _text(device / "vendor")
        if kind is not None and vendor is not None and kind.startswith("0x03") and vendor.strip() == "0x8086":
            return True
    return False
