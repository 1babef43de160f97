"""tools/refresh_catalog.py against indexes of the tests' own."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from catalog_files import load
from refresh_catalog import main
from support import pages
from support.web import Fault, Resource, WebServer
from support.wheels import TinyWheel

from unit.catalog.indexes import LINUX, MACOS, WINDOWS, Indexes, agreeing, catalog, torch_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Refresh:
    """The command with its catalog, its indexes and what it printed last."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.indexes = agreeing()
        self.data = catalog(folder)
        self.server = WebServer(self.indexes)
        self._capsys = capsys
        self.out = self.error = ""

    def __call__(self, *arguments: str, family: tuple[str, ...] = ("torchvision",)) -> int:
        where = ["--data", str(self.data), "--pypi", f"{self.server.url}/pypi", "--index", f"{self.server.url}/whl"]
        status = main([*where, "--date", "2026-12-24", "--timeout", "10", *arguments, "--family", *family])
        self.out, self.error = self._capsys.readouterr()
        return status

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def texts(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.data.iterdir()}

    def find(self, file: str, name: str, **values: object) -> list[dict[str, object]]:
        records = load(self.data, f"{file}.json")[name]
        return [r for r in records if all(r[key] == value for key, value in values.items())]


@pytest.fixture
def refresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Refresh]:
    made = Refresh(tmp_path, capsys)
    with made.server:
        yield made


# --- nothing new -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("json_pages", [True, False], ids=["json", "html"])
@pytest.mark.parametrize("side", ["both", "pypi", "index"])
def test_agreement(refresh: Refresh, side: str, *, json_pages: bool) -> None:
    """A catalog that says what the indexes say differs in nothing, whichever of them and whatever shape is read."""
    refresh.indexes.json = json_pages
    before = refresh.texts()
    assert refresh("--check", "--side", side) == 0
    assert refresh.lines == ["no difference"]
    assert refresh.texts() == before


def test_the_day_is_written(refresh: Refresh) -> None:
    """A comparison with both indexes dates the catalog, and changes nothing else where nothing differs."""
    before = refresh.texts()
    assert refresh() == 0
    changed = {name for name, text in refresh.texts().items() if text != before[name]}
    assert changed == {"releases.json"}
    assert load(refresh.data, "releases.json")["as_of"] == "2026-12-24"


def test_one_side_alone_leaves_the_day(refresh: Refresh) -> None:
    """A comparison with one of the indexes does not date the catalog."""
    before = refresh.texts()
    assert refresh("--side", "pypi") == 0
    assert refresh.texts() == before


# --- PyPI --------------------------------------------------------------------------------------------------------


def new_release(refresh: Refresh, **rest: Any) -> None:
    for tag, inside in ((LINUX, "2.6.0+cu126"), (WINDOWS, "2.6.0+cpu"), (MACOS, "2.6.0")):
        archs = "sm_90 sm_50 compute_90" if tag == LINUX else ""
        wheel = torch_wheel("2.6.0", tag, inside, archs=archs, uploaded="2025-01-29T18:00:00Z", **rest)
        refresh.indexes.pypi.append(wheel)


def test_new_release(refresh: Refresh) -> None:
    """A release that is new on PyPI is added, with its day, its public builds and their GPU architectures."""
    new_release(refresh, requires_python=">=3.9")
    assert refresh("--side", "pypi") == 0
    assert refresh.find("releases", "releases", release="2.6.0") == [
        {"release": "2.6.0", "released": "2025-01-29", "requires_python": ">=3.9", "source": "pypi"}
    ]
    places = refresh.find("releases", "platforms", release="2.6.0", confidence="verified")
    assert {place["platform"]: place["public"] for place in places} == {
        "linux_x86_64": "cu126",
        "win_amd64": "cpu",
        "macos_arm64": "cpu",
    }
    [build] = refresh.find("builds", "builds", release="2.6.0", platform="linux_x86_64")
    assert (build["local"], build["sm"], build["ptx"], build["confidence"]) == ("cu126", [50, 90], [90], "inferred")
    [macos] = refresh.find("builds", "builds", release="2.6.0", platform="macos_arm64")
    assert macos["local"] is None
    assert "+ releases releases 2.6.0: released 2025-01-29, requires_python >=3.9, source pypi" in refresh.lines
    assert refresh("--side", "pypi", "--check") == 0


def test_new_release_is_not_written_by_a_check(refresh: Refresh) -> None:
    """--check prints the same difference, exits with 1, and leaves the catalog as it is."""
    new_release(refresh)
    before = refresh.texts()
    assert refresh("--check") == 1
    assert any(line.startswith("+ releases releases 2.6.0") for line in refresh.lines)
    assert refresh.texts() == before


