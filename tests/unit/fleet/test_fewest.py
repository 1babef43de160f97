"""The fewest torch backends: for every kind of machine of a release, and for a fleet."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import machines

from torch_auto.fleet.fewest import Fleet, backends_of, cover, default_release, smallest_set, why_default
from torch_auto.fleet.representatives import kinds
from torch_auto.machine_file import machine_from_json
from torch_auto.select.groups import Group, group_of
from torch_auto.select.reasons import because
from torch_auto.select.runs_on import candidates, fault
from torch_auto.select.words import sentences
from unit.data import BUILDS, CATALOG, RELEASES, backends, up_to
from unit.groups import ALL
from unit.machines import MACHINES, runs

if TYPE_CHECKING:
    from torch_auto.machine import Machine

EIGHT = ["cpu", "a100-550", "h100-580", "rtx5090-575", "p100-580", "mi300", "arc-b580", "macos-arm64"]


# --- the release to start from, and its smallest set ---------------------------------------------------------------


def test_the_release_to_start_from() -> None:
    """The newest with builds for all vendors on Linux x86_64, and what the newer ones lack."""
    assert default_release(up_to("2.15.0")) == "2.14.1"
    assert why_default(up_to("2.15.0")) == (
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
def test_the_torch_backends_of_a_release_are_those_of_the_data(release: str) -> None:
    """Those that can be groups, cpu first, then each vendor's with the oldest version first."""
    found = backends_of(CATALOG.release(release))
    assert sorted(found, key=str) == sorted(backends(release))
    assert list(found) == sorted(found)
    assert found[0] == "cpu"


@pytest.mark.parametrize("release", RELEASES)
def test_no_smaller_set_does(release: str) -> None:
    """Over every kind of machine and every set of torch backends: all that any serves are served, by no fewer."""
    rows: dict[str, list[dict[str, object]]] = {}
    for row in BUILDS["builds"]:
        if row["release"] == release and row["confidence"] != "unseen" and not row.get("own_index"):
            rows.setdefault(row["platform"], []).append(row)
    needs = set()
    for kind in kinds((CATALOG.release(release),), CATALOG):
        serving = {str(row["torch_backend"]) for row in rows[kind.platform] if runs(row, kind.machine)}
        needs.add(frozenset(serving)) if serving else None
    found = smallest_set(release, CATALOG)
    assert found[0] == "cpu"
    assert all(need & set(found) for need in needs)
    others = [backend for backend in backends(release) if backend != "cpu"]
    smaller = list(itertools.combinations(others, max(len(found) - 2, 0)))
    assert smaller
    assert not [subset for subset in smaller if all(need & set(subset) for need in needs)]


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
    told = because("gpu-build-on-cpu")
    assert {seat.labels[0]: told in seat.reasons for seat in found.one.seats} == {
        "cpu": True,
        "a100-550": False,
        "p100-580": False,
        "macos-arm64": False,
    }
    assert sentences([told]) == [
        "It runs on the CPU there, and takes some 3 GB with its GPU libraries; cpu takes about 200 MB."
    ]
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
    assert k80.chosen.group == group_of("2.6.0", "cu118")
    device = "NVIDIA Tesla K80 (compute capability 3.7)"
    assert k80.reasons[-1] == because("other-releases", device=device, release="2.13.0", releases=(("2.0.0", "2.6.0"),))
    assert (musl.chosen, musl.labels) == (None, ("musl",))
    assert musl.reasons == (because("libc", release="2.13.0", why=because("libc-not-glibc", libc="musl 1.2")),)
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
        if all(
            any(serves(group_of(release, item), machine) for item in backends(release)) for machine in fleet_machines
        )
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
        if all(any(serves(group_of(together[-1], item), machine) for item in chosen) for machine in gpus)
    )
    assert len(found.fewest.groups) == least + plain
