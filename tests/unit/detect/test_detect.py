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
from torch_auto.detect.log import Log
from torch_auto.detect.nvidia_files import has_any, has_trace, library
from torch_auto.detect.nvidia_nvml import find_pynvml
from torch_auto.detect.pci import PciDevice, display_devices, gives_away
from torch_auto.detect.sources import this_system
from torch_auto.detect.tree import Tree
from torch_auto.detect.windows import CLASS_KEY
from torch_auto.machine_file import machine_from_json
from unit.detect.feeding import RecordedRegistry, describe
from unit.detect.kinds import WINDOWS, linux
from unit.detect.trees import FOLDER, LIBRARY, Link, join, kfd, kfd_cpu, nvidia_module, pci, write

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


#: "APU" in LLVM's table of AMDGPU processors (llvm/docs/AMDGPUUsage.rst).
APUS = {
    70000: "gfx700", 70005: "gfx705", 80001: "gfx801", 80100: "gfx810", 90002: "gfx902", 90009: "gfx909",
    90012: "gfx90c", 100103: "gfx1013", 100303: "gfx1033", 100305: "gfx1035", 100306: "gfx1036", 100307: "gfx1037",
    110003: "gfx1103", 110500: "gfx1150", 110501: "gfx1151", 110502: "gfx1152", 110503: "gfx1153",
}  # fmt: skip


@pytest.mark.parametrize("version", APUS)
def test_a_gpu_that_shares_a_chip_with_the_processor_is_integrated(
    system: Callable[..., Sources], version: int
) -> None:
    """By its target alone: KFD says nothing else of it."""
    files = join(kfd_cpu(0, 8), kfd(1, {"gfx_target_version": version}))
    assert describe(detect_from(system(files))) == f"AMD: {APUS[version]} integrated"


def test_what_has_no_simd_and_no_target_is_no_gpu(system: Callable[..., Sources]) -> None:
    """A node of a processor, also where it has no line of SIMDs at all."""
    nodes = "sys/class/kfd/kfd/topology/nodes"
    files = {f"{nodes}/0/properties": "cpu_cores_count 8\n", f"{nodes}/1/properties": "simd_count 0\n"}
    assert describe(detect_from(system(files))) == "none"
    files[f"{nodes}/1/properties"] = "simd_count 1\n"
    assert describe(detect_from(system(files))) == "AMD: 1002:0000 discrete"


def test_an_amd_gpu_has_its_products_name_or_its_chips(tmp_path: Path) -> None:
    """Of a server card the bus tells the product; "ip discovery" is no name of a chip."""
    gpu = {"gfx_target_version": 90010, "location_id": 0x300}
    product = {"sys/bus/pci/devices/0000:03:00.0/product_name": "Instinct MI210\n"}
    for files, name in [
        (join(kfd(1, gpu, name="aldebaran"), product), "Instinct MI210"),
        (kfd(1, gpu, name="aldebaran"), "aldebaran"),
        (kfd(1, gpu, name="ip discovery"), ""),
    ]:
        machine = detect_from(Sources(linux(), str(write(tmp_path / f"of {name}", files))))
        assert [device.name for device in machine.accelerators[0].devices] == [name]


@pytest.mark.parametrize("live", [True, False])
def test_who_may_open_the_amd_device_is_a_question_of_this_machine_and_of_a_gpu(tmp_path: Path, live: bool) -> None:
    """Of a captured tree, and where KFD lists no GPU, nothing is said of /dev/kfd."""
    for name, files, noted in (("gpu", _AMD, live), ("cpu", kfd_cpu(0, 8), False)):
        root = str(write(tmp_path / name, files))
        sources = [item.source for item in detect_from(Sources(linux(), root, live=live)).evidence]
        assert ("/dev/kfd" in sources) is noted


def test_amd_gpus_are_found_after_those_of_others(system: Callable[..., Sources]) -> None:
    """The bus lists others before, and one that a virtual machine has: those that follow count."""
    files = join(
        pci("0000:00:02.0", "8086:46a6", driver="i915"),
        pci("0000:03:00.0", "1002:744c", driver="vfio-pci"),
        pci("0000:04:00.0", "1002:73bf", driver="amdgpu"),
        pci("0000:05:00.0", "1002:7550"),
    )
    assert describe(detect_from(system(files))).startswith("AMD: 1002:73bf discrete, 1002:7550 discrete; Intel: ")


