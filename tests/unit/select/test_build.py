"""The rules that decide a build, each on machines that show it, and over the whole catalog."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from torch_auto.catalog import Build, Catalog, Release, TorchBackend
from torch_auto.machine import Accelerator, Device, Machine
from torch_auto.select.build import select
from torch_auto.select.reasons import because
from torch_auto.select.runs_on import candidates, fault
from torch_auto.select.words import needs_in_words, sentence
from unit.data import CATALOG, PLACES, PLATFORMS, RELEASES, ROWS, up_to
from unit.machines import (
    A100_550,
    H100_580,
    MIXED,
    ORIN_6,
    ORIN_7,
    P100_580,
    PYTHONS,
    RTX5090_575,
    T4_580,
    V100_470,
    XAVIER,
    all_accelerators,
    amd,
    intel,
    machine,
    nvidia,
    runs,
)

#: The examples name what is newest, so a newer release does not change them.
EXAMPLES = up_to("2.15.0")


def chosen(release: str, on: Machine, torch_backend: str = "auto") -> str:
    """What a release comes to, short: "cu124|public", "cu126", "cpu|public", "public" or "needs.…"."""
    selection = select(on, EXAMPLES.release(release), EXAMPLES, torch_backend)
    if selection.needs is not None:
        return f"needs.{selection.needs}"
    if selection.local_version is None:
        return "public"
    return selection.local_version + ("|public" if selection.public_allowed else "")


@pytest.mark.parametrize(
    ("release", "on", "expected"),
    [
        # Rule 1: no accelerator, or none that any release supports.
        ("2.15.0", machine(), "cpu|public"),
        ("2.5.1", machine(platform="linux_aarch64"), "public"),
        ("2.6.0", machine(platform="linux_aarch64"), "cpu|public"),
        ("2.9.1", machine(platform="win_amd64"), "cpu|public"),
        ("2.9.1", machine(amd("gfx803")), "cpu|public"),
        ("2.9.1", machine(intel("8086:9bc5")), "cpu|public"),
        ("2.9.1", machine(nvidia("550.54.14", (12, 4), (3, 0))), "cpu|public"),
        ("2.9.1", machine(nvidia("390.157", (9, 1), (6, 1))), "cpu|public"),
        ("2.9.1", machine(nvidia(None, None, (8, 6))), "cpu|public"),  # nouveau
        ("2.9.1", machine(nvidia("540.4.0", (12, 6), (8, 7)), platform="linux_aarch64"), "cpu|public"),  # Jetson Orin
        # Jetson Orin with JetPack 7.2: builds for CUDA 13.2, from the first release that has one.
        ("2.15.0", machine(ORIN_7, platform="linux_aarch64"), "cu132|public"),
        ("2.14.1", machine(ORIN_7, platform="linux_aarch64"), "cu132"),
        ("2.12.0", machine(ORIN_7, platform="linux_aarch64"), "cu132"),
        ("2.11.0", machine(ORIN_7, platform="linux_aarch64"), "needs.torch.2.12.0.or.newer"),
        # Rule 2, the order of toolkits: native ones newest first, then others oldest first, then older majors.
        ("2.5.1", machine(A100_550), "cu124|public"),
        ("2.2.2", machine(A100_550), "cu121|public"),
        ("2.7.1", machine(A100_550), "cu126|public"),
        ("2.10.0", machine(A100_550), "cu126|public"),
        ("2.10.0", machine(H100_580), "cu130|public"),
        ("2.5.1", machine(H100_580), "cu124|public"),
        ("2.13.0", machine(RTX5090_575), "cu129"),
        # Rule 2 (a) fails: the public build needs a newer driver, or lacks the GPU. Then the pin is exact.
        ("2.14.1", machine(A100_550), "cu126"),
        ("2.14.1", machine(P100_580), "cu126"),
        ("2.8.0", machine(P100_580), "cu126"),
        ("2.7.1", machine(P100_580), "cu126|public"),
        # Rule 2 (b): no release's public build runs on it, so the public build is allowed.
        ("2.9.1", machine(amd("gfx1100")), "rocm6.4|public"),
        ("2.9.1", machine(amd("gfx906")), "rocm6.3|public"),
        # Two kinds of AMD's, in both orders: where a build serves both, that one; else the newest release decides.
        ("2.9.1", machine(amd("gfx906", "gfx1030")), "rocm6.3|public"),
        ("2.14.1", machine(amd("gfx906", "gfx1030")), "rocm7.2|public"),
        ("2.14.1", machine(amd("gfx1030", "gfx906")), "rocm7.2|public"),
        ("2.14.1", machine(Accelerator("amd", (Device(pci_id="1002:744c"),))), "cpu|public"),
        ("2.9.1", machine(intel("8086:e20b")), "xpu|public"),
        ("2.9.1", machine(nvidia("581.15", (13, 0), (8, 9)), platform="win_amd64"), "cu130|public"),
        ("2.7.1", machine(V100_470), "cu118|public"),
        ("2.7.1", machine(V100_470, python="3.11"), "cu118"),  # torch 2.0.1 has a public build for that one
        # Rule 3: this release has nothing, another one has.
        ("2.15.0", machine(A100_550), "needs.nvidia.driver.580"),
        ("2.8.0", machine(V100_470), "needs.nvidia.driver.525.60.13"),
        ("2.6.0", machine(RTX5090_575), "needs.torch.2.7.0.or.newer"),
        ("2.15.0", machine(P100_580), "needs.torch.2.14.1.or.older"),
        ("2.15.0", machine(amd("gfx906")), "needs.torch.2.9.1.or.older"),
        ("2.5.1", machine(platform="macos_x86_64"), "needs.macos.arm64"),
        ("2.5.1", machine(platform="win_arm64"), "needs.torch.2.7.0.or.newer"),
        ("2.9.1", machine(libc="musl 1.2"), "needs.glibc"),
        ("2.9.1", machine(libc="glibc 2.17"), "needs.glibc.2.28"),
        ("2.5.1", machine(libc="glibc 2.17"), "cpu|public"),
        # What markers cannot tell: macOS before 14, and a free-threaded Python that a release has no wheels for.
        ("2.12.0", machine(platform="macos_arm64").replace(system_version="13.7.1"), "needs.macos.14"),
        ("2.12.0", machine(platform="macos_arm64").replace(system_version="14"), "public"),
        ("2.12.0", machine(platform="macos_arm64"), "public"),  # nobody knows its version
        ("2.11.0", machine(platform="macos_arm64").replace(system_version="13.7.1"), "public"),
        ("2.15.0", machine(python="3.13t"), "needs.torch.2.12.0.or.older"),
        ("2.12.1", machine(H100_580, python="3.13t"), "needs.torch.2.12.0.or.older"),
        ("2.12.0", machine(H100_580, python="3.13t"), "cu130|public"),
        ("2.6.0", machine(python="3.13t"), "cpu|public"),  # PyTorch's page has wheels for it, PyPI has not
        ("2.5.1", machine(python="3.13t"), "needs.torch.2.6.0.or.newer"),
        ("2.15.0", machine(python="3.14t"), "cpu|public"),
        ("2.15.0", machine(python="3.12t"), "cpu|public"),  # no release has wheels for it, so a label leads nowhere
        # What a build's libraries lack: MAGMA on Linux has no code for 7.5 with CUDA 13.
        ("2.14.1", machine(T4_580), "cu126|public"),
        ("2.14.1", machine(T4_580, platform="win_amd64"), "cu130|public"),
        ("2.10.0", machine(T4_580), "cu130|public"),
        ("2.15.0", machine(T4_580), "cu132|public"),  # there is no other
        ("2.6.0", machine(nvidia("470.57.02", (11, 4), (3, 7))), "cu118|public"),
        # Intel: everything from Alchemist on, listed or not; what is in no table by its driver.
        ("2.14.1", machine(intel("8086:7d45")), "xpu|public"),
        ("2.14.1", machine(Accelerator("intel", (Device(pci_id="8086:ffee", driver="xe"),))), "xpu|public"),
        ("2.14.1", machine(Accelerator("intel", (Device(pci_id="8086:ffee"),))), "cpu|public"),
        ("2.14.1", machine(Accelerator("intel", (Device(pci_id="8086:9bc5", driver="i915"),))), "cpu|public"),
        # macOS: the public build.
        ("2.5.1", machine(platform="macos_arm64"), "public"),
        ("2.2.2", machine(platform="macos_x86_64"), "public"),
    ],
)
def test_a_rule_decides(release: str, on: Machine, expected: str) -> None:
    """Each line of the rules, on a machine that it decides."""
    assert chosen(release, on) == expected


@pytest.mark.parametrize(
    ("cuda", "order"),
    [
        ((12, 4), ["cu124", "cu121", "cu126", "cu128", "cu118"]),
        ((13, 0), ["cu130", "cu132", "cu129", "cu128", "cu126"]),
    ],
)
def test_toolkits_are_preferred_in_the_stated_order(cuda: tuple[int, int], order: list[str]) -> None:
    """Of any two builds that run, the one earlier in the order of docs/explanation/rules.md is taken."""
    driver = {(12, 4): "550.54.14", (13, 0): "580.65.06"}[cuda]
    compared = 0
    for first, second in itertools.combinations(order, 2):
        for release in CATALOG.releases:
            here = release.platforms["linux_x86_64"]
            on = machine(nvidia(driver, cuda, (9, 0)), python=max(here.pythons & {"3.8", "3.10", "3.12"}))
            both = tuple(build for build in here.builds if build.torch_backend in (first, second) and build.seen)
            if len(both) < 2:
                continue
            only = release.replace(platforms={"linux_x86_64": here.replace(builds=both, public=None)})
            small = CATALOG.replace(releases=(only,))
            assert select(on, only, small).torch_backend == first, (release.version, first, second)
            compared += 1
    assert compared >= 20


def test_the_most_capable_gpu_decides_and_the_others_are_named() -> None:
    """A Pascal card beside a Blackwell does not hold it back; a reason says that it is left out, and why."""
    gpus = (Device("NVIDIA P4", (6, 1)), Device("NVIDIA B200", (10, 0)))
    on = machine(Accelerator("nvidia", gpus, "580.65.06", (13, 0)))
    selection = select(on, CATALOG.release("2.14.1"), CATALOG)
    assert selection.torch_backend == "cu130"
    assert selection.device is not None
    assert selection.device.device.name == "NVIDIA B200"
    assert because("chosen-for", device="NVIDIA B200 (compute capability 10.0)") in selection.reasons
    [left_out] = [reason for reason in selection.reasons if reason.code == "left-out"]
    assert left_out["device"] == "NVIDIA P4 (compute capability 6.1)"
    assert left_out["here"] is True
    assert left_out["why"].code == "no-code"
    assert left_out["why"]["capability"] == "6.1"
    assert "6.1" not in left_out["why"]["holds"]
    assert sentence(left_out) == (
        "NVIDIA P4 (compute capability 6.1) is left out: it holds code for 7.5, 8.0, 8.6, 9.0, 10.0, 12.0, none of "
        "which runs on 6.1; another build of this release runs on it, but not on the more capable GPU."
    )


def test_among_builds_for_the_best_gpu_the_one_for_most_others_is_taken() -> None:
    """Beside a Volta card, an H100 takes the build that runs on both, although a newer toolkit is native."""
    on = machine(nvidia("580.65.06", (13, 0), (9, 0), (7, 0)))
    assert chosen("2.10.0", on) == "cu129|public"
    assert chosen("2.10.0", machine(H100_580)) == "cu130|public"


def test_an_unsupported_gpu_gives_way_to_one_that_is_supported() -> None:
    """A Kepler card that no build serves does not hide an AMD card that one does."""
    assert chosen("2.9.1", machine(nvidia("470.57.02", (11, 4), (3, 5)), amd("gfx1100"))) == "rocm6.4|public"


def test_a_gpu_of_unknown_capability_is_chosen_for_by_its_driver() -> None:
    """Where only the driver is known, it decides alone."""
    assert chosen("2.10.0", machine(nvidia("550.54.14", None, None))) == "cu126|public"
    assert chosen("2.15.0", machine(nvidia("550.54.14", None, None))) == "needs.nvidia.driver.580"


# --- what is not sure ----------------------------------------------------------------------------------------------


def with_builds(release: str, change: Callable[[Build], Build]) -> tuple[Release, Catalog]:
    """A release whose builds for Linux on x86_64 are others, and the catalog with it."""
    found = CATALOG.release(release)
    here = found.platforms["linux_x86_64"]
    public = change(here.public) if here.public is not None else None
    other = here.replace(builds=tuple(map(change, here.builds)), public=public)
    changed = found.replace(platforms={**found.platforms, "linux_x86_64": other})
    return changed, CATALOG.replace(releases=tuple(changed if item == found else item for item in CATALOG.releases))


def test_a_build_whose_code_is_doubtful_gives_way_to_one_that_is_sure() -> None:
    """It comes after every build that runs on as many GPUs; that says more than the order of toolkits, and is said."""
    on = machine(H100_580)
    assert select(on, CATALOG.release("2.13.0"), CATALOG).torch_backend == "cu130"
    release, known = with_builds("2.13.0", lambda item: item.replace(doubtful=item.torch_backend == "cu130"))
    selection = select(on, release, known)
    assert selection.torch_backend == "cu132"
    reasons = {item.torch_backend: item.reason for item in selection.rejected}
    assert reasons["cu130"] == because("doubtful", than="cu132")
    assert reasons["cu126"] == because("later-in-order", than="cu132")
    assert sentence(reasons["cu130"]) == (
        "sources contradict each other about the code that it holds, so cu132 comes before it"
    )
    # Where nothing else runs, a doubtful build is still better than none.
    release, known = with_builds("2.13.0", lambda item: item.replace(doubtful=True))
    assert select(on, release, known).torch_backend == "cu130"


def test_a_build_that_nobody_has_seen_yet_is_waited_for() -> None:
    """Of the newest release: the label and the reason name it, and the day; a driver that is too old comes first."""
    on = machine(amd("gfx942"))
    newest = CATALOG.newest.version
    release, known = with_builds(newest, lambda item: item.replace(seen=item.torch_backend.rocm is None))
    assert any(build.torch_backend.rocm for build in release.platforms["linux_x86_64"].builds)
    selection = select(on, release, known)
    hoped = max(
        build.torch_backend
        for build in release.platforms["linux_x86_64"].builds
        if not build.seen and "gfx942" in build.gfx
    )
    assert selection.needs is not None
    assert (selection.needs.kind, selection.needs.value) == ("sighting", hoped)
    reason = selection.reasons[-1]
    assert (reason.code, reason["torch_backend"], reason["as_of"]) == ("not-yet-seen", hoped, CATALOG.as_of)
    assert newest not in {version for run in reason["releases"] for version in run}
    assert sentence(reason).startswith(
        f"torch {newest} may have a {hoped} build, which was not yet seen on PyTorch's index, as of {CATALOG.as_of}. "
    )
    rejected = {item.torch_backend: item.reason for item in selection.rejected}
    assert rejected[hoped] == because("unseen", platform="linux_x86_64", as_of=CATALOG.as_of)
    assert sentence(rejected[hoped]).startswith("not yet seen on PyTorch's index for linux_x86_64, as of ")
    # Of an older release nobody waits for it: a newer one serves.
    release, known = with_builds("2.9.1", lambda item: item.replace(seen=item.torch_backend.rocm is None))
    older = select(on, release, known)
    assert older.needs is not None
    assert older.needs.kind == "newer-torch"


@pytest.mark.parametrize(("torch_backend", "emptied"), [("cu126", "sm"), ("rocm7.2", "gfx"), ("cu1410", None)])
def test_a_build_of_unknown_use_is_not_called_unseen(torch_backend: str, emptied: str | None) -> None:
    """A build whose GPUs, or whose oldest driver, nobody knows is not pinned, and may well have been seen."""

    def changed(item: Build) -> Build:
        if item.torch_backend == torch_backend and emptied is not None:
            return item.replace(seen=False, **{emptied: ()})
        if item.torch_backend == "cu132" and emptied is None:
            return item.replace(seen=False, torch_backend=TorchBackend(torch_backend))
        return item

    release, known = with_builds("2.14.1", changed)
    rejected = {item.torch_backend: item.reason for item in select(machine(), release, known).rejected}
    reason = rejected[torch_backend]
    assert reason == because("for-unknown", as_of=CATALOG.as_of)
    assert "which GPUs or drivers it is for" in sentence(reason)


@pytest.mark.parametrize(
    ("driver", "runs_on_it"),
    [
        (nvidia("999.1", (15, 0), (9, 0)), True),
        (nvidia("999.1", (14, 9), (9, 0)), False),
        (nvidia("999.1", None, (9, 0)), False),
    ],
)
def test_where_no_driver_is_known_for_a_toolkit_the_driver_itself_has_to_say_so(
    driver: Accelerator, *, runs_on_it: bool
) -> None:
    """A new major version of CUDA: only a driver that says that it supports the toolkit runs its builds."""
    on = machine(driver)
    found = fault(found_build("cu130").replace(torch_backend=TorchBackend("cu150")), candidates(on)[0], on, CATALOG)
    assert (found is None) == runs_on_it
    if found is not None:
        assert (found.kind, found.driver) == ("driver", None)
        assert sentence(found.reason).startswith("which driver CUDA 15 needs is not known yet, and this machine has ")


def found_build(torch_backend: str) -> Build:
    """torch 2.14.1's build for a torch backend for Linux on x86_64."""
    found = CATALOG.release("2.14.1").platforms["linux_x86_64"].find(torch_backend)
    assert found is not None
    return found


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("torch_backend", "release", "on", "expected"),
    [
        ("cpu", "2.9.1", machine(H100_580), "cpu|public"),
        ("cu126", "2.7.1", machine(), "cu126|public"),  # the public build is this one
        ("cu126", "2.9.1", machine(), "cu126"),
        ("cu126", "2.15.0", machine(), "needs.torch.2.14.1.or.older"),
        ("cu126", "2.5.1", machine(), "needs.torch.2.6.0.or.newer"),
        ("cu126", "2.9.1", machine(platform="macos_arm64"), "public"),
        ("rocm6.4", "2.9.1", machine(platform="win_amd64"), "public"),
        ("pypi", "2.9.1", machine(H100_580), "public"),
        ("cu92", "2.9.1", machine(H100_580), "needs.cu92"),  # uv knows it, no release here has it
        ("cpu", "2.15.0", machine(libc="glibc 2.27"), "needs.glibc.2.28"),
        ("cu126", "2.6.0", machine(libc="glibc 2.27"), "needs.glibc.2.28"),  # its siblings install there
        ("cu124", "2.6.0", machine(libc="glibc 2.27"), "cu124|public"),
        ("rocm5.3", "2.0.0", machine(python="3.11"), "needs.torch.2.0.1.or.newer"),
        ("rocm7.14", "2.14.1", machine(), "rocm7.14"),
    ],
)
def test_a_setting_is_followed(torch_backend: str, release: str, on: Machine, expected: str) -> None:
    """A torch backend that the user names is taken where it exists, and never replaced in silence."""
    assert chosen(release, on, torch_backend) == expected


