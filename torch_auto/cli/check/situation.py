"""Everything that ``check`` and ``refresh`` go by: the project, the environment, the machine, and what it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto import settings as all_settings
from torch_auto.catalog import UnknownReleaseError, version_key
from torch_auto.catalog.torch_backends import CPU, parse_or_none
from torch_auto.cli import tools
from torch_auto.cli.check.finding import Command
from torch_auto.cli.check.standing import standing
from torch_auto.cli.errors import UserError
from torch_auto.cli.portable import choice as choices
from torch_auto.cli.portable import groups as project_groups
from torch_auto.cli.portable import here as this_machines
from torch_auto.cli.portable import uv_call
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project import extras
from torch_auto.cli.project import project as projects
from torch_auto.cli.project.environment import Environment, NoEnvironmentError
from torch_auto.cli.project.lock import read_lock
from torch_auto.cli.project.requirements import requirement, satisfies, torch_requirements
from torch_auto.cli.project.toml import table
from torch_auto.cli.tools.pages import missing_pages, needed_pages
from torch_auto.cli.tools.tool import Target
from torch_auto.decide import decide, machine_for, torch_release
from torch_auto.newest import newest_usable
from torch_auto.pins.extras import EXTRAS
from torch_auto.record import FORMAT_VERSION
from torch_auto.select.choose_group import choose
from torch_auto.settings import AUTO, PUBLIC, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.catalog import Catalog
    from torch_auto.cli.check.standing import Standing
    from torch_auto.cli.portable.here import Here
    from torch_auto.cli.processes import Step
    from torch_auto.cli.project.environment import Installed
    from torch_auto.cli.project.lock import Lock
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.places import NamedPage
    from torch_auto.cli.tools.tool import Tool
    from torch_auto.decide import Plan
    from torch_auto.machine import Machine
    from torch_auto.newest import Newest
    from torch_auto.settings import Settings


@dataclass(frozen=True)
class Where:
    """Where to look: the folder, the variables, the settings of the command line, and an environment by name.

    ``command`` is how this command is typed, ``again`` are its options that what it prints has to repeat.
    """

    start: str
    variables: Mapping[str, str]
    given: Mapping[str, Any]
    venv: str | None = None
    command: str = "torch-auto"
    again: tuple[str, ...] = ()


@dataclass(frozen=True)
class Situation:
    """What was found.

    ``plan`` is what a build of the installed torch-auto's release would give now, with the settings that the
    project and the environment have now; None where none is installed, or the catalog lacks it.
    """

    where: Where
    project: Project
    tool: Tool
    environment: Environment
    machine: Machine
    settings: Settings
    catalog: Catalog
    torch: Installed | None
    torch_auto: Installed | None
    companions: tuple[Installed, ...]
    record: dict[str, Any]
    plan: Plan | None
    newest: Newest
    named: tuple[NamedPage, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    here: Here | None = None  # a project with torch groups, and this machine's
    fault: str = ""  # what is wrong with its groups
    extras: tuple[str, ...] = ()  # those of torch-auto that the project requires
    hiding: tuple[NamedPage, ...] = ()  # PyTorch's indexes that hide PyPI

    # --- what is so ---

    @property
    def all_named(self) -> bool:
        """Whether all of PyTorch's pages that the machine needs are named somewhere."""
        return not self.missing

    @property
    def reachable(self) -> str | None:
        """The newest release that the machine can use with the pages that are named."""
        return self.newest.with_pages if self.all_named else self.newest.without_pages

    def plan_of(self, version: str, settings: Settings | None = None) -> Plan | None:
        """What a version of torch-auto gives on this machine, or None where the catalog does not know it."""
        try:
            release = self.catalog.release(torch_release(version))
        except UnknownReleaseError:
            return None
        return decide(release, self.machine, settings or self.settings, self.catalog)

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

    @cached_property
    def standing(self) -> Standing | None:
        """How the installed torch stands on this machine; None where none is installed."""
        torch = self.torch
        return standing(torch.version, torch.torch_backend, self.machine, self.catalog) if torch is not None else None

    @property
    def works(self) -> bool:
        """Whether the installed torch does what this machine can do."""
        return self.standing is not None and self.standing.works

    @cached_property
    def lock(self) -> Lock | None:
        """What the project's lock holds for this machine."""
        return read_lock(self.project, self.machine)

    @property
    def is_locked(self) -> bool:
        """Whether the installed torch is the one that the lock holds."""
        return self.lock is not None and self.torch is not None and self.lock.torch == self.torch.version

    # --- what was asked for ---

    @property
    def free(self) -> Settings:
        """The settings without a torch backend: what the machine itself would get."""
        return self.settings.replace(backend=AUTO)

    @property
    def asked(self) -> bool:
        """Whether a setting names a torch backend, or PyPI's builds."""
        return self.settings.backend != AUTO

    @property
    def asks_for_cpu(self) -> bool:
        """Whether a build for the CPU is what was asked for: by a setting, or by the groups of the project."""
        if self.here is not None:
            return not self.here.chosen.selection.accelerated
        return self.asked and self.plan is not None and self.plan.selection.torch_backend == CPU

    @property
    def in_the_way(self) -> str:
        """A sentence on a setting that asks for something else, where no command of ours can change that."""
        if not self.asked or self.here is not None:
            return ""
        origin = next((origin for name, _, origin in self.settings.given if name == "backend"), "")
        if "backend" in self.tool.build_settings(self.project):
            origin = f"in the project's settings for {self.tool.name}"
        elif not origin.startswith(("TORCH_AUTO_", "UV_")):
            origin = "when torch-auto was built"
        text = f" backend={self.settings.backend} asked for it ({origin})."
        if self.tool.by_commands or not self.environment.writable:
            return text
        return f"{text} Take that setting away, then run `{self.ours('refresh')}`."

    @cached_property
    def best(self) -> Plan | None:
        """What the machine would get if nothing else were asked for."""
        if self.tool.by_commands and self.here is None:
            return self.plan_of(self.target.version, self.free) if self.target is not None else None
        if self.here is not None:
            wanted = newest_usable(self.machine, self.free.replace(groups=()), self.catalog).with_pages
            return self.plan_of(wanted, self.free.replace(groups=())) if wanted is not None else None
        mine = self.plan_of(self.torch_auto.version, self.free) if self.torch_auto is not None else None
        if mine is not None and mine.selection.needs is None:
            return mine
        wanted = newest_usable(self.machine, self.free, self.catalog, self.extras).with_pages
        return self.plan_of(wanted, self.free) if wanted is not None else None

    # --- what ends it ---

    def ours(self, verb: str) -> Command:
        """A command of ours as it is typed here; ``init`` looks at no environment."""
        again = self.where.again
        if not verb.startswith(("refresh", "check")):
            again = tuple(word for at in _pairs(again) if at[0] != "--venv" or self._has_pylocks for word in at)
        if not verb.startswith(("refresh", "check", "sync")):
            again = tuple(word for at in _pairs(again) if at[0] == "--project" for word in at)
        return Command(self.where.command, (*verb.split(), *again))

    @property
    def _has_pylocks(self) -> bool:
        return self.here is not None and bool(self.here.torch_groups.pylocks)

    def steps(self) -> list[Step]:
        """The commands that make the tool look at this machine again."""
        if self.here is not None:
            return uv_call.steps(self.here, self.environment, stale=self.stale)
        if self.tool.by_commands:
            return self.tool.install(self.environment, self.target) if self.target is not None else []
        version = self.torch_auto.version if self.torch_auto is not None else None
        return self.tool.steps(self.environment, version, self._at_least())

    @property
    def requires_torch_auto(self) -> bool:
        """Whether the project requires torch-auto."""
        names: set[str] = {
            canonicalize_name(item.name) for item in filter(None, map(requirement, self.project.dependencies()))
        }
        names.update(name for name, _ in self.tool.requires(self.project))
        return "torch-auto" in names

    @cached_property
    def fix(self) -> tuple[str, ...]:
        """The commands that install what this machine needs; none where there is nothing to install."""
        if self.here is not None:
            return (self.ours("refresh" if self.stale else "sync"),)
        if self.tool.by_commands:
            return (self.ours("refresh"),) if self.target is not None else ()
        if self.best is None:
            return ()
        if self.torch_auto is None and not self.requires_torch_auto:
            return (self.ours(" ".join(("add", *self.wanted_extras))),)
        return (*(() if self.all_named else (self.ours("init"),)), self.ours("refresh"))

    @property
    def fix_of_torch(self) -> tuple[str, ...]:
        """The same, where a setting that the project keeps does not undo it."""
        return () if self.in_the_way and not self.tool.by_commands else self.fix

    @cached_property
    def more_groups(self) -> tuple[str, ...]:
        """The commands that give a project with torch groups one for this machine's GPU; none where there is none."""
        best, here = self.best, self.here
        if here is None or best is None or not best.selection.accelerated or here.torch_groups.pylocks:
            return ()
        if here.settings.backend != AUTO:
            return ()
        groups = here.torch_groups.groups
        known = sorted({group.release for group in groups}, key=version_key, reverse=True)
        # A release that the project has already, where that is enough; each torch backend comes from the newest.
        for newest in (*known, best.release):
            plan = self.plan_of(newest, self.free.replace(groups=()))
            if plan is None or not plan.selection.accelerated:
                continue
            wanted = [*(str(group.torch_backend) for group in groups), str(plan.selection.torch_backend)]
            backends = ",".join(dict.fromkeys(wanted))
            for releases in (",".join(dict.fromkeys([newest, *known])), newest):
                if self._would_serve(choices.Options(backends, releases)):
                    init = f"init --portable --releases {releases} --backends {backends}"
                    return (self.ours(init), "uv lock", self.ours("sync"))
        return ()

    def _would_serve(self, options: choices.Options) -> bool:
        """Whether the groups that these options give have a build for this machine's GPU."""
        try:
            groups = choices.choose(options, choices.Present(), self.catalog).groups
        except choices.OptionsError:
            return False
        return choose(self.machine, groups, self.catalog).selection.accelerated

    @property
    def for_all(self) -> tuple[str, ...]:
        """The commands that make one lock for every machine."""
        if self.tool.has_groups:
            return (self.ours("init --portable"), "uv lock", self.ours("sync"))
        return (self.ours("lock --portable"), self.ours("sync"))

    @property
    def wanted_extras(self) -> tuple[str, ...]:
        """The extras of torch-auto for what is required, or there."""
        there = {item.name for item in self.companions}
        return tuple(name for name, project in EXTRAS.items() if name in self.extras or project in there)

    @cached_property
    def target(self) -> Target | None:
        """What an environment that is managed by commands is to get: what disturbs least of what is there.

        Where something goes with a release of torch, or torch-auto did not bring it, that release; else the newest
        that serves this machine and all that requires torch.
        """
        extras, settings = self.wanted_extras, self._kept_settings
        chosen = self.settings if settings and settings[0] != f"backend={AUTO}" else self.free
        there = (self.torch_auto, self.torch) if self.companions or self.others or self.torch_auto is None else ()
        first = [item.version.partition("+")[0] for item in there if item is not None]
        for name in (extras, ()):
            newest = newest_usable(self.machine, chosen, self.catalog, name).with_pages
            rest = [newest] if newest is not None else []
            rest += [release.version for release in reversed(self.catalog.releases)]
            for version in dict.fromkeys([*first, *rest]):
                plan = self.plan_of(version, chosen)
                if plan is not None and self._serves(plan, name) and self._suits_others(plan):
                    return Target(version, name, self._pages_for(plan, name), settings)
        return None

    def _serves(self, plan: Plan, extras: tuple[str, ...]) -> bool:
        if plan.selection.needs is not None or not plan.has_wheels:
            return False
        return all(extra.needs is None for extra in plan.extras if extra.name in extras)

    @cached_property
    def others(self) -> tuple[Installed, ...]:
        """What else is installed and requires torch."""
        ours = {"torch-auto", *EXTRAS.values()}
        return tuple(item for item in self.environment.requiring("torch") if item.name not in ours)

    def _suits_others(self, plan: Plan) -> bool:
        required = [item for other in self.others for item in torch_requirements(other.requires)]
        return satisfies(plan.selection.version, required, self.machine)

    def _pages_for(self, plan: Plan, extras: tuple[str, ...]) -> tuple[str, ...]:
        """PyTorch's pages that no place names, where PyPI alone does not have the very builds."""
        if plan.selection.local_version is None:
            return ()
        base = self.settings.index_url
        pages = tuple(dict.fromkeys([*plan.pages, *(f"{base}/{EXTRAS[name]}/" for name in extras)]))
        return missing_pages(_useful(self.named, plan), pages, base)

    @property
    def _kept_settings(self) -> tuple[str, ...]:
        """The config settings of the next build: what was asked for, unless that does not work here."""
        if not self.asked:
            return ()
        return (f"backend={self.settings.backend}" if self.works or self.torch is None else f"backend={AUTO}",)

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
            plans = filter(None, map(self.plan_of, usable))
            if not any(self._serves(plan, self.extras) for plan in plans):
                return wanted
        return None


