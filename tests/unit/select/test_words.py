"""Every reason has words, and every word a reason; labels are said as a person says them."""

from __future__ import annotations

import ast
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import torch_auto
from torch_auto.decide import decide
from torch_auto.fleet.fewest import cover
from torch_auto.machine import Accelerator, Device, Machine
from torch_auto.select.build import select
from torch_auto.select.needs import Needs
from torch_auto.select.reasons import Reason, because, reason_from_json, reason_to_json
from torch_auto.select.words import CODES, listed, needs_in_words, sentence, sentences
from torch_auto.settings import Settings
from torch_auto.settings import read as read_settings
from unit.data import CATALOG, PLATFORMS, up_to
from unit.groups import THREE, groups
from unit.machines import (
    A100_550,
    H100_580,
    MACHINES,
    ORIN_6,
    ORIN_7,
    T4_580,
    XAVIER,
    all_accelerators,
    amd,
    intel,
    machine,
    nvidia,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_auto.decide import Plan

PACKAGE = Path(torch_auto.__file__).parent


# --- the codes -----------------------------------------------------------------------------------------------------


def texts(node: ast.expr) -> list[str]:
    """The texts that an expression may be: a constant, or one of two."""
    if isinstance(node, ast.IfExp):
        return [*texts(node.body), *texts(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def codes_in(source: str) -> Iterator[str]:
    """The codes that are passed to because(...), or _because(...), in a module."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("because", "_because"):
            found = texts(node.args[0])
            # Only a function that passes its own argument on names no code.
            assert found or isinstance(node.args[0], ast.Name), ast.dump(node)
            yield from found


def test_every_code_has_words_and_every_word_a_code() -> None:
    """Over the sources of the package: no code without a sentence, and no sentence that nothing says."""
    used: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for code in codes_in(path.read_text("utf-8")):
            used.setdefault(code, []).append(path.relative_to(PACKAGE).as_posix())
    assert {code: places for code, places in used.items() if code not in CODES} == {}
    assert CODES - set(used) == set()
    assert len(used) > 60


@pytest.mark.slow
def test_how_a_best_build_is_best_has_words_too() -> None:
    """The value "how" of the reason best-build is a word of the code that the sentence is made of."""
    found = {reason["how"] for reason in every_reason() if reason.code == "best-build"}
    # The last is in test_a_driver_whose_library_is_older below.
    assert found | {"newer-major"} == {
        "only",
        "oldest",
        "newest-rocm",
        "complete",
        "newest-native",
        "closest-newer",
        "older-major",
        "newer-major",
    }


def test_an_unknown_code_is_said_as_such() -> None:
    """A record of a newer torch-auto may hold what this one has no words for."""
    assert sentence(Reason("some-day")) == "some-day, a reason of a newer torch-auto."
    later = because("some-day", device="a GPU", why=because("no-driver"), releases=(("2.0.0", "2.1.0"),), count=3)
    assert sentence(later) == (
        "some-day (device=a GPU, why=NVIDIA's driver is not installed or not loaded, releases=2.0.0 to 2.1.0, count=3)"
        ", a reason of a newer torch-auto."
    )
    assert sentence(because("libc", release="2.9.1", why=Reason("some-day"))) == (
        "torch 2.9.1 does not install here: some-day, a reason of a newer torch-auto."
    )


# --- all reasons that there are ------------------------------------------------------------------------------------


def inside(reason: Reason) -> Iterator[Reason]:
    """A reason, and those that it holds."""
    yield reason
    for _, value in reason.values:
        if isinstance(value, Reason):
            yield from inside(value)


def of_plan(plan: Plan) -> Iterator[Reason]:
    """What is said of a plan, of the builds that were not taken, and of the extras."""
    for reason in (*plan.reasons, *(item.reason for item in plan.selection.rejected), *(e.reason for e in plan.extras)):
        yield from inside(reason)


@lru_cache(maxsize=None)
def every_reason() -> frozenset[Reason]:
    """The reasons of every release, on every kind of machine, with every kind of setting, with groups and fleets."""
    found: set[Reason] = set()
    machines = [
        *MACHINES.values(),
        *(machine(*item, platform=place) for place in PLATFORMS for item in list(all_accelerators())[::13]),
        machine(libc="glibc 2.17"),
        machine(H100_580, python="3.15"),
        machine(intel("8086:9bc5")),
        machine(amd("gfx1031")),
        machine(T4_580),
        machine(nvidia("470.57.02", (11, 4), (3, 7))),
        machine(A100_550.replace(lacks="libcuda.so.1")),
        machine(nvidia(None, None, (8, 0)).replace(driver_loaded=True)),
        machine(ORIN_6, platform="linux_aarch64"),
        machine(ORIN_7, platform="linux_aarch64"),
        machine(XAVIER, platform="linux_aarch64"),
        machine(intel("8086:7d45").replace(lacks="libze_intel_gpu.so.1")),
        machine(intel("8086:b080")),
        machine(Accelerator("intel", (Device(pci_id="8086:ffee", driver="xe"),))),
        machine(Accelerator("intel", (Device(pci_id="8086:ffee"),))),
        machine(Accelerator("amd", (Device(pci_id="1002:744c"),)), platform="win_amd64"),
        machine(nvidia("610.10", (13, 4), (12, 1)), platform="win_arm64"),
        machine(platform="macos_arm64").replace(system_version="13.7"),
        machine(python="3.13t"),
        machine().replace(implementation="pypy"),
        Machine("linux", "s390x", "3.12"),
        machine(Accelerator("amd", (Device(pci_id="1002:74a1"),))),
        Machine("linux", "riscv64", "3.12"),
    ]
    backends = ("cpu", "pypi", "cu126", "cu130", "rocm6.4", "rocm7.14", "xpu", "cu92")
    for release in CATALOG.releases:
        for on in machines:
            found.update(of_plan(decide(release, on, Settings(), CATALOG)))
        for torch_backend in backends if release.version in ("2.5.1", "2.9.1", "2.14.1") else ():
            for on in machines:
                found.update(of_plan(decide(release, on, Settings(backend=torch_backend, pin="exact"), CATALOG)))
    for text in (THREE, "2.14.1+cpu,2.14.1+cu126,2.14.1+cu130", "2.13.0+cu126", "2.5.1+cpu,2.5.1+rocm6.2,2.13.0+xpu"):
        for on in (*machines, *(item.replace(python="3.8") for item in MACHINES.values())):
            for torch_backend in ("auto", *(group.torch_backend for group in groups(text))):
                settings = Settings(backend=torch_backend, groups=groups(text))
                found.update(of_plan(decide(CATALOG.newest, on, settings, CATALOG)))
    settings = read_settings(
        CATALOG,
        {"groups": THREE, "odd": "x", "backend": "cu132"},
        {"UV_CUDA_DRIVER_VERSION": "550.54.14", "TORCH_AUTO_MACHINE": ""},
    )
    found.update(settings.notes)
    found.update(read_settings(CATALOG, {"backend": "cpu"}, {"UV_CUDA_DRIVER_VERSION": "550.54.14"}).notes)
    fleet = cover([(name, MACHINES[name]) for name in ("cpu", "a100-550", "musl")], CATALOG)
    for part in (fleet.one, fleet.fewest):
        found.update(reason for seat in (part.seats if part is not None else ()) for reason in seat.reasons)
    one = cover([(name, MACHINES[name]) for name in ("cpu", "a100-550")], CATALOG).one
    assert one is not None
    found.update(reason for seat in one.seats for reason in seat.reasons)
    return frozenset(found)


#: What no machine and no setting of the catalog as it is brings about; each has a test of its own.
RARE = {"no-torch", "not-on-pypi", "pair-unknown"}
#: What the catalog of one day brings about, and that of another one does not; test_build has their tests.
OF_A_DAY = {"doubtful", "for-unknown", "not-yet-seen", "unseen"}


@pytest.mark.slow
def test_every_code_is_met() -> None:
    """The run over all cases meets each code, so that the next tests say something of all of them."""
    assert CODES - {reason.code for reason in every_reason()} - OF_A_DAY == RARE


@pytest.mark.slow
def test_every_reason_is_a_plain_sentence() -> None:
    """No brace, no None and nothing of Python's is left in any; a reason at the top ends as a sentence does."""
    odd = re.compile(r"[{}]|\bNone\b|Reason\(|\bTrue\b|\bFalse\b|[(]['\"]|  |\.\.|,\.|\s[,.;:]|\bto go with$")
    count = 0
    for reason in every_reason():
        text = sentence(reason)
        assert text == text.strip()
        assert not odd.search(text), text
        assert text.isprintable()
        count += 1
    assert count > 1500


def test_every_reason_survives_json() -> None:
    """Through text and back it is equal, with the same words."""
    for reason in every_reason():
        read = reason_from_json(json.loads(json.dumps(reason_to_json(reason))))
        assert read == reason
        assert hash(read) == hash(reason)
        assert sentence(read) == sentence(reason)


def test_the_json_of_a_reason() -> None:
    """The code and the values in one object, a reason in a reason among them."""
    reason = because("libc", release="2.9.1", why=because("libc-too-old", needs="2.28", has="2.17"))
    assert reason_to_json(reason) == {
        "code": "libc",
        "release": "2.9.1",
        "why": {"code": "libc-too-old", "needs": "2.28", "has": "2.17"},
    }
    assert reason["why"]["has"] == "2.17"
    assert reason_from_json(reason_to_json(reason)) == reason
    with pytest.raises(KeyError):
        reason["has"]
    with pytest.raises(KeyError):
        reason_from_json({"release": "2.9.1"})


def test_each_sentence_is_said_once() -> None:
    """Two GPUs that cannot be used for the same reason are told apart, and equal ones are not told twice."""
    twice = because("no-gpu")
    assert sentences([twice, because("apple-silicon"), twice]) == [
        "No GPU was found, so the CPU build is taken.",
        "macOS on Apple silicon has one build, PyPI's; it uses the GPU through MPS.",
    ]


# --- those that are rare -------------------------------------------------------------------------------------------


def test_what_is_not_on_pypi() -> None:
    """A release that PyPI has nothing of for a platform: PyTorch's page is needed, and said to be."""
    release = CATALOG.release("2.9.1")
    here = release.platforms["linux_x86_64"]
    only = release.replace(platforms={"linux_x86_64": here.replace(public=None)})
    selection = select(machine(H100_580), only, CATALOG.replace(releases=(only,)))
    reason = because("not-on-pypi", release="2.9.1", platform="linux_x86_64")
    assert reason in selection.reasons
    assert not selection.public_allowed
    assert (
        sentence(reason) == "PyPI does not have a build of torch 2.9.1 for linux_x86_64, so PyTorch's page is needed."
    )


def test_a_driver_whose_library_is_older() -> None:
    """Driver 580 with an old libcuda: the closest of a newer major, and why it runs."""
    on = machine(nvidia("580.65.06", (12, 4), (10, 3)), platform="win_amd64")
    selection = select(on, CATALOG.release("2.12.0"), CATALOG)
    [why] = [reason for reason in selection.reasons if reason.code == "best-build"]
    assert why["how"] == "newer-major"
    assert sentence(why) == (
        "cu130: of the builds of torch 2.12.0 that run on it and can be pinned, its toolkit 13.0 is the closest to "
        "driver 580.65.06 "
        "(CUDA 12.4), whose version is new enough for that major version."
    )


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        (
            nvidia(None, (12, 4), (9, 0)),
            "CUDA 13 needs driver 580 or newer, and this machine has a driver for CUDA 12.4",
        ),
        (
            nvidia("550.54.14", (12, 4), (9, 0)),
            "CUDA 13 needs driver 580 or newer, and this machine has driver 550.54.14",
        ),
    ],
)
def test_a_driver_that_is_too_old(driver: Any, text: str) -> None:
    """By its version or, where only the CUDA driver version is known, by that."""
    selection = select(machine(driver), CATALOG.release("2.14.1"), CATALOG)
    [rejected] = [item.reason for item in selection.rejected if item.torch_backend == "cu130"]
    assert rejected.code == "driver-too-old"
    assert sentence(rejected) == text


# --- labels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("nvidia.driver.525.60.13", "NVIDIA driver 525.60.13 or newer"),
        ("torch.2.7.0.or.newer", "torch 2.7.0 or newer"),
        ("torch.2.14.1.or.older", "torch 2.14.1 or older"),
        ("glibc", "a system with glibc"),
        ("glibc.2.28", "glibc 2.28 or newer"),
        ("macos.arm64", "a Mac with Apple silicon"),
        ("rocm7.1.build", "a rocm7.1 build, which it is not known to have"),
        ("rocm7.14.not.yet.seen", "a rocm7.14 build, which was not yet seen on PyTorch's index"),
        ("cu92", "a cu92 build, which it is not known to have"),
        ("torchvision", "a torchvision, which it is not known to have"),
    ],
)
def test_what_a_label_needs(label: str, words: str) -> None:
    """As the end of "torch 2.9.1 needs ..."."""
    assert needs_in_words(Needs(label)) == words