def test_new_release_without_a_day(refresh: Refresh) -> None:
    """An HTML page has no dates: a new release gets the day of the refresh, and a note says so."""
    refresh.indexes.json = False
    new_release(refresh)
    assert refresh("--side", "pypi") == 0
    [release] = refresh.find("releases", "releases", release="2.6.0")
    assert release["released"] == "2026-12-24"
    assert any(line.startswith("note: torch 2.6.0 is dated 2026-12-24") for line in refresh.lines)


def test_new_python_and_new_tag(refresh: Refresh) -> None:
    """Wheels for another Python, under another tag, change both lists of the platform and nothing else."""
    wheel = torch_wheel("2.5.1", LINUX, "2.5.1+cu124")
    tag = "cp313-cp313t-manylinux_2_28_x86_64"
    refresh.indexes.pypi.append(TinyWheel("torch", "2.5.1", tag, modules=wheel.modules))
    assert refresh("--side", "pypi") == 0
    assert refresh.lines[0] == (
        "~ releases platforms 2.5.1 linux_x86_64: pythons 3.12 -> 3.12 3.13t, "
        "tags manylinux1_x86_64 -> manylinux1_x86_64 manylinux_2_28_x86_64"
    )
    assert refresh.lines[1:] == ["1 differences"]


def test_public_wheels_are_read_again(refresh: Refresh) -> None:
    """--read-all opens the wheels of platforms that are known too, and finds a public build that has changed."""
    refresh.indexes.pypi[0] = torch_wheel("2.5.1", LINUX, "2.5.1+cu118", archs="sm_37")
    assert refresh("--side", "pypi", "--check") == 0
    assert refresh("--side", "pypi", "--check", "--read-all") == 1
    assert "~ releases platforms 2.5.1 linux_x86_64: public cu124 -> cu118" in refresh.lines


def test_yanked_files(refresh: Refresh) -> None:
    """Files that were yanked are not there: a platform without any other has no public build any more."""
    page = refresh.indexes.find("/pypi/torch/", pages.JSON)
    assert isinstance(page, Resource)
    value = json.loads(page.body)
    value["files"][1]["yanked"] = ""  # a reason, and be it empty, is one (PEP 592)
    refresh.indexes.raw["/pypi/torch/"] = Resource(json.dumps(value).encode(), pages.JSON)
    assert refresh("--side", "pypi") == 0
    [place] = refresh.find("releases", "platforms", platform="win_amd64")
    assert place["public"] is None
    assert "note: torch 2.5.1 is gone from PyPI on win_amd64" in refresh.lines


def test_old_and_unfinished_versions_do_not_count(refresh: Refresh) -> None:
    """Releases before the catalog's first, pre-releases and post-releases are left out."""
    for version in ("1.13.1", "2.6.0rc1", "2.5.1.post1", "2.4.1"):
        refresh.indexes.pypi.append(torch_wheel(version, LINUX, version))
    assert refresh("--check", "--side", "pypi") == 0


@pytest.mark.parametrize(
    ("inside", "requires", "public"),
    [
        ("2.6.0", (), "cpu"),
        ("2.6.0", ('nvidia-cublas-cu12==12.1; platform_machine == "x86_64"',), "cpu"),
        ("2.6.0+cpu", (), "cpu"),
        ("2.6.0+cu126", ("nvidia-cublas-cu12==12.6",), "cu126"),
    ],
)
def test_public_build_on_aarch64(refresh: Refresh, inside: str, requires: tuple[str, ...], public: str) -> None:
    """A wheel for aarch64 is what it calls itself, and for the CPU where it calls itself nothing."""
    tag = "manylinux2014_aarch64"
    refresh.indexes.pypi.append(torch_wheel("2.6.0", tag, inside, archs="sm_90", requires=requires))
    assert refresh("--side", "pypi") == 0
    [place] = refresh.find("releases", "platforms", release="2.6.0")
    assert (place["platform"], place["public"]) == ("linux_aarch64", public)


