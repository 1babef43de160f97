"""Dependency groups: what each pins on every platform, which one a machine takes, and what a wheel says with them."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from support import machines
from support.hooks import unpack
from test_distribution import CATALOG, HOOK, run
from test_selection import BUILDS, PLACES, PLATFORMS, _environment

from torch_auto.complaint import is_true, satisfied
from torch_auto.distribution import wheel_metadata
from torch_auto.fit import candidates, fault
from torch_auto.groups import Group, choose, group_pages, group_requirements, groups_text, parse_groups
from torch_auto.machine_file import machine_from_json
from torch_auto.plan import machine_for, make_plan, newest_usable, plan_to_json, record
from torch_auto.requirements import partition, render
from torch_auto.selection import select
from torch_auto.settings import Settings, SettingsError
from torch_auto.settings import read as read_settings

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = [release.version for release in CATALOG.releases]
PYTHONS = [f"3.{minor}" for minor in range(8, 16)]
ROWS = {(row["release"], row["platform"], row["torch_backend"]): row for row in BUILDS["builds"]}
MACHINES = {name: machine_from_json(value) for name, value in machines.MACHINES.items()}
THREE = "2.13.0+cpu,2.13.0+cu126,2.13.0+rocm7.1"


def groups(text: str) -> tuple[Group, ...]:
    """The groups that a value of the setting names."""
    return parse_groups(text, CATALOG)


def backends(release: str) -> list[str]:
    """The torch backends of a release that can be groups, by the data."""
    return list(
        dict.fromkeys(
            row["torch_backend"]
            for row in BUILDS["builds"]
            if row["release"] == release and row["confidence"] != "unseen" and not row.get("own_index")
        )
    )


ALL = [Group(release, backend) for release in RELEASES for backend in backends(release)]


# --- what a group pins ---------------------------------------------------------------------------------------------


def wanted(group: Group, platform: str, python: str) -> set[str]:
    """The versions that may be taken on a platform, by the data: the build, or else cpu, or else the public one."""
    place = PLACES[group.release, platform]
    for backend in (group.torch_backend, "cpu"):
        row = ROWS.get((group.release, platform, backend))
        if row is not None and row["confidence"] != "unseen" and python in row.get("pythons", place["pythons"]):
            if row["local"] is not None:
                return {f"{group.release}+{row['local']}"}
            break
    twin = ROWS[group.release, platform, place["public"]]["local"]
    return {group.release, *([f"{group.release}+{twin}"] if twin else [])}


@pytest.mark.parametrize("release", RELEASES)
def test_one_requirement_of_a_group_holds_everywhere(release: str) -> None:
    """On each platform and Python exactly one holds: for the group's build, or else cpu, or else the public one."""
    versions = [release, *(f"{release}+{local}" for local in CATALOG.release(release).local_versions)]
    places = [*PLATFORMS, "linux_ppc64le"]
    cases = 0
    for backend in backends(release):
        group = Group(release, backend)
        requirements = [Requirement(text) for text in group_requirements(group, CATALOG)]
        takes = [{version for version in versions if item.specifier.contains(version)} for item in requirements]
        for platform, python in itertools.product(places, PYTHONS):
            environment = _environment(platform if platform in PLATFORMS else "linux_x86_64", python)
            if platform not in PLATFORMS:
                environment["platform_machine"] = "ppc64le"
            holds = [
                taken
                for item, taken in zip(requirements, takes, strict=True)
                if item.marker is None or item.marker.evaluate(environment)
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
    requirements = group_requirements(Group("2.5.1", "rocm6.2"), CATALOG)
    linux = [text for text in requirements if "x86_64" in text and "== 'x86_64'" in text]
    assert [text.split(";")[0] for text in linux] == ["torch==2.5.1+rocm6.2", "torch==2.5.1+cpu"]
    assert ["python_version < '3.13'" in linux[0], "python_version >= '3.13'" in linux[1]] == [True, True]


def test_several_places_with_one_python_marker() -> None:
    """Where several places share a marker of Pythons, it counts for all of them, and not for the last alone."""
    (first, one), (second, two), *_ = partition(None)[1::2]
    pins = [("python_version < '3.12'", "==1"), ("python_version >= '3.12'", "==2")]
    [old, new] = map(Requirement, render("torch", "", [(one, pins), (two, pins)]))
    assert (str(old.specifier), str(new.specifier)) == ("==1", "==2")
    for place in (first, second):
        for python in ("3.11", "3.12"):
            holds = [
                item.marker is not None and item.marker.evaluate(_environment(place, python)) for item in (old, new)
            ]
            assert holds == [python == "3.11", python == "3.12"], (place, python)
    assert old.marker is not None
    assert not old.marker.evaluate(_environment(partition(None)[0][0], "3.11"))


def test_the_import_check_reads_every_groups_markers() -> None:
    """The check at import has a small reader of markers of its own: it reads all of these."""
    texts = {text for group in ALL for text in group_requirements(group, CATALOG)}
    for text in texts:
        requirement = Requirement(text)
        assert requirement.marker is not None
        assert is_true(text.partition(";")[2]) == requirement.marker.evaluate(), text
    assert len(texts) > 200


def test_a_groups_family() -> None:
    """torchvision and torchaudio follow torch's own requirements, each pinned to the group's torch backend."""
    group = Group("2.13.0", "cu126")
    found = [Requirement(text) for text in group_requirements(group, CATALOG, ("torchvision", "torchaudio"))]
    assert list(dict.fromkeys(item.name for item in found)) == ["torch", "torchvision", "torchaudio"]
    here = [item for item in found if item.marker and item.marker.evaluate(_environment("linux_x86_64", "3.12"))]
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


# --- the setting's value -------------------------------------------------------------------------------------------


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
            "its own index alone has",
            "there is another group torch-cpu",
        ],
        strict=True,
    ):
        assert expected in fault_text


