"""Whether a build runs on a device, and if not, why: each rule, and all of them against the data."""

from __future__ import annotations

from typing import Any

import pytest

from torch_auto.machine import Accelerator, Device, Machine
from torch_auto.select.reasons import Reason, because
from torch_auto.select.runs_on import (
    KINDS,
    Candidate,
    Unfit,
    candidates,
    cuda_driver_version,
    fault,
    libc_fault,
    worst_first,
)
from unit.data import CATALOG, PLATFORMS, ROWS
from unit.machines import (
    A100_550,
    H100_580,
    MACHINES,
    ORIN_6,
    ORIN_7,
    ORIN_UNTOLD,
    XAVIER,
    all_accelerators,
    amd,
    intel,
    machine,
    nvidia,
    runs,
)


def why(release: str, torch_backend: str, on: Machine) -> Reason | None:
    """Why a build does not run on a machine's most capable GPU."""
    build = CATALOG.release(release).platforms[str(on.platform)].find(torch_backend)
    assert build is not None
    found = fault(build, candidates(on)[0], on, CATALOG)
    return found.reason if found is not None else None


# The code that torch 2.14.1's CUDA 13.0 build for Linux has.
CU130 = ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0")


@pytest.mark.parametrize(
    ("release", "torch_backend", "on", "expected"),
    [
        ("2.14.1", "cu130", machine(H100_580), None),
        ("2.14.1", "cpu", machine(H100_580), because("other-vendor", vendor=None)),
        ("2.14.1", "rocm7.2", machine(H100_580), because("other-vendor", vendor="amd")),
        ("2.14.1", "xpu", machine(amd("gfx942")), because("other-vendor", vendor="intel")),
        ("2.14.1", "xpu", machine(intel("8086:ffee")), because("unknown-xpu", pci_id="8086:ffee")),
        (
            "2.14.1",
            "cu130",
            machine(nvidia("580.65.06", (13, 0), (6, 0))),
            because("no-code", holds=CU130, capability="6.0"),
        ),
        (
            "2.14.1",
            "cu130",
            machine(A100_550),
            because("driver-too-old", toolkit_major=13, needs="580", has="550.54.14", cuda=None),
        ),
        (
            "2.14.1",
            "cu130",
            machine(nvidia(None, (12, 4), (8, 0))),
            because("driver-too-old", toolkit_major=13, needs="580", has=None, cuda="12.4"),
        ),
        ("2.14.1", "cu130", machine(nvidia(None, (13, 0), (8, 0))), None),
        ("2.14.1", "cu130", machine(nvidia(None, None, (8, 0))), because("no-driver")),
        ("2.14.1", "cu130", machine(nvidia("580.65.06", (13, 0), None)), None),  # unknown, so the driver decides
        ("2.14.1", "cu126", machine(XAVIER, platform="linux_aarch64"), because("tegra")),
        # Jetson Orin: with JetPack 6, with JetPack 7.2, and with a driver of 7.2 that does not tell its version.
        ("2.14.1", "cu132", machine(ORIN_6, platform="linux_aarch64"), because("tegra-until", toolkit="13.2")),
        ("2.14.1", "cu132", machine(ORIN_7, platform="linux_aarch64"), None),
        ("2.14.1", "cu132", machine(ORIN_UNTOLD, platform="linux_aarch64"), None),
        ("2.14.1", "cu130", machine(ORIN_7, platform="linux_aarch64"), because("not-for-tegra", toolkit="13.2")),
        # Thor, by both of its names; code for 10.0 is not for it.
        ("2.14.1", "cu130", machine(nvidia("580.00", (13, 0), (11, 0)), platform="linux_aarch64"), None),
        ("2.14.1", "cu130", machine(nvidia("580.00", (13, 0), (10, 1)), platform="linux_aarch64"), None),
        (
            "2.9.1",
            "cu128",
            machine(nvidia("570.00", (12, 8), (10, 1)), platform="linux_aarch64"),
            because("no-code", holds=("8.0", "9.0", "10.0", "12.0"), capability="10.1"),
        ),
        # Vera Rubin runs code for 10.0.
        ("2.14.1", "cu130", machine(nvidia("615.71.09", (13, 4), (10, 7)), platform="linux_aarch64"), None),
        # A loaded driver of unknown version may run any build.
        ("2.14.1", "cu130", machine(nvidia(None, None, (8, 0)).replace(driver_loaded=True)), None),
        ("2.14.1", "rocm7.2", machine(amd("gfx906")), because("no-gfx-code", gfx_target="gfx906")),
        ("2.14.1", "rocm7.2", machine(amd("gfx942")), None),
        ("2.14.1", "xpu", machine(intel("8086:9bc5")), because("not-an-xpu", pci_id="8086:9bc5")),
        ("2.14.1", "xpu", machine(intel("8086:e20b")), None),
        (
            "2.14.1",
            "cu130",
            machine(H100_580, libc="glibc 2.17"),
            because("libc-too-old", needs="2.28", has="2.17"),
        ),
        ("2.14.1", "cu130", machine(H100_580, libc="musl 1.2"), because("libc-not-glibc", libc="musl 1.2")),
    ],
)
def test_a_rule_decides(release: str, torch_backend: str, on: Machine, expected: Reason | None) -> None:
    """One line for each rule, with the code and the values that the sentence is made of."""
    assert why(release, torch_backend, on) == expected