@pytest.mark.parametrize(
    ("inside", "requires", "reason"),
    [
        ("2.6.0+cuda13.4", (), "cuda13.4 is no torch backend that is known"),
        ("2.6.0", ("nvidia-cublas-cu12==12.6",), "does not say for which CUDA"),
    ],
)
def test_a_wheel_that_cannot_be_placed(refresh: Refresh, inside: str, requires: tuple[str, ...], reason: str) -> None:
    """A public wheel that is for nothing the catalog knows ends the run with its URL."""
    wheel = torch_wheel("2.6.0", LINUX, inside, requires=requires)
    refresh.indexes.pypi.append(wheel)
    before = refresh.texts()
    assert refresh("--side", "pypi") == 2
    assert f"/pypi/torch/{wheel.filename}" in refresh.error
    assert reason in refresh.error
    assert refresh.texts() == before


def test_a_wheel_of_another_release(refresh: Refresh) -> None:
    """A public wheel whose METADATA is of another release than its file name ends the run."""
    wheel = torch_wheel("2.6.0", LINUX, "2.6.0+cu126")
    refresh.indexes.pypi.append(wheel)
    path = f"/pypi/torch/{wheel.filename}"
    refresh.indexes.raw[path] = Resource(torch_wheel("2.7.0", LINUX, "2.7.0+cu126").content)
    assert refresh("--side", "pypi") == 2
    assert f"{path} says that it is version 2.7.0" in refresh.error


def test_a_public_build_of_unknown_architectures(refresh: Refresh) -> None:
    """A public build whose wheel does not tell its GPUs is known, and its local version is not pinned."""
    refresh.indexes.pypi.append(torch_wheel("2.6.0", LINUX, "2.6.0+cu126"))
    assert refresh("--side", "pypi") == 0
    [build] = refresh.find("builds", "builds", release="2.6.0")
    assert (build["local"], build["sm"], build["confidence"]) == ("cu126", [], "unseen")


def test_contradicting_python_ranges(refresh: Refresh) -> None:
    """Files of one release that ask for different Pythons end the run."""
    refresh.indexes.pypi.append(torch_wheel("2.5.1", "manylinux2014_aarch64", "2.5.1", requires_python=">=3.12"))
    assert refresh("--side", "pypi") == 2
    assert "the files of torch 2.5.1 name 2 ranges of Python" in refresh.error


# --- the PyTorch index -------------------------------------------------------------------------------------------


def test_new_build(refresh: Refresh) -> None:
    """A local version that is new on the index is added with the GPU architectures of its wheel, and can be pinned."""
    archs = "sm_75 sm_80 sm_120 compute_120"
    wheel = torch_wheel("2.5.1", "linux_x86_64", "2.5.1+cu126", local="cu126", archs=archs)
    refresh.indexes.whl.append(wheel)
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend="cu126")
    assert build == {
        "release": "2.5.1",
        "platform": "linux_x86_64",
        "torch_backend": "cu126",
        "local": "cu126",
        "tags": ["linux_x86_64"],
        "sm": [75, 80, 120],
        "ptx": [120],
        "arch_confidence": "verified",
        "arch_source": "arch-wheel",
        "size": len(wheel.content),
        "confidence": "verified",
        "source": "index-page",
    }
    assert "arch-wheel" in load(refresh.data, "sources.json")["sources"]


@pytest.mark.parametrize(
    ("backend", "note"), [("cu126", None), ("rocm6.2", "does not tell its GPUs: look them up by hand")]
)
def test_a_build_of_unknown_architectures_is_not_pinned(refresh: Refresh, backend: str, note: str | None) -> None:
    """A build whose wheel does not tell its GPUs is known by name and never pinned."""
    refresh.indexes.whl.append(torch_wheel("2.5.1", "linux_x86_64", f"2.5.1+{backend}", local=backend))
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend=backend)
    assert build["confidence"] == "unseen"
    assert note is None or note in refresh.out
    assert refresh("--side", "index", "--check") == 0


def rocm_wheel(backend: str, flags: str, *requires: str) -> TinyWheel:
    """A wheel of torch for ROCm with gfx targets in its library."""
    return torch_wheel("2.5.1", "linux_x86_64", f"2.5.1+{backend}", local=backend, archs=flags, requires=requires)