# --- which group a machine takes -----------------------------------------------------------------------------------

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


@pytest.mark.parametrize(("machine", "text", "name", "local"), CHOICES)
def test_which_group_a_machine_takes(machine: str, text: str, name: str, local: str | None) -> None:
    """Each machine with what its group comes to there, and whether that uses its GPU."""
    chosen = choose(MACHINES[machine], groups(text), CATALOG)
    assert (chosen.group.name, chosen.selection.local_version) == (name, local)
    assert chosen.selection.release == chosen.group.release
    assert chosen.selection.reasons == chosen.reasons
    uses_gpu = local not in (None, "cpu") or machine == "macos-arm64"
    assert chosen.selection.accelerated == (uses_gpu and bool(candidates(MACHINES[machine]) or local is None))


@pytest.mark.parametrize(
    ("machine", "text", "expected"),
    [
        ("cpu", THREE, "No GPU was found: torch-cpu."),
        ("rtx5090-575", THREE, "no group runs on it; torch 2.13.0 has a build for it, cu129."),
        ("arc-b580", THREE, "torch 2.13.0 has a build for it, xpu."),
        ("v100-470", THREE, "needs NVIDIA driver 525.60.13 or newer"),
        ("k80-470", THREE, "torch 2.13.0 has no build that runs on it; torch 2.0.0 to 2.6.0 have."),
        ("nouveau", THREE, "NVIDIA's driver is not installed or not loaded"),
        ("macos-arm64", THREE, "torch-cpu: every group comes to that build."),
        ("musl", THREE, "this system has musl 1.2"),
        ("macos-x86-64", THREE, "Newer releases of torch need a Mac with Apple silicon."),
        ("cpu", "2.13.0+cu126", "There is no group torch-cpu; the first one stands in for it: torch 2.13.0+cu126."),
        ("mixed", "2.14.1+cpu,2.14.1+cu130", "NVIDIA Tesla P100-PCIE-16GB (compute capability 6.0): no group runs"),
        ("mixed", "2.14.1+cpu,2.14.1+cu130", "torch 2.14.1 has a build for it, cu126."),
        ("rtx5090-575", "2.14.1+cpu,2.14.1+cu126,2.13.0+rocm7.1", "torch 2.13.0 has a build for it, cu129."),
    ],
)
def test_the_reason_is_true(machine: str, text: str, expected: str) -> None:
    """Where no group is for a GPU, the reason names the torch backend that would serve it, or why none does."""
    assert expected in " ".join(choose(MACHINES[machine], groups(text), CATALOG).reasons)


def test_a_release_without_wheels_for_the_python_is_passed_over() -> None:
    """Python 3.13t: torch 2.12.1 and newer have no wheels for it, so an older group is the newest that serves."""
    machine = MACHINES["a100-550"]._replace(python="3.13t")
    assert choose(machine, groups("2.14.1+cpu,2.14.1+cu126,2.11.0+cu128"), CATALOG).group.name == "torch-cu128"
    assert (
        choose(machine._replace(python="3.13"), groups("2.14.1+cu126,2.11.0+cu128"), CATALOG).group.release == "2.14.1"
    )
    chosen = choose(machine, groups("2.14.1+cpu,2.14.1+cu126"), CATALOG)
    assert chosen.group.name == "torch-cpu"
    assert chosen.reasons[0].endswith("no group runs on it; torch 2.14.1 has no wheels for Python 3.13t.")


