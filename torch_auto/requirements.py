"""How a Selection is written as requirements.

Version specifiers cannot say "the public build" directly: ``torch==2.5.1`` matches 2.5.1+cu124 as well (PEP 440,
version matching), and resolvers prefer the highest local version. So the public build is pinned by leaving every
local version of the release out by name, and "this local version, or else the public build" by leaving out the others.
Three things about the form were measured with uv, pip and Poetry, and tests hold them fast:

- ``==2.5.1.*`` and not ``==2.5.1``: Poetry takes ``==2.5.1`` to swallow the exclusion of 2.5.1+cu124, and takes it.
- On other platforms the local twin of the public build stays in (Windows: +cpu). uv takes a version's files from
  one source, and a find-links page lists macOS wheels of the bare version: without the twin, a lock made with the hint
  would hold those alone for Windows.
- An installer caches what it built for one Python and serves it to all others. So where the answer depends on the
  Python, the requirements say so in markers, and the same METADATA comes out whichever Python runs the build.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from packaging.requirements import Requirement

from torch_auto.catalog import Release
from torch_auto.selection import Selection

#: Values of the setting ``pin``.
PREFER, EXACT = "prefer", "exact"

#: platform -> (sys_platform, platform_machine), as the environment markers of PEP 508 spell them.
_MARKERS = {
    "linux_x86_64": ("linux", "x86_64"),
    "linux_aarch64": ("linux", "aarch64"),
    "win_amd64": ("win32", "AMD64"),
    "win_arm64": ("win32", "ARM64"),
    "macos_arm64": ("darwin", "arm64"),
    "macos_x86_64": ("darwin", "x86_64"),
}


def marker_of(platform: str) -> str:
    """The environment marker that is true on this platform and on no other."""
    system, machine = _MARKERS[platform]
    return f"sys_platform == '{system}' and platform_machine == '{machine}'"


def marker_of_others(platform: str) -> str:
    """The environment marker that is true everywhere but on this platform."""
    system, machine = _MARKERS[platform]
    return f"sys_platform != '{system}' or platform_machine != '{machine}'"


def _leaving_out(release: Release, but: Optional[str] = None) -> str:
    """The specifier that takes the public build and, if it is there, one local version."""
    excluded = (f"!={release.version}+{local}" for local in release.local_versions if local != but)
    return ",".join([f"=={release.version}.*", *excluded])


def _public_specifier(release: Release, platform: Optional[str]) -> str:
    """The specifier of the public build on a platform, or of its cpu build where PyPI has none."""
    here = release.platforms.get(platform or "")
    if here is None:
        return _leaving_out(release)
    twin = here.public or next((build for build in here.builds if build.torch_backend == "cpu" and build.seen), None)
    return _leaving_out(release, twin.local_version if twin is not None else None)


def _own_specifier(selection: Selection, release: Release, pin: str) -> str:
    if selection.needs is not None:
        return f"=={release.version}+needs.{selection.needs}"
    local = selection.local_version
    if local is None:
        return _public_specifier(release, selection.platform)
    if selection.public_allowed and pin == PREFER:
        return _leaving_out(release, local)
    return f"=={release.version}+{local}"


def _by_python(specifiers: Sequence[Tuple[str, str]]) -> List[Tuple[str, str]]:
    """[(Python version, specifier)], ascending, as [(marker, specifier)] with one entry per run of equal specifiers."""
    runs: List[Tuple[str, str]] = []
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


def torch_requirements(
    selections: Mapping[str, Selection], release: Release, platform: Optional[str], pin: str = PREFER
) -> Tuple[Requirement, ...]:
    """The requirements that a wheel built for these selections declares.

    ``selections`` is what the machine comes to on each Python version ("3.12"), ascending. First the pin
    of the machine's own platform, then what gives every other platform the public build, since a lock that is made on
    this machine is read on others too.
    """
    if not all(selection.requires_torch for selection in selections.values()):
        return ()
    default = _leaving_out(release)
    own = _by_python([(python, _own_specifier(item, release, pin)) for python, item in selections.items()])
    groups: Dict[str, List[str]] = {}
    for other in release.platforms:
        specifier = _public_specifier(release, other)
        if other != platform and specifier != default:
            groups.setdefault(specifier, []).append(other)
    if platform is not None and len(own) == 1 and own[0][1] in groups:
        # Written where the others of the same answer are, so that all machines of one answer have one METADATA.
        groups[own.pop()[1]].append(platform)
    elif platform is None or own == [("", default)]:
        own = []
    written: List[Tuple[str, str]] = []
    named = [item for group in groups.values() for item in group]
    if own and platform is not None:
        named.append(platform)
        own_marker = marker_of(platform)
        written.extend((specifier, f"{own_marker} and {python}" if python else own_marker) for python, specifier in own)
    for specifier, group in groups.items():
        markers = [marker_of(item) for item in sorted(group)]
        written.append((specifier, markers[0] if len(markers) == 1 else " or ".join(f"({item})" for item in markers)))
    rest = [f"({marker_of_others(item)})" for item in sorted(named)]
    written.append((default, " and ".join(rest)))
    return tuple(
        Requirement(f"torch{specifier}; {marker}" if marker else f"torch{specifier}") for specifier, marker in written
    )
