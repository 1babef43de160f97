"""The hint: the pages that the user's side must name for local versions of torch to be found."""

from __future__ import annotations

from typing import Optional, Tuple

from torch_auto.family import EXTRAS
from torch_auto.plan import Plan


def hint_pages(index_url: str) -> Tuple[str, ...]:
    """The find-links pages below the base of the PyTorch index or of a mirror of it.

    They are the same for every machine, so that a team shares one configuration.
    """
    return (f"{index_url}/torch/",)


def needed_pages(index_url: str, plan: Optional[Plan], extras: Tuple[str, ...] = ()) -> Tuple[str, ...]:
    """The same, those of the projects of extras and, for an AMD or Intel GPU, that of its triton, which PyPI has not.

    Pages are only ever added: a team with GPUs of several vendors comes to the lines that serve all.
    """
    family = [f"{index_url}/{EXTRAS[name]}/" for name in extras]
    return tuple(dict.fromkeys([*hint_pages(index_url), *(plan.find_links if plan is not None else ()), *family]))


def same_page(one: str, other: str) -> bool:
    """Whether two URLs are the same page: a slash at the end, or index.html, makes no difference."""
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    url = url.strip()
    if url.endswith("/index.html"):
        url = url[: -len("index.html")]
    return url.rstrip("/")
