"""NVML is asked through real pynvml, in a process of its own that may hang, die or talk too much."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import fake_nvml as fake

from torch_auto.detect import detect, detect_from
from torch_auto.detect.nvidia_nvml import find_pynvml
from unit.detect.feeding import describe
from unit.detect.trees import LIBRARY, Link, join, nvidia_module, pci

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch_auto.detect import Sources

pytestmark = pytest.mark.skipif(fake.why_not() is not None, reason=str(fake.why_not()))


def _unreadable(machine: Any, source: str) -> list[str]:
    return [item.detail for item in machine.evidence if item.source == source and item.outcome == "unreadable"]


def test_the_live_system_is_asked_through_the_environment(fake_nvml: Callable[..., dict[str, str]]) -> None:
    """``detect(env=...)`` finds the library that LD_LIBRARY_PATH leads to, though nothing else speaks for a GPU."""
    machine = detect(env={**os.environ, **fake_nvml(devices=[("NVIDIA L4", "8.9")])})
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA L4 (8.9)"


#: A library that leaves a file behind as soon as anybody loads it.
EVIL = """
#include <fcntl.h>
#include <stdlib.h>
__attribute__((constructor)) static void loaded(void) { close(open(getenv("EVIL_FILE"), O_CREAT | O_WRONLY, 0600)); }
"""
#: Modules that a Python which stands in their folder, or has it in PYTHONPATH, may take for others.
MODULES = ("json", "pynvml", "ctypes", "sitecustomize", "usercustomize")


@pytest.mark.parametrize("path", [":{}", "{}:", "{}::/x", ".:{}", "evil:{}", "../evil:{}", "{};", ".;{}"])
def test_nothing_of_the_current_folder_is_run(
    tmp_path: Path, fake_nvml: Callable[..., dict[str, str]], path: str
) -> None:
    """A cloned project holds the driver's library and modules, and LD_LIBRARY_PATH has a part that means it."""
    folder = tmp_path / "evil"
    (folder / "evil").mkdir(parents=True)
    source, ran = tmp_path / "evil.c", tmp_path / "ran"
    source.write_text(EVIL, "utf-8")
    for name in ("libnvidia-ml.so.1", "libcuda.so.1"):
        library = folder / name
        subprocess.run(["cc", "-w", "-shared", "-fPIC", "-o", library, source], check=True, timeout=120)
        (folder / "evil" / name).write_bytes(library.read_bytes())
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(ran)!r}, 'w').close()\n", "utf-8")
    env = fake_nvml(devices=[("NVIDIA L4", "8.9")])
    env["LD_LIBRARY_PATH"] = path.format(env["LD_LIBRARY_PATH"].split(os.pathsep)[0])
    env |= {"EVIL_FILE": str(ran), "PYTHONPATH": str(folder), "PYTHONSTARTUP": str(folder / "json.py")}
    script = tmp_path / "detect.py"
    script.write_text(
        f"import os, sys; sys.path.insert(1, {os.getcwd()!r})\n"
        "import torch_auto.cli; from torch_auto.detect import detect\n"
        f"sys.path.insert(0, '')\nenv = {{**os.environ, **{env!r}}}\n"
        "print(detect(env=env).nvidia.devices[0].name)\n",
        "utf-8",
    )
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout == "NVIDIA L4\n", done.stderr
    assert not ran.exists()