def test_a_group_that_is_asked_for() -> None:
    """A torch backend among the groups is taken whatever the machine has, and what follows from that is said."""
    three = groups(THREE)
    chosen = choose(MACHINES["a100-550"], three, CATALOG, "rocm7.1")
    assert (chosen.group.name, chosen.selection.local_version) == ("torch-rocm7-1", "rocm7.1")
    assert not chosen.selection.accelerated
    assert "It will not use a GPU of this machine: there is none that it is for." in chosen.reasons
    chosen = choose(MACHINES["linux-aarch64-cpu"], three, CATALOG, "rocm7.1")
    assert (chosen.group.name, chosen.selection.local_version) == ("torch-rocm7-1", "cpu")
    assert any("has no such build for linux_aarch64" in reason for reason in chosen.reasons)
    assert choose(MACHINES["h100-580"], three, CATALOG, "cpu").group.name == "torch-cpu"
    assert choose(MACHINES["h100-580"], three, CATALOG, "cu126").selection.accelerated
    with pytest.raises(ValueError, match=r"no group for cu130; there are cpu, cu126, rocm7\.1"):
        choose(MACHINES["h100-580"], three, CATALOG, "cu130")


@pytest.mark.parametrize("release", RELEASES)
def test_with_all_of_a_release_the_choice_is_the_rules_own(release: str) -> None:
    """With every torch backend of a release as a group, each machine takes what the release would give it."""
    everything = tuple(group for group in ALL if group.release == release)
    served = 0
    for machine in MACHINES.values():
        selection = select(machine, CATALOG.release(release), CATALOG)
        chosen = choose(machine, everything, CATALOG)
        if selection.accelerated:
            served += 1
            assert chosen.selection.torch_backend == selection.torch_backend, machine
            assert chosen.selection.accelerated
        else:
            assert chosen.group.torch_backend == "cpu", machine
    assert served > 3


SETS = st.lists(st.sampled_from(ALL), min_size=1, max_size=7, unique_by=lambda group: group.torch_backend).map(tuple)


@settings(max_examples=150, deadline=None)
@given(SETS, st.sampled_from(sorted(MACHINES)), st.sampled_from(["3.10", "3.12", "3.13t"]))
def test_a_gpu_is_used_if_any_group_can(found: tuple[Group, ...], name: str, python: str) -> None:
    """Over sets of groups: one that runs on the machine's GPU is taken where there is one, and else that for cpu."""
    machine = MACHINES[name]._replace(python=python)
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


# --- the setting, the plan, and what a build writes ----------------------------------------------------------------


def read(config: dict[str, Any] | None = None, **variables: str) -> Settings:
    """The settings of config settings and variables alone."""
    return read_settings(CATALOG, config or {}, variables)


def test_the_setting() -> None:
    """A config setting or a variable; what is wrong with it is told with its origin."""
    assert read({"groups": THREE}).groups == read(TORCH_AUTO_GROUPS=THREE).groups == groups(THREE)
    assert read().groups == ()
    with pytest.raises(SettingsError, match=r"config setting groups: .*cu124") as caught:
        read({"groups": "2.13.0+cu124"}, TORCH_AUTO_PIN="x")
    assert len(caught.value.faults) == 2
    with pytest.raises(SettingsError, match="did you mean groups"):
        read({"group": THREE})


@pytest.mark.parametrize("origin", ["TORCH_AUTO_BACKEND", "UV_TORCH_BACKEND"])
def test_a_torch_backend_beside_groups(origin: str) -> None:
    """One that has a group forces it; one that has none is noted and changes nothing; none and auto are automatic."""

    def plan(torch_backend: str) -> Any:
        found = read({"groups": THREE}, **{origin: torch_backend})
        return make_plan(CATALOG.newest, MACHINES["a100-550"], found, CATALOG)

    assert plan("rocm7.1").group == "torch-rocm7-1"
    assert plan("cpu").group == "torch-cpu"
    other = plan("cu130")
    assert other.group == "torch-cu126"
    assert f"There is no group for backend=cu130 ({origin}), so it was not used." in other.reasons
    assert plan("auto").group == "torch-cu126"
    none = read({"groups": THREE, "backend": "none"})
    assert make_plan(CATALOG.newest, MACHINES["a100-550"], none, CATALOG).group == "torch-cu126"
    assert not any("no group" in note for note in none.notes)


