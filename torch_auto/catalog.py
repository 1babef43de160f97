"""What PyTorch publishes: releases, their builds, and what each build runs on.

The data are the JSON files in ``data/``, one record per line, each with its source and a confidence. A build that
nobody has seen ("unseen") is never pinned; its local version is known all the same, so that a pin of the public
build can leave it out by name.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")

_CUDA = re.compile(r"cu(\d{2})(\d)", re.ASCII)
_ROCM = re.compile(r"rocm(\d+(?:\.\d+)*)", re.ASCII)

#: glibc that a wheel's platform tag asks for. PEP 600; manylinux1 and 2014 are PEP 513 and PEP 599. A plain linux_*
#: tag names none: those wheels were made in the same images as manylinux2014.
_LEGACY_TAGS = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17), "linux": (2, 17)}
_PEP600 = re.compile(r"manylinux_(\d+)_(\d+)_", re.ASCII)


class CatalogError(ValueError):
    """The catalog's files are damaged: the message names the file and the record."""


class UnknownReleaseError(KeyError):
    """A release that the catalog does not know."""

    def __init__(self, release: str, known: Tuple[str, ...]) -> None:
        super().__init__(release)
        self.release = release
        self.known = known

    def __str__(self) -> str:
        return f"torch {self.release} is not in the catalog; it knows {', '.join(self.known)}"


@lru_cache(maxsize=None)
def toolkit_version(torch_backend: str) -> Optional[Tuple[int, int]]:
    """The CUDA toolkit version that a torch backend is named after: (12, 4) for "cu124", None for others."""
    match = _CUDA.fullmatch(torch_backend)
    return (int(match.group(1)), int(match.group(2))) if match else None


def rocm_version(torch_backend: str) -> Optional[Tuple[int, ...]]:
    """The ROCm version that a torch backend is named after: (6, 2, 4) for "rocm6.2.4", None for others."""
    match = _ROCM.fullmatch(torch_backend)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


def vendor_of(torch_backend: str) -> Optional[str]:
    """Whose GPUs a torch backend is for: "nvidia", "amd", "intel", or None for cpu."""
    if torch_backend.startswith("cu"):
        return "nvidia"
    if torch_backend.startswith("rocm"):
        return "amd"
    return "intel" if torch_backend == "xpu" else None


@lru_cache(maxsize=1024)
def version_key(version: str) -> Tuple[int, ...]:
    """A key that sorts releases and driver versions: (550, 54, 14) for "550.54.14"."""
    return tuple(int(part) for part in version.split("."))


class Build(NamedTuple):
    """One release for one torch backend on one platform.

    ``local_version`` is None where the file name has no local part (macOS; Linux aarch64 up to 2.5.1), ``sm`` and
    ``ptx`` are compute capabilities, ``gfx`` LLVM targets. ``glibc`` is the lowest glibc that its wheels install on.
    """

    torch_backend: str
    local_version: Optional[str]
    sm: Tuple[Tuple[int, int], ...]
    ptx: Tuple[Tuple[int, int], ...]
    gfx: Tuple[str, ...]
    glibc: Optional[Tuple[int, int]]
    pythons: Optional[FrozenSet[str]]  # where they differ from the public build's
    own_index: bool  # its wheels require packages that no other index has, so the hint is not enough
    seen: bool
    confidence: str
    source: str


class PlatformBuilds(NamedTuple):
    """The builds of a release on one platform.

    ``public`` is the build that PyPI's wheel is, with that wheel's own glibc floor, or None where PyPI has none.
    """

    builds: Tuple[Build, ...]
    public: Optional[Build]
    pythons: FrozenSet[str]

    def find(self, torch_backend: Optional[str]) -> Optional[Build]:
        """The build for a torch backend that can be pinned, or None where there is none."""
        return next((build for build in self.builds if build.torch_backend == torch_backend and build.seen), None)

    @property
    def python_versions(self) -> Tuple[str, ...]:
        """What markers call the Pythons, ascending: they cannot tell a free-threaded one."""
        return tuple(sorted({python.rstrip("t") for python in self.pythons}, key=version_key))


class Release(NamedTuple):
    """A torch release: ``released`` is a date (ISO 8601), ``local_versions`` every local version known of it."""

    version: str
    released: str
    requires_python: str
    platforms: Mapping[str, PlatformBuilds]
    local_versions: Tuple[str, ...]


class DriverFloor(NamedTuple):
    """The oldest drivers that run toolkits of one major version (NVIDIA's minor version compatibility)."""

    toolkit_major: int
    linux: str
    windows: str


class PairedDriver(NamedTuple):
    """The driver that came with a CUDA toolkit: from it on, a driver supports that toolkit natively."""

    cuda: Tuple[int, int]
    linux: str
    windows: Optional[str]


