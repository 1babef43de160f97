"""The hint in the files of uv, Poetry, PDM and pixi."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Tuple

from torch_auto.cli.files import Text
from torch_auto.cli.pages import same_page
from torch_auto.cli.project import PYPROJECT, Project
from torch_auto.cli.toml import items, table
from torch_auto.cli.toml_insert import add_table, add_to_array, set_value, string

Pages = Tuple[str, ...]


def _has(entries: List[Any], url: str) -> bool:
    urls = [entry.get("url", "") if isinstance(entry, dict) else entry for entry in entries]
    return any(same_page(str(item), url) for item in urls)


def uv(project: Project, text: Text, pages: Pages, *, exact: bool) -> None:
    """``find-links`` and, if wanted, the config setting, in uv.toml or in [tool.uv].

    Raises:
        NoPlaceError: there is no place for them, or a value of the user's would have to change.
    """
    prefix = () if os.path.basename(text.path) == "uv.toml" else ("tool", "uv")
    _, settings = project.uv_settings()
    for page in pages:
        if not _has(items(settings.get("find-links")), page):
            text.after = add_to_array(text.after, (*prefix, "find-links"), string(page), len(prefix))
    if exact and table(settings, "config-settings-package", "torch-auto").get("pin") != "exact":
        path = (*prefix, "config-settings-package", "torch-auto", "pin")
        text.after = set_value(text.after, path, string("exact"), len(prefix))


def poetry(project: Project, text: Text, index_url: str) -> None:
    """A source. Poetry reads no page of links, but the index as a whole: it lists all builds of torch at /torch/.

    It has to be a primary one: a supplemental one is not asked where PyPI has a torch that will do. A primary source
    takes PyPI's place unless PyPI is named too (python-poetry.org/docs/repositories/#default-package-source).

    Raises:
        NoPlaceError: there is no place for it.
    """
    sources = items(table(project.pyproject, "tool", "poetry").get("source"))
    path = ("tool", "poetry", "source")
    if _has(sources, index_url):
        return
    primary = [source for source in sources if table(source).get("priority", "primary") in ("primary", "default")]
    if not primary:
        text.after = add_table(text.after, path, [("name", "PyPI"), ("priority", "primary")])
    entry = [("name", "pytorch"), ("url", index_url), ("priority", "primary")]
    text.after = add_table(text.after, path, entry)


def pdm(project: Project, text: Text, pages: Pages) -> None:
    """A source of the type find_links for each page, and PyPI before them.

    PDM keeps no local version in its lock but where the requirement is one exact pin. Of a range it keeps 2.15.0, and
    then installs the highest local version that any source lists, +xpu or +cu132, unless the sources have an order.

    Raises:
        NoPlaceError: there is no place for it, or the order is set and is another.
    """
    settings = table(project.pyproject, "tool", "pdm")
    sources = items(settings.get("source"))
    if table(settings, "resolution").get("respect-source-order") is not True:
        path = ("tool", "pdm", "resolution", "respect-source-order")
        text.after = set_value(text.after, path, "true", len(path) - 1)
    for page in pages:
        if not _has(sources, page):
            name = "-".join(["pytorch", page.rstrip("/").rpartition("/")[2]])
            entry = [("name", name), ("type", "find_links"), ("url", page)]
            text.after = add_table(text.after, ("tool", "pdm", "source"), entry)


def pixi(data: Dict[str, Any], text: Text, pages: Pages) -> None:
    """``pypi-options.find-links``, in pixi.toml or in [tool.pixi].

    Raises:
        NoPlaceError: there is no place for it.
    """
    prefix = ("tool", "pixi") if os.path.basename(text.path) == PYPROJECT else ()
    path = (*prefix, "pypi-options", "find-links")
    for page in pages:
        if not _has(items(table(data, *path[:-1]).get("find-links")), page):
            text.after = add_to_array(text.after, path, f"{{ url = {string(page)} }}", len(path) - 1)
