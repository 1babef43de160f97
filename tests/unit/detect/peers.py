"""The inputs of two peers' own tests, what they expect of them, and who is right where we answer otherwise.

torchruntime: easydiffusion/torchruntime tests/test_platform_detection.py @349751f7, on Python 3.9 and newer. It is fed
PCI names and knows no driver; we are given driver 580 and, for AMD, the kernel's compute driver. light-the-torch:
pmeier/light-the-torch tests/test_computation_backend.py @17117577. It is fed a driver version and knows no GPU; we are
given an A100. It answers with every CUDA that the driver supports, of which the newest stands here.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch_auto.machine import Accelerator, Device, Machine
from unit.machines import amd, intel, machine, nvidia


@dataclass(frozen=True)
class Input:
    """An input of a peer's tests: what it is, as a machine, the peer's answer, and who is right."""

    peer: str
    name: str
    machine: Machine
    theirs: str
    why: str


SAME = "The same."
_BOTH = "Both can run. torchruntime's table ends at CUDA 12.8, and it looks at no driver."
_OLD_ROCM = "Both can run. torchruntime's table ends at ROCm 6.2."
_NO_CODE = "We are: no build of PyTorch's that can be installed has code for it. An older ROCm wheel is of torch 1."
_DIRECTML = "Neither is PyTorch: DirectML is a package of its own. We point to AMD's wheels."
_MAC = "We are: every Mac with Apple silicon has one build."


def _580(*capabilities: tuple[int, int] | None) -> Accelerator:
    return nvidia("580.65.06", (13, 0), *capabilities)


def _driver(version: str, cuda: tuple[int, int], platform: str = "linux_x86_64") -> Machine:
    return machine(nvidia(version, cuda, (8, 0)), platform=platform)


_UNKNOWN_AMD = Accelerator("amd", (Device("UnknownModel", pci_id="1002:1234"),))
_PHOENIX = Accelerator("amd", (Device("Phoenix", gfx_target="gfx1103", integrated=True),))
_IRIS = intel("8086:9a49")
_WIN, _MACOS = "win_amd64", "macos_arm64"


def _apu(target: str) -> Accelerator:
    return Accelerator("amd", (Device(gfx_target=target, integrated=True),))


_RUNTIME = [
    ("no GPU, Windows", machine(platform=_WIN), "cpu", SAME),
    ("no GPU, Linux", machine(), "cpu", SAME),
    ("no GPU, macOS", machine(platform=_MACOS), "cpu", SAME),
    (
        "Radeon, Windows",
        machine(Accelerator("amd", (Device("Radeon", pci_id="1002:744c"),)), platform=_WIN),
        "directml",
        _DIRECTML,
    ),
    ("Navi 41 (gfx1201)", machine(amd("gfx1201")), "rocm6.2", "We are: ROCm 6.2's build has no code for gfx1201."),
    ("Navi 31 (gfx1100)", machine(amd("gfx1100")), "rocm6.2", _OLD_ROCM),
    (
        "Navi 22 (gfx1031)",
        machine(amd("gfx1031")),
        "rocm6.2",
        "Both, in their way: torchruntime sets HSA_OVERRIDE_GFX_VERSION when torch starts, and we name it first.",
    ),
    ("Navi 10 (gfx1010)", machine(amd("gfx1010")), "rocm5.2", _NO_CODE),
    ("Vega 20 (gfx906)", machine(amd("gfx906")), "rocm5.7", "Both can run; 2.9.1+rocm6.3 is the newest that does."),
    ("Vega 10 (gfx900)", machine(amd("gfx900")), "rocm5.2", "We are: torch 2.9.1+rocm6.3 has code for it."),
    ("Ellesmere (gfx803)", machine(amd("gfx803")), "rocm4.2", _NO_CODE),
    ("Ellesmere, without what is out of support", machine(amd("gfx803")), "error", _NO_CODE),
    ("an AMD GPU of unknown name", machine(_UNKNOWN_AMD), "cpu", SAME),
    ("Radeon, macOS", machine(platform=_MACOS), "mps", _MAC),
    ("GeForce, Windows", machine(_580(None), platform=_WIN), "cu128", _BOTH),
    ("GeForce, Linux", machine(_580(None)), "cu128", _BOTH),
    (
        "GeForce, torch==2.6.0 asked for",
        machine(_580((8, 6)), platform=_WIN),
        "cu124",
        "Both can run: torch-auto 2.6.0 gives cu126 there, the newest of that release.",
    ),
    ("GeForce, macOS", machine(platform=_MACOS), "error", _MAC),
    (
        "GTX 780 (3.5), Windows",
        machine(_580((3, 5)), platform=_WIN),
        "cu118",
        "We are: no build of torch 2 has code for compute capability 3.5.",
    ),
    (
        "GTX 1060 (6.1), Windows",
        machine(_580((6, 1)), platform=_WIN),
        "cu124",
        "Both can run; 2.14.1+cu126 is the newest that does.",
    ),
    ("GTX 1660 (7.5), Windows", machine(_580((7, 5)), platform=_WIN), "cu128", _BOTH),
    ("RTX 2060 (7.5), Windows", machine(_580((7, 5)), platform=_WIN), "cu128", _BOTH),
    ("RTX 3060 Ti (8.6), Windows", machine(_580((8, 6)), platform=_WIN), "cu128", _BOTH),
    ("RTX 4070 Ti (8.9), Windows", machine(_580((8, 9)), platform=_WIN), "cu128", _BOTH),
    ("RTX 5080 (12.0), Windows", machine(_580((12, 0)), platform=_WIN), "cu128", _BOTH),
    ("Iris Xe, Windows", machine(_IRIS, platform=_WIN), "xpu", "We are: no XPU build supports Iris Xe."),
    ("Iris Xe, Linux", machine(_IRIS), "xpu", "We are: no XPU build supports Iris Xe."),
    ("RTX 5080 (12.0), Linux", machine(_580((12, 0))), "cu128", _BOTH),
    ("Iris, macOS", machine(platform=_MACOS), "error", _MAC),
    (
        "Radeon and GeForce, Windows",
        machine(_580(None), Accelerator("amd", (Device("Radeon", pci_id="1002:744c"),)), platform=_WIN),
        "cu128",
        _BOTH,
    ),
    (
        "Radeon and Iris, Windows",
        machine(Accelerator("amd", (Device("Radeon", pci_id="1002:744c"),)), _IRIS, platform=_WIN),
        "error",
        "We are: neither has a build of PyTorch's for Windows, and the CPU build installs.",
    ),
    (
        "RTX 3060 and GTX 1060",
        machine(_580((8, 6), (6, 1))),
        "cu128",
        "We are: cu128 has no code for 6.1; both newest cu126 and cu130 run on the RTX 3060, cu126 on both.",
    ),
    ("Tesla M40 and GTX 960", machine(_580((5, 2), (5, 2))), "cu124", "Both can run; 2.14.1+cu126 is the newest."),
    ("Navi 33 and Navi 21", machine(amd("gfx1102", "gfx1030")), "rocm6.2", _OLD_ROCM),
    (
        "Navi 33 and Vega 20",
        machine(amd("gfx1102", "gfx906")),
        "rocm5.7",
        "Both can run: we take the newest release, for the newer GPU; torchruntime one that runs on both.",
    ),
    (
        "Vega 20 and Navi 21",
        machine(amd("gfx906", "gfx1030")),
        "rocm5.7",
        "Both can run: we take the newest release, for the newer GPU; torchruntime one that runs on both.",
    ),
    ("Vega 10 and Navi 21", machine(amd("gfx900", "gfx1030")), "rocm6.2", _OLD_ROCM),
    ("Ellesmere and Navi 33", machine(amd("gfx803", "gfx1102")), "rocm6.2", _OLD_ROCM),
    ("SPARC", Machine("linux", "sparc", "3.12"), "error", "The same: torch has no wheels there."),
    ("a GPU of an unknown vendor, Windows", machine(platform=_WIN), "cpu", SAME),
    ("Phoenix (gfx1103), integrated", machine(_PHOENIX), "rocm6.2", _OLD_ROCM),
    (
        "Van Gogh (gfx1033), integrated",
        machine(_apu("gfx1033")),
        "rocm6.2",
        "Both, in their way: torchruntime sets HSA_OVERRIDE_GFX_VERSION when torch starts, and we name it first.",
    ),
    ("Renoir (gfx90c), integrated", machine(_apu("gfx90c")), "rocm5.5", "Both, in their way: we name the variable."),
    ("an unknown integrated GPU of AMD's", machine(_UNKNOWN_AMD), "cpu", SAME),
    (
        "Phoenix, Windows",
        machine(Accelerator("amd", (Device("Phoenix", pci_id="1002:164f"),)), platform=_WIN),
        "directml",
        _DIRECTML,
    ),
    ("Phoenix, macOS", machine(platform=_MACOS), "cpu", SAME),
    ("56c1, integrated by name, Linux", machine(intel("8086:56c1")), "xpu", SAME),
    ("56c1, integrated by name, Windows", machine(intel("8086:56c1"), platform=_WIN), "directml", "We are: XPU runs."),
    ("56c1, macOS", machine(platform=_MACOS), "cpu", SAME),
    (
        "Navi 33 and Phoenix",
        machine(Accelerator("amd", (*amd("gfx1102").devices, *_PHOENIX.devices))),
        "rocm6.2",
        _OLD_ROCM,
    ),
    ("RTX 3060 and Phoenix", machine(_580((8, 6)), _PHOENIX), "cu128", _BOTH),
    ("RTX 3060 and an Intel GPU, Windows", machine(_580((8, 6)), _IRIS, platform=_WIN), "cu128", _BOTH),
    ("Navi 33 and an Intel GPU", machine(amd("gfx1102"), _IRIS), "rocm6.2", _OLD_ROCM),
    ("RTX 3060, Navi 33 and Phoenix", machine(_580((8, 6)), amd("gfx1102")), "cu128", _BOTH),
]

_ENDS = "Both can run. light-the-torch's table ends at CUDA 12.0."
_LIGHT = [
    ("no nvidia-smi", machine(), "cpu", SAME),
    ("driver 525.60.13, Linux", _driver("525.60.13", (12, 0)), "cu120", "We are: there is no cu120 build; cu126 runs."),
    ("driver 374, Linux", _driver("374.1", (8, 0)), "cpu", SAME),
    (
        "driver 527.41, Windows",
        _driver("527.41", (12, 0), _WIN),
        "cu120",
        "We are: on Windows CUDA 12 needs driver 528.33 (NVIDIA's table), so cu118 is the newest.",
    ),
    ("driver 375, Windows", _driver("375.1", (8, 0), _WIN), "cpu", SAME),
]

INPUTS = [
    *(Input("torchruntime", *item) for item in _RUNTIME),
    *(Input("light-the-torch", *item) for item in _LIGHT),
]
#: light-the-torch's other inputs are names of torch backends, and whether it reads them; ours are read by TorchBackend.
NAMES = {
    "cpu": True,
    "cu123": True,
    "cu12.3": True,
    "cuda123": True,
    "cuda12.3": True,
    "rocm4.5.2": True,
    "rocm5.0": True,
    "unknown": False,
    "cudnn": False,
}
