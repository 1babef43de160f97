"""The extras: projects whose builds have to be of torch's own torch backend, and what they pin.

A torchvision for CUDA beside a torch for the CPU fails with "operator torchvision::nms does not exist", and METADATA
cannot say "both local or both public": what it says of torch holds for every torchvision that it admits. So with an
extra each torch that is admitted is of one torch backend, and each torchvision of the same: PyPI's builds, wherever
torch's own pin admits PyPI's torch, and else the local versions of the machine's torch backend.
docs/guides/torchvision.md has the rules, and what was measured.
"""

from __future__ import annotations

from functools import lru_cache

from torch_auto.catalog.drivers import version_key
from torch_auto.catalog.pairs import pair_rows
from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.frozen import Frozen
from torch_auto.pins.torch import (
    accepted,
    by_python,
    counted_with,
    leaving_out,
    partition,
    public_specifier,
    render,
    sibling,
    twin_of,
)
from torch_auto.select.needs import Needs, needs_build
from torch_auto.select.reasons import because

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torch_auto.catalog.model import Catalog, PlatformBuilds, Release
    from torch_auto.catalog.torch_backends import TorchBackend
    from torch_auto.select.build import Selection
    from torch_auto.select.reasons import Reason

#: Extra -> project. What else belongs to torch needs no extra: docs/guides/torchvision.md says why of each.
EXTRAS = {"vision": "torchvision", "audio": "torchaudio"}


class Pair(Frozen):
    """The version of a project that goes with a torch release.

    ``local_versions`` are all that any index may list of it, to be left out by name. ``known`` are those that can be
    pinned, by platform; ``public`` is the torch backend of PyPI's build, by platform.
    """

    project: str
    version: str
    local_versions: tuple[str, ...]
    known: Mapping[str, tuple[str, ...]]
    public: Mapping[str, str]

    def exact(self, platform: str | None, torch_backend: str) -> str | None:
        """The specifier of a torch backend's build, or None where there is none that can be pinned."""
        known = torch_backend in self.known.get(counted_with(platform, self.public) or "", ())
        return f"=={self.version}+{torch_backend}" if known else None

    def of_public(self, platform: str | None, torch_backend: str | None, release: Release) -> str | None:
        """The specifier of PyPI's build and of its twin, or None where that is of another torch backend."""
        here = counted_with(platform, self.public) or ""
        if torch_backend is None or self.public.get(here) != torch_backend:
            return None
        # Of what nobody has seen, it is as torch has it.
        twin = torch_backend if torch_backend in self.known.get(here, ()) else None
        return leaving_out(self.version, self.local_versions, twin if here in self.known else twin_of(release, here))

    def missing(self, torch_backend: str) -> str:
        """The specifier that nothing satisfies, with a label that says why."""
        return f"=={self.version}+{needs_build(torch_backend).local_version}"


@lru_cache(maxsize=64)
def pair_of(project: str, release: str, catalog: Catalog) -> Pair | None:
    """The pair of a release, or None where none is known.

    Its public build is, on each platform, of the torch backend that torch's own is in the release that it was made for:
    one matrix makes both (the wheels on PyPI were read). torchaudio 2.11.0, the last one, serves newer releases too.
    """
    rows = [row for row in pair_rows() if row["project"] == project]
    own = next((row for row in rows if row["release"] == release), None)
    if own is None:
        return None
    releases = {item.version: item for item in catalog.releases}
    same = [row for row in rows if row["version"] == own["version"] and row["release"] in releases]
    local_versions: dict[str, None] = {}
    for row in same:
        local_versions.update(dict.fromkeys(releases[row["release"]].local_versions))
        for found in row["local_versions"].values():
            local_versions.update(dict.fromkeys(local for local in found if local is not None))
    seen = own["local_versions"] if own["confidence"] != "unseen" else {}
    made_for = releases[min((row["release"] for row in same), key=version_key)]
    return Pair(
        project,
        own["version"],
        tuple(sorted(local_versions)),
        {platform: tuple(local for local in found if local is not None) for platform, found in seen.items()},
        {
            platform: here.public.torch_backend
            for platform, here in made_for.platforms.items()
            if here.public is not None and (not seen or platform in seen)
        },
    )


# --- what goes with an installed torch ------------------------------------------------------------------------------

#: torchvision from this version on requires this torch or a newer one, and no longer one release (its METADATA).
_OPEN_ENDED = {"torchvision": ("0.29.1", "2.14.0")}
#: What a torch without a local version counts as: PyPI's build.
PYPI = "pypi"


