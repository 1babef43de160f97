"""What a project says of torch by itself, and how torch-auto takes it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from torch_auto.catalog.pairs import pair_rows
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml import items, table
from torch_auto.pins.extras import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_auto.catalog import Catalog
    from torch_auto.cli.project.toml.document import Document
    from torch_auto.cli.project.toml.spelling import Path

#: The projects whose builds torch-auto chooses.
OURS = ("torch", *EXTRAS.values())
#: Every release of torch-auto. Without a bound of its own, `uv add` writes the newest release as the least one, and
#: another machine may need an older one.
ANY = ">=2.0"


@dataclass(frozen=True)
class Found:
    """What a project says of torch, torchvision and torchaudio: their requirements, and what cannot be taken over.

    ``requirements`` are in the order of the file; each of ``faults`` is a sentence. ``own`` is the requirement of
    torch-auto, if there is one already.
    """

    requirements: tuple[Requirement, ...] = ()
    faults: tuple[str, ...] = ()
    own: Requirement | None = None

    @property
    def extras(self) -> tuple[str, ...]:
        """torch-auto's extras for what is required."""
        names = {canonicalize_name(item.name) for item in self.requirements}
        return tuple(extra for extra, project in EXTRAS.items() if project in names)


def found_among(texts: Iterable[Any], faults: Iterable[str] = ()) -> Found:
    """The requirements of torch, torchvision and torchaudio among some, and the faults of each."""
    every = [item for item in (requirement(text) for text in texts if isinstance(text, str)) if item is not None]
    found = [item for item in every if canonicalize_name(item.name) in OURS]
    own = next((item for item in every if canonicalize_name(item.name) == "torch-auto"), None)
    urls = [f"{item} is at an address of its own" for item in found if item.url is not None]
    asked = torch_specifiers(found)
    several = [f"torch is required in several ways: {', '.join(asked)}"] if len(asked) > 1 else []
    return Found(tuple(found), (*faults, *urls, *several), own)


def is_ours(text: Any) -> bool:
    """Whether a text is a requirement of torch, torchvision or torchaudio."""
    found = requirement(text) if isinstance(text, str) else None
    return found is not None and canonicalize_name(found.name) in OURS


def torch_specifiers(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """The different specifiers of torch among requirements, without local versions."""
    named = [item for item in requirements if canonicalize_name(item.name) == "torch" and item.specifier]
    return tuple(dict.fromkeys(_without_local(item.specifier) for item in named))


def specifier_of(found: Found, catalog: Catalog) -> str:
    """The versions of torch-auto that give the torch which was required, since both have the same; "" for any.

    A version of torchvision or torchaudio counts too: each goes with some releases of torch alone.
    """
    asked, by_pairs = torch_specifiers(found.requirements), _by_pairs(found.requirements, catalog)
    if not asked or not by_pairs:
        return asked[0] if asked else by_pairs
    both = f"{asked[0]},{by_pairs}"
    return asked[0] if _releases(asked[0], catalog) == _releases(both, catalog) else both


def _releases(specifier: str, catalog: Catalog) -> list[str]:
    wanted = SpecifierSet(specifier)
    return [release.version for release in catalog.releases if wanted.contains(release.version)]


def _without_local(specifier: SpecifierSet) -> str:
    """==2.9.1 of ==2.9.1+cu128: which local version it is, torch-auto chooses."""
    parts = []
    for item in specifier:
        version = item.version.partition("+")[0]
        parts.append(f"{'==' if item.operator == '===' else item.operator}{version}")
    return ",".join(sorted(set(parts), reverse=True))


def _by_pairs(requirements: Sequence[Requirement], catalog: Catalog) -> str:
    """The torch releases whose torchvision and torchaudio are what is required; "" where that leaves all of them."""
    releases = [release.version for release in catalog.releases]
    left = releases
    for item in requirements:
        rows = {row["release"]: row["version"] for row in pair_rows() if row["project"] == canonicalize_name(item.name)}
        plain = SpecifierSet(_without_local(item.specifier))
        if rows and item.specifier:
            left = [release for release in left if release in rows and plain.contains(rows[release])]
    if left == releases or not left:
        return ""
    bounds = [item.operator for wanted in requirements for item in wanted.specifier]
    if left[-1] == releases[-1] and set(bounds) <= {">=", ">"}:  # what `uv add` writes, and newer ones may come
        return f">={left[0]}"
    return f"=={left[0]}" if len(left) == 1 else f">={left[0]},<={left[-1]}"


def overrides(settings: dict[str, Any], origin: str) -> Iterator[str]:
    """Faults for uv's settings that replace or forbid what torch-auto pins, whatever it pins.

    A constraint is none: uv then takes a torch-auto whose torch satisfies it.
    """
    for name in ("override-dependencies", "exclude-dependencies"):
        for text in items(settings.get(name)):
            if is_ours(text):
                what = "replaces" if name.startswith("override") else "takes away"
                yield f"{name} in {origin} has {text}, which {what} what torch-auto pins"


def is_satisfiable(specifier: str, catalog: Catalog) -> bool:
    """Whether any known release satisfies a specifier."""
    return bool(_releases(specifier, catalog))


# --- the lists of [project] ----------------------------------------------------------------------------------------

_DEPENDENCIES, _EXTRAS, _GROUPS = (
    ("project", "dependencies"),
    ("project", "optional-dependencies"),
    ("dependency-groups",),
)


def lists_of(content: dict[str, Any]) -> list[Path]:
    """Where a pyproject.toml lists requirements."""
    lists: list[Path] = [_DEPENDENCIES] if "dependencies" in table(content, "project") else []
    lists += [(*_EXTRAS, name) for name in table(content, *_EXTRAS)]
    return [*lists, *((*_GROUPS, name) for name in table(content, *_GROUPS))]


def required_in(content: dict[str, Any]) -> list[Any]:
    """All that a pyproject.toml requires, groups and extras too."""
    return [item for path in lists_of(content) for item in items(table(content, *path[:-1]).get(path[-1]))]


def take_requirements(document: Document) -> set[tuple[str, str]]:
    """Take the requirements of torch, torchvision and torchaudio out of a pyproject.toml.

    Returns the extras and groups that had nothing else, and are gone: ("optional-dependencies", "cpu").
    """
    gone: list[Path] = []
    for path in lists_of(document.content):
        there = items(table(document.content, *path[:-1]).get(path[-1]))
        left = [item for item in there if not is_ours(item)]
        if len(left) == len(there):
            continue
        if left or path == _DEPENDENCIES:
            document.change_array(path, left)
        else:
            document.remove(path)
            gone.append(path)
    for parent in {path[:-1] for path in gone}:
        document.remove_empty(parent)
    return {(path[-2], canonicalize_name(path[-1])) for path in gone}
