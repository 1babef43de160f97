"""What a project of uv's says of torch by itself (docs.astral.sh/uv/guides/integration/pytorch), taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from torch_auto.cli.project.toml import items, table
from torch_auto.cli.tools.pages import is_pytorchs
from torch_auto.cli.tools.takeover import OURS
from torch_auto.cli.tools.tool import remove_sources
from torch_auto.cli.tools.uv_pages import prefix_of

if TYPE_CHECKING:
    from torch_auto.cli.project.toml.document import Document


def take_conflicts(document: Document, gone: set[tuple[str, str]]) -> None:
    """Take extras and groups that are gone out of tool.uv.conflicts: uv ends where one is named that is not there."""
    path = ("tool", "uv", "conflicts")
    sets = items(table(document.content, *path[:-1]).get("conflicts"))
    kinds = {"extra": "optional-dependencies", "group": "dependency-groups"}

    def is_gone(entry: Any) -> bool:
        return any((kinds[kind], canonicalize_name(str(table(entry).get(kind, "")))) in gone for kind in kinds)

    left = [[entry for entry in items(entries) if not is_gone(entry)] for entries in sets]
    left = [entries for entries in left if len(entries) > 1]
    if left and left != sets:
        document.change_array(path, left)
    elif sets and not left:
        document.remove(path)


def take_sources(document: Document, path: str, index_url: str) -> None:
    """Take the sources of ours out of a file with uv's settings, and PyTorch's indexes that nothing else refers to."""
    prefix = prefix_of(path)
    sources = (*prefix, "sources")
    for name in list(table(document.content, *sources)):
        if canonicalize_name(name) in OURS:
            document.remove((*sources, name))
    document.remove_empty(sources)
    referred = set(_indexes_of(table(document.content, *sources).values()))

    def is_left(entry: dict[str, Any]) -> bool:
        pytorchs = is_pytorchs(str(entry.get("url", "")), index_url) and entry.get("format") != "flat"
        return pytorchs and entry.get("name", "") not in referred

    remove_sources(document, (*prefix, "index"), is_left)
    for place in (prefix, (*prefix, "pip")):
        for name in ("find-links", "extra-index-url"):
            if name in table(document.content, *place):
                document.remove_elements((*place, name), lambda url: is_pytorchs(str(url), index_url))
        if is_pytorchs(str(table(document.content, *place).get("index-url", "")), index_url):
            document.remove((*place, "index-url"))
    document.remove_empty((*prefix, "pip"))


def _indexes_of(sources: Any) -> list[str]:
    entries = [entry for source in sources for entry in (source if isinstance(source, list) else [source])]
    return [str(table(entry).get("index", "")) for entry in entries]
