"""Which of a project's groups a machine takes, and that what is said of it is true."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch_auto.select.build import select
from torch_auto.select.choose_group import Chosen, choose
from torch_auto.select.groups import Group
from torch_auto.select.reasons import Reason, because
from torch_auto.select.runs_on import candidates, fault
from torch_auto.select.words import sentence, sentences
from unit.data import CATALOG, RELEASES
from unit.groups import ALL, THREE, groups
from unit.machines import A100_550, MACHINES, amd, machine

CHOICES = [
    ("cpu", THREE, "torch-cpu", "cpu"),
    ("a100-550", THREE, "torch-cu126", "cu126"),
    ("h100-580", THREE, "torch-cu126", "cu126"),
    ("p100-580", THREE, "torch-cu126", "cu126"),
    ("rtx5090-575", THREE, "torch-cpu", "cpu"),
    ("v100-470", THREE, "torch-cpu", "cpu"),
    ("mi300", THREE, "torch-rocm7-1", "rocm7.1"),
    ("arc-b580", THREE, "torch-cpu", "cpu"),
    ("macos-arm64", THREE, "torch-cpu", None),
    ("windows-cpu", THREE, "torch-cpu", "cpu"),
    ("windows-rtx4090", THREE, "torch-cu126", "cu126"),
    ("windows-arm64", THREE, "torch-cpu", "cpu"),
    ("gb200", THREE, "torch-cpu", "cpu"),
    ("linux-aarch64-cpu", THREE, "torch-cpu", "cpu"),
    ("nouveau", THREE, "torch-cpu", "cpu"),
    # Of several that run, the rules' own order decides.
    ("a100-550", "2.13.0+cpu,2.13.0+cu126,2.13.0+cu129,2.13.0+cu130", "torch-cu126", "cu126"),
    ("rtx5090-575", "2.13.0+cpu,2.13.0+cu126,2.13.0+cu129,2.13.0+cu130", "torch-cu129", "cu129"),
    ("h100-580", "2.13.0+cpu,2.13.0+cu126,2.13.0+cu129,2.13.0+cu130", "torch-cu130", "cu130"),
    # Groups of several releases: the newest that serves the machine.
    ("a100-550", "2.14.1+cpu,2.14.1+cu130,2.13.0+cu129,2.9.1+cu126", "torch-cu129", "cu129"),
    ("h100-580", "2.9.1+cu126,2.13.0+cu129,2.14.1+cu130,2.14.1+cpu", "torch-cu130", "cu130"),
    ("p100-580", "2.14.1+cpu,2.14.1+cu130,2.13.0+cu129,2.9.1+cu126", "torch-cu126", "cu126"),
    ("v100-470", "2.14.1+cpu,2.14.1+cu126,2.7.1+cu118", "torch-cu118", "cu118"),
    # The most capable GPU decides, of those that a group serves.
    ("mixed", "2.14.1+cpu,2.14.1+cu126,2.14.1+cu130", "torch-cu126", "cu126"),
    ("mixed", "2.14.1+cpu,2.14.1+cu130", "torch-cu130", "cu130"),
    # Without a group for cpu the first one stands in for it: its cpu build where the platform lacks its own.
    ("cpu", "2.13.0+cu126,2.13.0+xpu", "torch-cu126", "cu126"),
    ("linux-aarch64-cpu", "2.13.0+xpu,2.13.0+cu126", "torch-xpu", "cpu"),
    ("macos-arm64", "2.13.0+cu126,2.13.0+xpu", "torch-cu126", None),
]


def unserved(device: str, release: str, **values: Any) -> Reason:
    """No group runs on a GPU: the torch backend of a release that would, or why none does."""
    return because("no-group-runs-on", device=device, release=release, **values)


@pytest.mark.parametrize(("machine", "text", "name", "local"), CHOICES)
def test_which_group_a_machine_takes(machine: str, text: str, name: str, local: str | None) -> None:
    """Each machine with what its group comes to there, and whether that uses its GPU."""
    chosen = choose(MACHINES[machine], groups(text), CATALOG)
    assert (chosen.group.name, chosen.selection.local_version) == (name, local)
    assert chosen.selection.release == chosen.group.release
    assert chosen.selection.reasons == chosen.reasons
    uses_gpu = local not in (None, "cpu") or machine == "macos-arm64"
    assert chosen.selection.accelerated == (uses_gpu and bool(candidates(MACHINES[machine]) or local is None))


K80 = "NVIDIA Tesla K80 (compute capability 3.7)"
P100 = "NVIDIA Tesla P100-PCIE-16GB (compute capability 6.0)"
V100 = "NVIDIA Tesla V100-SXM2-16GB (compute capability 7.0)"
RTX3090 = "NVIDIA GeForce RTX 3090 (compute capability unknown)"
RTX5090 = "NVIDIA GeForce RTX 5090 (compute capability 12.0)"
B580 = "Intel Arc B580 (PCI id 8086:e20b)"
NO_GROUP = because("no-group-for-gpu", group="torch-cpu")
NEWER_DRIVER = because(
    "newer-driver", device=V100, release="2.13.0", releases=(("2.0.0", "2.7.1"),), driver="525.60.13"
)
OLDER_TORCH = because("other-releases", device=K80, release="2.13.0", releases=(("2.0.0", "2.6.0"),))
MUSL = because("libc", release="2.13.0", why=because("libc-not-glibc", libc="musl 1.2"))
INTEL_MAC = {"release": "2.13.0", "platform": "macos_x86_64", "releases": (("2.0.0", "2.2.2"),)}


@pytest.mark.parametrize(
    ("machine", "text", "expected"),
    [
        ("cpu", THREE, [because("group-for-cpu", group="torch-cpu")]),
        ("rtx5090-575", THREE, [unserved(RTX5090, "2.13.0", torch_backend="cu129"), NO_GROUP]),
        ("arc-b580", THREE, [unserved(B580, "2.13.0", torch_backend="xpu"), NO_GROUP]),
        ("v100-470", THREE, [unserved(V100, "2.13.0", why=NEWER_DRIVER), NO_GROUP]),
        ("k80-470", THREE, [unserved(K80, "2.13.0", why=OLDER_TORCH), NO_GROUP]),
        ("nouveau", THREE, [because("cannot-be-used", device=RTX3090, why=because("no-driver")), NO_GROUP]),
        ("macos-arm64", THREE, [because("apple-silicon"), because("same-in-every-group", group="torch-cpu")]),
        ("musl", THREE, [MUSL]),
        ("macos-x86-64", THREE, [because("no-builds-for-platform", **INTEL_MAC, apple_silicon=True)]),
        (
            "cpu",
            "2.13.0+cu126",
            [because("group-for-cpu", group="torch-cu126"), because("first-group", torch="2.13.0+cu126")],
        ),
        ("mixed", "2.14.1+cpu,2.14.1+cu130", [unserved(P100, "2.14.1", torch_backend="cu126")]),
        (
            "rtx5090-575",
            "2.14.1+cpu,2.14.1+cu126,2.13.0+rocm7.1",
            [unserved(RTX5090, "2.13.0", torch_backend="cu129"), NO_GROUP],
        ),
        # The newest of the releases that have a build for it, and 2.13 is newer than 2.9.
        (
            "rtx5090-575",
            "2.13.0+cpu,2.13.0+cu126,2.9.1+rocm6.3",
            [unserved(RTX5090, "2.13.0", torch_backend="cu129"), NO_GROUP],
        ),
    ],
)
def test_the_reason_is_true(machine: str, text: str, expected: list[Reason]) -> None:
    """Where no group is for a GPU, the reason names the torch backend that would serve it, or why none does."""
    reasons = list(choose(MACHINES[machine], groups(text), CATALOG).reasons)
    assert reasons[-len(expected) :] == expected
    assert [reason.code for reason in reasons[: -len(expected)]] in ([], ["chosen-for", "best-build"])


def test_the_reason_in_words() -> None:
    """Some of them as a user reads them."""
    said = sentences(choose(MACHINES["v100-470"], groups(THREE), CATALOG).reasons)
    assert said == [
        f"{V100}: no group runs on it. {sentence(NEWER_DRIVER)}",
        "No group runs on a GPU of this machine, so torch-cpu is taken.",
    ]
    assert sentence(NEWER_DRIVER) == (
        f"torch 2.13.0 needs NVIDIA driver 525.60.13 or newer on {V100}. torch 2.0.0 to 2.7.1 have a build for this "
        "machine's driver."
    )
    said = sentences(choose(MACHINES["cpu"], groups("2.13.0+cu126"), CATALOG).reasons)
    assert said[-1] == "There is no torch-cpu group, so the first group is used: torch 2.13.0+cu126."


def test_a_release_without_wheels_for_the_python_is_passed_over() -> None:
    """Python 3.13t: torch 2.12.1 and newer have no wheels for it, so an older group is the newest that serves."""
    machine = MACHINES["a100-550"].replace(python="3.13t")
    assert choose(machine, groups("2.14.1+cpu,2.14.1+cu126,2.11.0+cu128"), CATALOG).group.name == "torch-cu128"
    assert (
        choose(machine.replace(python="3.13"), groups("2.14.1+cu126,2.11.0+cu128"), CATALOG).group.release == "2.14.1"
    )
    chosen = choose(machine, groups("2.14.1+cpu,2.14.1+cu126"), CATALOG)
    assert chosen.group.name == "torch-cpu"
    a100 = "NVIDIA A100-SXM4-80GB (compute capability 8.0)"
    assert chosen.reasons[0] == because("no-group-for-python", device=a100, release="2.14.1", python="3.13t")
    assert sentence(chosen.reasons[0]) == (
        f"{a100}: no group runs on it; torch 2.14.1 does not have wheels for Python 3.13t."
    )


def test_a_group_that_is_asked_for() -> None:
    """A torch backend among the groups is taken whatever the machine has, and what follows from that is said."""
    three = groups(THREE)
    chosen = choose(MACHINES["a100-550"], three, CATALOG, "rocm7.1")
    assert (chosen.group.name, chosen.selection.local_version) == ("torch-rocm7-1", "rocm7.1")
    assert not chosen.selection.accelerated
    assert chosen.reasons == (because("asked-for", torch_backend="rocm7.1"), because("uses-no-gpu", why=None))
    assert sentence(chosen.reasons[1]) == "It will not use a GPU: this machine has none that it supports."
    chosen = choose(MACHINES["linux-aarch64-cpu"], three, CATALOG, "rocm7.1")
    assert (chosen.group.name, chosen.selection.local_version) == ("torch-rocm7-1", "cpu")
    where = {"platform": "linux_aarch64", "python": "3.11", "torch": "2.13.0+cpu"}
    assert chosen.reasons[1:] == (because("group-lacks-build", release="2.13.0", **where),)
    assert choose(MACHINES["h100-580"], three, CATALOG, "cpu").group.name == "torch-cpu"
    assert choose(MACHINES["h100-580"], three, CATALOG, "cu126").selection.accelerated
    with pytest.raises(ValueError, match=r"no group for cu130; there are cpu, cu126, rocm7\.1"):
        choose(MACHINES["h100-580"], three, CATALOG, "cu130")


@pytest.mark.parametrize("release", RELEASES)
def test_with_all_of_a_release_the_choice_is_the_rules_own(release: str) -> None:
    """With every torch backend of a release as a group, each machine takes what the release would give it."""
    everything = tuple(group for group in ALL if group.release == release)
    served = 0
    for each in MACHINES.values():
        selection = select(each, CATALOG.release(release), CATALOG)
        chosen = choose(each, everything, CATALOG)
        if selection.accelerated:
            served += 1
            assert chosen.selection.torch_backend == selection.torch_backend, each
            assert chosen.selection.accelerated
        else:
            assert chosen.group.torch_backend == "cpu", each
    assert served > 3


SETS = st.lists(st.sampled_from(ALL), min_size=1, max_size=7, unique_by=lambda group: group.torch_backend).map(tuple)


@settings(max_examples=150, deadline=None)
@given(SETS, st.sampled_from(sorted(MACHINES)), st.sampled_from(["3.10", "3.12", "3.13t"]))
def test_a_gpu_is_used_if_any_group_can(found: tuple[Group, ...], name: str, python: str) -> None:
    """Over sets of groups: one that runs on the machine's GPU is taken where there is one, and else that for cpu."""
    machine = MACHINES[name].replace(python=python)
    chosen = choose(machine, found, CATALOG)
    assert chosen.group in found
    assert chosen.reasons
    usable = set()
    for group in found:
        here = CATALOG.release(group.release).platforms.get(machine.platform or "")
        build = here.find(group.torch_backend) if here is not None else None
        if here is None or build is None or python not in (build.pythons or here.pythons):
            continue
        if any(fault(build, device, machine, CATALOG) is None for device in candidates(machine)):
            usable.add(group)
    if usable:
        assert chosen.group in usable
        assert chosen.selection.accelerated
    elif name != "macos-arm64":
        first = next((group for group in found if group.torch_backend == "cpu"), found[0])
        assert chosen.group == first
        assert not chosen.selection.accelerated


