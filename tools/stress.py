"""What torch-auto withstands in numbers: ``python3 tools/dev.py run python tools/stress.py [GROUP ...]``.

Groups, all of them by default:

builds    64 builds at once: as many wheels of the same bytes, and nothing else
syncs     8 ``torch-auto sync`` at once in one project with torch groups: all end well, with the right torch
memory    1,000 decisions in one process, for 9 machines in turn, once caches are as full as they get
imports   ``import torch`` with torch-auto's check in 200 processes at once: each says the same
walk      a walk back of uv's over several releases, with a driver that never answers (Linux, with namespaces)

Each ends with an error where something is wrong, and says how long it took. No process is left.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import fake_nvml, frontends, hooks, machines, processes  # noqa: E402
from support.dists import core, dists  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402
from unit.cli.portable_project import NEEDS_TORCH, Host  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

RELEASE = "2.14.1"


def right(what: object, text: str) -> None:
    """End with an error unless something is so.

    Raises:
        RuntimeError: it is not.
    """
    if not what:
        raise RuntimeError(text)


def builds(folder: Path) -> str:
    """64 builds at once, each with an NVML of its own to ask."""
    tree = hooks.unpack(dists() / f"torch_auto-{RELEASE}.tar.gz", folder)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import torch_auto.backend as b; b.build_wheel(sys.argv[2])"
    env = {**os.environ, **fake_nvml.env(), "TMPDIR": str(folder)}

    def build(number: int) -> tuple[str, str]:
        out = folder / str(number)
        out.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code, str(core()), str(out)], cwd=tree, env=env, capture_output=True, check=True
        )
        [wheel] = out.iterdir()
        return hashlib.sha256(wheel.read_bytes()).hexdigest(), (done.stdout + done.stderr).decode()

    with ThreadPoolExecutor(64) as pool:
        found = set(pool.map(build, range(64)))
    right(len(found) == 1 and found.pop()[1] == "", f"the wheels differ, or a build said something: {found}")
    left = sorted(path.name for path in folder.iterdir() if not path.name.isdigit() and path != tree)
    right(not left, f"left behind: {left}")
    return "64 builds at once: 64 wheels of the same bytes, nothing else"


def syncs(folder: Path) -> str:
    """8 syncs at once in one checkout with one cache."""
    with TorchIndex(wheelhouse=wheelhouse(), dists=dists()) as index:
        index.add_wheel(NEEDS_TORCH)
        sandbox = frontends.Sandbox(folder, index)
        host = Host(frontends.Frontend(frontends.uv(), sandbox), sandbox, index, "a100")
        host.becomes(machines.a100_550())
        project = sandbox.project(["needs-torch"], name="a100")
        host.command("init", "--portable", "--releases", "2.13.0", "--backends", "cpu,cu126")
        host.with_uv("lock")
        with ThreadPoolExecutor(8) as pool:
            ended = list(pool.map(lambda _: host.command("sync", check=False), range(8)))
        wrong = [str(done) for done in ended if done.returncode != 0]
        right(not wrong, "\n".join(wrong))
        torch = host.python("import torch; print(torch.__version__)").stdout.strip()
        right(torch == "2.13.0+cu126", f"torch is {torch}")
        names = {path.name for path in project.iterdir()}
        right(names == {".venv", "pyproject.toml", "uv.lock"}, f"in the project: {names}")
    return "8 syncs at once in one project: all end with 0, torch 2.13.0+cu126, nothing else in the project"


_DECIDE = """
import json, resource, sys
from torch_auto import decide, settings
from torch_auto.catalog import load
from torch_auto.machine_file import machine_from_json
catalog = load()
machines = [machine_from_json(item) for item in json.load(open(sys.argv[1]))]
held = []
for number in range(5001):
    if number in (4000, 5000):
        held.append(int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize())
    release = catalog.releases[number % len(catalog.releases)]
    chosen = settings.read(catalog, {}, {})
    decide.decide(release, decide.machine_for(chosen, machines[number % len(machines)]), chosen, catalog)
print(json.dumps(held))
"""


def memory(folder: Path) -> str:
    """1,000 decisions in one process (Linux). The largest cache holds 256 answers, and takes some 3,500 to fill."""
    file = folder / "machines.json"
    file.write_text(json.dumps([make() for make in _MACHINES]), "utf-8")
    command = [sys.executable, "-c", _DECIDE, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    right(after - before < 1 << 18, f"it grew by {after - before} bytes")
    return f"1,000 decisions in a process that has made 4,000: {before / 1e6:.2f} MB before, {after / 1e6:.2f} MB after"


_MACHINES: tuple[Callable[[], machines.Machine], ...] = (
    machines.cpu,
    machines.a100_550,
    machines.h100_580,
    machines.rtx5090_575,
    machines.p100_580,
    machines.mi300,
    machines.arc_b580,
    machines.macos_arm64,
    machines.musl,
)

_TINY_TORCH = """
from importlib import metadata
__version__ = "2.13.0+cu126"
for item in metadata.entry_points(group="torch.backends"):
    item.load()()
