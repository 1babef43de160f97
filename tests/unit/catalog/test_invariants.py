"""What is true of the catalog whatever PyTorch publishes next."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from catalog_files import DATA, PLATFORMS, Record, TorchBackend, dump, load, place_key, release_key
from catalog_offers import is_backend, python_key
from catalog_update import BUILD_KEYS
from packaging.specifiers import SpecifierSet
from packaging.version import Version

FILES = {name: load(DATA, f"{name}.json") for name in ("releases", "builds", "nvidia", "pairs", "sources")}
RELEASES: list[Record] = FILES["releases"]["releases"]
PLACES: list[Record] = FILES["releases"]["platforms"]
BUILDS: list[Record] = FILES["builds"]["builds"]
OTHERS: list[Record] = FILES["builds"]["other_locals"]
FLOORS: list[Record] = FILES["nvidia"]["toolkit_floors"]
PAIRED: list[Record] = FILES["nvidia"]["paired_drivers"]
PAIRS: list[Record] = FILES["pairs"]["pairs"]
SOURCES: dict[str, str] = FILES["sources"]["sources"]

PINNED = [build for build in BUILDS if build["confidence"] != "unseen"]
NAMES = [record["release"] for record in RELEASES]
BY_PLACE: dict[tuple[str, str], list[Record]] = defaultdict(list)
for _build in BUILDS:
    BY_PLACE[_build["release"], _build["platform"]].append(_build)


def driver(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def title(record: Record) -> str:
    names = ("project", "version", "release", "platform", "torch_backend", "local", "cuda", "toolkit_major")
    return " ".join(str(record[name]) for name in names if name in record)


def broken(records: list[Record], fits: Any) -> list[str]:
    """The titles of the records that do not fit."""
    return [title(record) for record in records if not fits(record)]


# --- the files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_layout(name: str) -> None:
    """A catalog file is written as the tools write it, to the byte: one record per line."""
    assert (DATA / f"{name}.json").read_bytes() == dump(FILES[name]).encode()


@pytest.mark.parametrize(
    "records", [RELEASES, PLACES, BUILDS, OTHERS, FLOORS, PAIRED, PAIRS], ids=lambda r: title(r[0])
)
def test_no_record_is_there_twice(records: list[Record]) -> None:
    """No two records are about the same thing."""
    titles = [title(record) for record in records]
    assert sorted(set(titles)) == sorted(titles)


def test_order() -> None:
    """Records are in the order of releases, platforms and torch backends."""
    assert sorted(NAMES, key=release_key) == NAMES
    assert sorted(PLACES, key=place_key) == PLACES
    assert sorted(BUILDS, key=place_key) == BUILDS
    assert sorted(OTHERS, key=lambda other: (release_key(other["release"]), other["local"])) == OTHERS
    assert sorted(SOURCES) == list(SOURCES)


def test_keys() -> None:
    """A build has the keys that the tools know, in their order, and says for what GPUs it is as its vendor needs."""
    assert not broken(BUILDS, lambda build: [key for key in BUILD_KEYS if key in build] == list(build))
    cuda = {build["torch_backend"] for build in BUILDS if {"sm", "ptx"} <= build.keys()}
    rocm = {build["torch_backend"] for build in BUILDS if "gfx" in build.keys() - {"sm", "ptx"}}
    rest = {build["torch_backend"] for build in BUILDS if not build.keys() & {"sm", "ptx", "gfx"}}
    assert {name[:2] for name in cuda} == {"cu"}
    assert {name[:4] for name in rocm} == {"rocm"}
    assert rest == {"cpu", "xpu"}


def test_confidence() -> None:
    """Confidence is one of the words that the documentation explains."""
    records = [*PLACES, *BUILDS, *OTHERS, *FLOORS, *PAIRED, *PAIRS]
    assert {record["confidence"] for record in records} <= {"verified", "published", "inferred", "unseen"}
    assert {build["arch_confidence"] for build in BUILDS if "arch_confidence" in build} <= {
        "verified", "reported", "script", "table", "inferred", "doubtful", "unknown",
    }  # fmt: skip


def test_every_source_is_explained_and_named() -> None:
    """Every record names a source that sources.json explains, and every source there is named by a record."""
    records = [*RELEASES, *PLACES, *BUILDS, *OTHERS, *FLOORS, *PAIRED, *PAIRS]
    assert not broken(records, lambda record: record["source"])
    named = {record[key] for record in records for key in record if key.endswith("source") and record[key]}
    assert named == set(SOURCES)


def test_sources_can_be_looked_up_by_anybody() -> None:
    """A source is a public place or says what was read: no path of a machine, no number of a private tool."""
    assert not [name for name, text in SOURCES.items() if "/tmp" in text or "/work" in text or " id " in text]  # noqa: S108
    assert all(len(text) > 20 for text in SOURCES.values())


def test_sizes_are_those_of_wheels() -> None:
    """The wheel of a build has no more than 5 GB: none of torch was as large. PyPI's are all known."""
    public = [place for place in PLACES if place["public"] is not None]
    assert not broken(public, lambda place: "size" in place)
    assert not broken([*PLACES, *BUILDS], lambda record: 0 < record.get("size", 1) < 5e9)


