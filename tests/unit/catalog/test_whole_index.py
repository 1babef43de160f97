"""tools/refresh_catalog.py as a command, for the package's whole catalog, against the index that all tests share."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import render_catalog
from catalog_files import DATA, load, save
from support.torch_index import TorchIndex

from unit.catalog import fabricated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = str(DATA.parents[2] / "tools" / "refresh_catalog.py")


class Shared:
    """The command with a copy of the package's catalog that agrees with the shared index."""

    def __init__(self, index: TorchIndex, data: Path) -> None:
        self.index = index
        self.data = data

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["--data", str(self.data), "--pypi", self.index.pypi, "--index", self.index.whl]
        command = [sys.executable, COMMAND, *where, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The shared index and a catalog that was refreshed from it once, which tests copy."""
    data = tmp_path_factory.mktemp("catalog") / "data"
    shutil.copytree(DATA, data)
    with TorchIndex() as index:
        shared = Shared(index, data)
        done = shared.run("--side", "index")
        assert done.returncode == 0, done.stderr
        yield shared


@pytest.fixture
def shared(agreeing: Shared, tmp_path: Path) -> Iterator[Shared]:
    shutil.copytree(agreeing.data, tmp_path / "data")
    yield Shared(agreeing.index, tmp_path / "data")
    agreeing.index.clear_faults()


def test_the_public_side_agrees(agreeing: Shared, tmp_path: Path) -> None:
    """The package's own catalog differs in nothing from PyPI as the tests serve it, every public wheel read."""
    shutil.copytree(DATA, tmp_path / "data")
    done = Shared(agreeing.index, tmp_path / "data").run("--side", "pypi", "--read-all", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no difference\n", "")


def test_nothing_new(shared: Shared) -> None:
    """A catalog that was just refreshed differs in nothing."""
    done = shared.run("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no difference\n", "")


def test_a_broken_page(shared: Shared) -> None:
    """A page of the whole index that is cut off is an error that names it, and leaves the catalog as it is."""
    before = {path.name: path.read_bytes() for path in shared.data.iterdir()}
    shared.index.fault("/whl/torch/", cut_off_after=100_000)
    done = shared.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {shared.index.whl}/torch/ was cut off after 100000 of" in done.stderr
    assert {path.name: path.read_bytes() for path in shared.data.iterdir()} == before


def test_a_build_that_was_removed(shared: Shared) -> None:
    """A build that the catalog has and the index has not is one line of the difference."""
    builds = load(shared.data, "builds.json")
    build = next(build for build in builds["builds"] if build["torch_backend"] == "cu118")
    builds["builds"].insert(builds["builds"].index(build), {**build, "torch_backend": "cu117", "local": "cu117"})
    builds["builds"][builds["builds"].index(build) - 1]["release"] = "2.1.0"
    save(shared.data, {"builds.json": builds})
    done = shared.run("--check", "--side", "index")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith(
        "~ builds builds 2.1.0 linux_x86_64 cu117 cu117: confidence verified -> unseen"
    )


def test_a_release_that_is_added(agreeing: Shared, tmp_path: Path) -> None:
    """A new release with new torch backends, GPUs and a torchvision of a range is added; all else stays as it was."""
    shutil.copytree(agreeing.data, tmp_path / "data")
    added, unknown = fabricated.RELEASE, f"cu{fabricated.MAJOR}"
    with TorchIndex() as index:
        fabricated.publish(index)
        shared = Shared(index, tmp_path / "data")
        done = shared.run("--date", fabricated.DAY)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert [line for line in lines if line.startswith("note: ")] == [
            f"note: nvidia.json has no driver for CUDA {fabricated.MAJOR}.x: builds for it are not pinned"
        ]
        assert all(added in line for line in lines if line[0] in "+-~" and "sources" not in line)
        for _ in range(2):
            again = shared.run("--check")
            assert (again.returncode, again.stdout) == (0, "no difference\n")
    release = json.loads((shared.data / "releases.json").read_text())["releases"][-1]
    expected = {"release": added, "released": fabricated.DAY, "requires_python": ">=3.11", "source": "pypi"}
    assert release == expected
    builds = load(shared.data, "builds.json")["builds"]
    new = {
        build["torch_backend"]: build
        for build in builds
        if (build["release"], build["platform"]) == (added, "linux_x86_64")
    }
    assert {name: build["confidence"] for name, build in new.items()} == {
        name: "unseen" if name.startswith(unknown) else "verified" for name in fabricated.BUILDS
    }
    assert [name for name, build in new.items() if build.get("own_index")] == ["rocm7.14", "rocm10.0"]
    assert new[f"{unknown}10"]["sm"] == sorted([75, 80, 86, 90, 100, 120, fabricated.CAPABILITY])
    assert set(new["rocm10.0"]["gfx"]) == set(fabricated.ROCM.split())
    assert [build for build in builds if build["release"] != added] == load(agreeing.data, "builds.json")["builds"]
    pairs = [pair for pair in load(shared.data, "pairs.json")["pairs"] if pair["release"] == added]
    assert {(pair["project"], pair["version"]) for pair in pairs} == {
        ("torchvision", fabricated.TORCHVISION), ("torchaudio", "2.11.0"), ("triton", "3.10.0"),
        ("triton-rocm", "3.10.0"), ("triton-xpu", "3.10.0"),
    }  # fmt: skip
    assert pairs[0]["local_versions"]["linux_x86_64"] == list(fabricated.BUILDS)
    row = next(line for line in render_catalog.render(shared.data).splitlines() if line.startswith(f"| {added} | cpu "))
    assert row.startswith(f"| {added} | cpu cu130 **cu132** ~~{unknown}0~~ ~~{unknown}10~~ rocm7.14 rocm10.0 xpu |")