def test_what_the_reasons_say_of_pypis_build_is_true() -> None:
    """Where PyPI's build is said not to run, it does not, for that very reason, and no pin allows it."""
    said = {True: 0, False: 0}
    for on in [machine(*found) for found in (*MIXED, *list(all_accelerators())[::5])]:
        for release in CATALOG.releases:
            selection = select(on, release, CATALOG)
            for reason in selection.reasons:
                if reason.code != "pypi-does-not-run":
                    continue
                public = release.platforms["linux_x86_64"].public
                assert public is not None
                several = len(candidates(on)) > 1
                [found] = [item for item in candidates(on) if not several or item.describe() == reason["device"]][:1]
                unfit = fault(public, found, on, CATALOG)
                assert unfit is not None
                assert (unfit.reason, selection.public_allowed) == (reason["why"], False)
                text = sentence(reason)
                assert ("NVIDIA driver" not in text) or unfit.kind != "architecture"
                said[several] += 1
    assert said[False] > 20
    assert said[True] > 0


def test_a_driver_that_is_too_old_for_pypis_build_is_what_is_named() -> None:
    """PyPI's torch 2.14.1 has code for an A100: what it lacks with driver 550 is a newer driver."""
    selection = select(machine(nvidia("550.54.14", (12, 4), (8, 0))), CATALOG.release("2.14.1"), CATALOG)
    why = "CUDA 13 needs driver 580 or newer, and this machine has driver 550.54.14"
    assert f"does not run on this machine: {why}." in " ".join(map(sentence, selection.reasons))


