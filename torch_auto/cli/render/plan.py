"""Plans for people and for programs: what a build of a release emits on a machine, and why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from torch_auto import catalog, settings
from torch_auto.catalog.origins import BUILD, DRIVER, GPUS, PYPI, origins, sizes
from torch_auto.cli.output import FORMAT_VERSION, age_today, print_json, shown
from torch_auto.cli.releases import all_of
from torch_auto.cli.terminal import BOLD, CYAN, GREY, Cell, Progress, listed, paint, table, wants_colour, width, wrap
from torch_auto.decide import decide, machine_for
from torch_auto.newest import Newest, newest_usable, satisfied_by_public
from torch_auto.record import plan_to_json
from torch_auto.select.reasons import reason_from_json
from torch_auto.select.words import needs_in_words, sentence, sentences
from torch_auto.settings import AUTO, DEFAULT_INDEX_URL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.decide import Plan
    from torch_auto.machine import Machine
    from torch_auto.settings import Settings


def _torch(plan: Plan) -> str:
    """The torch that a plan gives where PyTorch's pages are named."""
    selection = plan.selection
    if selection.needs is not None:
        return f"not available on this machine: it needs {needs_in_words(selection.needs)}"
    if not plan.has_wheels:
        return "not available: it does not have wheels for this Python"
    return f"torch {selection.version}"


