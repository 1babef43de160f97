"""Requirements of torch: on the machine's own platform what was selected, on every other PyPI's build."""

from __future__ import annotations

import itertools

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

from torch_auto.decide import decide
from torch_auto.machine import Accelerator
from torch_auto.pins.torch import partition, public_specifier, render, twin_of
from torch_auto.settings import Settings
from unit.data import CATALOG, OTHER_LOCALS, PLACES, PLATFORMS, RELEASES, ROWS, environment
from unit.machines import (
    A100_550,
    H100_580,
    P100_580,
    RTX5090_575,
    V100_470,
    all_accelerators,
    amd,
    intel,
    machine,
)


def _takes(requirements: tuple[str, ...], release: str, platform: str, python: str, *, pages: bool) -> list[str]:
    """The versions that a resolver may take on a platform, best first: all that exist there, and match the pins."""
    active = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(environment(platform, python)):
            active.append(requirement)
    assert len(active) == 1, (release, platform, python, requirements)
    place = PLACES.get((release, platform))
    versions = {release} if place is not None and place["public"] is not None else set()
    if pages:
        versions |= {f"{release}+{row['local']}" for row in ROWS.get((release, platform), ()) if row["local"]}
        versions |= {f"{release}+{local}" for local in OTHER_LOCALS.get(release, ())}
    matching = [version for version in versions if active[0].specifier.contains(version, prereleases=True)]
    return sorted(matching, key=Version, reverse=True)


@pytest.mark.parametrize("release", RELEASES)
def test_requirements_lead_every_platform_to_its_build(release: str) -> None:
    """By each machine's METADATA its own platform gets the selected build, others the public build or its twin."""
    machines: list[tuple[Accelerator, ...]] = [
        (), (A100_550,), (H100_580,), (P100_580,), (V100_470,), (RTX5090_575,), (amd("gfx942"),), (intel("8086:e20b"),),
    ]  # fmt: skip
    for accelerators, platform, pin in itertools.product(machines, PLATFORMS, ["prefer", "exact"]):
        here = PLACES.get((release, platform))
        python = "3.12" if here is None or "3.12" in here["pythons"] else here["pythons"][-1]
        on = machine(*accelerators, platform=platform, python=python)
        plan = decide(CATALOG.release(release), on, Settings(pin=pin), CATALOG)
        selection = plan.selection
        found = _takes(plan.requirements, release, platform, python, pages=True)
        alone = _takes(plan.requirements, release, platform, python, pages=False)
        if selection.needs is not None:
            assert found == alone == [], (on, plan.requirements)
        elif selection.local_version is not None:
            assert found[0] == f"{release}+{selection.local_version}", (on, plan.requirements)
            public = here is not None and here["public"] is not None and selection.public_allowed and pin == "prefer"
            assert alone == ([release] if public else []), (on, plan.requirements)
        else:
            assert alone == [release], (on, plan.requirements)
        for other in PLATFORMS:
            place = PLACES.get((release, other))
            if other == platform or other not in CATALOG.release(release).platforms or place is None:
                continue
            python = "3.12" if "3.12" in place["pythons"] else place["pythons"][-1]
            names = {row["torch_backend"]: row["local"] for row in ROWS[release, other]}
            twin = names[place["public"] or "cpu"]
            found = _takes(plan.requirements, release, other, python, pages=True)
            alone = _takes(plan.requirements, release, other, python, pages=False)
            assert found[0] == (f"{release}+{twin}" if twin else release), (on, other, plan.requirements)
            assert alone == ([release] if place["public"] is not None else []), (on, other, plan.requirements)


@pytest.mark.slow
def test_requirements_do_not_depend_on_the_python_that_builds() -> None:
    """Installers serve what was built for one Python to all others, so METADATA is the same from each of them."""
    differing = 0
    for accelerators in list(all_accelerators())[::9]:
        for release in RELEASES:
            pins = {
                decide(
                    CATALOG.release(release), machine(*accelerators, python=python), Settings(), CATALOG
                ).requirements
                for python in ("3.10", "3.12", "3.14")
            }
            assert len(pins) == 1, (release, accelerators)
            differing += "python_version" in " ".join(pins.pop())
    assert differing > 0  # machines are among them whose answer depends on the Python, and the markers say so


def test_the_public_setting_is_one_answer_for_all_machines() -> None:
    """backend=pypi writes the same METADATA on every machine and platform."""
    kinds: list[tuple[Accelerator, ...]] = [(), (H100_580,), (amd("gfx942"),)]
    for release in CATALOG.releases:
        pins = {
            decide(release, machine(*item, platform=platform), Settings(backend="pypi"), CATALOG).requirements
            for item in kinds
            for platform in PLATFORMS
            if platform in release.platforms
        }
        assert len(pins) == 1, release.version


@pytest.mark.parametrize("own", [*PLATFORMS, "linux_ppc64le", None])
def test_the_places_are_a_partition(own: str | None) -> None:
    """Whichever platform is the machine's own, each has one place, whose marker holds there alone."""
    places = partition(own)
    assert sorted(place for place, _ in places) == sorted(PLATFORMS)
    for platform in PLATFORMS:
        holds = [place for place, marker in places if Marker(marker).evaluate(environment(platform, "3.12"))]
        assert holds == [platform]


def test_several_places_with_one_python_marker() -> None:
    """Where several places share a marker of Pythons, it counts for all of them, and not for the last alone."""
    (first, one), (second, two), *_ = partition(None)[1::2]
    pins = [("python_version < '3.12'", "==1"), ("python_version >= '3.12'", "==2")]
    [old, new] = map(Requirement, render("torch", "", [(one, pins), (two, pins)]))
    assert (str(old.specifier), str(new.specifier)) == ("==1", "==2")
    for place in (first, second):
        for python in ("3.11", "3.12"):
            holds = [
                item.marker is not None and item.marker.evaluate(environment(place, python)) for item in (old, new)
            ]
            assert holds == [python == "3.11", python == "3.12"], (place, python)
    assert old.marker is not None
    assert not old.marker.evaluate(environment(partition(None)[0][0], "3.11"))


@pytest.mark.parametrize(
    ("platform", "twin"),
    [
        ("linux_x86_64", "cu130"),
        ("win_amd64", "cpu"),
        ("win_arm64", "cpu"),  # not on PyPI: what the PyTorch index has in its place
        ("macos_arm64", None),
        ("linux_ppc64le", None),
    ],
)
def test_the_twin_of_pypis_build_stays_in(platform: str, twin: str | None) -> None:
    """The local version that is PyPI's build, or stands for it, is not left out on its platform; each other one is."""
    release = CATALOG.release("2.14.1")
    assert twin_of(release, platform) == twin
    left_out = [item.removeprefix("!=2.14.1+") for item in public_specifier(release, platform).split(",")[1:]]
    assert left_out == [item for item in release.local_versions if item != twin]
