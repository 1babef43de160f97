"""The record of a wheel says what its METADATA says, and what runs on the GPU whatever was asked for."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest
from packaging.requirements import Requirement

from torch_auto import __version__
from torch_auto.decide import Decision, decide
from torch_auto.machine import Machine
from torch_auto.machine_file import machine_from_json
from torch_auto.pins.extras import pair_of
from torch_auto.record import make_record, plan_to_json, record_text, runs_on_gpu
from torch_auto.select.reasons import reason_from_json
from torch_auto.select.runs_on import candidates, fault
from torch_auto.settings import Settings
from torch_auto.settings import read as read_settings
from unit.data import CATALOG, PLATFORMS, RELEASES, environment
from unit.groups import THREE, groups
from unit.machines import H100_580, MACHINES, amd, intel, machine, nvidia
from unit.pins.admitted import admitted

#: Machines whose answer depends on the Python, and one of each kind else.
ON: dict[str, Machine] = {
    **MACHINES,
    "gfx90a": machine(amd("gfx90a")),
    "v100-470-python-3.11": MACHINES["v100-470"].replace(python="3.11"),
    "k20-470": machine(nvidia("470.57.02", (11, 4), (3, 5))),
    "free-threaded": machine(H100_580, python="3.14t"),
    "windows-arc": machine(intel("8086:e20b"), platform="win_amd64"),
}


@lru_cache(maxsize=None)
def requirement(text: str) -> Requirement:
    """A requirement; the texts recur in thousands of cases."""
    return Requirement(text)


@lru_cache(maxsize=None)
def admits(text: str, version: str) -> bool:
    """Whether a requirement's specifier admits a version."""
    return requirement(text).specifier.contains(version, prereleases=True)


@lru_cache(maxsize=None)
def holds(text: str, platform: str, python: str) -> bool:
    """Whether a requirement's marker is true somewhere."""
    marker = requirement(text).marker
    return marker is None or marker.evaluate(environment(platform, python))


def read(config: dict[str, Any] | None = None, **variables: str) -> Settings:
    """The settings of config settings and variables alone."""
    return read_settings(CATALOG, config or {}, variables)


def record_of(release: str, on: Machine, settings: Settings) -> dict[str, Any]:
    """The record of a wheel, as whoever reads the file has it."""
    plan = decide(CATALOG.release(release), on, settings, CATALOG)
    found: dict[str, Any] = json.loads(record_text(Decision(plan, on, settings, CATALOG)))
    return found


def check_accepted(release: str, on: Machine, settings: Settings) -> int:
    """Compare what a record accepts with its requirements, for every Python; returns how many Pythons there were."""
    plan = decide(CATALOG.release(release), on, settings, CATALOG)
    version = CATALOG.release(plan.release)
    every = [version.version, *(f"{version.version}+{local}" for local in version.local_versions)]
    platform = str(on.platform)
    here = version.platforms.get(platform)
    assert set(plan.accepted) == (set(here.python_versions) if here is not None else {on.python})
    for python, accepted in plan.accepted.items():
        pins = [text for text in plan.requirements if holds(text, platform, python)]
        if plan.group is not None and plan.selection.needs is not None:  # whatever it pins, none of it serves here
            assert accepted == ()
            continue
        assert len(pins) == 1, (release, on, python)
        assert sorted(accepted) == sorted(item for item in every if admits(pins[0], item)), (release, on, python)
        assert len(set(accepted)) == len(accepted)
        if plan.selection.needs is None and python == on.python.rstrip("t"):
            assert accepted[0] == plan.selection.version
    return len(plan.accepted)


# --- what is accepted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ON))
def test_what_is_accepted_is_what_metadata_admits(name: str) -> None:
    """For every release, setting and Python: the known versions that packaging says satisfy METADATA, and no other."""
    cases = 0
    for release in RELEASES:
        for settings in (Settings(), Settings(pin="exact"), Settings(backend="pypi"), Settings(backend="cpu")):
            cases += check_accepted(release, ON[name], settings)
    assert cases >= 4 * len(RELEASES)


