"""The fewest torch backends: for every kind of machine of a release, and for a fleet."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import machines
from test_groups import ALL, MACHINES, RELEASES, backends, groups
from test_selection import BUILDS, CATALOG, _runs

from torch_auto.cover import Fleet, cover, default_release, smallest_set, who_gets_what, why_default
from torch_auto.fit import candidates, fault
from torch_auto.groups import Group, choose
from torch_auto.kinds import FAMILIES, Kind, kinds, steps
from torch_auto.machine_file import machine_from_json

if TYPE_CHECKING:
    from torch_auto.machine import Machine
    from torch_auto.who import Row

EIGHT = ["cpu", "a100-550", "h100-580", "rtx5090-575", "p100-580", "mi300", "arc-b580", "macos-arm64"]


# --- the release to start from, and its smallest set ---------------------------------------------------------------


def test_the_release_to_start_from() -> None:
    """The newest with builds for all vendors on Linux x86_64, and what the newer ones lack."""
    assert default_release(CATALOG) == "2.14.1"
    assert why_default(CATALOG) == (
        "torch 2.14.1 is the newest release that has builds for NVIDIA, AMD and Intel GPUs and for CPUs; "
        "2.15.0 has cpu and cu132 alone."
    )


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("2.15.0", "cpu cu132"),
        ("2.14.1", "cpu cu126 cu130 rocm7.2 xpu"),
        ("2.13.0", "cpu cu126 cu129 cu130 rocm7.2 xpu"),  # cu129: Blackwell with a driver older than 580
        ("2.9.1", "cpu cu126 cu128 cu130 rocm6.3 xpu"),  # cu130: Thor; rocm6.3: gfx900 and gfx906
        ("2.7.1", "cpu cu118 cu128 rocm6.3 xpu"),
        ("2.5.1", "cpu cu118 rocm6.2"),
    ],
)
def test_the_smallest_set(release: str, expected: str) -> None:
    """Some releases, with what is known of them: cu126 is for Maxwell to Volta from 2.8.0 on."""
    assert " ".join(smallest_set(release, CATALOG)) == expected


@pytest.mark.parametrize("release", RELEASES)
def test_no_smaller_set_does(release: str) -> None:
    """Over every kind of machine and every set of torch backends: all that any serves are served, by no fewer."""
    rows: dict[str, list[dict[str, object]]] = {}
    for row in BUILDS["builds"]:
        if row["release"] == release and row["confidence"] != "unseen" and not row.get("own_index"):
            rows.setdefault(row["platform"], []).append(row)
    needs = set()
    for kind in kinds((CATALOG.release(release),), CATALOG):
        serving = {str(row["torch_backend"]) for row in rows[kind.platform] if _runs(row, kind.machine)}
        needs.add(frozenset(serving)) if serving else None
    found = smallest_set(release, CATALOG)
    assert found[0] == "cpu"
    assert all(need & set(found) for need in needs)
    others = [backend for backend in backends(release) if backend != "cpu"]
    smaller = list(itertools.combinations(others, max(len(found) - 2, 0)))
    assert smaller
    assert not [subset for subset in smaller if all(need & set(subset) for need in needs)]


def test_every_capability_has_a_name() -> None:
    """A compute capability that the data bring along is to have a family here."""
    data = {pair for kind in kinds(CATALOG.releases, CATALOG) for pair in [kind.compute_capability] if pair != (0, 0)}
    assert data <= set(FAMILIES)
    assert len(data) > 10


# --- who gets what -------------------------------------------------------------------------------------------------


TABLE = """\
NVIDIA Maxwell to Volta (5.0 to 7.0), driver 525.60.13 (Windows: 528.33) or newer, Linux x86_64 and Windows -> \
torch-cu126
NVIDIA Turing to Hopper (7.5 to 9.0; Linux aarch64: 8.0 to 9.0), driver 525.60.13 (Windows: 528.33) or newer but \
older than 580 -> torch-cu126
NVIDIA Turing to Blackwell (7.5 to 12.1; Linux aarch64: 8.0 to 12.1), driver 580 or newer -> torch-cu130
AMD gfx908, gfx90a, gfx942, gfx950, gfx1030, gfx1100, gfx1101, gfx1102, gfx1103, gfx1150, gfx1151, gfx1200, \
gfx1201, Linux x86_64 -> torch-rocm7-2
Intel GPUs that PyTorch supports, Linux x86_64 and Windows -> torch-xpu
no GPU, Windows on ARM, macOS -> torch-cpu
NVIDIA Kepler (3.7), Linux x86_64 and Windows -> torch-cpu (an older torch has a build for it)
NVIDIA Maxwell to Hopper (5.0 to 9.0; Linux aarch64: 8.0 to 9.0), driver older than 525.60.13 (Windows: 528.33) -> \
torch-cpu (that is too old for torch 2.14.1)
NVIDIA Blackwell (10.0 to 12.1), driver older than 580 -> torch-cpu (that is too old for torch 2.14.1)
AMD gfx900, gfx906, Linux x86_64 -> torch-cpu (an older torch has a build for it)
Jetson modules before Thor -> torch-cpu (NVIDIA's own wheels serve them)
"""


def test_who_gets_what() -> None:
    """The whole table of a set, as a user reads it."""
    rows = who_gets_what(tuple(Group("2.14.1", item) for item in smallest_set("2.14.1", CATALOG)), CATALOG)
    assert [f"{row.who} -> {row.group}" + (f" ({row.why})" if row.why else "") for row in rows] == TABLE.splitlines()


NAMES = {"linux_x86_64": "Linux x86_64", "linux_aarch64": "Linux aarch64", "win_amd64": "Windows"}


def number(text: str) -> tuple[int, ...]:
    """A version as numbers."""
    return tuple(map(int, text.split(".")))


def is_in(kind: Kind, row: Row, driver: str) -> bool:
    """Whether a row's words say that it is for an NVIDIA kind; ``driver`` is the kind's."""
    match = re.fullmatch(r"NVIDIA [\w ,]+? \((.*?)\)(, driver .*?)?(, (?:Linux|Windows)[^,]*(?:, Linux.*)?)?", row.who)
    assert match is not None, row.who
    numbers, drivers, where = (part or "" for part in match.groups())
    name = NAMES[kind.platform]
    if where and name not in where:
        return False
    general, *special = numbers.split("; ")
    own = next((text.partition(": ")[2] for text in special if text.startswith(name)), general)
    ranges = [text.split(" to ") for text in re.split(r", | and ", own)]
    if not any(number(item[0]) <= kind.compute_capability <= number(item[-1]) for item in ranges):
        return False
    if name == "Windows":
        drivers = re.sub(r"[\d.]+ \(Windows: ([\d.]+)\)", r"\1", drivers)
    since = re.search(r"([\d.]+)(?: \(.*?\))? or newer", drivers)
    until = re.search(r"older than ([\d.]+)", drivers)
    return (since is None or number(since.group(1)) <= number(driver)) and (
        until is None or number(driver) < number(until.group(1))
    )


TABLES = [
    "2.14.1+cpu,2.14.1+cu126",
    "2.13.0+cpu,2.13.0+cu126,2.13.0+cu129,2.13.0+cu130,2.13.0+rocm7.2,2.13.0+xpu",
    "2.9.1+cpu,2.9.1+cu126,2.9.1+cu128",
    "2.5.1+cpu,2.5.1+cu118,2.5.1+rocm6.2",
    "2.14.1+cpu,2.14.1+cu130,2.13.0+cu129,2.9.1+cu126,2.7.1+cu118",
    "2.13.0+cu126,2.13.0+xpu",
]


@pytest.mark.parametrize("text", TABLES)
def test_the_words_are_true(text: str) -> None:
    """Every kind of machine is in one row of the table, read as a user reads it, and takes the group named there."""
    found = groups(text)
    rows = who_gets_what(found, CATALOG)
    releases = tuple(CATALOG.release(version) for version in dict.fromkeys(group.release for group in found))
    drivers = steps(releases, CATALOG)
    nvidia = [row for row in rows if row.who.startswith("NVIDIA")]
    cases = 0
    for kind in kinds(releases, CATALOG):
        chosen = choose(kind.machine, found, CATALOG)
        if kind.vendor == "nvidia":
            inside = [row for row in nvidia if is_in(kind, row, drivers[kind.step].on(kind.platform))]
        elif kind.vendor == "amd":
            inside = [row for row in rows if re.search(rf"\b{kind.gfx_target}\b", row.who)]
        else:
            words = {"macos_arm64": "macOS", "win_arm64": "Windows on ARM", "macos_x86_64": "Intel Macs"}
            word = "Intel GPUs" if kind.vendor == "intel" else words.get(kind.platform, "no GPU")
            inside = [row for row in rows if word in row.who]
        assert [row.group for row in inside] == [chosen.group.name], (kind, inside)
        if kind.vendor is not None:
            assert bool(inside[0].why) != chosen.selection.accelerated, (kind, inside)
        cases += 1
    assert cases > 60
    assert len(rows) < 25


def test_what_would_serve_those_who_are_left_out() -> None:
    """The torch backend of the release that would serve them, or else a newer or an older torch."""
    rows = who_gets_what(groups("2.13.0+cpu,2.13.0+cu126"), CATALOG)
    why = {row.who: row.why for row in rows}
    assert why["Intel GPUs that PyTorch supports, Linux x86_64 and Windows"] == "xpu of torch 2.13.0 has a build for it"
    assert why["NVIDIA Blackwell (10.0 to 12.1), driver 525.60.13 or newer, Linux x86_64"].startswith("cu129 of torch")
    assert why["AMD gfx900, gfx906, Linux x86_64"] == "an older torch has a build for it"
    rows = who_gets_what(groups("2.5.1+cpu,2.5.1+cu118"), CATALOG)
    assert {row.why for row in rows if "Blackwell" in row.who} == {"a newer torch has a build for it"}


# --- a fleet -------------------------------------------------------------------------------------------------------


def fleet(*names: str, releases: tuple[str, ...] = ()) -> Fleet:
    """What serves these machines."""
    return cover([(name, MACHINES[name]) for name in names], CATALOG, releases)


def test_the_eight_machines_of_the_issue() -> None:
    """torch 2.13.0 is the newest that serves them all, by five torch backends; no single one runs on all."""
    found = fleet(*EIGHT)
    assert found.one is None
    assert found.apart == ()
    assert found.fewest is not None
    assert found.fewest.release == "2.13.0"
    assert found.fewest.torch_backends == ("cpu", "cu126", "cu129", "rocm7.2", "xpu")
    assert {seat.labels[0]: seat.chosen and seat.chosen.selection.local_version for seat in found.fewest.seats} == {
        "cpu": "cpu",
        "a100-550": "cu126",
        "h100-580": "cu129",
        "rtx5090-575": "cu129",
        "p100-580": "cu126",
        "mi300": "rocm7.2",
        "arc-b580": "xpu",
        "macos-arm64": None,
    }


def test_one_torch_backend_for_all() -> None:
    """A machine without a GPU runs the others' build, and is told what that weighs; cpu beside it is told too."""
    found = fleet("cpu", "a100-550", "p100-580", "macos-arm64")
    assert found.one is not None
    assert (found.one.release, found.one.torch_backends) == ("2.14.1", ("cu126",))
    reasons = {seat.labels[0]: " ".join(seat.reasons) for seat in found.one.seats}
    assert "some 3 GB" in reasons["cpu"]
    assert "3 GB" not in reasons["a100-550"] + reasons["macos-arm64"]
    assert found.fewest is not None
    assert (found.fewest.release, found.fewest.torch_backends) == ("2.14.1", ("cpu", "cu126"))


def test_a_newer_torch_by_more_torch_backends() -> None:
    """One torch backend that serves all is older here than what several do: both are told."""
    found = fleet("p100-580", "rtx5090-575")
    assert found.one is None
    found = fleet("v100-470", "p100-580", "h100-580")
    assert found.one is not None
    assert found.fewest is not None
    assert (found.one.release, found.one.torch_backends) == ("2.7.1", ("cu118",))
    assert (found.fewest.release, found.fewest.torch_backends) == ("2.7.1", ("cu118",))
    found = fleet("gb200", "a100-550")
    assert found.one is not None
    assert found.fewest is not None
    assert (found.one.release, found.one.torch_backends) == ("2.11.0", ("cu128",))
    assert (found.fewest.release, found.fewest.torch_backends) == ("2.14.1", ("cu126", "cu130"))


def test_machines_that_nothing_serves_are_named() -> None:
    """What the release of the most does not serve is told apart, with its own newest torch or why there is none."""
    found = fleet("a100-550", "rtx5090-575", "k80-470", "musl")
    assert found.one is None
    assert found.fewest is not None
    assert (found.fewest.release, [seat.labels for seat in found.fewest.seats]) == (
        "2.13.0",
        [("a100-550",), ("rtx5090-575",)],
    )
    k80, musl = found.apart
    assert k80.chosen is not None
    assert k80.chosen.group == Group("2.6.0", "cu118")
    assert "torch 2.0.0 to 2.6.0 have" in " ".join(k80.reasons)
    assert (musl.chosen, musl.labels) == (None, ("musl",))
    assert "musl 1.2" in " ".join(musl.reasons)
    found = fleet("musl")
    assert (found.one, found.fewest, len(found.apart)) == (None, None, 1)


def test_releases_that_are_asked_for() -> None:
    """Of the releases named the newest that serves all."""
    found = fleet("a100-550", "rtx5090-575", releases=("2.9.1", "2.14.1", "2.5.1"))
    assert found.fewest is not None
    assert found.one is not None
    assert (found.fewest.release, found.one.torch_backends) == ("2.9.1", ("cu129",))


def test_machines_of_one_kind_are_one_seat() -> None:
    """Names, counts of equal GPUs and evidence make no other kind; a driver does."""
    nodes = [
        ("1", machine_from_json(machines.with_nvidia("550.54.14", ("NVIDIA A100", "8.0")))),
        ("2", machine_from_json(machines.with_nvidia("550.54.14", *[machines.A100] * 8))),
        ("3", machine_from_json(machines.with_nvidia("580.65.06", machines.A100))),
    ]
    found = cover(nodes, CATALOG)
    assert found.fewest is not None
    assert [seat.labels for seat in found.fewest.seats] == [("1", "2"), ("3",)]


def serves(group: Group, machine: Machine) -> bool:
    """Whether a group's build is for a machine: it runs on the GPU, or the machine has none and torch installs."""
    release = CATALOG.release(group.release)
    here = release.platforms.get(machine.platform or "")
    if here is None or machine.python not in here.pythons:
        return False
    devices = candidates(machine)
    if not devices or machine.platform == "macos_arm64":
        return (machine.libc or "glibc").startswith("glibc")
    build = here.find(group.torch_backend)
    return build is not None and not build.own_index and fault(build, devices[0], machine, CATALOG) is None


#: Machines whose first GPU some release serves, or which have none.
PLAIN = [name for name in MACHINES if name not in ("nouveau", "mixed", "musl", "macos-x86-64")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=5, unique=True))
def test_no_newer_and_no_smaller_answer_is_missed(names: list[str]) -> None:
    """Against a search of every release and set: one is the newest single build, fewest the newest release's least."""
    found = fleet(*names)
    fleet_machines = [MACHINES[name] for name in names]
    newest = None
    for group in reversed(ALL):
        if all(serves(group, machine) for machine in fleet_machines):
            newest = newest or group.release
    assert (found.one.release if found.one else None) == newest
    if found.one is not None:
        assert all(serves(found.one.groups[0], machine) for machine in fleet_machines)
    together = [
        release
        for release in RELEASES
        if all(any(serves(Group(release, item), machine) for item in backends(release)) for machine in fleet_machines)
    ]
    assert bool(found.apart) == (not together)
    if not together:
        return
    assert found.fewest is not None
    assert found.fewest.release == together[-1]
    gpus = [machine for machine in fleet_machines if candidates(machine)]
    plain = len(gpus) < len(fleet_machines)
    least = next(
        count
        for count in itertools.count(0 if plain else 1)
        for chosen in itertools.combinations([item for item in backends(together[-1]) if item != "cpu"], count)
        if all(any(serves(Group(together[-1], item), machine) for item in chosen) for machine in gpus)
    )
    assert len(found.fewest.groups) == least + plain