def beside(release: Release, platform: str | None, catalog: Catalog) -> dict[str, Any]:
    """Which versions of each project go with a release's torch on a platform, as data for the record.

    ``version`` is the one that was made for the release, ``versions`` are all of them that go with it as far as is
    known, and ``newer`` says that newer ones may. ``pypi`` is the torch backend of PyPI's build. ``fits`` are, by the
    torch backend of the installed torch, the builds of ``version`` that go with it; one without a local version is
    PyPI's. Where no build for a GPU is known, the CPU's is among them: it can be imported.
    """
    here = release.platforms.get(platform or "")
    if platform is None or here is None:
        return {}
    pairs = [pair_of(project, release.version, catalog) for project in EXTRAS.values()]
    return {
        pair.project: _beside(pair, release, here, platform)
        for pair in pairs
        if pair is not None and platform in pair.public
    }


def _beside(pair: Pair, release: Release, here: PlatformBuilds, platform: str) -> dict[str, Any]:
    fits = {str(build.torch_backend): _fitting(pair, platform, build.torch_backend) for build in here.builds}
    if here.public is not None:
        fits[PYPI] = fits[here.public.torch_backend]
    start, oldest = _OPEN_ENDED.get(pair.project, (None, ""))
    newer = start is not None and version_key(release.version) >= version_key(oldest)
    versions = {row["version"] for row in pair_rows() if row["project"] == pair.project} if newer else set()
    versions = {item for item in versions if version_key(item) >= version_key(start or "")} | {pair.version}
    return {
        "version": pair.version,
        "versions": sorted(versions, key=version_key),
        "newer": newer,
        "pypi": str(pair.public[platform]),
        "fits": fits,
    }


def _fitting(pair: Pair, platform: str, torch_backend: TorchBackend) -> list[str]:
    """The versions of a project that go with a torch backend: torchvision's of the same CUDA major, too."""
    wanted = [str(torch_backend)]
    if torch_backend.toolkit is not None and pair.project == "torchvision":
        major = torch_backend.toolkit[0]
        others = [item for item in map(parse_or_none, pair.local_versions) if item is not None]
        wanted += [str(item) for item in others if item.toolkit is not None and item.toolkit[0] == major]
    known = {*pair.known.get(platform, ()), pair.public[platform]}
    if not known & {*wanted}:
        wanted.append("cpu")
    found = [f"{pair.version}+{local}" for local in dict.fromkeys(wanted)]
    return [*found, pair.version] if pair.public[platform] in wanted else found


# --- what an extra asks for ----------------------------------------------------------------------------------------


class Extra(Frozen):
    """What an extra asks for on a machine.

    ``version`` is None where no release of the project is known, ``torch_backend`` where nothing serves.
    ``requirements`` are as METADATA has them, but for the marker of the extra. ``needs`` is the label of a pin that
    nothing satisfies; ``public_allowed`` says whether PyPI's own build serves.
    """

    name: str
    project: str
    page: str
    version: str | None = None
    torch_backend: str | None = None
    public_allowed: bool = False
    needs: Needs | None = None
    requirements: tuple[str, ...] = ()
    reason: Reason = because("no-torch")


class Answer(Frozen):
    """What a release gives a machine, from which torch's own pins are made.

    ``here`` is for its own Python, ``selections`` for each that the release has wheels for, ascending. ``platform`` is
    None where no platform is told apart as the machine's own, ``pin`` is the setting, and ``named`` says that the
    user has named the torch backend.
    """

    release: Release
    catalog: Catalog
    here: Selection
    selections: Mapping[str, Selection]
    platform: str | None
    pin: str
    named: bool = False


class _Choice(Frozen):
    """Specifiers of torch, "" where its own pin does, and of the project, "" where torch's pin is not to be had."""

    torch: str
    pair: str
    torch_backend: str | None
    public_allowed: bool
    reason: Reason
    needs: Needs | None = None


def _public_choice(answer: Answer, pair: Pair, place: str | None) -> _Choice:
    """PyPI's build of the project, or its twin, beside PyPI's build of torch; another platform's, or this one's."""
    torch_backend = _public_backend(sibling(answer.release, place)) or "cpu"
    specifier = pair.of_public(place, torch_backend, answer.release)
    if specifier is None:
        return _missing(answer, pair, place, torch_backend)
    why = because("pair-on-pypi", project=pair.project, version=pair.version, torch_backend=str(torch_backend))
    return _Choice("", specifier, torch_backend, public_allowed=True, reason=why)


