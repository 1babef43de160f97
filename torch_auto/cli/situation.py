"""Everything that ``check`` and ``refresh`` go by: the project, the environment, the machine, and what it needs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto import settings as all_settings
from torch_auto.catalog import Catalog, UnknownReleaseError
from torch_auto.cli import environment as environments
from torch_auto.cli import groups as project_groups
from torch_auto.cli import mend
from torch_auto.cli import project as projects
from torch_auto.cli.environment import Environment, Installed
from torch_auto.cli.errors import UserError
from torch_auto.cli.extras import of_project
from torch_auto.cli.groups import Here
from torch_auto.cli.hints import Hint, hints, missing_pages
from torch_auto.cli.pages import needed_pages
from torch_auto.cli.project import Project
from torch_auto.cli.toml import NoTomlReaderError, table
from torch_auto.machine import Machine
from torch_auto.plan import Newest, Plan, machine_for, make_plan, newest_usable, torch_release
from torch_auto.selection import AUTO, NONE, PUBLIC
from torch_auto.settings import Settings, SettingsError


@dataclass(frozen=True)
class Situation:
    """What was found.

    ``plan`` is what a build of the installed torch-auto's release would come to now, with the settings that the
    project and the environment have now; None where none is installed, or the catalog lacks it.
    """

    project: Project
    tool: str
    environment: Environment
    machine: Machine
    settings: Settings
    catalog: Catalog
    torch: Optional[Installed]
    torch_auto: Optional[Installed]
    record: Dict[str, Any]
    plan: Optional[Plan]
    newest: Newest
    hints: Tuple[Hint, ...]
    missing: Tuple[str, ...]
    notes: Tuple[str, ...] = ()
    unread: bool = False  # the project's TOML, for want of a reader
    here: Optional[Here] = None  # a project with torch groups, and this machine's
    fault: str = ""  # what is wrong with its groups
    extras: Tuple[str, ...] = ()  # those of torch-auto that the project requires

    @property
    def hinted(self) -> bool:
        """Whether all pages of the hint are named somewhere."""
        return not self.missing

    @property
    def reachable(self) -> Optional[str]:
        """The newest release that the machine can use with the hint as it is set, or is not."""
        return self.newest.with_hint if self.hinted else self.newest.without_hint

    def plan_of(self, version: str) -> Optional[Plan]:
        """What a version of torch-auto comes to on this machine, or None where the catalog does not know it."""
        try:
            release = self.catalog.release(torch_release(version))
        except UnknownReleaseError:
            return None
        return make_plan(release, self.machine, self.settings, self.catalog)

    def steps(self) -> List[mend.Step]:
        """The commands that make the tool look at this machine again."""
        version = self.torch_auto.version if self.torch_auto is not None else None
        if self.here is not None:
            return mend.portable(self.here, self.environment, stale=self.stale)
        return mend.steps(self.tool, self.environment, version, self._at_least())

    @property
    def stale(self) -> bool:
        """Whether the installed torch-auto was built for another group than this machine's, or for none."""
        if self.here is None or self.torch_auto is None:
            return False
        return self.here.built_for(self.record) != self.here.chosen.group

    def _at_least(self) -> Optional[str]:
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


def requirement(text: str) -> Optional[Requirement]:
    """A requirement, or None where the text is none."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def torch_requirements(requires: Tuple[str, ...]) -> List[Requirement]:
    """The requirements of torch among a distribution's, those of extras left out."""
    found = [item for item in map(requirement, requires) if item is not None and item.name == "torch"]
    return [item for item in found if "extra" not in str(item.marker)]


_SYSTEMS = {"linux": "linux", "windows": "win32", "macos": "darwin"}
_WINDOWS = {"x86_64": "AMD64", "arm64": "ARM64"}


def marker_environment(machine: Machine) -> Dict[str, str]:
    """What markers are read with: the machine's system and Python, which may be others than those of this process."""
    python = machine.python.rstrip("t")
    architecture = machine.architecture
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": _SYSTEMS.get(machine.system, machine.system),
        "platform_machine": _WINDOWS.get(architecture, architecture) if machine.system == "windows" else architecture,
        "extra": "",
    }