def test_a_release_without_a_build_is_chosen_for_nothing() -> None:
    """torch 2.13.0 on a K80: nothing is said to be chosen, and the GPU is named."""
    selection = select(machine(nvidia("470.82.01", (11, 4), (3, 7))), CATALOG.release("2.13.0"), CATALOG)
    assert selection.needs is not None
    [reason] = selection.reasons
    start = "torch 2.13.0 does not have a build that runs on NVIDIA GPU (compute capability 3.7)"
    assert sentence(reason).startswith(start)


def test_a_driver_whose_library_is_older_takes_the_nearest_newer_major() -> None:
    """Driver 580 with an old libcuda in a container: of builds for CUDA 13 alone, the oldest."""
    on = machine(nvidia("580.65.06", (12, 4), (10, 3)), platform="win_amd64")
    assert chosen("2.12.0", on) == "cu130|public"


# --- over the whole catalog ----------------------------------------------------------------------------------------


#: Platforms that torch has builds for GPUs on.
WITH_GPUS = ("linux_x86_64", "linux_aarch64", "win_amd64")


def _machines(platform: str) -> list[tuple[Accelerator, ...]]:
    """Every machine of the list where torch has GPU builds; elsewhere a few, since nothing there depends on the GPU."""
    machines = list(all_accelerators())
    return machines if platform in WITH_GPUS else machines[::40] + machines[-4:]


