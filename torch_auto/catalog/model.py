"""What PyTorch publishes, as types: releases, their builds, and what each build runs on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from torch_auto.catalog.drivers import Drivers, version_key
from torch_auto.catalog.torch_backends import TorchBackend
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _PlatformMapping = Mapping[str, "PlatformBuilds"]
else:  # Python 3.8 cannot subscript it
    _PlatformMapping = Mapping


class UnknownReleaseError(KeyError):
    """A release that the catalog does not know."""

    def __init__(self, release: str, known: tuple[str, ...]) -> None:
        super().__init__(release)
        self.release = release
        self.known = known

    def __str__(self) -> str:
        return f"torch {self.release} is not in the catalog; it knows {', '.join(self.known)}"


class Build(Frozen):
    """One release for one torch backend on one platform.

    ``local_version`` is None where the file name has no local part (macOS; Linux aarch64 up to 2.5.1), ``sm`` and
    ``ptx`` are compute capabilities, ``gfx`` LLVM targets. ``glibc`` is the lowest glibc that its wheels install on.
    ``pythons`` are those that it comes for, where they differ from PyPI's build's. ``own_index``: its wheels require
    packages that no other index has, so that PyTorch's pages are not enough. ``seen`` is False where nobody has seen
    the build: it is never pinned, and its local version is known all the same, to be left out by name. ``doubtful``:
    sources contradict each other about what code it holds, so a build that is sure comes first.
    """

    torch_backend: TorchBackend
    local_version: str | None
    sm: tuple[tuple[int, int], ...]
    ptx: tuple[tuple[int, int], ...]
    gfx: tuple[str, ...]
    glibc: tuple[int, int] | None
    pythons: frozenset[str] | None
    own_index: bool
    seen: bool
    doubtful: bool = False

    @property
    def can_be_pinned(self) -> bool:
        """Whether an installer finds it where PyTorch's pages are named."""
        return self.seen and not self.own_index

    def comes_for(self, python: str) -> bool:
        """Whether it comes for a Python, as far as it differs from its platform's; "" stands for any."""
        return not python or self.pythons is None or python in self.pythons


class PlatformBuilds(Frozen):
    """The builds of a release on one platform.

    ``public`` is PyPI's build, with the glibc floor of PyPI's own wheel, or None where PyPI has none. ``pythons`` are
    those that the release has wheels for; "3.13t" is a free-threaded one. ``macos`` is the oldest macOS that the wheels
    install on, None on other systems.
    """

    builds: tuple[Build, ...]
    public: Build | None
    pythons: frozenset[str]
    macos: tuple[int, int] | None = None

    def find(self, torch_backend: str | None) -> Build | None:
        """The build for a torch backend that somebody has seen, or None where there is none."""
        return next((build for build in self.builds if build.torch_backend == torch_backend and build.seen), None)

    @property
    def python_versions(self) -> tuple[str, ...]:
        """What markers call the Pythons, ascending: they cannot tell a free-threaded one."""
        return tuple(sorted({python.rstrip("t") for python in self.pythons}, key=version_key))


class Platforms(_PlatformMapping):
    """The platforms of a release; each is made of its records when it is first asked for."""

    def __init__(self, names: tuple[str, ...], make: Callable[[str], PlatformBuilds]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, PlatformBuilds] = {}

    def __getitem__(self, name: str) -> PlatformBuilds:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


class XpuFamily(Frozen):
    """A family of Intel's GPUs that XPU builds run on, and the first release whose documentation lists it, if any does.

    The wheels hold native code for what the documentation lists, and code that the machine compiles for all the others.
    """

    name: str
    since: str | None


class LibraryGap(Frozen):
    """A library that builds bring along and that has no code for GPUs which the rest of the build has code for.

    ``library`` is its name, ``purpose`` what torch uses it for. It is so from the release ``since`` to ``until``.
    """

    library: str
    purpose: str
    compute_capabilities: tuple[tuple[int, int], ...]
    since: str
    until: str
    torch_backends: tuple[str, ...]
    platforms: tuple[str, ...]


class Release(Frozen):
    """A torch release: ``released`` is a date (ISO 8601), ``local_versions`` every local version known of it."""

    version: str
    released: str
    requires_python: str
    platforms: Mapping[str, PlatformBuilds]
    local_versions: tuple[str, ...]

    def __hash__(self) -> int:
        return hash(self.version)


class Catalog(Frozen):
    """The whole catalog; ``as_of`` is the day (ISO 8601) that it was last compared with what is published.

    ``releases`` are sorted, the oldest first. Of ``tegra_compute_capabilities``, those in ``unified`` run the builds
    for servers from a toolkit on. Each set in ``same_code`` is of compute capabilities that run each other's code, and
    no other code of their major version.

    ``xpu_ids`` are the PCI ids of the GPUs that PyTorch's XPU builds run on, each with its family; ``xpu_too_old`` are
    the ranges of those that they do not run on. A GPU in neither, with Intel's driver, is newer than the table.
    ``gfx_overrides`` has, of AMD's targets, the value of HSA_OVERRIDE_GFX_VERSION by which ROCm takes a GPU for another
    target that shares its code, and that target.

    ``library_gaps`` say what a build's libraries lack. ``numpy_1`` are, by platform, the first releases that were not
    compiled for NumPy 1, and ``elsewhere`` what there is for systems that the catalog has no platform for. A catalog
    equals itself alone, which makes it a cheap key of caches.
    """

    as_of: str
    releases: tuple[Release, ...]
    drivers: Drivers
    tegra_compute_capabilities: frozenset[tuple[int, int]]
    unified: Mapping[tuple[int, int], tuple[int, int]]
    same_code: Mapping[tuple[int, int], frozenset[tuple[int, int]]]
    xpu_ids: Mapping[str, XpuFamily]
    xpu_too_old: tuple[tuple[str, str], ...]
    gfx_overrides: Mapping[str, tuple[str, str]]
    library_gaps: tuple[LibraryGap, ...]
    numpy_1: Mapping[str, str]
    elsewhere: Mapping[tuple[str, str], str]

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    @cached_property
    def _by_version(self) -> dict[str, Release]:
        return {release.version: release for release in self.releases}

    def release(self, version: str) -> Release:
        """The release of this version.

        Raises:
            UnknownReleaseError: the catalog does not know it.
        """
        if version not in self._by_version:
            raise UnknownReleaseError(version, tuple(self._by_version))
        return self._by_version[version]

    @property
    def newest(self) -> Release:
        """The newest release, which a checkout pins where nothing else is asked for."""
        return self.releases[-1]

    @cached_property
    def torch_backends(self) -> tuple[TorchBackend, ...]:
        """Every torch backend that any release has as a build that somebody has seen, sorted."""
        places = (here for release in self.releases for here in release.platforms.values())
        return tuple(sorted({build.torch_backend for here in places for build in here.builds if build.seen}))
