"""A plan for several machines, for people and for programs: one torch for a fleet, or the fewest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from torch_auto import catalog, settings
from torch_auto.cli.machine_files import read_all
from torch_auto.cli.output import FORMAT_VERSION, age_today, print_json, wrapped
from torch_auto.cli.render.machine import devices
from torch_auto.cli.render.plan import pages_line, worded
from torch_auto.fleet.fewest import cover
from torch_auto.pins.groups import group_pages
from torch_auto.select.groups import groups_text
from torch_auto.select.reasons import reason_to_json
from torch_auto.select.words import listed, sentences
from torch_auto.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.fleet.fewest import Cover, Fleet, Seat

#: As many labels of machines of one kind are printed; JSON has all.
_MOST_LABELS = 3


def _torch(seat: Seat) -> str:
    if seat.chosen is None or seat.chosen.selection.needs is not None:
        return "nothing"
    return f"torch {seat.chosen.selection.version}"


def _who(seat: Seat) -> str:
    labels = ", ".join(seat.labels[:_MOST_LABELS]) + (", ..." if len(seat.labels) > _MOST_LABELS else "")
    return labels if len(seat.labels) == 1 else f"{len(seat.labels)} machines: {labels}"


def _render(fleet: Fleet, index_url: str) -> str:
    parts = []
    if fleet.one is not None:
        text = f"torch {fleet.one.groups[0].version} runs on all {_count(fleet.one.seats)} machines."
        parts.append([text, *_details(fleet.one, index_url)])
    if fleet.fewest is not None and (fleet.one is None or fleet.fewest.groups != fleet.one.groups):
        parts.append([*_several(fleet, fleet.fewest), *_details(fleet.fewest, index_url)])
    if fleet.apart:
        what = "No torch supports these machines:"
        parts.append([what if fleet.fewest is None else f"torch {fleet.fewest.release} does not support:"])
        for seat in fleet.apart:
            best = f"The newest for it is {_torch(seat)}." if seat.chosen is not None else "No torch supports it."
            parts[-1] += wrapped(
                [f"{_who(seat)} ({devices(seat.machine)}): {' '.join([*sentences(seat.reasons), best])}"]
            )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _several(fleet: Fleet, fewest: Cover) -> list[str]:
    """What the fewest torch backends are for."""
    names = listed(fewest.torch_backends)
    if fleet.one is not None:
        if fewest.release == fleet.one.release:  # one torch backend is enough for all GPUs there
            what = "those without a GPU have the small cpu build"
        else:
            what = "each of them has a newer torch"
        return [f"With {names} of torch {fewest.release}, {what}."]
    count = _count(fewest.seats)
    backends = names if len(fewest.groups) == 1 else f"{len(fewest.groups)} torch backends, {names}"
    if fleet.apart:
        text = f"No release of torch supports all {count + _count(fleet.apart)} machines."
        return [text, f"torch {fewest.release} supports {count} of them, with {backends}."]
    text = f"No one torch backend runs on all {count} machines."
    return [text, f"torch {fewest.release} is the newest that supports them all, with {backends}."]


def _details(cover: Cover, index_url: str) -> list[str]:
    seats = sorted(cover.seats, key=lambda seat: cover.groups.index(seat.chosen.group) if seat.chosen else 0)
    width = max(len(_torch(seat)) for seat in seats)
    lines = [f"  {_torch(seat):{width}}  {_who(seat)} ({devices(seat.machine)})" for seat in seats]
    lines += ["Why:", *wrapped([f"{_who(seat)}: {' '.join(sentences(seat.reasons))}" for seat in cover.seats])]
    lines += pages_line(group_pages(cover.groups, index_url))
    if len(cover.groups) > 1:
        options = f"--releases {cover.release} --backends {','.join(cover.torch_backends)}"
        lines.append(f"One lock for them: torch-auto init --portable {options}")
    return lines


def _count(seats: Sequence[Seat]) -> int:
    return sum(len(seat.labels) for seat in seats)


def _seat_to_json(seat: Seat) -> dict[str, Any]:
    chosen = seat.chosen
    return {
        "labels": list(seat.labels),
        "group": chosen.group.name if chosen is not None else None,
        "torch": chosen.selection.version if chosen is not None and chosen.selection.needs is None else None,
        "accelerated": chosen is not None and chosen.selection.accelerated,
        "reasons": worded([reason_to_json(item) for item in seat.reasons]),
    }


def _to_json(found: Cover | None, index_url: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "release": found.release,
        "torch_backends": list(found.torch_backends),
        "groups": groups_text(found.groups),
        "pages": list(group_pages(found.groups, index_url)),
        "machines": [_seat_to_json(seat) for seat in found.seats],
    }


def show(paths: Sequence[str], releases: list[str], config: Mapping[str, Any], *, as_json: bool) -> int:
    """Print what serves the machines in these files, of these releases or else of all.

    Raises:
        SettingsError: files are not machine files, or a setting is wrong; it names all faults.
        UnknownReleaseError: a release is not in the catalog.
    """
    known = catalog.load()
    faults: list[str] = []
    machines = read_all(paths, faults)
    try:
        index_url = settings.read(known, config, label="--").index_url
    except SettingsError as error:
        faults.extend(error.faults)
    if faults:
        raise SettingsError(faults)
    fleet = cover(machines, known, [known.release(release).version for release in releases])
    if as_json:
        document = {
            "version": FORMAT_VERSION,
            "one": _to_json(fleet.one, index_url),
            "fewest": _to_json(fleet.fewest, index_url),
            "apart": [_seat_to_json(seat) for seat in fleet.apart],
        }
        print_json(document)
    else:
        sys.stdout.write(f"{_render(fleet, index_url)}\n{age_today(known)}\n")
    return 0
