"""What a dependency group of a torch backend pins, and the pages that a lock of several groups needs."""

from __future__ import annotations

from torch_auto.catalog.pairs import companions
from torch_auto.pins.extras import pair_of
from torch_auto.pins.torch import group_places, leaving_out, public_specifier, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.catalog.model import Build, Catalog
    from torch_auto.select.groups import Group


def group_requirements(group: Group, catalog: Catalog, projects: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The group's requirements, with markers for every platform; ``projects`` names torchvision and torchaudio.

    They are the same wherever they are written. On each platform and Python exactly one of each project's holds. Where
    a platform lacks the build they are its cpu build, or else PyPI's.
    """
    release = catalog.release(group.release)

    def specifier(place: str, build: Build | None) -> str:
        local = build.local_version if build is not None else None
        return f"=={release.version}+{local}" if local else public_specifier(release, place)

    places = group_places(release, group.torch_backend, specifier)
    requirements = render("torch", leaving_out(release.version, release.local_versions), places)
    for project in projects:
        requirements += _pair_requirements(project, group, catalog)
    return requirements


def _pair_requirements(project: str, group: Group, catalog: Catalog) -> tuple[str, ...]:
    """A project's requirements in a group: of the torch backend that the group's torch is, on each platform and Python.

    Where the project does not have such a build, its CPU build serves, which uses no GPU; where there is none of those,
    the pin is one that nothing satisfies.

    Raises:
        ValueError: the catalog does not know the project's version for the release.
    """
    release = catalog.release(group.release)
    pair = pair_of(project, group.release, catalog)
    if pair is None:
        raise ValueError(f"the catalog does not know a {project} for torch {group.release}")

    def specifier(place: str, build: Build | None) -> str:
        wanted = str(build.torch_backend) if build is not None else "cpu"
        public = pair.of_public(place, wanted, release) or pair.of_public(place, "cpu", release)
        return pair.exact(place, wanted) or public or pair.missing(wanted)

    last = leaving_out(pair.version, pair.local_versions)
    return render(project, last, group_places(release, group.torch_backend, specifier))


def group_pages(groups: tuple[Group, ...], index_url: str, projects: tuple[str, ...] = ()) -> tuple[str, ...]:
    """PyTorch's pages from which a lock of these groups resolves; they are the same on every machine."""
    found = ["torch"]
    for group in groups:
        found.extend(companions(group.torch_backend.vendor, group.release))
    return tuple(f"{index_url}/{project}/" for project in dict.fromkeys([*found, *projects]))
