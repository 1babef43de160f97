"""Which groups are written: those of the options, or else those that are there, or else the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch_auto.catalog import UnknownReleaseError, version_key
from torch_auto.cli.errors import UserError
from torch_auto.cli.machine_files import read_all
from torch_auto.cli.portable.edits import ALL, CPU
from torch_auto.cli.releases import all_of, split
from torch_auto.fleet import fewest
from torch_auto.pins.extras import EXTRAS
from torch_auto.select.groups import Group, group_of, groups_text, parse_groups
from torch_auto.select.words import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.catalog import Catalog
    from torch_auto.cli.portable.edits import Written
    from torch_auto.machine import Machine

#: Values of --with and the projects that they stand for.
FAMILY = EXTRAS
#: The value of --with that takes away what an earlier run wrote.
NO_FAMILY = "none"


class Options(NamedTuple):
    """What the command line says, as it was typed; None where it says nothing. ``tool`` is that of --for."""

    backends: str | None = None
    releases: str | None = None
    family: str | None = None
    default: str | None = None
    machines: Sequence[str] | None = None
    portable: bool = True
    upgrade: bool = False
    tool: str | None = None


class Choice(NamedTuple):
    """The groups, cpu first, the projects beside torch, the layout of the default groups, and why these groups."""

    groups: tuple[Group, ...]
    family: tuple[str, ...]
    default: str
    reasons: tuple[str, ...]


class OptionsError(UserError):
    """Options are wrong; the message has all faults."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n  - ".join(["an option is wrong:", *faults]))


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def _can_be_group(release: str, torch_backend: str, catalog: Catalog) -> bool:
    try:
        return bool(parse_groups(f"{release}+{torch_backend}", catalog))
    except ValueError:
        return False


def _backends(text: str | None, catalog: Catalog, faults: list[str]) -> list[str]:
    found = _listed(text)
    valid = catalog.torch_backends
    unknown = [repr(item) for item in found if item not in valid]
    if unknown:
        faults.append(f"--backends: {', '.join(unknown)} is not a torch backend; valid are {', '.join(valid)}")
    if text is not None and not found:
        faults.append(f"--backends is empty; valid are {', '.join(valid)}")
    return [item for item in dict.fromkeys([CPU, *found]) if item in valid] if found else []


def _releases(text: str | None, catalog: Catalog, faults: list[str]) -> list[str]:
    words = split(text or "")
    found: list[str] = []
    for word in words:
        try:
            found += all_of([word], catalog)
        except (UnknownReleaseError, UserError) as error:
            faults.append(f"--releases: {error}")
    if text is not None and not words:
        valid = ", ".join(release.version for release in catalog.releases)
        faults.append(f"--releases is empty; valid are {valid}")
    return sorted(dict.fromkeys(found), key=version_key, reverse=True)


def _family(text: str | None, present: tuple[str, ...], faults: list[str]) -> tuple[str, ...]:
    if text is None:
        return present
    found = _listed(text)
    unknown = [repr(item) for item in found if item not in (*FAMILY, NO_FAMILY)]
    if unknown or not found or (NO_FAMILY in found and len(found) > 1):
        what = ", ".join(unknown) or repr(text)
        faults.append(f"--with: {what} is not valid; valid are {', '.join(FAMILY)}, or {NO_FAMILY}")
    return tuple(project for name, project in FAMILY.items() if name in found)


def _for_each(releases: Sequence[str], backends: Sequence[str], catalog: Catalog, faults: list[str]) -> list[Group]:
    """Each torch backend in the newest of the releases that has it."""
    groups = []
    for torch_backend in backends:
        release = next((item for item in releases if _can_be_group(item, torch_backend, catalog)), None)
        if release is not None:
            groups.append(group_of(release, torch_backend))
            continue
        have = [item.version for item in catalog.releases if _can_be_group(item.version, torch_backend, catalog)]
        where = f"{', '.join(have)} have it" if have else "no release has such a build that can be locked"
        faults.append(f"--backends: torch {' or '.join(releases)} has no {torch_backend}; {where}")
    return groups


def newest_with_groups(groups: Sequence[Group], catalog: Catalog) -> str | None:
    """The newest release that has the torch backends of groups, if it is newer than all of them."""
    newest = _newest_with([item.torch_backend for item in groups], catalog, [])
    if newest is None or any(version_key(item.release) >= version_key(newest) for item in groups):
        return None
    return newest


def _newest_with(backends: Sequence[str], catalog: Catalog, faults: list[str]) -> str | None:
    """The newest release that has all of the torch backends."""
    have: dict[str, list[str]] = {}
    for release in reversed(catalog.releases):
        have[release.version] = [item for item in backends if _can_be_group(release.version, item, catalog)]
        if len(have[release.version]) == len(backends):
            return release.version
    most = max(have, key=lambda version: len(have[version]))
    missing = ", ".join(item for item in backends if item not in have[most])
    faults.append(
        f"--backends: no release has {', '.join(backends)} together; torch {most} lacks {missing}. "
        "Name several with --releases: each torch backend then comes from the newest of them that has it"
    )
    return None


