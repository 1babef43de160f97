"""What a real NVIDIA machine says, by each way of asking, and what torch makes of what is pinned for it.

    python3 tools/dev.py test gpu

It needs a Linux with an NVIDIA GPU, Python 3.10 or newer and PyTorch, and nothing else: no network, no pytest, no
package of the development environment. Where something is missing, a test is skipped with a word. It is written with
unittest for that, and pytest runs it too. It looks at the GPU, computes one product on it, and writes nothing but
temporary folders.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from torch_auto.detect import detect_from  # noqa: E402
from torch_auto.detect.sources import Sources, this_system  # noqa: E402
from torch_auto.machine import format_pair  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.machine import Accelerator, Machine


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def why_not() -> str | None:
    """Why this is not a machine for these tests, or None where it is."""
    if not sys.platform.startswith("linux"):
        return "these tests are for Linux"
    if not (os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg") or os.path.exists("/proc/driver/nvidia")):
        return "this machine has no NVIDIA GPU with NVIDIA's driver"
    if not _has("packaging"):
        return "packaging is not installed"
    return None


def show(*lines: str) -> None:
    """Print for the record of the run: what this machine said."""
    sys.stderr.write("\n".join(lines) + "\n")


def _nvidia(sources: Sources) -> Accelerator | None:
    return detect_from(sources).nvidia


def _nothing(sources: Sources) -> Sources:
    """These sources without NVML and without nvidia-smi: the kernel's files alone."""
    return sources.replace(module_path=(), nvidia_smi=())


def _capabilities(found: Accelerator) -> list[str]:
    return [format_pair(item.compute_capability) if item.compute_capability else "?" for item in found.devices]


