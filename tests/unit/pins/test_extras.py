"""The extras: with torch-auto[vision] and [audio], torch and its companion are of one torch backend, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import machines

from torch_auto.catalog.pairs import pair_rows
from torch_auto.decide import decide
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import Newest, newest_usable, satisfied_by_public
from torch_auto.pins.extras import EXTRAS, Answer, Extra, Pair, extras, pair_of
from torch_auto.pins.torch import lower_twin
from torch_auto.select.reasons import because
from torch_auto.select.words import sentence
from torch_auto.settings import EXACT, PREFER, Settings
from unit.data import CATALOG, PLATFORMS, up_to
from unit.pins.admitted import active, admits, admitted, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_auto.catalog import Release
    from torch_auto.decide import Plan

RELEASES = CATALOG.releases
MACHINES: list[Callable[..., dict[str, Any]]] = [
    machines.cpu, machines.a100_550, machines.h100_580, machines.rtx5090_575, machines.p100_580, machines.v100_470,
    machines.k80_470, machines.mi300, machines.rx7900, machines.radeon_vii, machines.arc_b580, machines.macos_arm64,
    machines.macos_x86_64, machines.windows_cpu, machines.windows_arm64, machines.windows_rtx4090, machines.gb200,
    machines.linux_aarch64_cpu, machines.mixed, machines.musl, machines.nouveau,
]  # fmt: skip
T4_AND_MI300 = machines.machine(*machines.with_nvidia("580.65.06", machines.T4)["accelerators"],
                                *machines.mi300()["accelerators"])  # fmt: skip
by_release = pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.version))
by_machine = pytest.mark.parametrize("make", MACHINES, ids=lambda make: str(make.__name__))


def plan_of(make: Any, release: Release, **settings: Any) -> Plan:
    """What a release comes to on a machine."""
    return decide(release, machine_from_json(make()), Settings(**settings), CATALOG)


def pair(extra: Extra, release: Release) -> Pair:
    """The pair of an extra, which every release of the catalog has."""
    found = pair_of(extra.project, release.version, CATALOG)
    assert found is not None
    return found


# --- never a mismatch ----------------------------------------------------------------------------------------------


@by_machine
@pytest.mark.parametrize("pin", [PREFER, EXACT])
def test_no_machine_gets_a_mismatch(make: Any, pin: str) -> None:
    """Whatever an index shows or lacks: all torch that the pins admit, and all of the pair, is of one torch backend."""
    machine = machine_from_json(make())
    platform = machine.platform
    assert platform is not None
    for release in RELEASES if pin == PREFER else RELEASES[1::4]:
        plan = plan_of(make, release, pin=pin)
        here = release.platforms.get(platform)
        pythons = sorted({python.rstrip("t") for python in here.pythons}) if here is not None else ["3.11"]
        for extra in plan.extras:
            wanted = (*plan.requirements, *extra.requirements)
            for python in pythons:
                torch, other = admitted(wanted, release, pair(extra, release), platform, python)
                if torch and other:
                    assert len({*torch.values(), *other.values()}) == 1, (release.version, python, torch, other)


@by_release
@pytest.mark.parametrize("make", [machines.cpu, machines.a100_550, machines.mi300, machines.macos_arm64])
def test_no_other_platform_gets_a_mismatch(make: Any, release: Release) -> None:
    """A lock that is made on one machine is read on all platforms: there, too, both are of one torch backend."""
    plan = plan_of(make, release)
    for extra in plan.extras:
        for platform in PLATFORMS:
            wanted = (*plan.requirements, *extra.requirements)
            torch, other = admitted(wanted, release, pair(extra, release), platform, "3.11")
            if torch and other:
                assert len({*torch.values(), *other.values()}) == 1, (platform, torch, other)


@by_machine
def test_one_pin_of_the_pair_holds_wherever_torch_is_to_be_had(make: Any) -> None:
    """On each platform exactly one requirement of the pair holds; none where torch itself is unsatisfiable."""
    for release in RELEASES[::3]:
        plan = plan_of(make, release)
        for extra in plan.extras:
            for platform in PLATFORMS:
                found = active(extra.requirements, extra.project, platform, "3.11")
                none = plan.selection.needs is not None and platform == plan.selection.platform
                assert len(found) <= 1 if none else len(found) == 1, (release.version, platform)


# --- and no empty promise ------------------------------------------------------------------------------------------


@by_machine
def test_an_extra_comes_to_what_it_says(make: Any) -> None:
    """The torch backend that an extra names is admitted of both, and PyPI's own pair where it says that PyPI does."""
    machine = machine_from_json(make())
    for release in RELEASES:
        plan = plan_of(make, release)
        here = release.platforms.get(machine.platform or "")
        if here is None or machine.python not in here.pythons:
            continue
        for extra in plan.extras:
            wanted = (*plan.requirements, *extra.requirements)
            torch, other = admitted(wanted, release, pair(extra, release), machine.platform or "", machine.python)
            assert sentence(extra.reason)
            assert extra.reason.code != "no-torch"
            if extra.torch_backend is None:
                assert plan.selection.needs is not None or extra.needs is not None
                assert not torch or not other
                continue
            assert {*torch.values()} == {*other.values()} == {extra.torch_backend}, (release.version, torch, other)
            alone = satisfied_by_public(plan.selection, PREFER) and extra.public_allowed
            assert (release.version in torch and pair(extra, release).version in other) == alone