#: Where a library of NVIDIA's is looked for: the loader's own folders (ld.so(8), Debian's multiarch), and those of
#: WSL, container runtimes and systems without the usual folders, as each names it in its documents.
FOLDERS = (
    "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "lib64", "usr/lib", "lib",
    "usr/lib/wsl/lib", "usr/local/nvidia/lib64", "usr/lib64/nvidia", "usr/lib/nvidia", "run/opengl-driver/lib",
    "opt/nvidia/lib64", "run/current-system/profile/lib", ".singularity.d/libs",
    "run/nvidia/driver/usr/lib/x86_64-linux-gnu", "run/nvidia/driver/usr/lib64", "usr/local/glibc/usr/lib",
    "x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/nvidia/tesla",
    "aarch64-bottlerocket-linux-gnu/sys-root/usr/lib/nvidia/tesla",
    "usr/lib/x86_64-linux-gnu/GL/nvidia-550-54-14/lib", "usr/lib/aarch64-linux-gnu/GL/nvidia-550-54-14/lib",
)  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_nvidias_library_is_found_in_each_folder(tmp_path: Path, folder: str) -> None:
    """Where the loader looks, and where it does not without help."""
    tree = Tree(str(write(tmp_path, {f"{folder}/libnvidia-ml.so.1": ""})))
    assert library(tree, {}) == (f"/{folder}/libnvidia-ml.so.1",)
    assert has_any(tree, {})


@pytest.mark.parametrize("name", ["vfio-pci", "nvgrace_gpu_vfio_pci", "pci-stub", "pciback"])
def test_a_driver_that_hands_a_device_to_a_virtual_machine_takes_it_away(name: str) -> None:
    """VFIO of any kind, and the stubs of KVM and Xen, by the names that sysfs has for them."""
    assert gives_away(name)
    assert not gives_away("nvidia")
    assert not gives_away(None)


@pytest.mark.parametrize(
    ("drivers", "why"),
    [
        (("nouveau", "nova_core"), "the GPU runs on nouveau, which has no CUDA"),
        (("nova-core",), "the GPU runs on nova-core, which has no CUDA"),
        (("vfio-pci", "pci-stub"), "the GPU is set aside for a virtual machine"),
        (("nouveau", None), "the GPU is there, NVIDIA's driver is not"),
        (("vfio-pci", None), "the GPU is there, NVIDIA's driver is not"),
    ],
)
def test_why_there_is_no_driver_holds_for_all_gpus(
    system: Callable[..., Sources], drivers: tuple[str | None, ...], why: str
) -> None:
    """A reason that is true of one GPU alone is not given for the machine."""
    gpus = [pci(f"0000:4{n}:00.0", "10de:20b2", driver=driver) for n, driver in enumerate(drivers)]
    machine = detect_from(system(join(*gpus)))
    assert [item.detail for item in machine.evidence if item.source == "NVIDIA driver"] == [why]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the paths are Linux's")
def test_nvidia_smi_is_looked_for_where_systems_have_it() -> None:
    """Debian and others, WSL, Flatcar, Container-Optimized OS and NixOS; a captured tree is not live."""
    live, captured = this_system(), this_system("/nonexistent")
    assert live.live
    assert live.nvidia_smi == (
        "/usr/bin/nvidia-smi",
        "/usr/lib/wsl/lib/nvidia-smi",
        "/opt/bin/nvidia-smi",
        "/usr/local/nvidia/bin/nvidia-smi",
        "/run/current-system/sw/bin/nvidia-smi",
    )
    assert not captured.live
    assert (live.root, captured.root) == ("/", "/nonexistent")


def test_nobody_is_hurried_who_does_not_ask_for_it() -> None:
    """A person who asks waits for names; builds say that they are in a hurry."""
    assert not this_system().hurried
    assert this_system(hurried=True).hurried
    assert this_system().deadline == 5.0
    assert (this_system().interpreter, this_system(interpreter="/x/python").interpreter) == (
        sys.executable,
        "/x/python",
    )


def test_kfds_nodes_are_numbers_and_in_their_order(system: Callable[..., Sources]) -> None:
    """10 comes after 2, as ROCm counts its GPUs; what is no number is no node."""
    nodes = {10: 110000, 2: 90010, 1: 100300}
    files = join(
        *(kfd(number, {"gfx_target_version": version, "location_id": number << 8}) for number, version in nodes.items())
    )
    files["sys/devices/virtual/kfd/kfd/topology/nodes/x/properties"] = "gfx_target_version 120000\nsimd_count 8\n"
    assert describe(detect_from(system(files))) == "AMD: gfx1030 discrete, gfx90a discrete, gfx1100 discrete"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("proc/driver/nvidia/version", ""), ("sys/module/nvidia/refcnt", ""), ("dev/nvidiactl", ""),
        ("usr/lib/wsl/lib/libnvidia-ml.so.1", ""), ("usr/lib/libnvidia-ml.so.1", ""),
        ("etc/nv_tegra_release", "# R36 (release), REVISION: 4.3"), ("proc/sys/kernel/osrelease", "5.15.148-tegra"),
        ("proc/device-tree/compatible", "nvidia,p3737\0nvidia,tegra234\0"), ("sys/devices/soc0/family", "Tegra"),
    ],
)  # fmt: skip
def test_anything_that_speaks_for_nvidia_is_a_trace(tmp_path: Path, path: str, content: str) -> None:
    """Each alone; and a Linux without any has none, though it has such files of its own."""
    log = Log()
    assert has_trace(Tree(str(write(tmp_path / "a", {path: content}))), Log(), (), {})
    ordinary = {"proc/sys/kernel/osrelease": "6.8.0-45-generic", "proc/device-tree/compatible": "raspberrypi,5-model-b"}
    assert not has_trace(Tree(str(write(tmp_path / "b", ordinary))), log, (PciDevice("0", "8086", "56a0"),), {})
    assert [(item.outcome, item.source) for item in log.evidence] == [
        ("absent", "/proc/driver/nvidia"),
        ("absent", "/dev/nvidiactl"),
        ("absent", "libnvidia-ml.so.1"),
    ]
    assert has_trace(Tree(str(tmp_path / "b")), log, (PciDevice("0", "8086", "1"), PciDevice("1", "10de", "1")), {})


