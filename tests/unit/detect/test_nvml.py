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
from unit.detect.trees import LIBRARY, join, nvidia_module, pci

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


def test_a_library_that_dies_leaves_what_it_said(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """A crash in the driver's library is evidence, and ends nobody else's process."""
    sources = system(LIBRARY, env={**fake_nvml(), "FAKE_NVML_CRASH": "nvmlDeviceGetCount_v2"})
    machine = detect_from(sources)
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: GPU"
    assert any("exit code -6" in detail for detail in _unreadable(machine, "NVML"))


def test_a_library_that_is_none_is_evidence(system: Callable[..., Sources], tmp_path: Path) -> None:
    """A text file in the library's place is an error that pynvml tells, and no accelerator."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "libnvidia-ml.so.1").write_text("not a library", encoding="utf-8")
    machine = detect_from(system(LIBRARY, env={"LD_LIBRARY_PATH": str(folder)}))
    assert machine.accelerators == ()
    assert any("NVML error 12" in detail for detail in _unreadable(machine, "NVML"))


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
    return b"Old pynvml"
"""


def test_what_the_library_prints_does_not_reach_the_report(system: Callable[..., Sources], tmp_path: Path) -> None:
    """The report has a descriptor of its own: words on standard output are no part of it."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pynvml.py").write_text(TALKATIVE, encoding="utf-8")
    machine = detect_from(system(LIBRARY, env={}, module_path=(str(folder),)))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: Old pynvml (7.0)"


@pytest.mark.parametrize("interpreter", [None, "/nonexistent/python", os.devnull])
def test_without_an_interpreter_the_files_tell(system: Callable[..., Sources], interpreter: str | None) -> None:
    """Where there is no Python to ask NVML in, the kernel's files are the answer, with the reason."""
    files = join(LIBRARY, nvidia_module("550.54.14"), pci("0000:41:00.0", "10de:1eb8", "0x030200", "nvidia"))
    machine = detect_from(system(files).replace(interpreter=interpreter))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: GPU (7.5)"
    assert _unreadable(machine, "NVML")


def test_nothing_is_written_where_pynvml_is(system: Callable[..., Sources], tmp_path: Path) -> None:
    """Asking leaves no byte code behind: a build writes nothing outside its wheel."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pynvml.py").write_text("def nvmlInit(): raise ValueError\n", encoding="utf-8")
    detect_from(system(LIBRARY, env={}, module_path=(str(folder),)))
    assert [path.name for path in folder.iterdir()] == ["pynvml.py"]