def test_a_library_of_another_architecture_is_passed_over(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """As the loader does: the first that loads is asked."""
    first = "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"
    files = {first: b"\x7fELF\x01\x01\x01" + b"\0" * 60, "usr/lib64/libnvidia-ml.so.1": LIBRARY[first]}
    machine = detect_from(system(files, env=fake_nvml()))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA A100-SXM4-80GB (8.0)"


def test_a_captured_tree_starts_nothing_and_loads_nothing(
    tmp_path: Path, fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """Below another root than /, neither the library nor nvidia-smi of the running system counts."""
    assert describe(detect(str(tmp_path), env={**os.environ, **fake_nvml()})) == "none"


def test_a_hang_ends_with_the_deadline(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """A library that never returns costs the deadline, and what it said before counts."""
    sources = system(
        join(LIBRARY, nvidia_module("550.54.14"), pci("0000:41:00.0", "10de:20b2", "0x030200", "nvidia")),
        env=fake_nvml(hang="nvmlDeviceGetCount_v2"),
        deadline=1.5,
    )
    started = time.monotonic()
    machine = detect_from(sources)
    assert 1.4 < time.monotonic() - started < 10
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: GPU (8.0)"
    assert "no end within 1.5 s; the driver may be wedged" in _unreadable(machine, "NVML")


@pytest.mark.parametrize(
    ("capabilities", "cuda", "brief"),
    [
        (["10de:20b2", "10de:20b0"], "libcuda.so.550.54.14", True),
        # Unlike GPUs, of which a container may have one; one that the table does not know; a compatibility package, of
        # a newer CUDA; and no CUDA build that finds the GPU.
        pytest.param(["10de:20b2", "10de:1eb8"], "libcuda.so.550.54.14", False, marks=pytest.mark.slow),
        pytest.param(["10de:20b2", "10de:0020"], "libcuda.so.550.54.14", False, marks=pytest.mark.slow),
        pytest.param(["10de:20b2"], "libcuda.so.570.86.15", False, marks=pytest.mark.slow),
        pytest.param(["10de:20b2"], None, False, marks=pytest.mark.slow),
    ],
)
def test_a_build_waits_for_a_hung_driver_only_where_it_has_something_to_say(
    system: Callable[..., Sources],
    fake_nvml: Callable[..., dict[str, str]],
    capabilities: list[str],
    cuda: str | None,
    brief: bool,
) -> None:
    """Where the kernel's files say all that a choice depends on, a release costs a second and not the deadline."""
    gpus = [pci(f"0000:4{n}:00.0", pci_id, "0x030200", "nvidia") for n, pci_id in enumerate(capabilities)]
    files = join(LIBRARY, nvidia_module("550.54.14"), *gpus)
    if cuda is not None:
        files["usr/lib/x86_64-linux-gnu/libcuda.so.1"] = Link(cuda)
        files[f"usr/lib/x86_64-linux-gnu/{cuda}"] = ""
    sources = system(files, env=fake_nvml(hang="nvmlInitWithFlags"), deadline=4.0)
    waited = []
    for hurried in (True, False):
        started = time.monotonic()
        machine = detect_from(sources.replace(hurried=True) if hurried else sources)
        waited.append(time.monotonic() - started)
        assert describe(machine).startswith("NVIDIA driver 550.54.14, CUDA 12.4: ")
        seconds = 1 if hurried and brief else 4
        assert f"no end within {seconds} s; the driver may be wedged" in _unreadable(machine, "NVML")
    assert waited[0] >= (1.0 if brief else 4.0)
    assert waited[1] >= 4.0


@pytest.mark.parametrize(("hang", "name"), [("nvmlDeviceGetCount_v2", "GPU"), (None, "NVIDIA A100-SXM4-40GB")])
def test_files_that_wake_a_gpu_up_are_not_read_where_its_driver_hangs(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]], hang: str | None, name: str
) -> None:
    """A container hides /sys, and the driver's files name the GPU: they would hang this process for good."""
    proc = {"proc/driver/nvidia/gpus/0000:41:00.0/information": "Model: \t\t NVIDIA A100-SXM4-40GB\n"}
    files = join(LIBRARY, nvidia_module("550.54.14"), proc)
    del files["sys/module/nvidia/version"]
    machine = detect_from(system(files, env=fake_nvml(hang=hang, devices=()), deadline=1.5 if hang else 20.0))
    assert describe(machine) == f"NVIDIA driver 550.54.14, CUDA 12.4: {name}"


#: What NVML's driver version may be instead of one, and its CUDA version.
NOT_A_DRIVER = ("N/A", "", "[Unknown Error]", "550", "550.54.14-beta", "\x1b]0;title\x07", "5" * 70)
NOT_A_CUDA = ("-12040", "0", "12", "2147483647", "999990")


@pytest.mark.parametrize("driver", NOT_A_DRIVER)
def test_a_nonsense_driver_version_leaves_every_other_fact(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]], driver: str
) -> None:
    """The kernel module's version counts then, NVML's CUDA version and GPUs do, and what NVML said is shown."""
    files = join(LIBRARY, nvidia_module("535.183.01"))
    machine = detect_from(system(files, env=fake_nvml(driver, "12.4")))
    assert describe(machine) == "NVIDIA driver 535.183.01, CUDA 12.4: NVIDIA A100-SXM4-80GB (8.0)"
    [text] = [item for item in _unreadable(machine, "NVML") if item.startswith("nvmlSystemGetDriverVersion: ")]
    assert text.endswith("is not a driver version")
    assert not [item for item in machine.evidence if "nothing tells its version" in item.detail]


