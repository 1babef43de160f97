"""Which of a project's dependency groups a machine takes, by the rules of :mod:`torch_auto.select.build`."""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.catalog.torch_backends import CPU
from torch_auto.frozen import Frozen
from torch_auto.select.build import select, why_unserved
from torch_auto.select.explain import Rejection
from torch_auto.select.groups import Group, group_build
from torch_auto.select.reach import Context
from torch_auto.select.reasons import because
from torch_auto.select.runs_on import candidates
from torch_auto.settings import AUTO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Catalog, PlatformBuilds, Release
    from torch_auto.machine import Machine
    from torch_auto.select.build import Selection
    from torch_auto.select.reasons import Reason


class Chosen(Frozen):
    """The group that a machine takes, what it installs there, and why."""

    group: Group
    selection: Selection

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why this group."""
        return self.selection.reasons


class _Case(Frozen):
    """What a choice looks at."""

    machine: Machine
    groups: tuple[Group, ...]
    catalog: Catalog

    @property
    def allowed(self) -> frozenset[tuple[str, str]]:
        """The groups' builds for GPUs."""
        return frozenset((item.release, item.torch_backend) for item in self.groups if item.torch_backend != CPU)

    def here(self, release: str) -> PlatformBuilds | None:
        """The builds of a release on the machine's platform."""
        return self.catalog.release(release).platforms.get(self.machine.platform or "")

    def context(self, release: Release, here: PlatformBuilds) -> Context:
        """What the rules look at for one of the groups' releases."""
        return Context(self.machine, self.catalog, release, self.machine.platform or "", here, self.allowed)


def choose(machine: Machine, groups: tuple[Group, ...], catalog: Catalog, torch_backend: str = AUTO) -> Chosen:
    """The group of a machine: the newest release with a group that runs on its most capable GPU, or else torch-cpu.

    ``torch_backend`` asks for one group by its torch backend. Without a group for cpu the first one stands in for it.

    Raises:
        ValueError: ``torch_backend`` is not among the groups; it names those that are.
    """
    case = _Case(machine, groups, catalog)
    if torch_backend == AUTO:
        return _for_gpu(case) or _for_cpu(case)
    for group in groups:
        if group.torch_backend == torch_backend:
            return _asked_for(case, group)
    names = ", ".join(group.torch_backend for group in groups)
    raise ValueError(f"there is no group for {torch_backend}; there are {names}")


def _for_gpu(case: _Case) -> Chosen | None:
    """The group for the most capable GPU that any group serves."""
    releases = sorted({release for release, _ in case.allowed}, key=version_key, reverse=True)
    for version in releases:
        here = case.here(version)
        if here is None:
            continue
        release = case.catalog.release(version)
        builds = case.context(release, here).builds
        if not any(case.machine.python in (build.pythons or here.pythons) for build in builds):
            continue
        selection = select(case.machine, release, case.catalog, allowed=case.allowed)
        build = here.find(selection.torch_backend)
        if selection.accelerated and build is not None:
            return _chosen(case, Group(version, build.torch_backend), selection)
    return None


def _for_cpu(case: _Case) -> Chosen:
    """Rule 1 among groups: nothing that a group serves."""
    group = next((item for item in case.groups if item.torch_backend == CPU), case.groups[0])
    selection = _installs(case, group)
    if case.machine.platform == "macos_arm64":
        reasons = [*selection.reasons, because("same-in-every-group", group=group.name)]
    elif selection.needs is None and case.machine.platform is not None:
        release = case.catalog.release(group.release)
        here = case.here(group.release)
        devices = candidates(case.machine)
        reasons = [why_unserved(item, case.context(release, here)) for item in devices if here is not None]
        reasons.append(because("no-group-for-gpu" if devices else "group-for-cpu", group=group.name))
        if group.torch_backend != CPU:
            reasons.append(because("first-group", torch=selection.version))
    else:
        reasons = list(selection.reasons)
    return _chosen(case, group, selection.replace(reasons=tuple(dict.fromkeys(reasons))))


def _asked_for(case: _Case, group: Group) -> Chosen:
    """A group that the user named."""
    selection = _installs(case, group)
    reasons = [because("asked-for", torch_backend=str(group.torch_backend))]
    here = case.here(group.release)
    if selection.needs is not None or here is None or here.find(CPU) is None:
        reasons.extend(selection.reasons)
    elif selection.torch_backend != group.torch_backend:
        values = {"platform": case.machine.platform, "python": case.machine.python, "torch": selection.version}
        reasons.append(because("group-lacks-build", release=group.release, **values))
    elif group.torch_backend != CPU and not selection.accelerated:
        asked = select(case.machine, case.catalog.release(group.release), case.catalog, group.torch_backend)
        reasons.extend(item for item in asked.reasons if item.code == "uses-no-gpu")
    return _chosen(case, group, selection.replace(reasons=tuple(dict.fromkeys(reasons))))


def _installs(case: _Case, group: Group) -> Selection:
    """What a group's requirements install on a machine, whatever GPU it has."""
    release = case.catalog.release(group.release)
    machine = case.machine
    if machine.platform == "macos_arm64":
        return select(machine, release, case.catalog)
    # A group's pins are the same on every Python of a version, free-threaded or not.
    selection = select(machine.replace(python=machine.python.rstrip("t")), release, case.catalog, CPU)
    here = case.here(group.release)
    build = group_build(here, group.torch_backend, machine.python) if here is not None else None
    if here is None or build is None or selection.needs is not None:
        return selection
    local = build.local_version
    runs = machine.python in (build.pythons or here.pythons) and case.context(release, here).reached(build) > 0
    return selection.replace(
        torch_backend=build.torch_backend,
        local_version=local,
        public_allowed=local is None,
        accelerated=runs,
        rejected=(),  # they are those of the cpu build
    )


def _chosen(case: _Case, group: Group, selection: Selection) -> Chosen:
    """The choice, and every other build of the release with the reason why not."""
    others = [item.torch_backend for item in case.groups if item.release == group.release]
    rejected = {item.torch_backend: item for item in selection.rejected}
    here = case.here(group.release)
    for build in here.builds if here is not None else ():
        name = build.torch_backend
        if name not in others:
            rejected[name] = Rejection(name, because("not-a-group"))
        elif not selection.accelerated or name not in rejected:
            rejected[name] = Rejection(name, because("group-taken", group=group.name))
    rejected.pop(selection.torch_backend or "", None)
    return Chosen(group, selection.replace(rejected=tuple(rejected.values())))