def _exact_choice(answer: Answer, pair: Pair, place: str, torch_backend: str, torch: str) -> _Choice:
    """The pair of one torch backend, where PyPI does not have it of both; ``torch`` narrows torch's own pin to it."""
    values = {"project": pair.project, "version": pair.version, "torch_backend": str(torch_backend)}
    exact = pair.exact(place, torch_backend)
    if exact is not None:
        why = because("pair-exact", **values, release=answer.release.version)
        return _Choice(torch, exact, torch_backend, public_allowed=False, reason=why)
    specifier = pair.of_public(place, torch_backend, answer.release)
    if specifier is not None:
        why = because("pair-public", **values, release=answer.release.version)
        return _Choice(torch, specifier, torch_backend, public_allowed=not torch, reason=why)
    return _missing(answer, pair, place, torch_backend)


def _missing(answer: Answer, pair: Pair, place: str | None, torch_backend: str) -> _Choice:
    """A pin that nothing satisfies: the project does not have a build that goes with torch here."""
    why = because(
        "pair-missing",
        project=pair.project,
        version=pair.version,
        torch_backend=str(torch_backend),
        release=answer.release.version,
        platform=place,
    )
    needs = needs_build(torch_backend)
    return _Choice("", pair.missing(torch_backend), None, public_allowed=False, reason=why, needs=needs)


def _own_choice(answer: Answer, pair: Pair, selection: Selection) -> _Choice:
    """What goes with the torch that the machine gets, on its own platform.

    Where torch's own pin admits PyPI's build, both are PyPI's build or its twin, whichever pages are in sight. Where
    it admits one local version alone, or the user has named the torch backend, both are that one.
    """
    release, platform, local = answer.release, selection.platform, selection.local_version
    torch_backend = selection.torch_backend
    if torch_backend is None:
        return _Choice("", "", None, public_allowed=False, reason=because("torch-not-for-machine"))
    if platform is None:
        return _Choice("", "", torch_backend, public_allowed=True, reason=because("no-builds-here"))
    admitted = accepted(selection, release, answer.pin)
    public = _public_backend(release.platforms.get(platform))
    if public is not None and None in admitted and (torch_backend == public or not answer.named):
        found = _public_choice(answer, pair, platform)
        if found.public_allowed:
            narrowed = "" if torch_backend == public else public_specifier(release, platform)
            return found if not narrowed else found.replace(torch=narrowed, reason=_why_public(public, pair, selection))
    torch = f"=={release.version}+{local}" if local is not None and len(admitted) > 1 else ""
    return _exact_choice(answer, pair, platform, torch_backend, torch)


def _why_public(public: str, pair: Pair, selection: Selection) -> Reason:
    """Why both are PyPI's, where torch alone would be of another torch backend; and how to get both of that one."""
    wanted = str(selection.torch_backend)
    return because(
        "pair-on-pypi-so-torch",
        project=pair.project,
        version=pair.version,
        torch_backend=public,
        wanted=wanted if pair.exact(selection.platform, wanted) is not None else None,
        gpu_unused=any(reason.code == "pypi-never-runs" for reason in selection.reasons),  # rule 2 (b)
    )


def _public_backend(here: PlatformBuilds | None) -> str | None:
    return here.public.torch_backend if here is not None and here.public is not None else None


def extras(answer: Answer, index_url: str) -> tuple[Extra, ...]:
    """What each extra asks for."""
    return tuple(_extra(answer, Extra(name, item, f"{index_url}/{item}/")) for name, item in EXTRAS.items())


def _extra(answer: Answer, empty: Extra) -> Extra:
    project, release = empty.project, answer.release.version
    pair = pair_of(project, release, answer.catalog)
    if pair is None:
        why, needs = because("pair-unknown", project=project, release=release), Needs(project)
        requirements = (f"torch=={release}+{needs.local_version}",)
        return empty.replace(requirements=requirements, needs=needs, reason=why)
    here = _own_choice(answer, pair, answer.here)
    choices = [
        (python, here if item is answer.here else _own_choice(answer, pair, item))
        for python, item in answer.selections.items()
    ]
    torch, pins = [], []
    for place, marker in partition(answer.platform):
        if place == answer.platform:
            torch.append((marker, _given([(python, item.torch) for python, item in choices])))
            pins.append((marker, _given([(python, item.pair) for python, item in choices])))
        else:
            pins.append((marker, [("", _public_choice(answer, pair, place).pair)]))
    last = leaving_out(pair.version, pair.local_versions)
    return empty.replace(
        version=pair.version,
        torch_backend=here.torch_backend,
        public_allowed=here.public_allowed,
        needs=here.needs,
        requirements=(*render("torch", "", torch), *render(project, last, pins)),
        reason=here.reason,
    )


def _given(specifiers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """As :func:`by_python`, without the Pythons for which there is none."""
    return [item for item in by_python(specifiers) if item[1]]
