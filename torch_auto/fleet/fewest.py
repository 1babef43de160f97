"""Which torch backends serve which machines: the fewest for all kinds of them, and for a fleet.

A build of torch-auto needs none of it; the command does.
"""

from __future__ import annotations

from itertools import combinations

from torch_auto.catalog.torch_backends import CPU
from torch_auto.fleet.representatives import kinds
from torch_auto.frozen import Frozen
from torch_auto.select.build import select
from torch_auto.select.choose_group import choose
from torch_auto.select.groups import Group
from torch_auto.select.reach import Context, reach_of
from torch_auto.select.reasons import because
from torch_auto.select.runs_on import candidates
from torch_auto.select.words import listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch_auto.catalog.model import Catalog, Release
    from torch_auto.catalog.torch_backends import TorchBackend
    from torch_auto.machine import Machine
    from torch_auto.select.choose_group import Chosen
    from torch_auto.select.reasons import Reason

#: What a release must have to be the one that a team starts from, on Linux x86_64.
_VENDORS = ("nvidia", "amd", "intel")


def backends_of(release: Release) -> tuple[TorchBackend, ...]:
    """The torch backends of a release that can be groups: cpu first, then each vendor's, oldest first."""
    places = release.platforms.values()
    return tuple(sorted({build.torch_backend for here in places for build in here.builds if build.can_be_pinned}))


def default_release(catalog: Catalog) -> str:
    """The release that a team starts from: see :func:`why_default`."""
    return _default(catalog)[0]


def why_default(catalog: Catalog) -> str:
    """Why that release, and not a newer one."""
    release, newer = _default(catalog)
    what = "has builds for NVIDIA, AMD and Intel GPUs and for CPUs"
    text = f"torch {release} is the newest release that {what}"
    lacking = [f"{item.version} has {listed(_linux(item))} alone" for item in newer]
    return f"{text}; {' and '.join(lacking)}." if lacking else f"{text}."


def _linux(release: Release) -> tuple[TorchBackend, ...]:
    here = release.platforms.get("linux_x86_64")
    own = {build.torch_backend for build in here.builds if build.seen} if here is not None else set()
    return tuple(item for item in backends_of(release) if item in own)


def _default(catalog: Catalog) -> tuple[str, list[Release]]:
    newer: list[Release] = []
    for release in reversed(catalog.releases):
        if {item.vendor for item in _linux(release)} >= {None, *_VENDORS}:
            return release.version, newer
        newer.append(release)
    return catalog.newest.version, []


# --- the smallest set ----------------------------------------------------------------------------------------------


def smallest_set(release: str, catalog: Catalog) -> tuple[str, ...]:
    """The fewest torch backends, cpu among them, that serve every kind of machine that any of the release's does.

    Of several sets as small, the one by which the most kinds get their best build; then the one of the newest builds.
    """
    found = catalog.release(release)
    wanted: list[frozenset[str]] = []
    best: list[str | None] = []
    for kind in kinds((found,), catalog):
        usable = _usable(kind.machine, found, catalog)
        if usable:
            wanted.append(usable)
            best.append(select(kind.machine, found, catalog).torch_backend)
    return _fewest(backends_of(found), wanted, best, always=(CPU,))


def _usable(machine: Machine, release: Release, catalog: Catalog) -> frozenset[str]:
    """The torch backends of a release that run on the GPU that decides on a machine; none where none does."""
    platform = machine.platform or ""
    here = release.platforms.get(platform)
    if here is None:
        return frozenset()
    for device in candidates(machine):
        if reach_of(device, machine, catalog).releases:
            usable = Context(machine, catalog, release, platform, here).usable(device)
            return frozenset(item.torch_backend for item in usable if machine.python in (item.pythons or here.pythons))
    return frozenset()


def _fewest(
    backends: tuple[TorchBackend, ...],
    wanted: Sequence[frozenset[str]],
    best: Sequence[str | None],
    always: tuple[TorchBackend, ...] = (),
) -> tuple[TorchBackend, ...]:
    """The fewest torch backends of which each of the sets holds one; all sets are subsets of ``backends``."""
    needed = {item for item in wanted if not item & set(always)}
    others = [item for item in backends if item not in always]
    for count in range(len(others) + 1):
        covers = [chosen for chosen in combinations(others, count) if all(item & set(chosen) for item in needed)]
        if covers:
            most = max(
                covers, key=lambda chosen: (sum(item in chosen for item in best), *(item.key for item in chosen))
            )
            return (*always, *most)
    raise ValueError("a set holds none of the torch backends")


