"""The call itself: what it is, what it costs, and what it does not change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import fake_nvml as fake

import torch_auto
import torch_auto.detect
from torch_auto.detect import Sources, detect, detect_from
from torch_auto.detect.nvidia_nvml import find_pynvml
from torch_auto.detect.windows import CLASS_KEY
from torch_auto.machine_file import machine_from_json
from unit.detect.feeding import RecordedRegistry, describe
from unit.detect.kinds import WINDOWS, linux
from unit.detect.trees import join, kfd, kfd_cpu, nvidia_module, pci, write

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(torch_auto.__file__).parents[1]

_A770 = pci("0000:03:00.0", "8086:56a0", driver="i915")


def test_the_function_is_where_the_documents_import_it(tmp_path: Path) -> None:
    """``torch_auto.detect.detect(root=...)`` is the call, also after its submodules were imported."""
    root = str(write(tmp_path, _A770))
    import torch_auto.detect.amd  # noqa: PLC0415

    assert describe(torch_auto.detect.detect(root=root)) == "Intel: 8086:56a0 discrete"
    assert torch_auto.detect.detect(root=root) == detect(root)


def test_a_captured_tree_is_a_linux_machine(tmp_path: Path) -> None:
    """A root other than / is a Linux machine's, whatever system looks at it."""
    sources = Sources(linux(), str(write(tmp_path, _A770)), live=False)
    assert detect_from(sources).system == "linux"


def test_a_root_that_is_no_folder_is_a_machine_without_accelerators(tmp_path: Path) -> None:
    """A root that is not there, or is a file, is no exception."""
    (tmp_path / "file").touch()
    for root in (tmp_path / "nothing", tmp_path / "file"):
        assert detect(str(root)).accelerators == ()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the files are Linux's")
def test_a_machine_without_a_gpu_pays_for_no_vendor(tmp_path: Path) -> None:
    """Where nothing speaks for a GPU, no vendor's module is compiled and no process is started."""
    code = (
        "import sys; from torch_auto.detect import detect; before = set(sys.modules); "
        "assert detect(sys.argv[1]).accelerators == (); "
        "print(*sorted(name for name in sys.modules if name.startswith('torch_auto.detect.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    loaded = {name.rpartition(".")[2] for name in done.stdout.split()}
    assert loaded == {"host", "libraries", "linux", "log", "nvidia_files", "pci", "sources", "tree"}


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"])
def test_a_visibility_variable_is_noted_and_changes_nothing(system: Callable[..., Sources], name: str) -> None:
    """An install outlives a shell: the accelerators are the same with and without the variable."""
    sources = system(join(_A770, kfd_cpu(0, 8), kfd(1, {"gfx_target_version": 110000})))
    without = detect_from(sources)
    having = detect_from(sources.replace(env={name: ""}))
    assert having.accelerators == without.accelerators
    assert [item.detail for item in having.evidence if item.source == f"${name}"] == [
        "'', which does not change the choice"
    ]


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}, "gfx1100"),
        ({"HSA_OVERRIDE_GFX_VERSION": "9.0.10"}, "gfx90a"),
        ({"HSA_OVERRIDE_GFX_VERSION_1": "11.0.1", "HSA_OVERRIDE_GFX_VERSION": "10.3.0"}, "gfx1101"),
        ({"HSA_OVERRIDE_GFX_VERSION_2": "11.0.1"}, "gfx1031"),
        ({"HSA_OVERRIDE_GFX_VERSION": "gfx1030"}, "gfx1031"),
        ({"HSA_OVERRIDE_GFX_VERSION": ""}, "gfx1031"),
        ({"HSA_OVERRIDE_GFX_VERSION": "10.3.0.0"}, "gfx1031"),
        ({"HSA_OVERRIDE_GFX_VERSION": "10.99.0"}, "gfx1031"),
    ],
)
def test_rocms_override_counts_where_rocm_would_take_it(
    system: Callable[..., Sources], variables: dict[str, str], target: str
) -> None:
    """The node's own variable before the general one; what is no version is told and not taken."""
    files = join(kfd_cpu(0, 8), kfd(1, {"gfx_target_version": 100301}))
    machine = detect_from(system(files, env=variables))
    assert describe(machine) == f"AMD: {target} discrete"


_AMD = join(kfd_cpu(0, 8), kfd(1, {"gfx_target_version": 110000}))