@pytest.mark.parametrize(
    ("items", "text"), [((), "none"), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_a_list_in_words(items: tuple[str, ...], text: str) -> None:
    """Commas, and "and" before the last."""
    assert listed(items) == text


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (machine(amd("gfx1031")), "With HSA_OVERRIDE_GFX_VERSION=10.3.0 ROCm takes it for gfx1030"),
        (machine(amd("gfx90c")), "With HSA_OVERRIDE_GFX_VERSION=9.0.0 ROCm takes it for gfx900"),
        (machine(amd("gfx803")), "AMD GPU (gfx803): no build of torch"),
        (
            machine(Accelerator("amd", (Device(pci_id="1002:74a1"),))),
            "AMD GPU (PCI id 1002:74a1) cannot be used: the kernel's compute driver does not tell what it is",
        ),
        (
            machine(Accelerator("amd", (Device("RX 7900 XTX", pci_id="1002:744c"),)), platform="win_amd64"),
            "AMD RX 7900 XTX (PCI id 1002:744c): PyTorch publishes no ROCm builds for Windows. AMD publishes its own",
        ),
        (
            machine(nvidia("610.10", (13, 4), (12, 1)), platform="win_arm64"),
            "PyTorch publishes no CUDA builds for Windows on ARM. NVIDIA publishes its own for RTX Spark",
        ),
        (
            machine(nvidia("540.4.0", (12, 6), (8, 7)), platform="linux_aarch64"),
            "from JetPack 7.2 (L4T R39) on PyTorch's builds for CUDA 13.2 and newer run on it",
        ),
    ],
)
def test_a_gpu_that_nothing_serves_is_named_with_the_way_out(on: Machine, words: str) -> None:
    """A variable of ROCm's, a kernel, another's wheels, or a newer JetPack."""
    selection = select(on, CATALOG.release("2.14.1"), CATALOG)
    assert selection.torch_backend == "cpu"
    assert words in sentence(selection.reasons[0])