def test_a_nonsense_driver_version_alone_leaves_the_cuda_version(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """No other source has a driver version: NVML's CUDA version is enough to choose by."""
    machine = detect_from(system(LIBRARY, env=fake_nvml("N/A", "12.4")))
    assert describe(machine) == "NVIDIA driver of unknown version, CUDA 12.4: NVIDIA A100-SXM4-80GB (8.0)"


def test_a_driver_that_says_nothing_but_nonsense_is_a_loaded_driver(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """It answered, so it is there: "no driver" would be a reason that is false."""
    env = {**fake_nvml("N/A", devices=[("NVIDIA L4", "8.9")]), "FAKE_NVML_CUDA": "0"}
    machine = detect_from(system(LIBRARY, env=env))
    assert describe(machine) == "NVIDIA driver of unknown version, CUDA unknown: NVIDIA L4 (8.9)"


@pytest.mark.parametrize("cuda", NOT_A_CUDA)
def test_a_nonsense_cuda_version_leaves_that_of_the_driver(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]], cuda: str
) -> None:
    """The table of drivers knows the CUDA version of a driver; what NVML said is shown."""
    machine = detect_from(system(LIBRARY, env={**fake_nvml("535.183.01"), "FAKE_NVML_CUDA": cuda}))
    assert describe(machine) == "NVIDIA driver 535.183.01, CUDA 12.2: NVIDIA A100-SXM4-80GB (8.0)"
    assert f"nvmlSystemGetCudaDriverVersion: {cuda} is not a CUDA version" in _unreadable(machine, "NVML")


@pytest.mark.parametrize("capability", ["0.0", "-1.0", "999.0", "8.-1", "2147483647.0"])
def test_a_nonsense_compute_capability_leaves_that_of_the_pci_id(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]], capability: str
) -> None:
    """NVML tells a GPU's PCI id too, or else the bus does; the GPU's name stays."""
    device = ("NVIDIA L4", capability, 0, "27b8")
    machine = detect_from(system(LIBRARY, env=fake_nvml(devices=[device])))
    on_bus = pci("0000:41:00.0", "10de:27b8", "0x030200", "nvidia")
    other = fake_nvml(devices=[device], errors={"nvmlDeviceGetPciInfo_v3": 999})
    by_bus = detect_from(system(join(LIBRARY, on_bus), env=other))
    for found in (machine, by_bus):
        assert describe(found) == "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA L4 (8.9)"
        assert any("is not a compute capability" in text for text in _unreadable(found, "NVML"))


