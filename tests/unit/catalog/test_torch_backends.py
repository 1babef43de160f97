"""The names of torch backends: what they say, and their order."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import random

import pytest

from torch_auto.catalog import TorchBackend
from torch_auto.catalog.torch_backends import CPU, parse, parse_or_none
from unit.data import BUILDS, CATALOG


@pytest.mark.parametrize(
    ("text", "toolkit"),
    [
        ("cu92", (9, 2)),
        ("cu80", (8, 0)),
        ("cu100", (10, 0)),
        ("cu118", (11, 8)),
        ("cu126", (12, 6)),
        ("cu130", (13, 0)),
        ("cu1310", (13, 10)),
        ("cu200", (20, 0)),
    ],
)
def test_a_cuda_name_says_its_toolkit(text: str, toolkit: tuple[int, int]) -> None:
    """Two digits are the major version from 10 on; the rest is the minor one."""
    found = TorchBackend(text)
    assert (found.toolkit, found.rocm, found.vendor) == (toolkit, None, "nvidia")


@pytest.mark.parametrize(("text", "rocm"), [("rocm7.14", (7, 14)), ("rocm6.2.4", (6, 2, 4)), ("rocm10.0", (10, 0))])
def test_a_rocm_name_says_its_version(text: str, rocm: tuple[int, ...]) -> None:
    """As many numbers as there are."""
    found = TorchBackend(text)
    assert (found.toolkit, found.rocm, found.vendor) == (None, rocm, "amd")


def test_the_others_say_whose_gpus_they_are_for() -> None:
    """Intel's, or nobody's."""
    for text, vendor in (("cpu", None), ("xpu", "intel")):
        found = TorchBackend(text)
        assert (found.toolkit, found.rocm, found.vendor) == (None, None, vendor)
    assert TorchBackend("cpu") == CPU


ORDER = ["cpu", "cu92", "cu118", "cu126", "cu130", "cu132", "cu1310", "rocm5.4.2", "rocm6.4", "rocm7.2", "rocm7.14",
         "rocm10.0", "xpu"]  # fmt: skip


def test_names_sort_cpu_first_then_each_vendors_oldest_first() -> None:
    """By numbers, and not as text: rocm7.14 is newer than rocm7.2, and cu1310 than cu132."""
    mixed = [TorchBackend(text) for text in ORDER]
    for seed in range(20):
        random.Random(seed).shuffle(mixed)  # noqa: S311
        assert sorted(mixed) == ORDER
    assert max(mixed) == "xpu"
    for (place, first), (other, second) in itertools.product(enumerate(map(TorchBackend, ORDER)), repeat=2):
        assert (first < second) == (place < other)
        assert (first <= second) == (place <= other)
        assert (first > second) == (place > other)
        assert (first >= second) == (place >= other)
        assert (first == second) == (place == other)


def test_a_text_on_the_other_side_is_taken_for_a_name() -> None:
    """So that one list may hold both."""
    assert TorchBackend("rocm7.2") < "rocm7.14"
    assert TorchBackend("cu1310") > "cu132"
    with pytest.raises(ValueError, match="'gpu' is not a torch backend"):
        assert TorchBackend("cpu") < "gpu"


@pytest.mark.parametrize(
    "text",
    ["", "CPU", "cpu ", " cpu", "cpu\n", "cuda", "cu", "cu1", "cu01", "cu12", "cu13", "cu0126", "cu12.6", "cu12666",
     "cu126 ", "Cu126", "cu\u0661\u0662\u0666", "cu126_full", "cu126.1", "rocm", "rocm7.", "rocm.7", "rocm7..2",
     "rocm7.2.1.1.1", "rocm7.2b", "rocm123.1", "xpu1", "mps", "cu126,cu130", "needs.cu126", "none", "auto", "pypi"],
)  # fmt: skip
def test_what_is_no_torch_backend_is_refused(text: str) -> None:
    """With an error that says what would be right, or None where that is asked for."""
    with pytest.raises(ValueError, match=r"is not a torch backend, such as cpu, cu126, rocm7\.2 or xpu"):
        TorchBackend(text)
    with pytest.raises(ValueError, match="is not a torch backend"):
        parse(text)
    assert parse_or_none(text) is None


def test_it_is_its_text() -> None:
    """It compares, hashes, joins and is written as JSON like the text, and a copy is one too."""
    found = TorchBackend("rocm7.2")
    assert found == "rocm7.2"
    assert hash(found) == hash("rocm7.2")
    assert {"rocm7.2": 1}[found] == 1
    assert json.dumps([found]) == '["rocm7.2"]'
    assert f"{found}" == str(found) == "rocm7.2"
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301
        assert isinstance(copied, TorchBackend)
        assert (copied, copied.rocm) == ("rocm7.2", (7, 2))
    assert parse("rocm7.2") is parse("rocm7.2")


@pytest.mark.parametrize(
    ("text", "name"), [("cpu", "torch-cpu"), ("cu126", "torch-cu126"), ("rocm6.2.4", "torch-rocm6-2-4")]
)
def test_its_group_has_a_normalized_name(text: str, name: str) -> None:
    """PEP 735 names groups as distributions are named: no dots."""
    assert TorchBackend(text).group == name


def test_every_name_in_the_data_is_one() -> None:
    """Each build of the catalog has a torch backend that says what it is for, by the vendor that its code is of."""
    for row in BUILDS["builds"]:
        found = TorchBackend(row["torch_backend"])
        code = {"nvidia": "sm", "amd": "gfx"}.get(found.vendor or "")
        assert {key for key in ("sm", "gfx") if row.get(key)} <= {code}, row
    assert list(CATALOG.torch_backends) == sorted(CATALOG.torch_backends)
    assert CATALOG.torch_backends[0] == "cpu"
    assert all(isinstance(item, TorchBackend) for item in CATALOG.torch_backends)
