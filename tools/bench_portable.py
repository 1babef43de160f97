"""What one lock for every machine costs: ``python3 tools/dev.py run python tools/bench_portable.py``.

Size and time of the lock that `torch-auto init --portable` leads to, against that of one torch backend (torch-auto as
an ordinary dependency, with PyTorch's page), on the tests' package index. All raw rows are printed.

cold   nothing in uv's cache
warm   the lock deleted, the cache kept
check  `uv lock --check` of the lock that is there
sync   `uv sync --locked` into a new environment, with the wheels in the cache
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import frontends, machines  # noqa: E402
from support.dists import dists  # noqa: E402
from support.lock import tomllib  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402

RELEASE = "2.13.0"
#: The set that the fleet of tests/cli/test_portable.py comes to, and one of two.
SETS = {"1 torch backend": None, "2 groups": "cpu,cu126", "5 groups": "cpu,cu126,cu129,rocm7.2,xpu"}
FAMILY = {"torch": (), "torch and torchvision": ("vision",)}
COMMAND = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from torch_auto.cli import main; sys.exit(main())"


class Bench:
    """One project in a sandbox."""

    def __init__(self, root: Path, index: TorchIndex, name: str, backends: str | None, family: tuple[str, ...]) -> None:
        self.sandbox = frontends.Sandbox(root, index)
        self.uv = frontends.Frontend(frontends.uv(), self.sandbox)
        (root / "machine.json").write_text(json.dumps(machines.a100_550()), "utf-8")
        self.env = {"TORCH_AUTO_MACHINE": str(root / "machine.json"), "TORCH_AUTO_INDEX_URL": index.whl}
        self.cache = root / "uv-cache"
        pages = [index.find_links, *(f"{index.whl}/torchvision/" for _ in family)]
        page = f"[tool.uv]\nfind-links = {json.dumps(pages)}" if backends is None else ""
        beside = ["torchvision==0.28.0+cu126; sys_platform == 'linux'"] if family and backends is None else []
        dependencies = [f"torch-auto=={RELEASE}" if backends is None else "torch-auto", "numpy", *beside]
        self.project = self.sandbox.project(dependencies, name=name, extra=page)
        if backends is not None:
            words = ["init", "--portable", "--releases", RELEASE, "--backends", backends]
            words += ["--with", ",".join(family)] if family else []
            self.sandbox.run([sys.executable, "-c", COMMAND, *words], cwd=self.project, env=self.env)

    def seconds(self, *words: str) -> float:
        """Seconds of uv's wall clock."""
        return self.uv.run(words, cwd=self.project, env=self.env).seconds

    def lock(self, *, cold: bool) -> float:
        """Seconds to make the lock anew."""
        (self.project / "uv.lock").unlink(missing_ok=True)
        if cold:
            shutil.rmtree(self.cache, ignore_errors=True)
        return self.seconds("lock")

    def sync(self) -> float:
        """Seconds to install into a new environment."""
        shutil.rmtree(self.project / ".venv", ignore_errors=True)
        return self.seconds("sync", "--locked")

    def size(self) -> tuple[int, int, int]:
        """Bytes, packages with their versions, and files of the lock."""
        path = self.project / "uv.lock"
        packages = tomllib.loads(path.read_text("utf-8"))["package"]
        return path.stat().st_size, len(packages), sum(len(item.get("wheels", ())) for item in packages)


def main() -> int:
    """Measure each set of groups, with torchvision and without it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, TorchIndex(wheelhouse=wheelhouse()) as index:
        index.add(dists())
        benches: dict[str, Bench] = {}
        for beside, family in FAMILY.items():
            for name, backends in SETS.items():
                root = Path(folder) / f"{len(benches)}"
                root.mkdir()
                benches[f"{beside}, {name}"] = Bench(root, index, "app", backends, family)
        rows: dict[str, dict[str, list[float]]] = {name: {} for name in benches}
        for _ in range(options.runs):
            for name, bench in benches.items():  # in turn, so that a machine that slows down slows all
                for what, seconds in (
                    ("cold", bench.lock(cold=True)),
                    ("warm", bench.lock(cold=False)),
                    ("check", bench.seconds("lock", "--check")),
                    ("sync", bench.sync()),
                ):
                    rows[name].setdefault(what, []).append(seconds)
        for name, bench in benches.items():
            size, packages, files = bench.size()
            print(f"\n{name}: {size} bytes, {packages} packages, {files} files")
            for what, values in rows[name].items():
                listed = " ".join(f"{value * 1000:.0f}" for value in values)
                print(f"  {what:<5} median {statistics.median(values) * 1000:.0f} ms   ({listed})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
