"""What an index offers of a project: its wheels, gathered by release, local version and platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from catalog_files import parse_or_none
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog_pages import File
    from packaging.tags import Tag

_MACOS = re.compile(r"macosx_\d+_\d+_(arm64|x86_64)", re.ASCII)
_LINUX = re.compile(r"(?:manylinux\w*|linux)_(x86_64|aarch64)", re.ASCII)
_PYTHON = re.compile(r"cp3(\d+)", re.ASCII)

#: Which wheel of several is opened: the one for a Python that every release since 2.2 has.
_OPENED_FIRST = "3.12"


class Offer(NamedTuple):
    """The wheels of one release with one local version on one platform.

    ``pythons`` is empty for wheels that any Python 3 installs. ``url`` is the one of them that is opened, and ``size``
    are its bytes, where the page tells.
    """

    pythons: tuple[str, ...]
    tags: tuple[str, ...]
    requires_python: tuple[str, ...]
    uploaded: str | None
    url: str
    size: int | None


Key = tuple[str, "str | None", str]


def is_backend(local: str) -> bool:
    """Whether a local version is a torch backend that the catalog can describe: not "cpu.cxx11.abi"."""
    return parse_or_none(local) is not None


def python_key(python: str) -> tuple[int, bool]:
    """A key that puts 3.9 before 3.10 and 3.13 before 3.13t."""
    return int(python.partition(".")[2].rstrip("t")), python.endswith("t")


def _platform(tag: str) -> str | None:
    if tag in ("win_amd64", "win_arm64"):
        return tag
    for pattern, system in ((_MACOS, "macos"), (_LINUX, "linux")):
        match = pattern.fullmatch(tag)
        if match:
            return f"{system}_{match.group(1)}"
    return None


def _python(tag: Tag) -> str | None:
    match = _PYTHON.fullmatch(tag.interpreter)
    return f"3.{match.group(1)}{'t' if tag.abi.endswith('t') else ''}" if match else None


def offers(files: Iterable[File]) -> dict[Key, Offer]:
    """The offers of a page: wheels of final versions that are not yanked, for the platforms of the catalog."""
    found: dict[Key, list[tuple[str | None, str, File]]] = {}
    for file in files:
        if file.yanked or not file.name.endswith(".whl"):
            continue
        try:
            _, version, _, tags = parse_wheel_filename(file.name)
        except InvalidWheelFilename:
            continue  # names of the years before the format was settled
        if version.is_prerelease or version.is_postrelease:
            continue
        # The tags as the file name writes them: "manylinux_2_17_aarch64.manylinux2014_aarch64" is one of them.
        written = file.name[: -len(".whl")].rpartition("-")[2]
        for tag in tags:
            platform = _platform(tag.platform)
            if platform is not None:
                key = (version.base_version, version.local, platform)
                found.setdefault(key, []).append((_python(tag), written, file))
    return {key: _offer(wheels) for key, wheels in found.items()}


def _offer(wheels: list[tuple[str | None, str, File]]) -> Offer:
    pythons = sorted({python for python, _, _ in wheels if python}, key=python_key)
    preferred = _OPENED_FIRST if _OPENED_FIRST in pythons else pythons[0] if pythons else None
    uploaded = [file.uploaded for _, _, file in wheels if file.uploaded]
    opened = min((file for python, _, file in wheels if python == preferred), key=lambda file: file.url)
    return Offer(
        tuple(pythons),
        tuple(sorted({written for _, written, _ in wheels})),
        tuple(sorted({file.requires_python for _, _, file in wheels if file.requires_python})),
        min(uploaded, default=None),
        opened.url,
        opened.size,
    )
