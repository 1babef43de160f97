"""Kinds of machine: what is fed of each, with the source of the facts, and what detection has to make of it.

The files are made here, in the layout of :mod:`trees`, from facts that others published about real machines; no
file is a copy. The same list makes the tables of docs/reference/kinds.md (tools/detection_table.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch_auto.detect.host import Host
from unit.detect.trees import (
    FOLDER,
    LIBRARY,
    LIBRARY_AARCH64,
    NVML,
    Link,
    jetson,
    join,
    kfd,
    kfd_cpu,
    nvidia_module,
    pci,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Kind:
    """A kind of machine.

    ``nvml`` are the arguments of the fake NVML, None where there is none to load; ``pynvml`` says whether pynvml can be
    imported; ``smi`` is the shell script that stands for nvidia-smi, and ``smi_lines`` what uv's query of it prints;
    ``rocm`` what rocm_agent_enumerator prints, where ROCm's user space is installed. ``notes`` are (source, outcome,
    part of the detail) of evidence that must be there. ``instances`` are what Windows says is present, where
    that is not what ``adapters`` are. ``why`` says who is right where uv comes to something else.
    """

    name: str
    fed: str
    expected: str
    source: str
    files: Mapping[str, Any] = field(default_factory=dict)
    nvml: Mapping[str, Any] | None = None
    pynvml: bool = True
    smi: str | None = None
    smi_lines: tuple[str, ...] | None = None
    rocm: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    host: Host | None = None
    adapters: tuple[tuple[str, str, str], ...] | None = None
    removed: tuple[str, ...] = ()
    instances: tuple[str, ...] | None = None
    native: str = "AMD64"
    deadline: float = 20.0
    platform: str | None = "linux_x86_64"
    notes: tuple[tuple[str, str, str], ...] = ()
    why: str = ""


def linux(machine: str = "x86_64", libc: str | None = "glibc 2.36", python: str = "3.12", **other: Any) -> Host:
    """A 64-bit CPython on Linux, unless told otherwise."""
    return Host(
        **{"sys_platform": "linux", "machine": machine, "pointer_bits": 64, "python": python, "libc": libc, **other}
    )


AARCH64 = linux("aarch64")
WINDOWS = Host(sys_platform="win32", machine="amd64", pointer_bits=64, python="3.12")
MAC_KERNEL = "Darwin Kernel Version 24.6.0: Mon Jul 14 11:30:29 PDT 2025; root:xnu-11417.140.69~1/RELEASE_{}"
PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict><key>ProductName</key><string>macOS</string>
<key>ProductVersion</key><string>{}</string></dict></plist>
"""

# --- sources ---------------------------------------------------------------------------------------------------

PCI_IDS = "pciutils/pciids pci.ids"
CUDA_GPUS = "developer.nvidia.com/cuda-gpus"
NVML_DOCS = "docs.nvidia.com/deploy/nvml-api"
SMI_DOCS = "docs.nvidia.com/deploy/nvidia-smi"
WSL_DOCS = "docs.nvidia.com/cuda/wsl-user-guide"
OPEN_MODULE = "nix-community/nixGL issue 186"
JETSON_STATS = "rbonghi/jetson_stats issues 48, 711"
KFD_SOURCE = "kernel drivers/gpu/drm/amd/amdkfd/kfd_topology.c"
HSAKMT = "ROCm/ROCR-Runtime libhsakmt topology.c"
LLVM = "llvm.org/docs/AMDGPUUsage, Processors"
I915 = "kernel include/drm/intel/pciids.h"
XPU_DOCS = "docs.pytorch.org, notes/get_start_xpu"
XPU_CODE = "pytorch/pytorch c10/xpu/XPUFunctions.cpp"
VFIO = "kernel Documentation/driver-api/vfio.rst"
WINDOWS_DOCS = "learn.microsoft.com, HKLM\\SYSTEM\\CurrentControlSet\\Control Registry Tree"
PEP_600 = "peps.python.org/pep-0600"

_BOTH = "Both can run. We take the toolkit nearest to the driver's own, uv the newest of the driver's major."

_BMC = pci("0000:03:00.0", "1a03:2000", driver="ast")


def _gpus(pci_id: str, count: int = 1, kind: str = "0x030200", driver: str | None = "nvidia") -> dict[str, Any]:
    return join(*(pci(f"0000:{0x41 + number:02x}:00.0", pci_id, kind, driver) for number in range(count)))


def _mi300x(node: int, bus: int, partition: int = 0) -> dict[str, Any]:
    location = bus << 8 | partition << 28
    values = {
        "simd_count": 1216,
        "gfx_target_version": 90402,
        "device_id": 29857,
        "location_id": location,
        "num_xcc": 8,
    }
    return kfd(node, values)


_SMI_NEW = """case "$1" in
--query-gpu=name,driver_version,compute_cap) echo "NVIDIA GeForce RTX 4070, 551.61, 8.9" ;;
"") echo "| NVIDIA-SMI 550.54.10   Driver Version: 551.61   CUDA Version: 12.4 |" ;;
*) exit 9 ;;
esac
"""
_SMI_610 = """case "$1" in
--query-gpu=name,driver_version,compute_cap) echo "NVIDIA B200, 610.43.02, 10.0"; echo "NVIDIA B200, 610.43.02, 10.0" ;;
"") echo "| NVIDIA-SMI 610.43.02    KMD Version: 610.43.02    CUDA UMD Version: 13.3 |" ;;
esac
"""
_SMI_OLD = """case "$1" in
--query-gpu=name,driver_version,pci.device_id) echo "Tesla K80, 440.33.01, 0x102D10DE" ;;
"") echo "| NVIDIA-SMI 440.33.01    Driver Version: 440.33.01    CUDA Version: 10.2     |" ;;
*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2 ;;
esac
"""

_SMI_NO_CUDA = """case "$1" in
--query-gpu=name,driver_version,compute_cap) echo "NVIDIA A10, 535.161.08, 8.6" ;;
"") echo "| NVIDIA-SMI 535.161.08     Driver Version: 535.161.08   CUDA Version: N/A      |" ;;
esac
"""
_NO_LIBCUDA = {"nvmlSystemGetCudaDriverVersion_v2": 12, "nvmlSystemGetCudaDriverVersion": 12}
_INFORMATION = "Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 130\nBus Type: \t PCIe\nGPU Excluded:\t {}\n"

