"""The projects that belong to a torch release, torchvision first: which version, in which local versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog_files import PLATFORMS, Record, TorchBackend, release_key
from catalog_offers import is_backend
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog_offers import Key, Offer
    from catalog_update import Update
    from catalog_wheels import Wheel
    from packaging.specifiers import SpecifierSet

_EXACT_TORCH = re.compile(r"torch\s*\(?==\s*(\d+(?:\.\d+)+)\)?(?![\w.+*])", re.ASCII)


def update_family(
    update: Update, project: str, public: Mapping[Key, Offer] | None, index: Mapping[Key, Offer] | None
) -> None:
    """New versions of a project, from PyPI, and the local versions of all of them, from the PyTorch index.

    Each is None where that index was not read.

    Raises:
        FetchError: a wheel that should be read cannot be.
    """
    records = [record for record in update.records("pairs.json", "pairs") if record["project"] == project]
    newest = max((release_key(record["version"]) for record in records), default=())
    wheels = _wheels(public or {})
    for version in sorted(wheels, key=release_key):
        if release_key(version) > newest:
            records.extend(_pair(update, project, version, wheels[version]))
    records.extend(_carried(update, project, records, wheels))
    for record in records:
        found = _local_versions(update, record, index or {})
        if found and record["local_versions"] != found:
            record.update(local_versions=found)
            # That these local versions are there says nothing of which torch an inferred pair is for.
            if record["source"] not in ("pair-range", "pair-carried"):
                record.update(confidence="verified", source="index-page")


def _pair(update: Update, project: str, version: str, wheels: list[tuple[str, Offer]]) -> list[Record]:
    """The record of a new version, or none where it is not sure which release of the catalog it belongs to."""
    wheel = update.readers.wheel(wheels[0][1].url)
    exact = [match.group(1) for line in wheel.requires if (match := _EXACT_TORCH.match(line))]
    if len(exact) == 1 and update.find("releases.json", "releases", release=exact[0]) is not None:
        return [_new(update, project, version, exact[0], "pypi-wheel")]
    release = _by_range(update, project, wheel, wheels)
    if release is None:
        update.notes.append(f"{project} {version} requires no exact torch of the catalog: pair it by hand")
        return []
    return [_new(update, project, version, release, "pair-range")]


def _by_range(update: Update, project: str, wheel: Wheel, wheels: list[tuple[str, Offer]]) -> str | None:
    """The release that a version requiring a range of torch was made for, or None where several may be or none.

    It is in the range, has no version of the project yet, and PyPI's wheels of both are of one torch backend.
    """
    allowed = _torch(wheel)
    paired = {pair["release"] for pair in update.records("pairs.json", "pairs") if pair["project"] == project}
    releases = [record["release"] for record in update.records("releases.json", "releases")]
    found = [release for release in releases if allowed and release not in paired and allowed.contains(release)]
    own = (wheel.own_version or "").partition("+")[2]
    place = update.find("releases.json", "platforms", release=found[-1], platform=wheels[0][0]) if found else None
    same = place is not None and own in ("", place["public"])
    return found[0] if len(found) == 1 and same else None


def _carried(
    update: Update, project: str, records: list[Record], wheels: Mapping[str, list[tuple[str, Offer]]]
) -> list[Record]:
    """Records of releases that are newer than any with a version, where the newest version requires no torch at all."""
    last = max((release_key(record["release"]) for record in records), default=())
    newer = [
        record["release"]
        for record in update.records("releases.json", "releases")
        if last and release_key(record["release"]) > last
    ]
    version = max((record["version"] for record in records), key=release_key, default=None)
    if not newer or version is None or version not in wheels:
        return []
    if any(Requirement(line).name == "torch" for line in update.readers.wheel(wheels[version][0][1].url).requires):
        return []
    return [_new(update, project, version, release, "pair-carried") for release in newer]


def _new(update: Update, project: str, version: str, release: str, source: str) -> Record:
    record: Record = {"project": project, "version": version, "release": release, "local_versions": {}}
    record.update(confidence="verified" if source == "pypi-wheel" else "inferred", source=source)
    update.records("pairs.json", "pairs").append(record)
    return record


def _torch(wheel: Wheel) -> SpecifierSet | None:
    """What a wheel requires of torch, or None where it requires nothing of it."""
    found = [requirement.specifier for line in wheel.requires if (requirement := Requirement(line)).name == "torch"]
    return found[0] if found else None


def _local_versions(update: Update, record: Record, index: Mapping[Key, Offer]) -> dict[str, list[str | None]]:
    """The local versions of a record's version that the index has and that torch has too, on the same platform.

    torchaudio 2.11.0 is the pair of several releases, and its page has local versions of torch backends that only some
    of them have.
    """
    torch: dict[str, set[str | None]] = {}
    for build in update.records("builds.json", "builds"):
        if build["release"] == record["release"]:
            torch.setdefault(build["platform"], {None}).add(build["local"])
    found: dict[str, list[str | None]] = {}
    for version, name, platform in index:
        if version == record["version"] and (name is None or is_backend(name)) and name in torch.get(platform, ()):
            found.setdefault(platform, []).append(name)
    return {
        platform: sorted(
            found[platform], key=lambda name: (0, (0, ())) if name is None else (1, TorchBackend(name).key)
        )
        for platform in PLATFORMS
        if platform in found
    }


def _wheels(offers: Mapping[Key, Offer]) -> dict[str, list[tuple[str, Offer]]]:
    """The platforms and offers of each version, in the catalog's order of platforms."""
    found: dict[str, list[tuple[str, Offer]]] = {}
    for version, local, platform in sorted(offers, key=lambda key: PLATFORMS.index(key[2])):
        if local is None:
            found.setdefault(version, []).append((platform, offers[version, local, platform]))
    return found
