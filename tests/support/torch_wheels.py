"""The wheels of torch, torchvision and torchaudio that the catalog knows, tiny, under their real file names.

The names follow the project's own data (torch_auto/catalog/data/releases.json and builds.json). What the data does not
say, since a pin needs none of it, is said here: which tag a local build's file carries, macOS's ABI tags, and the
files that were uploaded a second time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.wheels import TinyWheel

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).resolve().parents[2] / "torch_auto" / "catalog" / "data"

#: From the torchvision of this release of torch on it requires a range of torch, before one release (METADATA on PyPI).
RANGE_FROM, TORCHVISION_RANGE = (2, 14, 1), "torch>=2.14.0"

#: The last torchaudio that was released, which requires no torch.
LAST_TORCHAUDIO = "2.11.0"

#: Public files that were uploaded again under a build number (page of torch on PyPI): (build, the Pythons).
_REBUILT = {
    ("2.0.0", "linux_aarch64"): ("1", ("3.8", "3.9", "3.10", "3.11")),
    ("2.10.0", "linux_x86_64"): ("3", ("3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t")),
    ("2.10.0", "macos_arm64"): ("2", ("3.10", "3.11", "3.12", "3.13")),
}


def release_key(release: str) -> tuple[int, ...]:
    """2.10.0 as (2, 10, 0), which sorts as releases do."""
    return tuple(int(part) for part in release.split("."))


@dataclass(frozen=True)
class Build:
    """The files of one build: on the PyTorch index where ``torch_backend`` is set, on PyPI where it is None."""

    project: str
    torch_backend: str | None
    files: tuple[TinyWheel, ...]


@lru_cache(maxsize=None)
def _data(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return data


@lru_cache(maxsize=None)
def _release(release: str) -> dict[str, str]:
    return next(entry for entry in _data("releases")["releases"] if entry["release"] == release)


def releases() -> tuple[str, ...]:
    """Every release of the catalog, oldest first."""
    return tuple(entry["release"] for entry in _data("releases")["releases"])


def _interpreter_and_abi(project: str, release: str, platform: str, python: str) -> str:
    """3.13t as cp313-cp313t. macOS's wheels said none for the ABI up to 2.10.0, but for new Pythons and no GIL."""
    if project == "torchvision" and release_key(release) >= (2, 15, 0):
        return "py3-none"
    interpreter = "cp" + python.rstrip("t").replace(".", "")
    free_threaded = python.endswith("t")
    if free_threaded:
        return f"{interpreter}-{interpreter}t"
    if platform.startswith("macos") and release_key(release) <= (2, 10, 0) and release_key(python) < (3, 14):
        return f"{interpreter}-none"
    return f"{interpreter}-{interpreter}"


def _platform_tag(tags: list[str], python: str) -> str:
    """The tag of a platform's public wheel. Where macOS has two, the newer is that of 3.14 and of no GIL."""
    if len(tags) == 1:
        return tags[0]
    newer = python.endswith("t") or release_key(python) >= (3, 14)
    return max(tags) if newer else min(tags)


def _local_tag(release: str, platform: str, torch_backend: str, public_tag: str) -> str:
    """The tag of a local build's wheel.

    linux_x86_64 up to 2.5.1, manylinux_2_28_x86_64 from 2.7.0 on; 2.6.0 was on the way: +cpu, +cu118, +cu124 and +xpu
    the old, +cu126 and +rocm6.2.4 the new (lock files in public repositories name all of these; +rocm6.1 is taken
    to be as the other rocm). The only aarch64 wheels with the plain tag were those of +cu126 of 2.6.0, and before.
    """
    key = release_key(release)
    if platform == "linux_x86_64":
        new_in_260 = torch_backend == "cu126" or torch_backend.startswith("rocm")
        old = key < (2, 6, 0) or (key == (2, 6, 0) and not new_in_260)
        return "linux_x86_64" if old else "manylinux_2_28_x86_64"
    if platform == "linux_aarch64" and torch_backend != "cpu" and key <= (2, 6, 0):
        return "linux_aarch64"
    return public_tag


def _toolkit(torch_backend: str) -> str | None:
    """cu124 as "12.4", cu1410 as "14.10"."""
    return f"{torch_backend[2:4]}.{torch_backend[4:]}" if torch_backend.startswith("cu") else None


_AUTOLOAD = '''

def _load_device_backends():
    """Call every entry point of the group torch.backends; what one raises ends the import, as in torch itself."""
    import os
    import sys
    from importlib import metadata

    if os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD", "1") != "1":
        return
    if sys.version_info >= (3, 10):
        found = metadata.entry_points(group="torch.backends")
    else:
        found = metadata.entry_points().get("torch.backends", ())
    for entry_point in found:
        try:
            entry_point.load()()
        except Exception as error:
            raise RuntimeError("Failed to load the backend extension: " + entry_point.name) from error


_load_device_backends()
'''


