"""What a dependency group pins on every platform, and the pages that a lock of several needs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from torch_auto.pins.extras import EXTRAS, pair_of
from torch_auto.pins.groups import group_pages, group_requirements
from torch_auto.select.groups import Group, group_of
from unit.data import CATALOG, PLACES, PLATFORMS, RELEASES, ROWS, backends, environment
from unit.groups import ALL, groups
from unit.pins.admitted import active, admitted

if TYPE_CHECKING:
    from torch_auto.catalog import Release

PYTHONS = [f"3.{minor}" for minor in range(8, 16)]
BY_BACKEND = {(*place, row["torch_backend"]): row for place, rows in ROWS.items() for row in rows}


def wanted(group: Group, platform: str, python: str) -> set[str]:
    """The versions that may be taken on a platform, by the data: the build, or else cpu, or else the public one."""
    place = PLACES[group.release, platform]
    for backend in (group.torch_backend, "cpu"):
        row = BY_BACKEND.get((group.release, platform, backend))
        if row is not None and row["confidence"] != "unseen" and python in row.get("pythons", place["pythons"]):
            if row["local"] is not None:
                return {f"{group.release}+{row['local']}"}
            break
    twin = BY_BACKEND[group.release, platform, place["public"]]["local"]
    return {group.release, *([f"{group.release}+{twin}"] if twin else [])}


@pytest.mark.parametrize("release", RELEASES)
def test_one_requirement_of_a_group_holds_everywhere(release: str) -> None:
    """On each platform and Python exactly one holds: for the group's build, or else cpu, or else the public one."""
    versions = [release, *(f"{release}+{local}" for local in CATALOG.release(release).local_versions)]
    places = [*PLATFORMS, "linux_ppc64le"]
    cases = 0
    for backend in backends(release):
        group = group_of(release, backend)
        requirements = [Requirement(text) for text in group_requirements(group, CATALOG)]
        takes = [{version for version in versions if item.specifier.contains(version)} for item in requirements]
        for platform, python in itertools.product(places, PYTHONS):
            holds = [
                taken
                for item, taken in zip(requirements, takes, strict=True)
                if item.marker is None or item.marker.evaluate(environment(platform, python))
            ]
            assert len(holds) == 1, (group, platform, python)
            cases += 1
            if python in PLACES.get((release, platform), {"pythons": ()})["pythons"]:
                assert holds[0] == wanted(group, platform, python), (group, platform, python)
    assert cases == len(backends(release)) * len(places) * len(PYTHONS)


def test_the_public_build_is_pinned_last() -> None:
    """uv takes on one platform what it has taken on another, if it may: so the bare public build comes last."""
    with_public = 0
    for group in ALL:
        requirements = group_requirements(group, CATALOG)
        public = [number for number, text in enumerate(requirements) if ".*" in text and f"!={group.version}" in text]
        with_public += bool(public)
        assert public in ([], [len(requirements) - 1]), requirements
    assert with_public == len(ALL)  # macOS, at least


def test_a_groups_requirements_are_short_where_one_answer_does() -> None:
    """An example in full: one line for each answer, with the fewest markers."""
    [group] = groups("2.13.0+rocm7.1")
    linux, others, macos = group_requirements(group, CATALOG)
    assert linux == "torch==2.13.0+rocm7.1; sys_platform == 'linux' and platform_machine == 'x86_64'"
    assert others == (
        "torch==2.13.0+cpu; (sys_platform == 'linux' and platform_machine != 'x86_64') or (sys_platform == 'win32')"
    )
    assert macos.endswith("; sys_platform != 'linux' and sys_platform != 'win32'")


def test_a_build_that_lacks_a_python_gives_way_there_alone() -> None:
    """torch 2.5.1 has ROCm builds for Python 3.12 and older: the cpu build is pinned from 3.13 on."""
    requirements = group_requirements(group_of("2.5.1", "rocm6.2"), CATALOG)
    linux = [text for text in requirements if "x86_64" in text and "== 'x86_64'" in text]
    assert [text.split(";")[0] for text in linux] == ["torch==2.5.1+rocm6.2", "torch==2.5.1+cpu"]
    assert ["python_version < '3.13'" in linux[0], "python_version >= '3.13'" in linux[1]] == [True, True]