def test_uvs_assumptions_count() -> None:
    """UV_CUDA_DRIVER_VERSION says which driver to assume, for groups too."""
    found = read({"groups": "2.14.1+cpu,2.14.1+cu126"}, UV_CUDA_DRIVER_VERSION="550.54.14")
    assert make_plan(CATALOG.newest, machine_for(found, MACHINES["cpu"]), found, CATALOG).group == "torch-cu126"


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_a_plan_with_groups(name: str) -> None:
    """It is of the group's release whatever torch-auto's is, and a torch that satisfies it is the group's."""
    machine = MACHINES[name]
    chosen = choose(machine, groups(THREE), CATALOG)
    found = read({"groups": THREE})
    plans = [make_plan(CATALOG.release(release), machine, found, CATALOG) for release in ("2.15.0", "2.0.0")]
    assert plans[0] == plans[1]
    [plan] = set(plans)
    assert (plan.release, plan.group, plan.selection) == ("2.13.0", chosen.group.name, chosen.selection)
    assert plan.requirements == group_requirements(chosen.group, CATALOG)
    newest = newest_usable(machine, found, CATALOG)
    serves = chosen.selection.needs is None
    assert newest == ("2.13.0" if serves else None, "2.13.0" if name == "macos-arm64" else None)


def test_the_record_tells_group_and_settings() -> None:
    """selection.json has this machine's group, its pins, and which settings were made where."""
    found = read({"groups": THREE}, UV_TORCH_BACKEND="cpu", TORCH_AUTO_PIN="exact")
    machine = MACHINES["mi300"]
    kept = record(make_plan(CATALOG.newest, machine, found, CATALOG), machine, found)
    assert kept["plan"]["group"] == "torch-cpu"
    assert kept["settings"] == {
        "groups": {"value": THREE, "origin": "config setting groups"},
        "pin": {"value": "exact", "origin": "TORCH_AUTO_PIN"},
        "backend": {"value": "cpu", "origin": "UV_TORCH_BACKEND"},
    }
    plan = make_plan(CATALOG.newest, machine, read(), CATALOG)
    assert record(plan, machine, read())["settings"] == {}
    assert plan_to_json(plan)["group"] is None


def test_metadata_is_the_same_on_every_machine(tmp_path: Path, sdists: Path) -> None:
    """With groups METADATA says nothing of torch or the machine; prepared and built it is the same, byte for byte."""
    tree = unpack(sdists / "torch_auto-2.13.0.tar.gz", tmp_path)
    pkg_info = (tree / "PKG-INFO").read_text("utf-8")
    found = read({"groups": THREE})
    texts = {
        wheel_metadata(pkg_info, make_plan(CATALOG.newest, machine, found, CATALOG)) for machine in MACHINES.values()
    }
    [text] = texts
    required = [line for line in text.splitlines() if line.startswith("Requires-Dist: ") and "extra ==" not in line]
    assert not [line for line in required if line.startswith("Requires-Dist: torch")]
    assert "Project-URL: PyTorch index, https://download.pytorch.org/whl\n" in text
    for name in ("a100-550", "macos-arm64"):
        (tmp_path / f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        variables = {"TORCH_AUTO_MACHINE": str(tmp_path / f"{name}.json"), "TORCH_AUTO_GROUPS": THREE}
        done = run(HOOK, tree, "prepare_metadata_for_build_wheel", tmp_path, **variables)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / done.stdout.strip() / "METADATA").read_text("utf-8") == text
    done = run(HOOK, tree, "build_wheel", tmp_path, **variables)
    with zipfile.ZipFile(io.BytesIO((tmp_path / done.stdout.strip()).read_bytes())) as archive:
        assert archive.read("torch_auto-2.13.0.dist-info/METADATA").decode() == text
        kept = json.loads(archive.read("torch_auto/selection.json"))
    assert (kept["plan"]["group"], kept["machine"]["system"]) == ("torch-cpu", "macos")


@pytest.mark.parametrize(
    ("name", "version", "right"),
    [
        ("a100-550", "2.13.0+cu126", True),
        ("a100-550", "2.13.0+cpu", False),
        ("cpu", "2.13.0+cpu", True),
        ("cpu", "2.13.0", False),
        ("mi300", "2.13.0+rocm7.1", True),
        ("mi300", "2.12.0+rocm7.1", False),
    ],
)
def test_what_the_import_check_goes_by(name: str, version: str, *, right: bool) -> None:
    """A plan's requirements tell the group's torch from every other."""
    plan = make_plan(CATALOG.newest, MACHINES[name], read({"groups": THREE}), CATALOG)
    assert satisfied(version, list(plan.requirements)) == right