def _torch_modules(release: str, torch_backend: str, inside: str) -> tuple[tuple[str, str], ...]:
    rocm = torch_backend[4:] if torch_backend.startswith("rocm") else None
    xpu = "20260000" if torch_backend == "xpu" else None
    version = (
        f"__version__ = {inside!r}\ndebug = False\ncuda = {_toolkit(torch_backend)!r}\n"
        f"hip = {rocm!r}\nxpu = {xpu!r}\ngit_version = 'tiny'\n"
    )
    init = "from torch import version\nfrom torch.version import __version__\n"
    if release_key(release) >= (2, 5, 0):  # the group torch.backends came with 2.5
        init += _AUTOLOAD
    return (("torch/__init__.py", init), ("torch/version.py", version))


def _wheel(  # what a file name is made of
    project: str,
    release: str,
    platform: str,
    torch_backend: str,
    *,
    tag: str,
    local: str | None = None,
    build: str = "",
) -> TinyWheel:
    entry = _release(release)
    own_release, requires = _own_release(project, release)
    triton = _triton(release, torch_backend) if project == "torch" else None
    if triton is not None:
        requires = (*requires, f'{triton[0]}=={triton[1]}; platform_system == "Linux"')
    # A CUDA, ROCm, XPU or CPU wheel says inside what it is, a wheel for macOS does not. PyPI's do so too, although
    # neither their names nor their METADATA have the local part (65 wheels on PyPI read).
    inside = own_release if platform.startswith("macos") else f"{own_release}+{torch_backend}"
    if project == "torch":
        modules = _torch_modules(release, torch_backend, inside)
    else:
        modules = ((f"{project}/__init__.py", f"__version__ = {inside!r}\n"),)
    version = f"{own_release}+{local}" if local else own_release
    uploaded = f"{entry['released']}T18:00:00Z"
    return TinyWheel(project, version, tag, build, entry["requires_python"], requires, modules, uploaded=uploaded)


@lru_cache(maxsize=None)
def _pairs(project: str) -> tuple[dict[str, Any], ...]:
    """The records of a project that belongs to torch."""
    return tuple(pair for pair in _data("pairs")["pairs"] if pair["project"] == project)


def _comes_with(project: str, release: str) -> bool:
    """Whether a project has files of its own for a torch release: not torchaudio any more, nor one not yet released."""
    if project == "torchaudio":
        return release_key(release) <= release_key(LAST_TORCHAUDIO)
    return project == "torch" or any(pair["release"] == release for pair in _pairs(project))


def torchvision_of(release: str) -> str:
    """The version of torchvision for a torch release."""
    return _own_release("torchvision", release)[0]


def _own_release(project: str, release: str) -> tuple[str, tuple[str, ...]]:
    """What a project's release for a torch release is called, and what it requires."""
    if project == "torch":
        return release, ()
    if project == "torchvision":
        [version] = [pair["version"] for pair in _pairs(project) if pair["release"] == release]
        return version, ((TORCHVISION_RANGE if release_key(release) >= RANGE_FROM else f"torch=={release}"),)
    if release_key(release) >= release_key(LAST_TORCHAUDIO):
        return LAST_TORCHAUDIO, ()
    return {"2.0.0": "2.0.1", "2.0.1": "2.0.2"}.get(release, release), (f"torch=={release}",)


@lru_cache(maxsize=None)
def public_build(project: str, release: str, platform: str) -> Build | None:
    """The files of a release on PyPI for a platform, or None where there are none."""
    record = _platform(release, platform)
    if record is None or record["public"] is None:
        return None
    files = []
    rebuilt, rebuilt_pythons = _REBUILT.get((release, platform), ("", ()))
    for python in record["pythons"]:
        pair = _interpreter_and_abi(project, release, platform, python)
        tag = f"{pair}-{_platform_tag(record['tags'], python)}"
        files.append(_wheel(project, release, platform, record["public"], tag=tag))
        if project == "torch" and python in rebuilt_pythons:
            files.append(_wheel(project, release, platform, record["public"], tag=tag, build=rebuilt))
    return Build(project, None, tuple(dict.fromkeys(files)))


def _platform(release: str, platform: str) -> dict[str, Any] | None:
    for record in _data("releases")["platforms"]:
        if record["release"] == release and record["platform"] == platform:
            found: dict[str, Any] = record
            return found
    return None