@pytest.mark.parametrize("live", [True, False])
def test_gpus_that_the_driver_lists_are_all_read(tmp_path: Path, live: bool) -> None:
    """One cannot be read, and one is taken away by an administrator: those that follow count."""
    gpus = "proc/driver/nvidia/gpus"
    files = join(
        nvidia_module("550.54.14"),
        {"usr/lib/libcuda.so.1": "", f"{gpus}/0000:01:00.0": FOLDER},
        {f"{gpus}/0000:02:00.0/information": "Model: \t\t NVIDIA T4\nGPU Excluded:\t Yes\n"},
        {f"{gpus}/0000:03:00.0/information": "Model: \t\t NVIDIA L4\nGPU Excluded:\t No\n"},
        {f"{gpus}/0000:04:00.0/information": "Model: \t\t NVIDIA A10: new\nIRQ:   \t\t 16\n"},
    )
    machine = detect_from(Sources(linux(), str(write(tmp_path, files)), live=live))
    assert describe(machine) == "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA L4, NVIDIA A10: new"


def test_a_device_on_the_bus_is_a_gpu_or_passed_over(tmp_path: Path) -> None:
    """Others before it, one that cannot be read and a virtual function hide none that follows."""
    log = Log()
    vf = pci("0000:07:00.0", "10de:20b2", "0x030200")
    files = join(
        pci("0000:01:00.0", "8086:1533", "0x020003"),
        pci("0000:02:00.0", "8086:7d1d", "0x120000"),
        pci("0000:02:01.0", "1002:1502", "0x118000"),
        pci("0000:03:00.0", "10de:20b", "0x030200"),
        pci("0000:04:00.0", "10dg:20b2", "0x030200"),
        pci("0000:05:00.0", "10de:20b2", "030200"),
        pci("0000:06:00.0", "10de:20b25", "0x030200"),
        vf,
        {"sys/devices/pci0000:00/0000:07:00.0/physfn": Link("../0000:08:00.0")},
        pci("0000:08:00.0", "10DE:20B2", "0x030200", "nvidia"),
        pci("0000:09:00.0", "1002:74A1", "0x120000"),
    )
    found = display_devices(Tree(str(write(tmp_path, files))), log)
    assert [(device.pci_id, device.driver) for device in found] == [("10de:20b2", "nvidia"), ("1002:74a1", None)]
    assert [(item.outcome, item.source[-7:]) for item in log.evidence] == [
        ("unreadable", "03:00.0"),
        ("unreadable", "04:00.0"),
        ("unreadable", "06:00.0"),
        ("found", "08:00.0"),
        ("found", "09:00.0"),
    ]


@pytest.mark.skipif(fake.why_not() is not None, reason=str(fake.why_not()))
@pytest.mark.parametrize(("other", "second"), [("27b8", "NVIDIA L4 (8.9)"), ("20b2", "NVIDIA L4")])
def test_the_bus_tells_what_nvml_does_not_where_gpus_are_alike(
    system: Callable[..., Sources], fake_nvml: Callable[..., dict[str, str]], other: str, second: str
) -> None:
    """NVML tells the compute capability of one of two: the other's is the bus's, if both are of one kind there."""
    gpus = [pci(f"0000:4{n}:00.0", f"10de:{number}", driver="nvidia") for n, number in enumerate(("27b8", other))]
    devices = [("NVIDIA L4", "8.9"), ("NVIDIA L4", "0.0")]
    env = fake_nvml(devices=devices, errors={"nvmlDeviceGetPciInfo_v3": 999})
    said = describe(detect_from(system(join(LIBRARY, *gpus), env=env)))
    both = "2 x NVIDIA L4 (8.9)" if second.endswith(")") else f"NVIDIA L4 (8.9), {second}"
    assert said == f"NVIDIA driver 550.54.14, CUDA 12.4: {both}"
