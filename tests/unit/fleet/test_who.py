"""Who gets what of some groups: the table holds every machine's own answer, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_auto.catalog import version_key
from torch_auto.fleet.fewest import smallest_set
from torch_auto.fleet.representatives import family, kinds, steps
from torch_auto.fleet.who import Row, who_gets_what
from torch_auto.select.choose_group import choose
from torch_auto.select.groups import group_of
from unit.data import CATALOG, RELEASES, up_to
from unit.groups import ALL, groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.fleet.representatives import Kind
    from torch_auto.select.groups import Group

NAMES = {
    "linux_x86_64": "Linux x86_64",
    "linux_aarch64": "Linux aarch64",
    "win_amd64": "Windows",
    "win_arm64": "Windows on ARM",
    "macos_arm64": "macOS arm64",
    "macos_x86_64": "macOS x86_64",
}
LINUX, AARCH64, WINDOWS = (NAMES[name] for name in ("linux_x86_64", "linux_aarch64", "win_amd64"))
JETSON = Row("torch-cpu", ("Jetson with JetPack 6 or older",), "", (AARCH64,), "NVIDIA's own wheels serve them")

OLD = ("Maxwell 5.0 to 5.2", "Pascal 6.0", "Pascal 6.1", "Volta 7.0", "Turing 7.5")
AMPERE_ON = ("Ampere 8.0", "Ampere and Ada 8.6 to 8.9", "Hopper 9.0")
BLACKWELL = ("Blackwell 10.0 to 10.3", "Blackwell 12.0 to 12.1")
EVERYWHERE = (LINUX, AARCH64, WINDOWS)
AMD = (
    "AMD gfx908", "AMD gfx90a", "AMD gfx942", "AMD gfx950", "AMD gfx1030", "AMD gfx1100", "AMD gfx1101", "AMD gfx1102",
    "AMD gfx1103", "AMD gfx1150", "AMD gfx1151", "AMD gfx1200", "AMD gfx1201",
)  # fmt: skip
INTEL = ("Intel GPUs that PyTorch supports",)
TOO_OLD = "the driver is too old for torch 2.14.1"
OLDER = "an older torch has a build for it"
FLOOR = "525.60.13 (Windows: 528.33)"


def test_the_whole_table() -> None:
    """Of the smallest set of torch 2.14.1: those whose GPU is used, those without one, and who is left out."""
    known = up_to("2.15.0")  # a newer release may hold code for GPUs that it is not there for
    found = tuple(group_of("2.14.1", item) for item in smallest_set("2.14.1", known))
    no_gpu = (LINUX, AARCH64, WINDOWS, NAMES["win_arm64"], NAMES["macos_arm64"])
    assert list(who_gets_what(found, known)) == [
        Row("torch-cu126", OLD, FLOOR, (LINUX, WINDOWS)),
        Row("torch-cu126", AMPERE_ON, FLOOR, EVERYWHERE),
        Row("torch-cu130", AMPERE_ON + BLACKWELL, "580", EVERYWHERE),
        Row("torch-cu130", ("Thor 11.0",), "580", (AARCH64,)),
        # On Linux cu126 has code for 7.5 in MAGMA too, and cu130 does not.
        Row("torch-cu130", ("Turing 7.5",), "580", (WINDOWS,)),
        Row("torch-rocm7-2", AMD, "", (LINUX,)),
        Row("torch-xpu", INTEL, "", (LINUX, WINDOWS)),
        Row("torch-cpu", ("no GPU",), "", no_gpu),
        Row("torch-cpu", ("Kepler 3.7",), "", (LINUX, WINDOWS), OLDER),
        Row("torch-cpu", OLD, "", (LINUX, WINDOWS), TOO_OLD),
        Row("torch-cpu", AMPERE_ON + BLACKWELL, "", EVERYWHERE, TOO_OLD),
        Row("torch-cpu", ("Thor 11.0",), "", (AARCH64,), TOO_OLD),
        Row("torch-cpu", ("AMD gfx900", "AMD gfx906"), "", (LINUX,), OLDER),
        JETSON,
    ]


# --- it is true ----------------------------------------------------------------------------------------------------


def name_of(kind: Kind) -> str:
    """A kind's GPU as the table calls it."""
    if kind.vendor == "nvidia":
        return family(kind.compute_capability)
    return f"AMD {kind.gfx_target}" if kind.vendor == "amd" else INTEL[0] if kind.vendor == "intel" else "no GPU"