def test_groups_without_one_for_gpus() -> None:
    """A group for the CPU alone is taken on a machine with a GPU, and the build for that GPU is named."""
    chosen = choose(MACHINES["a100-550"], groups("2.13.0+cpu"), CATALOG)
    assert chosen.group.version == "2.13.0+cpu"
    a100 = "NVIDIA A100-SXM4-80GB (compute capability 8.0)"
    assert chosen.reasons == (unserved(a100, "2.13.0", torch_backend="cu126"), NO_GROUP)


# --- the builds that there are to choose from ----------------------------------------------------------------------


def every_reason(chosen: Chosen) -> list[Reason]:
    """What is said of a choice, and of each build that was not taken."""
    return [*chosen.reasons, *(item.reason for item in chosen.selection.rejected)]


@pytest.mark.parametrize("name", ["a100-550", "h100-580", "mi300", "arc-b580", "mixed", "rtx5090-575", "gb200"])
def test_the_choice_is_the_rules_own_among_the_groups_builds(name: str) -> None:
    """What the rules select of the builds that are allowed, those of the groups for GPUs, is what the group is."""
    found = groups("2.14.1+cpu,2.14.1+cu130,2.14.1+xpu,2.13.0+cu129,2.9.1+rocm6.4")
    chosen = choose(MACHINES[name], found, CATALOG)
    allowed = frozenset((group.release, group.torch_backend) for group in found if group.torch_backend != "cpu")
    own = select(MACHINES[name], CATALOG.release(chosen.group.release), CATALOG, allowed=allowed)
    assert own.accelerated
    assert (own.release, own.torch_backend) in allowed
    assert not own.public_allowed
    assert chosen.selection.replace(rejected=()) == own.replace(rejected=())
    assert {item.torch_backend for item in chosen.selection.rejected} == {item.torch_backend for item in own.rejected}


