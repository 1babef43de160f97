"""Plans for people and for programs: what a build of a release emits on a machine, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from torch_auto import catalog, settings
from torch_auto.cli.output import age_today, print_json, wrapped
from torch_auto.plan import (
    FORMAT_VERSION,
    Newest,
    machine_for,
    make_plan,
    newest_usable,
    plan_to_json,
    satisfied_by_public,
)
from torch_auto.reasons import needs_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.plan import Plan


def _torch(plan: Plan) -> str:
    """The torch that a plan comes to where its hint is followed."""
    selection = plan.selection
    if selection.needs is not None:
        return f"nothing, it needs {needs_in_words(selection.needs)}"
    if not plan.has_wheels:
        return "nothing, it has no wheels for this Python"
    return f"torch {selection.version}"


def _details(plan: Plan, extras: Sequence[str]) -> list[str]:
    lines = ["Why:", *wrapped(list(plan.reasons))]
    if plan.selection.rejected:
        lines += ["Not taken:", *wrapped([f"{item.torch_backend}: {item.reason}" for item in plan.selection.rejected])]
    if plan.extras:
        lines += ["Extras:", *wrapped([f"{item.name}: {item.reason}" for item in plan.extras])]
    what = f"The group {plan.group} requires, and the wheel no torch:" if plan.group else "The wheel requires:"
    lines += [what, *(f"  {item}" for item in plan.requirements or ("nothing",))]
    for item in plan.extras:
        if item.name in extras:
            lines += [f"and torch-auto[{item.name}]:", *(f"  {pin}" for pin in item.requirements or ("nothing",))]
    return lines


def hint(pages: Sequence[str]) -> list[str]:
    """The line that names find-links pages, if there are any."""
    if not pages:
        return []
    for_pip = " ".join(pages)
    quoted = for_pip if len(pages) == 1 else f"'{for_pip}'"
    return [f"The hint: UV_FIND_LINKS={','.join(pages)} (uv), PIP_FIND_LINKS={quoted} (pip)."]


def _pages(plan: Plan, extras: Sequence[str]) -> list[str]:
    """The pages of the hint, those of extras among them."""
    return [*plan.find_links, *(item.page for item in plan.extras if item.name in extras)]


def _render_newest(newest: Newest, plans: list[Plan], extras: Sequence[str]) -> str:
    by_release = {plan.release: plan for plan in plans}
    lines: list[str] = []
    if newest.with_hint is None:
        lines = ["No release of torch can be used on this machine with this Python."]
        return "\n".join([*lines, *(line for plan in plans for line in _details(plan, extras))]) + "\n"
    with_hint = by_release[newest.with_hint]
    if newest.without_hint is None:
        lines.append(f"{_torch(with_hint)}, with the hint; without it nothing installs.")
    else:
        without = f"torch {newest.without_hint}"
        if _torch(with_hint) == without:
            lines.append(f"{without}, with the hint and without it.")
        else:
            lines.append(f"{_torch(with_hint)} with the hint; {without} from PyPI without it.")
    lines += hint(_pages(with_hint, extras))
    for plan in plans:
        lines += ["", f"torch-auto {plan.release}", *_details(plan, extras)]
    return "\n".join(lines) + "\n"


def _render_group(plan: Plan) -> str:
    return (
        "\n".join([f"{_torch(plan)}, by the group {plan.group}.", *hint(plan.find_links), *_details(plan, ())]) + "\n"
    )


def _table(plans: list[Plan], pin: str) -> list[str]:
    """One line per release: what comes of it with the hint, and with PyPI alone."""
    rows = [("release", "with the hint", "PyPI alone")]
    for plan in plans:
        alone = f"torch {plan.release}" if plan.has_wheels and satisfied_by_public(plan.selection, pin) else "-"
        rows.append((plan.release, _torch(plan), alone))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in rows]


def _render(plans: list[Plan], pin: str, extras: Sequence[str]) -> str:
    lines: list[str] = _table(plans, pin) if len(plans) > 1 else []
    for plan in plans:
        alone = "installs from PyPI alone too" if satisfied_by_public(plan.selection, pin) else "PyPI alone does not do"
        nothing = plan.selection.needs or not plan.has_wheels
        tail = "" if nothing else f" ({alone})"
        lines += [*([""] if lines else []), f"torch-auto {plan.release}: {_torch(plan)}{tail}", *_details(plan, extras)]
    return "\n".join(lines + (hint(_pages(plans[0], extras)) if plans else [])) + "\n"


def show(releases: list[str], config: Mapping[str, Any], extras: tuple[str, ...] = (), *, as_json: bool) -> int:
    """Print the plans of these releases or, without one, of the newest that the machine can use with these extras.

    Raises:
        SettingsError: a setting is wrong.
        UnknownReleaseError: a release is not in the catalog.
    """
    known = catalog.load()
    chosen = settings.read(known, config, label="--")
    wanted = [known.release(release) for release in releases]
    machine = machine_for(chosen)
    newest = Newest(None, None)
    if not releases:
        newest = newest_usable(machine, chosen, known, extras)
        names = dict.fromkeys(name for name in (newest.with_hint, newest.without_hint) if name is not None)
        # Where there is none, the newest release tells why.
        wanted = [known.release(name) for name in names] or [known.newest]
    # With groups, torch-auto's own release makes no difference.
    plans = [make_plan(release, machine, chosen, known) for release in (wanted[:1] if chosen.groups else wanted)]
    if as_json:
        document = {"version": FORMAT_VERSION, "plans": [plan_to_json(plan) for plan in plans]}
        if not releases:
            document["newest"] = {"with_hint": newest.with_hint, "without_hint": newest.without_hint}
        print_json(document)
    else:
        text = _render(plans, chosen.pin, extras) if releases else _render_newest(newest, plans, extras)
        if chosen.groups:
            text = _render_group(plans[0])
        sys.stdout.write(f"{text}\n{age_today(known)}\n")
    return 0
