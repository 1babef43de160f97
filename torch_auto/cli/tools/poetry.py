"""Poetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.processes import Step
from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import edited
from torch_auto.cli.tools.pages import is_pytorchs, same_page
from torch_auto.cli.tools.places import ASIDE, DEFAULT, NamedPage
from torch_auto.cli.tools.takeover import OURS, found_among, required_in, take_requirements
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
from torch_auto.settings import DEFAULT_INDEX_URL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.project.toml.document import Document
    from torch_auto.cli.tools.takeover import Found

_SOURCE = ("tool", "poetry", "source")
#: The priorities of sources that are asked for everything; "default" is that of older Poetrys.
_PRIMARY = ("primary", "default")


class Poetry(Tool):
    """``poetry add``, ``poetry update``."""

    name = "poetry"
    locks: tuple[str, ...] = ("poetry.lock",)
    tables: tuple[str, ...] = ("poetry",)
    backends: tuple[str, ...] = ("poetry.",)
    # Without a bound, Poetry settles on the newest release before it resolves, and does not go back from it.
    adding = 'poetry add "torch-auto>=2.0"'
    removing = "poetry remove torch-auto"
    keeps_metadata = True

    def requires(self, project: Project) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The dependencies in its own tables, groups and all."""
        poetry = table(project.pyproject, *_SOURCE[:-1])
        groups = [table(group, "dependencies") for group in table(poetry, "group").values()]
        for entries in (table(poetry, "dependencies"), *groups):
            for name, value in entries.items():
                yield canonicalize_name(name), tuple(map(str, items(table(value).get("extras"))))

    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """The project's sources; a primary one stands in the place of PyPI, which may be one of them.

        A supplemental one is asked where no primary one lists a package.
        """
        for entry in map(table, items(table(project.pyproject, *_SOURCE[:-1]).get("source"))):
            kind = DEFAULT if entry.get("priority", "primary") in _PRIMARY else ASIDE
            yield NamedPage(str(entry.get("url", "")), pyproject_of(project), kind, ".".join(_SOURCE))

    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """The project's pyproject.toml."""
        return pyproject_of(project)

    def refuse_hiding(self, project: Project, wish: Wish, variables: Mapping[str, str]) -> None:
        """What is written names PyPI again."""

    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """A source. Poetry reads no page of links, but the index as a whole: it lists all builds of torch at /torch/.

        It has to be a primary one: a supplemental one is not asked where PyPI has a torch that will do. A primary
        source takes PyPI's place unless PyPI is named too
        (python-poetry.org/docs/repositories/#default-package-source).
        """
        require_file(self, project, text)
        there = [table(item) for item in items(table(project.pyproject, *_SOURCE[:-1]).get("source"))]
        primary = [item for item in there if item.get("priority", "primary") in _PRIMARY]
        has_pypi = any(not is_pytorchs(str(item.get("url", "")), wish.index_url) for item in primary)
        names = [str(item.get("name", "")).lower() for item in there]
        if not has_pypi and "pypi" in names:
            raise RefusedError('PyPI is a source that Poetry asks last; write priority = "primary" there')
        ours = ("pytorch", *(f"pytorch-{number}" for number in range(2, len(names) + 3)))
        name = next(name for name in ours if name not in names)

        def edit(document: Document) -> None:
            if not has_pypi:
                document.add_to_list(_SOURCE, [("name", "PyPI"), ("priority", "primary")], len(_SOURCE) - 1)
            if not has_page(there, wish.index_url):
                entry = [("name", name), ("url", wish.index_url), ("priority", "primary")]
                document.add_to_list(_SOURCE, entry, len(_SOURCE) - 1)

        text.after = edited(text.after, edit)

    def remove(self, text: Text, index_url: str) -> None:
        """The index as a whole; PyPI's too where it is the only one left, since it needs no naming then."""

        def is_ours(entry: dict[str, Any]) -> bool:
            return any(same_page(str(entry.get("url", "")), base) for base in (index_url, DEFAULT_INDEX_URL))

        def edit(document: Document) -> None:
            remove_sources(document, _SOURCE, is_ours)
            left = items(table(document.content, *_SOURCE[:-1]).get("source"))
            if left == [{"name": "PyPI", "priority": "primary"}]:
                remove_sources(document, _SOURCE, bool)

        text.after = edited(text.after, edit)

    def found(self, project: Project) -> Found:
        """Those of [project], and of its own tables."""
        own = [
            f"{name}{_specifier(value)}"
            for path in _lists(project.member)
            for name, value in table(project.member, *path).items()
            if canonicalize_name(name) in (*OURS, "torch-auto")
        ]
        return found_among([*required_in(project.member), *own])

    def take_over(self, project: Project, change: Change, index_url: str) -> None:
        """Those, and PyTorch's sources that were for them."""

        def edit(document: Document) -> None:
            take_requirements(document)
            for path in _lists(document.content):
                for name in [name for name in table(document.content, *path) if canonicalize_name(name) in OURS]:
                    document.remove((*path, name))

            def is_old(entry: dict[str, Any]) -> bool:
                url = str(entry.get("url", ""))
                return is_pytorchs(url, index_url) and not same_page(url, index_url)

            remove_sources(document, _SOURCE, is_old)

        text = change.text(pyproject_of(project))
        text.after = edited(text.after, edit)

    def adds(self, adding: Adding) -> list[Step]:
        """``poetry add``, past what it keeps of METADATA."""
        return [Step(("poetry", "--no-cache", "add", adding.requirement, *adding.packages))]

    def by_hand(self, wish: Wish) -> list[str]:
        """Lines of pyproject.toml."""
        return ["[[tool.poetry.source]]", 'name = "pytorch"', f'url = "{wish.index_url}"', 'priority = "primary"']

    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """It keeps METADATA per source, under names that are the project's; --no-cache leaves all of it aside."""
        return [Step(("poetry", "--no-cache", "update", "torch-auto", *installed_of_ours(environment)))]

    def companion(self, name: str) -> tuple[str, ...]:
        """From the sources that the project names."""
        return (f"poetry update {name}",)

    def newer_core(self, environment: Environment) -> tuple[str, ...]:
        """The lock holds it, since torch-auto requires it."""
        return ("poetry update torch-auto-core",)


TOOL = Poetry()


def _lists(content: dict[str, Any]) -> list[tuple[str, ...]]:
    """Its tables of dependencies: the main one and those of groups."""
    poetry = table(content, "tool", "poetry")
    groups = [("tool", "poetry", "group", name, "dependencies") for name in table(poetry, "group")]
    return [("tool", "poetry", "dependencies"), ("tool", "poetry", "dev-dependencies"), *groups]


def _specifier(value: object) -> str:
    """Poetry's constraint as a specifier; its own spellings, ^2.5 and ~2.5, as the least version that they allow."""
    text = str(value.get("version", "*") if isinstance(value, dict) else value).strip()
    if text in ("*", ""):
        return ""
    if text[0] in "^~" and not text.startswith("~="):
        return f">={text[1:].strip()}"
    return text if text[0] in "=<>!~" else f"=={text}"
