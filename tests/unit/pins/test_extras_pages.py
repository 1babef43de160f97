"""What the extras' pins install, whichever of PyTorch's pages an installer sees, by resolvers of a few lines.

For every release, kind of machine, platform and Python that the catalog has: in each state of the pages (none, torch's
alone, the project's alone, both), and for ``prefer`` and ``exact``. What the real ones do is in
tests/frontends/test_family_frontends.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from torch_auto.catalog import version_key
from torch_auto.decide import decide
from torch_auto.fleet.representatives import kinds
from torch_auto.pins.extras import EXTRAS, pair_of
from torch_auto.pins.torch import twin_of
from torch_auto.settings import EXACT, PREFER, Settings
from unit.data import CATALOG
from unit.machines import MACHINES
from unit.pins.admitted import active, admits, admitted

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from torch_auto.catalog import Release
    from torch_auto.decide import Plan
    from torch_auto.machine import Machine
    from torch_auto.pins.extras import Extra, Pair

RELEASES = CATALOG.releases
#: Which pages are in sight: torch's, the project's.
NONE, TORCHS, PROJECTS, BOTH = (False, False), (True, False), (False, True), (True, True)
STATES = (NONE, TORCHS, PROJECTS, BOTH)
#: A machine of each kind that the catalog tells apart by its GPU, its driver or its platform, and those of the tests.
EVERYONE = [*MACHINES.values(), *(kind.machine for kind in kinds(RELEASES, CATALOG)[::4])]
by_extra = pytest.mark.parametrize("name", list(EXTRAS))


@lru_cache(maxsize=None)
def torch_files(release: Release, platform: str, python: str, *, page: bool) -> frozenset[str]:
    """The versions of torch that PyPI, or torch's page, has files of for a platform and a Python."""
    here = release.platforms.get(platform)
    if here is None or python not in here.pythons:
        return frozenset()
    if not page:
        return frozenset([release.version] if here.public is not None else [])
    found = (build for build in here.builds if build.can_be_pinned and build.comes_for(python))
    return frozenset(f"{release.version}+{b.local_version}" if b.local_version else release.version for b in found)


def pair_files(pair: Pair, platform: str, *, page: bool) -> frozenset[str]:
    """The same of torchvision or torchaudio; their Pythons are torch's."""
    public = frozenset([pair.version] if platform in pair.public else [])
    if not page:
        return public
    return frozenset(f"{pair.version}+{local}" for local in pair.known.get(platform, ())) or public


@lru_cache(maxsize=None)
def chosen(specifiers: tuple[SpecifierSet, ...], files: frozenset[str]) -> str | None:
    """What a resolver takes of these files: the highest version that the specifiers admit."""
    return max((item for item in files if admits(specifiers, item)), key=Version, default=None)


