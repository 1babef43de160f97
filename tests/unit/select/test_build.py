"""The rules that decide a pin, each on machines that show it, and over the whole catalog."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from torch_auto import catalog
from torch_auto.machine import (
    Accelerator,
    AmdAccelerator,
    AmdDevice,
    IntelAccelerator,
    IntelDevice,
    Machine,
    NvidiaAccelerator,
    NvidiaDevice,
)
from torch_auto.plan import make_plan, newest_usable
from torch_auto.reasons import needs_in_words
from torch_auto.selection import select
from torch_auto.settings import Settings

CATALOG = catalog.load()
RELEASES = [release.version for release in CATALOG.releases]
PLATFORMS = ["linux_x86_64", "linux_aarch64", "win_amd64", "win_arm64", "macos_arm64", "macos_x86_64"]
DATA = Path(catalog.DATA)
BUILDS = json.loads((DATA / "builds.json").read_text(encoding="utf-8"))
PLACES = {
    (row["release"], row["platform"]): row
    for row in json.loads((DATA / "releases.json").read_text(encoding="utf-8"))["platforms"]
}
FLOORS = {
    "linux": {11: (450, 80, 2), 12: (525, 60, 13), 13: (580,)},
    "windows": {11: (452, 39), 12: (528, 33), 13: (580,)},
}


def machine(
    *accelerators: Accelerator, platform: str = "linux_x86_64", python: str = "3.12", libc: str = "glibc 2.36"
) -> Machine:
    """A machine of a platform; libc counts on Linux alone."""
    system, architecture = {
        "linux_x86_64": ("linux", "x86_64"),
        "linux_aarch64": ("linux", "aarch64"),
        "win_amd64": ("windows", "x86_64"),
        "win_arm64": ("windows", "arm64"),
        "macos_arm64": ("macos", "arm64"),
        "macos_x86_64": ("macos", "x86_64"),
    }[platform]
    return Machine(system, architecture, python, libc if system == "linux" else None, accelerators)


def nvidia(
    driver: str | None, cuda: tuple[int, int] | None, *capabilities: tuple[int, int] | None
) -> NvidiaAccelerator:
    """NVIDIA GPUs of these compute capabilities with one driver."""
    return NvidiaAccelerator(tuple(NvidiaDevice("", item) for item in capabilities), driver, cuda)


def amd(*targets: str) -> AmdAccelerator:
    """AMD GPUs of these LLVM targets."""
    return AmdAccelerator(tuple(AmdDevice(target) for target in targets))


def intel(*ids: str) -> IntelAccelerator:
    """Intel GPUs of these PCI ids."""
    return IntelAccelerator(tuple(IntelDevice(item) for item in ids))


A100_550 = nvidia("550.54.14", (12, 4), (8, 0))
H100_580 = nvidia("580.65.06", (13, 0), (9, 0))
P100_580 = nvidia("580.65.06", (13, 0), (6, 0))
V100_470 = nvidia("470.57.02", (11, 4), (7, 0))
RTX5090_575 = nvidia("575.51.03", (12, 9), (12, 0))


def chosen(release: str, on: Machine, torch_backend: str = "auto") -> str:
    """What a release comes to, short: "cu124|public", "cu126", "cpu|public", "public" or "needs.…"."""
    selection = select(on, CATALOG.release(release), CATALOG, torch_backend)
    if selection.needs is not None:
        return f"needs.{selection.needs}"
    if selection.local_version is None:
        return "public" if selection.requires_torch else "nothing"
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
    """Of any two builds that run, the one earlier in the order of docs/rules.md is taken."""
    driver = {(12, 4): "550.54.14", (13, 0): "580.65.06"}[cuda]
    compared = 0
    for first, second in itertools.combinations(order, 2):
        for release in CATALOG.releases:
            here = release.platforms["linux_x86_64"]
            on = machine(nvidia(driver, cuda, (9, 0)), python=max(here.pythons & {"3.8", "3.10", "3.12"}))
            both = tuple(build for build in here.builds if build.torch_backend in (first, second) and build.seen)
            if len(both) < 2:
                continue
            only = release._replace(platforms={"linux_x86_64": here._replace(builds=both, public=None)})
            small = CATALOG._replace(releases=(only,))
            assert select(on, only, small).torch_backend == first, (release.version, first, second)
            compared += 1
    assert compared >= 20


def test_the_most_capable_gpu_decides_and_the_others_are_named() -> None:
    """A Pascal card beside a Blackwell does not hold it back; a reason says that it is left out, and why."""
    on = machine(
        NvidiaAccelerator(
            (NvidiaDevice("NVIDIA P4", (6, 1)), NvidiaDevice("NVIDIA B200", (10, 0))), "580.65.06", (13, 0)
        )
    )
    selection = select(on, CATALOG.release("2.14.1"), CATALOG)
    assert selection.torch_backend == "cu130"
    assert "NVIDIA B200 (compute capability 10.0) decides." in selection.reasons
    assert any(reason.startswith("NVIDIA P4 (compute capability 6.1) is left out") for reason in selection.reasons)


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
        ("none", "2.9.1", machine(H100_580), "nothing"),
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


def test_the_public_setting_is_one_answer_for_all_machines() -> None:
    """backend=pypi writes the same METADATA on every machine and platform."""
    kinds: list[tuple[Accelerator, ...]] = [(), (H100_580,), (amd("gfx942"),)]
    for release in CATALOG.releases:
        pins = {
            make_plan(release, machine(*item, platform=platform), Settings(backend="pypi"), CATALOG).requirements
            for item in kinds
            for platform in PLATFORMS
            if platform in release.platforms
        }
        assert len(pins) == 1, release.version


def test_newest_usable_leaves_out_what_does_not_install() -> None:
    """An old glibc, and a build that the hint does not reach, are seen with named torch backends too."""
    old = machine(libc="glibc 2.27")
    for torch_backend in ("auto", "cpu", "pypi"):
        assert newest_usable(old, Settings(backend=torch_backend), CATALOG).with_hint == "2.6.0", torch_backend
    assert newest_usable(machine(), Settings(backend="rocm7.14"), CATALOG).with_hint is None


def test_what_the_reasons_say_without_the_hint_is_true() -> None:
    """ "goes back to torch X at best" names an older release whose public build runs on the GPU that decides."""
    said = 0
    for accelerators in list(_accelerators())[::5]:
        for release in CATALOG.releases:
            selection = select(machine(*accelerators), release, CATALOG)
            for reason in selection.reasons:
                found = re.search(r"goes back, to torch (\S+) at best", reason)
                if found:
                    said += 1
                    assert Version(found.group(1)) < Version(release.version)
    assert said > 20


def test_a_driver_whose_library_is_older_takes_the_nearest_newer_major() -> None:
    """Driver 580 with an old libcuda in a container: of builds for CUDA 13 alone, the oldest."""
    on = machine(nvidia("580.65.06", (12, 4), (10, 3)), platform="win_amd64")
    assert chosen("2.12.0", on) == "cu130|public"


def test_newest_usable_is_what_a_resolver_comes_to() -> None:
    """With the hint and without it, the newest release is the one that the pins of all releases lead to."""
    expected = {
        "cpu": ("2.15.0", "2.15.0"),
        "A100/550": ("2.14.1", "2.10.0"),
        "H100/580": ("2.15.0", "2.15.0"),
        "P100/580": ("2.14.1", "2.7.1"),
        "V100/470": ("2.7.1", "2.7.1"),
        "Intel Mac": ("2.2.2", "2.2.2"),
    }
    machines = {
        "cpu": machine(),
        "A100/550": machine(A100_550),
        "H100/580": machine(H100_580),
        "P100/580": machine(P100_580),
        "V100/470": machine(V100_470),
        "Intel Mac": machine(platform="macos_x86_64"),
    }
    found = {name: newest_usable(on, Settings(), CATALOG) for name, on in machines.items()}
    assert {name: (item.with_hint, item.without_hint) for name, item in found.items()} == expected


# --- over the whole catalog ----------------------------------------------------------------------------------------

CAPABILITIES = [
    (3, 0), (3, 5), (3, 7), (5, 0), (5, 2), (5, 3), (6, 0), (6, 1), (6, 2), (7, 0), (7, 2), (7, 5),
    (8, 0), (8, 6), (8, 7), (8, 9), (9, 0), (10, 0), (10, 3), (11, 0), (12, 0), (12, 1), (13, 0),
]  # fmt: skip
DRIVERS = [
    (None, None), ("390.157", (9, 1)), ("450.80.01", (11, 0)), ("450.80.02", (11, 0)), ("470.57.02", (11, 4)),
    ("525.60.12", (12, 0)), ("525.60.13", (12, 0)), ("528.32", (12, 0)), ("528.33", (12, 0)), ("550.54.14", (12, 4)),
    ("570.26", (12, 8)), ("575.51.03", (12, 9)), ("579.99", (12, 9)), ("580.65.06", (13, 0)), ("595.45.04", (13, 2)),
    ("999.1", (14, 1)),
]  # fmt: skip
GFX = ["gfx803", "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1010", "gfx1030", "gfx1036", "gfx1100",
       "gfx1101", "gfx1102", "gfx1103", "gfx1150", "gfx1151", "gfx1200", "gfx1201"]  # fmt: skip
INTEL = ["8086:56a0", "8086:e20b", "8086:7d55", "8086:64a0", "8086:b080", "8086:9bc5", "8086:4680", "8086:ffff"]
PYTHONS = ["3.8", "3.12", "3.14t"]


def _accelerators() -> Iterator[tuple[Accelerator, ...]]:
    yield ()
    for (driver, cuda), capability in itertools.product(DRIVERS, CAPABILITIES):
        yield (nvidia(driver, cuda, capability),)
    for target in GFX:
        yield (amd(target),)
    for item in INTEL:
        yield (intel(item),)
    yield (nvidia("550.54.14", None, None),)
    yield from MIXED


#: Machines of several GPUs -> the one of them that decides: the most capable one that any release serves.
MIXED: dict[tuple[Accelerator, ...], Accelerator] = {
    (H100_580, amd("gfx942"), intel("8086:9bc5")): H100_580,
    (nvidia("580.65.06", (13, 0), (6, 0), (12, 0)),): nvidia("580.65.06", (13, 0), (12, 0)),
    (nvidia(None, None, (8, 6)), amd("gfx1100")): amd("gfx1100"),
}


def _runs(build: dict[str, Any], on: Machine) -> bool:
    """Whether a build runs on some device of a machine: the rules once more, straight from the data, the short way."""
    name = build["torch_backend"]
    for accelerator in on.accelerators:
        for device in accelerator.devices:
            if isinstance(device, AmdDevice) and device.gfx_target in build.get("gfx", ()):
                return True
            if isinstance(device, IntelDevice) and name == "xpu" and device.pci_id in CATALOG.xpu_ids:
                return True
            if (
                isinstance(device, NvidiaDevice)
                and name.startswith("cu")
                and isinstance(accelerator, NvidiaAccelerator)
            ):
                toolkit = (int(name[2:-1]), int(name[-1]))
                if accelerator.driver_version is None:
                    continue
                driver = tuple(int(part) for part in accelerator.driver_version.split("."))
                if driver < FLOORS[on.system][toolkit[0]]:
                    continue
                if device.compute_capability is None:
                    return True
                if device.compute_capability in ((5, 3), (6, 2), (7, 2), (8, 7)):
                    continue
                number = device.compute_capability[0] * 10 + device.compute_capability[1]
                if any(sm // 10 == number // 10 and sm <= number for sm in build["sm"]):
                    return True
                native = accelerator.cuda_driver_version is not None and accelerator.cuda_driver_version >= toolkit
                if native and any(50 <= ptx <= number for ptx in build["ptx"]):
                    return True
    return False


ROWS: dict[tuple[str, str], list[dict[str, Any]]] = {}
for _row in BUILDS["builds"]:
    ROWS.setdefault((_row["release"], _row["platform"]), []).append(_row)
OTHER_LOCALS: dict[str, set[str]] = {}
for _row in BUILDS.get("other_locals", []):
    OTHER_LOCALS.setdefault(_row["release"], set()).add(_row["local"])


def _environment(platform: str, python: str) -> dict[str, str]:
    system, arch = {
        "linux_x86_64": ("linux", "x86_64"),
        "linux_aarch64": ("linux", "aarch64"),
        "win_amd64": ("win32", "AMD64"),
        "win_arm64": ("win32", "ARM64"),
        "macos_arm64": ("darwin", "arm64"),
        "macos_x86_64": ("darwin", "x86_64"),
    }[platform]
    version = python.rstrip("t")
    return {
        "sys_platform": system,
        "platform_machine": arch,
        "python_version": version,
        "python_full_version": f"{version}.0",
        "extra": "",
    }


def _takes(requirements: tuple[str, ...], release: str, platform: str, python: str, *, hint: bool) -> list[str]:
    """The versions that a resolver may take on a platform, best first: all that exist there, and match the pins."""
    active = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(_environment(platform, python)):
            active.append(requirement)
    assert len(active) == 1, (release, platform, python, requirements)
    place = PLACES.get((release, platform))
    versions = {release} if place is not None and place["public"] is not None else set()
    if hint:
        versions |= {f"{release}+{row['local']}" for row in ROWS.get((release, platform), ()) if row["local"]}
        versions |= {f"{release}+{local}" for local in OTHER_LOCALS.get(release, ())}
    matching = [version for version in versions if active[0].specifier.contains(version, prereleases=True)]
    return sorted(matching, key=Version, reverse=True)


def _machines(platform: str) -> list[tuple[Accelerator, ...]]:
    """Every machine of the list where torch has GPU builds; elsewhere a few, since nothing there depends on the GPU."""
    machines = list(_accelerators())
    return machines if platform in ("linux_x86_64", "linux_aarch64", "win_amd64") else machines[::40] + machines[-4:]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_pin_names_a_build_that_exists_and_runs(platform: str) -> None:
    """Over every release, Python and machine: the pin leads to a build that the data call usable, or says why not."""
    cases = 0
    for accelerators in _machines(platform):
        on = machine(*accelerators, platform=platform)
        decisive = on._replace(accelerators=(MIXED[accelerators],)) if accelerators in MIXED else on
        usable = {
            release: {
                row["torch_backend"]
                for row in ROWS.get((release, platform), ())
                if row["confidence"] != "unseen" and not row.get("own_index") and _runs(row, decisive)
            }
            for release in RELEASES
        }
        # On Python 3.8 another GPU of a mixed machine decides, since torch for the newest GPUs does not come for it.
        for python in PYTHONS if accelerators not in MIXED else ["3.12"]:
            places = {release: PLACES.get((release, platform), {"pythons": ()}) for release in RELEASES}
            served = any(usable[release] and python in places[release]["pythons"] for release in RELEASES)
            for release in RELEASES:
                cases += 1
                _check(on._replace(python=python), release, usable[release], served=served)
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
        plan = make_plan(CATALOG.release(release), on, Settings(pin=pin), CATALOG)
        selection = plan.selection
        hinted = _takes(plan.requirements, release, platform, python, hint=True)
        alone = _takes(plan.requirements, release, platform, python, hint=False)
        if selection.needs is not None:
            assert hinted == alone == [], (on, plan.requirements)
        elif selection.local_version is not None:
            assert hinted[0] == f"{release}+{selection.local_version}", (on, plan.requirements)
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
            hinted = _takes(plan.requirements, release, other, python, hint=True)
            alone = _takes(plan.requirements, release, other, python, hint=False)
            assert hinted[0] == (f"{release}+{twin}" if twin else release), (on, other, plan.requirements)
            assert alone == ([release] if place["public"] is not None else []), (on, other, plan.requirements)


def test_requirements_do_not_depend_on_the_python_that_builds() -> None:
    """Installers serve what was built for one Python to all others, so METADATA is the same from each of them."""
    differing = 0
    for accelerators in list(_accelerators())[::9]:
        for release in RELEASES:
            pins = {
                make_plan(
                    CATALOG.release(release), machine(*accelerators, python=python), Settings(), CATALOG
                ).requirements
                for python in ("3.10", "3.12", "3.14")
            }
            assert len(pins) == 1, (release, accelerators)
            differing += "python_version" in " ".join(pins.pop())
    assert differing > 0  # machines are among them whose answer depends on the Python, and the markers say so