@settings(max_examples=150, deadline=None)
@given(SETS, st.sampled_from(sorted(MACHINES)), st.sampled_from(["3.10", "3.12", "3.13t"]))
def test_what_is_said_holds_for_the_groups(found: tuple[Group, ...], name: str, python: str) -> None:
    """Over sets of groups: the choice is among them, PyPI's build is no way out, and each reason speaks of groups."""
    machine = MACHINES[name].replace(python=python)
    chosen = choose(machine, found, CATALOG)
    selection = chosen.selection
    of_release = {group.torch_backend: group for group in found if group.release == chosen.group.release}
    if selection.accelerated and machine.platform != "macos_arm64":
        assert selection.torch_backend == chosen.group.torch_backend
        assert not selection.public_allowed
        assert selection.device is not None
    codes = {reason.code for reason in every_reason(chosen)}
    assert not codes & {"pypi-runs-too", "pypi-never-runs", "pypi-does-not-run", "pypi-is-the-same", "not-on-pypi"}
    assert not codes & {"pypi-is-large", "no-gpu", "no-usable-gpu", "no-gpu-for-it", "asked-for"}
    for reason in chosen.reasons:
        if reason.code == "best-build":
            assert (reason["of"], reason["release"]) == ("groups", chosen.group.release)
            assert chosen.group.name in sentence(reason)
            assert "builds of torch" not in sentence(reason)
        if reason.code == "left-out":  # another group runs on it, of this release or of another one
            releases = {version for first, last in reason["releases"] for version in (first, last)}
            assert releases <= {group.release for group in found}
            assert reason["here"] == (chosen.group.release in releases)
    for item in selection.rejected:
        assert (item.reason.code == "not-a-group") == (item.torch_backend not in of_release)
        if item.torch_backend == "cpu" and "cpu" in of_release and selection.accelerated:
            assert item.reason == because("other-vendor", vendor=None)
    assert selection.torch_backend not in {item.torch_backend for item in selection.rejected}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_what_is_said_of_a_group_that_is_asked_for(name: str) -> None:
    """Whatever group is asked for: no reason says that the setting asks for another torch backend."""
    for text in (THREE, "2.9.1+rocm6.4,2.9.1+cu126,2.9.1+cu130,2.9.1+cpu,2.9.1+xpu"):
        for group in groups(text):
            chosen = choose(MACHINES[name], groups(text), CATALOG, group.torch_backend)
            assert chosen.group == group
            asked = {reason["torch_backend"] for reason in every_reason(chosen) if reason.code == "asked-for"}
            assert asked == {group.torch_backend}


