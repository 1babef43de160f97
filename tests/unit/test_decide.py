"""The plan: what settings change of it, and what a project's groups make of it."""

from __future__ import annotations

from typing import Any

import pytest

from torch_auto.decide import assume, decide, machine_for, torch_release
from torch_auto.machine import Accelerator, Device
from torch_auto.newest import Newest, newest_usable
from torch_auto.pins.groups import group_requirements
from torch_auto.select.choose_group import choose
from torch_auto.select.reasons import because
from torch_auto.select.words import sentence
from torch_auto.settings import Settings, SettingsError
from torch_auto.settings import read as read_settings
from unit.data import CATALOG, up_to
from unit.groups import THREE, groups
from unit.machines import MACHINES


def read(config: dict[str, Any] | None = None, **variables: str) -> Settings:
    """The settings of config settings and variables alone."""
    return read_settings(CATALOG, config or {}, variables)


@pytest.mark.parametrize(
    ("version", "release"), [("2.5.1", "2.5.1"), ("2.5.1.post1", "2.5.1"), ("2.5.1.post12", "2.5.1")]
)
def test_a_repair_pins_its_release(version: str, release: str) -> None:
    """A post-release of torch-auto is of the same torch."""
    assert torch_release(version) == release


# --- what is assumed of a machine ----------------------------------------------------------------------------------


def test_what_uv_assumes_replaces_what_was_detected() -> None:
    """A driver version is that of the GPUs that there are, or of one of unknown compute capability."""
    found = assume(MACHINES["mixed"], read(UV_CUDA_DRIVER_VERSION="550.54.14"))
    gpus = MACHINES["mixed"].nvidia
    assert gpus is not None
    assert found.accelerators == (Accelerator("nvidia", gpus.devices, "550.54.14"),)
    found = assume(MACHINES["cpu"], read(UV_CUDA_DRIVER_VERSION="550.54.14", UV_AMD_GPU_ARCHITECTURE="gfx942"))
    assert found.accelerators == (
        Accelerator("nvidia", (Device(),), "550.54.14"),
        Accelerator("amd", (Device(gfx_target="gfx942"),)),
    )
    assert [item.source for item in found.evidence] == ["UV_CUDA_DRIVER_VERSION", "UV_AMD_GPU_ARCHITECTURE"]


def test_what_uv_assumes_counts_for_auto_alone() -> None:
    """A torch backend that is named needs no assumption, and a machine file says what there is."""
    named = read({"backend": "cpu"}, UV_CUDA_DRIVER_VERSION="550.54.14")
    assert machine_for(named, MACHINES["mi300"]) is MACHINES["mi300"]
    given = Settings(machine=MACHINES["mi300"], driver_version="550.54.14")
    assert machine_for(given, MACHINES["cpu"]) is MACHINES["mi300"]
    assert machine_for(read(), MACHINES["cpu"]) is MACHINES["cpu"]


def test_uvs_assumptions_count() -> None:
    """UV_CUDA_DRIVER_VERSION says which driver to assume, for groups too."""
    found = read({"groups": "2.14.1+cpu,2.14.1+cu126"}, UV_CUDA_DRIVER_VERSION="550.54.14")
    assert decide(CATALOG.newest, machine_for(found, MACHINES["cpu"]), found, CATALOG).group == "torch-cu126"


# --- the plan ------------------------------------------------------------------------------------------------------


def test_where_the_builds_are() -> None:
    """The torch backend's own index, and the pages: torch's, and that of the triton that PyPI lacks."""
    base = "https://mirror.test/whl"
    plans = {
        name: decide(CATALOG.release("2.9.1"), MACHINES[name], Settings(index_url=base), CATALOG)
        for name in ("a100-550", "mi300", "arc-b580", "macos-x86-64")
    }
    assert {name: (plan.index_url, plan.pages) for name, plan in plans.items()} == {
        "a100-550": (f"{base}/cu126", (f"{base}/torch/",)),
        "mi300": (f"{base}/rocm6.4", (f"{base}/torch/", f"{base}/pytorch-triton-rocm/")),
        "arc-b580": (f"{base}/xpu", (f"{base}/torch/", f"{base}/pytorch-triton-xpu/")),
        "macos-x86-64": (base, (f"{base}/torch/",)),
    }