class Present(NamedTuple):
    """What is there, and stays where no option says otherwise.

    ``groups`` are those that an earlier run wrote, ``default`` is the layout that it wrote. ``extras`` are those of
    torch-auto that the project requires: with groups they ask for nothing, so the groups have to.
    """

    groups: tuple[Written, ...] = ()
    default: str | None = None
    extras: tuple[str, ...] = ()

    @property
    def family(self) -> tuple[str, ...]:
        """The projects beside torch."""
        projects = [project for item in self.groups for project in item.family]
        return tuple(dict.fromkeys([*projects, *(FAMILY[name] for name in self.extras)]))


def choose(options: Options, present: Present, catalog: Catalog) -> Choice:
    """The groups that the options ask for.

    Raises:
        OptionsError: options are wrong; all of them are named.
    """
    faults: list[str] = []
    backends = _backends(options.backends, catalog, faults)
    releases = _releases(options.releases, catalog, faults)
    family = _family(options.family, present.family, faults)
    machines = read_all(options.machines or (), faults)
    if not options.portable:
        names = "--backends, --releases, --with, --default, --machine and --upgrade"
        faults.append(f"{names} need --portable")
    if options.machines and options.backends is not None:
        faults.append("--machine chooses the torch backends, so leave out --backends")
    if options.upgrade and (options.machines or options.backends is not None or options.releases is not None):
        faults.append("--upgrade keeps the torch backends and takes the newest release; leave out what chooses others")
    if options.upgrade and not present.groups:
        faults.append("--upgrade: there are no torch groups yet")
    if options.default not in (None, CPU, ALL):
        faults.append(f"--default: {options.default!r} is not valid; valid are {CPU}, {ALL}")
    if faults:
        raise OptionsError(faults)
    if options.upgrade:
        backends = [item.group.torch_backend for item in present.groups]
    groups, reasons = _groups(_Asked(backends, releases, machines, present.groups), catalog, faults)
    if faults:
        raise OptionsError(faults)
    return Choice(tuple(groups), family, options.default or present.default or CPU, tuple(reasons))


class _Asked(NamedTuple):
    """Options that are valid, each for itself, and the groups that are there."""

    backends: Sequence[str]
    releases: Sequence[str]
    machines: Sequence[tuple[str, Machine]]
    present: Sequence[Written]


def _why(seat: fewest.Seat) -> str:
    return " ".join(sentences(seat.reasons))


def _for_machines(asked: _Asked, catalog: Catalog, faults: list[str]) -> tuple[list[Group], list[str]]:
    """The fewest groups of one release that cover the machines, and others for those that it leaves out."""
    fleet = fewest.cover(asked.machines, catalog, asked.releases)
    if fleet.fewest is None:
        faults.extend(
            f"--machine: {', '.join(seat.labels)}: {' '.join(sentences(seat.reasons))}" for seat in fleet.apart
        )
        return [], []
    groups = list(fleet.fewest.groups)
    if groups[0].torch_backend != CPU:
        groups.insert(0, group_of(fleet.fewest.release, CPU))
    reasons = [f"torch {fleet.fewest.release} is the newest release that supports most of the machines."]
    for seat in (*fleet.fewest.seats, *fleet.apart):
        own = seat.chosen.group if seat.chosen is not None else None
        if own is not None and own.name not in [group.name for group in groups]:
            groups.append(own)
        served = f"{own.name}." if own is not None and own in groups else f"no group supports it. {_why(seat)}"
        reasons.append(f"{', '.join(seat.labels)}: {served}")
    return groups, reasons


def _groups(asked: _Asked, catalog: Catalog, faults: list[str]) -> tuple[list[Group], list[str]]:
    """The groups, and why these."""
    backends, releases = asked.backends, asked.releases
    if asked.machines:
        return _for_machines(asked, catalog, faults)
    if backends and not releases:
        newest = _newest_with(backends, catalog, faults)
        reasons = [f"torch {newest} is the newest release that has {', '.join(backends)}."]
        return (_for_each([newest], backends, catalog, faults) if newest else []), reasons
    if not backends and not releases and asked.present:
        groups = [item.group for item in asked.present]
        try:
            parse_groups(groups_text(tuple(groups)), catalog)
        except ValueError as error:
            faults.append(f"the existing groups: {error}. Choose others with --releases and --backends")
        return groups, ["The existing groups stay, since no option names others."]
    reasons = []
    if not releases:
        releases = [fewest.default_release(catalog)]
        reasons.append(fewest.why_default(catalog))
    if not backends:
        smallest = {item for release in releases for item in fewest.smallest_set(release, catalog)}
        backends = [CPU, *(item for item in catalog.torch_backends if item in smallest and item != CPU)]
        what = "are the fewest torch backends for every kind of machine that the release supports"
        reasons.append(f"{', '.join(backends)} {what}.")
    return _for_each(releases, backends, catalog, faults), reasons
