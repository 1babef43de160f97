"""The parts of the catalog's tools: file names, the layout of files, the difference, pip's index."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalog_diff import difference
from catalog_files import TorchBackend, dump, load, release_key, save
from catalog_offers import is_backend, offers, python_key
from catalog_pages import File, default_index


def offered(*names: str) -> dict[tuple[str, str | None, str], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pythons and tags of the offers of files with these names."""
    files = [File(name, f"https://index.test/{name}", ">=3.8", yanked=False, uploaded=None) for name in names]
    return {key: (offer.pythons, offer.tags) for key, offer in offers(files).items()}


@pytest.mark.parametrize(
    ("name", "key", "python"),
    [
        ("2.5.1+cu124-cp312-cp312-linux_x86_64", ("2.5.1", "cu124", "linux_x86_64"), "3.12"),
        ("2.1.0-cp38-cp38-manylinux_2_17_aarch64.manylinux2014_aarch64", ("2.1.0", None, "linux_aarch64"), "3.8"),
        ("2.0.0-1-cp38-cp38-manylinux2014_aarch64", ("2.0.0", None, "linux_aarch64"), "3.8"),
        ("2.2.2-cp312-none-macosx_10_9_x86_64", ("2.2.2", None, "macos_x86_64"), "3.12"),
        ("2.9.1-cp313-cp313t-macosx_11_0_arm64", ("2.9.1", None, "macos_arm64"), "3.13t"),
        ("2.8.0+cpu-cp311-cp311-win_arm64", ("2.8.0", "cpu", "win_arm64"), "3.11"),
        ("2.7.1+rocm6.2.4-cp39-cp39-manylinux_2_28_x86_64", ("2.7.1", "rocm6.2.4", "linux_x86_64"), "3.9"),
        ("2.6.0+cpu.cxx11.abi-cp313-cp313t-linux_x86_64", ("2.6.0", "cpu.cxx11.abi", "linux_x86_64"), "3.13t"),
    ],
)
def test_file_names(name: str, key: tuple[str, str | None, str], python: str) -> None:
    """The file names that torch has had are understood."""
    assert offered(f"torch-{name}.whl") == {key: ((python,), (name.rpartition("-")[2],))}


@pytest.mark.parametrize(
    "name",
    [
        "torch-2.5.1.tar.gz",
        "torch-2.6.0.dev20240914+cpu-cp39-cp39-linux_x86_64.whl",
        "torch-2.8.0+cpu-cp311-cp311-linux_s390x.whl",
        "torch-1.0.1.post2-cp27-cp27mu-manylinux1_x86_64.whl",
        "torch-0.1.whl",
        "torch-2.5.1-cp312-cp312-manylinux1_i686.whl",
    ],
)
def test_file_names_that_do_not_count(name: str) -> None:
    """Source archives, unfinished versions and platforms that the catalog does not have are left out."""
    assert offered(name) == {}


def test_a_wheel_for_any_python() -> None:
    """A wheel that any Python 3 installs names no Pythons."""
    assert offered("torchvision-0.29.2-py3-none-win_amd64.whl") == {("0.29.2", None, "win_amd64"): ((), ("win_amd64",))}


@pytest.mark.parametrize(
    "local", ["cpu", "xpu", "cu124", "rocm5.3", "rocm6.2.4", "rocm7.14", "cu1310", "cu140", "rocm10.0"]
)
def test_torch_backends(local: str) -> None:
    """The names of torch backends are known."""
    assert is_backend(local)


@pytest.mark.parametrize("local", ["cpu.cxx11.abi", "cu121.with.pypi.cudnn", "cu12", "rocm", "0429d73", "", "cu124\n"])
def test_no_torch_backends(local: str) -> None:
    """Any other local version is no torch backend."""
    assert not is_backend(local)


def test_orders() -> None:
    """Releases, torch backends and Pythons are ordered as numbers, not as texts."""
    assert sorted(["2.10.0", "2.9.1", "2.0.0"], key=release_key) == ["2.0.0", "2.9.1", "2.10.0"]
    backends = ["xpu", "rocm7.14", "rocm10.0", "cu1310", "cu140", "cu130", "cu92", "cpu", "rocm7.2", "cu134", "cu118"]
    in_order = "cpu cu92 cu118 cu130 cu134 cu1310 cu140 rocm7.2 rocm7.14 rocm10.0 xpu"
    assert sorted(backends, key=lambda name: TorchBackend(name).key) == in_order.split()
    assert [TorchBackend(name).toolkit for name in ("cu92", "cu118", "cu1310", "cu1410", "rocm10.0", "cpu")] == [
        (9, 2), (11, 8), (13, 10), (14, 10), None, None,
    ]  # fmt: skip
    assert sorted(["3.10", "3.13t", "3.9", "3.13"], key=python_key) == ["3.9", "3.10", "3.13", "3.13t"]


def test_one_record_per_line() -> None:
    """A file has a line for every record and for every entry of a table, and no other for them."""
    value = {"version": 1, "names": ["a", "b"], "records": [{"a": 1}, {"a": [2, "ü"]}], "table": {"x": "y"}, "none": []}
    assert dump(value) == (
        '{\n "version": 1,\n "names": ["a", "b"],\n "records": [\n  {"a": 1},\n  {"a": [2, "ü"]}\n ],\n'
        ' "table": {\n  "x": "y"\n },\n "none": []\n}\n'
    )


def test_what_is_saved_can_be_loaded(tmp_path: Path) -> None:
    """A file that was saved is the value that was saved, and nothing else is left in the folder."""
    value = {"version": 1, "records": [{"a": None}]}
    save(tmp_path, {"one.json": value, "two.json": {}})
    assert load(tmp_path, "one.json") == value
    assert {path.name for path in tmp_path.iterdir()} == {"one.json", "two.json"}


def test_what_cannot_be_saved_changes_nothing(tmp_path: Path) -> None:
    """Where one of the files cannot be written, none is changed."""
    save(tmp_path, {"one.json": {"version": 1}})
    (tmp_path / ".two.json.new").mkdir()
    with pytest.raises(OSError, match=r"two\.json\.new"):
        save(tmp_path, {"one.json": {"version": 2}, "two.json": {}})
    assert load(tmp_path, "one.json") == {"version": 1}
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"one.json"}


def test_difference_of_records() -> None:
    """A difference has a line for every record that is new, gone or changed, with what has changed about it."""
    before = {
        "b.json": {"day": 1, "builds": [{"release": "1", "x": [1]}, {"release": "2", "x": None}], "t": {"k": "v"}}
    }
    after = {
        "b.json": {"day": 1, "builds": [{"release": "1", "x": [1, 2]}, {"release": "3", "x": {}}], "t": {"k": "w"}}
    }
    assert difference(before, after) == [
        "- b builds 2",
        "~ b builds 1: x 1 -> 1 2",
        "+ b builds 3: x none",
        "~ b k: t v -> w",
    ]


def test_the_day_is_no_difference() -> None:
    """The day of a refresh is no difference, and any other plain value is one."""
    assert difference({"r.json": {"as_of": "1", "v": 1}}, {"r.json": {"as_of": "2", "v": 1}}) == []
    assert difference({"r.json": {"as_of": "1", "v": 1}}, {"r.json": {"as_of": "2", "v": 2}}) == ["~ r v: 1 -> 2"]


def test_the_index_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyPI is where pip is configured to look for it."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/a/mirror/")
    assert default_index() == "http://127.0.0.1:1/a/mirror/"
