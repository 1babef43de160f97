"""tools/refresh_catalog.py as a command, for the package's whole catalog, against the index that all tests share."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from catalog_files import DATA, load, save
from support.torch_index import TorchIndex
from support.wheels import TinyWheel

from catalog.indexes import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = str(DATA.parents[1] / "tools" / "refresh_catalog.py")


class Shared:
    """The command with a copy of the package's catalog that agrees with the shared index."""

    def __init__(self, index: TorchIndex, data: Path) -> None:
        self.index = index
        self.data = data

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["--data", str(self.data), "--pypi", self.index.pypi, "--index", self.index.whl]
        command = [sys.executable, COMMAND, *where, "--family", "torchvision", *arguments]
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
    """A new release, on both indexes, is added with its public build and its local versions, to the rest as it was."""
    shutil.copytree(agreeing.data, tmp_path / "data")
    modules = (("torch/version.py", "__version__ = '2.16.0+cu134'\n"), (LIBRARY, "\0sm_75 sm_120 compute_120\0"))
    with TorchIndex() as index:
        tag = "cp313-cp313-manylinux_2_28_x86_64"
        index.add_wheel(TinyWheel("torch", "2.16.0", tag, requires_python=">=3.11", modules=modules))
        index.add_wheel(TinyWheel("torch", "2.16.0+cu134", tag, modules=modules), "cu134")
        index.add_wheel(TinyWheel("torch", "2.16.0+rocm8.0", tag), "rocm8.0")
        shared = Shared(index, tmp_path / "data")
        done = shared.run("--date", "2026-12-24")
        assert (done.returncode, done.stderr) == (0, "")
        new = [line for line in done.stdout.splitlines() if "2.16.0" in line]
        assert [line.split(":")[0] for line in new] == [
            "+ releases releases 2.16.0",
            "+ releases platforms 2.16.0 linux_x86_64",
            "+ builds builds 2.16.0 linux_x86_64 cu134 cu134",
            "+ builds builds 2.16.0 linux_x86_64 rocm8.0 rocm8.0",
            "note",
        ]
        assert shared.run("--check").stdout == "no difference\n"
    release = json.loads((shared.data / "releases.json").read_text())["releases"][-1]
    assert release == {"release": "2.16.0", "released": "2026-01-01", "requires_python": ">=3.11", "source": "pypi"}
    new_builds = load(shared.data, "builds.json")["builds"]
    assert [build for build in new_builds if build["release"] != "2.16.0"] == load(agreeing.data, "builds.json")[
        "builds"
    ]