@pytest.mark.parametrize(
    ("requires", "own_index", "tritons"),
    [
        (("triton-rocm~=3.8.0; platform_system == 'Linux'",), None, [("triton-rocm", "3.8.0")]),
        (("rocm[device-all,libraries]==10.0.*", "triton-rocm==3.9.0"), True, [("triton-rocm", "3.9.0")]),
        (("pytorch-triton-rocm (==3.1.0)",), None, [("pytorch-triton-rocm", "3.1.0")]),
        (("numpy", "triton-rocm>=3"), None, []),
    ],
)
def test_a_new_build_for_rocm(
    refresh: Refresh, requires: tuple[str, ...], own_index: bool | None, tritons: list[tuple[str, str]]
) -> None:
    """A ROCm build is added with its gfx targets, with its triton, and with its own index where ROCm is a package."""
    refresh.indexes.whl.append(rocm_wheel("rocm10.0", "gfx1030 gfx90a", *requires))
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend="rocm10.0")
    assert (build["gfx"], build["confidence"], build.get("own_index")) == (["gfx90a", "gfx1030"], "verified", own_index)
    assert (build["arch_confidence"], build["arch_source"]) == ("verified", "arch-wheel-rocm")
    found = [pair for pair in refresh.find("pairs", "pairs") if pair.get("vendor") == "amd"]
    assert [(pair["project"], pair["version"]) for pair in found] == tritons
    assert all(pair["source"] == "triton-wheel" for pair in found)
    assert refresh("--side", "index", "--check") == 0
    assert refresh.lines == ["no difference"]


def test_a_build_for_rocm_is_seen_at_last(refresh: Refresh) -> None:
    """What was written of a build that nobody had seen gives way to what its wheel requires; its GPUs stay."""
    builds, pairs = load(refresh.data, "builds.json"), load(refresh.data, "pairs.json")
    hidden: dict[str, Any] = {
        "release": "2.5.1",
        "platform": "linux_x86_64",
        "torch_backend": "rocm7.14",
        "local": "rocm7.14",
    }
    hidden.update(gfx=["gfx90a"], arch_confidence="script", arch_source="by-hand", confidence="unseen")
    builds["builds"].insert(2, {**hidden, "own_index": True, "source": "by-hand"})
    triton = {"project": "pytorch-triton-rocm", "version": "3.1.0", "release": "2.5.1", "vendor": "amd"}
    pairs["pairs"].append({**triton, "local_versions": {}, "confidence": "unseen", "source": "by-hand"})
    (refresh.data / "builds.json").write_text(json.dumps(builds))
    (refresh.data / "pairs.json").write_text(json.dumps(pairs))
    refresh.indexes.whl.append(rocm_wheel("rocm7.14", "gfx942", "triton-rocm==3.1.1"))
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend="rocm7.14")
    assert (build["gfx"], build["confidence"], "own_index" in build) == (["gfx90a"], "verified", False)
    [pair] = [pair for pair in refresh.find("pairs", "pairs") if pair.get("vendor")]
    assert (pair["project"], pair["version"], pair["confidence"]) == ("triton-rocm", "3.1.1", "verified")


@pytest.mark.parametrize(
    ("backend", "confidence", "note"),
    [
        ("cu128", "verified", "nvidia.json has no driver that came with CUDA 12.8"),
        ("cu1210", "verified", "nvidia.json has no driver that came with CUDA 12.10"),
        ("cu140", "unseen", "nvidia.json has no driver for CUDA 14.x: builds for it are not pinned"),
        ("cu1410", "unseen", "nvidia.json has no driver for CUDA 14.x: builds for it are not pinned"),
    ],
)
def test_a_new_toolkit(refresh: Refresh, backend: str, confidence: str, note: str) -> None:
    """A build for a CUDA major without a known driver is a name and never pinned; a note says what is missing."""
    wheel = torch_wheel("2.5.1", "linux_x86_64", f"2.5.1+{backend}", local=backend, archs="sm_90 sm_107 compute_107")
    refresh.indexes.whl.append(wheel)
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend=backend)
    assert (build["sm"], build["ptx"], build["confidence"]) == ([90, 107], [107], confidence)
    assert refresh.lines.count(f"note: {note}") == 1
    assert refresh("--side", "index", "--check") == 0
    assert refresh.lines == ["no difference"]
    nvidia = load(refresh.data, "nvidia.json")
    nvidia["toolkit_floors"].append({**nvidia["toolkit_floors"][0], "toolkit_major": 14})
    (refresh.data / "nvidia.json").write_text(json.dumps(nvidia))
    assert refresh("--side", "index") == 0
    assert refresh.find("builds", "builds", torch_backend=backend)[0]["confidence"] == "verified"


def test_the_triton_of_a_public_build(refresh: Refresh) -> None:
    """PyPI's wheel for CUDA names the triton of its release."""
    new_release(refresh, requires=("triton==3.2.0; platform_system == 'Linux' and platform_machine == 'x86_64'",))
    assert refresh("--side", "pypi") == 0
    [pair] = refresh.find("pairs", "pairs", release="2.6.0")
    assert pair == {"project": "triton", "version": "3.2.0", "release": "2.6.0", "vendor": "nvidia"} | {
        "local_versions": {}, "confidence": "verified", "source": "triton-wheel",
    }  # fmt: skip


