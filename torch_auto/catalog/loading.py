"""The catalog of the JSON files in ``data/``."""

from __future__ import annotations

import re
from functools import lru_cache, partial

from torch_auto.catalog.drivers import drivers_of, pair, version_key
from torch_auto.catalog.files import DATA, CatalogError, read
from torch_auto.catalog.model import Build, Catalog, LibraryGap, PlatformBuilds, Platforms, Release, XpuFamily
from torch_auto.catalog.torch_backends import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

#: glibc that a wheel's platform tag asks for. PEP 600; manylinux1 and 2014 are PEP 513 and PEP 599. A plain linux_*
#: tag names none: those wheels were made in the same images as manylinux2014.
_LEGACY_TAGS = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17), "linux": (2, 17)}
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_", re.ASCII)
_PEP600 = re.compile(r"manylinux_(\d+)_(\d+)_", re.ASCII)


@lru_cache(maxsize=None)
def _capabilities(numbers: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(86, 120) as ((8, 6), (12, 0)): the last digit is the minor version. A few lists recur in hundreds of records."""
    return tuple(divmod(number, 10) for number in numbers)


def glibc_of_tag(tag: str) -> tuple[int, int] | None:
    """The glibc that a wheel's platform tag asks for, or None where the tag is not a Linux tag."""
    match = _PEP600.match(tag)
    if match:
        return int(match.group(1)), int(match.group(2))
    for prefix, glibc in _LEGACY_TAGS.items():
        if tag.startswith(prefix + "_"):
            return glibc
    return None


@lru_cache(maxsize=None)
def _lowest_glibc(tags: tuple[str, ...]) -> tuple[int, int] | None:
    found = [glibc for glibc in map(glibc_of_tag, tags) if glibc is not None]
    return min(found) if found else None


@lru_cache(maxsize=None)
def _lowest_macos(tags: tuple[str, ...]) -> tuple[int, int] | None:
    found = [(int(match[1]), int(match[2])) for match in map(_MACOS.match, tags) if match is not None]
    return min(found) if found else None


def _build(row: Row, platform_tags: tuple[str, ...]) -> Build:
    tags = tuple(row["tags"]) if "tags" in row else platform_tags
    return Build(
        torch_backend=parse(row["torch_backend"]),
        local_version=row["local"],
        sm=_capabilities(tuple(row.get("sm", ()))),
        ptx=_capabilities(tuple(row.get("ptx", ()))),
        gfx=tuple(row.get("gfx", ())),
        glibc=pair(row["glibc"]) if "glibc" in row else _lowest_glibc(tags),
        pythons=frozenset(row["pythons"]) if "pythons" in row else None,
        own_index=row.get("own_index", False),
        seen=row["confidence"] != "unseen",
        doubtful=row.get("arch_confidence") == "doubtful",
    )


def _platform(rows: dict[str, Row], builds: dict[str, list[Row]], name: str) -> PlatformBuilds:
    """One platform of a release, of its record and those of its builds."""
    row = rows[name]
    tags = tuple(row["tags"])
    own = tuple(_build(build, tags) for build in builds.get(name, ()))
    public = next((build for build in own if build.torch_backend == row["public"]), None)
    if public is not None:
        public = public.replace(glibc=_lowest_glibc(tags))
    return PlatformBuilds(own, public, frozenset(row["pythons"]), _lowest_macos(tags))


def _platforms(rows: list[Row], builds: list[Row]) -> Platforms:
    """The platforms of a release that anything is known to be published for."""
    by_platform: dict[str, list[Row]] = {}
    for build in builds:
        by_platform.setdefault(build["platform"], []).append(build)
    names = []
    for row in rows:
        here = by_platform.get(row["platform"], [])
        if row["public"] is not None and all(build["torch_backend"] != row["public"] for build in here):
            where = f"torch {row['release']} on {row['platform']}"
            raise CatalogError(f"builds.json does not have the {row['public']} build of {where}")
        if row["public"] is not None or any(build["confidence"] != "unseen" for build in here):
            names.append(row["platform"])
    return Platforms(tuple(names), partial(_platform, {row["platform"]: row for row in rows}, by_platform))


def _by_release(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["release"], []).append(row)
    return found


def _library_gap(row: Row) -> LibraryGap:
    return LibraryGap(
        row["library"],
        row["purpose"],
        tuple(map(pair, row["compute_capabilities"])),
        row["since"],
        row["until"],
        tuple(row["torch_backends"]),
        tuple(row["platforms"]),
    )


def _numpy_1(rows: list[Row]) -> dict[str, str]:
    """The first release for NumPy 2 of each platform: the newest of those that its rows name."""
    found: dict[str, str] = {}
    for row in rows:
        for platform in row["platforms"]:
            found[platform] = max(found.get(platform, "0"), row["until"], key=version_key)
    return found


def _xpu_ids(rows: list[Row]) -> dict[str, XpuFamily]:
    families = [(XpuFamily(row["family"], row["since"]), row["ids"]) for row in rows]
    return {pci_id: family for family, ids in families for pci_id in ids}


def _load(directory: str) -> Catalog:
    releases, build_file = read(directory, "releases.json"), read(directory, "builds.json")
    nvidia, intel = read(directory, "nvidia.json"), read(directory, "intel.json")
    overrides, exceptions = read(directory, "amd.json")["overrides"], read(directory, "exceptions.json")
    platforms, builds = _by_release(releases["platforms"]), _by_release(build_file["builds"])
    others = _by_release(build_file.get("other_locals", []))
    found = []
    for row in releases["releases"]:
        version = row["release"]
        own = builds.get(version, [])
        local_versions = {item["local"] for item in (*own, *others.get(version, ())) if item["local"] is not None}
        found.append(
            Release(
                version,
                row["released"],
                row["requires_python"],
                _platforms(platforms[version], own),
                tuple(sorted(local_versions)),
            )
        )
    unified, same_code = exceptions["server_builds_on_tegra"], {}
    for row in exceptions["same_code"]:
        alike = frozenset(map(pair, row["compute_capabilities"]))
        same_code.update(dict.fromkeys(alike, alike))
    return Catalog(
        as_of=releases["as_of"],
        releases=tuple(found),
        drivers=drivers_of(nvidia),
        tegra_compute_capabilities=frozenset(map(pair, nvidia["tegra_compute_capabilities"])),
        unified=dict.fromkeys(map(pair, unified["compute_capabilities"]), pair(unified["toolkit"])),
        same_code=same_code,
        library_gaps=tuple(map(_library_gap, exceptions["libraries"])),
        numpy_1=_numpy_1(exceptions["numpy_1"]),
        elsewhere={(row["system"], row["architecture"]): row["torch"] for row in exceptions["elsewhere"]},
        xpu_ids=_xpu_ids(intel["supported"]),
        xpu_too_old=tuple((first, last) for row in intel["unsupported"] for first, last in row["ranges"]),
        gfx_overrides={target: (row["value"], row["as"]) for row in overrides for target in row["gfx_targets"]},
    )


@lru_cache(maxsize=None)
def load(directory: str = DATA) -> Catalog:
    """The catalog in a directory, by default the package's own.

    Builds are made of their records when they are first asked for: most builds of torch-auto look at one release.

    Raises:
        CatalogError: a file is missing or damaged.
    """
    try:
        return _load(directory)
    except (KeyError, TypeError, AttributeError) as error:
        raise CatalogError(f"a record of the catalog in {directory} is incomplete: {error!r}") from error
