"""Releases of torch as people name them: 2.5.1, 2.5, v2.9.1, torch==2.9.1, latest, or >=2.5,<2.7."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torch_auto.catalog import UnknownReleaseError
from torch_auto.cli.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch_auto.catalog import Catalog

#: The newest release of all.
LATEST = ("latest", "newest")

_NAMED = re.compile(r"(?:torch(?:-auto)?)?\s*(?:==\s*)?v?(\d+(?:\.\d+)*)(?:\.\*)?(\+[\w.]+)?", re.ASCII)
_RANGE = re.compile(r"(?:torch(?:-auto)?)?\s*([<>=!~].*)", re.ASCII | re.DOTALL)


def is_named_so(word: str) -> bool:
    """Whether a word looks like a release, or several, whatever the catalog knows."""
    return word in LATEST or bool(_NAMED.fullmatch(word) or _RANGE.fullmatch(word))


def all_of(words: Iterable[str], catalog: Catalog) -> list[str]:
    """The releases that words name, each once: 2.5 is the newest 2.5.x, a range is all that are in it, oldest first.

    Raises:
        UnknownReleaseError: the catalog does not have such a release.
        UserError: a word is not a release.
    """
    return list(dict.fromkeys(release for word in words for release in _of(word, catalog)))


def split(text: str) -> list[str]:
    """The words of a list with commas; the bounds of a range stay together: "2.9.1,>=2.5,<2.7" are two words."""
    found: list[str] = []
    for part in filter(None, map(str.strip, text.split(","))):
        if found and part[0] in "<>=!~" and found[-1][0] in "<>=!~":
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def one_of(word: str, catalog: Catalog) -> str | None:
    """What a word asks for as a specifier of PEP 440, "==2.5.1" or ">=2.5,<2.7"; None where any release is right.

    Raises:
        UnknownReleaseError, UserError: as :func:`all_of`.
    """
    if word in LATEST:
        return None  # an installer takes the newest that this machine can use
    found = _of(word, catalog)
    match = _RANGE.fullmatch(word)
    return match[1].strip() if match is not None and _NAMED.fullmatch(word) is None else f"=={found[0]}"


def _of(word: str, catalog: Catalog) -> Sequence[str]:
    known = [release.version for release in catalog.releases]
    if word in LATEST:
        return known[-1:]
    match = _NAMED.fullmatch(word)
    if match is None:
        return _in_range(word, known)
    name, local = match.groups()
    if local is not None:
        raise UserError(f"{word!r}: that is a build, not a release. Ask for {name} with --backend {local[1:]}")
    if name in known:
        return [name]
    below = [version for version in known if version.startswith(f"{name}.")]
    if not below:
        raise UnknownReleaseError(name, tuple(known))
    return below[-1:]


def _in_range(word: str, known: Sequence[str]) -> Sequence[str]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415  # most name a release

    match = _RANGE.fullmatch(word)
    try:
        wanted = SpecifierSet(match[1]) if match is not None else None
    except InvalidSpecifier:
        wanted = None
    if wanted is None:
        raise UserError(f'{word!r} is not a release of torch. These are understood: 2.5.1, 2.5, latest, ">=2.5,<2.7"')
    found = [version for version in known if wanted.contains(version)]
    if not found:
        raise UserError(f"no release of torch is {match[1] if match else word}; there are {known[0]} to {known[-1]}")
    return found
