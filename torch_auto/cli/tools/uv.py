"""uv, for projects."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.processes import Step
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.project import PYPROJECT
from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import edited
from torch_auto.cli.project.toml.spelling import string
from torch_auto.cli.tools import uv_places, uv_program
from torch_auto.cli.tools.takeover import OURS, found_among, overrides, required_in, take_requirements
from torch_auto.cli.tools.tool import EXACT, Adding, Tool, Wish, installed_of_ours, require_file
from torch_auto.cli.tools.uv_pages import flat_index, name_pages, prefix_of, set_pin, unname_pages
from torch_auto.cli.tools.uv_takeover import take_conflicts, take_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.project.toml.document import Document
    from torch_auto.cli.tools.places import NamedPage
    from torch_auto.cli.tools.takeover import Found


class Uv(Tool):
    """``uv add``, ``uv sync``: it reads the workspace's root, uv.toml before [tool.uv], and variables."""

    name = "uv"
    locks: tuple[str, ...] = ("uv.lock",)
    files: tuple[str, ...] = ("uv.toml",)
    tables: tuple[str, ...] = ("uv",)
    backends: tuple[str, ...] = ("uv.", "uv_build")
    adding = "uv add torch-auto"
    removing = "uv remove torch-auto"
    refreshing = "uv run torch-auto refresh"
    keeps_metadata = True
    has_groups = True
    keeps_pages = True
    reads_scripts = True

    def has_installed(self, project: Project, installer: str | None) -> bool:
        """Without a lock and a table, a project that uv has installed into is uv's if it has dependencies."""
        return installer == "uv" and "dependencies" in table(project.pyproject, "project")

    def build_settings(self, project: Project) -> dict[str, Any]:
        """``config-settings``, and those for torch-auto alone."""
        _, settings = project.uv_settings()
        found = {**table(settings, "config-settings"), **table(settings, "config-settings-package", "torch-auto")}
        return {str(key): value for key, value in found.items()}

    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """In variables, in the project's settings, in the user's and the system's."""
        return iter(uv_places.places(project, variables))

    def asks_in_order(self, project: Project, variables: Mapping[str, str], installed: Environment) -> bool:
        """Unless its strategy is the unsafe one of all indexes."""
        return uv_places.in_order(project, variables)

    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """uv.toml, or else pyproject.toml, in the workspace's root."""
        return project.uv_settings()[0]

    def check(self, project: Project, wish: Wish, variables: Mapping[str, str]) -> None:
        """An exact pin takes a uv that keeps such builds apart, and an index of the project's stands in the way."""
        if wish.pin == EXACT:
            uv_program.refuse_old("--pin exact", variables)
        refuse_own_source(project)
        self.refuse_hiding(project, wish, variables)

    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """Flat indexes and, if wanted, the config setting, in uv.toml or in [tool.uv]; find-links for an old uv."""
        require_file(self, project, text)
        self.edit(text, wish)

    def edit(self, text: Text, wish: Wish) -> None:
        """The change of a file's text.

        Raises:
            NoPlaceError: there is no place for it.
        """
        flat, prefix = uv_program.takes_flat(os.environ), prefix_of(text.path)

        def edit(document: Document) -> None:
            set_pin(document, prefix, wish.pin)
            name_pages(document, prefix, wish.pages, flat=flat)

        text.after = edited(text.after, edit)

    def remove(self, text: Text, index_url: str) -> None:
        """Take back what :meth:`write` wrote."""
        text.after = edited(text.after, lambda document: unname_pages(document, prefix_of(text.path), index_url))

    def by_hand(self, wish: Wish) -> list[str]:
        """Lines of pyproject.toml."""
        lines = []
        for page in wish.pages:
            lines += ["[[tool.uv.index]]", *(f"{name} = {string(value)}" for name, value in flat_index(page))]
        if wish.pin == EXACT:
            lines += ["[tool.uv.config-settings-package]", 'torch-auto = { pin = "exact" }']
        return lines

    def found(self, project: Project) -> Found:
        """Those of [project] and of the groups; settings that replace what torch-auto pins are faults."""
        path, settings = project.uv_settings()
        faults = overrides(settings, os.path.basename(path))
        return found_among([*required_in(project.member), *items(settings.get("dev-dependencies"))], faults)

    def take_over(self, project: Project, change: Change, index_url: str) -> None:
        """Requirements, their extras and groups with uv's conflicts, sources, and PyTorch's indexes."""
        own = change.text(os.path.join(project.folder, PYPROJECT))
        own.after = edited(own.after, lambda document: take_conflicts(document, take_requirements(document)))
        for text in {id(text): text for text in (own, change.text(project.uv_settings()[0]))}.values():
            text.after = edited(text.after, partial(take_sources, path=text.path, index_url=index_url))

    def adds(self, adding: Adding) -> list[Step]:
        """``uv add``; a lock keeps what it holds, so it is told of all that torch-auto decides on.

        Raises:
            RefusedError: an extra with a uv that cannot have exact pins: where PyTorch's pages are named, PyPI's pair,
                which the extra then admits, may not be found beside them.
        """
        if "[" in adding.requirement:
            uv_program.refuse_old(adding.requirement, os.environ, otherwise="")
        ours = ("torch-auto", *OURS) if adding.locked else ()
        upgrades = [word for name in ours for word in ("--upgrade-package", name)]
        return [uv_program.CLEAN, Step(("uv", "add", *upgrades, adding.requirement, *adding.packages))]

    def exact_by_default(self, variables: Mapping[str, str]) -> bool:
        """Where uv keeps builds with a setting apart: exact pins are immune to what a catalog does not know."""
        return uv_program.keeps_settings_apart(variables)

    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """``uv lock`` keeps what is locked as long as it satisfies the pins, so torch itself is named too.

        ``uv sync`` keeps a torch-auto of the same version, so it is told to install that anew.
        """
        ours = [word for name in installed_of_ours(environment) for word in ("--upgrade-package", name)]
        if at_least is not None:
            lock = Step(("uv", "add", "--no-sync", *ours, f"torch-auto>={at_least}"))
        else:
            lock = Step(("uv", "lock", "--upgrade-package", "torch-auto", *ours))
        return [uv_program.CLEAN, lock, Step(("uv", "sync", "--inexact", "--reinstall-package", "torch-auto"))]

    def companion(self, name: str) -> tuple[str, ...]:
        """By the groups, which pin it; torch-auto's extra asks for nothing there."""
        return (f"uv lock --upgrade-package {name}", "uv sync --inexact")

    def newer_core(self, environment: Environment) -> tuple[str, ...]:
        """The lock holds it, since torch-auto requires it."""
        return ("uv lock --upgrade-package torch-auto-core", "uv sync --inexact")


TOOL = Uv()


def refuse_own_source(project: Project) -> None:
    """Where the project sets a source for torch itself, PyTorch's pages would be a second opinion.

    Raises:
        RefusedError: it does.
    """
    _, settings = project.uv_settings()
    for data, origin in ((settings, "the root's"), (table(project.member, "tool", "uv"), "this project's")):
        source = table(data, "sources").get("torch")
        if source is not None:
            raise RefusedError(
                f"{origin} tool.uv.sources already sets where torch comes from. To have torch-auto choose it, run "
                f"`{typed(os.environ)} add`; or use --force to keep both"
            )
