"""The main job, end to end: real uv, our real sdists, and a PyTorch index on this machine whose wheels are tiny.

Run it with ``python3 tools/dev.py demo``. Each step shows the command that a user would type, and the torch
that was installed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from machine_table import answer  # noqa: E402
from support import frontends, machines  # noqa: E402
from support.dists import dists  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402

from torch_auto import catalog  # noqa: E402

VERSIONS = "from importlib.metadata import version as v; print('torch-auto', v('torch-auto'), '-> torch', v('torch'))"


def main() -> int:
    """Run the demonstration; returns 0 where every machine got the torch that it should have."""
    print("Making torch-auto-core and the sdists of all releases, and fetching what builds need (once) ...", flush=True)
    alone, pages = answer("A100, driver 550", "3.11", catalog.load())
    old = answer("P100, driver 580", "3.11", catalog.load())[1]
    steps = [
        ("this machine, PyPI alone", None, False, None),
        ("this machine, with PyTorch's page", None, True, None),
        ("an A100 with driver 550, PyPI alone", machines.a100_550(), False, alone),
        ("an A100 with driver 550, with PyTorch's page", machines.a100_550(), True, pages),
        ("a P100 with driver 580, with PyTorch's page", machines.p100_580(), True, old),
    ]
    wrong = []
    with tempfile.TemporaryDirectory() as folder, TorchIndex(wheelhouse=wheelhouse()) as index:
        index.add(dists())
        uv = frontends.uv()
        for number, (name, machine, page, expected) in enumerate(steps):
            root = Path(folder) / str(number)
            root.mkdir()
            sandbox = frontends.Sandbox(root, index)
            project = sandbox.project(requires_python=">=3.10")
            env = {"UV_FIND_LINKS": index.find_links} if page else {}
            if machine is not None:
                (root / "machine.json").write_text(json.dumps(machine), "utf-8")
                env["TORCH_AUTO_MACHINE"] = str(root / "machine.json")
            done = frontends.Frontend(uv, sandbox).run(["add", "torch-auto"], cwd=project, env=env)
            python = project / (".venv/Scripts/python.exe" if sys.platform == "win32" else ".venv/bin/python")
            found = sandbox.run([python, "-c", VERSIONS]).stdout.strip()
            shown = "".join(f"{key}=... " for key in env)
            print(f"\n# {name}\n$ {shown}uv add torch-auto      ({done.seconds:.1f} s)\n{found}", flush=True)
            if expected is not None and not found.endswith(f"torch {expected}"):
                wrong.append(name)
        print("\n# why, on this machine\n$ torch-auto plan")
        command = python.parent / ("torch-auto.exe" if sys.platform == "win32" else "torch-auto")
        print(sandbox.run([command, "plan"], env={"TORCH_AUTO_MACHINE": None}).stdout)
    if wrong:
        print(f"Not the torch that was expected: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