@pytest.mark.parametrize("name", sorted(ON))
def test_what_is_accepted_of_a_torch_backend_and_of_a_group(name: str) -> None:
    """The same where a torch backend is asked for by name, and with groups, whose release is another one."""
    for release in RELEASES[::3]:
        for torch_backend in ("cu126", "rocm6.4", "xpu"):
            assert check_accepted(release, ON[name], Settings(backend=torch_backend))
    for text in (THREE, "2.5.1+cpu,2.5.1+rocm6.2,2.5.1+cu118"):
        for torch_backend in ("auto", *(group.torch_backend for group in groups(text))):
            assert check_accepted("2.15.0", ON[name], Settings(backend=torch_backend, groups=groups(text)))


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
    """What is accepted tells the group's torch from every other."""
    kept = record_of("2.15.0", MACHINES[name], read({"groups": THREE}))
    assert (version in kept["accepted"]["3.12"]) == right


# --- what runs on the GPU ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ON))
def test_what_runs_on_the_gpu_is_what_the_rules_say(name: str) -> None:
    """For every release and Python: the versions of the builds that run on the GPU that decides, and that are there."""
    for python in ("3.9", "3.12", "3.14t", "3.15"):
        on = ON[name].replace(python=python)
        for release in CATALOG.releases:
            found = runs_on_gpu(release.version, on, CATALOG)
            here = release.platforms.get(str(on.platform))
            if here is None or on.platform == "macos_arm64":
                assert found == ((release.version,) if here is not None else ())
                continue
            by_name = {f"{release.version}+{build.local_version}": build for build in here.builds}
            if here.public is not None:
                by_name[release.version] = here.public
            served = [item for item in candidates(on) if served_by_any(item, on)]
            if not served:
                assert found == ()
                continue
            runs = [
                version
                for version, build in by_name.items()
                if not version.endswith("+None")
                if build.seen and fault(build, served[0], on, CATALOG) is None
            ]
            assert list(found) == runs


def served_by_any(device: Any, on: Machine) -> bool:
    """Whether any release has a build that can be pinned for a device, whatever the Python."""
    return any(
        build.can_be_pinned and fault(build, device, on, CATALOG) is None
        for release in CATALOG.releases
        for platform, here in release.platforms.items()
        if platform == on.platform
        for build in here.builds
    )


@pytest.mark.parametrize("name", sorted(ON))
def test_a_setting_does_not_change_what_runs_on_the_gpu(name: str) -> None:
    """backend=cpu on an H100: cpu is what is accepted, and what uses the GPU is told as before."""
    for release in RELEASES[::4]:
        plain = record_of(release, ON[name], Settings())
        for settings in (read({"backend": "cpu"}), read({"backend": "pypi"}), read({"pin": "exact"})):
            other = record_of(release, ON[name], settings)
            assert other["runs_on_gpu"] == plain["runs_on_gpu"]
            assert other["machine"] == plain["machine"]


def test_the_cpu_on_an_h100() -> None:
    """The setting is followed, and every build that would use the GPU is in the record."""
    kept = record_of("2.14.1", MACHINES["h100-580"], read({"backend": "cpu"}))
    assert kept["accepted"]["3.12"] == ["2.14.1+cpu", "2.14.1"]
    assert kept["runs_on_gpu"] == ["2.14.1+cu126", "2.14.1+cu130", "2.14.1+cu132", "2.14.1"]
    assert kept["settings"] == {"backend": {"value": "cpu", "origin": "config setting backend"}}