def worded(value: Any) -> Any:
    """A JSON value in which every reason has its sentence beside its code."""
    if isinstance(value, list):
        return [worded(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: worded(item) for name, item in value.items()}
    return {"code": value["code"], "text": sentence(reason_from_json(value)), **found} if "code" in value else found


def _backend(plan: Plan) -> str | None:
    """The torch backend of the build that a plan installs with PyTorch's pages, or None where it installs none."""
    selection = plan.selection
    if selection.torch_backend is None or selection.platform is None or not plan.has_wheels:
        return None
    return selection.torch_backend


def _megabytes(size: int | None) -> str:
    return "size not known" if size is None else f"{size / 1e6:,.0f} MB"


def _download(plan: Plan, *, unknown: bool = True) -> list[str]:
    """How large torch's own wheel is, of the build that is installed with PyTorch's pages and of PyPI's.

    Without ``unknown``, sizes that are not known are left out.
    """
    torch_backend, selection = _backend(plan), plan.selection
    if torch_backend is None:
        return []
    known = sizes(plan.release, selection.platform, torch_backend)
    found = [(f"torch {selection.version}", known.index)] if selection.local_version is not None else []
    if selection.public_allowed:
        found.append((f"torch {plan.release} from PyPI", known.pypi))
    text = "; ".join(f"{name}: {_megabytes(size)}" for name, size in found if unknown or size is not None)
    if not text:
        return []
    return wrap(f"Download, without what torch requires: {text}.", width())


_ABOUT = {
    BUILD: "torch {torch} exists",
    GPUS: "the GPUs that it is for",
    DRIVER: "the oldest NVIDIA driver for its CUDA major version",
    PYPI: "PyPI's build of {release}",
}


def _known(plan: Plan) -> list[str]:
    """How what is said of the chosen build is known."""
    torch_backend = _backend(plan)
    if torch_backend is None:
        return []
    names = {"torch": plan.selection.version, "release": plan.release}
    texts = [
        f"{_ABOUT[item.about].format(**names)}: {item.confidence} ({item.source}: {item.text})"
        for item in origins(plan.release, plan.selection.platform, torch_backend)
    ]
    return [f"How this is known, as of {catalog.load().as_of}:", *listed(texts, width())]


def _to_json(plan: Plan) -> dict[str, Any]:
    """A plan, with the sizes of wheels and with how they are known."""
    torch_backend, platform = _backend(plan), plan.selection.platform
    known = sizes(plan.release, platform, torch_backend)
    found = origins(plan.release, platform, torch_backend) if torch_backend is not None else ()
    return {
        **worded(plan_to_json(plan)),
        "bytes": {"pages": known.index, "pypi": known.pypi},
        "known": [
            {"about": item.about, "confidence": item.confidence, "source": item.source, "text": item.text}
            for item in found
        ],
    }


def _details(plan: Plan, extras: Sequence[str]) -> list[str]:
    """All that is known of a plan: what --why prints."""
    columns = width()
    lines = [*_download(plan), "Why:", *listed(sentences(plan.reasons), columns)]
    if plan.selection.rejected:
        rejected = [f"{item.torch_backend}: {sentence(item.reason)}" for item in plan.selection.rejected]
        lines += ["Not taken:", *listed(rejected, columns)]
    if plan.extras:
        lines += ["Extras:", *listed([f"{item.name}: {sentence(item.reason)}" for item in plan.extras], columns)]
    what = f"The group {plan.group} requires, and the wheel no torch:" if plan.group else "The wheel requires:"
    lines += [what, *(f"  {item}" for item in plan.requirements or ("nothing",))]
    for item in plan.extras:
        if item.name in extras:
            lines += [f"and torch-auto[{item.name}]:", *(f"  {pin}" for pin in item.requirements or ("nothing",))]
    return [*lines, *pages_line(_pages(plan, extras)), *_known(plan)]


def pages_line(pages: Sequence[str]) -> list[str]:
    """The line that names PyTorch's pages, if there are any."""
    if not pages:
        return []
    for_pip = " ".join(pages)
    quoted = for_pip if len(pages) == 1 else f"'{for_pip}'"
    return [f"PyTorch's pages: UV_FIND_LINKS={','.join(pages)} (uv), PIP_FIND_LINKS={quoted} (pip)."]


def _pages(plan: Plan, extras: Sequence[str]) -> list[str]:
    """PyTorch's pages, those of extras among them."""
    return [*plan.pages, *(item.page for item in plan.extras if item.name in extras)]


def _alone(plan: Plan, pin: str) -> str:
    """What a plan gives where PyPI alone is in sight."""
    return f"torch {plan.release}" if plan.has_wheels and satisfied_by_public(plan.selection, pin) else "-"


def _answer_newest(newest: Newest, plans: list[Plan]) -> str:
    """The answer, where no release was named."""
    if newest.with_pages is None:
        return "No release of torch can be used on this machine with this Python."
    with_pages = next(plan for plan in plans if plan.release == newest.with_pages)
    if newest.without_pages is None:
        return f"{_torch(with_pages)}, with PyTorch's page; without it, nothing can be installed."
    alone = f"torch {newest.without_pages}"
    if with_pages.selection.version == newest.without_pages:
        return f"{alone}, with PyTorch's page and without it."
    return f"{_torch(with_pages)} with PyTorch's page; {alone} from PyPI without it."


def _answer(plan: Plan, pin: str) -> str:
    """The answer for a release that was named."""
    if plan.group:
        return f"{_torch(plan)}, by the group {plan.group}."
    alone = satisfied_by_public(plan.selection, pin)
    tail = f" ({'installs from PyPI alone too' if alone else 'not installable from PyPI alone'})"
    nothing = plan.selection.needs or not plan.has_wheels
    return f"torch-auto {plan.release}: {_torch(plan)}{'' if nothing else tail}"


class _Asked(NamedTuple):
    """What was asked for: whether releases were named, settings, extras, and the file of another machine."""

    named: bool
    settings: Settings
    extras: tuple[str, ...]
    machine: str | None


_MORE = "With pins, other builds, and sources: --why"

#: Lines that the answer, why, and the command to type take at most.
_MOST_LINES = 15


def _short(answer: str, reasons: list[str], size: list[str], command: list[str], *, colour: bool) -> list[str]:
    """The answer, as many of the reasons as there is place for, one at least, how large it is, and what to type.

    How old the catalog is stands below all of it.
    """
    columns = width()
    lines = [paint(line, BOLD, colour=colour) for line in wrap(answer, columns)]
    lines += ["", "Why:"]
    below = [*command, *wrap(_MORE, columns)]
    place = _MOST_LINES - len(lines) - len(below) - 1 - len(age_today(catalog.load()).splitlines())
    taken = [listed([text], columns) for text in reasons]
    if sum(map(len, taken[:1])) + (len(taken) > 1) + len(size) <= place:
        below, place = [*size, *below], place - len(size)
    count = len(taken)
    while count > 1 and sum(map(len, taken[:count])) + (count < len(taken)) > place:
        count -= 1
    lines += [line for item in taken[:count] for line in item]
    if count < len(taken):
        lines.append(f"  - and {len(taken) - count} more")
    return [*lines, *below]


def _to_type(plan: Plan, asked: _Asked, *, colour: bool) -> list[str]:
    """What installs it, or what says which release can be installed."""
    where = " there" if asked.machine is not None else ""
    lacking = [item for item in plan.extras if item.name in asked.extras and item.needs is not None]
    can = plan.selection.needs is None and plan.has_wheels and not lacking
    lead = f"To install it{where}:" if can else f"For the newest that can be used{where}:"
    if not can and not asked.named:
        return []
    return [f"{lead} {paint(_command(plan, asked, can=can), CYAN, colour=colour)}"]


def _command(plan: Plan, asked: _Asked, *, can: bool) -> str:
    """The command that installs what a plan says, or the one that says what can be installed."""
    from torch_auto.cli.project.own import typed  # noqa: PLC0415  # --json prints none

    ours = typed(os.environ) if asked.machine is None or not can else "torch-auto"
    chosen = asked.settings
    if not can:
        words = ["plan", *(("--with", ",".join(asked.extras)) if asked.extras else ())]
        words += ["--machine", asked.machine] if asked.machine is not None else []
        return f"{ours} {shown(words)}"
    if plan.group:
        return f"{ours} sync"
    given = {name for name, _, _ in chosen.given}
    if chosen.backend != AUTO:
        extras = f"[{','.join(asked.extras)}]" if asked.extras else ""
        words = [f"torch-auto{extras}=={plan.release}"]
        words += [word for page in _pages(plan, asked.extras) for word in ("--find-links", page)]
        for name, value in (("backend", chosen.backend), *([("pin", chosen.pin)] if "pin" in given else [])):
            words += ["--config-settings-package", f"torch-auto:{name}={value}"]
        return f"uv pip install {shown(words)}"
    words = ["add", *asked.extras, *([plan.release] if asked.named else [])]
    words += ["--pin", chosen.pin] if "pin" in given else []
    words += ["--index-url", chosen.index_url] if chosen.index_url != DEFAULT_INDEX_URL else []
    return f"{ours} {shown(words)}"


def _render(answer: str, plans: list[Plan], asked: _Asked, newer: list[str], *, why: bool) -> list[str]:
    """One release, or the newest with PyTorch's pages and without them."""
    colour = wants_colour()
    if why:
        lines = [paint(line, BOLD, colour=colour) for line in wrap(answer, width())]
        lines += listed(newer, width())
        for plan in plans:
            heading = [paint(f"torch-auto {plan.release}", BOLD, colour=colour)] if len(plans) > 1 else []
            lines += ["", *heading, *_details(plan, asked.extras)]
        return lines
    typed = all(origin.startswith("--") for _, _, origin in asked.settings.given)
    told = [item for item in plans[0].reasons if item.code != "settings" or not typed]
    asked_for = [f"{item.name}: {sentence(item.reason)}" for item in plans[0].extras if item.name in asked.extras]
    command = _to_type(plans[0], asked, colour=colour)
    size = _download(plans[0], unknown=False) if command else []
    return _short(answer, [*newer, *asked_for, *sentences(told)], size, command, colour=colour)


def _render_several(plans: list[Plan], asked: _Asked, *, why: bool) -> list[str]:
    """One line per release: what it gives with PyTorch's page, and with PyPI alone; the rest where it is asked for."""
    colour, pin = wants_colour(), asked.settings.pin
    names = ("release", "with PyTorch's page", "PyPI alone")
    rows = [(plan.release, _torch(plan), _alone(plan, pin)) for plan in plans]
    lines = table([[Cell(name, GREY) for name in names], *rows], width(), colour=colour, indent="")
    for plan in plans if why else ():
        lines += ["", paint(_answer(plan, pin), BOLD, colour=colour), *_details(plan, asked.extras)]
    return lines if why else [*lines, *wrap(_MORE, width())]


def show(
    releases: Sequence[str],
    config: Mapping[str, Any],
    extras: tuple[str, ...] = (),
    *,
    why: bool = False,
    as_json: bool = False,
) -> int:
    """Print the plans of these releases or, without one, of the newest that the machine can use with these extras.

    With ``why``, print all that is known of each, and how.

    Raises:
        SettingsError: a setting is wrong.
        UnknownReleaseError, UserError: a release is not in the catalog, or is not one.
    """
    known = catalog.load()
    chosen = settings.read(known, config, label="--")
    named = all_of(releases, known)
    wanted = [known.release(release) for release in named]
    with Progress("Looking at this machine"):
        machine = machine_for(chosen)
    newest = Newest(None, None)
    if not named:
        newest = newest_usable(machine, chosen, known, extras)
        names = dict.fromkeys(name for name in (newest.with_pages, newest.without_pages) if name is not None)
        # Where there is none, the newest release tells why.
        wanted = [known.release(name) for name in names] or [known.newest]
    # With groups, torch-auto's own release makes no difference.
    plans = [decide(release, machine, chosen, known) for release in (wanted[:1] if chosen.groups else wanted)]
    if as_json:
        document = {"version": FORMAT_VERSION, "as_of": known.as_of, "plans": [_to_json(plan) for plan in plans]}
        if not named:
            document["newest"] = {"with_pages": newest.with_pages, "without_pages": newest.without_pages}
        print_json(document)
        return 0
    asked = _Asked(bool(named), chosen, extras, config.get("machine"))
    if len(plans) > 1 and named:
        lines = _render_several(plans, asked, why=why)
    else:
        by_name = named or chosen.groups
        answer = _answer(plans[0], chosen.pin) if by_name else _answer_newest(newest, plans)
        lines = _render(answer, plans, asked, [] if by_name else _newer(plans[0], machine, chosen, known), why=why)
    print("\n".join([*lines, "", age_today(known)]))
    return 0


def _newer(plan: Plan, machine: Machine, chosen: Settings, known: catalog.Catalog) -> list[str]:
    """Why it is not the newest release of all, where it is not."""
    newest = known.newest
    if plan.release == newest.version:
        return []
    return [f"torch {newest.version} is {_torch(decide(newest, machine, chosen, known))}."]
