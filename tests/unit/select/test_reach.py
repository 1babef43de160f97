"""In which releases a device has a build to choose from, and what there is to choose from."""

from __future__ import annotations

from torch_auto.select.reach import Context, reach_of
from torch_auto.select.runs_on import candidates
from unit.data import CATALOG, PLACES, RELEASES, ROWS
from unit.machines import A100_550, H100_580, V100_470, all_accelerators, machine, nvidia, runs

PLATFORM = "linux_x86_64"


def test_the_reach_is_that_of_the_data() -> None:
    """Over GPUs with each driver and Pythons: the releases with a build that runs, by whose wheels there are."""
    for item in list(all_accelerators())[::5]:
        on = machine(*item)
        if len(candidates(on)) != 1:
            continue
        usable = {
            release: [
                row
                for row in ROWS.get((release, PLATFORM), ())
                if row["confidence"] != "unseen" and not row.get("own_index") and runs(row, on)
            ]
            for release in RELEASES
        }
        for python in ("3.8", "3.12", "3.14t"):
            reach = reach_of(candidates(on)[0], on.replace(python=python), CATALOG)
            mine = [
                release
                for release, rows in usable.items()
                if any(python in row.get("pythons", PLACES[release, PLATFORM]["pythons"]) for row in rows)
            ]
            assert list(reach.releases) == mine
            assert list(reach.other_pythons) == [
                release for release, rows in usable.items() if rows and release not in mine
            ]
            assert set(reach.public) <= set(mine)


def test_the_reach_of_groups_is_that_of_their_builds() -> None:
    """With builds to choose from, a release without one of them that runs does not reach the GPU."""
    on = machine(H100_580)
    [device] = candidates(on)
    allowed = frozenset({("2.14.1", "rocm7.2"), ("2.13.0", "cu126"), ("2.9.1", "cu130")})
    assert reach_of(device, on, CATALOG, allowed).releases == ("2.9.1", "2.13.0")
    assert reach_of(device, on, CATALOG, frozenset()).releases == ()
    assert len(reach_of(device, on, CATALOG).releases) > 20


def test_what_there_is_to_choose_from() -> None:
    """Groups leave no room for PyPI's build, nor for the release's other builds."""
    on = machine(A100_550)
    release = CATALOG.release("2.13.0")
    here = release.platforms[PLATFORM]
    free = Context(on, CATALOG, release, PLATFORM, here)
    assert (free.builds, free.public) == (here.builds, here.public)
    bound = Context(on, CATALOG, release, PLATFORM, here, frozenset({("2.13.0", "cu129"), ("2.9.1", "cu126")}))
    assert [build.torch_backend for build in bound.builds] == ["cu129"]
    assert bound.public is None
    [device] = candidates(on)
    assert [build.torch_backend for build in bound.usable(device)] == ["cu129"]
    assert {build.torch_backend for build in free.usable(device)} == {"cu126", "cu129"}


def test_on_how_many_gpus_a_build_runs() -> None:
    """Each GPU counts, whichever driver it has."""
    on = machine(nvidia("580.65.06", (13, 0), (9, 0), (9, 0), (6, 0)))
    release = CATALOG.release("2.14.1")
    context = Context(on, CATALOG, release, PLATFORM, release.platforms[PLATFORM])
    counted = {str(build.torch_backend): context.reached(build) for build in context.builds if build.seen}
    assert (counted["cu130"], counted["cu126"], counted["cpu"]) == (2, 3, 0)
    old = machine(V100_470)
    assert not Context(old, CATALOG, release, PLATFORM, context.here).usable(candidates(old)[0])


def test_a_release_that_lacks_the_platform_ends_no_reach() -> None:
    """Releases before and after one without builds for the platform count as they do without it."""
    on = machine(H100_580)
    [device] = candidates(on)
    releases = tuple(item.replace(platforms={}) if item.version == "2.9.1" else item for item in CATALOG.releases)
    found = reach_of(device, on, CATALOG.replace(releases=releases)).releases
    assert found == tuple(item for item in reach_of(device, on, CATALOG).releases if item != "2.9.1")
    assert found[-1] == reach_of(device, on, CATALOG).releases[-1]