# --- releases ----------------------------------------------------------------------------------------------------


def test_dates_rise() -> None:
    """A newer release is of a later day, and the catalog is not older than its newest release."""
    dates = [date.fromisoformat(record["released"]) for record in RELEASES]
    assert sorted(set(dates)) == dates
    assert date.fromisoformat(FILES["releases"]["as_of"]) >= dates[-1]


def test_requires_python_matches_the_wheels() -> None:
    """Every Python of a release's public wheels is in its range, whose lower bound is no later one."""
    ranges = {record["release"]: SpecifierSet(record["requires_python"]) for record in RELEASES}
    for place in PLACES:
        if place["public"] is not None:
            pythons = {python.rstrip("t") for python in place["pythons"]}
            assert not [python for python in pythons if f"{python}.2" not in ranges[place["release"]]], title(place)
    for record in RELEASES:
        wheels = {p.rstrip("t") for place in PLACES if place["release"] == record["release"] for p in place["pythons"]}
        [bound] = ranges[record["release"]]
        assert Version(bound.version) <= Version(min(wheels, key=python_key)), title(record)


def test_places_are_complete() -> None:
    """Every release has Linux, Windows and macOS wheels, and each platform has Pythons and tags that fit it."""
    for release in NAMES:
        platforms = {place["platform"] for place in PLACES if place["release"] == release}
        assert {"linux_x86_64", "linux_aarch64", "win_amd64", "macos_arm64"} <= platforms <= set(PLATFORMS)
    for record in [*PLACES, *(build for build in BUILDS if "tags" in build or "pythons" in build)]:
        pythons, tags = record.get("pythons", ["3.9"]), record.get("tags", [record["platform"]])
        assert sorted(pythons, key=python_key) == pythons != []
        assert sorted(set(tags)) == tags != []
        system, _, machine = record["platform"].partition("_")
        fits = {"linux": ("manylinux", "linux"), "win": ("win",), "macos": ("macosx",)}[system]
        assert all(tag.startswith(fits) and tag.endswith(f"_{machine}") for tag in tags), title(record)


def test_public_build_is_a_build() -> None:
    """PyPI's build is one of the platform's builds, and has a local version wherever the index gives it one."""
    for place in PLACES:
        builds = BY_PLACE[place["release"], place["platform"]]
        backends = {build["torch_backend"]: build["local"] for build in builds if build["confidence"] != "unseen"}
        if place["public"] is None:
            assert any(local is not None for local in backends.values()), title(place)
            continue
        assert place["public"] in backends, title(place)
        plain = place["platform"].startswith("macos") or (
            place["platform"] == "linux_aarch64" and release_key(place["release"]) < (2, 6)
        )
        assert backends[place["public"]] == (None if plain else place["public"]), title(place)


# --- builds ------------------------------------------------------------------------------------------------------


def test_every_build_has_its_place() -> None:
    """A build is of a release and a platform that releases.json has, and every such place has a build for the CPU."""
    places = {(place["release"], place["platform"]) for place in PLACES}
    assert set(BY_PLACE) == places
    for place, builds in BY_PLACE.items():
        assert "cpu" in {build["torch_backend"] for build in builds if build["confidence"] != "unseen"}, place


def test_local_version_is_the_torch_backend() -> None:
    """A build's local version is its torch backend, or it has none."""
    assert not broken(BUILDS, lambda build: build["local"] in (None, build["torch_backend"]))
    assert not broken(BUILDS, lambda build: is_backend(build["torch_backend"]))


def test_no_build_is_pinned_without_its_gpus() -> None:
    """A build for CUDA or ROCm that can be pinned says for which GPUs it is."""
    cuda = [build for build in PINNED if build["torch_backend"].startswith("cu")]
    rocm = [build for build in PINNED if build["torch_backend"].startswith("rocm")]
    assert not broken(
        cuda, lambda build: build["sm"] and build["arch_source"] and build["arch_confidence"] != "unknown"
    )
    assert not broken(rocm, lambda build: build["gfx"] and build["arch_source"])


def test_architectures_are_in_order() -> None:
    """Architectures rise, PTX is of an architecture that the build holds, and gfx targets are no other names."""
    for build in BUILDS:
        assert build.get("sm", []) == sorted(set(build.get("sm", []))), title(build)
        assert set(build.get("ptx", [])) <= set(build.get("sm", [])), title(build)
        assert all(name.startswith("gfx") for name in build.get("gfx", [])), title(build)
        assert len(set(build.get("gfx", []))) == len(build.get("gfx", [])), title(build)