def build(release: str, folder: Path) -> list[str]:
    """What the wheel of a torch-auto of a release requires that is built here, as a published sdist is.

    Raises:
        AssertionError: the build failed; what it said is in it.
    """
    stub = folder / "stub"
    stub.mkdir()
    text = (ROOT / "stubs" / "pyproject.toml").read_text("utf-8")
    (stub / "pyproject.toml").write_text(text.format(version=release, core="0", requires_python=">=3.8"), "utf-8")
    # hatchling makes it of the same facts; a build reads its head and its text.
    head = [
        "Metadata-Version: 2.4",
        "Name: torch-auto",
        f"Version: {release}",
        "Dynamic: Requires-Dist",
        "Summary: torch",
    ]
    tail = ["License-Expression: MIT", "License-File: LICENSE", "Requires-Python: >=3.8", "", "torch-auto"]
    (stub / "PKG-INFO").write_text("\n".join(head + tail) + "\n", "utf-8")
    for path in (ROOT / "stubs" / "README.md", ROOT / "LICENSE", ROOT / "hatch_build.py"):
        shutil.copy(path, stub)
    code = "import sys; sys.path.insert(0, sys.argv[1]); from torch_auto import backend; "
    code += "print(backend.build_wheel(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(ROOT), str(folder)]
    done = subprocess.run(command, cwd=stub, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as wheel:
        [name] = [item for item in wheel.namelist() if item.endswith(".dist-info/METADATA")]
        lines = wheel.read(name).decode().splitlines()
    return [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]


@unittest.skipIf(why_not() is not None, str(why_not()))
class Detection(unittest.TestCase):
    """Each way of asking alone, against all of them together."""

    together: Machine

    @classmethod
    def setUpClass(cls) -> None:
        """Detect once, with everything that there is."""
        cls.together = detect_from(this_system())
        for line in cls.together.evidence:
            show(f"{line.outcome:10} {line.source}: {line.detail}")

    def _all(self) -> Accelerator:
        found = self.together.nvidia
        if found is None or not found.has_driver:
            self.skipTest("detection finds no NVIDIA GPU with a driver here")
        return found

    def test_there_is_a_gpu_of_known_compute_capability(self) -> None:
        """With everything: a driver, its CUDA, and a compute capability for each GPU."""
        found = self._all()
        assert found.devices
        assert "?" not in _capabilities(found)
        assert found.cuda_driver_version is not None

    def test_nvml_alone(self) -> None:
        """NVML without nvidia-smi says the same."""
        if not _has("pynvml"):
            self.skipTest("pynvml is not installed (it comes with nvidia-ml-py)")
        found = _nvidia(this_system().replace(nvidia_smi=()))
        assert found is not None
        assert found == self._all()

    def test_a_build_that_hurries(self) -> None:
        """A build, which waits briefly where the kernel's files say enough, says the same of a driver that works."""
        started = time.monotonic()
        found = _nvidia(this_system(hurried=True))
        show(f"a build's detection took {time.monotonic() - started:.2f} s")
        assert found == self._all()

    def test_nvidia_smi_alone(self) -> None:
        """nvidia-smi without NVML says the same."""
        sources = this_system()
        if not any(os.path.exists(path) for path in sources.nvidia_smi):
            self.skipTest("there is no nvidia-smi where it is looked for")
        found = _nvidia(sources.replace(module_path=()))
        assert found is not None
        assert found.driver_version == self._all().driver_version
        assert found.cuda_driver_version == self._all().cuda_driver_version
        assert sorted(_capabilities(found)) == sorted(_capabilities(self._all()))

    def test_the_kernels_files_alone(self) -> None:
        """Without both, the module's version and the PCI ids say the same, as far as they can."""
        found = _nvidia(_nothing(this_system()))
        assert found is not None
        assert found.driver_version == self._all().driver_version
        known = [item for item in _capabilities(found) if item != "?"]
        if not known:
            self.skipTest("no PCI bus that could be read here, or ids that are in no table")
        assert set(known) <= set(_capabilities(self._all()))
        assert found.cuda_driver_version == self._all().cuda_driver_version

    def test_a_captured_tree(self) -> None:
        """What the capture script takes of this machine is detected as the kernel's files are."""
        from torch_auto.detect.capture import script  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as folder:
            tree = os.path.join(folder, "tree")
            subprocess.run(["/bin/sh", "-s", tree], input=script(), text=True, check=True, timeout=60)
            captured = _nvidia(this_system(tree))
        assert captured == _nvidia(_nothing(this_system()))


@unittest.skipIf(why_not() is not None, str(why_not()))
class Command(unittest.TestCase):
    """The command and a build, in processes of their own."""

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "torch_auto", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def test_info_and_plan(self) -> None:
        """`info` names the GPU, and `plan` a CUDA build for it."""
        machine = json.loads(self._run("info", "--json").stdout)
        assert "nvidia" in [item["vendor"] for item in machine["accelerators"]]
        done = self._run("plan")
        show(self._run("info").stdout, done.stdout)
        assert done.returncode == 0, done.stderr
        assert "+cu" in done.stdout

    def test_a_build_pins_a_cuda_build(self) -> None:
        """A wheel of the newest release that this machine can use requires it."""
        newest = json.loads(self._run("plan", "--json").stdout)["newest"]["with_pages"]
        if newest is None:
            self.skipTest("no release of torch has wheels for this Python")
        with tempfile.TemporaryDirectory() as folder:
            requires = build(newest, Path(folder))
        assert any(line.startswith("torch==") and "+cu" in line for line in requires), requires

    def test_check(self) -> None:
        """`check` ends, with findings that are sentences, whatever is installed beside."""
        done = self._run("check", "--json")
        found = json.loads(done.stdout)
        show(done.stdout)
        assert done.returncode in (0, 1)
        assert all(item["text"] for item in found["checks"])


@unittest.skipIf(why_not() is not None, str(why_not()))
@unittest.skipUnless(_has("torch"), "PyTorch is not installed")
class Torch(unittest.TestCase):
    """The torch that is installed beside: what it says of the GPU, and whether the rules are right about it."""

    def _run(self, code: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def test_the_import_beside_torch_is_silent(self) -> None:
        """The check at `import torch` breaks nothing where torch-auto lies beside it."""
        assert self._run("import torch, torch_auto; print(torch.__version__)").count("\n") == 0

    def test_torch_and_detection_say_the_same(self) -> None:
        """torch's compute capabilities are detection's, as far as CUDA shows all GPUs."""
        said = self._run(
            "import torch; devices = range(torch.cuda.device_count()); "
            "print(*['%d.%d' % torch.cuda.get_device_capability(device) for device in devices])"
        )
        if not said:
            self.skipTest("this torch finds no GPU")
        found = detect_from(this_system()).nvidia
        assert found is not None
        assert set(said.split()) <= set(_capabilities(found))

    def test_a_product_where_the_rules_say_that_this_build_runs(self) -> None:
        """A product on the GPU ends as the rules say of the installed build: with a number, or without a GPU."""
        from torch_auto import catalog  # noqa: PLC0415
        from torch_auto.catalog.torch_backends import parse_or_none  # noqa: PLC0415
        from torch_auto.select.runs_on import candidates, fault  # noqa: PLC0415

        version, cuda = self._run("import torch; print(torch.__version__, torch.version.cuda)").split()
        known, machine = catalog.load(), detect_from(this_system())
        name = parse_or_none(f"cu{cuda.replace('.', '')}" if cuda != "None" else "cpu")
        try:
            here = known.release(version.partition("+")[0]).platforms.get(machine.platform or "")
        except KeyError:
            self.skipTest(f"torch {version} is not in the catalog")
        build = next((item for item in here.builds if item.torch_backend == name), None) if here is not None else None
        if build is None:
            self.skipTest(f"the catalog does not know a {name} build of torch {version}")
        runs = fault(build, candidates(machine)[0], machine, known) is None
        code = (
            "import torch\n"
            "if not torch.cuda.is_available(): print('no GPU')\n"
            "else:\n"
            "    a = torch.arange(64 * 64, dtype=torch.float32, device='cuda').reshape(64, 64) / 4096\n"
            "    print('product', float(torch.dist((a @ a).cpu(), a.cpu() @ a.cpu())) < 1e-2)\n"
        )
        show(f"torch {version}, CUDA {cuda}: the rules say {'it runs' if runs else 'it does not run'}")
        if runs:
            assert self._run(code) == "product True"
        else:
            self.skipTest("the rules say that the installed build does not run on this GPU")


if __name__ == "__main__":
    unittest.main(verbosity=2)