# --- a fleet -------------------------------------------------------------------------------------------------------


class Seat(Frozen):
    """Machines of one kind, by their labels, and what they get: ``chosen`` is None where nothing serves them.

    ``alike`` are those whose GPUs have other names, one for each name; no decision depends on a name.
    """

    labels: tuple[str, ...]
    alike: tuple[Machine, ...]
    chosen: Chosen | None
    reasons: tuple[Reason, ...]


class Cover(Frozen):
    """A release and torch backends, as groups with cpu first, and what each kind of machine takes of them."""

    groups: tuple[Group, ...]
    seats: tuple[Seat, ...]

    @property
    def release(self) -> str:
        """The release, which all of the groups have."""
        return self.groups[0].release

    @property
    def torch_backends(self) -> tuple[str, ...]:
        """The groups' torch backends."""
        return tuple(group.torch_backend for group in self.groups)


class HeldBack(Frozen):
    """Machines without which all others would get more: why the others' release is not for them, and what that is."""

    by: tuple[Seat, ...]
    rest: Cover


class Fleet(Frozen):
    """What serves a fleet.

    ``one`` is the newest release with one torch backend that runs on every machine, ``fewest`` the newest release that
    serves every machine with builds for it, and the fewest of its torch backends that do: equal where one is enough.
    Where no release serves all machines, ``fewest`` is for the most that one does, and ``apart`` are the others.
    ``held_back``: who keeps most of the machines from one torch backend for all or from a newer release with it, and
    who from a newer release with the fewest.
    """

    one: Cover | None
    fewest: Cover | None
    apart: tuple[Seat, ...]
    held_back: tuple[HeldBack, ...] = ()


class _Kind(Frozen):
    """Machines of one kind, one for each name of its GPUs, and by release the torch backends that are for them."""

    labels: list[str]
    alike: dict[tuple[str, ...], Machine]
    machine: Machine
    gpu: bool
    serving: dict[str, frozenset[str]]


def cover(machines: Sequence[tuple[str, Machine]], catalog: Catalog, releases: Sequence[str] = ()) -> Fleet:
    """What serves a fleet: (label, machine) each; of these releases or else of all.

    A machine without a GPU that torch can use runs every build, and cpu is for it.
    """
    wanted = [release for release in reversed(catalog.releases) if not releases or release.version in releases]
    known = _kinds_of(machines, catalog, wanted)
    serving = [item for item in known if any(item.serving.values())]
    fewest, one, inside = None, None, []
    if serving:
        release = max(wanted, key=lambda found: _count(item for item in serving if item.serving[found.version]))
        inside = [item for item in serving if item.serving[release.version]]
        fewest = _cover(release, inside, catalog, alone=False)
        if len(inside) == len(known):
            one = next(filter(None, (_cover(item, inside, catalog, alone=True) for item in wanted)), None)
    apart = [item for item in known if item not in inside]
    held_back = [_held_back(known, catalog, wanted, one, alone=True)]
    if not apart:  # those that are apart hold the others back, and fewest is what these get
        newer = _held_back(known, catalog, wanted, fewest, alone=False)
        first = held_back[0]
        if newer is None or first is None or (newer.by, newer.rest.release) != (first.by, first.rest.release):
            held_back.append(newer)
    return Fleet(
        one,
        fewest,
        tuple(_apart(item, fewest, catalog, wanted) for item in apart),
        tuple(item for item in held_back if item is not None),
    )


def _count(kinds_of_machines: Iterable[_Kind]) -> int:
    return sum(len(item.labels) for item in kinds_of_machines)


def _held_back(
    known: list[_Kind], catalog: Catalog, wanted: list[Release], now: Cover | None, *, alone: bool
) -> HeldBack | None:
    """The fewest machines without which a newer release than now serves all others; None where they are half or more.

    Of several as few, those for the newest release.
    """
    best: tuple[int, Release, TorchBackend | None, list[_Kind]] | None = None
    for release in wanted:
        if now is not None and release.version == now.release:
            break
        for backend in backends_of(release) if alone else (None,):
            by = [item for item in known if not _is_served(item, release, backend)]
            count = _count(by)
            if 0 < count * 2 < _count(known) and (best is None or count < best[0]):
                best = count, release, backend, by
    if best is None:
        return None
    _, release, backend, by = best
    rest = _cover(release, [item for item in known if item not in by], catalog, alone=alone)
    seats = tuple(_not_served(item, release, backend, catalog) for item in by)
    return HeldBack(seats, rest) if rest is not None else None