@pytest.mark.parametrize(
    "platform", [pytest.param(name, marks=pytest.mark.slow if name in WITH_GPUS else ()) for name in PLATFORMS]
)
def test_every_pin_names_a_build_that_exists_and_runs(platform: str) -> None:
    """Over every release, Python and machine: the pin leads to a build that the data call usable, or says why not."""
    cases = 0
    for accelerators in _machines(platform):
        on = machine(*accelerators, platform=platform)
        decisive = on.replace(accelerators=(MIXED[accelerators],)) if accelerators in MIXED else on
        usable = {
            release: {
                row["torch_backend"]
                for row in ROWS.get((release, platform), ())
                if row["confidence"] != "unseen" and not row.get("own_index") and runs(row, decisive)
            }
            for release in RELEASES
        }
        # On Python 3.8 another GPU of a mixed machine decides, since torch for the newest GPUs does not come for it.
        for python in PYTHONS if accelerators not in MIXED else ["3.12"]:
            places = {release: PLACES.get((release, platform), {"pythons": ()}) for release in RELEASES}
            served = any(usable[release] and python in places[release]["pythons"] for release in RELEASES)
            for release in RELEASES:
                cases += 1
                _check(on.replace(python=python), release, usable[release], served=served)
    machines = _machines(platform)
    mixed = sum(accelerators in MIXED for accelerators in machines)
    assert cases == ((len(machines) - mixed) * len(PYTHONS) + mixed) * len(RELEASES)


