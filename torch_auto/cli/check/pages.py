"""PyTorch's pages: whether the user's side names those that the machine's torch is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import OK, WARN, Finding
from torch_auto.cli.project.lock import held_from
from torch_auto.cli.tools import places
from torch_auto.cli.tools.pages import missing_pages, torch_pages
from torch_auto.pins.extras import EXTRAS
from torch_auto.select.words import listed

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.decide import Plan


def hiding(situation: Situation) -> list[Finding]:
    """An index of PyTorch's that hides PyPI, and what the lock holds from it."""
    root, found = situation.project.root, []
    for page in situation.hiding:
        taken = held_from(situation.project, page.url) - {"torch", "torch-auto", *EXTRAS.values()}
        text = f"{situation.tool.hides(page)}."
        text = f"{text[0].upper()}{text[1:]}"
        if taken:
            text += f" The lock holds {listed(sorted(taken))} from there."
        if places.is_of_the_project(page, root) and situation.here is None:
            again = [f"uv lock {' '.join(f'--upgrade-package {name}' for name in sorted(taken))}", "uv sync --inexact"]
            commands = (situation.ours(" ".join(("add", *situation.wanted_extras))), *(again if taken else ()))
        else:
            text, commands = f"{text} {places.remedy(page)}", ()
        found.append(Finding("pages.hide-pypi", "index", WARN, text, commands))
    return found[:1]


def pages(situation: Situation) -> Finding:
    """Whether the user's side names the pages that the machine's torch is on."""
    if situation.all_named:
        base = situation.settings.index_url
        naming = [item for item in situation.named if not missing_pages([item], torch_pages(base), base)]
        origins = dict.fromkeys(item.origin for item in naming)
        return Finding("pages.ok", "pages", OK, f"PyTorch's pages are named in {', '.join(origins)}.")
    if situation.tool.by_commands:
        text = f"PyTorch's pages are not named. `{situation.ours('refresh')}` names them in its commands."
        return Finding("pages.ok", "pages", OK, text)
    newest = situation.newest
    best = situation.plan_of(newest.with_pages) if newest.with_pages is not None else None
    plans = [plan for plan in (situation.plan, best) if plan is not None and plan.selection.needs is None]
    if newest.with_pages == newest.without_pages and all(_is_public(situation, plan) for plan in plans):
        text = "PyTorch's pages are not named, and not needed: PyPI has what there is for this machine."
        return Finding("pages.ok", "pages", OK, text)
    pages = " and ".join(situation.missing)
    text = f"{pages} is not named. It has builds that fit this machine better."
    if len(situation.missing) > 1:
        text = f"{pages} are not named. They have builds that fit this machine better."
    return Finding("pages.missing", "pages", WARN, text, (situation.ours("init"), *situation.fix[-1:]))


def _is_public(situation: Situation, plan: Plan) -> bool:
    """Whether PyPI's build is the very build that a plan prefers."""
    selection = plan.selection
    if selection.local_version is None:
        return selection.needs is None
    here = situation.catalog.release(plan.release).platforms.get(selection.platform or "")
    public = here.public if here is not None else None
    return public is not None and public.torch_backend == selection.torch_backend
