"""What torch-auto has to know of a tool that manages projects."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.project import PYPROJECT
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import edited
from torch_auto.cli.tools import places
from torch_auto.cli.tools.pages import same_page
from torch_auto.cli.tools.places import NamedPage
from torch_auto.cli.tools.takeover import OURS, found_among, required_in, take_requirements
from torch_auto.pins.extras import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch_auto.cli.processes import Step
    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.project.toml.document import Document
    from torch_auto.cli.tools.takeover import Found

#: The setting with which torch-auto takes no build but the exact one.
EXACT = "exact"


@dataclass(frozen=True)
class Wish:
    """What is asked for: ``index_url`` is the base of PyTorch's index, ``pages`` are the pages of it to be named.

    ``pin`` is how torch-auto shall pin, "exact" or "prefer", or None to leave that as it is.
    """

    pin: str | None
    index_url: str
    force: bool
    pages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adding:
    """What is added: torch-auto's requirement and those of others, to an environment; ``locked``: there is a lock."""

    requirement: str
    packages: tuple[str, ...]
    environment: Environment
    locked: bool


@dataclass(frozen=True)
class Target:
    """What an environment is to get: a version of torch-auto, its extras, and config settings for its build.

    ``pages`` are those of PyTorch's pages that it takes and that no place names.
    """

    version: str
    extras: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """As an installer takes it: "torch-auto[vision]==2.14.1"."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"torch-auto{extras}=={self.version}"

    @property
    def projects(self) -> tuple[str, ...]:
        """What torch-auto pins then: torch, and the projects of the extras."""
        return ("torch", *(EXTRAS[name] for name in self.extras))


class Tool(ABC):
    """A tool. What says that it manages a project are its lock, other files, tables in [tool], build backends."""

    name = ""
    locks: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()  # how their names start
    #: The commands that add torch-auto and take it away, and the one that has the tool look at the machine again.
    adding = ""
    removing = ""
    refreshing = "torch-auto refresh"
    #: Whether it keeps METADATA apart from the wheels that it builds, so that the two may be of two machines.
    keeps_metadata = False
    #: Whether its lock can hold a dependency group for each torch backend.
    has_groups = False
    #: Whether it reads a script's inline metadata.
    reads_scripts = False
    #: Whether it reads a page once, so that a project names every page that any machine needs.
    keeps_pages = False
    #: Whether it installs into an environment by commands alone, which then name versions and pages themselves.
    by_commands = False

    def has_installed(self, project: Project, installer: str | None) -> bool:
        """Whether torch-auto's INSTALLER in an environment says that it is this tool's."""
        return False

    def requires(self, project: Project) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What a project requires in lists that this tool alone reads, each as (normalized name, extras).

        Raises:
            OSError: a file cannot be read.
        """
        return iter(())

    def build_settings(self, project: Project) -> dict[str, Any]:
        """The config settings that it hands to torch-auto's builds in a project."""
        return {}

    # --- PyTorch's pages ---

    @abstractmethod
    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """Every URL beside PyPI that it looks for torch at, indexes in the order in which they are asked.

        Raises:
            NotTomlError, OSError: a file of the project's cannot be read.
        """

    def asks_in_order(self, project: Project, variables: Mapping[str, str], installed: Environment) -> bool:
        """Whether it takes a package from the first index that lists it, and not the best version of all.

        Raises:
            NotTomlError, OSError: a file of the project's cannot be read.
        """
        return False

    def hiding(
        self, project: Project, variables: Mapping[str, str], installed: Environment, index_url: str
    ) -> tuple[NamedPage, ...]:
        """PyTorch's indexes that hide PyPI from it: see :func:`torch_auto.cli.tools.places.hiding`.

        Raises:
            NotTomlError, OSError: a file of the project's cannot be read.
        """
        named = self.named(project, variables, installed)
        return places.hiding(named, index_url, in_order=self.asks_in_order(project, variables, installed))

    @abstractmethod
    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """The file that pages are written into.

        Raises:
            RefusedError: there is none.
        """

    def check(self, project: Project, wish: Wish, variables: Mapping[str, str]) -> None:
        """What stands against writing, but for --force.

        Raises:
            RefusedError: something does.
        """
        if wish.pin == EXACT:
            raise RefusedError(
                f"--pin exact can only be written into uv's settings; for {self.name}, set TORCH_AUTO_PIN=exact "
                "where it builds"
            )
        self.refuse_hiding(project, wish, variables)

    def refuse_hiding(self, project: Project, wish: Wish, variables: Mapping[str, str]) -> None:
        """Where an index of PyTorch's hides PyPI, nothing that is written beside it helps.

        Raises:
            RefusedError: one does.
        """
        there = environments.find_or_own(project.root, variables)
        for page in self.hiding(project, variables, there, wish.index_url):
            how = places.remedy(page)
            if places.is_of_the_project(page, project.root):
                how = f"`{typed(os.environ)} add` removes it"
            raise RefusedError(f"{self.hides(page)}. {how.rstrip('.')}; or use --force to keep both")

    def hides(self, page: NamedPage) -> str:
        """What an index does that hides PyPI, as a sentence without its end."""
        return (
            f"the index {page.url} is named ({page.place}): {self.name} takes every package that it lists from there, "
            "years-old numpy among them"
        )

    @abstractmethod
    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """Name the pages in a file's text where they are not named.

        Raises:
            NoPlaceError: there is no place for them, or a value of the user's would have to change.
            RefusedError: there is no file to write into.
        """

    @abstractmethod
    def remove(self, text: Text, index_url: str) -> None:
        """Take back what :meth:`write` wrote, and nothing else.

        Raises:
            NoPlaceError: it is written in a way that cannot be changed.
        """

    def exact_by_default(self, variables: Mapping[str, str]) -> bool:
        """Whether the setting for exact pins is written unless something else is asked for."""
        return False

    @abstractmethod
    def by_hand(self, wish: Wish) -> list[str]:
        """The lines that name the pages, for people to write."""

    def next(self, project: Project, path: str) -> str:
        """The command to type after the pages were written into a file."""
        names = required_names(self, project)
        if "torch-auto" in names:
            return self.refreshing
        return f"{typed(os.environ)} add" if names & set(OURS) else self.adding

    # --- torch-auto in place of torch ---

    def found(self, project: Project) -> Found:
        """What the project says of torch, torchvision and torchaudio by itself.

        Raises:
            OSError: a file cannot be read.
        """
        return found_among(required_in(project.member))

    def take_over(self, project: Project, change: Change, index_url: str) -> None:
        """Take that out of the project's files, with PyTorch's indexes that were for it.

        Raises:
            NoPlaceError: it is written in a way that cannot be changed.
        """
        text = change.text(os.path.join(project.folder, PYPROJECT))
        text.after = edited(text.after, take_requirements)

    def add_lines(self, project: Project, change: Change, adding: Adding) -> None:
        """Write what is added into the project's files, for a tool that has no command for it."""
        return

    @abstractmethod
    def adds(self, adding: Adding) -> list[Step]:
        """The commands that add torch-auto, and packages beside it."""

    # --- what it has installed ---

    @abstractmethod
    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """The commands that make it look at the machine again, and install what it then needs.

        What was built stays cached, and each tool has its own way to forget it; all were run. ``version`` is the
        installed torch-auto's, ``at_least`` the release that the project must allow and does not.
        """

    def install(self, environment: Environment, target: Target) -> list[Step]:
        """The commands that install just that into an environment; for a tool whose :attr:`by_commands` is set."""
        raise NotImplementedError

    def companion(self, name: str) -> tuple[str, ...]:
        """The commands that install torchvision or torchaudio for the installed torch in a project with torch groups.

        Not for a tool whose :attr:`by_commands` is set.
        """
        raise NotImplementedError

    @abstractmethod
    def newer_core(self, environment: Environment) -> tuple[str, ...]:
        """The commands that bring the newest torch-auto-core into the environment."""