@pytest.mark.parametrize(
    ("release", "on", "words"),
    [
        (
            "2.14.1",
            machine(T4_580),
            (
                "cu126: of the builds of torch 2.14.1 that run on it and can be pinned, its libraries have code for "
                "this GPU too, which those of cu130 and cu132 do not have."
            ),
        ),
        (
            "2.15.0",
            machine(T4_580),
            (
                "MAGMA, which cu132 of torch 2.15.0 brings along for linear algebra, has no code for "
                "compute capability 7.5. If you need linear algebra, ask for torch 2.14.1+cu126, which has "
                "it."
            ),
        ),
        (
            "2.6.0",
            machine(nvidia("470.57.02", (11, 4), (3, 7))),
            (
                "cuDNN, which cu118 of torch 2.6.0 brings along for convolutions, has no code for compute "
                "capability 3.7. If you need convolutions, ask for torch 2.3.1+cu118, which has it."
            ),
        ),
        (
            "2.14.1",
            machine(A100_550.replace(lacks="libcuda.so.1")),
            (
                "libcuda.so.1 was not found, and without it torch does not find the GPU. It is part of "
                "NVIDIA's driver (Debian: libcuda1); a container gets it with --gpus all and the "
                "capability compute (NVIDIA_DRIVER_CAPABILITIES)."
            ),
        ),
        (
            "2.15.0",
            machine(nvidia(None, None, (8, 0)).replace(driver_loaded=True)),
            "NVIDIA's driver is loaded, and nothing tells its version: cu132 needs driver 580 or newer.",
        ),
        (
            "2.9.1",
            machine(intel("8086:b080")),
            (
                "Core Ultra Series 3 with Arc graphics (Panther Lake): PyTorch's documentation does not "
                "list it before torch 2.10.0; torch 2.9.1 compiles its code on first use."
            ),
        ),
        (
            "2.14.1",
            machine(intel("8086:7d45")),
            (
                "Core Ultra with Intel Graphics (Meteor Lake-U): PyTorch's documentation does not list it, "
                "so it is not validated; torch compiles its code for it on first use."
            ),
        ),
        ("2.2.2", machine(), "torch 2.2.2 was compiled for NumPy 1 on this system"),
        ("2.4.0", machine(platform="win_amd64"), "torch 2.4.0 was compiled for NumPy 1 on this system"),
        (
            "2.15.0",
            machine(python="3.13t"),
            "torch 2.15.0 does not have wheels for Python 3.13t; it has them for 3.11, 3.12",
        ),
        (
            "2.12.0",
            machine(platform="macos_arm64").replace(system_version="13.7"),
            "torch 2.12.0 needs macOS 14 or newer, and this machine has 13.7.",
        ),
        ("2.14.1", machine().replace(implementation="pypy"), "does not have wheels for pypy, but for CPython."),
        ("2.15.0", Machine("linux", "s390x", "3.12"), "PyTorch publishes torch 2.13.0+cpu for linux on s390x"),
    ],
)
def test_what_a_person_should_know_of_an_answer_is_among_its_reasons(release: str, on: Machine, words: str) -> None:
    """A build that is taken, and yet: each of these is said in `plan`, and in the record."""
    known = up_to("2.15.0")
    plan = decide(known.release(release), on, Settings(), known)
    assert any(words in text for text in sentences(plan.reasons)), sentences(plan.reasons)


def test_numpy_is_named_no_longer_than_it_has_to_be() -> None:
    """2.3.0 is the first release for NumPy 2, on Windows 2.4.1."""
    for release, on in (("2.3.0", machine()), ("2.4.1", machine(platform="win_amd64"))):
        plan = decide(CATALOG.release(release), on, Settings(), CATALOG)
        assert "old-numpy" not in {reason.code for reason in plan.reasons}
