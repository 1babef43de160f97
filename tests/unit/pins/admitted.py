"""Which versions of torch and of its pair some requirements admit, as packaging reads them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement

from torch_auto.pins.torch import counted_with
from unit.data import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.specifiers import SpecifierSet

    from torch_auto.catalog import Release
    from torch_auto.pins.extras import Pair


@lru_cache(maxsize=None)
def parsed(text: str) -> tuple[str, Any, SpecifierSet]:
    """A requirement as (name, marker, specifier); the texts recur in thousands of cases."""
    found = Requirement(text)
    return found.name, found.marker, found.specifier


@lru_cache(maxsize=None)
def admits(specifiers: tuple[SpecifierSet, ...], version: str) -> bool:
    """Whether all specifiers admit a version."""
    return all(item.contains(version, prereleases=True) for item in specifiers)


def active(requirements: tuple[str, ...], project: str, platform: str, python: str) -> tuple[SpecifierSet, ...]:
    """The specifiers of a project's requirements that hold on a platform and a Python."""
    where = environment(platform, python)
    found = [parsed(text) for text in requirements]
    return tuple(spec for name, marker, spec in found if name == project and (not marker or marker.evaluate(where)))


def torch_versions(release: Release, platform: str) -> Iterator[tuple[str, str]]:
    """(version, torch backend) of every torch that there is or may be for a platform, PyPI's first."""
    here = release.platforms.get(platform)
    for build in here.builds if here is not None else ():
        if build.local_version is not None:
            yield f"{release.version}+{build.local_version}", build.torch_backend
    if here is not None and here.public is not None:
        yield release.version, here.public.torch_backend


def pair_versions(pair: Pair, platform: str) -> Iterator[tuple[str, str]]:
    """The same of the pair: what has not been seen for the platform counts as well, since an index may list it."""
    public = pair.public.get(counted_with(platform, pair.public) or "")
    if public is not None:
        yield pair.version, public
    for local in pair.local_versions:
        yield f"{pair.version}+{local}", local


def admitted(
    requirements: tuple[str, ...], release: Release, pair: Pair, platform: str, python: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Every version of torch and of the pair that the requirements admit, each with its torch backend."""
    torch = active(requirements, "torch", platform, python)
    other = active(requirements, pair.project, platform, python)
    return (
        {version: name for version, name in torch_versions(release, platform) if admits(torch, version)},
        {version: name for version, name in pair_versions(pair, platform) if admits(other, version)},
    )