def _check(on: Machine, release: str, usable: set[str], *, served: bool) -> None:
    """One case: ``usable`` are the release's torch backends that run here; ``served``: whether any release has one."""
    selection = select(on, CATALOG.release(release), CATALOG)
    where = (release, on)
    rows = {
        row["torch_backend"]: row for row in ROWS.get((release, str(on.platform)), ()) if row["confidence"] != "unseen"
    }
    assert selection.reasons, where
    assert selection.needs is None or " " in needs_in_words(selection.needs), where
    if on.python not in PLACES.get((release, str(on.platform)), {"pythons": ()})["pythons"]:
        return  # never in METADATA: the requirements are made of the answers for the release's own Pythons
    if selection.needs is not None:
        assert not rows or (served and not usable), where
    elif on.platform == "macos_arm64":
        assert selection.local_version is None, where
        assert selection.accelerated, where
    else:
        assert selection.torch_backend is not None, where
        assert rows[selection.torch_backend]["local"] == selection.local_version, where
        if served:
            assert selection.accelerated, where
            assert selection.torch_backend in usable, where
        else:
            assert not selection.accelerated, where
            assert selection.torch_backend == "cpu", where


# --- where several things are told apart by one comparison -----------------------------------------------------------


def test_the_least_driver_is_the_label() -> None:
    """Of several drivers that would do, the oldest is asked for, by number: 999 is less than 1000."""
    assert chosen("2.14.1", machine(nvidia("450.80.02", (11, 0), (8, 0)))) == "needs.nvidia.driver.525.60.13"
    floors = {11: "450.80.02", 12: "1000.1", 13: "999.2"}
    drivers = CATALOG.drivers.replace(
        floors=tuple(item.replace(linux=floors[item.toolkit_major]) for item in CATALOG.drivers.floors)
    )
    known = CATALOG.replace(drivers=drivers)
    selection = select(machine(nvidia("450.80.02", (11, 0), (8, 0))), known.release("2.14.1"), known)
    assert selection.needs == "nvidia.driver.999.2"


def test_pypis_build_serves_where_it_runs_on_all_gpus_that_the_best_build_runs_on() -> None:
    """Of a K80 and an M60, PyPI's torch 2.2.2 for CUDA 12.1 runs on the M60 alone, so it takes no place."""
    both = machine(nvidia("580.65.06", (13, 0), (3, 7), (5, 0)))
    assert chosen("2.2.2", both) == "cu118"
    assert chosen("2.2.2", machine(nvidia("580.65.06", (13, 0), (5, 0)))) == "cu121|public"


def _chosen_of_two(release: str, name: str, other: str) -> set[tuple[str, object]]:
    """Which of two builds an A100 gets whose driver 580 says CUDA 12.4, in either order, and how."""
    on = machine(nvidia("580.65.06", (12, 4), (8, 0)))
    here = CATALOG.release(release).platforms["linux_x86_64"]
    first = here.find(name)
    assert first is not None
    second = first.replace(torch_backend=TorchBackend(other), local_version=other)
    found = set()
    for builds in ((first, second), (second, first)):
        alone = CATALOG.release(release).replace(platforms={"linux_x86_64": here.replace(builds=builds, public=None)})
        selection = select(on, alone, CATALOG.replace(releases=(alone,)))
        found.add((str(selection.torch_backend), selection.reasons[1]["how"]))
    return found