class Case:
    """What a machine's pins of one release admit with an extra, on one Python."""

    def __init__(self, release: Release, wanted: tuple[str, ...], extra: Extra, platform: str, python: str) -> None:
        pair = pair_of(extra.project, release.version, CATALOG)
        assert pair is not None
        self.release, self.pair, self.platform, self.python = release, pair, platform, python
        self.plain = active(wanted, "torch", platform, python)
        self.wanted = (*wanted, *extra.requirements)
        self.torch = active(self.wanted, "torch", platform, python)
        self.other = active(self.wanted, extra.project, platform, python)
        self.torch_files = [torch_files(release, platform, python, page=page) for page in (False, True)]
        self.pair_files = [pair_files(pair, platform, page=page) for page in (False, True)]

    def __repr__(self) -> str:
        return f"torch {self.release.version} on {self.platform}, Python {self.python}: {self.wanted}"

    def plainly(self, state: tuple[bool, bool], *, project: bool = False) -> bool:
        """Whether torch-auto without the extra installs; see :meth:`installs`."""
        return chosen(self.plain, _in_sight(self.torch_files, page=state[0], project=project)) is not None

    def installs(self, state: tuple[bool, bool], *, project: bool = False) -> bool:
        """Whether torch-auto with the extra installs.

        pip and ``uv pip`` take the highest version of PyPI and the pages. In a ``project``, uv takes all files of a
        version from the page that is in sight, which has PyPI's own version for macOS: elsewhere that does not install.
        """
        torch = chosen(self.torch, _in_sight(self.torch_files, page=state[0], project=project))
        other = chosen(self.other, _in_sight(self.pair_files, page=state[1], project=project))
        return torch is not None and other is not None

    @property
    def public(self) -> bool:
        """Whether torch's own pin admits PyPI's build, and PyPI has it."""
        return chosen(self.plain, self.torch_files[0]) is not None

    @property
    def twin(self) -> bool:
        """Whether torch's own pin admits the local version that is PyPI's build, where it has one."""
        twin = twin_of(self.release, self.platform)
        return twin is None or admits(self.plain, f"{self.release.version}+{twin}")

    @property
    def label(self) -> bool:
        """Whether the pins of the project say what they need, and nothing satisfies them."""
        return any("+needs." in str(item) for item in self.other)


def _in_sight(files: list[frozenset[str]], *, page: bool, project: bool) -> frozenset[str]:
    pypi, on_page = files
    if not page:
        return pypi
    return on_page if project else pypi | on_page


@lru_cache(maxsize=None)
def plans(pin: str) -> list[tuple[Machine, list[Plan]]]:
    """What every machine gets of every release; the Python of the machine makes no difference."""
    settings = Settings(pin=pin)
    return [(machine, [decide(item, machine, settings, CATALOG) for item in RELEASES]) for machine in EVERYONE]


@lru_cache(maxsize=None)
def walks(name: str, pin: str) -> tuple[tuple[Case, ...], ...]:
    """Every kind of machine and Python, as the cases of all releases that have wheels for it; alike ones count once."""
    made: dict[object, Case] = {}
    found: dict[tuple[int, ...], tuple[Case, ...]] = {}
    for machine, own in plans(pin):
        platform = str(machine.platform)
        extras = [next(extra for extra in plan.extras if extra.name == name) for plan in own]
        for python in sorted({item for release in RELEASES for item in _pythons(release, platform)}):
            walk = []
            for release, plan, extra in zip(RELEASES, own, extras):
                if python not in _pythons(release, platform) or plan.selection.needs is not None:
                    continue
                key = (release.version, plan.requirements, extra.requirements, platform, python)
                if key not in made:
                    made[key] = Case(release, plan.requirements, extra, platform, python)
                walk.append(made[key])
            found[tuple(map(id, walk))] = tuple(walk)
    return tuple(found.values())


def _pythons(release: Release, platform: str) -> frozenset[str]:
    here = release.platforms.get(platform)
    return here.pythons if here is not None else frozenset()


def apart(release: Release) -> bool:
    """Whether PyPI's torchaudio, which is the last one, is of another torch backend than PyPI's torch of a release."""
    return version_key(release.version) >= (2, 15)


def every_case(name: str, pin: str) -> set[Case]:
    """All cases, once each."""
    return {case for walk in walks(name, pin) for case in walk}


# --- one torch backend ---------------------------------------------------------------------------------------------


@by_extra
@pytest.mark.parametrize("pin", [PREFER, EXACT])
def test_all_that_is_admitted_is_of_one_torch_backend(name: str, pin: str) -> None:
    """Whatever an index shows or lacks: every torch that is admitted, and every torchvision and torchaudio."""
    for case in every_case(name, pin):
        torch, other = admitted(case.wanted, case.release, case.pair, case.platform, case.python)
        if torch and other:
            assert len({*torch.values(), *other.values()}) == 1, case