def test_a_release_without_wheels_for_the_python_says_so() -> None:
    """The pins are for every Python, and name builds all the same; the plan says that there is nothing to install."""
    old = decide(CATALOG.release("2.2.2"), MACHINES["a100-550"].replace(python="3.14"), Settings(), CATALOG)
    assert not old.has_wheels
    [lacking] = [reason for reason in old.reasons if reason.code == "no-wheels-for-python"]
    assert lacking["release"] == "2.2.2"
    assert lacking["python"] == "3.14"
    assert lacking["pythons"] == ("3.8", "3.9", "3.10", "3.11", "3.12")
    assert sentence(lacking) == (
        "torch 2.2.2 does not have wheels for Python 3.14; it has them for 3.8, 3.9, 3.10, 3.11, 3.12."
    )
    assert "3.14" not in old.accepted
    assert decide(CATALOG.release("2.2.2"), MACHINES["a100-550"], Settings(), CATALOG).has_wheels


# --- groups --------------------------------------------------------------------------------------------------------


def test_the_setting() -> None:
    """A config setting or a variable; what is wrong with it is told with its origin."""
    assert read({"groups": THREE}).groups == read(TORCH_AUTO_GROUPS=THREE).groups == groups(THREE)
    assert read().groups == ()
    with pytest.raises(SettingsError, match=r"config setting groups: .*cu124") as caught:
        read({"groups": "2.13.0+cu124"}, TORCH_AUTO_PIN="x")
    assert len(caught.value.faults) == 2
    with pytest.raises(SettingsError, match="did you mean groups"):
        read({"grups": THREE})


@pytest.mark.parametrize("origin", ["TORCH_AUTO_BACKEND", "UV_TORCH_BACKEND"])
def test_a_torch_backend_beside_groups(origin: str) -> None:
    """One that has a group forces it; one that has none is noted and changes nothing; auto is automatic."""

    def plan(torch_backend: str) -> Any:
        found = read({"groups": THREE}, **{origin: torch_backend})
        return decide(CATALOG.newest, MACHINES["a100-550"], found, CATALOG)

    assert plan("rocm7.1").group == "torch-rocm7-1"
    assert plan("cpu").group == "torch-cpu"
    other = plan("cu130")
    assert other.group == "torch-cu126"
    noted = because("backend-without-group", torch_backend="cu130", origin=origin)
    assert noted in other.reasons
    assert sentence(noted) == f"There is no group for backend=cu130 ({origin}), so it was not used."
    assert plan("auto").group == "torch-cu126"
    assert "backend-without-group" not in {reason.code for reason in plan("auto").reasons}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_a_plan_with_groups(name: str) -> None:
    """It is of the group's release whatever torch-auto's is, and a torch that satisfies it is the group's."""
    machine = MACHINES[name]
    chosen = choose(machine, groups(THREE), CATALOG)
    found = read({"groups": THREE})
    plan, other = (decide(CATALOG.release(release), machine, found, CATALOG) for release in ("2.15.0", "2.0.0"))
    assert plan == other
    assert (plan.release, plan.group, plan.selection) == ("2.13.0", chosen.group.name, chosen.selection)
    assert plan.requirements == group_requirements(chosen.group, CATALOG)
    newest = newest_usable(machine, found, CATALOG)
    serves = chosen.selection.needs is None
    assert newest == Newest("2.13.0" if serves else None, "2.13.0" if name == "macos-arm64" else None)


# --- what markers cannot tell --------------------------------------------------------------------------------------


def test_a_free_threaded_python_without_wheels_leads_its_version_elsewhere() -> None:
    """3.13t has none after 2.12.0: on 3.13 and this platform the pin is a label, and everything else is as ever."""
    known = up_to("2.15.0")
    plain = decide(known.release("2.15.0"), MACHINES["cpu"].replace(python="3.13"), Settings(), known)
    free = decide(known.release("2.15.0"), MACHINES["cpu"].replace(python="3.13t"), Settings(), known)
    [label] = [line for line in free.requirements if "needs." in line]
    assert label.startswith("torch==2.15.0+needs.torch.2.12.0.or.older; ")
    assert "python_version >= '3.13' and python_version < '3.14'" in label
    assert not [line for line in plain.requirements if "needs." in line]
    elsewhere = [line for line in plain.requirements if "platform_machine == 'x86_64'" not in line]
    assert set(elsewhere) <= set(free.requirements)
    newest = newest_usable(MACHINES["cpu"].replace(python="3.13t"), Settings(), known)
    assert newest == Newest("2.12.0", "2.12.0")


def test_a_python_that_is_not_cpython_has_no_torch_to_use() -> None:
    """PyPy: METADATA stays what it is, since it is for every Python, and plan promises nothing."""
    pypy = MACHINES["cpu"].replace(implementation="pypy", python="3.11")
    assert newest_usable(pypy, Settings(), CATALOG) == Newest(None, None)
    plan = decide(CATALOG.newest, pypy, Settings(), CATALOG)
    assert not plan.has_wheels
    assert (
        plan.requirements
        == decide(CATALOG.newest, pypy.replace(implementation="cpython"), Settings(), CATALOG).requirements
    )