def pyproject_of(project: Project) -> str:
    """The pyproject.toml in a project's root."""
    return os.path.join(project.root, PYPROJECT)


def require_file(tool: Tool, project: Project, text: Text) -> None:
    """Whether there is a file to write into.

    Raises:
        RefusedError: there is none.
    """
    if text.before is None:
        raise RefusedError(f"there is no {os.path.basename(text.path)} in {project.root}; `{tool.name} init` makes one")


def required_names(tool: Tool, project: Project) -> set[str]:
    """The normalized names of all that a project requires.

    Raises:
        OSError: a file cannot be read.
    """
    found = [item for item in map(requirement, project.dependencies()) if item is not None]
    return {canonicalize_name(item.name) for item in found} | {name for name, _ in tool.requires(project)}


def installed_of_ours(environment: Environment) -> tuple[str, ...]:
    """torch, and torchvision and torchaudio where an environment has them: a lock that keeps one keeps torch back."""
    return ("torch", *(name for name in OURS[1:] if environment.distribution(name) is not None))


def remove_sources(document: Document, path: tuple[str, ...], unwanted: Callable[[dict[str, Any]], bool]) -> None:
    """Take tables out of an array of tables.

    Raises:
        NoPlaceError: they are written in a way that cannot be changed.
    """
    entries = items(table(document.content, *path[:-1]).get(path[-1]))
    for number, entry in reversed(list(enumerate(entries))):
        if unwanted(table(entry)):
            document.remove_from_list(path, number)


def has_page(entries: Sequence[Any], url: str) -> bool:
    """Whether entries, which are URLs or tables with a URL, name a page."""
    urls = [entry.get("url", "") if isinstance(entry, dict) else entry for entry in entries]
    return any(same_page(str(item), url) for item in urls)
