"""The catalog, and its files once more as they are: what the tests compare the program's answers with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch_auto import catalog
from torch_auto.catalog import Catalog, version_key
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.select.build import select
from torch_auto.settings import Settings

CATALOG = catalog.load()
RELEASES = [release.version for release in CATALOG.releases]
PLATFORMS = ["linux_x86_64", "linux_aarch64", "win_amd64", "win_arm64", "macos_arm64", "macos_x86_64"]

DATA = Path(catalog.DATA)
BUILDS = json.loads((DATA / "builds.json").read_text(encoding="utf-8"))
#: The records of builds, by release and platform; and of releases on a platform.
ROWS: dict[tuple[str, str], list[dict[str, Any]]] = {}
for _row in BUILDS["builds"]:
    ROWS.setdefault((_row["release"], _row["platform"]), []).append(_row)
PLACES: dict[tuple[str, str], dict[str, Any]] = {
    (row["release"], row["platform"]): row
    for row in json.loads((DATA / "releases.json").read_text(encoding="utf-8"))["platforms"]
}
#: Local versions that an index lists and that are no build's.
OTHER_LOCALS: dict[str, set[str]] = {}
for _row in BUILDS.get("other_locals", []):
    OTHER_LOCALS.setdefault(_row["release"], set()).add(_row["local"])


def up_to(release: str) -> Catalog:
    """The catalog with this release as the newest, for examples that name what is newest: they hold for ever."""
    last = version_key(release)
    return CATALOG.replace(releases=tuple(item for item in CATALOG.releases if version_key(item.version) <= last))


def installs(machine: dict[str, Any]) -> str:
    """The torch that a machine gets with PyTorch's pages, 2.14.1+cu126: what is newest comes from the catalog."""
    on = machine_from_json(machine)
    newest = newest_usable(on, Settings(), CATALOG).with_pages
    assert newest is not None
    return select(on, CATALOG.release(newest), CATALOG).version


def backends(release: str) -> list[str]:
    """The torch backends of a release that can be groups, by the data."""
    return list(
        dict.fromkeys(
            row["torch_backend"]
            for row in BUILDS["builds"]
            if row["release"] == release and row["confidence"] != "unseen" and not row.get("own_index")
        )
    )


def environment(platform: str, python: str) -> dict[str, str]:
    """What markers say on a platform and a Python; a platform that no wheel is for is named after its machine."""
    system, architecture = {
        "linux_x86_64": ("linux", "x86_64"),
        "linux_aarch64": ("linux", "aarch64"),
        "linux_ppc64le": ("linux", "ppc64le"),
        "win_amd64": ("win32", "AMD64"),
        "win_arm64": ("win32", "ARM64"),
        "macos_arm64": ("darwin", "arm64"),
        "macos_x86_64": ("darwin", "x86_64"),
    }[platform]
    version = python.rstrip("t")
    return {
        "sys_platform": system,
        "platform_machine": architecture,
        "python_version": version,
        "python_full_version": f"{version}.0",
        "extra": "",
    }
