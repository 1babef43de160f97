"""How a Selection is written as requirements.

Version specifiers cannot say "PyPI's build" directly: ``torch==2.5.1`` matches 2.5.1+cu124 as well (PEP 440,
version matching), and resolvers prefer the highest local version. So PyPI's build is pinned by leaving every
local version of the release out by name, and "this local version, or else PyPI's build" by leaving out the others.
Three things about the form were measured with uv, pip and Poetry, and tests hold them fast:

- ``==2.5.1.*`` and not ``==2.5.1``: Poetry takes ``==2.5.1`` to swallow the exclusion of 2.5.1+cu124, and takes it.
- On other platforms the local twin of PyPI's build stays in (Windows: +cpu). uv takes a version's files from
  one source, and a find-links page lists macOS wheels of the bare version: without the twin, a lock made with
  PyTorch's page would hold those alone for Windows.
- An installer caches what it built for one Python and serves it to all others. So where the answer depends on the
  Python, the requirements say so in markers, and the same METADATA comes out whichever Python runs the build.
"""

from __future__ import annotations

from torch_auto.frozen import Frozen
from torch_auto.settings import PREFER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from torch_auto.catalog.model import Build, PlatformBuilds, Release
    from torch_auto.select.build import Selection


class _System(Frozen):
    """A third of the world, told apart by sys_platform; its platforms by platform_machine (PEP 508)."""

    marker: str
    platforms: Mapping[str, str]  # platform -> platform_machine; the first is told apart, the last is all the others


# Machines that no wheel is for count with one that is: the installer then says that there is no wheel, where a pin that
# held on known machines alone would leave torch out in silence. Few and short markers keep its own errors legible.
_SYSTEMS = (
    _System("sys_platform == 'linux'", {"linux_x86_64": "x86_64", "linux_aarch64": "aarch64"}),
    _System("sys_platform == 'win32'", {"win_amd64": "AMD64", "win_arm64": "ARM64"}),
    _System("sys_platform != 'linux' and sys_platform != 'win32'", {"macos_x86_64": "x86_64", "macos_arm64": "arm64"}),
)


def leaving_out(version: str, local_versions: Sequence[str], *but: str | None) -> str:
    """The specifier that takes PyPI's build, and those of the local versions that are in ``but``, the highest first."""
    return ",".join([f"=={version}.*", *(f"!={version}+{local}" for local in local_versions if local not in but)])


def _leaving_out(release: Release, *but: str | None) -> str:
    return leaving_out(release.version, release.local_versions, *but)


def public_specifier(release: Release, platform: str | None) -> str:
    """The specifier of PyPI's build on a platform, or of its cpu build where PyPI has none."""
    return _leaving_out(release, twin_of(release, platform))


def twin_of(release: Release, platform: str | None) -> str | None:
    """The local version that the PyTorch index gives PyPI's build of a platform, if it gives it one."""
    here = sibling(release, platform)
    if here is None:
        return None
    twin = here.public or here.find("cpu")
    return twin.local_version if twin is not None else None


def sibling(release: Release, platform: str | None) -> PlatformBuilds | None:
    """The release's builds for a platform, or for the same system on another machine: what it is counted with."""
    return release.platforms.get(counted_with(platform, release.platforms) or "")


def counted_with(platform: str | None, known: Container[str]) -> str | None:
    """A platform if it is known, or else another machine of the same system; None where there is neither."""
    if platform in known:
        return platform
    names = next((list(system.platforms) for system in _SYSTEMS if platform in system.platforms), [])
    return next((name for name in names if name in known), None)


def accepted(selection: Selection, release: Release, pin: str) -> tuple[str | None, ...]:
    """The local versions that the machine's own pin admits, of those that are known; None stands for PyPI's build."""
    if selection.needs is not None:
        return ()
    local = selection.local_version
    if local is None:
        twin = twin_of(release, selection.platform)
        return (None,) if twin is None else (None, twin)
    if not selection.public_allowed or pin != PREFER:
        return (local,)
    twin = lower_twin(release, selection.platform, local)
    return (local, None) if twin is None else (local, None, twin)


def _own_specifier(selection: Selection, release: Release, pin: str) -> str:
    if selection.needs is not None:
        return f"=={release.version}+{selection.needs.local_version}"
    admitted = accepted(selection, release, pin)
    return _leaving_out(release, *admitted) if None in admitted else f"=={release.version}+{admitted[0]}"