def test_an_older_major_comes_before_a_newer_one() -> None:
    """A driver 580 whose library says CUDA 12.4, with builds for CUDA 11.8 and 13.0 alone: the older one is sure."""
    assert _chosen_of_two("2.7.1", "cu118", "cu130") == {("cu118", "older-major")}


def test_of_newer_majors_the_nearest_comes_first() -> None:
    """The same with builds for CUDA 13 and 14 alone, and with two of one major."""
    assert _chosen_of_two("2.14.1", "cu130", "cu132") == {("cu130", "newer-major")}


@pytest.mark.parametrize("vendor", ["amd", "intel"])
def test_an_amd_gpu_inside_the_processor_comes_before_a_card_of_intels(vendor: str) -> None:
    """The vendors have an order (docs/explanation/rules.md); discrete before integrated counts within one of them."""
    apu = Accelerator("amd", (Device(gfx_target="gfx1151", integrated=True),))
    arc = intel("8086:e20b")
    on = machine(*((apu, arc) if vendor == "amd" else (arc, apu)))
    assert chosen("2.14.1", on) == "rocm7.2|public"
    unserved = Accelerator("amd", (Device(gfx_target="gfx803", integrated=True),))
    assert chosen("2.14.1", machine(unserved, arc)) == "xpu|public"


@pytest.mark.parametrize(("cuda", "expected"), [((12, 4), "cu126"), ((13, 0), "cu130|public"), ((11, 8), "needs.")])
def test_a_cuda_version_stands_in_for_a_driver_version(cuda: tuple[int, int], expected: str) -> None:
    """A driver that says no version of its own runs toolkits up to the major of the CUDA version that it says."""
    assert chosen("2.14.1", machine(nvidia(None, cuda, (8, 0)))).startswith(expected)


@pytest.mark.parametrize(("libc", "expected"), [("2.28", "cu130|public"), ("2.27", "needs.glibc.2.28")])
def test_a_glibc_that_is_just_new_enough_is_new_enough(libc: str, expected: str) -> None:
    """RHEL 8 has glibc 2.28, which is what PyTorch's wheels ask for (manylinux_2_28)."""
    assert chosen("2.14.1", machine(H100_580, libc=f"glibc {libc}")) == expected