def test_architectures_that_cannot_be_read(refresh: Refresh) -> None:
    """Where the wheel of a new build cannot be read, a note names its URL and the build is not pinned."""
    wheel = torch_wheel("2.5.1", "linux_x86_64", "2.5.1+cu126", local="cu126", archs="sm_90")
    refresh.indexes.whl.append(wheel)
    path = f"/whl/torch/{wheel.filename}"
    refresh.server.fault(path, Fault(status=403))
    assert refresh("--side", "index") == 0
    assert any(line.startswith("note: ") and "answered 403" in line for line in refresh.lines)
    assert refresh.find("builds", "builds", torch_backend="cu126")[0]["confidence"] == "unseen"
    refresh.server.clear_faults()
    assert refresh("--side", "index") == 0
    assert refresh.find("builds", "builds", torch_backend="cu126")[0]["sm"] == [90]


def test_local_versions_of_other_kinds(refresh: Refresh) -> None:
    """A local version that is no torch backend is kept by name, so that a pin of the public build leaves it out."""
    for tag in ("linux_x86_64", WINDOWS):
        refresh.indexes.whl.append(torch_wheel("2.5.1", tag, "2.5.1", local="cpu.cxx11.abi"))
    assert refresh("--side", "index") == 0
    [other] = refresh.find("builds", "other_locals")
    assert (other["local"], other["platforms"]) == ("cpu.cxx11.abi", ["linux_x86_64", "win_amd64"])
    assert refresh("--side", "index", "--check") == 0


def test_a_build_is_seen_at_last(refresh: Refresh) -> None:
    """A build that nobody had seen, and another that was known by name alone, are verified once the index has them."""
    data = load(refresh.data, "builds.json")
    hidden = {**data["builds"][1], "torch_backend": "cu121", "local": "cu121", "confidence": "unseen"}
    data["builds"].insert(1, {**hidden, "source": "by-hand"})
    named = {"release": "2.5.1", "local": "cu126", "platforms": ["linux_x86_64"], "confidence": "unseen"}
    data["other_locals"].append({**named, "source": "by-hand"})
    (refresh.data / "builds.json").write_text(json.dumps(data))
    for local in ("cu121", "cu126"):
        wheel = torch_wheel("2.5.1", "linux_x86_64", f"2.5.1+{local}", local=local, archs="sm_80")
        refresh.indexes.whl.append(wheel)
    assert refresh("--side", "index") == 0
    seen = refresh.find("builds", "builds", confidence="verified", platform="linux_x86_64")
    assert {str(build["torch_backend"]): build.get("sm") for build in seen} == {
        "cpu": None,
        "cu121": [50, 90],  # what was written by hand stays
        "cu124": [50, 90],
        "cu126": [80],
    }
    assert refresh.find("builds", "other_locals") == []


def test_a_build_that_is_gone(refresh: Refresh) -> None:
    """A build that the index has no more is not pinned any more, and its name is kept."""
    del refresh.indexes.whl[1]
    before = refresh.texts()
    assert refresh("--side", "index", "--check") == 1
    assert refresh.texts() == before
    expected = (
        "~ builds builds 2.5.1 linux_x86_64 cu124 cu124: confidence verified -> unseen, source index-page -> index-gone"
    )
    assert refresh.lines[0] == expected
    assert refresh("--side", "index") == 0
    assert refresh.find("builds", "builds", torch_backend="cu124")[0]["confidence"] == "unseen"


def test_too_many_builds_are_gone(refresh: Refresh) -> None:
    """An index that misses more builds than ever vanished at once is no whole index: nothing is changed."""
    del refresh.indexes.whl[:3]
    before = refresh.texts()
    assert refresh("--side", "index", "--max-removals", "2") == 2
    assert "has not 3 builds that the catalog has" in refresh.error
    assert refresh.texts() == before
    assert refresh("--side", "index", "--max-removals", "3", "--check") == 1


def test_own_tags_and_pythons_of_a_build(refresh: Refresh) -> None:
    """A build whose wheels are named otherwise than PyPI's keeps its own tags and Pythons, as long as they differ."""
    refresh.indexes.whl[1] = TinyWheel("torch", "2.5.1+cu124", "cp311-cp311-manylinux_2_28_x86_64")
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend="cu124")
    assert (build["tags"], build["pythons"]) == (["manylinux_2_28_x86_64"], ["3.11"])
    refresh.indexes.whl[1] = TinyWheel("torch", "2.5.1+cu124", f"cp312-cp312-{LINUX}")
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend="cu124")
    assert not {"tags", "pythons"} & build.keys()


