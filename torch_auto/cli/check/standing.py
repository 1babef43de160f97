"""How a build of torch stands on a machine, by the catalog alone: no setting and no pin changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch_auto.catalog.torch_backends import CPU
from torch_auto.select.reach import reach_of
from torch_auto.select.runs_on import candidates, fault

if TYPE_CHECKING:
    from torch_auto.catalog import Build, Catalog
    from torch_auto.machine import Machine
    from torch_auto.select.runs_on import Candidate, Unfit

#: The build uses the best GPU that torch can use; a lesser one alone; it is for the CPU, or cannot run on the GPU.
USES, PARTLY, CPU_BUILD, UNFIT = "uses", "partly", "cpu", "unfit"
#: There is no GPU that torch could use; and: the catalog does not know the build.
NO_GPU, UNKNOWN = "no-gpu", "unknown"


class Standing(NamedTuple):
    """How it stands, on which GPU, and why it does not run there."""

    kind: str
    device: Candidate | None = None
    unfit: Unfit | None = None

    @property
    def works(self) -> bool:
        """Whether it does what this machine can do, as far as is known."""
        return self.kind in (USES, PARTLY, NO_GPU, UNKNOWN)


def decisive(machine: Machine, catalog: Catalog) -> Candidate | None:
    """The most capable GPU that some release of torch runs on, with the machine's Python."""
    return next((device for device in candidates(machine) if reach_of(device, machine, catalog).releases), None)


def public_backend(version: str, machine: Machine, catalog: Catalog) -> str | None:
    """The torch backend of a version of torch as METADATA or a lock has it: of PyPI's build where it is not local."""
    release, _, local = version.partition("+")
    if local:
        return local
    try:
        here = catalog.release(release).platforms.get(machine.platform or "")
    except KeyError:
        return None
    return str(here.public.torch_backend) if here is not None and here.public is not None else None


def _build(version: str, torch_backend: str | None, machine: Machine, catalog: Catalog) -> Build | None:
    try:
        release = catalog.release(version.partition("+")[0])
    except KeyError:
        return None
    here = release.platforms.get(machine.platform or "")
    if here is None:
        return None
    public = () if here.public is None or "+" in version else (here.public,)
    return next((build for build in (*public, *here.builds) if build.torch_backend == torch_backend), None)


def standing(version: str, torch_backend: str | None, machine: Machine, catalog: Catalog) -> Standing:
    """How torch of a version and a torch backend stands on a machine."""
    device = decisive(machine, catalog)
    if device is None:
        return Standing(NO_GPU)
    if torch_backend == CPU:
        return Standing(CPU_BUILD, device)
    build = _build(version, torch_backend, machine, catalog)
    if build is None:
        return Standing(UNKNOWN, device)
    unfit = fault(build, device, machine, catalog)
    if unfit is None:
        return Standing(USES, device)
    if any(fault(build, item, machine, catalog) is None for item in candidates(machine)):
        return Standing(PARTLY, device, unfit)
    return Standing(UNFIT, device, unfit)
