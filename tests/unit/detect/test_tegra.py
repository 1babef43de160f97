"""NVIDIA's Tegra modules: each chip by its name and by its id, and which driver it has by the release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_auto.detect.log import Log
from torch_auto.detect.tegra import Tegra, tegra
from torch_auto.detect.tree import Tree
from unit.detect.trees import write

if TYPE_CHECKING:
    from pathlib import Path

# include/soc/tegra/fuse.h of the kernel has the ids; developer.nvidia.com/cuda-gpus the compute capabilities.
CHIPS = [
    ("tegra210", "33", "Jetson Nano or TX1", (5, 3)),
    ("tegra186", "24", "Jetson TX2", (6, 2)),
    ("tegra194", "25", "Jetson Xavier", (7, 2)),
    ("tegra234", "35", "Jetson Orin", (8, 7)),
    ("tegra264", "38", "Jetson Thor", (11, 0)),
]


def of(folder: Path, files: dict[str, str]) -> Tegra | None:
    """The module that these files speak for."""
    return tegra(Tree(str(write(folder, files))), Log())


@pytest.mark.parametrize(("chip", "identifier", "name", "capability"), CHIPS)
def test_each_chip(tmp_path: Path, chip: str, identifier: str, name: str, capability: tuple[int, int]) -> None:
    """By the device tree or, in a container that hides it, by the id of the system on chip."""
    by_name = of(tmp_path / "a", {"proc/device-tree/compatible": f"nvidia,p1-2\0nvidia,{chip}\0"})
    by_id = of(tmp_path / "b", {"sys/devices/soc0/family": "Tegra\n", "sys/devices/soc0/soc_id": f"{identifier}\n"})
    for found in (by_name, by_id):
        assert found is not None
        assert (found.name, found.compute_capability, found.release) == (name, capability, None)


@pytest.mark.parametrize(
    ("capability", "release", "ordinary", "may", "cuda"),
    [
        ((7, 2), 35, False, False, None),
        ((8, 7), None, False, True, None),
        ((8, 7), 36, False, False, None),
        ((8, 7), 38, False, False, None),
        ((8, 7), 39, True, False, (13, 2)),
        ((8, 7), 40, True, False, (13, 2)),
        ((11, 0), None, True, False, (13, 0)),
        ((11, 0), 38, True, False, (13, 0)),
        ((11, 0), 39, True, False, (13, 2)),
        (None, 39, True, False, (13, 2)),
    ],
)
def test_which_driver_serves_it(
    capability: tuple[int, int] | None,
    release: int | None,
    *,
    ordinary: bool,
    may: bool,
    cuda: tuple[int, int] | None,
) -> None:
    """Servers' driver serves Thor, and Orin from R39 on; its CUDA is that of the release, or of a newer one."""
    found = Tegra("x", capability, release)
    assert (found.has_ordinary_driver, found.may_have_ordinary_driver, found.cuda) == (ordinary, may, cuda)


@pytest.mark.parametrize(
    ("release", "name"),
    [("35", "Jetson Orin or older"), ("38", "Jetson Thor"), ("39", "Jetson Orin or Thor")],
)
def test_where_no_file_names_the_chip_the_release_does(tmp_path: Path, release: str, name: str) -> None:
    """The release of Jetson Linux, or a kernel of Jetson Linux alone."""
    found = of(tmp_path, {"etc/nv_tegra_release": f"# R{release} (release), REVISION: 1.0, GCID: 1\n"})
    assert found is not None
    assert (found.name, found.release) == (name, int(release))


def test_what_is_no_tegra(tmp_path: Path) -> None:
    """Another board's device tree, another maker's chip, and an ordinary kernel are none."""
    files = {
        "proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0",
        "sys/devices/soc0/family": "Snapdragon\n",
        "sys/devices/soc0/soc_id": "35\n",
        "proc/sys/kernel/osrelease": "6.8.0-tegrality\n",
    }
    assert of(tmp_path / "a", files) is None
    kernel = of(tmp_path / "b", {"proc/sys/kernel/osrelease": "5.15.148-tegra\n"})
    assert kernel is not None
    assert kernel.name == "Jetson Orin or older"
