"""What torch-auto costs at ``import torch``: ``python tools/bench_import.py PYTHON [--runs 30]``.

PYTHON is that of an environment with torch and torch-auto. Each run is a process of its own. Three figures: what
our entry point takes, loading and call, in a process that has imported torch without it; what the process takes with
entry points, and without them (TORCH_DEVICE_BACKEND_AUTOLOAD=0), by turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time

_TIMED = """
import os, sys
import torch
before = set(sys.modules)
from importlib.metadata import entry_points
import time
found = entry_points(group="torch.backends") if sys.version_info >= (3, 10) else entry_points()["torch.backends"]
[ours] = [item for item in found if item.name == "torch_auto"]
start = time.perf_counter()
ours.load()()
end = time.perf_counter()
print((end - start) * 1000)
print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def _run(python: str, code: str, *, autoload: bool) -> tuple[str, str, float]:
    """Both streams and the seconds of a process."""
    environment = {**os.environ, "TORCH_DEVICE_BACKEND_AUTOLOAD": "1" if autoload else "0"}
    start = time.perf_counter()
    done = subprocess.run(  # the interpreter that the maintainer named
        [python, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr, time.perf_counter() - start


def _summary(values: list[float]) -> str:
    ordered = sorted(values)
    low, high = ordered[0], ordered[max(0, round(len(ordered) * 0.95) - 1)]
    return f"median {statistics.median(ordered):8.3f} ms   lowest {low:8.3f}   95 of 100 below {high:8.3f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("python", help="the Python of an environment with torch and torch-auto")
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    _run(options.python, "import torch", autoload=True)  # compiles what is not compiled, and warms the disk's cache
    ours, with_us, without = [], [], []
    loaded = ""
    for _ in range(options.runs):
        stdout, loaded, _seconds = _run(options.python, _TIMED, autoload=False)
        ours.append(float(stdout))
        without.append(_run(options.python, "import torch", autoload=False)[2] * 1000)
        with_us.append(_run(options.python, "import torch", autoload=True)[2] * 1000)
    print(f"the entry point     {_summary(ours)}")
    print(f"import torch, off   {_summary(without)}")
    print(f"import torch, on    {_summary(with_us)}")
    print(f"modules loaded      {loaded.strip()}")


if __name__ == "__main__":
    main()
