"""The script that captures a machine: any POSIX sh runs it, and what it captures is detected as the machine is."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from torch_auto.cli.verbs.info import execute
from torch_auto.detect import detect_from
from torch_auto.detect.capture import script
from torch_auto.detect.sources import Sources
from unit.detect.kinds import KINDS, linux
from unit.detect.trees import jetson, join, kfd, kfd_cpu, nvidia_module, pci, write

if TYPE_CHECKING:
    from pathlib import Path

#: The shells that it has to run in, as commands; sh is whatever this system has.
SHELLS = {"sh": ("sh",), "dash": ("dash",), "busybox": ("busybox", "sh"), "bash": ("bash", "--posix")}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Each shell in turn; skipped where this machine does not have it."""
    command = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"this machine has no {command[0]}")
    return command


def _captured(shell: tuple[str, ...], root: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """The script, with its machine's files below ``root`` instead of /."""
    text = script()
    for folder in ("sys", "proc", "etc", "dev", "usr", "lib", "lib64", "run", "System"):
        text = text.replace(f" /{folder}/", f" {root}/{folder}/").replace(f" /{folder} ", f" {root}/{folder} ")
    text = text.replace('"$out$1"', '"$out${1#$root}"').replace('"$out${1%/*}"', '"$out$(dirname "${1#$root}")"')
    command = [*shell, "-c", f"root={root}\n{text}", "capture.sh", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_captured_machine_is_detected_as_the_machine_is(shell: tuple[str, ...], tmp_path: Path) -> None:
    """GPUs of three vendors, one of them a virtual machine's: all that detection reads is there."""
    root = write(
        tmp_path / "machine",
        join(
            nvidia_module("550.54.14"),
            pci("0000:41:00.0", "10de:20b2", "0x030200", "nvidia"),
            pci("0000:42:00.0", "10de:20b2", "0x030200", "vfio-pci"),
            pci("0000:00:1f.0", "8086:a082", "0x060100"),
            pci("0000:03:00.0", "8086:56a0", "0x030000", "i915"),
            kfd_cpu(0, 16),
            kfd(1, {"gfx_target_version": 110000, "location_id": 768}),
            {"dev/kfd": "", "etc/nv_tegra_release": "not a Jetson", "usr/lib64/libnvidia-ml.so.1": "a library"},
        ),
    )
    out = tmp_path / "tree"
    done = _captured(shell, root, out)
    assert done.returncode == 0, done.stderr
    assert "torch-auto info --root" in done.stderr
    found = [detect_from(Sources(linux(), root=str(place), live=False)).accelerators for place in (root, out)]
    assert found[0] == found[1]
    assert [item.vendor for item in found[1]] == ["nvidia", "amd", "intel"]
    assert os.readlink(out / "sys/bus/pci/devices/0000:42:00.0/driver").endswith("/vfio-pci")
    assert not (out / "sys/bus/pci/devices/0000:00:1f.0").exists()  # not a display device
    assert (out / "usr/lib64/libnvidia-ml.so.1").read_text("utf-8") == ""


def test_a_captured_jetson_is_a_jetson(shell: tuple[str, ...], tmp_path: Path) -> None:
    """The device tree's names end with NULs, and survive."""
    files = jetson("nvidia,p3737-0000+p3701-0005 nvidia,tegra234", "# R36 (release), REVISION: 4.3", "5.15.148-tegra")
    root = write(tmp_path / "machine", {name: text for name, text in files.items() if name != "proc/device-tree"})
    (root / "proc/device-tree").mkdir()
    shutil.copy(root / "sys/firmware/devicetree/base/compatible", root / "proc/device-tree/compatible")
    assert _captured(shell, root, tmp_path / "tree").returncode == 0
    [accelerator] = detect_from(Sources(linux("aarch64"), root=str(tmp_path / "tree"), live=False)).accelerators
    assert accelerator.devices[0].name == "Jetson Orin"


def test_the_script_runs_on_this_machine(shell: tuple[str, ...], tmp_path: Path) -> None:
    """As it is, with the files of the machine that runs the tests."""
    done = subprocess.run(
        [*shell, "-s", str(tmp_path / "tree")], input=script(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tree").is_dir()


def test_info_prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    """`torch-auto info --capture-script` prints nothing else, so that it can go into a file, or into `ssh … sh -s`."""
    assert execute(argparse.Namespace(root="/", json=False, capture_script=True)) == 0
    assert capsys.readouterr().out == script()
    assert script().startswith("#!/bin/sh\n")


def test_the_script_reads_every_file_that_a_kind_is_fed() -> None:
    """No kind of Linux machine has a file that detection reads, and the script leaves out."""
    names = {name for kind in KINDS if kind.host is None or kind.host.sys_platform == "linux" for name in kind.files}
    text = script()
    for name in names:
        last = name.rpartition("/")[2]
        known = last in text or name.startswith(("sys/firmware", "sys/class/kfd/kfd", "sys/bus/pci/devices/"))
        assert known or "nvidia0" in last or "libze" in last or last == "gpu_id" or name == "proc/device-tree", name