def test_the_toolkit_is_the_newest_of_the_release_alone() -> None:
    """With groups of several releases the newest release decides; an older one may have a newer toolkit."""
    machine = MACHINES["h100-580"].replace(python="3.12")
    found = groups("2.14.1+cpu,2.14.1+cu126,2.9.1+cu130")
    chosen = choose(machine, found, CATALOG)
    assert chosen.group.version == "2.14.1+cu126"
    [why] = [reason for reason in chosen.reasons if reason.code == "best-build"]
    assert sentence(why).startswith("torch-cu126: of the groups of torch 2.14.1 that run on it, its toolkit 12.6 is")


@pytest.mark.parametrize(
    ("text", "others"), [("2.14.1+cpu,2.14.1+cu126,2.14.1+cu130", True), ("2.14.1+cpu,2.14.1+cu130", False)]
)
def test_other_gpus_are_spoken_of_where_the_build_runs_on_one(text: str, *, others: bool) -> None:
    """An H100 beside a P100: cu126 runs on both, and cu130 on no other GPU than the H100."""
    chosen = choose(MACHINES["mixed"], groups(text), CATALOG)
    [why] = [reason for reason in chosen.reasons if reason.code == "best-build"]
    assert why["others"] is others
    assert ("on the most other GPUs" in sentence(why)) is others