# --- what is said -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "asked", "on", "gets", "reasons", "rejected"),
    [
        (
            "2.14.1",
            "auto",
            machine(),
            "cpu",
            "no-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132 rocm7.2 xpu; own-index: rocm7.14",
        ),
        (
            "2.14.1",
            "auto",
            machine(A100_550),
            "cu126 on the GPU",
            "chosen-for best-build pypi-does-not-run",
            "other-vendor: cpu rocm7.2 xpu; driver-too-old: cu130 cu132; own-index: rocm7.14",
        ),
        (
            "2.14.1",
            "auto",
            machine(H100_580),
            "cu130 on the GPU",
            "chosen-for best-build pypi-is-the-same",
            "other-vendor: cpu rocm7.2 xpu; later-in-order: cu126 cu132; own-index: rocm7.14",
        ),
        (
            "2.15.0",
            "auto",
            machine(A100_550),
            "none",
            "newer-driver",
            "other-vendor: cpu; unseen: cu130 cu134 rocm7.14 rocm10.0 xpu; driver-too-old: cu132",
        ),
        (
            "2.14.1",
            "auto",
            machine(T4_580),
            "cu126 on the GPU",
            "chosen-for best-build pypi-runs-too",
            "other-vendor: cpu rocm7.2 xpu; library-gap: cu130 cu132; own-index: rocm7.14",
        ),
        (
            "2.14.1",
            "auto",
            machine(amd("gfx942")),
            "rocm7.2 on the GPU",
            "chosen-for best-build pypi-never-runs",
            "other-vendor: cpu cu126 cu130 cu132 xpu; own-index: rocm7.14",
        ),
        (
            "2.9.1",
            "auto",
            machine(amd("gfx1031")),
            "cpu",
            "no-code-without-override no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.9.1",
            "auto",
            machine(amd("gfx803")),
            "cpu",
            "no-code-anywhere no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.14.1",
            "auto",
            machine(intel("8086:e20b")),
            "xpu on the GPU",
            "chosen-for best-build pypi-never-runs",
            "other-vendor: cpu cu126 cu130 cu132 rocm7.2; own-index: rocm7.14",
        ),
        (
            "2.14.1",
            "auto",
            machine(Accelerator("intel", (Device(pci_id="8086:ffee", driver="xe"),))),
            "xpu on the GPU",
            "chosen-for best-build xpu-newer pypi-never-runs",
            "other-vendor: cpu cu126 cu130 cu132 rocm7.2; own-index: rocm7.14",
        ),
        (
            "2.6.0",
            "auto",
            machine(intel("8086:64a0")),
            "xpu on the GPU",
            "chosen-for best-build pypi-never-runs",
            "other-vendor: cpu cu118 cu124 cu126 rocm6.1 rocm6.2.4",
        ),
        (
            "2.14.1",
            "auto",
            machine(amd("gfx942"), platform="win_amd64"),
            "cpu",
            "amd-on-windows no-usable-gpu",
            "no-gpu-for-it: cu126 cu130 cu132 xpu",
        ),
        ("2.14.1", "auto", machine(H100_580, platform="win_arm64"), "cpu", "nvidia-on-windows-arm no-usable-gpu", ""),
        (
            "2.14.1",
            "auto",
            machine(nvidia(None, None, (8, 0))),
            "cpu",
            "cannot-be-used no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132 rocm7.2 xpu; own-index: rocm7.14",
        ),
        (
            "2.14.1",
            "auto",
            machine(nvidia(None, None, (8, 0)).replace(driver_loaded=True)),
            "cu126 on the GPU",
            "chosen-for best-build driver-untold pypi-runs-too",
            "other-vendor: cpu rocm7.2 xpu; later-in-order: cu130 cu132; own-index: rocm7.14",
        ),
        (
            "2.14.1",
            "auto",
            machine(XAVIER, platform="linux_aarch64"),
            "cpu",
            "cannot-be-used no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132",
        ),
        (
            "2.14.1",
            "auto",
            machine(ORIN_6, platform="linux_aarch64"),
            "cpu",
            "cannot-be-used no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132",
        ),
        (
            "2.14.1",
            "auto",
            machine(ORIN_7, platform="linux_aarch64"),
            "cu132 on the GPU",
            "chosen-for best-build pypi-does-not-run",
            "other-vendor: cpu; not-for-tegra: cu126 cu130",
        ),
        (
            "2.9.1",
            "auto",
            machine(H100_580, python="3.8"),
            "cu130 on the GPU",
            "chosen-for best-build pypi-runs-too",
            "other-vendor: cpu rocm6.3 rocm6.4 xpu; later-in-order: cu126 cu128 cu129",
        ),
        (
            "2.6.0",
            "auto",
            machine(H100_580, python="3.8"),
            "none",
            "other-releases",
            "not-for-python: cpu cu118 cu124 cu126 rocm6.1 rocm6.2.4; other-vendor: xpu",
        ),
        (
            "2.14.1",
            "auto",
            machine(amd("gfx942"), python="3.15"),
            "cpu",
            "other-pythons-alone no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132 rocm7.2 xpu; own-index: rocm7.14",
        ),
        (
            "2.15.0",
            "auto",
            machine(H100_580, python="3.9"),
            "cu132 on the GPU",
            "chosen-for best-build pypi-is-the-same",
            "other-vendor: cpu; unseen: cu130 cu134 rocm7.14 rocm10.0 xpu",
        ),
        (
            "2.15.0",
            "auto",
            machine(P100_580),
            "none",
            "other-releases",
            "other-vendor: cpu; unseen: cu130 cu134 rocm7.14 rocm10.0 xpu; no-code: cu132",
        ),
        ("2.5.1", "auto", machine(platform="macos_x86_64"), "none", "no-builds-for-platform", ""),
        ("2.5.1", "auto", machine(platform="macos_arm64"), "cpu on the GPU", "apple-silicon", ""),
        (
            "2.9.1",
            "auto",
            machine(libc="glibc 2.17"),
            "none",
            "libc",
            "not-here: cpu cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.12.0",
            "auto",
            machine(platform="macos_arm64").replace(system_version="13.7.1"),
            "none",
            "macos-too-old",
            "not-here: cpu",
        ),
        (
            "2.12.1",
            "auto",
            machine(python="3.13t"),
            "none",
            "no-wheels-for-python",
            "not-here: cpu cu126 cu129 cu130 cu132 rocm7.1 rocm7.2 xpu",
        ),
        ("2.9.1", "auto", machine(H100_580).replace(architecture="riscv64"), "cpu", "not-a-platform", ""),
        (
            "2.9.1",
            "cpu",
            machine(H100_580),
            "cpu",
            "asked-for pypi-is-large",
            "asked-for: cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        ("2.9.1", "pypi", machine(H100_580), "cu128", "asked-for-pypi", ""),
        (
            "2.9.1",
            "cu128",
            machine(H100_580),
            "cu128 on the GPU",
            "asked-for pypi-is-the-same",
            "asked-for: cpu cu126 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.9.1",
            "cu128",
            machine(),
            "cu128",
            "asked-for uses-no-gpu pypi-is-the-same",
            "asked-for: cpu cu126 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.9.1",
            "cu128",
            machine(P100_580),
            "cu128",
            "asked-for uses-no-gpu pypi-is-the-same",
            "asked-for: cpu cu126 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.9.1",
            "cu126",
            machine(),
            "cu126",
            "asked-for uses-no-gpu",
            "asked-for: cpu cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.9.1",
            "cu92",
            machine(),
            "none",
            "asked-for not-in-catalog",
            "asked-for: cpu cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.9.1",
            "cu118",
            machine(),
            "none",
            "asked-for build-in-other-releases",
            "asked-for: cpu cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        ("2.9.1", "rocm6.4", machine(platform="win_amd64"), "cpu", "asked-for never-on-platform", ""),
        (
            "2.14.1",
            "rocm7.14",
            machine(),
            "rocm7.14",
            "asked-for uses-no-gpu asked-own-index",
            "asked-for: cpu cu126 cu130 cu132 rocm7.2 xpu",
        ),
        (
            "2.6.0",
            "cu126",
            machine(libc="glibc 2.27"),
            "none",
            "asked-for libc",
            "asked-for: cpu cu118 cu124 cu126 rocm6.1 rocm6.2.4 xpu",
        ),
        (
            "2.8.0",
            "auto",
            machine(nvidia("580.65.06", (13, 0), (9, 0), (6, 0))),
            "cu126 on the GPU",
            "chosen-for best-build pypi-does-not-run",
            "other-vendor: cpu rocm6.3 rocm6.4 xpu; fewer-gpus: cu128 cu129",
        ),
        (
            "2.10.0",
            "auto",
            machine(nvidia("580.65.06", (13, 0), (9, 0), (7, 0))),
            "cu129 on the GPU",
            "chosen-for best-build pypi-runs-too",
            "other-vendor: cpu rocm7.0 rocm7.1 xpu; later-in-order: cu126 cu128; fewer-gpus: cu130",
        ),
        (
            "2.2.2",
            "auto",
            machine(nvidia("580.65.06", (13, 0), (5, 0), (3, 7))),
            "cu118 on the GPU",
            "chosen-for best-build pypi-does-not-run",
            "other-vendor: cpu rocm5.6 rocm5.7; fewer-gpus: cu121",
        ),
        (
            "2.14.1",
            "auto",
            machine(amd("gfx942"), platform="linux_aarch64"),
            "cpu",
            "nothing-published no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132",
        ),
        (
            "2.14.1",
            "auto",
            machine(Accelerator("amd", (Device(pci_id="1002:744c"),))),
            "cpu",
            "cannot-be-used no-usable-gpu pypi-is-large",
            "no-gpu-for-it: cu126 cu130 cu132 rocm7.2 xpu; own-index: rocm7.14",
        ),
        (
            "2.9.1",
            "auto",
            machine(libc="musl 1.2"),
            "none",
            "libc",
            "not-here: cpu cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.6.0",
            "auto",
            machine(H100_580),
            "cu126 on the GPU",
            "chosen-for best-build pypi-runs-too",
            "other-vendor: cpu rocm6.1 rocm6.2.4 xpu; later-in-order: cu118 cu124",
        ),
        (
            "2.14.1",
            "auto",
            machine(H100_580, platform="win_amd64"),
            "cu130 on the GPU",
            "chosen-for best-build pypi-never-runs",
            "other-vendor: cpu xpu; later-in-order: cu126 cu132",
        ),
        (
            "2.9.1",
            "rocm7.14",
            machine(H100_580),
            "none",
            "asked-for build-in-other-releases",
            "asked-for: cpu cu126 cu128 cu129 cu130 rocm6.3 rocm6.4 xpu",
        ),
        (
            "2.0.0",
            "auto",
            machine(H100_580, python="3.11"),
            "cu118 on the GPU",
            "chosen-for best-build pypi-does-not-run",
            "other-vendor: cpu; no-code: cu117; not-for-python: rocm5.3 rocm5.4.2",
        ),
    ],
)
def test_what_is_said(release: str, asked: str, on: Machine, gets: str, reasons: str, rejected: str) -> None:
    """What a release gives, the codes of why, and of why not each other build, in the order of the release."""
    selection = select(on, CATALOG.release(release), CATALOG, asked)
    assert f"{selection.torch_backend or 'none'}{' on the GPU' if selection.accelerated else ''}" == gets
    assert not (selection.public_allowed and selection.needs is not None)
    assert " ".join(item.code for item in selection.reasons) == reasons
    found: dict[str, list[str]] = {}
    for item in selection.rejected:
        found.setdefault(item.reason.code, []).append(item.torch_backend)
    assert "; ".join(f"{code}: {' '.join(names)}" for code, names in found.items()) == rejected


@pytest.mark.parametrize(
    ("release", "on", "how", "words"),
    [
        ("2.14.1", machine(H100_580), "newest-native", "is the newest that driver 580.65.06 (CUDA 13.0) supports"),
        ("2.14.1", machine(A100_550), "closest-newer", "is the closest to driver 550.54.14 (CUDA 12.4)"),
        ("2.6.0", machine(nvidia(None, (13, 0), (8, 0))), "older-major", "this driver (CUDA 13.0) runs older major"),
        ("2.14.1", machine(amd("gfx942")), "newest-rocm", "it has the newest ROCm"),
        ("2.14.1", machine(intel("8086:e20b")), "only", "it is the only one"),
        (
            "2.14.1",
            machine(nvidia(None, None, (8, 0)).replace(driver_loaded=True)),
            "oldest",
            "its toolkit 12.6 is the oldest, and nothing tells what this driver supports.",
        ),
    ],
)
def test_by_what_a_build_comes_first(release: str, on: Machine, how: str, words: str) -> None:
    """The reason of a build is by what it comes first; of a driver that says nothing, no CUDA version is invented."""
    [reason] = [item for item in select(on, CATALOG.release(release), CATALOG).reasons if item.code == "best-build"]
    assert reason["how"] == how
    assert words in sentence(reason)


def test_a_card_comes_before_a_newer_gpu_inside_the_processor() -> None:
    """Of AMD's, the one that the newest release serves decides among those of a rank alone: cards first."""
    card = Device(gfx_target="gfx906")
    inside = Device(gfx_target="gfx1151", integrated=True)
    found = select(machine(Accelerator("amd", (inside, card))), CATALOG.release("2.9.1"), CATALOG)
    assert found.device is not None
    assert found.device.device == card