@pytest.mark.parametrize("name", sorted(ON))
def test_without_a_setting_what_is_taken_uses_the_gpu_if_anything_does(name: str) -> None:
    """Or else the check at import would call wrong what METADATA requires, on some Python or other."""
    for release in CATALOG.releases:
        here = release.platforms.get(str(ON[name].platform))
        for python in here.pythons if here is not None else ():
            on = ON[name].replace(python=python)
            plan = decide(release, on, Settings(), CATALOG)
            runs = runs_on_gpu(release.version, on, CATALOG)
            # What needs an index of its own is not taken, and what is taken then is not called wrong.
            builds = here.builds if here is not None else ()
            own = {f"{release.version}+{build.local_version}" for build in builds if build.own_index}
            if set(runs) - own and plan.selection.needs is None:
                assert plan.accepted[python.rstrip("t")][0] in runs, (release.version, python)


# --- what goes with it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ON))
def test_what_an_extra_pins_fits(name: str) -> None:
    """Every torch and torchvision or torchaudio that an extra admits go together by the record."""
    on = ON[name]
    for settings in (Settings(), Settings(pin="exact")):
        for release in CATALOG.releases:
            here = release.platforms.get(str(on.platform))
            if here is None:
                assert record_of(release.version, on, settings)["beside"] == {}
                continue
            plan = decide(release, on, settings, CATALOG)
            kept = record_of(release.version, on, settings)["beside"]
            for extra in plan.extras:
                pair = pair_of(extra.project, release.version, CATALOG)
                if extra.project not in kept or pair is None:
                    assert on.platform == "win_arm64"
                    continue
                assert kept[extra.project]["version"] == pair.version
                wanted = (*plan.requirements, *extra.requirements)
                torch, other = admitted(wanted, release, pair, str(on.platform), here.python_versions[-1])
                for version in torch if torch and other else ():
                    fits = kept[extra.project]["fits"][version.partition("+")[2] or "pypi"]
                    assert {*other} <= {*fits}, (release.version, version, other, fits)


def test_what_goes_with_a_torch() -> None:
    """torchvision goes with CUDA builds of the same major version, torchaudio with the same CUDA version alone."""
    kept = record_of("2.14.1", MACHINES["cpu"], Settings())["beside"]
    vision, audio = kept["torchvision"], kept["torchaudio"]
    assert (vision["version"], vision["versions"][0]) == ("0.29.1", "0.29.1")
    assert (vision["newer"], vision["pypi"]) == (True, "cu130")
    assert {"0.29.1", "0.29.1+cu130", "0.29.1+cu132"} <= {*vision["fits"]["pypi"]}
    assert vision["fits"]["cpu"] == ["0.29.1+cpu"]
    assert (audio["version"], audio["versions"], audio["newer"]) == ("2.11.0", ["2.11.0"], False)
    assert audio["fits"]["cu130"] == audio["fits"]["pypi"] == ["2.11.0+cu130", "2.11.0"]


def test_the_cpus_pair_goes_with_a_torch_for_which_there_is_none() -> None:
    """2.9.1 on Arm has torchvision and torchaudio for the CPU alone: they can be imported beside a torch for CUDA."""
    kept = record_of("2.9.1", MACHINES["gb200"], Settings())["beside"]
    assert kept["torchvision"]["fits"]["cu130"] == ["0.24.1+cu130", "0.24.1+cpu", "0.24.1"]
    assert kept["torchaudio"]["fits"]["cu130"] == ["2.9.1+cu130", "2.9.1+cpu", "2.9.1"]


def test_nothing_is_known_to_go_with_a_torch_of_no_platform() -> None:
    """Where PyPI has no torchvision, as on Windows on Arm, and where the catalog knows no platform: nothing is said."""
    for on in (MACHINES["windows-arm64"], MACHINES["cpu"].replace(architecture="riscv64")):
        assert record_of("2.14.1", on, Settings())["beside"] == {}


def test_torchvision_of_one_release_alone_before_its_range() -> None:
    """torchvision 0.28.0 requires torch 2.13.0 and no other."""
    kept = record_of("2.13.0", MACHINES["cpu"], Settings())["beside"]["torchvision"]
    assert (kept["versions"], kept["newer"]) == (["0.28.0"], False)


