"""PyTorch's pages: whether the user's side names those that the machine's torch is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import INIT, OK, REFRESH, WARN, Finding
from torch_auto.cli.tools.pages import hint_pages, missing_pages

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.decide import Plan


def hint(situation: Situation) -> Finding:
    """Whether the user's side names the pages that the machine's torch is on."""
    if situation.hinted:
        base = situation.settings.index_url
        naming = [item for item in situation.hints if not missing_pages([item], hint_pages(base)[:1], base)]
        origins = dict.fromkeys(item.origin for item in naming)
        return Finding("hint", OK, f"It is set in {', '.join(origins)}.")
    newest = situation.newest
    best = situation.plan_of(newest.with_pages) if newest.with_pages is not None else None
    plans = [plan for plan in (situation.plan, best) if plan is not None and plan.selection.needs is None]
    if newest.with_pages == newest.without_pages and all(_is_public(situation, plan) for plan in plans):
        return Finding("hint", OK, "It is not set, and not needed: PyPI has what there is for this machine.")
    pages = " ".join(situation.missing)
    return Finding("hint", WARN, f"It is not set: {pages} has builds that fit this machine better.", (INIT, REFRESH))


def _is_public(situation: Situation, plan: Plan) -> bool:
    """Whether PyPI's build is the very build that a plan prefers."""
    selection = plan.selection
    if selection.local_version is None:
        return selection.needs is None
    here = situation.catalog.release(plan.release).platforms.get(selection.platform or "")
    public = here.public if here is not None else None
    return public is not None and public.torch_backend == selection.torch_backend