"""


def imports(folder: Path) -> str:
    """200 processes that import torch at once, where the installed torch is not what was built for."""
    shutil.copytree(core(), folder / "site")
    site = folder / "site"
    (site / "torch").mkdir()
    (site / "torch" / "__init__.py").write_text(_TINY_TORCH, "utf-8")
    for name, version in (("torch", "2.13.0+cu126"), ("torch_auto", RELEASE)):
        (site / f"{name}-{version}.dist-info").mkdir()
        (site / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n", "utf-8")
    machine = folder / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    tree = hooks.unpack(dists() / f"torch_auto-{RELEASE}.tar.gz", folder)
    code = "import torch_auto.backend as b; b.prepare_metadata_for_build_wheel(__import__('sys').argv[1])"
    env = {**os.environ, "PYTHONPATH": str(site), "TORCH_AUTO_MACHINE": str(machine)}
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=tree, env=env, check=True)
    shutil.copy(
        folder / f"torch_auto-{RELEASE}.dist-info" / "torch_auto.json", site / f"torch_auto-{RELEASE}.dist-info"
    )

    def run(_: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "import torch"], cwd=folder, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    with ThreadPoolExecutor(200) as pool:
        said = set(pool.map(run, range(200)))
    right(len(said) == 1, f"they say different things: {said}")
    [text] = said
    right(text.startswith("torch-auto:1: TorchAutoWarning: torch 2.13.0+cu126 is installed, and "), text)
    right(text.count("\n") in (2, 3), text)
    return "200 imports of torch at once: each warns, in the same two lines"


#: A server whose driver never answers: the folders that say so are mounted where nobody else sees them.
_WEDGED = """
set -e
mount -t tmpfs none /proc/driver; mkdir /proc/driver/nvidia
echo 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  {driver}  x' > /proc/driver/nvidia/version
mount -t tmpfs none /sys/bus/pci/devices
d=/sys/bus/pci/devices/0000:41:00.0; mkdir $d
echo 0x030200 > $d/class; echo 0x10de > $d/vendor; echo 0x20b2 > $d/device; ln -s ../drivers/nvidia $d/driver
exec "$@"
"""


def walk(folder: Path) -> str:
    """``uv add torch-auto`` on an A100 with driver 470, which needs CUDA 11.8: the newest releases have none."""
    driver = "470.57.02"
    library = folder / "library"
    shutil.copytree(fake_nvml.build(), library)
    (library / "libcuda.so.1").symlink_to(f"libcuda.so.{driver}")
    (library / f"libcuda.so.{driver}").touch()
    env = {**fake_nvml.env(hang="nvmlInitWithFlags"), "LD_LIBRARY_PATH": str(library)}
    with TorchIndex(wheelhouse=wheelhouse(), dists=dists()) as index:
        sandbox = frontends.Sandbox(folder, index)
        project = sandbox.project()
        env |= {"UV_FIND_LINKS": index.find_links}
        shell = ["unshare", "-rm", "sh", "-c", _WEDGED.format(driver=driver), "sh"]
        done = sandbox.run([*shell, frontends.uv().executable, "add", "torch-auto"], cwd=project, env=env, timeout=600)
    lock = (project / "uv.lock").read_text("utf-8")
    torch = lock.split('name = "torch"\nversion = "')[1].split('"')[0]
    built = sum(1 for request in index.log if request.path.endswith(".tar.gz") and "torch_auto-" in request.path)
    return f"a walk of uv's back to torch {torch}, {built} builds, with a driver that hangs: {done.seconds:.1f} s"


GROUPS = {"builds": builds, "syncs": syncs, "memory": memory, "imports": imports, "walk": walk}


def main() -> None:
    """Run the groups that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    named = parser.parse_args().groups or list(GROUPS)
    for name in named:
        mark = f"{name}-{os.getpid()}"
        os.environ[processes.NAME] = mark
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            text = GROUPS[name](Path(folder).resolve())
            print(f"{text} ({time.monotonic() - start:.1f} s)", flush=True)
        left = processes.left_after(mark, 5)
        right(not left, f"processes left: {left}")


if __name__ == "__main__":
    main()
