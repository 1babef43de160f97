"""A plan for several machines, for people and for programs: one torch for a fleet, or the fewest."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from torch_auto import catalog, settings
from torch_auto.cli.machine_files import read_all
from torch_auto.cli.output import FORMAT_VERSION, age_today, print_json
from torch_auto.cli.project.own import typed
from torch_auto.cli.releases import all_of
from torch_auto.cli.render.machine import kind
from torch_auto.cli.render.plan import pages_line, worded
from torch_auto.cli.terminal import BOLD, CYAN, GREEN, GREY, RED, Cell, listed, paint, table, times, wants_colour, width
from torch_auto.cli.terminal import wrap as wrapped
from torch_auto.fleet.fewest import cover
from torch_auto.pins.groups import group_pages
from torch_auto.select import words
from torch_auto.select.groups import groups_text
from torch_auto.select.reasons import reason_to_json
from torch_auto.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch_auto.fleet.fewest import Cover, Fleet, HeldBack, Seat

#: As many labels of machines of one kind, and as many names of their GPUs, are printed; JSON has all.
_MOST_LABELS = 3


class _Page:
    """What is printed, in the width and the colours of stdout. ``named``: releases were named to choose from."""

    def __init__(self, index_url: str, *, named: bool, why: bool) -> None:
        self.index_url, self.named, self.why = index_url, named, why
        self.columns, self.colour, self.times = width(), wants_colour(), times()

    def render(self, fleet: Fleet) -> str:
        parts = []
        if fleet.one is not None:
            count = _count(fleet.one.seats)
            machines = f"all {count} machines" if count > 1 else "this machine"
            parts.append(self._part([f"torch {fleet.one.groups[0].version} runs on {machines}."], fleet.one))
        if fleet.fewest is not None and (fleet.one is None or fleet.fewest.groups != fleet.one.groups):
            parts.append(self._part(self._several(fleet, fleet.fewest), fleet.fewest, beside=fleet.one))
        if fleet.apart:
            parts.append(self._apart(fleet))
        parts += [self._held_back(item) for item in fleet.held_back]
        return "\n\n".join("\n".join(part) for part in parts) + "\n"

    def _part(self, texts: list[str], found: Cover, *, beside: Cover | None = None) -> list[str]:
        """The answer, who gets what, or what else than in the answer beside it, and what to type."""
        before = {(seat.labels, _torch(seat)) for seat in (beside.seats if beside is not None else ())}
        seats = [seat for seat in found.seats if (seat.labels, _torch(seat)) not in before]
        seats.sort(key=lambda seat: (_torch(seat) == "nothing", -len(seat.labels)))
        rows: list[list[str | Cell]] = [
            [f"{len(seat.labels)} {self.times} {_kind(seat)}", self._torch(seat), _names(seat)] for seat in seats
        ]
        lines = [*self._answer(texts), "", *self._table(rows, ("machines", "torch", "names"))]
        if self.why:
            lines += ["Why:", *listed([f"{_kind(seat)}: {_sentences(seat)}" for seat in seats], self.columns)]
            lines += pages_line(group_pages(found.groups, self.index_url))
        command = f"{typed(os.environ)} init --portable"
        command += f" --releases {found.release} --backends {','.join(found.torch_backends)}"
        return [*lines, "", "One lock for them:", f"  {paint(command, CYAN, colour=self.colour)}"]

    def _answer(self, texts: list[str]) -> list[str]:
        return [paint(line, BOLD, colour=self.colour) for text in texts for line in wrapped(text, self.columns)]

    def _torch(self, seat: Seat) -> Cell:
        return Cell(_torch(seat), GREEN if seat.chosen is not None and seat.chosen.selection.accelerated else "")

    def _table(self, rows: list[list[str | Cell]], names: Sequence[str]) -> list[str]:
        return table([[Cell(name, GREY) for name in names], *rows], self.columns, colour=self.colour)

    def _several(self, fleet: Fleet, fewest: Cover) -> list[str]:
        """What the fewest torch backends are for."""
        names = words.listed(fewest.torch_backends)
        if fleet.one is not None:
            if fewest.release == fleet.one.release:  # one torch backend is enough for all GPUs there
                what = "machines without a GPU get the small cpu build"
            else:
                what = "each of them gets a newer torch"
            return [f"With {names} of torch {fewest.release}, {what}."]
        count = _count(fewest.seats)
        backends = names if len(fewest.groups) == 1 else f"{len(fewest.groups)} torch backends: {names}"
        if fleet.apart:
            whose = "None of the releases that you named" if self.named else "No release of torch"
            text = f"{whose} supports all {count + _count(fleet.apart)} machines."
            return [text, f"torch {fewest.release} supports {count} of them, with {backends}."]
        among = " of the releases that you named" if self.named else ""
        text = f"No one torch backend runs on all {count} machines."
        return [text, f"torch {fewest.release} is the newest{among} that supports them all, with {backends}."]

    def _apart(self, fleet: Fleet) -> list[str]:
        what = f"torch {fleet.fewest.release} does not support:" if fleet.fewest is not None else ""
        if not what:
            whose = "None of the releases that you named" if self.named else "No torch"
            what = f"{whose} supports these machines:"
        lines = [paint(line, RED, colour=self.colour) for line in wrapped(what, self.columns)]
        for seat in fleet.apart:
            if seat.chosen is not None:
                among = " of those that you named" if self.named else ""
                best = f"The newest{among} for it is torch {_torch(seat)}."
            else:
                best = "None of those that you named supports it." if self.named else "No torch supports it."
            lines += listed([f"{self._who(seat)}: {_why_not(seat)} {best}"], self.columns)
        return lines

    def _held_back(self, found: HeldBack) -> list[str]:
        """Who keeps the others from more, why, and what the others would get."""
        count, rest = _count(found.by), found.rest
        who = (
            f"this machine, the other {_count(rest.seats)}"
            if count == 1
            else (f"these {count} machines, the other {_count(rest.seats)}")
        )
        if len(rest.groups) == 1:
            text = f"Without {who} would all run torch {rest.groups[0].version}:"
        else:
            text = f"Without {who} would get torch {rest.release}, with {words.listed(rest.torch_backends)}:"
        lines = [paint(line, BOLD, colour=self.colour) for line in wrapped(text, self.columns)]
        return [*lines, *listed([f"{self._who(seat)}: {_why_not(seat)}" for seat in found.by], self.columns)]

    def _who(self, seat: Seat) -> str:
        return f"{len(seat.labels)} {self.times} {_kind(seat)} ({_names(seat)})"


def _torch(seat: Seat) -> str:
    if seat.chosen is None or seat.chosen.selection.needs is not None:
        return "nothing"
    return seat.chosen.selection.version


def _some(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    more = len(found) - _MOST_LABELS
    return ", ".join(found[:_MOST_LABELS]) + (f" and {more} more" if more > 0 else "")


def _names(seat: Seat) -> str:
    return _some(seat.labels)


def _kind(seat: Seat) -> str:
    """What the machines are: their GPUs and their driver; several names where their GPUs have several."""
    found = list(dict.fromkeys(map(kind, seat.alike)))
    more = len(found) - _MOST_LABELS
    return " or ".join(found[:_MOST_LABELS]) + (" or others" if more > 0 else "")


def _sentences(seat: Seat, *, leave_out: str = "") -> str:
    """The reasons, but for those of a code; a part of a sentence becomes one."""
    found = words.sentences(item for item in seat.reasons if item.code != leave_out)
    return " ".join(text if text.endswith(".") else f"{text[0].upper()}{text[1:]}." for text in found)


def _why_not(seat: Seat) -> str:
    return _sentences(seat, leave_out="chosen-for")


def _count(seats: Sequence[Seat]) -> int:
    return sum(len(seat.labels) for seat in seats)


def _seat_to_json(seat: Seat) -> dict[str, Any]:
    chosen = seat.chosen
    return {
        "kind": _kind(seat),
        "count": len(seat.labels),
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


def show(
    words_of_machines: Sequence[str],
    releases: Sequence[str],
    config: Mapping[str, Any],
    *,
    why: bool = False,
    as_json: bool = False,
) -> int:
    """Print what serves the machines in these files, folders or stdin, of these releases or else of all.

    Raises:
        SettingsError: files are not machine files, or a setting is wrong; it names all faults.
        UnknownReleaseError, UserError: a release is not in the catalog, or is not one.
    """
    known = catalog.load()
    wanted = all_of(releases, known)
    faults: list[str] = []
    machines = read_all(words_of_machines, faults)
    try:
        index_url = settings.read(known, config, label="--").index_url
    except SettingsError as error:
        faults.extend(error.faults)
    if faults:
        raise SettingsError(faults)
    fleet = cover(machines, known, wanted)
    if as_json:
        document = {
            "version": FORMAT_VERSION,
            "machines": len(machines),
            "releases": wanted,
            "one": _to_json(fleet.one, index_url),
            "fewest": _to_json(fleet.fewest, index_url),
            "apart": [_seat_to_json(seat) for seat in fleet.apart],
            "held_back": [
                {"by": [_seat_to_json(seat) for seat in item.by], "rest": _to_json(item.rest, index_url)}
                for item in fleet.held_back
            ],
        }
        print_json(document)
    else:
        page = _Page(index_url, named=bool(releases), why=why)
        sys.stdout.write(f"{page.render(fleet)}\n{age_today(known)}\n")
    return 0