def test_a_toolkit_can_compile_what_is_said() -> None:
    """No build holds an architecture that its toolkit does not know yet, or knows no more (CUDA release notes)."""
    for build in BUILDS:
        if build["torch_backend"].startswith("cu") and build["sm"]:
            version = TorchBackend(build["torch_backend"]).toolkit
            assert version is not None
            oldest = 75 if version >= (13, 0) else 50 if version >= (12, 0) else 35
            newest = 121 if version >= (12, 8) else 90 if version >= (11, 8) else 86
            assert oldest <= min(build["sm"]), title(build)
            assert max(build["sm"]) <= newest, title(build)


def test_rocm_and_xpu_are_where_they_are_built() -> None:
    """ROCm is for Linux on x86, XPU for Linux and Windows on x86, and macOS has a build for the CPU alone."""
    for build in BUILDS:
        if build["torch_backend"].startswith("rocm"):
            assert build["platform"] == "linux_x86_64", title(build)
        if build["torch_backend"] == "xpu":
            assert build["platform"] in ("linux_x86_64", "win_amd64"), title(build)
        if build["platform"].startswith("macos"):
            assert (build["torch_backend"], build["local"]) == ("cpu", None), title(build)


def test_other_local_versions_are_no_builds() -> None:
    """What is only left out by name is a valid local version that no build of that platform has."""
    for other in OTHERS:
        assert Version(f"{other['release']}+{other['local']}").local == other["local"], title(other)
        assert other["platforms"], title(other)
        for platform in other["platforms"]:
            locals_there = {build["local"] for build in BY_PLACE[other["release"], platform]}
            assert other["local"] not in locals_there, title(other)


# --- drivers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_drivers_rise_with_toolkits(system: str) -> None:
    """A newer toolkit never asks for an older driver, as a floor or as its own driver."""
    assert [floor["toolkit_major"] for floor in FLOORS] == sorted(floor["toolkit_major"] for floor in FLOORS)
    for older, newer in pairwise(FLOORS):
        assert driver(older[system]) < driver(newer[system])
    assert [driver(row["cuda"]) for row in PAIRED] == sorted(driver(row["cuda"]) for row in PAIRED)
    for older, newer in pairwise(PAIRED):
        assert driver(older[system]) < driver(newer[system]), title(newer)


def test_every_toolkit_has_drivers() -> None:
    """Every toolkit that a build which can be pinned is for has a floor and a driver, for Linux and for Windows."""
    toolkits = {version for build in PINNED if (version := TorchBackend(build["torch_backend"]).toolkit)}
    paired = {driver(row["cuda"]) for row in PAIRED if row["linux"] and row["windows"]}
    assert toolkits <= paired
    assert {major for major, _ in toolkits} <= {floor["toolkit_major"] for floor in FLOORS}


def test_what_is_inferred_of_windows_drivers_is_marked() -> None:
    """From CUDA 13.0 on no driver comes with the Windows toolkit, and the catalog says that it infers one."""
    inferred = {row["cuda"] for row in PAIRED if row.get("windows_confidence") == "inferred"}
    assert inferred == {row["cuda"] for row in PAIRED if driver(row["cuda"]) >= (13, 0)}
    assert not broken(PAIRED, lambda row: ("windows_confidence" in row) == ("windows_source" in row))


# --- the family --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", ["torchvision", "torchaudio", "triton"])
def test_every_release_has_its_pair(project: str) -> None:
    """torchvision, torchaudio and triton have a version for every release, and no older one for a newer release."""
    records = [pair for pair in PAIRS if pair["project"] == project]
    assert [pair["release"] for pair in records] == NAMES
    versions = [release_key(pair["version"]) for pair in records]
    assert sorted(versions) == versions


def test_pairs_are_of_releases_and_builds_that_exist() -> None:
    """A pair is of a known release, and has no local version that torch does not have on that platform."""
    for pair in PAIRS:
        assert pair["release"] in NAMES, title(pair)
        assert Version(pair["version"]).base_version == pair["version"], title(pair)
        for platform, local_versions in pair["local_versions"].items():
            torch = {build["local"] for build in BY_PLACE[pair["release"], platform]}
            extra = {other["local"] for other in OTHERS if other["release"] == pair["release"]}
            assert set(local_versions) - {None} <= torch | extra, (title(pair), platform)
            named = [name for name in local_versions if name is not None]
            assert sorted(named, key=lambda name: TorchBackend(name).key) == named, (title(pair), platform)


def test_triton_is_named_for_every_vendor_that_needs_it() -> None:
    """Every release with ROCm builds, or with XPU builds for Linux, names the triton that those require."""
    for prefix, vendor in (("rocm", "amd"), ("xpu", "intel")):
        builds = {
            b["release"] for b in PINNED if b["torch_backend"].startswith(prefix) and b["platform"] == "linux_x86_64"
        }
        assert builds <= {pair["release"] for pair in PAIRS if pair.get("vendor") == vendor}