def test_a_nonsense_name_leaves_the_gpu(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """A name is for people, and nothing is chosen by it."""
    machine = detect_from(system(LIBRARY, env=fake_nvml(devices=[("\x1b[2J\x07", "8.9")])))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: ?[2J? (8.9)"


def test_a_library_that_dies_leaves_what_it_said(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """A crash in the driver's library is evidence, and ends nobody else's process."""
    sources = system(LIBRARY, env={**fake_nvml(), "FAKE_NVML_CRASH": "nvmlDeviceGetCount_v2"})
    machine = detect_from(sources)
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: GPU"
    assert any("exit code -6" in detail for detail in _unreadable(machine, "NVML"))


def test_a_library_that_is_none_is_evidence(system: Callable[..., Sources]) -> None:
    """A text file in the library's place is an error of NVML's, and no accelerator."""
    machine = detect_from(system(dict.fromkeys(LIBRARY, "not a library"), env={}))
    assert machine.accelerators == ()
    assert any("NVML error 12" in detail for detail in _unreadable(machine, "NVML"))


def test_why_the_first_library_does_not_load_is_told(system: Callable[..., Sources], tmp_path: Path) -> None:
    """Of two that are none, the one that would have been asked; in the words of the loader."""
    files = {"usr/lib64/libnvidia-ml.so.1": "short", "usr/lib/libnvidia-ml.so.1": "x" * 4096}
    machine = detect_from(system(files, env={}))
    path = tmp_path / "tree/usr/lib64/libnvidia-ml.so.1"
    assert _unreadable(machine, "NVML") == [f"nvmlInit: {path}: file too short (NVML error 12)"]


def test_pynvml_is_found_and_not_imported() -> None:
    """Looking for pynvml does not import it: its 8,000 lines are compiled in the other process alone."""
    code = (
        "import sys; from torch_auto.detect.nvidia_nvml import find_pynvml; print(find_pynvml(None)); "
        "assert 'pynvml' not in sys.modules and 'ctypes' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    assert os.path.isfile(os.path.join(done.stdout.strip(), "pynvml.py"))


def test_pynvml_may_be_a_package_or_missing(tmp_path: Path) -> None:
    """The folder above a package is told, that of a module, and None where there is neither."""
    package, module, broken = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    (package / "pynvml").mkdir(parents=True)
    (package / "pynvml" / "__init__.py").touch()
    module.mkdir()
    (module / "pynvml.py").touch()
    assert find_pynvml([str(package)]) == str(package)
    assert find_pynvml([str(module)]) == str(module)
    assert find_pynvml([str(broken)]) is None
    assert find_pynvml([]) is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("def nvmlInit(): raise ValueError('odd')", "ValueError: odd"),
        ("", "has no attribute 'nvmlInit'"),
    ],
)
def test_a_broken_pynvml_is_evidence(system: Callable[..., Sources], tmp_path: Path, text: str, part: str) -> None:
    """A module of that name that raises, or is another one, is told and does no harm."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pynvml.py").write_text(text + "\n", encoding="utf-8")
    machine = detect_from(system(LIBRARY, env={}, module_path=(str(folder),)))
    assert machine.accelerators == ()
    assert any(part in detail for detail in _unreadable(machine, "NVML")), machine.evidence


#: A pynvml of old, whose functions return bytes, over a library that prints what looks like our report.
TALKATIVE = """
import os

def nvmlInit(): pass
def nvmlSystemGetDriverVersion(): return b"550.54.14"
def nvmlSystemGetCudaDriverVersion(): return 12040
def nvmlDeviceGetCount(): return 1
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetCudaComputeCapability(handle): return (7, 0)

def nvmlDeviceGetName(handle):
    os.write(1, b'{"driver": "1.1"}\\n')
    print('{"cuda": 11000}', flush=True)
    return b"Old pynvml \\xff"
"""


def test_what_the_library_prints_does_not_reach_the_report(system: Callable[..., Sources], tmp_path: Path) -> None:
    """The report has a descriptor of its own: words on standard output are no part of it."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pynvml.py").write_text(TALKATIVE, encoding="utf-8")
    machine = detect_from(system(LIBRARY, env={}, module_path=(str(folder),)))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: Old pynvml \ufffd (7.0)"


@pytest.mark.parametrize("interpreter", [None, "/nonexistent/python", os.devnull])
def test_without_an_interpreter_the_files_tell(system: Callable[..., Sources], interpreter: str | None) -> None:
    """Where there is no Python to ask NVML in, the kernel's files are the answer, with the reason."""
    files = join(LIBRARY, nvidia_module("550.54.14"), pci("0000:41:00.0", "10de:1eb8", "0x030200", "nvidia"))
    machine = detect_from(system(files).replace(interpreter=interpreter))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: GPU (7.5)"
    assert [text.partition(": ")[0] for text in _unreadable(machine, "NVML")] == ["start"]


def test_nothing_is_written_where_pynvml_is(system: Callable[..., Sources], tmp_path: Path) -> None:
    """Asking leaves no byte code behind: a build writes nothing outside its wheel."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pynvml.py").write_text("def nvmlInit(): raise ValueError\n", encoding="utf-8")
    detect_from(system(LIBRARY, env={}, module_path=(str(folder),)))
    assert [path.name for path in folder.iterdir()] == ["pynvml.py"]


def test_a_build_waits_where_a_gpu_of_the_same_kind_has_another_driver(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """Of two like GPUs one is a virtual machine's: which of them are here is NVML's to say, and it has its time."""
    gpus = [pci(f"0000:4{n}:00.0", "10de:20b2", "0x030200", name) for n, name in enumerate(("nvidia", "vfio-pci"))]
    cuda = {"usr/lib64/libcuda.so.1": Link("libcuda.so.550.54.14"), "usr/lib64/libcuda.so.550.54.14": ""}
    sources = system(join(LIBRARY, nvidia_module("550.54.14"), cuda, *gpus), env=fake_nvml(hang="nvmlInitWithFlags"))
    machine = detect_from(sources.replace(hurried=True, deadline=1.25))
    assert "no end within 1.25 s; the driver may be wedged" in _unreadable(machine, "NVML")


def test_no_more_gpus_are_asked_for_than_any_machine_has(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """A driver gone mad says that there are a thousand: 64 are asked for, and each that fails is noted."""
    env = {**fake_nvml(devices=[("NVIDIA L4", "8.9")]), "FAKE_NVML_COUNT": "1000"}
    noted = _unreadable(detect_from(system(LIBRARY, env=env)), "NVML")
    assert [text.partition(":")[0] for text in noted] == [f"device {number}" for number in range(1, 64)]


def test_a_pci_id_is_asked_for_where_no_compute_capability_is_told(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """Those at the ends of what is one need none; of the others NVML says which PCI id it has not."""
    pairs = ["1.0", "99.99", "1.99", "0.1", "100.0", "8.100", "8.-1"]
    devices = [(f"GPU {number}", pair) for number, pair in enumerate(pairs)]
    machine = detect_from(system(LIBRARY, env=fake_nvml(devices=devices, errors={"nvmlDeviceGetPciInfo_v3": 999})))
    noted = [text.partition(":")[0] for text in _unreadable(machine, "NVML")]
    assert [text for text in noted if "PCI" in text] == [f"PCI id of device {number}" for number in range(3, 7)]
    said = "GPU 0 (1.0), GPU 1 (99.99), GPU 2 (1.99), GPU 3, GPU 4, GPU 5, GPU 6"
    assert describe(machine) == f"NVIDIA driver 550.54.14, CUDA 12.4: {said}"