class Catalog(NamedTuple):
    """The whole catalog; ``as_of`` is the day (ISO 8601) that it was last compared with what is published.

    A catalog equals itself alone, which makes it a cheap key of caches.
    """

    as_of: str
    releases: Tuple[Release, ...]  # oldest first
    driver_floors: Tuple[DriverFloor, ...]
    paired_drivers: Tuple[PairedDriver, ...]  # oldest first
    tegra_compute_capabilities: FrozenSet[Tuple[int, int]]
    xpu_ids: Mapping[str, str]  # PCI id -> family, of the GPUs that PyTorch's XPU builds support

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def release(self, version: str) -> Release:
        """The release of this version.

        Raises:
            UnknownReleaseError: the catalog does not know it.
        """
        for release in self.releases:
            if release.version == version:
                return release
        raise UnknownReleaseError(version, tuple(release.version for release in self.releases))

    def driver_floor(self, toolkit_major: int, system: str) -> Optional[str]:
        """The oldest driver version that runs toolkits of this major, or None where the catalog has no floor for it."""
        for floor in self.driver_floors:
            if floor.toolkit_major == toolkit_major:
                return floor.windows if system == "windows" else floor.linux
        return None

    def paired_driver(self, cuda: Tuple[int, int], system: str) -> Optional[str]:
        """The driver version from which on a toolkit version is supported natively, or None where it is not known."""
        for paired in self.paired_drivers:
            if paired.cuda == cuda:
                return paired.windows if system == "windows" else paired.linux
        return None

    @property
    def newest(self) -> Release:
        """The release that an sdist is made of where nothing else is asked for."""
        return self.releases[-1]

    def torch_backends(self) -> Tuple[str, ...]:
        """Every torch backend that any release has as a build that can be pinned, in the order of a settings list."""
        found = {
            build.torch_backend
            for release in self.releases
            for platform in release.platforms.values()
            for build in platform.builds
            if build.seen
        }
        return tuple(sorted(found, key=_backend_key))


def _backend_key(torch_backend: str) -> Tuple[int, Tuple[int, ...]]:
    cuda = toolkit_version(torch_backend)
    rocm = rocm_version(torch_backend)
    if cuda:
        return 1, cuda
    if rocm:
        return 2, rocm
    return (0, ()) if torch_backend == "cpu" else (3, ())


@lru_cache(maxsize=None)
def _capabilities(numbers: Tuple[int, ...]) -> Tuple[Tuple[int, int], ...]:
    """(86, 120) as ((8, 6), (12, 0)): the last digit is the minor version. A few lists recur in hundreds of records."""
    return tuple(divmod(number, 10) for number in numbers)


def _pair(text: str) -> Tuple[int, int]:
    """(12, 4) for "12.4"."""
    major, minor = text.split(".")
    return int(major), int(minor)


def glibc_of_tag(tag: str) -> Optional[Tuple[int, int]]:
    """The glibc that a wheel's platform tag asks for, or None where the tag is no Linux tag."""
    match = _PEP600.match(tag)
    if match:
        return int(match.group(1)), int(match.group(2))
    for prefix, glibc in _LEGACY_TAGS.items():
        if tag.startswith(prefix + "_"):
            return glibc
    return None


@lru_cache(maxsize=None)
def _lowest_glibc(tags: Tuple[str, ...]) -> Optional[Tuple[int, int]]:
    found = [glibc for glibc in map(glibc_of_tag, tags) if glibc is not None]
    return min(found) if found else None


def read_data(path: str) -> str:
    """A data file's text. What imported this module reads it, so a zip will do, also one with a relative path.

    Raises:
        OSError: there is no such file.
        UnicodeDecodeError: it is not UTF-8.
    """
    loader: Any = __loader__  # type: ignore[name-defined]  # every module has one
    archive = getattr(loader, "archive", None)
    data: bytes = loader.get_data(path.replace(os.path.abspath(archive), archive, 1) if archive else path)
    return data.decode("utf-8")


def _read(directory: str, name: str) -> Dict[str, Any]:
    path = os.path.join(directory, name)
    try:
        value = json.loads(read_data(path))
    except (OSError, ValueError) as error:
        raise CatalogError(f"the catalog's file {name} cannot be read: {error}") from error
    if not isinstance(value, dict) or value.get("version") != 1:
        raise CatalogError(f"the catalog's file {name} is not of version 1")
    return value


