"""Dependency groups: their names, the setting's value, and what a group is on a platform."""

from __future__ import annotations

import pytest

from torch_auto.catalog import TorchBackend
from torch_auto.select.groups import Group, group_build, group_of, groups_text
from unit.data import CATALOG, RELEASES
from unit.groups import ALL, THREE, groups


def test_names_and_versions() -> None:
    """A group's name is one that PEP 735 and tools leave as it is."""
    assert [(group.name, group.version) for group in groups(THREE)] == [
        ("torch-cpu", "2.13.0+cpu"),
        ("torch-cu126", "2.13.0+cu126"),
        ("torch-rocm7-1", "2.13.0+rocm7.1"),
    ]


def test_the_text_is_read_back() -> None:
    """Every build that can be pinned can be a group, and what is written is read as the same."""
    for release in RELEASES:
        of_release = tuple(group for group in ALL if group.release == release)
        assert groups(groups_text(of_release)) == of_release
    assert groups(" 2.13.0+cpu, 2.13.0+cu126\n") == groups("2.13.0+cpu,2.13.0+cu126")


def test_every_fault_is_named_with_what_is_valid() -> None:
    """Five faults in one value are five texts; the valid releases or torch backends are among them."""
    with pytest.raises(ValueError, match="names no group"):
        groups(" , ")
    text = "2.13.0+cu124,2.13,9.9.9+cpu,2.14.0+rocm7.14,2.12.0+cpu,2.13.0+cpu"
    with pytest.raises(ValueError, match=r"cu124") as caught:
        groups(text)
    faults = str(caught.value).split("; '")
    assert len(faults) == 5
    for fault_text, expected in zip(
        faults,
        [
            "valid are cpu, cu126, cu129, cu130, cu132, rocm7.1, rocm7.2, xpu",
            "is not a release and a torch backend",
            "it knows 2.0.0",
            "only an index of their own has",
            "there is another group torch-cpu",
        ],
        strict=True,
    ):
        assert expected in fault_text


def test_a_group_holds_a_torch_backend_and_no_text() -> None:
    """What is not a torch backend makes no group."""
    group = group_of("2.13.0", "rocm7.1")
    assert isinstance(group.torch_backend, TorchBackend)
    assert group == Group("2.13.0", TorchBackend("rocm7.1"))
    with pytest.raises(ValueError, match="'gpu' is not a torch backend"):
        group_of("2.13.0", "gpu")


def test_what_a_group_is_where_its_build_is_missing() -> None:
    """The build, or else the cpu build, or else PyPI's; by the Python, too."""
    linux = CATALOG.release("2.5.1").platforms["linux_x86_64"]
    names = {python: group_build(linux, "rocm6.2", python) for python in ("", "3.12", "3.13")}
    assert {python: build.torch_backend for python, build in names.items() if build is not None} == {
        "": "rocm6.2",
        "3.12": "rocm6.2",
        "3.13": "cpu",
    }
    macos = CATALOG.release("2.13.0").platforms["macos_arm64"]
    assert group_build(macos, "cu126", "3.12") is macos.find("cpu")
    old = CATALOG.release("2.5.1").platforms["linux_aarch64"]
    found = group_build(old, "cu124", "3.12")
    assert found is not None
    assert found.local_version is None