def lower_twin(release: Release, platform: str | None, local_version: str) -> str | None:
    """PyPI's build's twin, where the local version that is wanted is the higher one.

    It stays in as well then: an installer that cannot have the wanted one, say ROCm's without the page of its triton,
    still finds PyPI's build's files on the same page.
    """
    twin = twin_of(release, platform)
    return twin if twin is not None and _segment(twin) < _segment(local_version) else None


def _segment(local_version: str) -> str:
    """The part of a local version that decides its order here: PEP 440 compares segments as text."""
    return local_version.split(".", maxsplit=1)[0]


def by_python(specifiers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """[(Python version, specifier)], ascending, as [(marker, specifier)] with one entry per run of equal specifiers."""
    runs: list[tuple[str, str]] = []
    for python, specifier in specifiers:
        if not runs or runs[-1][1] != specifier:
            runs.append((python, specifier))
    result = []
    for number, (first, specifier) in enumerate(runs):
        bounds = [f"python_version >= '{first}'"] if number else []
        if number + 1 < len(runs):
            bounds.append(f"python_version < '{runs[number + 1][0]}'")
        result.append((" and ".join(bounds), specifier))
    return result


def partition(own: str | None) -> list[tuple[str, str]]:
    """[(platform, marker)]: a partition of the world in which the machine's own platform has a place to itself."""
    places = []
    for system in _SYSTEMS:
        names = list(system.platforms)
        first, other = (names[1], names[0]) if own == names[1] else (names[0], names[1])
        machine = system.platforms[first]
        places.append((first, f"{system.marker} and platform_machine == '{machine}'"))
        places.append((other, f"{system.marker} and platform_machine != '{machine}'"))
    return places


def _joined(markers: list[str]) -> str:
    """One marker for several places: a system's two places are the system, all places are everywhere."""
    left = list(markers)
    joined = []
    for system in _SYSTEMS:
        here = [marker for marker in left if marker.startswith(system.marker)]
        joined.extend([system.marker] if len(here) == 2 else here)  # noqa: PLR2004  # a system has two places
    if joined == [system.marker for system in _SYSTEMS]:
        return ""
    return joined[0] if len(joined) == 1 else " or ".join(f"({marker})" for marker in joined)


def torch_requirements(
    selections: Mapping[str, Selection], release: Release, platform: str | None, pin: str = PREFER
) -> tuple[str, ...]:
    """The requirements that a wheel built for these selections declares.

    ``selections`` is what the machine comes to on each Python version ("3.12"), ascending. They pin torch on the
    machine's own platform, and give every other platform PyPI's build, since a lock that is made on this machine is
    read on others too. On each platform and Python exactly one of them holds.
    """
    own = [(python, _own_specifier(item, release, pin)) for python, item in selections.items()]
    return render(
        "torch",
        _leaving_out(release),
        [
            (marker, by_python(own) if place == platform else [("", public_specifier(release, place))])
            for place, marker in partition(platform)
        ],
    )


def group_places(
    release: Release, torch_backend: str, specifier: Callable[[str, Build | None], str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What :func:`render` takes, for a dependency group: ``specifier`` is asked for each platform, Python and build."""
    from torch_auto.select.groups import group_build  # noqa: PLC0415  # most builds are without groups

    places = []
    for place, marker in partition(None):
        here = sibling(release, place)
        found = []
        for python in (here.python_versions if here is not None else ()) or ("",):
            build = group_build(here, torch_backend, python) if here is not None else None
            found.append((python, specifier(place, build)))
        places.append((marker, by_python(found)))
    return places


def render(project: str, last: str, places: Sequence[tuple[str, list[tuple[str, str]]]]) -> tuple[str, ...]:
    """[(marker of a place, [(marker of Pythons, specifier)])] as requirements, as few as there are answers.

    The specifier ``last`` goes last: that of PyPI's build alone.
    """
    groups: dict[tuple[str, str], list[str]] = {}  # (specifier, marker of the Pythons) -> markers of the places
    for marker, pins in places:
        for python, specifier in pins:
            groups.setdefault((specifier, python), []).append(marker)
    written = []
    # uv solves in this order, and takes what it has taken on one platform on the next
    # as well if it may: a bare 2.5.1 first, whose files on the find-links page are macOS's, would be Windows' too.
    for (specifier, python), markers in sorted(groups.items(), key=lambda item: item[0][0] == last):
        joined = _joined(markers)
        if python and " or " in joined:
            joined = f"({joined})"
        marker = " and ".join(part for part in (joined, python) if part)
        written.append(f"{project}{specifier}; {marker}" if marker else f"{project}{specifier}")
    return tuple(written)
