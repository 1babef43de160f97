"""PDM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.processes import Step
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import edited
from torch_auto.cli.tools import places
from torch_auto.cli.tools.pages import is_pytorchs
from torch_auto.cli.tools.places import DEFAULT, INDEX, LINKS, NamedPage
from torch_auto.cli.tools.takeover import take_requirements
from torch_auto.cli.tools.tool import (
    Adding,
    Tool,
    Wish,
    has_page,
    installed_of_ours,
    pyproject_of,
    remove_sources,
    require_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.project.toml.document import Document

_PDM = ("tool", "pdm")
#: The name of the source that is PyPI.
_PYPI = "pypi"

#: What it read from METADATA is kept apart from the wheels that it built.
_FORGET = (
    Step(("pdm", "cache", "remove", "torch_auto*"), may_fail=True),
    Step(("pdm", "cache", "clear", "metadata"), may_fail=True),
)


class Pdm(Tool):
    """``pdm add``, ``pdm update``."""

    name = "pdm"
    locks: tuple[str, ...] = ("pdm.lock",)
    tables: tuple[str, ...] = ("pdm",)
    backends: tuple[str, ...] = ("pdm.",)
    adding = "pdm add torch-auto"
    removing = "pdm remove torch-auto"
    keeps_metadata = True

    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """The project's sources; that of the name pypi stands in the place of PyPI, which else comes first."""
        entries = [table(entry) for entry in items(table(project.pyproject, *_PDM).get("source"))]
        names = [str(entry.get("name", "")) for entry in entries]
        if _PYPI not in names:
            yield NamedPage("", pyproject_of(project), INDEX)
        for name, entry in zip(names, entries):
            kind = DEFAULT if name == _PYPI else INDEX
            if entry.get("type") == "find_links" or "*" in items(entry.get("exclude_packages")):
                kind = LINKS
            yield NamedPage(str(entry.get("url", "")), pyproject_of(project), kind, "tool.pdm.source")

    def asks_in_order(self, project: Project, variables: Mapping[str, str], installed: Environment) -> bool:
        """Where the project says so, as what is written here does."""
        return table(project.pyproject, *_PDM, "resolution").get("respect-source-order") is True

    def refuse_hiding(self, project: Project, wish: Wish, variables: Mapping[str, str]) -> None:
        """In the order of the sources, which is set with the pages."""
        there = environments.find_or_own(project.root, variables)
        hiding = places.hiding(self.named(project, variables, there), wish.index_url, in_order=True)
        for page in hiding:
            raise RefusedError(f"{self.hides(page)}. `{typed(variables)} add` removes it; or use --force to keep both")

    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """The project's pyproject.toml."""
        return pyproject_of(project)

    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """A source of the type find_links for each page, and PyPI before them.

        PDM keeps no local version in its lock but where the requirement is one exact pin. Of a range it keeps 2.15.0,
        and then installs the highest local version that any source lists, +xpu or +cu132, unless the sources have an
        order.
        """
        require_file(self, project, text)
        settings = table(project.pyproject, *_PDM)
        there = items(settings.get("source"))

        def edit(document: Document) -> None:
            if table(settings, "resolution").get("respect-source-order") is not True:
                document.set((*_PDM, "resolution", "respect-source-order"), value=True, section=len(_PDM) + 1)
            for page in wish.pages:
                if not has_page(there, page):
                    name = "-".join(["pytorch", page.rstrip("/").rpartition("/")[2]])
                    entry = [("name", name), ("type", "find_links"), ("url", page)]
                    document.add_to_list((*_PDM, "source"), entry, len(_PDM))

        text.after = edited(text.after, edit)

    def remove(self, text: Text, index_url: str) -> None:
        """The pages, and the order of sources where none is left."""

        def is_ours(entry: dict[str, Any]) -> bool:
            return entry.get("type") == "find_links" and is_pytorchs(str(entry.get("url", "")), index_url)

        def edit(document: Document) -> None:
            source = (*_PDM, "source")
            remove_sources(document, source, is_ours)
            left = table(document.content, *_PDM)
            if not items(left.get("source")) and "respect-source-order" in table(left, "resolution"):
                document.remove((*_PDM, "resolution", "respect-source-order"))
                document.remove_empty((*_PDM, "resolution"))

        text.after = edited(text.after, edit)

    def take_over(self, project: Project, change: Change, index_url: str) -> None:
        """Requirements, and PyTorch's sources that are no pages of links."""

        def is_old(entry: dict[str, Any]) -> bool:
            return is_pytorchs(str(entry.get("url", "")), index_url) and entry.get("type") != "find_links"

        def edit(document: Document) -> None:
            take_requirements(document)
            remove_sources(document, (*_PDM, "source"), is_old)

        text = change.text(pyproject_of(project))
        text.after = edited(text.after, edit)

    def adds(self, adding: Adding) -> list[Step]:
        """``pdm add``, past what it keeps of torch-auto's builds."""
        return [*_FORGET, Step(("pdm", "add", adding.requirement, *adding.packages))]

    def by_hand(self, wish: Wish) -> list[str]:
        """Lines of pyproject.toml."""
        source = ("[[tool.pdm.source]]", 'type = "find_links"')
        lines = [line for page in wish.pages for line in (*source, f'url = "{page}"')]
        return ["[tool.pdm.resolution]", "respect-source-order = true", *lines]

    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """A torch that differs in its local version alone is the same to PDM, so it is told to install anew."""
        return [
            *_FORGET,
            Step(("pdm", "update", "--no-sync", "torch-auto", *installed_of_ours(environment))),
            Step(("pdm", "sync", "--reinstall")),
        ]

    def companion(self, name: str) -> tuple[str, ...]:
        """From the sources that the project names."""
        return (f"pdm update {name}",)

    def newer_core(self, environment: Environment) -> tuple[str, ...]:
        """The lock holds it, since torch-auto requires it."""
        return ("pdm update torch-auto-core",)


TOOL = Pdm()