def test_torchvision_of_every_newer_release_within_its_range() -> None:
    """torchvision 0.29.1 requires torch 2.14.0 or newer: it goes with that too, and what is yet to come may."""
    kept = record_of("2.14.0", MACHINES["cpu"], Settings())["beside"]["torchvision"]
    assert (kept["version"], kept["versions"][:2], kept["newer"]) == ("0.29.0", ["0.29.0", "0.29.1"], True)


# --- its form ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ON))
def test_a_record_is_read_back(name: str) -> None:
    """The machine, the reasons and the requirements are in it as they were."""
    on = ON[name]
    for release in RELEASES[::5]:
        settings = read({"pin": "exact"})
        plan = decide(CATALOG.release(release), on, settings, CATALOG)
        made = make_record(Decision(plan, on, settings, CATALOG))
        kept = json.loads(record_text(Decision(plan, on, settings, CATALOG)))
        assert kept == made
        assert (kept["version"], kept["core"]) == (2, __version__)
        assert machine_from_json(kept["machine"]) == on
        decided = kept["decided"]
        assert tuple(map(reason_from_json, decided["reasons"])) == plan.reasons
        assert tuple(decided["requirements"]) == plan.requirements
        rejected = {item["torch_backend"]: reason_from_json(item["reason"]) for item in decided["rejected"]}
        assert rejected == {item.torch_backend: item.reason for item in plan.selection.rejected}
        extras = {item.name: (list(item.requirements), item.reason) for item in plan.extras}
        assert {
            extra: (item["requirements"], reason_from_json(item["reason"])) for extra, item in decided["extras"].items()
        } == extras
        if plan.selection.needs is None:
            assert decided["torch"] == plan.selection.version
            assert decided["needs"] is None
        else:
            assert (decided["torch"], decided["needs"]) == (None, plan.selection.needs)
        assert (decided["device"] is None) == (plan.selection.device is None)


def test_the_device_is_told_as_in_a_machine_file() -> None:
    """With its vendor, and without what is not known of it."""
    kept = record_of("2.9.1", MACHINES["a100-550"], Settings())
    name = "NVIDIA A100-SXM4-80GB"
    assert kept["decided"]["device"] == {"vendor": "nvidia", "name": name, "compute_capability": "8.0"}
    assert record_of("2.9.1", MACHINES["cpu"], Settings())["decided"]["device"] is None


def test_the_record_tells_group_and_settings() -> None:
    """It has this machine's group, its pins, and which settings were made where."""
    settings = read({"groups": THREE}, UV_TORCH_BACKEND="cpu", TORCH_AUTO_PIN="exact")
    on = MACHINES["mi300"]
    kept = record_of("2.15.0", on, settings)
    assert kept["decided"]["group"] == "torch-cpu"
    assert kept["decided"]["release"] == "2.13.0"
    assert kept["settings"] == {
        "groups": {"value": THREE, "origin": "config setting groups"},
        "pin": {"value": "exact", "origin": "TORCH_AUTO_PIN"},
        "backend": {"value": "cpu", "origin": "UV_TORCH_BACKEND"},
    }
    assert record_of("2.15.0", on, read())["settings"] == {}
    assert plan_to_json(decide(CATALOG.newest, on, read(), CATALOG))["group"] is None


def test_no_plan_for_an_unknown_platform_names_a_local_version() -> None:
    """On a machine that no wheel is for PyPI's build is required, so that the installer says so."""
    on = Machine("linux", "riscv64", "3.12", "glibc 2.36")
    kept = record_of("2.14.1", on, Settings())
    assert kept["accepted"] == {"3.12": ["2.14.1"]}
    assert (kept["runs_on_gpu"], kept["decided"]["platform"]) == ([], None)
    assert PLATFORMS.count("linux_riscv64") == 0