def _build(row: Dict[str, Any], platform_tags: Tuple[str, ...]) -> Build:
    return Build(
        torch_backend=row["torch_backend"],
        local_version=row["local"],
        sm=_capabilities(tuple(row.get("sm", ()))),
        ptx=_capabilities(tuple(row.get("ptx", ()))),
        gfx=tuple(row.get("gfx", ())),
        glibc=_pair(row["glibc"])
        if "glibc" in row
        else _lowest_glibc(tuple(row["tags"]) if "tags" in row else platform_tags),
        pythons=frozenset(row["pythons"]) if "pythons" in row else None,
        own_index=row.get("own_index", False),
        seen=row["confidence"] != "unseen",
        confidence=row["confidence"],
        source=row["source"],
    )


def _platforms(rows: List[Dict[str, Any]], builds: Dict[Tuple[str, str], List[Dict[str, Any]]]) -> Dict[str, Any]:
    """The platforms of each release: {release: {platform: PlatformBuilds}}."""
    result: Dict[str, Dict[str, PlatformBuilds]] = {}
    for row in rows:
        key = (row["release"], row["platform"])
        tags = tuple(row["tags"])
        own = tuple(_build(build, tags) for build in builds.get(key, ()))
        public = None
        if row["public"] is not None:
            public = next((build for build in own if build.torch_backend == row["public"]), None)
            if public is None:
                raise CatalogError(f"builds.json has no {row['public']} build of torch {key[0]} on {key[1]}")
            public = public._replace(glibc=_lowest_glibc(tags))
        if public is None and not any(build.seen for build in own):
            continue  # nothing is known to be published there; the local versions that may be are left out all the same
        result.setdefault(key[0], {})[key[1]] = PlatformBuilds(own, public, frozenset(row["pythons"]))
    return result


def _local_versions(builds: List[Dict[str, Any]], others: List[Dict[str, Any]]) -> Dict[str, List[str]]:
    found: Dict[str, Dict[str, None]] = {}
    for row in (*builds, *others):
        if row["local"] is not None:
            found.setdefault(row["release"], {})[row["local"]] = None
    return {release: sorted(local) for release, local in found.items()}


def _load(directory: str) -> Catalog:
    releases = _read(directory, "releases.json")
    build_file = _read(directory, "builds.json")
    nvidia = _read(directory, "nvidia.json")
    intel = _read(directory, "intel.json")
    by_place: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}
    for row in build_file["builds"]:
        by_place.setdefault((row["release"], row["platform"]), []).append(row)
    platforms = _platforms(releases["platforms"], by_place)
    local_versions = _local_versions(build_file["builds"], build_file.get("other_locals", []))
    return Catalog(
        as_of=releases["as_of"],
        releases=tuple(
            Release(
                row["release"],
                row["released"],
                row["requires_python"],
                platforms[row["release"]],
                tuple(local_versions.get(row["release"], ())),
            )
            for row in releases["releases"]
        ),
        driver_floors=tuple(
            DriverFloor(row["toolkit_major"], row["linux"], row["windows"]) for row in nvidia["toolkit_floors"]
        ),
        paired_drivers=tuple(
            sorted(
                PairedDriver(_pair(row["cuda"]), row["linux"], row.get("windows")) for row in nvidia["paired_drivers"]
            )
        ),
        tegra_compute_capabilities=frozenset(map(_pair, nvidia["tegra_compute_capabilities"])),
        xpu_ids={pci_id: row["family"] for row in intel["supported"] for pci_id in row["ids"]},
    )


@lru_cache(maxsize=None)
def pair_rows(directory: str = DATA) -> Tuple[Dict[str, Any], ...]:
    """The records of projects that belong to a release, torchvision first; read apart from the catalog.

    Raises:
        CatalogError: the file is missing or damaged.
    """
    return tuple(_read(directory, "pairs.json")["pairs"])


def companions(vendor: Optional[str], release: Optional[str] = None, directory: str = DATA) -> Tuple[str, ...]:
    """Projects that builds for AMD or Intel GPUs require and that the PyTorch index alone has: their triton.

    Of one release, or of all. They are read apart from the catalog, since most machines need none of them.

    Raises:
        CatalogError: the file is missing or damaged.
    """
    if vendor not in ("amd", "intel"):
        return ()
    found = (row for row in pair_rows(directory) if row.get("vendor") == vendor and release in (None, row["release"]))
    return tuple(dict.fromkeys(row["project"] for row in found))


@lru_cache(maxsize=None)
def load(directory: str = DATA) -> Catalog:
    """The catalog in a directory, by default the package's own.

    Raises:
        CatalogError: a file is missing or damaged.
    """
    try:
        return _load(directory)
    except (KeyError, TypeError, AttributeError) as error:
        raise CatalogError(f"a record of the catalog in {directory} is incomplete: {error!r}") from error
