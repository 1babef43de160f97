"""``uv pip``, for environments without a project: it reads what uv reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto.cli.output import shown
from torch_auto.cli.processes import Step
from torch_auto.cli.tools import uv_places, uv_program
from torch_auto.cli.tools.takeover import Found
from torch_auto.cli.tools.uv import Uv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.places import NamedPage
    from torch_auto.cli.tools.tool import Adding, Target, Wish


class UvPip(Uv):
    """An environment that uv installed into, and that no project's lock is for."""

    name = "uv pip"
    locks = ()
    files = ()
    tables = ()
    backends = ()
    adding = "uv pip install torch-auto"
    removing = "uv pip uninstall torch-auto"
    by_commands = True

    def has_installed(self, project: Project, installer: str | None) -> bool:
        """What uv installed is its own where no project is."""
        return installer == "uv"

    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """The same as in a project, and what is for `uv pip` alone."""
        return iter(uv_places.places(project, variables, pip=True))

    def asks_in_order(self, project: Project, variables: Mapping[str, str], installed: Environment) -> bool:
        """The same, by the strategy of `uv pip`."""
        return uv_places.in_order(project, variables, pip=True)

    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """Install both anew in the environment."""
        install = ("uv", "pip", "install", "--python", environment.interpreter)
        both = ("--upgrade-package", "torch-auto", "--upgrade-package", "torch")
        return [uv_program.CLEAN, Step((*install, *both, "--reinstall-package", "torch-auto", "torch-auto"))]

    def found(self, project: Project) -> Found:
        """Nothing: what an environment holds is replaced where it is another build."""
        return Found()

    def take_over(self, project: Project, change: Change, index_url: str) -> None:
        """There is nothing to take over."""

    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """uv.toml, which uv reads in the folder that it is run in."""
        return os.path.join(project.root, "uv.toml")

    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """The same as in a project; the file is made where it is not there."""
        self.edit(text, wish)

    def adds(self, adding: Adding) -> list[Step]:
        """Install into the environment."""
        command = ("uv", "pip", "install", "--python", adding.environment.interpreter)
        return [uv_program.CLEAN, Step((*command, adding.requirement, *adding.packages))]

    def install(self, environment: Environment, target: Target) -> list[Step]:
        """Both anew, and what goes with them; a setting is for torch-auto's build alone."""
        words = [word for page in target.pages for word in ("--find-links", page)]
        words += [word for item in target.settings for word in ("-C", item)]
        words += [word for name in target.projects for word in ("--upgrade-package", name)]
        install = ("uv", "pip", "install", "--python", environment.interpreter, *words)
        return [uv_program.CLEAN, Step((*install, "--reinstall-package", "torch-auto", target.requirement))]

    def newer_core(self, environment: Environment) -> tuple[str, ...]:
        """In the environment that was looked at."""
        return (shown(("uv", "pip", "install", "--python", environment.interpreter, "--upgrade", "torch-auto-core")),)


TOOL = UvPip()