@pytest.mark.parametrize(
    ("torch_backend", "on", "kind", "driver"),
    [
        ("cu130", machine(H100_580, libc="musl 1.2"), "libc", None),
        ("cu130", machine(H100_580, libc="glibc 2.17"), "libc", None),
        ("cu130", machine(nvidia(None, None, (8, 0))), "no-driver", None),
        ("cu130", machine(A100_550), "driver", "580"),
        ("cu130", machine(nvidia("580.65.06", (13, 0), (6, 0))), "architecture", None),
        ("cu130", machine(amd("gfx942")), "vendor", None),
        ("cu132", machine(XAVIER, platform="linux_aarch64"), "tegra", None),
        ("cu132", machine(ORIN_6, platform="linux_aarch64"), "tegra", None),
        ("cu130", machine(ORIN_7, platform="linux_aarch64"), "architecture", None),
        ("rocm7.2", machine(Accelerator("amd", (Device(pci_id="1002:744c"),))), "no-driver", None),
        ("rocm7.2", machine(amd("gfx906")), "architecture", None),
        ("xpu", machine(intel("8086:9bc5")), "architecture", None),
        ("xpu", machine(intel("8086:ffff")), "architecture", None),
    ],
)
def test_the_kind_of_a_fault(torch_backend: str, on: Machine, kind: str, driver: str | None) -> None:
    """By its kind a fault is compared with others, and by its driver a label asks for a newer one."""
    build = CATALOG.release("2.14.1").platforms[str(on.platform)].find(torch_backend)
    assert build is not None
    found = fault(build, candidates(on)[0], on, CATALOG)
    assert found is not None
    assert (found.kind, found.driver) == (kind, driver)


def test_ptx_alone_needs_a_driver_that_supports_the_toolkit_natively() -> None:
    """Minor version compatibility does not compile PTX: the driver that came with the toolkit is named."""
    on = machine(nvidia("580.65.06", (12, 9), (13, 0)))
    found = [
        (build, fault(build, candidates(on)[0], on, CATALOG))
        for release in CATALOG.releases
        for build in release.platforms["linux_x86_64"].builds
        if build.ptx and build.torch_backend.toolkit == (13, 0) and build.seen
    ]
    assert found
    newer = machine(nvidia("595.45.04", (13, 2), (13, 0)))
    for build, unfit in found:
        assert fault(build, candidates(newer)[0], newer, CATALOG) is None
        assert unfit is not None
        assert (unfit.kind, unfit.driver) == ("driver", CATALOG.drivers.native((13, 0), windows=False))
        assert unfit.reason == because("ptx-alone", capability="13.0", toolkit="13.0", cuda="12.9")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_rules_are_those_of_the_data(platform: str) -> None:
    """Over every build and every GPU with each driver: it runs where the records say so, by the rules written twice."""
    counted = {True: 0, False: 0}
    for item in all_accelerators():
        if len(item) != 1 or len(item[0].devices) != 1:
            continue
        on = machine(*item, platform=platform)
        for release in CATALOG.releases:
            here = release.platforms.get(platform)
            rows = {row["torch_backend"]: row for row in ROWS.get((release.version, platform), ())}
            for build in here.builds if here is not None else ():
                found = fault(build, candidates(on)[0], on, CATALOG)
                assert (found is None) == runs(rows[build.torch_backend], on), (release.version, build, on)
                counted[found is None] += 1
                if found is not None:
                    assert found.kind in KINDS
    assert counted[False] > 0
    assert counted[True] > 0 or platform in ("win_arm64", "macos_arm64", "macos_x86_64")


