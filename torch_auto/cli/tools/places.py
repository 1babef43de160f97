"""Where a tool takes packages from: every spelling of it as one list, and which of the places hides PyPI."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from torch_auto.cli.tools.pages import is_pytorchs

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A page of links, which stands beside the indexes; and an index that is asked for nothing but what names it, or where
#: no other has a package, or that another setting replaces. Neither hides anything.
LINKS, ASIDE = "links", "aside"
#: An index that is asked for every package, beside PyPI or before it; and one in the place of PyPI.
INDEX, DEFAULT = "index", "default"


@dataclass(frozen=True)
class NamedPage:
    """A URL that a tool looks for torch at, and the file or variable that names it.

    ``kind`` is one of this module's; ``spelling`` is the setting in a file, "extra-index-url". An empty URL is PyPI.
    """

    url: str
    origin: str
    kind: str = LINKS
    spelling: str = ""

    @property
    def place(self) -> str:
        """Where it is written, in words: "extra-index-url in pyproject.toml", "UV_INDEX"."""
        return f"{self.spelling} in {self.origin}" if self.spelling else self.origin


def hiding(named: Iterable[NamedPage], index_url: str, *, in_order: bool) -> tuple[NamedPage, ...]:
    """PyTorch's indexes that hide PyPI: what they list comes from there, and years-old numpy is among it.

    ``named`` is in the order in which the tool asks, PyPI last where it is not named. ``in_order``: it takes a package
    from the first index that lists it; else the best version of all counts, and only an index in the place of PyPI
    with no other beside it hides anything. What an index of the user's own lists is not known: it may be a copy of
    PyPI, so nothing behind it counts.
    """
    asked = [item for item in named if item.kind in (INDEX, DEFAULT)]
    if in_order:
        return tuple(takewhile(lambda item: is_pytorchs(item.url, index_url), asked))
    has_pypi = all(item.kind != DEFAULT for item in asked)
    if has_pypi or not all(is_pytorchs(item.url, index_url) for item in asked):
        return ()
    return tuple(item for item in asked if item.kind == DEFAULT)


def is_of_the_project(page: NamedPage, root: str) -> bool:
    """Whether a file in the project's root names it; else a variable does, or a file of the user's or the system's."""
    return os.path.dirname(page.origin) == root


def remedy(page: NamedPage) -> str:
    """What ends it by hand, as a sentence."""
    if not os.path.dirname(page.origin):
        return f"Unset {page.origin}."
    if page.spelling.endswith("index") and page.kind == INDEX:
        return f"Write explicit = true there, or take it out of {page.origin}."
    return f"Take it out of {page.origin}."
