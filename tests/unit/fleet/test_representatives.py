"""The kinds of machines that the catalog tells apart: all of them, each once, and nobody else."""

from __future__ import annotations

import pytest

from torch_auto.catalog import version_key
from torch_auto.fleet.representatives import FAMILIES, common_python, family, gfx_key, kinds, steps
from torch_auto.machine import VENDORS
from unit.data import BUILDS, CATALOG, RELEASES


def test_every_capability_has_a_name() -> None:
    """A compute capability that the data bring along is to have a family here."""
    data = {pair for kind in kinds(CATALOG.releases, CATALOG) for pair in [kind.compute_capability] if pair != (0, 0)}
    assert data <= set(FAMILIES)
    assert len(data) > 10
    assert family((8, 6)) == "Ampere and Ada 8.6 to 8.9"
    assert family((99, 1)) == "compute capability 99.1"


@pytest.mark.parametrize("release", RELEASES)
def test_every_kind_of_gpu_that_a_build_is_for_is_there(release: str) -> None:
    """By the data: each compute capability with code of its own, each gfx target, Intel, and no GPU, by platform."""
    found = kinds((CATALOG.release(release),), CATALOG)
    assert len(set(found)) == len(found)
    for platform in CATALOG.release(release).platforms:
        own = [kind for kind in found if kind.platform == platform]
        rows = [row for row in BUILDS["builds"] if row["platform"] == platform and row["confidence"] != "unseen"]
        assert sum(kind.vendor is None for kind in own) == 1
        assert {kind.gfx_target for kind in own if kind.vendor == "amd"} == {
            target for row in rows for target in row.get("gfx", ())
        }
        numbers = {number for row in rows for number in row.get("sm", ())}
        runnable = {kind.compute_capability for kind in own if kind.vendor == "nvidia"}
        assert runnable >= {divmod(number, 10) for number in numbers}
        assert any(kind.vendor == "intel" for kind in own) == any(row["torch_backend"] == "xpu" for row in rows)
    for kind in found:
        assert kind.machine.platform == kind.platform
        assert kind.vendor in (None, *VENDORS)
        assert [item.vendor for item in kind.machine.accelerators] == ([kind.vendor] if kind.vendor else [])


def test_the_steps_are_the_drivers_at_which_something_changes() -> None:
    """Any older driver first, then the floors and the drivers of the release's own toolkits, ascending."""
    found = steps((CATALOG.release("2.14.1"),), CATALOG)
    assert (found[0].linux, found[0].windows) == ("1", "1")
    assert [(step.linux, step.windows) for step in found if step.linux in ("525.60.13", "580")] == [
        ("525.60.13", "528.33"),
        ("580", "580"),
    ]
    assert [version_key(step.linux) for step in found] == sorted(version_key(step.linux) for step in found)
    assert found[1].on("win_amd64") == found[1].windows
    assert found[1].on("linux_aarch64") == found[1].linux


@pytest.mark.parametrize("release", RELEASES)
def test_the_python_is_one_that_all_builds_come_for(release: str) -> None:
    """So that no answer is for want of wheels."""
    found = CATALOG.release(release)
    python = common_python(found)
    assert not python.endswith("t")
    assert python in found.platforms["linux_x86_64"].pythons
    everywhere = [
        build.pythons or here.pythons for here in found.platforms.values() for build in here.builds if build.seen
    ]
    if all(python in item for item in everywhere):
        newer = [other for other in frozenset.intersection(*everywhere) if not other.endswith("t")]
        assert python == max(newer, key=version_key)


def test_gfx_targets_sort_as_their_numbers() -> None:
    """gfx90a before gfx1030."""
    assert sorted(["gfx1030", "gfx90a", "gfx906", "gfx1100"], key=gfx_key) == ["gfx906", "gfx90a", "gfx1030", "gfx1100"]