def test_a_platform_of_the_index_alone(refresh: Refresh) -> None:
    """A platform that PyPI has no wheels for is added from the index, without a public build."""
    refresh.indexes.whl.append(torch_wheel("2.5.1", "win_arm64", "2.5.1+cpu", local="cpu"))
    assert refresh() == 0
    [place] = refresh.find("releases", "platforms", platform="win_arm64")
    assert (place["public"], place["pythons"], place["tags"]) == (None, ["3.12"], ["win_arm64"])
    assert refresh("--check") == 0


def test_a_release_of_the_index_alone(refresh: Refresh) -> None:
    """A version that only the index has is no release yet."""
    refresh.indexes.whl.append(torch_wheel("2.6.0", "linux_x86_64", "2.6.0+cpu", local="cpu"))
    assert refresh("--check", "--side", "index") == 0


# --- the family --------------------------------------------------------------------------------------------------


def test_new_pair(refresh: Refresh) -> None:
    """A new torchvision that requires an exact torch is that release's, with the local versions that the index has."""
    new_release(refresh)
    refresh.indexes.pypi.append(
        TinyWheel("torchvision", "0.21.0", f"cp312-cp312-{LINUX}", requires=("torch (==2.6.0)",))
    )
    refresh.indexes.whl.append(torch_wheel("2.6.0", "linux_x86_64", "2.6.0+cpu", local="cpu"))
    for local in ("+cu126", "+cpu", "+cu118"):  # torch 2.6.0 has no cu118 here
        refresh.indexes.whl.append(TinyWheel("torchvision", f"0.21.0{local}", "cp312-cp312-linux_x86_64"))
    refresh.indexes.whl.append(TinyWheel("torchvision", "0.21.0", f"cp312-cp312-{MACOS}"))
    assert refresh() == 0
    [pair] = refresh.find("pairs", "pairs", version="0.21.0")
    assert pair["release"] == "2.6.0"
    assert pair["local_versions"] == {"linux_x86_64": ["cpu", "cu126"], "macos_arm64": [None]}


def vision(requires: str, inside: str = "", version: str = "0.21.0") -> TinyWheel:
    """A wheel of torchvision for Linux that says in itself for which torch backend it is."""
    modules = (("torchvision/version.py", f"__version__ = '{version}{inside}'\n"),)
    return TinyWheel("torchvision", version, f"cp312-cp312-{LINUX}", requires=(requires,), modules=modules)


@pytest.mark.parametrize("inside", ["+cu126", ""])
def test_a_pair_by_range(refresh: Refresh, inside: str) -> None:
    """A torchvision that requires a range is the pair of the release in it that has none, as torchvision 0.29.2 is."""
    new_release(refresh)
    refresh.indexes.pypi.append(vision("torch (>=2.5.1)", inside))
    assert refresh("--side", "pypi") == 0
    [pair] = refresh.find("pairs", "pairs", version="0.21.0")
    assert (pair["release"], pair["confidence"], pair["source"]) == ("2.6.0", "inferred", "pair-range")
    assert refresh("--side", "pypi", "--check") == 0
    assert refresh.lines == ["no difference"]


def test_a_pair_by_range_of_another_torch_backend(refresh: Refresh) -> None:
    """A torchvision of another torch backend than PyPI's torch of the only release that is left is left to a person."""
    new_release(refresh)
    refresh.indexes.pypi.append(vision("torch>=2.5.1", "+cu128"))
    assert refresh("--side", "pypi") == 0
    assert refresh.find("pairs", "pairs", version="0.21.0") == []
    assert "note: torchvision 0.21.0 requires no exact torch of the catalog: pair it by hand" in refresh.lines


def torchaudio(refresh: Refresh, *requires: str) -> None:
    """The last torchaudio, paired with torch 2.5.1, on both indexes."""
    pairs = load(refresh.data, "pairs.json")
    record = {"project": "torchaudio", "version": "2.11.0", "release": "2.5.1", "local_versions": {}}
    pairs["pairs"].append({**record, "confidence": "verified", "source": "by-hand"})
    (refresh.data / "pairs.json").write_text(json.dumps(pairs))
    refresh.indexes.pypi.append(TinyWheel("torchaudio", "2.11.0", f"cp312-cp312-{LINUX}", requires=requires))
    for local in ("cpu", "cu124", "cu126", "rocm6.2"):
        refresh.indexes.whl.append(TinyWheel("torchaudio", f"2.11.0+{local}", "cp312-cp312-linux_x86_64"))