def _is_served(found: _Kind, release: Release, backend: TorchBackend | None) -> bool:
    """Whether a release serves machines, or a torch backend of it does; without a GPU any torch backend does."""
    usable = found.serving[release.version]
    return bool(usable) if backend is None or not found.gpu else backend in usable


def _not_served(found: _Kind, release: Release, backend: TorchBackend | None, catalog: Catalog) -> Seat:
    """Machines that a release, or one torch backend of it, does not serve, and why."""
    why = select(found.machine, release, catalog)
    reasons = why.reasons
    if found.serving[release.version]:  # another torch backend does
        reasons = tuple(item.reason for item in why.rejected if item.torch_backend == backend)
    return Seat(tuple(found.labels), tuple(found.alike.values()), None, reasons)


def _kinds_of(machines: Sequence[tuple[str, Machine]], catalog: Catalog, wanted: list[Release]) -> list[_Kind]:
    found: dict[Machine, _Kind] = {}
    for label, machine in machines:
        key = _nameless(machine)
        if key not in found:
            gpu = any(reach_of(device, machine, catalog).releases for device in candidates(machine))
            serving = {release.version: _serving(machine, release, catalog, gpu=gpu) for release in wanted}
            found[key] = _Kind([], {}, machine, gpu, serving)
        found[key].labels.append(label)
        names = (device.name for item in machine.accelerators for device in item.devices)
        found[key].alike.setdefault(tuple(dict.fromkeys(names)), machine)
    return list(found.values())


def _nameless(machine: Machine) -> Machine:
    """The machine with what no decision depends on left out: names, how many, and the evidence."""
    accelerators = tuple(
        item.replace(devices=tuple(dict.fromkeys(device.replace(name="") for device in item.devices)))
        for item in machine.accelerators
    )
    return machine.replace(accelerators=accelerators, evidence=())


def _serving(machine: Machine, release: Release, catalog: Catalog, *, gpu: bool) -> frozenset[str]:
    """The torch backends of a release that are for a machine: those for its GPU, or cpu where it installs at all."""
    if gpu:
        return _usable(machine, release, catalog)
    here = release.platforms.get(machine.platform or "")
    if here is None or machine.python not in here.pythons or select(machine, release, catalog, CPU).needs is not None:
        return frozenset()
    return frozenset((CPU,))


def _cover(release: Release, found: list[_Kind], catalog: Catalog, *, alone: bool) -> Cover | None:
    """The fewest torch backends of a release for these machines or, with ``alone``, the one that runs on them all."""
    wanted = [item.serving[release.version] for item in found]
    if not all(wanted):
        return None
    best = [select(item.machine, release, catalog).torch_backend if item.gpu else CPU for item in found]
    backends = backends_of(release)
    if alone:
        every = [
            backend
            for backend in backends
            if all(backend in item.serving[release.version] or not item.gpu for item in found)
        ]
        if not every:
            return None
        chosen: tuple[TorchBackend, ...] = (max(every, key=lambda backend: (best.count(backend), backend.key)),)
    else:
        chosen = _fewest(backends, wanted, best)
    groups = tuple(Group(release.version, backend) for backend in sorted(chosen))
    return Cover(groups, tuple(_seat(item, groups, catalog) for item in found))


def _seat(found: _Kind, groups: tuple[Group, ...], catalog: Catalog) -> Seat:
    chosen = choose(found.machine, groups, catalog)
    reasons = chosen.reasons
    if not found.gpu and chosen.selection.vendor is not None:
        reasons = (*reasons, because("gpu-build-on-cpu"))
    return Seat(tuple(found.labels), tuple(found.alike.values()), chosen, reasons)


def _apart(found: _Kind, fewest: Cover | None, catalog: Catalog, wanted: list[Release]) -> Seat:
    """A machine that the release of the others does not serve, why not, and its own newest release if any does."""
    why = select(found.machine, catalog.release(fewest.release) if fewest is not None else wanted[0], catalog)
    own = next(filter(None, (_cover(release, [found], catalog, alone=False) for release in wanted)), None)
    chosen = own.seats[0].chosen if own is not None else None
    return Seat(tuple(found.labels), tuple(found.alike.values()), chosen, why.reasons)
