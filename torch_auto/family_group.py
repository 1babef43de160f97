"""torchvision and torchaudio in the dependency group of a torch backend."""

from __future__ import annotations

from typing import Optional, Tuple

from torch_auto.catalog import Build, Catalog, load
from torch_auto.family import pair_of
from torch_auto.requirements import group_places, leaving_out, render


def family_pins(project: str, release: str, torch_backend: str, catalog: Optional[Catalog] = None) -> Tuple[str, ...]:
    """A project's requirements in the dependency group of a torch backend, with markers for every platform.

    They are of the torch backend that the group's torch is, on each platform and Python. Where the project has no such
    build, its CPU build does, which uses no GPU; where there is none of those, the pin is one that nothing satisfies.

    Raises:
        UnknownReleaseError: the catalog does not know the release.
        ValueError: the catalog does not know the project's version for it.
    """
    known = catalog or load()
    found = known.release(release)
    pair = pair_of(project, release, known)
    if pair is None:
        raise ValueError(f"the catalog knows no {project} for torch {release}")

    def specifier(place: str, build: Optional[Build]) -> str:
        wanted = build.torch_backend if build is not None else "cpu"
        exact = pair.exact(place, wanted) if build is None or build.local_version else None
        public = pair.of_public(place, wanted, found) or pair.of_public(place, "cpu", found)
        return exact or public or pair.missing(f"{wanted}.build")

    last = leaving_out(pair.version, pair.local_versions)
    return render(project, last, group_places(found, torch_backend, specifier))