def test_a_version_that_requires_no_torch(refresh: Refresh) -> None:
    """The last torchaudio serves a new release too, on each release in the local versions that torch has there."""
    new_release(refresh)
    torchaudio(refresh)
    both = ("torchvision", "torchaudio")
    assert refresh(family=both) == 0
    pairs = refresh.find("pairs", "pairs", project="torchaudio")
    assert [(pair["release"], pair["local_versions"]) for pair in pairs] == [
        ("2.5.1", {"linux_x86_64": ["cpu", "cu124"]}),
        ("2.6.0", {"linux_x86_64": ["cu126"]}),
    ]
    assert refresh("--check", family=both) == 0
    assert refresh.lines == ["no difference"]


def test_a_version_that_requires_torch_is_not_carried(refresh: Refresh) -> None:
    """A project whose newest version requires a torch has none for a newer release, until it brings one out."""
    new_release(refresh)
    torchaudio(refresh, "torch==2.5.1")
    assert refresh("--side", "pypi", family=("torchaudio",)) == 0
    assert [pair["release"] for pair in refresh.find("pairs", "pairs", project="torchaudio")] == ["2.5.1"]


@pytest.mark.parametrize("requires", ["torch>=2.5.1", "torch==2.5.*", "torch==2.7.0", "torch==2.5.1+cu124", "numpy"])
def test_a_pair_for_the_maintainer(refresh: Refresh, requires: str) -> None:
    """A new torchvision that requires no exact release of the catalog is left to the maintainer, with a note."""
    refresh.indexes.pypi.append(TinyWheel("torchvision", "0.21.0", f"cp312-cp312-{LINUX}", requires=(requires,)))
    assert refresh("--side", "pypi") == 0
    assert refresh.find("pairs", "pairs", version="0.21.0") == []
    assert "note: torchvision 0.21.0 requires no exact torch of the catalog: pair it by hand" in refresh.lines


# --- broken pages ------------------------------------------------------------------------------------------------

_HTML = b'<html><body><a href="torch-2.5.1-cp312-cp312-win_amd64.whl">torch-2.5.1-cp312-cp312-win_amd64.whl</a>'

BROKEN = {
    "without an end": (_HTML, "text/html", "is cut off, or has changed its shape"),
    "of other links": (_HTML.replace(b">torch-2.5.1", b">torch-2.5.2") + b"</body></html>", "text/html", "the link"),
    "without wheels": (b"<html><body><h1>Moved</h1></body></html>", "text/html", "lists no wheel of torch"),
    "of another type": (_HTML + b"</html>", "text/plain", "it is of type text/plain"),
    "of other bytes": (b"\xff\xfe<html></html>", "text/html", "is no UTF-8"),
    "JSON without an end": (b'{"meta": {"api-version": "1.1"}, "files": [', pages.JSON, "is cut off, or no JSON"),
    "JSON of a new version": (b'{"meta": {"api-version": "2.0"}, "files": []}', pages.JSON, "api-version 2.0"),
    "JSON without files": (b'{"meta": {"api-version": "1.1"}}', pages.JSON, "has changed its shape"),
    "JSON of other files": (b'{"meta": {"api-version": "1.1"}, "files": [7]}', pages.JSON, "has changed its shape"),
    "JSON of no names": (
        b'{"meta": {"api-version": "1.1"}, "files": [{"filename": 7, "url": "x"}]}',
        pages.JSON,
        "has changed its shape",
    ),
    "a JSON list": (b"[]", pages.JSON, "has changed its shape"),
}

FAULTS = {
    "403": (Fault(status=403), "answered 403"),
    "500": (Fault(status=500), "answered 500"),
    "a redirect": (Fault(redirect="/elsewhere/"), "answered 302, a redirect to /elsewhere/"),
    "cut off": (Fault(cut_off_after=100), "was cut off after 100 of"),
    "cut off at once": (Fault(cut_off_after=0), "was cut off after 0 of"),
}


def unchanged(refresh: Refresh, path: str, reason: str) -> None:
    """A run ends with an error that names the page and says why, and leaves the catalog as it is."""
    before = refresh.texts()
    assert refresh() == 2
    assert refresh.out == ""
    message, *rest = refresh.error.splitlines()
    assert message.startswith(f"error: {refresh.server.url}{path} ")
    assert reason in message
    assert rest == ["The catalog is unchanged."]
    assert refresh.texts() == before