def applicable(requirements: List[Requirement], machine: Machine) -> FrozenSet[str]:
    """The specifiers of the requirements whose markers are true on a machine."""
    here = marker_environment(machine)
    return frozenset(str(item.specifier) for item in requirements if item.marker is None or item.marker.evaluate(here))


def satisfies(version: str, requirements: List[Requirement], machine: Machine) -> bool:
    """Whether a version of torch satisfies the requirements whose markers are true on a machine."""
    specifiers = map(SpecifierSet, applicable(requirements, machine))
    return all(item.contains(version, prereleases=True) for item in specifiers)


def _config(project: Project, tool: str) -> Dict[str, Any]:
    """The config settings that uv hands to torch-auto's builds in this project."""
    if not tool.startswith("uv"):
        return {}
    _, settings = project.uv_settings()
    found = {**table(settings, "config-settings"), **table(settings, "config-settings-package", "torch-auto")}
    return {str(key): value for key, value in found.items()}


def _recorded(record: Mapping[str, Any]) -> Dict[str, Tuple[str, str]]:
    """The settings that the installed wheel was built with, each with where it came from.

    Not backend=none: that is how the command is installed alone, and says nothing about the project.
    """
    given = {name: table(record, "settings", name) for name in table(record, "settings")}
    return {
        name: (str(item["value"]), str(item.get("origin", "")))
        for name, item in given.items()
        if name != "machine" and item.get("value", "none") != "none"
    }


def _settings(
    project: Project, tool: str, given: Mapping[str, Any], variables: Mapping[str, str], record: Mapping[str, Any]
) -> Tuple[Settings, Tuple[str, ...], Catalog]:
    known = catalogs.load()
    config = {**_config(project, tool), **given}
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


def _tool(project: Project, torch_auto: Optional[Installed]) -> str:
    """The tool that manages the environment."""
    if project.tool is not None:
        return project.tool
    if torch_auto is not None and torch_auto.installer == "uv":
        return "uv" if "dependencies" in table(project.pyproject, "project") else "uv pip"
    return "pip"


def _groups(
    project: Project, where: Where, known: Catalog, machine: Machine, backend: str
) -> Tuple[Optional[Here], str]:
    """The project's torch groups on this machine, and what is wrong with them; neither where it has none."""
    # What the installed torch-auto was built with counts here too.
    given = {"backend": backend, **where.given} if backend not in (AUTO, NONE, PUBLIC) else where.given
    try:
        found = project_groups.find(project, known)
        if found is None:
            return None, ""
        return project_groups.this_machine(project, found, given, where.variables, machine), ""
    except UserError as error:
        return None, str(error)


@dataclass(frozen=True)
class Where:
    """Where to look: the folder, the variables, the settings of the command line, and an environment by name."""

    start: str
    variables: Mapping[str, str]
    given: Mapping[str, Any]
    venv: Optional[str] = None


def survey(where: Where) -> Situation:
    """Look at everything.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
        NotADirectoryError: ``venv`` is no virtual environment.
    """
    variables = where.variables
    unread = False
    try:
        project = projects.find(where.start)
    except NoTomlReaderError:
        project, unread = Project(os.path.abspath(where.start)), True
    environment = environments.find(project.root, variables, where.venv)
    torch_auto = environments.installed(environment, "torch-auto")
    record = environments.record(environment)
    tool = _tool(project, torch_auto)
    chosen, notes, known = _settings(project, tool, where.given, variables, record)
    machine = machine_for(chosen)._replace(python=environment.python)
    found = hints(tool.partition(" ")[0], project, variables, environment)
    wanted = of_project(project)
    here, fault = (None, "") if unread else _groups(project, where, known, machine, chosen.backend)
    if here is not None:
        chosen = chosen._replace(groups=here.torch_groups.groups)
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
        hints=tuple(found),
        missing=(),
        notes=notes,
        unread=unread,
        here=here,
        fault=fault,
    )
    best = situation.plan_of(situation.newest.with_hint) if situation.newest.with_hint is not None else None
    missing = missing_pages(found, needed_pages(chosen.index_url, best, wanted), chosen.index_url)
    if here is not None and here.torch_groups.pylocks:
        missing = ()  # the lock files say where every file is
    version = torch_auto.version if torch_auto is not None else known.newest.version if here is not None else None
    plan = situation.plan_of(version) if version is not None else None
    return replace(situation, missing=missing, plan=plan)