def test_a_groups_family() -> None:
    """torchvision and torchaudio follow torch's own requirements, each pinned to the group's torch backend."""
    group = group_of("2.13.0", "cu126")
    found = [Requirement(text) for text in group_requirements(group, CATALOG, ("torchvision", "torchaudio"))]
    assert list(dict.fromkeys(item.name for item in found)) == ["torch", "torchvision", "torchaudio"]
    here = [item for item in found if item.marker and item.marker.evaluate(environment("linux_x86_64", "3.12"))]
    assert len(here) == 3
    assert [str(item.specifier).endswith("+cu126") for item in here[:2]] == [True, True]


def test_pages() -> None:
    """Every lock needs torch's page; ROCm's and XPU's triton have pages of their own."""
    base = "https://mirror.test/whl"
    assert group_pages(groups("2.13.0+cpu,2.13.0+cu126"), base) == (f"{base}/torch/",)
    assert group_pages(groups("2.13.0+xpu,2.13.0+rocm7.1"), base, ("torchvision",)) == (
        f"{base}/torch/",
        f"{base}/triton-xpu/",
        f"{base}/triton-rocm/",
        f"{base}/torchvision/",
    )


# --- torchvision and torchaudio ------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CATALOG.releases, ids=lambda release: str(release.version))
@pytest.mark.parametrize("project", EXTRAS.values())
def test_pins_of_a_group_are_of_the_groups_torch(project: str, release: Release) -> None:
    """On each platform a group's pair is of its torch's torch backend; else its CPU build, or a label and nothing."""
    found = pair_of(project, release.version, CATALOG)
    assert found is not None
    here = release.platforms["linux_x86_64"]
    for build in here.builds:
        if not build.seen or build.own_index:
            continue
        pins = group_requirements(group_of(release.version, build.torch_backend), CATALOG, (project,))
        for platform, where in release.platforms.items():
            python = min(python.rstrip("t") for python in where.pythons)
            torch, other = admitted(pins, release, found, platform, python)
            assert len(set(torch.values())) == 1, (platform, torch)
            label = any("needs" in str(item) for item in active(pins, project, platform, python))
            assert label or set(other.values()) <= {*torch.values(), "cpu"}, (platform, torch, other)
            assert bool(other) != label, (platform, other)
            [(version, name)] = torch.items()
            if "+" in version and found.exact(platform, name):
                assert list(other) == [f"{found.version}+{name}"]


def test_a_group_of_an_unknown_project_is_an_error() -> None:
    """What the catalog has no pair of cannot be pinned."""
    with pytest.raises(ValueError, match=r"the catalog does not know a torchbogus for torch 2\.14\.1"):
        group_requirements(group_of("2.14.1", "cpu"), CATALOG, ("torchbogus",))


def test_the_requirements_of_a_group_as_written() -> None:
    """2.9.1+cu126 with torchvision: the exact pair where there is one, Windows on ARM's cpu build, and PyPI's last."""
    linux, windows = "sys_platform == 'linux'", "sys_platform == 'win32'"
    amd64 = f"({windows} and platform_machine == 'AMD64')"
    arm = f"{windows} and platform_machine != 'AMD64'"
    mac = "sys_platform != 'linux' and sys_platform != 'win32'"
    others = ["cpu", "cu126", "cu128", "cu129", "cu130", "rocm6.3", "rocm6.4", "rocm7.0", "xpu"]
    pypis = {
        version: ",".join([f"=={version}.*", *(f"!={version}+{item}" for item in others)])
        for version in ("2.9.1", "0.24.1")
    }
    [group] = groups("2.9.1+cu126")
    assert group_requirements(group, CATALOG, ("torchvision",)) == (
        f"torch==2.9.1+cu126; ({linux}) or {amd64}",
        f"torch==2.9.1+cpu; {arm}",
        f"torch{pypis['2.9.1']}; {mac}",
        f"torchvision==0.24.1+cu126; ({linux} and platform_machine == 'x86_64') or {amd64}",
        f"torchvision==0.24.1+cpu; {arm}",
        f"torchvision{pypis['0.24.1']}; ({linux} and platform_machine != 'x86_64') or ({mac})",
    )
