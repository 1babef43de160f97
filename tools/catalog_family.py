"""The projects that belong to a torch release, torchvision first: which version, in which local versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog_files import PLATFORMS, Record, backend_key, release_key
from catalog_offers import is_backend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog_offers import Key, Offer
    from catalog_update import Update

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
    for version, offer in sorted(_wheels(public or {}).items(), key=lambda item: release_key(item[0])):
        if release_key(version) > newest:
            records.extend(_pair(update, project, version, offer))
    for record in records:
        local: dict[str, list[str | None]] = {}
        for version, name, platform in index or {}:
            if version == record["version"] and (name is None or is_backend(name)):
                local.setdefault(platform, []).append(name)
        if local and record["local_versions"] != (found := _in_order(local)):
            record.update(local_versions=found, confidence="verified", source="index-page")


def _pair(update: Update, project: str, version: str, offer: Offer) -> list[Record]:
    """The record of a new version, or none where its wheel requires no exact release that the catalog knows."""
    requires = update.readers.wheel(offer.url).requires
    exact = [match.group(1) for line in requires if (match := _EXACT_TORCH.match(line))]
    if len(exact) != 1 or update.find("releases.json", "releases", release=exact[0]) is None:
        update.notes.append(f"{project} {version} requires no exact torch of the catalog: pair it by hand")
        return []
    record: Record = {"project": project, "version": version, "release": exact[0], "local_versions": {}}
    record.update(confidence="verified", source="pypi-wheel")
    update.records("pairs.json", "pairs").append(record)
    return [record]


def _wheels(offers: Mapping[Key, Offer]) -> dict[str, Offer]:
    """One offer per version: that of the first platform, in the catalog's order, that has one."""
    found: dict[str, Offer] = {}
    for version, local, platform in sorted(offers, key=lambda key: PLATFORMS.index(key[2])):
        if local is None:
            found.setdefault(version, offers[version, local, platform])
    return found


def _in_order(local: dict[str, list[str | None]]) -> dict[str, list[str | None]]:
    return {
        platform: sorted(local[platform], key=lambda name: (0, (0, ())) if name is None else (1, backend_key(name)))
        for platform in PLATFORMS
        if platform in local
    }