# --- which GPU comes first -----------------------------------------------------------------------------------------


def test_the_order_of_gpus() -> None:
    """NVIDIA before AMD before Intel, discrete before integrated, then the highest compute capability."""
    integrated = Device("iGPU", gfx_target="gfx1036", integrated=True)
    on = machine(
        Accelerator("intel", (Device("Arc", pci_id="8086:e20b"),)),
        Accelerator("amd", (integrated, Device("RX", gfx_target="gfx1100"))),
        Accelerator(
            "nvidia", (Device("old", (6, 1)), Device("unknown"), Device("new", (9, 0)), Device("same", (9, 0)))
        ),
    )
    names = [item.device.name for item in candidates(on)]
    assert names == ["new", "same", "old", "unknown", "RX", "iGPU", "Arc"]
    assert [item.vendor for item in candidates(on)] == ["nvidia"] * 4 + ["amd"] * 2 + ["intel"]
    assert candidates(machine()) == []


@pytest.mark.parametrize(
    ("vendor", "device", "text"),
    [
        ("nvidia", Device("NVIDIA A100", (8, 0)), "NVIDIA A100 (compute capability 8.0)"),
        ("nvidia", Device("Tesla T4", (7, 5)), "NVIDIA Tesla T4 (compute capability 7.5)"),
        ("nvidia", Device(), "NVIDIA GPU (compute capability unknown)"),
        ("amd", Device("AMD Instinct MI300X", gfx_target="gfx942"), "AMD Instinct MI300X (gfx942)"),
        ("amd", Device(gfx_target="gfx942"), "AMD GPU (gfx942)"),
        ("intel", Device("Arc B580", pci_id="8086:e20b"), "Intel Arc B580 (PCI id 8086:e20b)"),
    ],
)
def test_a_gpu_in_words(vendor: str, device: Device, text: str) -> None:
    """The vendor's name once, and what tells it apart."""
    assert Candidate(Accelerator(vendor, (device,)), device).describe() == text


# --- drivers, libc, and the worst of several faults ----------------------------------------------------------------


def test_the_cuda_driver_version_is_the_drivers_own_word() -> None:
    """As the driver said it; or else the one that this driver version came with; or nothing."""
    on = machine()
    assert cuda_driver_version(nvidia("580.65.06", (12, 4)), on, CATALOG) == (12, 4)
    assert cuda_driver_version(nvidia("580.65.06", None), on, CATALOG) == (13, 0)
    assert cuda_driver_version(nvidia(None, None), on, CATALOG) is None
    windows = MACHINES["windows-cpu"]
    assert cuda_driver_version(nvidia("528.33", None), windows, CATALOG) == (12, 0)


@pytest.mark.parametrize(
    ("on", "glibc", "expected"),
    [
        (machine(libc="glibc 2.28"), (2, 28), None),
        (machine(libc="glibc 2.27"), (2, 28), because("libc-too-old", needs="2.28", has="2.27")),
        (machine(libc="glibc 2.5"), (2, 17), because("libc-too-old", needs="2.17", has="2.5")),  # numbers, not text
        (machine(libc="glibc 2.5"), None, None),
        (machine(libc="musl 1.2"), None, because("libc-not-glibc", libc="musl 1.2")),
        (Machine("linux", "x86_64", "3.12"), (2, 28), None),
        (machine(platform="win_amd64"), (2, 28), None),
    ],
)
def test_the_libc(on: Machine, glibc: tuple[int, int] | None, expected: Any) -> None:
    """glibc of the wheels' floor or newer, on Linux; where nothing is known, nothing is said."""
    found = libc_fault(glibc, on)
    assert (found.reason if found is not None else None) == expected


def test_the_most_telling_fault_comes_first() -> None:
    """What a user could change before what is as it is."""
    faults = [Unfit(kind, because(kind)) for kind in KINDS]
    assert worst_first(faults[::-1]) == faults[0]
    assert worst_first(faults[3:]) == faults[3]
    assert worst_first([]) is None
