"""PyTorch's pages, and the setting for exact pins, in uv's settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import NoPlaceError
from torch_auto.cli.tools.pages import is_pytorchs, project_of
from torch_auto.cli.tools.tool import EXACT, has_page, remove_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.cli.project.toml.document import Document


def prefix_of(path: str) -> tuple[str, ...]:
    """Where uv's settings are in a file: at the top of uv.toml, in [tool.uv] of any other."""
    return () if os.path.basename(path) == "uv.toml" else ("tool", "uv")


def flat_index(page: str) -> list[tuple[str, str]]:
    """A page of links as one of uv's indexes; each has the same name in every project."""
    return [("name", f"pytorch-{project_of(page)}"), ("url", page), ("format", "flat")]


def name_pages(document: Document, prefix: tuple[str, ...], pages: Sequence[str], *, flat: bool = True) -> None:
    """Name the pages that are not named yet; those that find-links names become flat indexes."""
    settings = table(document.content, *prefix)
    links = [str(item) for item in items(settings.get("find-links"))]
    for page in pages:
        if not flat:
            if not has_page(links, page):
                document.add_to_array((*prefix, "find-links"), page, len(prefix))
        elif not has_page(items(settings.get("index")), page):
            document.add_to_list((*prefix, "index"), flat_index(page), len(prefix))
    if flat and links:
        document.remove_elements((*prefix, "find-links"), lambda link: has_page(pages, link))


def set_pin(document: Document, prefix: tuple[str, ...], pin: str | None) -> None:
    """Have torch-auto's builds pin exactly, or not; None leaves that as it is."""
    there = table(document.content, *prefix, "config-settings-package", "torch-auto").get("pin")
    path = (*prefix, "config-settings-package", "torch-auto", "pin")
    if pin == EXACT and there is None:
        document.set(path, EXACT, len(prefix))
    elif pin == EXACT and there != EXACT:
        document.replace(path, EXACT)
    elif pin is not None and pin != EXACT:
        unset(document, prefix, "pin")


def unname_pages(document: Document, prefix: tuple[str, ...], index_url: str) -> None:
    """Take away the flat indexes and find-links that name pages of ours, and our setting."""

    def is_ours(entry: dict[str, Any]) -> bool:
        own = f"pytorch-{project_of(str(entry.get('url', '')))}"
        return entry.get("format") == "flat" and entry.get("name") == own

    remove_sources(document, (*prefix, "index"), is_ours)
    if "find-links" in table(document.content, *prefix):
        path = (*prefix, "find-links")
        document.remove_elements(path, lambda link: is_pytorchs(str(link), index_url))
    unset(document, prefix, "pin")
    if prefix:
        document.remove_empty(prefix)


def unset(document: Document, prefix: tuple[str, ...], setting: str) -> None:
    """Take a setting of torch-auto's builds away, and the tables around it that hold nothing else."""
    builds: tuple[str, ...] = (*prefix, "config-settings-package", "torch-auto")
    path = (*builds, setting)
    if setting not in table(document.content, *builds):
        return
    while len(path) > len(prefix) + 1 and len(table(document.content, *path[:-1])) == 1:
        path = path[:-1]
    try:
        document.remove(path)
    except NoPlaceError:  # the tables around it have headers
        document.remove((*builds, setting))
        document.remove_empty(builds)
    document.remove_empty(builds[:-1])
