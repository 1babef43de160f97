"""PyTorch's pages, which the user's side must name for local versions of torch to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto import catalog
from torch_auto.catalog.pairs import companions
from torch_auto.catalog.torch_backends import parse_or_none
from torch_auto.decide import decide, machine_for
from torch_auto.newest import newest_usable
from torch_auto.pins.extras import EXTRAS
from torch_auto.settings import DEFAULT_INDEX_URL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_auto.cli.tools.places import NamedPage
    from torch_auto.decide import Plan
    from torch_auto.settings import Settings


#: Those whose builds require a triton that PyPI lacks.
_TRITONS = ("amd", "intel")


def torch_pages(index_url: str) -> tuple[str, ...]:
    """The pages of torch itself, below the URL of the PyTorch index, or of a mirror.

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


def project_pages(chosen: Settings, extras: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The pages that a project names: the same on every machine, for torch, torchvision, torchaudio and every triton.

    A mirror may lack pages, and uv ends where a page that is named is not there. So of a mirror only those are named
    that this machine needs; ``extras`` are those that are asked for.
    """
    here = pages_here(chosen, extras)
    if chosen.index_url != DEFAULT_INDEX_URL:
        return here
    releases = [release.version for release in catalog.load().releases]
    tritons = (next(filter(None, (companions(vendor, item) for item in reversed(releases))), ()) for vendor in _TRITONS)
    projects = ("torch", *EXTRAS.values(), *(project for found in tritons for project in found))
    return tuple(dict.fromkeys([*(f"{chosen.index_url}/{project}/" for project in projects), *here]))


def base_of(named: Iterable[NamedPage], index_url: str) -> str:
    """The base of the pages that are named already, so that a project with a mirror keeps to it; else ``index_url``."""
    for page in named:
        url = page.url.rstrip("/")
        if url.endswith("/torch") and not same_page(url, f"{DEFAULT_INDEX_URL}/torch"):
            return url[: -len("/torch")]
    return index_url


def is_pytorchs(url: str, index_url: str) -> bool:
    """Whether a URL is a page or an index of PyTorch's, or of the mirror of it at ``index_url``."""
    return any(url.rstrip("/") == base or url.startswith(f"{base}/") for base in (DEFAULT_INDEX_URL, index_url))


def project_of(url: str) -> str:
    """The project that a page lists: "torch" of .../whl/torch/."""
    return _tail(url)


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
