"""Everything that ``check`` and ``refresh`` go by: the project, the environment, the machine, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto import settings as all_settings
from torch_auto.catalog import UnknownReleaseError
from torch_auto.cli import tools
from torch_auto.cli.errors import UserError
from torch_auto.cli.portable import groups as project_groups
from torch_auto.cli.portable import here as this_machines
from torch_auto.cli.portable import uv_call
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project import extras
from torch_auto.cli.project import project as projects
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml import table
from torch_auto.cli.tools.pages import missing_pages, needed_pages
from torch_auto.decide import decide, machine_for, torch_release
from torch_auto.newest import newest_usable
from torch_auto.record import FORMAT_VERSION
from torch_auto.settings import AUTO, PUBLIC, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.catalog import Catalog
    from torch_auto.cli.portable.here import Here
    from torch_auto.cli.processes import Step
    from torch_auto.cli.project.environment import Environment, Installed
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import NamedPage, Tool
    from torch_auto.decide import Plan
    from torch_auto.machine import Machine
    from torch_auto.newest import Newest
    from torch_auto.settings import Settings


@dataclass(frozen=True)
class Situation:
    """What was found.

    ``plan`` is what a build of the installed torch-auto's release would give now, with the settings that the
    project and the environment have now; None where none is installed, or the catalog lacks it.
    """

    project: Project
    tool: Tool
    environment: Environment
    machine: Machine
    settings: Settings
    catalog: Catalog
    torch: Installed | None
    torch_auto: Installed | None
    record: dict[str, Any]
    plan: Plan | None
    newest: Newest
    named: tuple[NamedPage, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    here: Here | None = None  # a project with torch groups, and this machine's
    fault: str = ""  # what is wrong with its groups
    extras: tuple[str, ...] = ()  # those of torch-auto that the project requires

    @property
    def all_named(self) -> bool:
        """Whether all of PyTorch's pages that the machine needs are named somewhere."""
        return not self.missing

    @property
    def reachable(self) -> str | None:
        """The newest release that the machine can use with the pages that are named."""
        return self.newest.with_pages if self.all_named else self.newest.without_pages

    def plan_of(self, version: str) -> Plan | None:
        """What a version of torch-auto gives on this machine, or None where the catalog does not know it."""
        try:
            release = self.catalog.release(torch_release(version))
        except UnknownReleaseError:
            return None
        return decide(release, self.machine, self.settings, self.catalog)

    def steps(self) -> list[Step]:
        """The commands that make the tool look at this machine again."""
        version = self.torch_auto.version if self.torch_auto is not None else None
        if self.here is not None:
            return uv_call.steps(self.here, self.environment, stale=self.stale)
        return self.tool.steps(self.environment, version, self._at_least())

    @property
    def newer_format(self) -> int | None:
        """The format of the installed torch-auto's record where it is newer than this command reads, else None."""
        version: int = self.record.get("version", FORMAT_VERSION)
        return version if version > FORMAT_VERSION else None

    @property
    def stale(self) -> bool:
        """Whether the installed torch-auto was built for another group than this machine's, or for none."""
        if self.here is None or self.torch_auto is None or self.newer_format is not None:
            return False
        return self.here.built_for(self.record) != self.here.chosen.group

    def _at_least(self) -> str | None:
        """The release to allow, where the project requires a torch-auto that does not serve this machine."""
        wanted = self.reachable
        if wanted is None or not self.project.has_pyproject:
            return None
        for item in self.project.dependencies():
            found = requirement(item)
            if found is None or canonicalize_name(found.name) != "torch-auto":
                continue
            usable = [release.version for release in self.catalog.releases if found.specifier.contains(release.version)]
            if not any(self._serves(version) for version in usable):
                return wanted
        return None

    def _serves(self, version: str) -> bool:
        plan = self.plan_of(version)
        if plan is None or plan.selection.needs is not None:
            return False
        return all(extra.needs is None for extra in plan.extras if extra.name in self.extras)


def _recorded(record: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The settings that the installed wheel was built with, each with where it came from."""
    given = {name: table(record, "settings", name) for name in table(record, "settings")}
    return {
        name: (str(item["value"]), str(item.get("origin", "")))
        for name, item in given.items()
        if name != "machine" and "value" in item
    }


def _settings(
    project: Project, tool: Tool, given: Mapping[str, Any], variables: Mapping[str, str], record: Mapping[str, Any]
) -> tuple[Settings, tuple[str, ...], Catalog]:
    known = catalogs.load()
    config = {**tool.build_settings(project), **given}
    now = all_settings.read(known, config, variables, "setting ")
    notes = []
    for name, (value, origin) in _recorded(record).items():
        if name not in [item[0] for item in now.given]:
            config[name] = value
            notes.append(f"It was built with {name}={value} (from {origin}), which is not set now.")
    if not notes:
        return now, (), known
    try:
        return all_settings.read(known, config, variables, "setting "), tuple(notes), known
    except SettingsError:
        return now, (), known  # a value of another version of torch-auto's


def _groups(project: Project, where: Where, known: Catalog, machine: Machine, backend: str) -> tuple[Here | None, str]:
    """The project's torch groups on this machine, and what is wrong with them; neither where it has none."""
    # What the installed torch-auto was built with counts here too.
    given = {"backend": backend, **where.given} if backend not in (AUTO, PUBLIC) else where.given
    try:
        found = project_groups.find(project, known)
        if found is None:
            return None, ""
        return this_machines.this_machine(project, found, given, where.variables, machine), ""
    except UserError as error:
        return None, str(error)


@dataclass(frozen=True)
class Where:
    """Where to look: the folder, the variables, the settings of the command line, and an environment by name."""

    start: str
    variables: Mapping[str, str]
    given: Mapping[str, Any]
    venv: str | None = None


def survey(where: Where) -> Situation:
    """Look at everything.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
        NotADirectoryError: ``venv`` is not a virtual environment.
    """
    variables = where.variables
    project = projects.find(where.start)
    environment = environments.find(project.root, variables, where.venv)
    torch_auto = environments.installed(environment, "torch-auto")
    record = environments.record(environment)
    tool = tools.of_environment(project, torch_auto.installer if torch_auto is not None else None)
    chosen, notes, known = _settings(project, tool, where.given, variables, record)
    machine = machine_for(chosen).replace(python=environment.python)
    found = tuple(page for page in tool.named(project, variables, environment) if page.url)
    wanted = extras.of_project(project)
    here, fault = _groups(project, where, known, machine, chosen.backend)
    if here is not None:
        chosen = chosen.replace(groups=here.torch_groups.groups)
    situation = Situation(
        project=project,
        tool=tool,
        environment=environment,
        machine=machine,
        settings=chosen,
        catalog=known,
        torch=environments.installed(environment, "torch"),
        torch_auto=torch_auto,
        record=record,
        plan=None,
        newest=newest_usable(machine, chosen, known, wanted),
        extras=wanted,
        named=found,
        missing=(),
        notes=notes,
        here=here,
        fault=fault,
    )
    best = situation.plan_of(situation.newest.with_pages) if situation.newest.with_pages is not None else None
    missing = missing_pages(found, needed_pages(chosen.index_url, best, wanted), chosen.index_url)
    if here is not None and here.torch_groups.pylocks:
        missing = ()  # the lock files say where every file is
    version = torch_auto.version if torch_auto is not None else known.newest.version if here is not None else None
    plan = situation.plan_of(version) if version is not None else None
    return replace(situation, missing=missing, plan=plan)