def _pairs(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Options with their values."""
    return [words[at : at + 2] for at in range(0, len(words), 2)]


def _useful(named: tuple[NamedPage, ...], plan: Plan | None) -> tuple[NamedPage, ...]:
    """The pages that are named without those of one torch backend alone, if it is not this machine's."""
    wanted = plan.selection.torch_backend if plan is not None else None
    return tuple(page for page in named if all(item == wanted for item in _torch_backends_in(page.url)))


def _torch_backends_in(url: str) -> list[str]:
    return [part for part in re.split(r"[/#?]", url) if parse_or_none(part) is not None]


def _recorded(record: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The settings that the installed wheel was built with, each with where it came from."""
    given = {name: table(record, "settings", name) for name in table(record, "settings")}
    return {
        name: (str(item["value"]), str(item.get("origin", "")))
        for name, item in given.items()
        if name not in ("machine", "group") and "value" in item
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


def _environment(project: Project, where: Where) -> Environment:
    """The environment to look at; one that is not there yet, where a project has none."""
    try:
        return environments.find(project.root, where.variables, where.venv)
    except NoEnvironmentError:
        if not project.has_pyproject:
            raise
        python = this_machines.python_of_project(project, where.variables) or environments.own().python
        return Environment(environments.of_project(project.root, where.variables), (), python, exists=False)


def survey(where: Where) -> Situation:
    """Look at everything.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
        NotADirectoryError: ``venv`` is not a virtual environment.
        NoEnvironmentError: there is neither a project nor an environment.
    """
    variables = where.variables
    project = projects.find(where.start)
    environment = _environment(project, where)
    torch_auto, torch = (environments.installed(environment, name) for name in ("torch-auto", "torch"))
    record = environments.record(environment)
    installers = [item.installer for item in (torch_auto, torch) if item is not None]
    tool = tools.of_environment(project, installers[0] if installers else None)
    chosen, notes, known = _settings(project, tool, where.given, variables, record)
    machine = machine_for(chosen).replace(python=environment.python)
    found = tuple(page for page in tool.named(project, variables, environment) if page.url)
    wanted = extras.of_project(project)
    here, fault = _groups(project, where, known, machine, chosen.backend)
    if here is not None:
        chosen = chosen.replace(groups=here.torch_groups.groups)
    beside = (environments.installed(environment, name) for name in EXTRAS.values())
    situation = Situation(
        where=where,
        project=project,
        tool=tool,
        environment=environment,
        machine=machine,
        settings=chosen,
        catalog=known,
        torch=torch,
        torch_auto=torch_auto,
        companions=tuple(item for item in beside if item is not None),
        record=record,
        plan=None,
        newest=newest_usable(machine, chosen, known, wanted),
        extras=wanted,
        named=found,
        hiding=tool.hiding(project, variables, environment, chosen.index_url),
        missing=(),
        notes=notes,
        here=here,
        fault=fault,
    )
    best = situation.plan_of(situation.newest.with_pages) if situation.newest.with_pages is not None else None
    missing = missing_pages(_useful(found, best), needed_pages(chosen.index_url, best, wanted), chosen.index_url)
    if here is not None and here.torch_groups.pylocks:
        missing = ()  # the lock files say where every file is
    version = torch_auto.version if torch_auto is not None else known.newest.version if here is not None else None
    plan = situation.plan_of(version) if version is not None else None
    return replace(situation, missing=missing, plan=plan)