NVIDIA = [
    Kind(
        "8 x A100, driver 550",
        "NVML; proprietary module; 8 x 10de:20b2",
        "NVIDIA driver 550.54.14, CUDA 12.4: 8 x NVIDIA A100-SXM4-80GB (8.0)",
        f"{PCI_IDS}; {CUDA_GPUS}",
        join(_BMC, nvidia_module("550.54.14"), LIBRARY, _gpus("10de:20b2", 8)),
        nvml={"devices": [("NVIDIA A100-SXM4-80GB", "8.0")] * 8},
        smi_lines=("550.54.14",) * 8,
        why=_BOTH,
    ),
    Kind(
        "H100, driver 580, open module",
        "NVML; open module",
        "NVIDIA driver 580.65.06, CUDA 13.0: NVIDIA H100 80GB HBM3 (9.0)",
        f"{OPEN_MODULE}; {CUDA_GPUS}",
        join(nvidia_module("580.65.06", open_module=True), LIBRARY, _gpus("10de:2330")),
        nvml={"driver": "580.65.06", "cuda": "13.0", "devices": [("NVIDIA H100 80GB HBM3", "9.0")]},
        why="The same build.",
    ),
    Kind(
        "GH200, aarch64",
        "NVML; aarch64",
        "NVIDIA driver 570.86.15, CUDA 12.8: NVIDIA GH200 480GB (9.0)",
        f"{PCI_IDS}; {CUDA_GPUS}",
        join(nvidia_module("570.86.15", open_module=True, architecture="aarch64"), LIBRARY_AARCH64, _gpus("10de:2342")),
        nvml={"driver": "570.86.15", "cuda": "12.8", "devices": [("NVIDIA GH200 480GB", "9.0")]},
        host=AARCH64,
        platform="linux_aarch64",
        why=_BOTH,
    ),
    Kind(
        "4 x GB200, aarch64",
        "NVML; aarch64",
        "NVIDIA driver 580.105.08, CUDA 13.0: 4 x NVIDIA GB200 (10.0)",
        f"{PCI_IDS}; Azure/azhpc-images pull request 602",
        join(
            nvidia_module("580.105.08", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
            _gpus("10de:2941", 4),
        ),
        nvml={"driver": "580.105.08", "cuda": "13.0", "devices": [("NVIDIA GB200", "10.0")] * 4},
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build.",
    ),
    Kind(
        "2 x B200 without pynvml, nvidia-smi of driver 610",
        "no pynvml; nvidia-smi says KMD Version, CUDA UMD Version",
        "NVIDIA driver 610.43.02, CUDA 13.3: 2 x NVIDIA B200 (10.0)",
        "sgl-project/sglang issue 27487",
        join(nvidia_module("610.43.02", open_module=True), LIBRARY, _gpus("10de:2901", 2)),
        pynvml=False,
        smi=_SMI_610,
        smi_lines=("610.43.02", "610.43.02"),
        why="The same build.",
    ),
    Kind(
        "DGX Spark (GB10), aarch64",
        "NVML; aarch64",
        "NVIDIA driver 580.95.05, CUDA 13.0: NVIDIA GB10 (12.1)",
        f"{PCI_IDS}; Start9Labs/start-technologies pull request 3693",
        join(
            nvidia_module("580.95.05", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
            pci("000f:01:00.0", "10de:2e12", "0x030000", "nvidia"),
        ),
        nvml={"driver": "580.95.05", "cuda": "13.0", "devices": [("NVIDIA GB10", "12.1")]},
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build.",
    ),
    Kind(
        "RTX 5090, driver 570",
        "NVML",
        "NVIDIA driver 570.86.16, CUDA 12.8: NVIDIA GeForce RTX 5090 (12.0)",
        f"{PCI_IDS}; {CUDA_GPUS}",
        join(nvidia_module("570.86.16", open_module=True), LIBRARY, _gpus("10de:2b85", kind="0x030000")),
        nvml={"driver": "570.86.16", "cuda": "12.8", "devices": [("NVIDIA GeForce RTX 5090", "12.0")]},
        why="The same build. For releases before 2.7 uv offers cu124, which has nothing for sm_120.",
    ),
    Kind(
        "GTX 1080 and RTX 3090",
        "NVML; two architectures",
        "NVIDIA driver 560.35.05, CUDA 12.6: NVIDIA GeForce GTX 1080 (6.1), NVIDIA GeForce RTX 3090 (8.6)",
        CUDA_GPUS,
        join(
            nvidia_module("560.35.05"),
            LIBRARY,
            pci("0000:01:00.0", "10de:1b80", driver="nvidia"),
            pci("0000:02:00.0", "10de:2204", driver="nvidia"),
        ),
        nvml={
            "driver": "560.35.05",
            "cuda": "12.6",
            "devices": [("NVIDIA GeForce GTX 1080", "6.1"), ("NVIDIA GeForce RTX 3090", "8.6")],
        },
        why="We are: cu129 has nothing for sm_61. uv knows the driver and no GPU.",
    ),
    Kind(
        "P100, driver 580",
        "NVML",
        "NVIDIA driver 580.65.06, CUDA 13.0: Tesla P100-PCIE-16GB (6.0)",
        CUDA_GPUS,
        join(nvidia_module("580.65.06"), LIBRARY, _gpus("10de:15f8")),
        nvml={"driver": "580.65.06", "cuda": "13.0", "devices": [("Tesla P100-PCIE-16GB", "6.0")]},
        why="We are: builds of CUDA 13 have nothing below sm_75, so uv's torch does not see this GPU.",
    ),
    Kind(
        "V100, driver 470",
        "NVML",
        "NVIDIA driver 470.57.02, CUDA 11.4: Tesla V100-SXM2-16GB (7.0)",
        CUDA_GPUS,
        join(nvidia_module("470.57.02"), LIBRARY, _gpus("10de:1db1")),
        nvml={"driver": "470.57.02", "cuda": "11.4", "devices": [("Tesla V100-SXM2-16GB", "7.0")]},
        why="The same build.",
    ),
    Kind(
        "GT 710 (Kepler), driver 470",
        "NVML",
        "NVIDIA driver 470.256.02, CUDA 11.4: NVIDIA GeForce GT 710 (3.5)",
        CUDA_GPUS,
        join(nvidia_module("470.256.02"), LIBRARY, _gpus("10de:128b", kind="0x030000")),
        nvml={"driver": "470.256.02", "cuda": "11.4", "devices": [("NVIDIA GeForce GT 710", "3.5")]},
        why="We are: cu118 has nothing for sm_35, and 2 GB of it serve nobody.",
    ),
    Kind(
        "H100 with seven MIG devices",
        "NVML; MIG mode on",
        "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA H100 80GB HBM3 (9.0)",
        f"{NVML_DOCS}, Multi Instance GPU Management",
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:2330")),
        nvml={"devices": [("NVIDIA H100 80GB HBM3", "9.0", 7)]},
        notes=(("NVML", "found", "MIG is on"),),
        why=_BOTH,
    ),
    Kind(
        "vGPU guest",
        "NVML; GRID driver",
        "NVIDIA driver 550.90.07, CUDA 12.4: NVIDIA A10-8Q (8.6)",
        "docs.nvidia.com/vgpu",
        join(nvidia_module("550.90.07"), LIBRARY, pci("0000:02:00.0", "10de:2236", "0x030000", "nvidia")),
        nvml={"driver": "550.90.07", "devices": [("NVIDIA A10-8Q", "8.6")]},
        why=_BOTH,
    ),
    Kind(
        "laptop with Iris Xe and RTX 3060",
        "NVML; two display devices",
        "NVIDIA driver 535.183.01, CUDA 12.2: NVIDIA GeForce RTX 3060 Laptop GPU (8.6); Intel: 8086:9a49 integrated",
        f"{PCI_IDS}; {I915}",
        join(
            nvidia_module("535.183.01"),
            LIBRARY,
            pci("0000:00:02.0", "8086:9a49", driver="i915"),
            pci("0000:01:00.0", "10de:2520", driver="nvidia"),
        ),
        nvml={"driver": "535.183.01", "cuda": "12.2", "devices": [("NVIDIA GeForce RTX 3060 Laptop GPU", "8.6")]},
        why=_BOTH,
    ),
    Kind(
        "WSL2, RTX 4070",
        "NVML below usr/lib/wsl/lib, outside the loader's path; /dev/dxg; no kernel module",
        "NVIDIA driver 551.61, CUDA 12.4: NVIDIA GeForce RTX 4070 (8.9)",
        WSL_DOCS,
        join({"dev/dxg": "", "usr/lib/wsl/lib/libnvidia-ml.so.1": NVML}, pci("5582:00:00.0", "1414:008e", "0x030200")),
        nvml={"driver": "551.61", "cuda": "12.4", "devices": [("NVIDIA GeForce RTX 4070", "8.9")]},
        smi_lines=("551.61",),
        why=_BOTH + " uv needs nvidia-smi in PATH, where /etc/wsl.conf can leave it out.",
    ),
    Kind(
        "WSL2 without pynvml",
        "nvidia-smi alone",
        "NVIDIA driver 551.61, CUDA 12.4: NVIDIA GeForce RTX 4070 (8.9)",
        WSL_DOCS,
        {"dev/dxg": "", "usr/lib/wsl/lib/libnvidia-ml.so.1": ""},
        pynvml=False,
        smi=_SMI_NEW,
        smi_lines=("551.61",),
        notes=(("NVML", "unreadable", "pynvml is not installed"),),
        why=_BOTH,
    ),
    Kind(
        "sandbox that hides /proc and /sys (gVisor)",
        "NVML; nothing else",
        "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA A100-SXM4-80GB (8.0)",
        "gvisor.dev/docs/user_guide/gpu",
        join({"dev/nvidiactl": "", "dev/nvidia0": ""}, LIBRARY),
        nvml={},
        smi_lines=("550.54.14",),
        why=_BOTH,
    ),
    Kind(
        "image build on a GPU host (kernel module, no library)",
        "module version and PCI ids of the host",
        "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: 2 x GPU (8.0)",
        f"{PCI_IDS}; docs.nvidia.com/datacenter/cloud-native, container toolkit",
        join(nvidia_module("550.54.14"), _gpus("10de:20b2", 2)),
        notes=(("libnvidia-ml.so.1", "absent", ""), ("PCI ids", "found", "10de:20b2")),
        why=_BOTH,
    ),
    Kind(
        "image with the library, on a host without a GPU",
        "library alone: NVML error 9",
        "none",
        NVML_DOCS,
        LIBRARY,
        nvml={"errors": {"nvmlInitWithFlags": 9}},
        notes=(("NVML", "unreadable", "NVML error 9"),),
        why="The same build.",
    ),
    Kind(
        "driver upgraded without a reboot",
        "NVML error 18; module 535",
        "NVIDIA driver 535.183.01, CUDA 12.2: GPU (8.9)",
        f"{NVML_DOCS}; {PCI_IDS}",
        join(nvidia_module("535.183.01"), LIBRARY, _gpus("10de:2684", kind="0x030000")),
        nvml={"errors": {"nvmlInitWithFlags": 18}},
        smi=_SMI_NEW,
        notes=(("NVML", "unreadable", "an upgrade without a reboot"),),
        why=_BOTH,
    ),
    Kind(
        "wedged driver",
        "NVML hangs in nvmlInit; module and PCI ids",
        "NVIDIA driver 550.54.14, CUDA 12.4: 8 x GPU (9.0)",
        f"{PCI_IDS}; {CUDA_GPUS}",
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:2330", 8)),
        nvml={"hang": "nvmlInitWithFlags"},
        smi=_SMI_NEW,
        deadline=1.0,
        notes=(("NVML", "unreadable", "wedged"),),
        why=_BOTH,
    ),
    Kind(
        "wedged GPU",
        "NVML hangs at the fourth GPU",
        "NVIDIA driver 550.54.14, CUDA 12.4: 8 x GPU (9.0)",
        f"{PCI_IDS}; {CUDA_GPUS}",
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:2330", 8)),
        nvml={"devices": [("NVIDIA H100 80GB HBM3", "9.0")] * 8, "hang": "nvmlDeviceGetHandleByIndex_v2@3"},
        deadline=1.5,
        why=_BOTH,
    ),
    Kind(
        "one of two GPUs fell off the bus",
        "NVML error 15 for the second",
        "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA H100 80GB HBM3 (9.0)",
        NVML_DOCS,
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:2330", 2)),
        nvml={
            "devices": [("NVIDIA H100 80GB HBM3", "9.0")] * 2,
            "errors": {"nvmlDeviceGetHandleByIndex_v2@1": 15},
        },
        notes=(("NVML", "unreadable", "device 1: GPU is lost"),),
        why=_BOTH,
    ),
    Kind(
        "K80 with a driver whose NVML tells no compute capability",
        "NVML error 13 for it; NVML's PCI id",
        "NVIDIA driver 418.226.00, CUDA 10.1: Tesla K80 (3.7)",
        f"{PCI_IDS}; {CUDA_GPUS}",
        join(nvidia_module("418.226.00"), LIBRARY, _gpus("10de:102d")),
        nvml={
            "driver": "418.226.00",
            "cuda": "10.1",
            "devices": [("Tesla K80", "3.7", 0, "102d")],
            "errors": {"nvmlDeviceGetCudaComputeCapability": 13},
        },
        notes=(("PCI ids", "found", "10de:102d has compute capability 3.7"),),
        why="We are: the driver is too old for every build that has sm_37.",
    ),
    Kind(
        "K80, nvidia-smi that knows no compute_cap",
        "no pynvml; nvidia-smi exits 2 for the first query, and tells the PCI id",
        "NVIDIA driver 440.33.01, CUDA 10.2: Tesla K80 (3.7)",
        SMI_DOCS,
        join(nvidia_module("440.33.01"), LIBRARY),
        pynvml=False,
        smi=_SMI_OLD,
        smi_lines=("440.33.01",),
        notes=(("nvidia-smi", "unreadable", "exit code 2"), ("PCI ids", "found", "10de:102d")),
        why="We are: cu102 was last built for torch 1.12.",
    ),
    Kind(
        "nvidia-smi that tells neither capability nor PCI id",
        "no pynvml; nvidia-smi answers [N/A]; two GPUs of one kind on the bus",
        "NVIDIA driver 440.33.01, CUDA 10.2: 2 x Tesla K80 (3.7)",
        f"{SMI_DOCS}; {PCI_IDS}",
        join(nvidia_module("440.33.01"), LIBRARY, _gpus("10de:102d", 2)),
        pynvml=False,
        smi='[ -z "$1" ] && exit 9\nfor gpu in 1 2; do echo "Tesla K80, 440.33.01, [N/A]"; done\n',
        smi_lines=("440.33.01", "440.33.01"),
        notes=(("PCI ids", "found", "10de:102d has compute capability 3.7"),),
        why="We are: cu102 was last built for torch 1.12.",
    ),
    Kind(
        "Debian with NVIDIA's driver and without libcuda1",
        "NVML error 12 for the CUDA driver version",
        "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: NVIDIA GeForce RTX 3090 (8.6)",
        f"{NVML_DOCS}, nvmlSystemGetCudaDriverVersion; packages.debian.org, libcuda1",
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:2204", kind="0x030000")),
        nvml={"devices": [("NVIDIA GeForce RTX 3090", "8.6")], "errors": _NO_LIBCUDA},
        smi_lines=("550.54.14",),
        notes=(("libcuda.so.1", "absent", "no CUDA build of torch finds the GPU"),),
        why=_BOTH + " We say that nothing computes until libcuda is there.",
    ),
    Kind(
        "container with the capability utility alone, without pynvml",
        "nvidia-smi says CUDA Version: N/A",
        "NVIDIA driver 535.161.08, CUDA 12.2, without libcuda.so.1: NVIDIA A10 (8.6)",
        "docs.nvidia.com/datacenter/cloud-native, container toolkit, driver capabilities",
        join(nvidia_module("535.161.08"), LIBRARY, _gpus("10de:2236")),
        pynvml=False,
        smi=_SMI_NO_CUDA,
        smi_lines=("535.161.08",),
        notes=(("libcuda.so.1", "absent", ""),),
        why=_BOTH + " We say that nothing computes until libcuda is there.",
    ),
    Kind(
        "container that hides /sys, with the driver's files in /proc",
        "the module's line, two GPUs below /proc/driver/nvidia/gpus; no library",
        "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: NVIDIA A100-SXM4-40GB",
        "download.nvidia.com/XFree86/Linux-x86_64/550.54.14/README, The /proc Interface",
        {
            "proc/driver/nvidia/version": nvidia_module("550.54.14")["proc/driver/nvidia/version"],
            "proc/driver/nvidia/gpus/0000:41:00.0/information": _INFORMATION.format("No"),
            "proc/driver/nvidia/gpus/0000:42:00.0/information": _INFORMATION.format("Yes"),
        },
        notes=(("gpus/0000:42:00.0/information", "absent", "excluded"),),
        why=_BOTH,
    ),
    Kind(
        "NVML that this Python cannot load",
        "NVML error 12, as for a library of another architecture; nvidia-smi",
        "NVIDIA driver 551.61, CUDA 12.4: NVIDIA GeForce RTX 4070 (8.9)",
        NVML_DOCS,
        join(nvidia_module("551.61"), LIBRARY, _gpus("10de:2786", kind="0x030000")),
        nvml={"errors": {"nvmlInitWithFlags": 12}},
        smi=_SMI_NEW,
        notes=(("NVML", "unreadable", "NVML error 12"),),
        why=_BOTH,
    ),
    Kind(
        "nvidia-smi that exits 9",
        "no pynvml; nvidia-smi prints a line and exits 9",
        "NVIDIA driver 550.54.14, CUDA 12.4: GPU (8.0)",
        SMI_DOCS,
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:20b2")),
        pynvml=False,
        smi="echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9\n",
        notes=(("nvidia-smi", "unreadable", "exit code 9"),),
        why=_BOTH,
    ),
    Kind(
        "nvidia-smi that hangs",
        "no pynvml; nvidia-smi sleeps",
        "NVIDIA driver 550.54.14, CUDA 12.4: GPU (8.0)",
        SMI_DOCS,
        join(nvidia_module("550.54.14"), LIBRARY, _gpus("10de:20b2")),
        pynvml=False,
        smi="exec sleep 60\n",
        deadline=0.5,
        notes=(("nvidia-smi", "unreadable", "no answer"),),
        why=_BOTH + " Without the module's file uv would wait for as long as nvidia-smi does.",
    ),
    Kind(
        "nvidia-smi that prints junk, no module",
        "no pynvml; nvidia-smi prints bytes and exits 0",
        "none",
        SMI_DOCS,
        LIBRARY,
        pynvml=False,
        smi="printf '\\033[31m\\377\\n'; head -c 60000 /dev/zero | tr '\\0' '\\377'\n",
        smi_lines=("\x1b[31mjunk",),
        why="We are: uv ends the run with an error, since the line is no version.",
    ),
    Kind(
        "GPU and driver newer than every table",
        "module 990; 10de:3fff",
        "NVIDIA driver 990.10.01, CUDA newest, without libcuda.so.1: GPU",
        "made up",
        join(nvidia_module("990.10.01", open_module=True), _gpus("10de:3fff")),
        notes=(("CUDA driver version", "found", "this driver is newer"), ("PCI ids", "unreadable", "10de:3fff")),
        why="The same build.",
    ),
    Kind(
        "GTX 970 on nouveau",
        "PCI id; driver nouveau",
        "NVIDIA without a driver: GPU (5.2)",
        f"{PCI_IDS}; nouveau.freedesktop.org",
        pci("0000:01:00.0", "10de:13c2", driver="nouveau"),
        notes=(("NVIDIA driver", "absent", "nouveau"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "GPU without any driver",
        "PCI id; NVML error 9",
        "NVIDIA without a driver: GPU (8.9)",
        NVML_DOCS,
        join(LIBRARY, _gpus("10de:26b9", driver=None)),
        nvml={"errors": {"nvmlInitWithFlags": 9}},
        notes=(("NVIDIA driver", "absent", "NVIDIA's driver is not"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "GPU set aside for a virtual machine",
        "PCI id; driver vfio-pci",
        "NVIDIA without a driver: GPU (8.6)",
        VFIO,
        pci("0000:01:00.0", "10de:2204", driver="vfio-pci"),
        notes=(("NVIDIA driver", "absent", "virtual machine"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "one GPU for us, one for a virtual machine",
        "module, PCI ids, drivers nvidia and vfio-pci; no library",
        "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: GPU (7.5)",
        VFIO,
        join(
            nvidia_module("550.54.14"),
            pci("0000:01:00.0", "10de:1eb8", "0x030200", "nvidia"),
            pci("0000:02:00.0", "10de:2684", driver="vfio-pci"),
        ),
        why=_BOTH,
    ),
    Kind(
        "GPU that Xen has set aside",
        "PCI id; driver pciback, as sysfs calls it",
        "NVIDIA without a driver: GPU (8.6)",
        "kernel drivers/xen/xen-pciback/pci_stub.c",
        pci("0000:01:00.0", "10de:2204", driver="pciback"),
        notes=(("NVIDIA driver", "absent", "virtual machine"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "GH200 that a virtual machine has",
        "PCI id; driver nvgrace_gpu_vfio_pci",
        "NVIDIA without a driver: GPU (9.0)",
        "kernel drivers/vfio/pci/nvgrace-gpu/main.c",
        pci("0009:01:00.0", "10de:2342", "0x030200", "nvgrace_gpu_vfio_pci"),
        host=AARCH64,
        platform="linux_aarch64",
        notes=(("NVIDIA driver", "absent", "virtual machine"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "host whose only GPU a virtual machine has, with NVIDIA's module loaded",
        "module; PCI id with driver vfio-pci; no library",
        "NVIDIA without a driver: GPU (8.6)",
        VFIO,
        join(nvidia_module("550.54.14"), pci("0000:01:00.0", "10de:2204", driver="vfio-pci")),
        notes=(("NVIDIA driver", "absent", "drives no GPU"),),
        why="We are: the driver has no GPU here.",
    ),
    Kind(
        "one GPU on nouveau beside one on NVIDIA's driver",
        "module; PCI ids with drivers nouveau and nvidia; no library",
        "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: GPU (8.9)",
        f"{PCI_IDS}; nouveau.freedesktop.org",
        join(
            nvidia_module("550.54.14"),
            pci("0000:01:00.0", "10de:13c2", driver="nouveau"),
            pci("0000:02:00.0", "10de:2684", driver="nvidia"),
            pci("0000:03:00.0", "10de:1b80"),
        ),
        why=_BOTH,
    ),
    Kind(
        "GPU on NVIDIA's driver whose version nothing tells",
        "PCI id with driver nvidia; no file of the module",
        "NVIDIA driver of unknown version, CUDA unknown, without libcuda.so.1: GPU (8.0)",
        "kernel Documentation/ABI/testing/sysfs-bus-pci; docs.docker.com, masked paths",
        _gpus("10de:20b2"),
        notes=(("NVIDIA driver", "unreadable", "nothing tells its version"),),
        why="We are: a loaded driver runs some CUDA build, and uv finds no version.",
    ),
    Kind(
        "laptop whose external GPU was unplugged",
        "NVML lists no GPU; the bus has none",
        "none",
        NVML_DOCS,
        join(nvidia_module("550.54.14"), LIBRARY, pci("0000:00:02.0", "8086:ffff", "0x028000")),
        nvml={"devices": ()},
        notes=(("NVIDIA GPUs", "absent", "NVML lists none"),),
        why="We are: there is no GPU for uv's build.",
    ),
    Kind(
        "aarch64 Python under qemu-user on a GPU server of x86_64",
        "uname says aarch64, kernel.arch and NVIDIA's driver x86_64",
        "none",
        "kernel Documentation/admin-guide/sysctl/kernel.rst, arch; qemu.org/docs, user mode emulation",
        join({"proc/sys/kernel/arch": "x86_64\n"}, nvidia_module("550.54.14"), _gpus("10de:20b2")),
        host=AARCH64,
        platform="linux_aarch64",
        notes=(("python", "found", "runs emulated"),),
        why="We are: an emulated process reaches no GPU.",
    ),
    Kind(
        "the same with a kernel before 6.1",
        "uname says aarch64, NVIDIA's driver x86_64",
        "none",
        "qemu.org/docs, user mode emulation",
        join(nvidia_module("550.54.14"), _gpus("10de:20b2")),
        host=AARCH64,
        platform="linux_aarch64",
        notes=(("python", "found", "runs emulated"),),
        why="We are: an emulated process reaches no GPU.",
    ),
    Kind(
        "Vera Rubin NVL, aarch64",
        "module; PCI ids; no library",
        "NVIDIA driver 615.71.09, CUDA 13.4, without libcuda.so.1: 4 x GPU (10.7)",
        "kubevirt/kubevirt pull request 19070; pytorch/pytorch pull request 190654",
        join(nvidia_module("615.71.09", open_module=True, architecture="aarch64"), _gpus("10de:3041", 4)),
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build.",
    ),
]

_JETPACK_7_2 = (
    "roboflow/inference pull request 2531, OE4T/meta-tegra pull request 2224 (L4T R39, CUDA 13.2; the driver's number "
    "is made up)"
)
_TEMP_VERSION = {
    "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  TempVersion  "
    "Release Build  (buildbrain@mobile-u64)  Fri Aug 22 00:55:42 UTC 2025\n"
}

JETSONS = [
    Kind(
        "Jetson Nano",
        "device tree, R32 release file",
        "NVIDIA without a driver: Jetson Nano or TX1 (5.3)",
        JETSON_STATS,
        jetson(
            "nvidia,jetson-nano nvidia,tegra210",
            "# R32 (release), REVISION: 4.4, GCID: 23942405, BOARD: t210ref, EABI: aarch64",
            "4.9.140-tegra",
        ),
        host=linux("aarch64", libc="glibc 2.27", python="3.8"),
        platform="linux_aarch64",
        notes=(("Jetson Nano or TX1", "found", "NVIDIA's do"),),
        why="The same build, and we point to NVIDIA's wheels.",
    ),
    Kind(
        "Jetson AGX Xavier",
        "device tree, R35 release file",
        "NVIDIA without a driver: Jetson Xavier (7.2)",
        JETSON_STATS,
        jetson("nvidia,galen nvidia,tegra194", "# R35 (release), REVISION: 4.1, BOARD: t186ref", "5.10.120-tegra"),
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build, and we point to NVIDIA's wheels.",
    ),
    Kind(
        "Jetson Orin NX",
        "device tree; a module whose version is the release's, 35.3.1",
        "NVIDIA driver 35.3.1, CUDA unknown: Jetson Orin (8.7)",
        "nix-community/nixGL issue 139",
        join(
            jetson("nvidia,p3768-0000+p3767-0000 nvidia,tegra234", "# R35 (release), REVISION: 3.1", "5.10.104-tegra"),
            {
                "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  "
                "Release Build  (buildbrain@mobile-u64-6289-d7000)  Sun Mar 19 08:09:33 PDT 2023\n"
            },
        ),
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build, and we point to NVIDIA's wheels.",
    ),
    Kind(
        "Jetson Orin with JetPack 6",
        "device tree, R36 release file, module 540",
        "NVIDIA driver 540.4.0, CUDA unknown: Jetson Orin (8.7)",
        "docs.nvidia.com/jetson, Jetson Linux 36",
        join(
            jetson("nvidia,p3737-0000+p3701-0005 nvidia,tegra234", "# R36 (release), REVISION: 4.3", "5.15.148-tegra"),
            nvidia_module("540.4.0", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
        ),
        nvml={"driver": "540.4.0", "cuda": "12.6", "devices": [("Orin (nvgpu)", "8.7")]},
        host=AARCH64,
        platform="linux_aarch64",
        why="We are: PyTorch's aarch64 wheels hold no code for a Tegra; NVIDIA's do.",
    ),
    Kind(
        "container on a Jetson Orin",
        "soc_id and the kernel's release alone",
        "NVIDIA without a driver: Jetson Orin (8.7)",
        "kernel include/soc/tegra/fuse.h",
        jetson(None, None, "5.15.148-tegra", soc="35"),
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build, and we point to NVIDIA's wheels.",
    ),
    Kind(
        "some Jetson, of which only the kernel's release tells",
        "the kernel's release alone",
        "NVIDIA without a driver: Jetson Orin or older (8.7)",
        JETSON_STATS,
        jetson(None, None, "4.9.337-tegra"),
        host=AARCH64,
        platform="linux_aarch64",
        notes=(("Tegra", "unreadable", "no file names the chip"),),
        why="The same build, and we point to NVIDIA's wheels.",
    ),
    Kind(
        "Jetson AGX Thor",
        "NVML; device tree, R38 release file",
        "NVIDIA driver 580.00, CUDA 13.0: NVIDIA Thor (11.0)",
        "rbonghi/jetson_stats issue 711",
        join(
            jetson(
                "nvidia,p4071-0000+p3834-0008 nvidia,p3834-0008 nvidia,tegra264",
                "# R38 (release), REVISION: 2.0",
                "6.8.12-tegra",
            ),
            nvidia_module("580.00", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
        ),
        nvml={"driver": "580.00", "cuda": "13.0", "devices": [("NVIDIA Thor", "11.0")]},
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build.",
    ),
    Kind(
        "Jetson AGX Thor without NVML",
        "device tree, module 580",
        "NVIDIA driver 580.00, CUDA 13.0: Jetson Thor (11.0)",
        "rbonghi/jetson_stats issue 711",
        join(
            jetson("nvidia,p4071-0000+p3834-0008 nvidia,tegra264", "# R38 (release), REVISION: 2.0", "6.8.12-tegra"),
            nvidia_module("580.00", open_module=True, architecture="aarch64"),
        ),
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build.",
    ),
    Kind(
        "Jetson AGX Thor without NVML, whose module tells no version",
        "device tree, R38 release file, a module of TempVersion",
        "NVIDIA driver of unknown version, CUDA 13.0: Jetson Thor (11.0)",
        "the files of a Jetson AGX Thor Developer Kit with Jetson Linux 38.2",
        join(
            jetson("nvidia,p4071-0000+p3834-0008 nvidia,tegra264", "# R38 (release), REVISION: 2.0", "6.8.12-tegra"),
            _TEMP_VERSION,
        ),
        host=AARCH64,
        platform="linux_aarch64",
        notes=(("CUDA driver version", "found", "13.0 at least"),),
        why="We are: it is a loaded driver. uv cannot read its version, which ends the run.",
    ),
    Kind(
        "Thor under a driver of CUDA 12",
        "NVML tells compute capability 10.1",
        "NVIDIA driver 570.00, CUDA 12.8: NVIDIA Thor (10.1)",
        "torch/cuda/__init__.py of torch 2.15.0: 10.1 was renamed to 11.0",
        join(
            jetson("nvidia,p4071-0000+p3834-0008 nvidia,tegra264", "# R38 (release), REVISION: 1.0", "6.8.12-tegra"),
            nvidia_module("570.00", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
        ),
        nvml={"driver": "570.00", "cuda": "12.8", "devices": [("NVIDIA Thor", "10.1")]},
        host=AARCH64,
        platform="linux_aarch64",
        why="We are: no build for CUDA 12 has code for it; code for 10.0 does not run on 10.1.",
    ),
    Kind(
        "Jetson AGX Orin with JetPack 7.2",
        "NVML; device tree, R39 release file",
        "NVIDIA driver 595.00, CUDA 13.2: NVIDIA Orin (8.7)",
        _JETPACK_7_2,
        join(
            jetson("nvidia,p3737-0000+p3701-0005 nvidia,tegra234", "# R39 (release), REVISION: 2.0", "6.8.12-tegra"),
            nvidia_module("595.00", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
        ),
        nvml={"driver": "595.00", "cuda": "13.2", "devices": [("NVIDIA Orin", "8.7")]},
        host=AARCH64,
        platform="linux_aarch64",
        why="The same build. uv would take it for older JetPacks too, where it does not run.",
    ),
    Kind(
        "the same without NVML",
        "device tree, R39 release file, a module of TempVersion",
        "NVIDIA driver of unknown version, CUDA 13.2: Jetson Orin (8.7)",
        _JETPACK_7_2,
        join(
            jetson("nvidia,p3737-0000+p3701-0005 nvidia,tegra234", "# R39 (release), REVISION: 2.0", "6.8.12-tegra"),
            _TEMP_VERSION,
        ),
        host=AARCH64,
        platform="linux_aarch64",
        why="We are: it is a loaded driver. uv cannot read its version, which ends the run.",
    ),
    Kind(
        "container on a Jetson Orin with JetPack 7.2",
        "NVML; soc_id and the kernel's release alone",
        "NVIDIA driver 595.00, CUDA 13.2: NVIDIA Orin (8.7)",
        _JETPACK_7_2,
        join(jetson(None, None, "6.8.12-tegra", soc="35"), LIBRARY_AARCH64),
        nvml={"driver": "595.00", "cuda": "13.2", "devices": [("NVIDIA Orin", "8.7")]},
        host=AARCH64,
        smi_lines=("595.00",),
        platform="linux_aarch64",
        why="The same build.",
    ),
    Kind(
        "container on a Jetson Orin with JetPack 6",
        "NVML; soc_id and the kernel's release alone",
        "NVIDIA driver 540.4.0, CUDA 12.6: Orin (nvgpu) (8.7)",
        "docs.nvidia.com/jetson, Jetson Linux 36",
        join(jetson(None, None, "5.15.148-tegra", soc="35"), LIBRARY_AARCH64),
        nvml={"driver": "540.4.0", "cuda": "12.6", "devices": [("Orin (nvgpu)", "8.7")]},
        host=AARCH64,
        smi_lines=("540.4.0",),
        platform="linux_aarch64",
        why="We are: PyTorch's aarch64 wheels hold no code for this driver's Tegra; NVIDIA's do.",
    ),
    Kind(
        "IGX Orin with an RTX A6000",
        "NVML; device tree of an Orin, a discrete GPU on the bus",
        "NVIDIA driver 535.154.05, CUDA 12.2: NVIDIA RTX A6000 (8.6)",
        "docs.nvidia.com/igx-orin",
        join(
            jetson(
                "nvidia,p3740-0002+p3701-0008 nvidia,tegra234",
                "# R36 (release), REVISION: 3.1",
                "5.15.0-1012-nvidia-tegra-igx",
            ),
            nvidia_module("535.154.05", open_module=True, architecture="aarch64"),
            LIBRARY_AARCH64,
            _gpus("10de:2230", kind="0x030000"),
        ),
        nvml={"driver": "535.154.05", "cuda": "12.2", "devices": [("NVIDIA RTX A6000", "8.6")]},
        host=AARCH64,
        platform="linux_aarch64",
        why=_BOTH,
    ),
]

_AMD_WHY = "We are: the kernel lists the GPU; uv asks rocm_agent_enumerator, which comes with ROCm, and takes cpu."

AMD = [
    Kind(
        "8 x MI300X, no ROCm installed",
        "KFD topology",
        "AMD: 8 x gfx942 discrete",
        f"{KFD_SOURCE}; ROCm/rocm-cli pull request 343",
        join(kfd_cpu(0, 96), kfd_cpu(1, 96), *(_mi300x(2 + number, 0x05 + number * 0x10) for number in range(8))),
        why=_AMD_WHY,
    ),
    Kind(
        "8 x MI300X, ROCm installed",
        "KFD topology; rocm_agent_enumerator for uv",
        "AMD: 8 x gfx942 discrete",
        f"{KFD_SOURCE}; rocm.docs.amd.com, rocm_agent_enumerator",
        join(kfd_cpu(0, 96), kfd_cpu(1, 96), *(_mi300x(2 + number, 0x05 + number * 0x10) for number in range(8))),
        rocm=("gfx000", *("gfx942",) * 8),
        why="Both can run.",
    ),
    Kind(
        "2 x MI300X in CPX mode",
        "KFD topology: 16 nodes, 8 for each GPU",
        "AMD: 2 x gfx942 discrete",
        KFD_SOURCE,
        join(
            kfd_cpu(0, 96),
            *(_mi300x(1 + bus * 8 + part, 0x05 + bus * 0x10, part) for bus in range(2) for part in range(8)),
        ),
        notes=(("nodes/2/properties", "found", "a partition of the GPU"),),
        why=_AMD_WHY,
    ),
    Kind(
        "MI355X",
        "KFD topology",
        "AMD: gfx950 discrete",
        "ROCm/rocm-systems pull request 10274",
        join(
            kfd_cpu(0, 128),
            kfd(5, {"simd_count": 1024, "gfx_target_version": 90500, "location_id": 1280, "device_id": 30112}),
        ),
        why=_AMD_WHY,
    ),
    Kind(
        "MI250X, two dies",
        "KFD topology: two PCI addresses",
        "AMD: 2 x gfx90a discrete",
        LLVM,
        join(
            kfd_cpu(0, 64),
            kfd(1, {"simd_count": 440, "gfx_target_version": 90010, "location_id": 49408}, "aldebaran"),
            kfd(2, {"simd_count": 440, "gfx_target_version": 90010, "location_id": 50688}, "aldebaran"),
        ),
        why=_AMD_WHY,
    ),
    Kind(
        "Radeon VII (gfx906)",
        "KFD topology",
        "AMD: gfx906 discrete",
        LLVM,
        join(kfd_cpu(0, 16), kfd(1, {"simd_count": 240, "gfx_target_version": 90006, "location_id": 2816}, "vega20")),
        rocm=("gfx000", "gfx906"),
        why="We are: rocBLAS dropped gfx906 with ROCm 6.4, so uv's rocm7.2 does not compute on it.",
    ),
    Kind(
        "RX 7900 XTX beside a Ryzen's own GPU",
        "KFD topology: gfx1100 and gfx1036",
        "AMD: gfx1100 discrete, gfx1036 integrated",
        LLVM,
        join(
            kfd_cpu(0, 32),
            kfd(1, {"simd_count": 192, "gfx_target_version": 110000, "location_id": 768}),
            kfd(2, {"simd_count": 4, "gfx_target_version": 100306, "location_id": 4352}),
        ),
        rocm=("gfx000", "gfx1100", "gfx1036"),
        why="Both can run.",
    ),
    Kind(
        "RX 9070 XT",
        "KFD topology",
        "AMD: gfx1201 discrete",
        LLVM,
        join(kfd_cpu(0, 16), kfd(1, {"gfx_target_version": 120001, "location_id": 768})),
        why=_AMD_WHY,
    ),
    Kind(
        "Strix Halo",
        "KFD topology",
        "AMD: gfx1151 integrated",
        "llvm/llvm-project pull request 163717",
        join(
            kfd_cpu(0, 32),
            kfd(1, {"simd_count": 80, "gfx_target_version": 110501, "location_id": 50432, "device_id": 5510}),
        ),
        why=_AMD_WHY,
    ),
    Kind(
        "Steam Deck (gfx1033)",
        "KFD topology",
        "AMD: gfx1033 integrated",
        LLVM,
        join(kfd_cpu(0, 8), kfd(1, {"simd_count": 16, "gfx_target_version": 100303, "location_id": 1024})),
        rocm=("gfx000", "gfx1033"),
        why="The same build.",
    ),
    Kind(
        "RX 6700 XT with HSA_OVERRIDE_GFX_VERSION",
        "KFD topology; HSA_OVERRIDE_GFX_VERSION=10.3.0",
        "AMD: gfx1030 discrete",
        "ROCm/ROCR-Runtime libhsakmt topology.c",
        join(kfd_cpu(0, 16), kfd(1, {"simd_count": 80, "gfx_target_version": 100301, "location_id": 768})),
        env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
        rocm=("gfx000", "gfx1031"),
        notes=(("$HSA_OVERRIDE_GFX_VERSION", "found", "gfx1031 counts as gfx1030"),),
        why="We are: ROCm goes by the variable. uv has no gfx1031 and takes cpu.",
    ),
    Kind(
        "container that may see one of two GPUs",
        "KFD topology; a node that cannot be read",
        "AMD: gfx1100 discrete",
        KFD_SOURCE,
        join(
            kfd_cpu(0, 32),
            kfd(1, {"gfx_target_version": 110000, "location_id": 768}),
            {"sys/devices/virtual/kfd/kfd/topology/nodes/2/properties": FOLDER},
        ),
        notes=(("nodes/2/properties", "unreadable", ""),),
        why=_AMD_WHY,
    ),
    Kind(
        "kernel before 5.16",
        "KFD topology without gfx_target_version; the device's id",
        "AMD: gfx900 discrete",
        f"{KFD_SOURCE}; {HSAKMT}",
        join(kfd_cpu(0, 16), kfd(1, {"simd_count": 256, "location_id": 768, "device_id": 26751}, "vega10")),
        notes=(("nodes/1/properties", "found", "1002:687f is gfx900"),),
        why=_AMD_WHY,
    ),
    Kind(
        "kernel before 5.16, a GPU that is in no table",
        "KFD topology without gfx_target_version",
        "AMD: 1002:7480 discrete",
        KFD_SOURCE,
        join(kfd_cpu(0, 16), kfd(1, {"simd_count": 64, "location_id": 768, "device_id": 29824})),
        notes=(("nodes/1/properties", "unreadable", "5.16"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "twelve nodes, with GPUs of two kinds",
        "KFD topology: gfx906 is node 10, gfx1030 node 2",
        "AMD: gfx1030 discrete, gfx906 discrete",
        LLVM,
        join(
            kfd_cpu(0, 64),
            kfd_cpu(1, 64),
            kfd(2, {"simd_count": 144, "gfx_target_version": 100300, "location_id": 768}),
            kfd(10, {"simd_count": 240, "gfx_target_version": 90006, "location_id": 2816}, "vega20"),
        ),
        why="We are: the newest release serves gfx1030 alone; uv asks rocm_agent_enumerator, which comes with ROCm.",
    ),
    Kind(
        "RX 6700 XT without HSA_OVERRIDE_GFX_VERSION",
        "KFD topology",
        "AMD: gfx1031 discrete",
        LLVM,
        join(kfd_cpu(0, 16), kfd(1, {"simd_count": 80, "gfx_target_version": 100301, "location_id": 768})),
        rocm=("gfx000", "gfx1031"),
        why="The same build, and we name the variable that helps.",
    ),
    Kind(
        "laptop with gfx1037",
        "KFD topology",
        "AMD: gfx1037 integrated",
        "reported, not looked up again",
        join(kfd_cpu(0, 8), kfd(1, {"simd_count": 4, "gfx_target_version": 100307, "location_id": 1024})),
        why="The same build, and we name the variable that helps.",
    ),
    Kind(
        "MI300X without amdgpu",
        "PCI id of class 0x1200, no KFD; Intel's NPU is of that class too",
        "AMD: 1002:74a1 discrete",
        f"{PCI_IDS}; pcisig.com, PCI Code and ID Assignment (class 12h)",
        join(pci("0000:05:00.0", "1002:74a1", "0x120000"), pci("0000:00:0b.0", "8086:7d1d", "0x120000")),
        notes=(("0000:05:00.0", "absent", "amdgpu with KFD"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "AMD GPU without KFD",
        "PCI id alone",
        "AMD: 1002:744c discrete",
        KFD_SOURCE,
        pci("0000:03:00.0", "1002:744c", driver="amdgpu"),
        notes=(("/sys/class/kfd", "absent", "an AMD GPU without"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "RTX 4090 and RX 7900 XTX in one machine",
        "NVML; KFD topology",
        "NVIDIA driver 550.54.14, CUDA 12.4: NVIDIA GeForce RTX 4090 (8.9); AMD: gfx1100 discrete",
        f"{CUDA_GPUS}; {LLVM}",
        join(
            nvidia_module("550.54.14"),
            LIBRARY,
            _gpus("10de:2684", kind="0x030000"),
            kfd_cpu(0, 16),
            kfd(1, {"gfx_target_version": 110000, "location_id": 768}),
        ),
        nvml={"devices": [("NVIDIA GeForce RTX 4090", "8.9")]},
        why=_BOTH,
    ),
]

_INTEL_WHY = (
    "We are: no XPU build supports this GPU. uv takes any Intel display device for one, and offers no other index."
)

INTEL = [
    Kind(
        "Arc A770",
        "PCI id",
        "Intel: 8086:56a0 discrete",
        f"{I915}; {XPU_DOCS}",
        pci("0000:03:00.0", "8086:56a0", driver="i915"),
        why="The same build.",
    ),
    Kind(
        "Arc B580",
        "PCI id",
        "Intel: 8086:e20b discrete",
        f"{I915}; {XPU_DOCS}",
        pci("0000:03:00.0", "8086:e20b", driver="xe"),
        why="The same build.",
    ),
    Kind(
        "4 x Data Center GPU Max 1550",
        "PCI ids",
        "Intel: 4 x 8086:0bd5 discrete",
        f"{I915}; {XPU_DOCS}",
        join(*(pci(f"0000:{0x29 + number:02x}:00.0", "8086:0bd5", "0x038000", "i915") for number in range(4))),
        why="The same build.",
    ),
    Kind(
        "Data Center GPU Flex 170 with virtual functions",
        "PCI ids; virtual functions of one GPU",
        "Intel: 8086:56c0 discrete",
        f"{I915}; kernel Documentation/PCI/pci-iov-howto.rst",
        join(
            pci("0000:4d:00.0", "8086:56c0", "0x038000", "i915"),
            *(pci(f"0000:4d:00.{number}", "8086:56c0", "0x038000") for number in (1, 2)),
            {f"sys/devices/pci0000:00/0000:4d:00.{number}/physfn": Link("../0000:4d:00.0") for number in (1, 2)},
        ),
        why="The same build.",
    ),
    Kind(
        "Meteor Lake-H laptop",
        "PCI id",
        "Intel: 8086:7d55 integrated",
        f"{I915}; {XPU_DOCS}",
        pci("0000:00:02.0", "8086:7d55", driver="xe"),
        why="The same build.",
    ),
    Kind(
        "Lunar Lake laptop",
        "PCI id",
        "Intel: 8086:64a0 integrated",
        f"{I915}; {XPU_DOCS}",
        pci("0000:00:02.0", "8086:64a0", driver="xe"),
        why="The same build.",
    ),
    Kind(
        "Panther Lake laptop",
        "PCI id",
        "Intel: 8086:b080 integrated",
        f"{I915}; {XPU_DOCS}",
        pci("0000:00:02.0", "8086:b080", driver="xe"),
        why="The same build.",
    ),
    Kind(
        "office PC with UHD 630",
        "PCI id",
        "Intel: 8086:3e92 integrated",
        I915,
        pci("0000:00:02.0", "8086:3e92", driver="i915"),
        notes=(("Intel GPUs", "found", "no XPU build supports"),),
        why=_INTEL_WHY,
    ),
    Kind(
        "Tiger Lake laptop with Iris Xe",
        "PCI id",
        "Intel: 8086:9a49 integrated",
        I915,
        pci("0000:00:02.0", "8086:9a49", driver="i915"),
        why=_INTEL_WHY,
    ),
    Kind(
        "UHD 770 and Arc A380",
        "PCI ids",
        "Intel: 8086:4680 integrated, 8086:56a5 discrete",
        f"{I915}; {XPU_DOCS}",
        join(pci("0000:00:02.0", "8086:4680", driver="i915"), pci("0000:03:00.0", "8086:56a5", driver="i915")),
        why="The same build.",
    ),
    Kind(
        "Intel GPU newer than the table",
        "PCI id; driver xe",
        "Intel: 8086:ffee integrated",
        "made up",
        pci("0000:00:02.0", "8086:ffee", driver="xe"),
        notes=(("Intel GPUs", "unreadable", "not in the table"), ("libze_intel_gpu.so.1", "absent", "compute driver")),
        why="The same build. We say that it is in no table.",
    ),
    Kind(
        "Intel GPU that is in no table, without a driver",
        "PCI id",
        "Intel: 8086:ffee integrated",
        "made up",
        pci("0000:00:02.0", "8086:ffee"),
        notes=(("Intel GPUs", "unreadable", "not in the table"),),
        why="Nobody knows: nothing says what it is. The setting backend=xpu decides it.",
    ),
    Kind(
        "Meteor Lake-U laptop, with Intel's compute driver",
        "PCI id; libze_intel_gpu.so.1",
        "Intel: 8086:7d45 integrated",
        f"{I915}; {XPU_CODE}",
        join(pci("0000:00:02.0", "8086:7d45", driver="i915"), {"usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1": ""}),
        notes=(("Intel GPUs", "found", "does not list"), ("libze_intel_gpu.so.1", "found", "/usr/lib")),
        why="The same build.",
    ),
    Kind(
        "Arrow Lake-S desktop",
        "PCI id",
        "Intel: 8086:7d67 integrated",
        f"{I915}; {XPU_CODE}",
        pci("0000:00:02.0", "8086:7d67", driver="xe"),
        why="The same build.",
    ),
    Kind(
        "Nova Lake and Wildcat Lake",
        "PCI ids",
        "Intel: 8086:d750 integrated, 8086:fd80 integrated",
        f"{I915}; {XPU_CODE}",
        join(pci("0000:00:02.0", "8086:d750", driver="xe"), pci("0001:00:02.0", "8086:fd80", driver="xe")),
        why="The same build.",
    ),
    Kind(
        "Crescent Island and an Arc Pro of PCI id e215",
        "PCI ids",
        "Intel: 8086:674c discrete, 8086:e215 discrete",
        f"{I915}; intel/compute-runtime; {XPU_CODE}",
        join(pci("0000:03:00.0", "8086:674c", "0x038000", "xe"), pci("0000:04:00.0", "8086:e215", "0x030000", "xe")),
        why="The same build.",
    ),
    Kind(
        "netbook with GMA 3150",
        "PCI id",
        "Intel: 8086:a011 integrated",
        I915,
        pci("0000:00:02.0", "8086:a011", driver="i915"),
        why=_INTEL_WHY,
    ),
    Kind(
        "WSL2, Arc A770",
        "/dev/dxg and the folder of Intel's driver",
        "none",
        "learn.microsoft.com/windows/wsl, GPU acceleration; docs.pytorch.org 2.15, notes/get_start_xpu",
        join(
            {"dev/dxg": "", "usr/lib/wsl/drivers/iigd_dch.inf_amd64_0a1b/libze_intel_gpu.so.1": ""},
            pci("5582:00:00.0", "1414:008e", "0x030200"),
        ),
        notes=(("iigd_dch.inf", "unreadable", "backend=xpu"),),
        why="The same build. WSL does not say which GPU it is, and we name the setting.",
    ),
    Kind(
        "Arc A770 set aside for a virtual machine",
        "PCI id; driver vfio-pci",
        "none",
        VFIO,
        pci("0000:03:00.0", "8086:56a0", driver="vfio-pci"),
        notes=(("0000:03:00.0", "absent", "virtual machine"),),
        why="We are: this system has no use of the GPU.",
    ),
]

_RECORDED = "recorded values, not run on Windows"

WINDOWS_KINDS = [
    Kind(
        "Windows, RTX 4090",
        f"NVML; registry ({_RECORDED})",
        "NVIDIA driver 566.36, CUDA 12.7: NVIDIA GeForce RTX 4090 (8.9); Intel: 8086:a780 integrated",
        WINDOWS_DOCS,
        nvml={"driver": "566.36", "cuda": "12.7", "devices": [("NVIDIA GeForce RTX 4090", "8.9")]},
        host=WINDOWS,
        adapters=(
            ("PCI\\VEN_10DE&DEV_2684&SUBSYS_16F410DE", "NVIDIA GeForce RTX 4090", "32.0.15.6636"),
            ("PCI\\VEN_8086&DEV_A780&SUBSYS_00008086", "Intel(R) UHD Graphics 770", "32.0.101.6127"),
        ),
        smi_lines=("566.36",),
        platform="win_amd64",
        why=_BOTH,
    ),
    Kind(
        "Windows, RTX 3060, no NVML",
        f"registry ({_RECORDED})",
        "NVIDIA driver 551.61, CUDA 12.4: NVIDIA GeForce RTX 3060 (8.6)",
        WINDOWS_DOCS,
        pynvml=False,
        host=WINDOWS,
        adapters=(("PCI\\VEN_10DE&DEV_2504&SUBSYS_397D1462", "NVIDIA GeForce RTX 3060", "31.0.15.5161"),),
        platform="win_amd64",
        why="We are: uv needs nvidia-smi in PATH and finds none, so it takes cpu.",
    ),
    Kind(
        "Windows, Arc A770",
        f"registry ({_RECORDED})",
        "Intel: 8086:56a0 discrete",
        WINDOWS_DOCS,
        host=WINDOWS,
        adapters=(
            ("PCI\\VEN_8086&DEV_56A0&SUBSYS_10201849&REV_08", "Intel(R) Arc(TM) A770 Graphics", "32.0.101.6127"),
        ),
        platform="win_amd64",
        why="The same build.",
    ),
    Kind(
        "Windows, Arc A770 that was taken out, UHD 630",
        f"registry; the card is no longer present ({_RECORDED})",
        "Intel: 8086:3e92 integrated",
        WINDOWS_DOCS,
        host=WINDOWS,
        adapters=(
            ("PCI\\VEN_8086&DEV_56A0&SUBSYS_10201849&REV_08", "Intel(R) Arc(TM) A770 Graphics", "32.0.101.6127"),
            ("PCI\\VEN_8086&DEV_3E92", "Intel(R) UHD Graphics 630", "31.0.101.2125"),
        ),
        removed=("8086:56a0",),
        platform="win_amd64",
        notes=(("registry: adapter 0000", "absent", "not present now"),),
        why=_INTEL_WHY,
    ),
    Kind(
        "Windows, RX 7900 XTX",
        f"registry ({_RECORDED})",
        "AMD: 1002:744c discrete",
        WINDOWS_DOCS,
        host=WINDOWS,
        adapters=(("PCI\\VEN_1002&DEV_744C&SUBSYS_0E3B1002&REV_C8", "AMD Radeon RX 7900 XTX", "32.0.12019.1028"),),
        platform="win_amd64",
        notes=(("AMD GPUs", "found", "no ROCm builds for Windows; AMD has"),),
        why="The same build, and we point to AMD's wheels.",
    ),
    Kind(
        "Windows, RTX 4090 without a driver version, no NVML",
        f"registry ({_RECORDED})",
        "NVIDIA without a driver: NVIDIA GeForce RTX 4090 (8.9)",
        WINDOWS_DOCS,
        pynvml=False,
        host=WINDOWS,
        adapters=(("PCI\\VEN_10DE&DEV_2684&SUBSYS_16F410DE", "NVIDIA GeForce RTX 4090", ""),),
        platform="win_amd64",
        notes=(("NVIDIA driver", "absent", "NVIDIA's driver is not"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "Windows, RTX 4090 on the Basic Display Adapter",
        f"registry and configuration manager ({_RECORDED})",
        "NVIDIA without a driver: GPU (8.9)",
        "learn.microsoft.com, Microsoft Basic Display Driver (display.inf, PCI\\CC_0300)",
        pynvml=False,
        host=WINDOWS,
        adapters=(("PCI\\CC_0300", "Microsoft Basic Display Adapter", "10.0.26100.1"),),
        instances=("PCI\\VEN_10DE&DEV_2684&SUBSYS_16F410DE&REV_A1\\4&2283F625&0&0019",),
        platform="win_amd64",
        notes=(("driver of 10de:2684", "absent", "Basic Display Adapter"),),
        why="The same build, and we say why.",
    ),
    Kind(
        "Windows in Hyper-V with a part of an RTX A6000",
        f"NVML; registry: 1414:008e ({_RECORDED})",
        "NVIDIA driver 553.62, CUDA 12.4: NVIDIA RTX A6000 (8.6)",
        "learn.microsoft.com, GPU partitioning",
        nvml={"driver": "553.62", "cuda": "12.4", "devices": [("NVIDIA RTX A6000", "8.6")]},
        host=WINDOWS,
        adapters=(("PCI\\VEN_1414&DEV_008E", "NVIDIA RTX A6000", "32.0.15.5362"),),
        smi_lines=("553.62",),
        platform="win_amd64",
        why=_BOTH,
    ),
    Kind(
        "RTX Spark, Windows on ARM64",
        f"NVML; registry ({_RECORDED})",
        "NVIDIA driver 610.10, CUDA 13.4: NVIDIA RTX Spark (12.1)",
        "unslothai/unsloth pull request 10282; bitsandbytes-foundation/bitsandbytes pull request 2038",
        nvml={"driver": "610.10", "cuda": "13.4", "devices": [("NVIDIA RTX Spark", "12.1")]},
        host=Host(sys_platform="win32", machine="arm64", pointer_bits=64, python="3.12"),
        adapters=(("PCI\\VEN_10DE&DEV_2E12", "NVIDIA RTX Spark", "32.0.16.1010"),),
        native="ARM64",
        smi_lines=("610.10",),
        platform="win_arm64",
        why="We are: PyTorch has no CUDA build for Windows on ARM, and we point to NVIDIA's wheels.",
    ),
    Kind(
        "Windows on ARM64",
        f"registry ({_RECORDED})",
        "none",
        WINDOWS_DOCS,
        host=Host(sys_platform="win32", machine="arm64", pointer_bits=64, python="3.12"),
        adapters=(),
        native="ARM64",
        platform="win_arm64",
        why="The same build.",
    ),
    Kind(
        "Windows on ARM64, an x86_64 Python",
        f"registry: PROCESSOR_ARCHITECTURE ({_RECORDED})",
        "none",
        WINDOWS_DOCS,
        host=WINDOWS,
        adapters=(),
        native="ARM64",
        platform="win_amd64",
        notes=(("python", "found", "emulated"),),
        why="The same build.",
    ),
    Kind(
        "Windows, a 32-bit Python",
        f"sysconfig: win32 ({_RECORDED})",
        "none",
        "docs.python.org, sysconfig.get_platform",
        host=Host(sys_platform="win32", machine="win32", pointer_bits=32, python="3.12"),
        adapters=(),
        platform=None,
        why="Neither: torch has no wheels for it.",
    ),
]

_MAC = "uname of such a machine, not run on macOS"

MACS = [
    Kind(
        "MacBook with an Apple chip",
        f"arm64 Python ({_MAC})",
        "none",
        "docs.python.org, os.uname",
        {"System/Library/CoreServices/SystemVersion.plist": PLIST.format("15.6.1")},
        host=Host("darwin", "arm64", 64, "3.12", kernel=MAC_KERNEL.format("ARM64_T6000")),
        platform="macos_arm64",
        notes=(("SystemVersion.plist", "found", "macOS 15.6.1"),),
        why="The same build.",
    ),
    Kind(
        "MacBook with macOS 13",
        f"arm64 Python ({_MAC})",
        "none",
        "tags of PyPI's wheels of torch: macosx_14_0_arm64 from 2.12.0 on",
        {"System/Library/CoreServices/SystemVersion.plist": PLIST.format("13.7.1")},
        host=Host("darwin", "arm64", 64, "3.12", kernel=MAC_KERNEL.format("ARM64_T8103")),
        platform="macos_arm64",
        why="The same build: newer releases need macOS 14, which uv sees from the wheels' tags.",
    ),
    Kind(
        "the same, with an x86_64 Python under Rosetta",
        f"x86_64 Python, ARM64 kernel ({_MAC})",
        "none",
        "developer.apple.com, About the Rosetta translation environment",
        {"System/Library/CoreServices/SystemVersion.plist": PLIST.format("15.6.1")},
        host=Host("darwin", "x86_64", 64, "3.12", kernel=MAC_KERNEL.format("ARM64_T6000")),
        platform="macos_x86_64",
        notes=(("Rosetta", "found", "an arm64 Python would"),),
        why="The same build, and we say why it is an old one.",
    ),
    Kind(
        "Intel Mac",
        f"x86_64 Python ({_MAC})",
        "none",
        "docs.python.org, os.uname",
        {"System/Library/CoreServices/SystemVersion.plist": PLIST.format("13.7")},
        host=Host("darwin", "x86_64", 64, "3.12", kernel=MAC_KERNEL.format("X86_64")),
        platform="macos_x86_64",
        why="The same build.",
    ),
]

HOSTS = [
    Kind(
        "server without a GPU",
        "a BMC's display device",
        "none",
        PCI_IDS,
        _BMC,
        why="The same build.",
    ),
    Kind(
        "virtual machine without a display",
        "no display device",
        "none",
        PCI_IDS,
        pci("0000:00:01.0", "1af4:1041", "0x020000", "virtio-pci"),
        notes=(("/sys/bus/pci/devices", "absent", "no display device"),),
        why="The same build.",
    ),
    Kind(
        "container without /sys",
        "nothing",
        "none",
        "docs.docker.com, masked paths",
        why="The same build.",
    ),
    Kind(
        "Alpine with an A100",
        "musl 1.2; module and PCI ids",
        "NVIDIA driver 550.54.14, CUDA 12.4, without libcuda.so.1: GPU (8.0)",
        "peps.python.org/pep-0656",
        join(nvidia_module("550.54.14"), _gpus("10de:20b2")),
        host=linux(libc="musl 1.2"),
        why="We are: torch has no musllinux wheels at all; uv finds an index and no wheel.",
    ),
    Kind(
        "CentOS 7",
        "glibc 2.17",
        "none",
        PEP_600,
        host=linux(libc="glibc 2.17", python="3.9"),
        why="The same build: newer releases need glibc 2.28, which uv sees from the wheels' tags.",
    ),
    Kind(
        "a 32-bit Python on x86_64",
        "pointers of 32 bits",
        "none",
        "packaging.tags",
        host=linux(pointer_bits=32),
        platform=None,
        why="Neither: torch has no wheels for it.",
    ),
    Kind(
        "a 32-bit Python on aarch64",
        "pointers of 32 bits",
        "none",
        "packaging.tags",
        host=linux("aarch64", pointer_bits=32),
        platform=None,
        why="Neither: torch has no wheels for it.",
    ),
    Kind(
        "a free-threaded Python",
        "abiflags with t",
        "none",
        "peps.python.org/pep-0703",
        host=linux(python="3.13t"),
        why="The same build.",
    ),
    Kind(
        "Termux, Python 3.12",
        "sys.getandroidapilevel; sys.platform says linux",
        "none",
        "docs.python.org, sys.getandroidapilevel; termux/termux-packages, python",
        host=linux("aarch64", libc=None, android=True),
        platform=None,
        why="Neither: torch has no wheels for it.",
    ),
    Kind(
        "s390x",
        "uname",
        "none",
        "docs.python.org, os.uname",
        host=linux("s390x"),
        platform=None,
        why="Neither: torch-auto does not pin the one release that PyTorch has for it, and says so.",
    ),
    Kind(
        "PyPy",
        "sys.implementation",
        "none",
        "docs.python.org, sys.implementation",
        host=linux(implementation="pypy", python="3.10"),
        notes=(("python", "unreadable", "no wheels for pypy"),),
        why="Neither: torch has no wheels for it.",
    ),
    Kind(
        "ppc64le",
        "uname",
        "none",
        "docs.python.org, os.uname",
        host=linux("ppc64le"),
        platform=None,
        why="Neither: torch has no wheels for it.",
    ),
    Kind(
        "FreeBSD",
        "sys.platform",
        "none",
        "docs.python.org, sys.platform",
        host=Host("freebsd14", "amd64", 64, "3.11"),
        platform=None,
        why="Neither: torch has no wheels for it.",
    ),
]

KINDS = [*HOSTS, *NVIDIA, *JETSONS, *AMD, *INTEL, *WINDOWS_KINDS, *MACS]