@by_extra
def test_prefer_admits_pypis_pair_wherever_plain_admits_pypis_torch(name: str) -> None:
    """``prefer``: PyPI's builds or their twins and nothing else, where PyPI's torch serves and its pair is alike."""
    for case in every_case(name, PREFER):
        here = case.release.platforms[case.platform].public
        if not case.public or here is None or case.pair.public.get(case.platform) != here.torch_backend:
            continue
        torch, other = admitted(case.wanted, case.release, case.pair, case.platform, case.python)
        twin = f"{case.release.version}+{twin_of(case.release, case.platform)}"
        assert {case.release.version} <= {*torch} <= {case.release.version, twin}, case
        assert {case.pair.version} <= {*other}, case
        assert {*other.values()} == {here.torch_backend}, case


# --- something installs --------------------------------------------------------------------------------------------


@by_extra
def test_prefer_installs_in_every_state_of_the_pages(name: str) -> None:
    """With pip: what torch-auto installs of PyPI's it installs with the extra, whichever pages there are."""
    # But for torchaudio from 2.15.0 on: PyPI's is of another torch backend than PyPI's torch.
    for case in every_case(name, PREFER):
        if case.public and not (name == "audio" and apart(case.release)):
            assert all(case.installs(state) for state in STATES), case


@by_extra
@pytest.mark.parametrize("state", STATES)
def test_prefer_ends_the_walk_back_with_something(name: str, state: tuple[bool, bool]) -> None:
    """With pip: where any release installs, one does with the extra."""
    # But for builds that PyPI does not have at all, while the project's page is out of sight; and where the project is
    # not known to come: for Windows on Arm, and for Pythons that no torch before 2.15.0 has, torchaudio.
    for walk in walks(name, PREFER):
        if not any(case.plainly(state) for case in walk) or any(case.installs(state) for case in walk):
            continue
        assert walk[0].platform == "win_arm64" or all(
            apart(case.release) if state[1] else not case.public or apart(case.release)
            for case in walk
            if case.plainly(state)
        ), walk


@by_extra
@pytest.mark.parametrize("state", STATES)
def test_prefer_in_a_project_of_uvs(name: str, state: tuple[bool, bool]) -> None:
    """In a project of uv's the same, but for torch's page where torch's own pin leaves the twin of PyPI's build out."""
    # So it is on Linux without a GPU: +cu130 is PyPI's build there, and with it in the pin no machine would get +cpu.
    for case in every_case(name, PREFER):
        if not case.public or (name == "audio" and apart(case.release)):
            continue
        assert case.installs(state, project=True) == (case.twin or not state[0]), case


@by_extra
def test_exact_installs_with_the_pages_or_says_why(name: str) -> None:
    """``exact``, with both pages: what installs without the extra installs with it, or a label says why not."""
    # Windows on Arm is not known to have torchvision or torchaudio.
    for case in every_case(name, EXACT):
        for project in (False, True):
            if case.plainly(BOTH, project=project) and not case.installs(BOTH, project=project):
                assert case.label or case.platform == "win_arm64", case


@by_extra
def test_exact_ends_the_walk_back_with_something(name: str) -> None:
    """``exact``, with both pages: where any release installs, one does with the extra; the exceptions are prefer's."""
    for walk in walks(name, EXACT):
        if any(case.plainly(BOTH) for case in walk) and not any(case.installs(BOTH) for case in walk):
            known = walk[0].platform != "win_arm64" and not apart(walk[0].release)
            assert not known or all(case.label for case in walk if case.plainly(BOTH)), walk


def test_nothing_but_exact_admits_nothing_but_the_machines_own() -> None:
    """``exact``: one version of torch and, where PyPI has another torch backend, one of the project."""
    for case in every_case("vision", EXACT):
        torch, other = admitted(case.wanted, case.release, case.pair, case.platform, case.python)
        if torch and other and case.release.version not in torch:
            assert len(torch) == 1, case
            assert len(other) == 1 or case.pair.exact(case.platform, next(iter(torch.values()))) is None, case
