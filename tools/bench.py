"""What torch-auto costs: ``python3 tools/dev.py run python tools/bench.py``.

1. detect + select + pin, without hatchling: a fresh interpreter that prepares METADATA, minus one that does nothing.
2. ``uv add torch-auto`` with a cold cache of torch-auto, against ``uv add`` of an empty hatchling sdist with a dynamic
   dependency.
3. A walk back through all 28 releases, against the same walk over 28 empty sdists.

Each pair runs in turn, A B A B, so that a machine that slows down slows both. All raw rows are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import frontends, machines  # noqa: E402
from support.sdists import sdists  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402

from torch_auto import catalog  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27", "nvidia-ml-py>=12", "packaging>=24.2"]
build-backend = "hatchling.build"
[project]
name = "empty-probe"
version = "{version}"
requires-python = "{requires_python}"
dynamic = ["dependencies"]
[tool.hatch.build.targets.wheel]
bypass-selection = true
[tool.hatch.build.targets.wheel.hooks.custom]
"""
HOOK = """\
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        build_data["dependencies"].extend(["nvidia-ml-py>=12", "packaging>=22", "torch=={pin}"])
"""


def empty_sdists(folder: Path, pin: str) -> Path:
    """28 sdists named empty-probe, with what torch-auto requires and torch=={pin}; {release} stands for the release."""
    folder.mkdir()
    for release in catalog.load().releases:
        name = f"empty_probe-{release.version}"
        tree = folder / name
        tree.mkdir()
        pyproject = PYPROJECT.format(version=release.version, requires_python=release.requires_python)
        (tree / "pyproject.toml").write_text(pyproject, "utf-8")
        (tree / "hatch_build.py").write_text(HOOK.format(pin=pin.format(release=release.version)), "utf-8")
        info = f"Metadata-Version: 2.4\nName: empty-probe\nVersion: {release.version}\nDynamic: Requires-Dist\n"
        (tree / "PKG-INFO").write_text(info, "utf-8")
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(tree, name)
        shutil.rmtree(tree)
    return folder


def compare(
    name: str, runs: int, one: Callable[[], float], other: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Run two measurements in turn, after one of each that does not count; prints the raw rows."""
    one(), other()
    rows = [(one(), other()) for _ in range(runs)]
    print(f"\n{name}\n  " + "  ".join(f"{a * 1000:.0f}/{b * 1000:.0f}" for a, b in rows) + "   (ms, A/B)")
    return [a for a, _ in rows], [b for _, b in rows]


def ratio(name: str, rows: tuple[list[float], list[float]], goal: float) -> None:
    """Print the median of the ratios pair by pair."""
    found = statistics.median(a / b for a, b in zip(*rows, strict=True))
    medians = [statistics.median(column) for column in rows]
    print(f"  {name}: {found:.2f} (goal <= {goal}); medians {medians[0]:.2f} s and {medians[1]:.2f} s", flush=True)


def fresh_interpreter(folder: Path, ours: Path, runs: int) -> None:
    """Figure 1, with compiled modules and, as in a build's new environment, without."""
    with tarfile.open(ours / "torch_auto-2.5.1.tar.gz") as archive:
        archive.extractall(folder, filter="data") if sys.version_info >= (3, 12) else archive.extractall(folder)  # noqa: S202
    tree = folder / "torch_auto-2.5.1"
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "import torch_auto.build as build; build.prepare_metadata_for_build_wheel(sys.argv[1])"
    )
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def measured(program: str, env: dict[str, str]) -> float:
        for cache in tree.rglob("__pycache__"):
            if "PYTHONDONTWRITEBYTECODE" in env:
                shutil.rmtree(cache, ignore_errors=True)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program, str(folder)], cwd=tree, env=env, check=True)
        return time.perf_counter() - start

    for name, env in {"compiled": plain, "not compiled": {**plain, "PYTHONDONTWRITEBYTECODE": "1"}}.items():
        a, b = compare(
            f"1. prepare METADATA, {name} / empty interpreter",
            runs,
            partial(measured, code, env),
            partial(measured, "pass", env),
        )
        cost = statistics.median(a) - statistics.median(b)
        print(f"  detect + select + pin, {name}: {cost * 1000:.1f} ms (goal <= 30 ms)", flush=True)


def uv_add(folder: Path, ours: Path, runs: int) -> None:
    """Figures 2 and 3."""
    for name, pin, machine, releases, goal in (
        ("2. uv add torch-auto / uv add empty-probe", "{release}", machines.cpu(), 1, 1.1),
        ("3. a walk back through 28 releases", "{release}+needs.glibc", machines.musl(), 28, 1.1),
    ):
        root = folder / f"uv-{releases}"
        root.mkdir()
        with TorchIndex(wheelhouse=wheelhouse()) as index:
            index.add(ours)
            index.add(empty_sdists(root / "empty", pin))
            sandbox = frontends.Sandbox(root, index)
            uv = frontends.Frontend(frontends.uv(), sandbox)
            (root / "machine.json").write_text(json.dumps(machine), "utf-8")
            env = {"TORCH_AUTO_MACHINE": str(root / "machine.json")}
            rows = compare(
                name,
                runs if releases == 1 else max(3, runs // 3),
                partial(_add, uv, "torch-auto", env, fails=releases != 1),
                partial(_add, uv, "empty-probe", env, fails=releases != 1),
            )
            ratio("ratio", rows, goal)


def _add(uv: frontends.Frontend, package: str, env: dict[str, str], *, fails: bool) -> float:
    """Seconds of ``uv add`` in a new project, with nothing of the package in uv's cache."""
    number = len(list(uv.sandbox.root.glob("project*")))
    project = uv.sandbox.project(name=f"project{number}", requires_python=">=3.11")
    uv.run(["cache", "clean", package])
    done = uv.run(["add", package], cwd=project, env=env, check=False)
    if (done.returncode != 0) != fails:
        raise RuntimeError(str(done))
    return done.seconds


def main() -> int:
    """Run the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--sdists", type=Path, metavar="DIR", help="measure these instead of the checkout's")
    parser.add_argument("--uv-only", action="store_true", help="leave figure 1 out")
    options = parser.parse_args()
    ours = options.sdists or sdists()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fresh").mkdir()
        if not options.uv_only:
            fresh_interpreter(Path(folder) / "fresh", ours, options.runs)
        uv_add(Path(folder), ours, options.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
