"""Poetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from torch_auto.cli.processes import Step
from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import edited
from torch_auto.cli.tools.tool import NamedPage, Tool, Wish, has_page, pyproject_of, require_file, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.project.toml.document import Document

_SOURCE = ("tool", "poetry", "source")


class Poetry(Tool):
    """``poetry add``, ``poetry update``."""

    name = "poetry"
    locks: tuple[str, ...] = ("poetry.lock",)
    tables: tuple[str, ...] = ("poetry",)
    backends: tuple[str, ...] = ("poetry.",)
    # Without a bound, Poetry settles on the newest release before it resolves, and does not go back from it.
    adding = 'poetry add "torch-auto>=2.0"'

    def requires(self, project: Project) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The dependencies in its own tables, groups and all."""
        poetry = table(project.pyproject, *_SOURCE[:-1])
        groups = [table(group, "dependencies") for group in table(poetry, "group").values()]
        for entries in (table(poetry, "dependencies"), *groups):
            for name, value in entries.items():
                yield canonicalize_name(name), tuple(map(str, items(table(value).get("extras"))))

    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """The project's sources."""
        return sources(project, self.name)

    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """The project's pyproject.toml."""
        return pyproject_of(project)

    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """A source. Poetry reads no page of links, but the index as a whole: it lists all builds of torch at /torch/.

        It has to be a primary one: a supplemental one is not asked where PyPI has a torch that will do. A primary
        source takes PyPI's place unless PyPI is named too
        (python-poetry.org/docs/repositories/#default-package-source).
        """
        require_file(self, project, text)
        there = items(table(project.pyproject, *_SOURCE[:-1]).get("source"))
        if has_page(there, wish.index_url):
            return
        has_primary = any(table(item).get("priority", "primary") in ("primary", "default") for item in there)

        def edit(document: Document) -> None:
            if not has_primary:
                document.add_table(_SOURCE, [("name", "PyPI"), ("priority", "primary")])
            entry = [("name", "pytorch"), ("url", wish.index_url), ("priority", "primary")]
            document.add_table(_SOURCE, entry)

        text.after = edited(text.after, edit)

    def by_hand(self, wish: Wish) -> list[str]:
        """Lines of pyproject.toml."""
        return ["[[tool.poetry.source]]", 'name = "pytorch"', f'url = "{wish.index_url}"', 'priority = "primary"']

    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """It keeps METADATA per source, under names that are the project's; --no-cache leaves all of it aside."""
        return [Step(("poetry", "--no-cache", "update", "torch-auto", "torch"))]

    def companion(self, name: str, extra: str, index_url: str, *, groups: bool) -> tuple[str, ...]:
        """From the sources that the project names."""
        return (f"poetry update {name}",)

    def newer_core(self, environment: Environment, *, groups: bool) -> tuple[str, ...]:
        """The lock holds it, since torch-auto requires it."""
        return ("poetry update torch-auto-core",)


TOOL = Poetry()