@pytest.mark.parametrize(("extra", "outcome"), [({}, "absent"), ({"dev/kfd": ""}, "found")], ids=["absent", "there"])
def test_an_amd_gpu_is_listed_with_and_without_its_device_file(
    system: Callable[..., Sources], extra: dict[str, Any], outcome: str
) -> None:
    """/dev/kfd is evidence, and changes no accelerator."""
    machine = detect_from(system({**_AMD, **extra}))
    assert describe(machine) == "AMD: gfx1100 discrete"
    assert [item.outcome for item in machine.evidence if item.source == "/dev/kfd"] == [outcome]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_who_may_not_open_the_amd_device_is_told_so() -> None:
    """A user outside the group render sees the GPU listed, and why it will not compute."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = write(Path(folder), {**_AMD, "dev/kfd": ""})
        (root / "dev/kfd").chmod(0o600)
        detect_from(Sources(linux(), folder))  # nobody may not be able to import
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:  # a process of its own, since there is no way back to root
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            machine = detect_from(Sources(linux(), folder))
            outcomes = [item.outcome for item in machine.evidence if item.source == "/dev/kfd"]
            os.write(writing, f"{describe(machine)} {outcomes}".encode())
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as stream:
            told = stream.read()
        os.waitpid(child, 0)
    assert told == "AMD: gfx1100 discrete ['unreadable']"


@pytest.mark.skipif(fake.why_not() is not None, reason=str(fake.why_not()))
@pytest.mark.parametrize("version", ["3.8", "3.9", "3.13"])
def test_detection_runs_on_the_pythons_that_torch_runs_on(
    version: str, interpreter: Callable[[str], Path], fake_nvml: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """From the oldest Python that a release of torch supports on, with NVML asked in that Python."""
    folder = find_pynvml(None)
    assert folder is not None
    (tmp_path / "pynvml.py").symlink_to(Path(folder) / "pynvml.py")
    code = (
        "import json; from torch_auto.detect import detect; from torch_auto.machine_json import machine_to_json as to; "
    )
    done = subprocess.run(
        [interpreter(version), "-B", "-c", code + "print(json.dumps(to(detect())))"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **fake_nvml(), "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{tmp_path}"},
    )
    machine = machine_from_json(json.loads(done.stdout))
    assert machine.python == version
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA A100-SXM4-80GB (8.0)"


def test_a_library_in_the_current_directory_is_not_asked(tmp_path: Path) -> None:
    """An empty or relative part of LD_LIBRARY_PATH speaks for nothing."""
    root = write(tmp_path, {"libnvidia-ml.so.1": "", "lib64x/libnvidia-ml.so.1": ""})
    for path in ("", ":", "lib64x", ".:lib64x"):
        machine = detect_from(Sources(linux(), str(root), {"LD_LIBRARY_PATH": path}, interpreter=sys.executable))
        assert [item.outcome for item in machine.evidence if item.source == "libnvidia-ml.so.1"] == ["absent"]


def test_a_library_that_only_the_loaders_cache_lists_is_asked(system: Callable[..., Sources]) -> None:
    """A folder that ld.so.conf adds is seen in the loader's cache."""
    sources = system(
        {"etc/ld.so.cache": b"\0" * 5000 + b"libnvidia-ml.so.1\0/opt/odd/lib/libnvidia-ml.so.1\0"}, interpreter=None
    )
    machine = detect_from(sources)
    assert [item.detail for item in machine.evidence if item.source == "libnvidia-ml.so.1"] == [
        "/opt/odd/lib/libnvidia-ml.so.1"
    ]


@pytest.mark.parametrize("version", ["99999999", "N/A", "-90010", "90010.0", "1700"])
@pytest.mark.parametrize("device", [0x740C, 0])
def test_a_nonsense_target_leaves_what_the_device_id_tells(
    system: Callable[..., Sources], version: str, device: int
) -> None:
    """KFD's gfx_target_version is nonsense: its device id tells the target or, where that is missing, the PCI bus's."""
    files = join(
        pci("0000:03:00.0", "1002:740c", "0x038000", "amdgpu"),
        kfd(1, {"device_id": device, "location_id": 0x300, "gfx_target_version": 90010}),
    )
    path = "sys/devices/virtual/kfd/kfd/topology/nodes/1/properties"
    files[path] = str(files[path]).replace("gfx_target_version 90010", f"gfx_target_version {version}")
    machine = detect_from(system(files))
    assert describe(machine) == "AMD: gfx90a discrete"
    details = [item.detail for item in machine.evidence if item.outcome == "unreadable"]
    assert f"gfx_target_version {version!r} is not that of a GPU" in details
    assert not [item for item in machine.evidence if "kernels before 5.16" in item.detail]


def test_a_nonsense_version_of_the_module_is_that_of_a_loaded_driver(system: Callable[..., Sources]) -> None:
    """/sys/module/nvidia is there for a loaded module alone, whatever it says, and its other file says the version."""
    files = {**nvidia_module("550.54.14"), "sys/module/nvidia/version": "TempVersion\n"}
    gpu = pci("0000:41:00.0", "10de:20b2", "0x030200")
    said = describe(detect_from(system(join(files, gpu))))
    assert said == "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: GPU (8.0)"


def test_a_module_whose_version_nothing_tells_is_a_loaded_driver(system: Callable[..., Sources]) -> None:
    """It is not "no driver", which would be a reason that is false."""
    files = join({"sys/module/nvidia/version": "TempVersion\n"}, pci("0000:41:00.0", "10de:20b2", "0x030200"))
    said = describe(detect_from(system(files)))
    assert said == "NVIDIA driver of unknown version, CUDA unknown, without libcuda.so.1: GPU (8.0)"


def test_libcuda_without_nvml_is_libcuda(system: Callable[..., Sources]) -> None:
    """A container with the capability compute alone has libcuda and no NVML: torch finds the GPU there."""
    gpu = pci("0000:41:00.0", "10de:20b2", "0x030200")
    files = join(nvidia_module("550.54.14"), gpu, {"usr/lib/nvidia/libcuda.so.1": ""})
    assert describe(detect_from(system(files))) == "NVIDIA driver 550.54.14, CUDA 12.4: GPU (8.0)"


@pytest.mark.skipif(fake.why_not() is not None, reason=str(fake.why_not()))
def test_the_driver_version_of_windows_counts_where_nvml_has_none(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """NVML lists the GPU and its driver version is nonsense: the registry has one."""
    values = {"MatchingDeviceId": "PCI\\VEN_10DE&DEV_27B8", "DriverDesc": "L4", "DriverVersion": "32.0.15.5161"}
    registry = RecordedRegistry({CLASS_KEY: {}, f"{CLASS_KEY}\\0000": values})
    env = {**fake_nvml("N/A", devices=[("NVIDIA L4", "8.9")]), "FAKE_NVML_CUDA": "0"}
    machine = detect_from(system(host=WINDOWS, registry=registry, env=env))
    assert describe(machine) == "NVIDIA driver 551.61, CUDA 12.4: NVIDIA L4 (8.9)"
