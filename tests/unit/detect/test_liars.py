"""Libraries and programs that lie, hang, talk or fall: what else is known counts, soon, and nothing is left."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import fake_nvml as fake
from support import processes

from torch_auto.detect import detect_from
from unit.detect.feeding import describe
from unit.detect.trees import LIBRARY, Link, join, nvidia_module, pci

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch_auto.detect import Sources
    from torch_auto.machine import Machine

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked for in /proc")

compiled = pytest.mark.skipif(fake.why_not() is not None, reason=str(fake.why_not()))

#: A machine whose files say everything: whatever a library or a program does, this much is known.
FILES = join(nvidia_module("550.54.14"), pci("0000:41:00.0", "10de:20b2", "0x030200", "nvidia"))
CUDA = {"usr/lib64/libcuda.so.1": Link("libcuda.so.550.54.14"), "usr/lib64/libcuda.so.550.54.14": ""}
KNOWN = ("NVIDIA driver 550.54.14, CUDA 12.4: GPU (8.0)", "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA A100 (8.0)")

FUNCTIONS = ("nvmlInitWithFlags", "nvmlSystemGetDriverVersion", "nvmlDeviceGetCount_v2", "nvmlDeviceGetName")


def _detected(sources: Sources, mark: str, most: float) -> Machine:
    """The machine, in bounded time; no process is left, and no line of evidence of more than one printable line."""
    started = time.monotonic()
    machine = detect_from(sources.replace(env={**sources.env, processes.NAME: mark}))
    assert time.monotonic() - started < most
    assert processes.left_after(mark, 5) == []
    assert not [item for item in machine.evidence if item.source == "detection"], machine.evidence
    assert all(item.detail.isprintable() and len(item.detail) <= 300 for item in machine.evidence)
    return machine


@compiled
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("lie", ["exit", "stop", "close", "talk", "fork", "spin", "ignore"])
def test_a_library_that_misbehaves(system: Callable[..., Sources], tmp_path: Path, function: str, lie: str) -> None:
    """Seven ways in four functions: the kernel's files and what was said before count."""
    env = {**fake.env(devices=[("NVIDIA A100", "8.0")]), "FAKE_NVML_LIE": f"{function}={lie}"}
    sources = system(join(FILES, LIBRARY), env=env, deadline=1.5)
    assert describe(_detected(sources, str(tmp_path), 15)) in KNOWN


@compiled
@pytest.mark.parametrize("count", ["2", "64", "65", "4294967295", "2147483648"])
def test_a_library_that_cannot_count(system: Callable[..., Sources], tmp_path: Path, count: str) -> None:
    """It says that there are more GPUs than it lists: those that it lists count."""
    env = {**fake.env(devices=[("NVIDIA A100", "8.0")]), "FAKE_NVML_COUNT": count}
    machine = _detected(system(join(FILES, LIBRARY), env=env), str(tmp_path), 60)
    assert describe(machine) == KNOWN[1]


#: What a program of nvidia-smi's name does; the shell runs it for each of the questions.
PROGRAMS = {
    "nothing": "exit 0",
    "fails": "exit 255",
    "falls": "kill -SEGV $$",
    "is killed": "kill -KILL $$",
    "hangs": "exec sleep 300",
    "hangs, and ignores signals": "trap '' TERM HUP INT; sleep 300 & sleep 300",
    "talks without end": "exec yes 'A, 1.1, 8.0'",
    "talks in bytes": "head -c 100000 /dev/urandom",
    "one endless line": "exec tr '\\0' x < /dev/zero",
    "to a terminal": "printf '\\033]0;title\\007\\033[2J, 550.54.14, \\033[31m8.0\\n'",
    "N/A": "echo '[N/A], [N/A], [N/A]'; echo 'Driver Version: N/A  CUDA Version: N/A'",
    "an error on stdout": "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18",
    "too many columns": "echo 'a, b, c, d, e, f'",
    "no columns": "echo '550.54.14'",
    "numbers that are none": "echo 'A, 999999999999999999999.1, 8.0'; echo 'CUDA Version: 999999.9'",
    "leaves a process": "sleep 300 </dev/null >/dev/null 2>&1 & echo 'NVIDIA A100, 550.54.14, 8.0'",
    "leaves a process that holds its output": "sleep 300 & echo 'NVIDIA A100, 550.54.14, 8.0'",
    "stops": "kill -STOP $$",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_of_nvidia_smis_name_that_misbehaves(
    system: Callable[..., Sources], tmp_path: Path, name: str
) -> None:
    """Eighteen of them, asked as where pynvml is missing: the kernel's files count, and all of it has one deadline."""
    script = tmp_path / "nvidia-smi"
    script.write_text(f"#!/bin/sh\n{PROGRAMS[name]}\n", "utf-8")
    script.chmod(0o755)
    smi = (str(tmp_path / "absent"), str(script), str(script), str(script))
    sources = system(join(FILES, CUDA), env={"PATH": os.environ["PATH"]}, module_path=(), nvidia_smi=smi, deadline=3.0)
    found = describe(_detected(sources, str(tmp_path), 12))
    assert found.startswith("NVIDIA driver 550.54.14, CUDA 12.4: ")
    assert found.endswith(" (8.0)")


@pytest.mark.parametrize("kind", ["a folder", "not executable", "no program", "a link that leads nowhere"])
def test_what_has_nvidia_smis_name_and_is_no_program(system: Callable[..., Sources], tmp_path: Path, kind: str) -> None:
    """It is evidence, with the system's reason."""
    path = tmp_path / "nvidia-smi"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a link that leads nowhere":
        path.symlink_to("nowhere")
    else:
        path.write_bytes(b"\x7fELF")
        path.chmod(0o755 if kind == "no program" else 0o644)
    sources = system(join(FILES, CUDA), env={}, module_path=(), nvidia_smi=(str(path),))
    machine = _detected(sources, str(tmp_path), 25)
    assert describe(machine) == KNOWN[0]
    assert any(item.source == str(path) and item.outcome != "found" for item in machine.evidence)


def test_a_build_waits_briefly_for_nvidia_smi_too(system: Callable[..., Sources], tmp_path: Path) -> None:
    """Where the kernel's files and libcuda's name say all that a choice depends on."""
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\nexec sleep 300\n", "utf-8")
    script.chmod(0o755)
    env = {"PATH": os.environ["PATH"]}
    sources = system(join(FILES, CUDA), env=env, module_path=(), nvidia_smi=(str(script),), deadline=60.0)
    assert describe(_detected(sources.replace(hurried=True), str(tmp_path), 30)) == KNOWN[0]


@pytest.mark.parametrize(
    ("interpreter", "why"),
    [
        (None, "there is no interpreter to start it from"),
        ("/nonexistent/python", "[Errno 2] No such file or directory: '/nonexistent'"),
        (sys.executable, "no answer within 0.5 s"),
    ],
)
def test_why_nvidia_smi_said_nothing_is_told(
    system: Callable[..., Sources], tmp_path: Path, interpreter: str | None, why: str
) -> None:
    """What is there and was not heard is not the same as what is not there."""
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\nexec sleep 300\n", "utf-8")
    script.chmod(0o755)
    smi = (str(tmp_path / "absent"), str(script))
    env = {"PATH": os.environ["PATH"]}
    machine = detect_from(system(FILES, env=env, module_path=(), nvidia_smi=smi, deadline=0.5, interpreter=interpreter))
    noted = [(item.source, item.outcome, item.detail) for item in machine.evidence if item.source in smi]
    assert noted == [(smi[0], "absent", ""), (smi[1], "unreadable", why)]
