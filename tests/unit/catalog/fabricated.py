"""The next release of torch on a fabricated day: new torch backends, a CUDA major without a driver, a new GPU, a range.

Its names follow the catalog: what is fabricated here never comes to be a release that the catalog has.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from catalog_files import DATA, TorchBackend, load
from support.wheels import TinyWheel

from unit.catalog.indexes import LIBRARY

if TYPE_CHECKING:
    from support.torch_index import TorchIndex

_RELEASES = load(DATA, "releases.json")
_BUILDS = load(DATA, "builds.json")["builds"]
_FLOORS = load(DATA, "nvidia.json")["toolkit_floors"]


def _next(version: str) -> str:
    """2.15.1 as 2.16.0."""
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


RELEASE = _next(_RELEASES["releases"][-1]["release"])
DAY = (date.fromisoformat(_RELEASES["as_of"]) + timedelta(32)).isoformat()
TORCHVISION = _next(
    [pair for pair in load(DATA, "pairs.json")["pairs"] if pair["project"] == "torchvision"][-1]["version"]
)

#: A CUDA major that no driver is known of, and a compute capability that no build has code for, as sm_X has it.
MAJOR = 1 + max(
    *(floor["toolkit_major"] for floor in _FLOORS),
    *((TorchBackend(build["torch_backend"]).toolkit or (0, 0))[0] for build in _BUILDS),
)
CAPABILITY = next(n for n in (107, 117, 127, 137) if not any(n in build.get("sm", ()) for build in _BUILDS))

PYTHONS = (
    "cp311-cp311",
    "cp312-cp312",
    "cp313-cp313",
    "cp313-cp313t",
    "cp314-cp314",
    "cp314-cp314t",
    "cp315-cp315",
    "cp315-cp315t",
)
LINUX, ARM, WINDOWS, MACOS = "manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64", "macosx_14_0_arm64"
WINDOWS_ARM = "win_arm64"

CUDA = f"sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 sm_{CAPABILITY} compute_120"
CUDA_ARM = "sm_80 sm_90 sm_100 sm_110 sm_120"
ROCM = "gfx908 gfx90a gfx942 gfx950 gfx1030 gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1200 gfx1201"

#: The builds of Linux x86_64: the string in the library, and what their wheels require.
BUILDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cpu": ("", ()),
    "cu130": (CUDA, ()),
    "cu132": (CUDA, ()),
    f"cu{MAJOR}0": (CUDA, ()),
    f"cu{MAJOR}10": (CUDA, ()),
    "rocm7.14": (ROCM, ("rocm[device-all,libraries]==7.14.*", "triton-rocm~=3.10.0")),
    "rocm10.0": (ROCM, ("rocm[device-all,libraries]==10.0.*", "triton-rocm~=3.10.0")),
    "xpu": ("", ("triton-xpu==3.10.0",)),
}

#: The torch backends of other platforms, and which of all PyPI's is (None: not on PyPI).
ELSEWHERE = {ARM: ("cpu", "cu130", "cu132"), WINDOWS: ("cpu", "cu130", "cu132", "xpu"), WINDOWS_ARM: ("cpu",)}
PUBLIC = {LINUX: "cu132", ARM: "cu132", WINDOWS: "cpu", MACOS: "cpu"}


def torch_of(backend: str, platform: str, python: str, *, local: bool) -> TinyWheel:
    """A wheel of the release for a torch backend, as the index's or, without a local version, as PyPI's."""
    text, requires = BUILDS[backend]
    library = LIBRARY
    if platform == ARM and text:
        text = CUDA_ARM
    elif platform == WINDOWS:
        library = "torch/lib/torch_python.dll"
    if backend.startswith("cu"):
        requires = ("triton==3.10.0; platform_system == 'Linux'",)
    inside = RELEASE if platform == MACOS else f"{RELEASE}+{backend}"
    modules = [("torch/version.py", f"__version__ = {inside!r}\n")] + ([(library, f"\0{text}\0")] if text else [])
    version = f"{RELEASE}+{backend}" if local else RELEASE
    tag = f"{python}-{platform}"
    return TinyWheel(
        "torch",
        version,
        tag,
        requires=requires,
        requires_python=">=3.11",
        modules=tuple(modules),
        uploaded=f"{DAY}T18:00:00Z",
    )


def vision_of(backend: str | None, platform: str) -> TinyWheel:
    """A wheel of its torchvision, which requires a range of torch."""
    version = f"{TORCHVISION}+{backend}" if backend else TORCHVISION
    inside = TORCHVISION if platform == MACOS else f"{TORCHVISION}+{backend or PUBLIC[platform]}"
    modules = (("torchvision/version.py", f"__version__ = {inside!r}\n"),)
    return TinyWheel("torchvision", version, f"py3-none-{platform}", requires=("torch (>=2.14.0)",), modules=modules)


def publish(index: TorchIndex) -> None:
    """Put the release, its torchvision and its tritons on PyPI and on the PyTorch index."""
    for platform, public in PUBLIC.items():
        for python in PYTHONS:
            index.add_wheel(torch_of(public, platform, python, local=False))
        index.add_wheel(vision_of(None, platform))
    for platform, backends in {LINUX: tuple(BUILDS), **ELSEWHERE}.items():
        for backend in backends:
            for python in PYTHONS:
                index.add_wheel(torch_of(backend, platform, python, local=True), backend)
            if platform != WINDOWS_ARM:
                index.add_wheel(vision_of(backend, platform), backend)
    for python in PYTHONS:
        index.add_wheel(torch_of("cpu", MACOS, python, local=False), "cpu")
    index.add_wheel(vision_of(None, MACOS), "cpu")
    index.add_wheel(TinyWheel("triton-rocm", "3.10.0", "py3-none-any"), "rocm10.0")
    index.add_wheel(TinyWheel("triton-xpu", "3.10.0", "py3-none-any"), "xpu")
