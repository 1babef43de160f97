"""PyTorch's pages, which the user's side must name for local versions of torch to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto import catalog
from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.decide import decide, machine_for
from torch_auto.newest import newest_usable
from torch_auto.pins.extras import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_auto.cli.tools.tool import NamedPage
    from torch_auto.decide import Plan
    from torch_auto.settings import Settings


def torch_pages(index_url: str) -> tuple[str, ...]:
    """The pages of torch itself, below the base of the PyTorch index or of a mirror of it.

    They are the same for every machine, so that a team shares one configuration.
    """
    return (f"{index_url}/torch/",)


def needed_pages(index_url: str, plan: Plan | None, extras: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The same, those of the projects of extras and, for an AMD or Intel GPU, that of its triton, which PyPI lacks.

    Pages are only ever added: the file of a team with GPUs of several vendors ends up with those of all.
    """
    family = [f"{index_url}/{EXTRAS[name]}/" for name in extras]
    return tuple(dict.fromkeys([*torch_pages(index_url), *(plan.pages if plan is not None else ()), *family]))


def pages_here(chosen: Settings, extras: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The pages that this machine needs, and every other; ``extras`` are those that are asked for."""
    known = catalog.load()
    machine = machine_for(chosen)
    newest = newest_usable(machine, chosen, known).with_pages
    best = decide(known.release(newest), machine, chosen, known) if newest is not None else None
    return needed_pages(chosen.index_url, best, extras)


def missing_pages(found: Iterable[NamedPage], pages: tuple[str, ...], index_url: str) -> tuple[str, ...]:
    """The pages that no place names. A mirror's page is enough, and so is an index of torch backends."""
    urls = [item.url for item in found]
    if any(_tail(url) == _tail(index_url) or _is_backend_index(url) for url in urls):
        return ()
    return tuple(page for page in pages if not any(same_page(url, page) or _tail(url) == _tail(page) for url in urls))


def same_page(one: str, other: str) -> bool:
    """Whether two URLs are the same page: a slash at the end, or index.html, makes no difference."""
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    url = url.strip()
    if url.endswith("/index.html"):
        url = url[: -len("index.html")]
    return url.rstrip("/")


def _tail(url: str) -> str:
    """The last part of a URL's path: "torch" of .../whl/torch/."""
    return url.split("#", maxsplit=1)[0].rstrip("/").rpartition("/")[2]


def _is_backend_index(url: str) -> bool:
    return parse_or_none(_tail(url)) is not None