@by_machine
def test_an_extra_is_served_by_some_release(make: Any) -> None:
    """Where a release serves a machine, one does with the extras too."""
    machine = machine_from_json(make())
    for python in ("3.10", "3.12"):
        own = machine.replace(python=python)
        plain = newest_usable(own, Settings(), CATALOG).with_pages
        both = newest_usable(own, Settings(), CATALOG, ("vision", "audio")).with_pages
        assert (plain is None) == (both is None), (plain, both)


@pytest.mark.parametrize(
    ("make", "wanted", "with_pages", "without_pages"),
    [
        (machines.cpu, "vision", "2.15.0", "2.15.0"),
        (machines.cpu, "audio", "2.15.0", "2.14.1"),
        (machines.h100_580, "vision", "2.15.0", "2.15.0"),
        (machines.a100_550, "vision", "2.14.1", "2.10.0"),
        (machines.p100_580, "vision", "2.14.1", "2.7.1"),
        (machines.rtx5090_575, "vision", "2.13.0", "2.10.0"),
        (machines.mi300, "vision", "2.14.1", "2.14.1"),
        (machines.windows_cpu, "vision", "2.15.0", "2.15.0"),
        (machines.macos_arm64, "audio", "2.15.0", "2.15.0"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_the_newest_release_with_an_extra(
    make: Any, wanted: str, with_pages: str | None, without_pages: str | None
) -> None:
    """The walk back goes on to a release that has the pair, with PyTorch's pages and without them."""
    found = newest_usable(machine_from_json(make()), Settings(), up_to("2.15.0"), (wanted,))
    assert (found.with_pages, found.without_pages) == (with_pages, without_pages)


# --- the forms of a pin --------------------------------------------------------------------------------------------


def own_pins(make: Any, version: str, name: str, **settings: Any) -> list[str]:
    """The requirements of an extra that hold on the machine's own platform, without markers."""
    machine = machine_from_json(make())
    plan = plan_of(make, CATALOG.release(version), **settings)
    [extra] = [extra for extra in plan.extras if extra.name == name]
    found = []
    for text in extra.requirements:
        project = parsed(text)[0]
        if active((text,), project, machine.platform or "", machine.python):
            found.append(text.partition(";")[0])
    return found


def test_public_builds_of_one_torch_backend_serve_as_they_are() -> None:
    """Where PyPI's torch is of the wanted torch backend, so is its torchvision: the local version or that."""
    [pin] = own_pins(machines.a100_550, "2.5.1", "vision")
    assert pin.startswith("torchvision==0.20.1.*,!=0.20.1+cpu,")
    assert "0.20.1+cu124" not in pin


@pytest.mark.parametrize("make", [machines.cpu, machines.mi300, machines.arc_b580, machines.windows_rtx4090])
def test_both_are_pypis_where_torch_alone_would_be_another(make: Any) -> None:
    """Without a GPU, with one of AMD's or Intel's, with NVIDIA's on Windows: PyPI's pair, which needs no page."""
    release = CATALOG.release("2.14.1")
    torch, vision = own_pins(make, "2.14.1", "vision")
    assert torch.startswith("torch==2.14.1.*,")
    assert vision.startswith("torchvision==0.29.1.*,")
    [extra] = [extra for extra in plan_of(make, release).extras if extra.name == "vision"]
    assert (extra.torch_backend, extra.public_allowed) == (extra.reason["torch_backend"], True)
    assert extra.reason["wanted"] == plan_of(make, release).selection.torch_backend


def test_exact_asks_for_the_pair_of_the_machines_torch_backend() -> None:
    """With ``pin=exact``, and where the user names cpu, both are of the machine's torch backend and nothing else."""
    assert own_pins(machines.cpu, "2.5.1", "vision", pin=EXACT) == ["torchvision==0.20.1+cpu"]
    assert own_pins(machines.mi300, "2.9.1", "audio", pin=EXACT) == ["torchaudio==2.9.1+rocm6.4"]
    assert own_pins(machines.cpu, "2.5.1", "vision", backend="cpu") == ["torch==2.5.1+cpu", "torchvision==0.20.1+cpu"]


def test_the_reason_says_what_exact_brings() -> None:
    """Where both are PyPI's for the pair's sake, the reason names the torch backend that torch alone would be of."""
    found = {}
    for make in (machines.cpu, machines.mi300):
        [vision] = [extra for extra in plan_of(make, CATALOG.release("2.14.1")).extras if extra.name == "vision"]
        found[make.__name__] = sentence(vision.reason)
    assert found == {
        "cpu": (
            "PyPI's torchvision 0.29.1 is cu130, as PyPI's torch is. So torch is cu130 as well, with this extra. With "
            "pin=exact and PyTorch's pages both are cpu."
        ),
        "mi300": (
            "PyPI's torchvision 0.29.1 is cu130, as PyPI's torch is. So torch is cu130 as well, with this extra. They "
            "do not use this machine's GPU. With pin=exact and PyTorch's pages both are rocm7.2."
        ),
    }
    older = because("pair-on-pypi-so-torch", project="torchvision", version="0.25.0", torch_backend="cu128")
    assert sentence(older).endswith("with this extra.")


def test_audio_is_exact_where_pypis_does_not_go_with_pypis_torch() -> None:
    """torch 2.15.0 is cu132 on PyPI and torchaudio cu130: without a GPU both are +cpu, or an older release comes."""
    assert own_pins(machines.cpu, "2.15.0", "audio") == ["torch==2.15.0+cpu", "torchaudio==2.11.0+cpu"]


def test_torch_is_left_alone_where_its_own_pin_is_exact() -> None:
    """Where torch's own pin admits one local version, an extra has nothing to add to it."""
    assert own_pins(machines.a100_550, "2.14.1", "vision") == ["torchvision==0.29.1+cu126"]
    assert own_pins(machines.a100_550, "2.5.1", "vision", pin=EXACT) == ["torchvision==0.20.1+cu124"]


def test_the_public_torch_backend_is_taken_where_it_serves_as_well() -> None:
    """RTX 5090 and 575: cu129 for torch alone; with an extra PyPI's cu128, which runs too and needs no page."""
    torch, vision = own_pins(machines.rtx5090_575, "2.10.0", "vision")
    for pin in (torch, vision):
        assert "cu128" not in pin
        assert "+cu129," in pin


def test_a_pair_without_the_build_says_which_it_needs() -> None:
    """torch 2.13.0 has cu132, and torchaudio 2.11.0 has none: the label says so, and so does the reason."""
    settings = {"backend": "cu132"}
    assert own_pins(machines.h100_580, "2.13.0", "audio", **settings) == ["torchaudio==2.11.0+needs.cu132.build"]
    plan = plan_of(machines.h100_580, CATALOG.release("2.13.0"), **settings)
    [audio] = [extra for extra in plan.extras if extra.name == "audio"]
    assert audio.needs == "cu132.build"
    assert audio.needs.kind == "pair"
    values = {"project": "torchaudio", "version": "2.11.0", "torch_backend": "cu132", "release": "2.13.0"}
    assert audio.reason == because("pair-missing", **values, platform="linux_x86_64")
    assert sentence(audio.reason) == (
        "torchaudio 2.11.0 does not have a cu132 build for linux_x86_64 that could be pinned, to go with torch 2.13.0."
    )


def test_backend_pypi_takes_pypis_pair_everywhere() -> None:
    """The way without any page: PyPI's torch and torchvision, on a machine without a GPU as well."""
    plan = plan_of(machines.cpu, CATALOG.release("2.14.1"), backend="pypi")
    newest = newest_usable(machine_from_json(machines.cpu()), Settings(backend="pypi"), up_to("2.15.0"), ("vision",))
    assert newest == Newest("2.15.0", "2.15.0")
    assert {extra.torch_backend for extra in plan.extras} == {"cu130"}
    assert all(extra.public_allowed for extra in plan.extras)


def test_a_release_whose_pair_nobody_knows_is_no_release_for_the_extra() -> None:
    """A torch newer than the catalog's pairs: with an extra it cannot be had, and the label says what is missing."""
    machine = machine_from_json(machines.cpu())
    plan = plan_of(machines.cpu, CATALOG.newest)
    future = CATALOG.newest.replace(version="9.9.9")
    every = {machine.python: plan.selection}
    answer = Answer(future, CATALOG, plan.selection, every, machine.platform, PREFER)
    found = extras(answer, "https://index.example/whl")
    assert [extra.requirements for extra in found] == [
        ("torch==9.9.9+needs.torchvision",),
        ("torch==9.9.9+needs.torchaudio",),
    ]
    assert [extra.reason for extra in found] == [
        because("pair-unknown", project=project, release="9.9.9") for project in EXTRAS.values()
    ]
    assert [extra.needs for extra in found] == list(EXTRAS.values())
    assert sentence(found[0].reason) == "The catalog does not know a torchvision for torch 9.9.9."


@by_machine
def test_the_python_of_the_build_makes_no_difference(make: Any) -> None:
    """An installer serves what one Python has built to all others, so each comes to the same requirements."""
    for version in ("2.2.2", "2.8.0", "2.15.0"):
        release = CATALOG.release(version)
        found = {
            tuple(extra.requirements for extra in plan.extras)
            for python in ("3.8", "3.10", "3.12", "3.14", "3.14t")
            for plan in [decide(release, machine_from_json(make(python=python)), Settings(), CATALOG)]
        }
        assert len(found) == 1


# --- the pairs -----------------------------------------------------------------------------------------------------


@by_release
@pytest.mark.parametrize("project", EXTRAS.values())
def test_every_release_has_its_pair(project: str, release: Release) -> None:
    """One version of each project goes with each release, and PyPI has it for Linux."""
    found = pair_of(project, release.version, CATALOG)
    assert found is not None
    assert found.public["linux_x86_64"]
    assert set(found.local_versions) >= set(release.local_versions)


@pytest.mark.parametrize(
    ("project", "release", "platform", "torch_backend"),
    [
        ("torchvision", "2.15.0", "linux_x86_64", "cu132"),
        ("torchvision", "2.15.0", "linux_aarch64", "cu132"),
        ("torchvision", "2.15.0", "win_amd64", "cpu"),
        ("torchvision", "2.14.1", "linux_x86_64", "cu130"),
        ("torchvision", "2.11.0", "linux_aarch64", "cu130"),
        ("torchvision", "2.10.0", "linux_x86_64", "cu128"),
        ("torchvision", "2.10.0", "linux_aarch64", "cpu"),
        ("torchaudio", "2.15.0", "linux_x86_64", "cu130"),
        ("torchaudio", "2.11.0", "linux_aarch64", "cu130"),
        ("torchaudio", "2.10.0", "linux_x86_64", "cu128"),
    ],
)
def test_public_pairs_are_what_pypis_wheels_say(project: str, release: str, platform: str, torch_backend: str) -> None:
    """The torch backend of PyPI's build, as ``version.py`` in these wheels on PyPI has it (read on 2026-11-22)."""
    found = pair_of(project, release, CATALOG)
    assert found is not None
    assert found.public[platform] == torch_backend


def test_all_that_an_index_may_list_of_a_pair_is_known() -> None:
    """Also what its own pages list and torch's do not: the pin that takes PyPI's build has to leave it out."""
    release = CATALOG.release("2.14.1")
    others = tuple(item for item in CATALOG.releases if item is not release)
    fewer = release.replace(local_versions=tuple(item for item in release.local_versions if item != "cu126"))
    found = pair_of("torchvision", "2.14.1", CATALOG.replace(releases=(*others, fewer)))
    assert found == pair_of("torchvision", "2.14.1", CATALOG)


@pytest.mark.parametrize(
    ("confidence", "public", "known"),
    [("unseen", {"linux_x86_64", "linux_aarch64", "macos_arm64", "win_amd64"}, set()), ("", {"linux_x86_64"}, {"cpu"})],
)
def test_a_pair_is_where_it_was_seen(
    confidence: str, public: set[str], known: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be pinned of a pair that nobody has seen, and PyPI's is taken to come wherever PyPI's torch does."""
    [row] = [row for row in pair_rows() if (row["project"], row["release"]) == ("torchvision", "2.14.1")]
    row = {**row, "confidence": confidence or row["confidence"], "local_versions": {"linux_x86_64": ["cpu", None]}}
    monkeypatch.setattr("torch_auto.pins.extras.pair_rows", lambda: (row,))
    found = pair_of("torchvision", "2.14.1", CATALOG.replace(as_of=confidence))  # not the one that is kept
    assert found is not None
    assert {*found.public} == public
    assert {*found.known.get("linux_x86_64", ())} == known


def test_torchaudio_for_newer_torch_is_never_pypis_where_cuda_differs() -> None:
    """torchaudio 2.11.0 on PyPI is cu130 and refuses torch 2.15.0's cu132 at import, and +cu132 is nowhere: nothing."""
    assert own_pins(machines.h100_580, "2.15.0", "audio") == ["torchaudio==2.11.0+needs.cu132.build"]
    assert own_pins(machines.h100_580, "2.14.1", "audio")[0].startswith("torchaudio==2.11.0.*,")


@pytest.mark.parametrize(
    ("release", "name", "settings", "said"),
    [
        (
            "2.14.1",
            "cpu",
            {},
            "vision 0.29.1 cu130 public pair-on-pypi-so-torch; audio 2.11.0 cu130 public pair-on-pypi-so-torch",
        ),
        ("2.14.1", "a100_550", {}, "vision 0.29.1 cu126 exact pair-exact; audio 2.11.0 cu126 exact pair-exact"),
        (
            "2.14.1",
            "a100_550",
            {"pin": "exact"},
            "vision 0.29.1 cu126 exact pair-exact; audio 2.11.0 cu126 exact pair-exact",
        ),
        ("2.14.1", "h100_580", {}, "vision 0.29.1 cu130 public pair-on-pypi; audio 2.11.0 cu130 public pair-on-pypi"),
        (
            "2.14.1",
            "mi300",
            {},
            "vision 0.29.1 cu130 public pair-on-pypi-so-torch; audio 2.11.0 cu130 public pair-on-pypi-so-torch",
        ),
        (
            "2.14.1",
            "mi300",
            {"pin": "exact"},
            "vision 0.29.1 rocm7.2 exact pair-exact; audio 2.11.0 rocm7.2 exact pair-exact",
        ),
        ("2.9.1", "arc_b580", {"pin": "exact"}, "vision 0.24.1 xpu exact pair-exact; audio 2.9.1 xpu exact pair-exact"),
        ("2.14.1", "macos_arm64", {}, "vision 0.29.1 cpu public pair-on-pypi; audio 2.11.0 cpu public pair-on-pypi"),
        (
            "2.5.1",
            "macos_x86_64",
            {},
            "vision 0.20.1 None exact torch-not-for-machine; audio 2.5.1 None exact torch-not-for-machine",
        ),
        (
            "2.5.1",
            "macos_x86_64",
            {"backend": "pypi"},
            "vision 0.20.1 cpu public pair-public; audio 2.5.1 cpu public pair-public",
        ),
        (
            "2.15.0",
            "a100_550",
            {},
            "vision 0.29.2 None exact torch-not-for-machine; audio 2.11.0 None exact torch-not-for-machine",
        ),
        (
            "2.14.1",
            "windows_rtx4090",
            {},
            "vision 0.29.1 cpu public pair-on-pypi-so-torch; audio 2.11.0 cpu public pair-on-pypi-so-torch",
        ),
        (
            "2.14.1",
            "windows_rtx4090",
            {"pin": "exact"},
            "vision 0.29.1 cu126 exact pair-exact; audio 2.11.0 cu126 exact pair-exact",
        ),
        (
            "2.9.1",
            "a100_550",
            {"backend": "cu126"},
            "vision 0.24.1 cu126 exact pair-exact; audio 2.9.1 cu126 exact pair-exact",
        ),
        (
            "2.9.1",
            "a100_550",
            {"backend": "rocm6.4"},
            "vision 0.24.1 rocm6.4 exact pair-exact; audio 2.9.1 rocm6.4 exact pair-exact",
        ),
        (
            "2.9.1",
            "a100_550",
            {"backend": "cpu"},
            "vision 0.24.1 cpu exact pair-exact; audio 2.9.1 cpu exact pair-exact",
        ),
        (
            "2.9.1",
            "a100_550",
            {"backend": "pypi"},
            "vision 0.24.1 cu128 public pair-on-pypi; audio 2.9.1 cu128 public pair-on-pypi",
        ),
        (
            "2.5.1",
            "linux_aarch64_cpu",
            {},
            "vision 0.20.1 cpu public pair-on-pypi; audio 2.5.1 cpu public pair-on-pypi",
        ),
        (
            "2.8.0",
            "gb200",
            {},
            "vision 0.23.0 None exact pair-missing cu129.build; audio 2.8.0 None exact pair-missing cu129.build",
        ),
        (
            "2.8.0",
            "gb200",
            {"pin": "exact"},
            "vision 0.23.0 None exact pair-missing cu129.build; audio 2.8.0 None exact pair-missing cu129.build",
        ),
        ("2.0.1", "v100_470", {}, "vision 0.15.2 cu117 public pair-on-pypi; audio 2.0.2 cu117 public pair-on-pypi"),
        ("2.15.0", "cpu", {}, "vision 0.29.2 cu132 public pair-on-pypi-so-torch; audio 2.11.0 cpu exact pair-exact"),
        ("2.9.1", "p100_580", {}, "vision 0.24.1 cu126 exact pair-exact; audio 2.9.1 cu126 exact pair-exact"),
        (
            "2.6.0",
            "mi300",
            {"pin": "exact"},
            "vision 0.21.0 rocm6.2.4 exact pair-exact; audio 2.6.0 rocm6.2.4 exact pair-exact",
        ),
        ("2.13.0", "windows_arm64", {}, "vision 0.28.0 cpu exact pair-exact; audio 2.11.0 cpu exact pair-exact"),
    ],
)
def test_what_each_extra_asks_for(release: str, name: str, settings: dict[str, str], said: str) -> None:
    """Its version, torch backend, whether PyPI's build serves, why, and the label of a pin that nothing satisfies."""
    plan = plan_of(getattr(machines, name), CATALOG.release(release), **settings)
    found = [
        f"{item.name} {item.version} {item.torch_backend} {'public' if item.public_allowed else 'exact'} "
        f"{item.reason.code}{f' {item.needs}' if item.needs is not None else ''}"
        for item in plan.extras
    ]
    assert "; ".join(found) == said
    for item in plan.extras:
        if item.reason.code.startswith("pair-"):
            assert item.reason["project"] == item.project
            assert item.reason["version"] == item.version
            assert item.reason["torch_backend"] == (item.torch_backend or str(item.needs).partition(".")[0])


def test_where_pypi_has_no_torch_an_extra_is_for_the_cpu() -> None:
    """Windows on Arm has torch on the PyTorch index alone: a lock that another machine makes pins that for it."""
    for extra in plan_of(machines.h100_580, CATALOG.release("2.14.1")).extras:
        pins = active(extra.requirements, extra.project, "win_arm64", "3.12")
        assert [admits(pins, f"{extra.version}{local}") for local in ("", "+cpu", "+cu126")] == [True, True, False]


def test_an_extra_on_a_system_without_builds_is_pypis() -> None:
    """No platform of PyTorch's: the extra is what PyPI has, and the reason says so."""
    machine = machine_from_json(machines.cpu()).replace(architecture="riscv64")
    plan = decide(CATALOG.release("2.14.1"), machine, Settings(), CATALOG)
    assert [(item.torch_backend, item.public_allowed, item.reason.code) for item in plan.extras] == [
        ("cpu", True, "no-builds-here"),
        ("cpu", True, "no-builds-here"),
    ]


@pytest.mark.parametrize(
    ("local_version", "twin"),
    [("rocm7.2", "cu130"), ("xpu", "cu130"), ("cu132", "cu130"), ("cu130", None), ("cu126", None), ("cpu", None)],
)
def test_pypis_twin_stays_in_below_a_higher_local_version(local_version: str, twin: str | None) -> None:
    """Of 2.14.1 on Linux it is +cu130; local versions are compared as text, and the higher one is preferred."""
    assert lower_twin(CATALOG.release("2.14.1"), "linux_x86_64", local_version) == twin


@pytest.mark.parametrize(
    ("machine", "unused", "wanted"),
    [
        (machines.cpu(), False, "cpu"),
        (machines.mi300(), True, "rocm7.2"),
        (machines.with_nvidia("580.65.06", machines.T4), False, "cu126"),  # PyPI's build runs on it too
        (T4_AND_MI300, False, "cu126"),  # it uses the one that the other build would use
    ],
)
def test_pypis_pair_says_whether_the_gpu_goes_unused(machine: dict[str, Any], *, unused: bool, wanted: str) -> None:
    """Where an extra gives PyPI's pair and torch alone is another build: whether PyPI's uses the same GPUs."""
    plan = decide(CATALOG.release("2.14.1"), machine_from_json(machine), Settings(), CATALOG)
    for extra in plan.extras:
        assert extra.reason.code == "pair-on-pypi-so-torch"
        assert (extra.reason["gpu_unused"], extra.reason["wanted"]) == (unused, wanted)
