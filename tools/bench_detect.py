"""Measure what detection costs on this machine, against what it could cost.

    python tools/bench_detect.py [--rounds 21] [--json FILE]

Each round measures every row once, in turn, so that what else the machine does falls on all alike. The table has the
median, the least and, against the row "a subprocess", the ratio of the medians. --json also writes every measurement.
The rows with NVML need a C compiler, for the stand-in that the tests use.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from support import fake_nvml  # noqa: E402
from unit.detect.trees import join, pci, write  # noqa: E402

from torch_auto.detect import Sources, detect, detect_from  # noqa: E402
from torch_auto.detect.host import this_host  # noqa: E402
from torch_auto.detect.log import Log  # noqa: E402
from torch_auto.detect.pci import display_devices  # noqa: E402
from torch_auto.detect.tree import Tree  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

SUBPROCESS = "a subprocess that prints a line (an nvidia-smi that takes no time)"
HANG_DEADLINE = 0.5


def _interpreter(code: str, root: Path) -> None:
    subprocess.run([sys.executable, "-B", "-c", code], check=True, cwd=root)


def _without_byte_code(folder: Path) -> Path:
    """A copy of the package as a build gets it: sources alone."""
    shutil.copytree(REPOSITORY / "torch_auto", folder / "torch_auto", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _one_file() -> None:
    """A file of sysfs, or of proc where there is no sysfs."""
    path = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    (path if path.exists() else Path("/proc/version")).read_bytes()


def _server(folder: Path) -> Path:
    """The PCI bus of a server: 893 devices of a processor and its bridges, and 8 GPUs."""
    others = (pci(f"{n >> 13:04x}:{n >> 5 & 255:02x}:{n & 31:02x}.0", "8086:3456", "0x088000") for n in range(893))
    gpus = (pci(f"0001:{0x41 + n:02x}:00.0", "10de:20b2", "0x030200", "nvidia") for n in range(8))
    return write(folder / "server", join(*others, *gpus))


def _rows(folder: Path) -> dict[str, Callable[[], object]]:
    script = folder / "nvidia-smi"
    script.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-80GB, 550.54.14, 8.0'\n", encoding="utf-8")
    script.chmod(0o755)
    plain = _without_byte_code(folder / "plain")
    server = str(_server(folder))
    rows: dict[str, Callable[[], object]] = {
        "one file of sysfs": _one_file,
        "detect(), this machine, imported before": detect,
        "one scan of a PCI bus of 901 devices, a captured tree": lambda: display_devices(Tree(server), Log()),
        SUBPROCESS: lambda: subprocess.run([script], capture_output=True, check=True),
        "an empty interpreter": lambda: _interpreter("pass", plain),
        "an interpreter that imports torch_auto.machine": lambda: _interpreter("import torch_auto.machine", plain),
        "an interpreter that detects": lambda: _interpreter("from torch_auto.detect import detect; detect()", plain),
    }
    if fake_nvml.why_not() is None:
        # The library is compiled before it is measured.
        asked = {**os.environ, **fake_nvml.env(devices=[("NVIDIA A100-SXM4-80GB", "8.0")] * 8)}
        hangs = {**os.environ, **fake_nvml.env(hang="nvmlInitWithFlags")}
        host = this_host()
        rows["detect() with NVML, 8 GPUs"] = lambda: detect(env=asked)
        rows[f"detect() with an NVML that hangs, deadline {HANG_DEADLINE * 1000:g} ms"] = lambda: detect_from(
            Sources(host, "/", hangs, interpreter=sys.executable, deadline=HANG_DEADLINE)
        )
    return rows


def measure(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every row, ``rounds`` times each."""
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(Path(folder))
        found: dict[str, list[float]] = {name: [] for name in rows}
        for number in range(rounds + 1):
            for name, call in rows.items():
                started = time.perf_counter()
                call()
                if number:  # the first round warms the disk's cache
                    found[name].append((time.perf_counter() - started) * 1000)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What detection costs on this machine.")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", metavar="FILE", help="write every measurement there")
    options = parser.parse_args()
    found = measure(options.rounds)
    whole = statistics.median(found[SUBPROCESS])
    print(f"{'':66}  median ms   least ms  of a subprocess")
    for name, times in found.items():
        median = statistics.median(times)
        print(f"{name:66} {median:10.3f} {min(times):10.3f} {median / whole:15.3f}")
    empty = statistics.median(found["an empty interpreter"])
    over = statistics.median(found["an interpreter that detects"]) - empty
    types = statistics.median(found["an interpreter that imports torch_auto.machine"]) - empty
    print(
        f"\nDetection over an empty interpreter, no byte code: {over:.1f} ms, {types:.1f} ms of it the types' import."
    )
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