def since(row: Row, platform: str) -> tuple[int, ...]:
    """The driver from which on a row holds on a platform; () where any is right."""
    linux, _, windows = row.driver.partition(" (Windows: ")
    text = windows.rstrip(")") if windows and platform == "win_amd64" else linux
    return version_key(text) if text else ()


def look_up(rows: Sequence[Row], kind: Kind, driver: str) -> Row:
    """The row that a reader finds: of those for the GPU and the platform, the one with the newest driver so far."""
    mine = [row for row in rows if name_of(kind) in row.gpus and NAMES[kind.platform] in row.platforms]
    reached = [row for row in mine if since(row, kind.platform) <= version_key(driver)]
    newest = max(since(row, kind.platform) for row in reached)
    [found] = [row for row in reached if since(row, kind.platform) == newest]
    return found


def check(found: tuple[Group, ...]) -> int:
    """Compare the table with each kind's own answer; returns how many kinds there are."""
    rows = who_gets_what(found, CATALOG)
    assert len(set(rows)) == len(rows)
    releases = tuple(CATALOG.release(version) for version in dict.fromkeys(group.release for group in found))
    drivers = steps(releases, CATALOG)
    every = kinds(releases, CATALOG)
    taken = set()
    for kind in every:
        chosen = choose(kind.machine, found, CATALOG)
        row = look_up(rows, kind, drivers[kind.step].on(kind.platform))
        assert row.group == chosen.group.name, (kind, row)
        if kind.vendor is not None:
            assert bool(row.why) != chosen.selection.accelerated, (kind, row)
        else:
            assert bool(row.why) == (chosen.selection.needs is not None), (kind, row)
        taken.add(row)
    # And no row that no machine is in; each of its GPUs is there on each of its platforms.
    jetson = {row for row in rows if row.gpus == JETSON.gpus}
    assert set(rows) == taken | jetson
    there = {(name_of(kind), NAMES[kind.platform]) for kind in every}
    for row in set(rows) - jetson:
        assert {(gpu, platform) for gpu in row.gpus for platform in row.platforms} <= there, row
    return len(every)


@pytest.mark.parametrize(
    "text",
    [
        "2.14.1+cpu,2.14.1+cu126",
        "2.13.0+cpu,2.13.0+cu126,2.13.0+cu129,2.13.0+cu130,2.13.0+rocm7.2,2.13.0+xpu",
        "2.9.1+cpu,2.9.1+cu126,2.9.1+cu128",
        "2.5.1+cpu,2.5.1+cu118,2.5.1+rocm6.2",
        "2.14.1+cpu,2.14.1+cu130,2.13.0+cu129,2.9.1+cu126,2.7.1+cu118",
        "2.13.0+cu126,2.13.0+xpu",
        "2.13.0+cpu",
        "2.2.2+cpu,2.2.2+cu121",
    ],
)
def test_every_machines_own_answer_is_in_the_table(text: str) -> None:
    """Each kind of machine finds one row by its GPU, platform and driver, and takes the group that is named there."""
    assert check(groups(text)) > 60


@pytest.mark.parametrize("release", RELEASES)
def test_every_machines_own_answer_with_all_of_a_release(release: str) -> None:
    """The same with every torch backend of a release as a group."""
    assert check(tuple(group for group in ALL if group.release == release)) > 60


def test_what_would_serve_those_who_are_left_out() -> None:
    """The torch backend of the release that would serve them, or else a newer or an older torch."""

    def whys(text: str) -> dict[tuple[str, str, str], str]:
        rows = who_gets_what(groups(text), CATALOG)
        return {(gpu, place, row.driver): row.why for row in rows for gpu in row.gpus for place in row.platforms}

    why = whys("2.13.0+cpu,2.13.0+cu126")
    assert why[INTEL[0], LINUX, ""] == why[INTEL[0], WINDOWS, ""] == "xpu of torch 2.13.0 has a build for it"
    assert why["Blackwell 12.0 to 12.1", LINUX, "525.60.13"] == "cu129 of torch 2.13.0 has a build for it"
    assert why["Blackwell 12.0 to 12.1", WINDOWS, "580"] == "cu130 of torch 2.13.0 has a build for it"
    assert why["AMD gfx906", LINUX, ""] == OLDER
    assert why["Jetson with JetPack 6 or older", AARCH64, ""] == JETSON.why
    why = whys("2.5.1+cpu,2.5.1+cu118")
    assert {text for (gpu, _, _), text in why.items() if gpu in BLACKWELL} == {"a newer torch has a build for it"}