def test_why_each_other_build_is_not_the_groups() -> None:
    """Another group keeps the reason that its build has on the GPU; what is no group is said to be none."""
    found = choose(machine(A100_550), groups("2.13.0+cpu,2.13.0+cu126,2.13.0+cu130"), CATALOG)
    assert found.group.name == "torch-cu126"
    codes = {str(item.torch_backend): item.reason.code for item in found.selection.rejected}
    assert (codes["cu130"], codes["cpu"], codes["cu129"]) == ("driver-too-old", "other-vendor", "not-a-group")
    assert "cu126" not in codes
    on_cpu = choose(machine(), groups("2.13.0+cpu,2.13.0+cu126"), CATALOG)
    codes = {str(item.torch_backend): item.reason.code for item in on_cpu.selection.rejected}
    assert (codes["cu126"], codes["cu130"]) == ("group-taken", "not-a-group")


@pytest.mark.parametrize(("python", "code"), [("3.13", "no-group-runs-on"), ("3.14", "no-group-for-python")])
def test_a_release_for_a_python_is_one_that_has_any_wheel_for_it(python: str, code: str) -> None:
    """torch 2.5.1 has wheels for Python 3.13, but none of ROCm's; for 3.14 it has none at all."""
    found = choose(machine(amd("gfx942"), python=python), groups("2.5.1+cpu,2.5.1+rocm6.2"), CATALOG)
    assert (found.group.name, found.reasons[0].code) == ("torch-cpu", code)


def test_where_nothing_installs_a_group_says_so() -> None:
    """On musl no wheel of any group installs: the label stays, whatever build the group has."""
    found = choose(machine(libc="musl 1.2"), groups("2.13.0+cpu,2.13.0+cu126"), CATALOG).selection
    assert (found.needs, found.torch_backend, found.public_allowed) == ("glibc", None, False)