def public_builds(project: str) -> tuple[Build, ...]:
    """Every public build of a project on PyPI."""
    records = _data("releases")["platforms"]
    records = [record for record in records if _comes_with(project, record["release"])]
    builds = [public_build(project, record["release"], record["platform"]) for record in records]
    return tuple(build for build in builds if build is not None)


@lru_cache(maxsize=None)
def index_builds(project: str, *, unseen: bool = False) -> tuple[Build, ...]:
    """Every build of a project on the PyTorch index, those that nobody has seen there only where ``unseen``."""
    if project != "torch":
        return _builds_beside(project, unseen=unseen)
    found = []
    for record in _data("builds")["builds"]:
        release, platform = record["release"], record["platform"]
        if record["confidence"] == "unseen" and not unseen:
            continue
        of_platform = _platform(release, platform)
        if of_platform is None:
            raise ValueError(f"builds.json has a build of {release} on {platform}, releases.json no such platform")
        pythons, tags = record.get("pythons", of_platform["pythons"]), record.get("tags", ())
        found.append(_index_build(project, release, platform, record["torch_backend"], record["local"], pythons, tags))
    return (*found, *_other_builds(unseen=unseen))


def _builds_beside(project: str, *, unseen: bool) -> tuple[Build, ...]:
    """The builds of torchvision or torchaudio that pairs.json says: fewer than torch's, and none for CUDA in places.

    The last torchaudio belongs to several releases, each of which names those of its builds that fit.
    """
    found = {}
    for pair in _pairs(project):
        release = min(pair["release"], LAST_TORCHAUDIO, key=release_key) if project == "torchaudio" else pair["release"]
        if pair["confidence"] == "unseen" and not unseen:
            continue
        for platform, local_versions in pair["local_versions"].items():
            pythons = (_platform(release, platform) or {"pythons": ()})["pythons"]
            for local in local_versions:
                # macOS's files, and those of a platform whose builds are all the CPU's, have no local version.
                build = _index_build(project, release, platform, local or "cpu", local, pythons)
                found[release, platform, local] = build
    return tuple(found.values())


def _index_build(
    project: str,
    release: str,
    platform: str,
    torch_backend: str,
    local: str | None,
    pythons: Sequence[str],
    tags: Sequence[str] = (),
) -> Build:
    """One build on the PyTorch index: a file for each Python."""
    public_tags = (_platform(release, platform) or {})["tags"]
    files = []
    for python in pythons:
        public_tag = _platform_tag(public_tags, python)
        usual = _local_tag(release, platform, torch_backend, public_tag) if local else public_tag
        tag = f"{_interpreter_and_abi(project, release, platform, python)}-{next(iter(tags), usual)}"
        files.append(_wheel(project, release, platform, torch_backend, tag=tag, local=local))
    return Build(project, torch_backend, tuple(dict.fromkeys(files)))


def _other_builds(*, unseen: bool) -> tuple[Build, ...]:
    """Builds of torch that are for no torch backend of ours: another ABI of C++, or cuDNN from PyPI."""
    found = []
    for record in _data("builds")["other_locals"]:
        release, local = record["release"], record["local"]
        if record["confidence"] == "unseen" and not unseen:
            continue
        for platform in record["platforms"]:
            files = []
            for python in (_platform(release, platform) or {"pythons": ()})["pythons"]:
                pair = _interpreter_and_abi("torch", release, platform, python)
                backend = local.split(".")[0]
                files.append(_wheel("torch", release, platform, backend, tag=f"{pair}-linux_x86_64", local=local))
            found.append(Build("torch", local.replace(".", "-"), tuple(files)))
    return tuple(found)


_VENDORS = {"rocm": "amd", "xpu": "intel"}


def _triton(release: str, torch_backend: str) -> tuple[str, str] | None:
    """Project and version of the triton that a ROCm or XPU build requires, which the PyTorch index alone has."""
    vendor = _VENDORS.get(torch_backend.rstrip("0123456789."))
    for record in _data("pairs")["pairs"]:
        if record["release"] == release and record.get("vendor") == vendor is not None:
            return record["project"], record["version"]
    return None


@lru_cache(maxsize=None)
def triton_wheels() -> tuple[tuple[str, TinyWheel], ...]:
    """Every triton of ROCm and XPU builds, with the torch backend on whose index it lies."""
    found: dict[tuple[str, str, str], TinyWheel] = {}
    for record in _data("builds")["builds"]:
        triton = _triton(record["release"], record["torch_backend"])
        if triton is not None:
            project, version = triton
            found[record["torch_backend"], project, version] = TinyWheel(project, version, "py3-none-any")
    return tuple((backend, wheel) for (backend, _, _), wheel in found.items())