@pytest.mark.parametrize("path", ["/pypi/torch/", "/whl/torch/", "/whl/torchvision/"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_fails(refresh: Refresh, path: str, fault: str) -> None:
    """A page that is refused, moved or cut off ends the run, although another index had something new."""
    new_release(refresh)
    refresh.server.fault(path, FAULTS[fault][0])
    unchanged(refresh, path, FAULTS[fault][1])


@pytest.mark.parametrize("path", ["/pypi/torch/", "/whl/torch/"])
@pytest.mark.parametrize("shape", BROKEN)
def test_a_page_of_another_shape(refresh: Refresh, path: str, shape: str) -> None:
    """A page of another shape than an index's ends the run."""
    body, media_type, reason = BROKEN[shape]
    refresh.indexes.raw[path] = Resource(body, media_type)
    unchanged(refresh, path, reason)


def test_a_project_that_is_not_there(refresh: Refresh) -> None:
    """A page that is not found ends the run."""
    refresh.indexes.pypi = []
    unchanged(refresh, "/pypi/torch/", "answered 404")


def test_nobody_answers(refresh: Refresh) -> None:
    """An index that cannot be reached ends the run."""
    before = refresh.texts()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nobody = f"http://127.0.0.1:{listening.getsockname()[1]}"
    assert refresh("--index", nobody) == 2
    assert f"error: {nobody}/torch/ cannot be read" in refresh.error
    assert refresh.texts() == before


def test_a_file_of_the_catalog_is_damaged(refresh: Refresh) -> None:
    """A catalog that cannot be read ends the run before any page is asked for."""
    (refresh.data / "builds.json").write_text("[]")
    assert refresh() == 2
    assert "builds.json is no JSON object" in refresh.error
    assert refresh.server.log == ()


def test_wheels_are_never_downloaded(refresh: Refresh) -> None:
    """Files are asked for by ranges only, or for their size."""
    new_release(refresh)
    refresh.indexes.whl.append(torch_wheel("2.5.1", "linux_x86_64", "", local="cu126", archs="sm_90"))
    assert refresh("--read-all") == 0
    files = [request for request in refresh.server.log if request.path.endswith(".whl")]
    assert len(files) > 3
    assert all(request.ranged or request.method == "HEAD" for request in files)


@pytest.mark.parametrize("json_pages", [True, False], ids=["json", "html"])
def test_sizes(refresh: Refresh, *, json_pages: bool) -> None:
    """The bytes of a wheel are the page's where it tells them, else its Content-Length; they are asked for once."""
    refresh.indexes.json = json_pages
    public, own = refresh.indexes.pypi[0], refresh.indexes.whl[1]
    for file, name in (("releases", "platforms"), ("builds", "builds")):
        value = load(refresh.data, f"{file}.json")
        for record in value[name]:
            record.pop("size", None)
        (refresh.data / f"{file}.json").write_text(json.dumps(value))
    assert refresh() == 0
    [place] = refresh.find("releases", "platforms", platform="linux_x86_64")
    [build] = refresh.find("builds", "builds", torch_backend="cu124")
    assert (place["size"], build["size"]) == (len(public.content), len(own.content))
    asked = [request.path for request in refresh.server.log if request.method == "HEAD"]
    assert len(asked) == (3 if json_pages else 6)
    refresh.server.reset_log()
    assert refresh("--check") == 0
    assert refresh.lines == ["no difference"]
    assert not [request for request in refresh.server.log if request.method == "HEAD"]


def test_a_size_that_cannot_be_read(refresh: Refresh) -> None:
    """A wheel that does not answer has no size, and the next refresh asks again: nothing is decided by it."""
    wheel = torch_wheel("2.5.1", "linux_x86_64", "2.5.1+xpu", local="xpu")
    refresh.indexes.whl.append(wheel)
    refresh.server.fault(f"/whl/torch/{wheel.filename}", Fault(status=403))
    assert refresh("--side", "index") == 0
    [build] = refresh.find("builds", "builds", torch_backend="xpu")
    assert "size" not in build
    assert refresh("--side", "index", "--check") == 0
    refresh.server.clear_faults()
    assert refresh("--side", "index") == 0
    assert refresh.find("builds", "builds", torch_backend="xpu")[0]["size"] == len(wheel.content)


def test_indexes_is_a_site() -> None:
    """The tests' own indexes answer a path that they do not have with nothing."""
    assert Indexes().find("/elsewhere/torch/", "text/html") is None
