"""The catalog as it should be, from the catalog as it is and from what the indexes offer.

The functions change the catalog that they are given, which is a copy, and note what a maintainer has to look at.
What no index tells (drivers, sources, glibc of a plain linux tag) stays as it was written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from catalog_files import PLATFORMS, Record, TorchBackend, place_key, release_key
from catalog_http import FetchError
from catalog_offers import is_backend
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog_offers import Key, Offer
    from catalog_wheels import Architectures, Wheel

#: The sources that this tool writes.
SOURCES = {
    "arch-wheel": "CUDA_ARCH_FLAGS string in torch/lib/libtorch_python.so and torch/version.py of the wheel of this "
    "release and platform",
    "arch-wheel-rocm": "CUDA_ARCH_FLAGS string in torch/lib/libtorch_python.so of the wheel of this release, without "
    "the gfx targets that the rocBLAS in the wheel has no files for",
    "index-gone": "was on the PyTorch index's page of torch once, and is not any more",
    "index-page": "the PyTorch index's page of the project, as tools/refresh_catalog.py last read it (as_of)",
    "pair-carried": "the newest version of the project, whose PyPI wheel requires no torch: it serves newer ones too",
    "pair-range": "the PyPI wheel requires a range of torch: of the releases in it the one that had no version of the "
    "project, and whose PyPI wheel is of the same torch backend",
    "pypi": "PyPI's page of the project, as tools/refresh_catalog.py last read it (as_of): file names and "
    "data-requires-python",
    "pypi-wheel": "torch/version.py and the requirements of the PyPI wheel, read by range request",
    "public-is-local": "PyPI's own build is one of the index's builds: it has been for every release since 2.0.0",
    "triton-wheel": "the requirement of torch's wheel of this release for that vendor, read by range request",
}

#: The tritons that torch's wheels require, and whose GPUs they are for.
_TRITONS = {
    "triton": "nvidia",
    "pytorch-triton-rocm": "amd",
    "triton-rocm": "amd",
    "pytorch-triton-xpu": "intel",
    "triton-xpu": "intel",
}

#: ROCm as packages, which PyTorch's index has and PyPI has not: wheels that require it need that index for more.
_ROCM_PACKAGES = ("rocm", "rocm-sdk-core", "rocm-sdk-libraries")

BUILD_KEYS = (
    "release", "platform", "torch_backend", "local", "tags", "pythons", "glibc", "own_index", "sm", "ptx", "gfx",
    "arch_confidence", "arch_source", "size", "confidence", "source",
)  # fmt: skip

PLACE_KEYS = ("release", "platform", "public", "pythons", "tags", "size", "confidence", "source")

#: More builds than this never vanished at once: a page that misses so many is no page of the whole index.
MAX_REMOVALS = 20


class RefreshError(Exception):
    """What the indexes offer does not fit together; the message says what."""


class Readers(NamedTuple):
    """How wheels are read: functions of a URL that raise FetchError."""

    wheel: Callable[[str], Wheel]
    architectures: Callable[[str], Architectures | None]
    targets: Callable[[str], tuple[str, ...] | None]
    size: Callable[[str], int | None]


class Update:
    """A catalog in change: ``files`` are the values of its files by name, ``notes`` what a maintainer has to know."""

    def __init__(self, files: dict[str, Record], readers: Readers, date: str) -> None:
        self.files = files
        self.notes: list[str] = []
        self.readers = readers
        self._date = date

    # --- PyPI ------------------------------------------------------------------------------------------------

    def public_side(self, offers: Mapping[Key, Offer], *, read_all: bool) -> None:
        """Releases, Python versions, tags and public builds, from PyPI's page of torch.

        A wheel is read where the public build is not known from one: of every platform with ``read_all``.

        Raises:
            FetchError: a wheel that should be read cannot be.
            RefreshError: the files of a release contradict each other.
        """
        first = min(release_key(record["release"]) for record in self.records("releases.json", "releases"))
        by_release: dict[str, dict[str, Offer]] = {}
        for (release, local, platform), offer in offers.items():
            if local is None and release_key(release) >= first:
                by_release.setdefault(release, {})[platform] = offer
        for release in sorted(by_release, key=release_key):
            self._release(release, by_release[release])
            for platform in sorted(by_release[release], key=PLATFORMS.index):
                self._public(release, platform, by_release[release][platform], read_all=read_all)
        for record in self.records("releases.json", "platforms"):
            if record["public"] is not None and record["platform"] not in by_release.get(record["release"], {}):
                self.notes.append(f"torch {record['release']} is gone from PyPI on {record['platform']}")
                record.update(public=None, confidence="verified", source="pypi")
                record.pop("size", None)

    def _release(self, release: str, platforms: dict[str, Offer]) -> None:
        ranges = {text for offer in platforms.values() for text in offer.requires_python}
        if len(ranges) != 1:
            raise RefreshError(f"the files of torch {release} name {len(ranges)} ranges of Python: {sorted(ranges)}")
        known = self.find("releases.json", "releases", release=release)
        if known is not None:
            known["requires_python"] = ranges.pop()
            return
        dates = [offer.uploaded for offer in platforms.values() if offer.uploaded]
        if not dates:
            self.notes.append(f"torch {release} is dated {self._date}, the day of this refresh: the page has no dates")
        record = {"release": release, "released": min(dates, default=self._date), "requires_python": ranges.pop()}
        self.records("releases.json", "releases").append({**record, "source": "pypi"})

    def _public(self, release: str, platform: str, offer: Offer, *, read_all: bool) -> None:
        record = self.find("releases.json", "platforms", release=release, platform=platform)
        if record is None:
            record = {"release": release, "platform": platform, "public": None, "pythons": [], "tags": []}
            self.records("releases.json", "platforms").append(record)
        record.update(pythons=list(offer.pythons), tags=list(offer.tags))
        self._size(record, offer)
        if read_all or record["public"] is None or record["confidence"] != "verified":
            wheel = self.readers.wheel(offer.url)
            if wheel.version != release:
                raise FetchError(offer.url, f"says that it is version {wheel.version}")
            record["public"] = self._backend(wheel, platform, offer.url)
            record.update(confidence="verified", source="pypi-wheel")
            if TorchBackend(record["public"]).toolkit is not None:
                self._triton(release, wheel)
        if self.find("builds.json", "builds", release=release, platform=platform, torch_backend=record["public"]):
            return
        local = None if platform.startswith("macos") else record["public"]
        build = {"release": release, "platform": platform, "torch_backend": record["public"], "local": local}
        build.update(self._architectures(record["public"], offer.url))
        self._note_drivers(record["public"])
        build.update(confidence="inferred" if self._known(build) else "unseen", source="public-is-local")
        self.records("builds.json", "builds").append(build)

    @staticmethod
    def _backend(wheel: Wheel, platform: str, url: str) -> str:
        local = (wheel.own_version or "").partition("+")[2]
        if not local:
            # Wheels for macOS, and early ones for Linux aarch64, call themselves by the release alone.
            if _requires_nvidia(wheel, platform):
                raise FetchError(url, "requires NVIDIA's libraries and does not say for which CUDA it is built")
            return "cpu"
        if not is_backend(local):
            raise FetchError(url, f"says that it is {wheel.own_version}, and {local} is no torch backend that is known")
        return local

    def _architectures(self, torch_backend: str, url: str) -> Record:
        """What a new build record says of GPU architectures: nothing for cpu and xpu."""
        if torch_backend in ("cpu", "xpu"):
            return {}
        name = url.rpartition("/")[2]
        try:
            if torch_backend.startswith("rocm"):
                targets = self.readers.targets(url)
                if targets is not None:
                    return {"gfx": list(targets), "arch_confidence": "verified", "arch_source": "arch-wheel-rocm"}
            else:
                read = self.readers.architectures(url)
                if read is not None:
                    found = {"sm": list(read.sm), "ptx": list(read.ptx)}
                    return {**found, "arch_confidence": "verified", "arch_source": "arch-wheel"}
            self.notes.append(f"{name} does not tell its GPUs: look them up by hand; it is not pinned")
        except FetchError as error:
            self.notes.append(f"{error}; without its architectures the build is not pinned")
        unknown: Record = {"gfx": []} if torch_backend.startswith("rocm") else {"sm": [], "ptx": []}
        return {**unknown, "arch_confidence": "unknown", "arch_source": None}

    def _known(self, build: Record) -> bool:
        """Whether it is known what a build runs on, so that it can be pinned: its GPUs, and the oldest driver."""
        if build["torch_backend"] in ("cpu", "xpu"):
            return True
        cuda = TorchBackend(build["torch_backend"]).toolkit
        if cuda is None:
            return bool(build.get("gfx"))
        floor = self.find("nvidia.json", "toolkit_floors", toolkit_major=cuda[0])
        return floor is not None and bool(build.get("sm"))

    def _size(self, record: Record, offer: Offer) -> None:
        """The bytes of the wheel that an offer opens: asked for once, since no file of an index changes."""
        if "size" in record:
            return
        try:
            size = offer.size if offer.size is not None else self.readers.size(offer.url)
        except FetchError:
            return  # the next refresh asks again: nothing is decided by it
        if size is not None:
            record["size"] = size

    def _note_drivers(self, torch_backend: str) -> None:
        """Note, of a build that is new, which facts about drivers nvidia.json lacks."""
        major, minor = TorchBackend(torch_backend).toolkit or (None, None)
        note = ""
        if major is not None and self.find("nvidia.json", "toolkit_floors", toolkit_major=major) is None:
            note = f"nvidia.json has no driver for CUDA {major}.x: builds for it are not pinned"
        elif major is not None and self.find("nvidia.json", "paired_drivers", cuda=f"{major}.{minor}") is None:
            note = f"nvidia.json has no driver that came with CUDA {major}.{minor}"
        if note and note not in self.notes:
            self.notes.append(note)

    def _requirements(self, build: Record, url: str) -> None:
        """What a build for AMD or Intel requires beside torch: its triton, and an index of its own for ROCm."""
        try:
            wheel = self.readers.wheel(url)
        except FetchError as error:
            self.notes.append(f"{error}; what the build requires is not known")
            return
        self._triton(build["release"], wheel)
        if any(Requirement(line).name in _ROCM_PACKAGES for line in wheel.requires):
            build["own_index"] = True
        else:
            build.pop("own_index", None)

    def _triton(self, release: str, wheel: Wheel) -> None:
        """The record of the triton that a wheel requires: one version of one project for each vendor."""
        for requirement in map(Requirement, wheel.requires):
            versions = [part.version for part in requirement.specifier if part.operator in ("==", "~=")]
            if requirement.name not in _TRITONS or len(versions) != 1:
                continue
            vendor = _TRITONS[requirement.name]
            pairs = self.records("pairs.json", "pairs")
            for pair in [pair for pair in pairs if pair["release"] == release and pair.get("vendor") == vendor]:
                if (pair["project"], pair["version"]) == (requirement.name, versions[0]):
                    break
                pairs.remove(pair)
            else:
                record: Record = {"project": requirement.name, "version": versions[0], "release": release}
                record.update(vendor=vendor, local_versions={}, confidence="verified", source="triton-wheel")
                pairs.append(record)

    # --- the PyTorch index -----------------------------------------------------------------------------------

    def index_side(self, offers: Mapping[Key, Offer], *, max_removals: int = MAX_REMOVALS) -> None:
        """Local versions, their tags and Python versions, from the PyTorch index's page of torch.

        Raises:
            RefreshError: so many builds are missing that the page cannot be the whole one.
        """
        releases = {record["release"] for record in self.records("releases.json", "releases")}
        for key in sorted(offers, key=lambda key: (release_key(key[0]), key[1] or "", PLATFORMS.index(key[2]))):
            release, local, platform = key
            if release not in releases:
                continue  # older than the catalog, or not yet on PyPI: PyPI's page decides what a release is
            if local is None or is_backend(local):
                self._index_build(release, local, platform, offers[key])
            else:
                self._other_local(release, local, platform)
        self._removals(offers, max_removals)

    def _index_build(self, release: str, local: str | None, platform: str, offer: Offer) -> None:
        build = self.find("builds.json", "builds", release=release, platform=platform, local=local)
        if build is None:
            if local is None:
                return  # a copy of PyPI's wheel, which is not a build of its own
            build = {"release": release, "platform": platform, "torch_backend": local, "local": local, "confidence": ""}
            build.update(self._architectures(local, offer.url))
            self._note_drivers(local)
            self.records("builds.json", "builds").append(build)
            self._forget_other(release, local, platform)
        elif [] in (build.get("sm"), build.get("gfx")):
            notes = [*self.notes]
            build.update(self._architectures(build["torch_backend"], offer.url))
            self.notes = notes  # what was not known before was said before
        confidence = "verified" if self._known(build) else "unseen"
        if build["confidence"] in ("", "unseen") and build["torch_backend"].startswith(("rocm", "xpu")):
            self._requirements(build, offer.url)
        if build["confidence"] != confidence:
            build.update(confidence=confidence, source="index-page")
        place = self.find("releases.json", "platforms", release=release, platform=platform)
        if place is None:
            place = {"release": release, "platform": platform, "public": None, "pythons": list(offer.pythons)}
            place.update(tags=list(offer.tags), confidence="verified", source="index-page")
            self.records("releases.json", "platforms").append(place)
        elif place["public"] is None:
            place.update(pythons=list(offer.pythons), tags=list(offer.tags))
        if local is not None:
            self._size(build, offer)
            _own(build, "tags", offer.tags if platform.startswith("linux") else place["tags"], place["tags"])
            _own(build, "pythons", offer.pythons, place["pythons"])

    def _other_local(self, release: str, local: str, platform: str) -> None:
        others = self.files["builds.json"].setdefault("other_locals", [])
        record = self.find("builds.json", "other_locals", release=release, local=local)
        if record is None:
            record = {"release": release, "local": local, "platforms": [], "confidence": "", "source": ""}
            others.append(record)
        if platform not in record["platforms"]:
            record["platforms"] = sorted([*record["platforms"], platform], key=PLATFORMS.index)
        if record["confidence"] != "verified":
            record.update(confidence="verified", source="index-page")

    def _forget_other(self, release: str, local: str, platform: str) -> None:
        record = self.find("builds.json", "other_locals", release=release, local=local)
        if record is not None:
            record["platforms"] = [known for known in record["platforms"] if known != platform]
            if not record["platforms"]:
                self.records("builds.json", "other_locals").remove(record)

    def _removals(self, offers: Mapping[Key, Offer], limit: int) -> None:
        gone = [
            build
            for build in self.records("builds.json", "builds")
            if build["local"] is not None
            and build["confidence"] != "unseen"
            and (build["release"], build["local"], build["platform"]) not in offers
        ]
        if len(gone) > limit:
            raise RefreshError(
                f"the index's page of torch has not {len(gone)} builds that the catalog has: nothing is changed"
            )
        for build in gone:
            # Its name stays, so that a pin of the public build still leaves it out wherever a mirror has it.
            build.update(confidence="unseen", source="index-gone")

    # --- the files -------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Put records in order, and into sources.json what they name and nothing else.

        Raises:
            RefreshError: a record names a source that nothing explains.
        """
        for record in (builds := self.records("builds.json", "builds")):
            ordered = {key: record[key] for key in BUILD_KEYS if key in record}
            record.clear()
            record.update(ordered)
        builds.sort(key=place_key)
        self.records("builds.json", "other_locals").sort(
            key=lambda other: (release_key(other["release"]), other["local"])
        )
        self.records("releases.json", "releases").sort(key=lambda record: release_key(record["release"]))
        for place in (places := self.records("releases.json", "platforms")):
            ordered = {key: place[key] for key in PLACE_KEYS if key in place}
            place.clear()
            place.update(ordered)
        places.sort(key=place_key)
        projects = list(dict.fromkeys(record["project"] for record in self.records("pairs.json", "pairs")))
        self.records("pairs.json", "pairs").sort(
            key=lambda pair: (
                projects.index(pair["project"]),
                release_key(pair["release"]),
                release_key(pair["version"]),
            )
        )
        texts = {**self.files["sources.json"]["sources"], **SOURCES}
        named = {name for value in self.files.values() for name in _sources(value)}
        if unknown := named - texts.keys():
            raise RefreshError(f"sources.json does not explain {', '.join(sorted(unknown))}")
        self.files["sources.json"]["sources"] = {name: texts[name] for name in sorted(named)}

    def records(self, file: str, name: str) -> list[Record]:
        """One list of one file, to be changed in place."""
        records: list[Record] = self.files[file][name]
        return records

    def find(self, file: str, name: str, **values: Any) -> Record | None:
        """The record whose values are these, or None."""
        for record in self.records(file, name):
            if all(record[key] == value for key, value in values.items()):
                return record
        return None


def _own(build: Record, key: str, offered: tuple[str, ...] | list[str], usual: list[str]) -> None:
    """Keep a build's own list only where it differs from the platform's."""
    if list(offered) == usual:
        build.pop(key, None)
    else:
        build[key] = list(offered)


def _requires_nvidia(wheel: Wheel, platform: str) -> bool:
    """Whether a wheel requires NVIDIA's libraries on its own platform: many name those of another one too."""
    system, _, machine = platform.partition("_")
    environment = {
        "platform_system": {"linux": "Linux", "win": "Windows", "macos": "Darwin"}[system],
        "platform_machine": {"amd64": "AMD64"}.get(machine, machine),
        "extra": "",
    }
    required = map(Requirement, wheel.requires)
    return any(
        requirement.name.startswith("nvidia-") and (not requirement.marker or requirement.marker.evaluate(environment))
        for requirement in required
    )


def _sources(value: Any) -> set[str]:
    """Every name of a source in a value, wherever it stands."""
    if isinstance(value, list):
        return {name for item in value for name in _sources(item)}
    if not isinstance(value, dict):
        return set()
    own = {text for key, text in value.items() if key.endswith("source") and isinstance(text, str)}
    return own | {name for item in value.values() for name in _sources(item)}
