"""How the catalog knows what it says of a build, and how large its wheel is: for people, nothing is decided by it."""

from __future__ import annotations

from torch_auto.catalog.files import DATA, read
from torch_auto.catalog.torch_backends import parse
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

#: What a record is about.
BUILD, GPUS, PYPI, DRIVER = "build", "gpus", "pypi", "driver"


class Origin(Frozen):
    """How one thing is known.

    ``about`` is what: the build itself, the GPUs that it is for, which build PyPI's is, or the oldest driver.
    ``source`` is a name in sources.json, and ``text`` where that can be looked up.
    """

    about: str
    confidence: str
    source: str
    text: str


class Sizes(Frozen):
    """Bytes of torch's own wheel, without what it requires: of the build on PyTorch's index, and of PyPI's build.

    None where it is not known.
    """

    index: int | None
    pypi: int | None


def _find(rows: list[Row], **values: Any) -> Row | None:
    return next((row for row in rows if all(row.get(name) == value for name, value in values.items())), None)


def _place(release: str, platform: str | None, directory: str) -> Row | None:
    found = _find(read(directory, "releases.json")["platforms"], release=release, platform=platform)
    return found if found is not None and found["public"] is not None else None


def _build(release: str, platform: str | None, torch_backend: str, directory: str) -> Row | None:
    rows = read(directory, "builds.json")["builds"]
    return _find(rows, release=release, platform=platform, torch_backend=torch_backend)


def origins(release: str, platform: str | None, torch_backend: str, directory: str = DATA) -> tuple[Origin, ...]:
    """How a build of a release is known, and all that says what it runs on.

    Raises:
        CatalogError: a file is missing or damaged.
    """
    found: list[tuple[str, str, str]] = []
    build = _build(release, platform, torch_backend, directory)
    if build is not None:
        found.append((BUILD, build["confidence"], build["source"]))
        if build.get("arch_source"):
            found.append((GPUS, build["arch_confidence"], build["arch_source"]))
    toolkit = parse(torch_backend).toolkit
    if toolkit is not None:
        floor = _find(read(directory, "nvidia.json")["toolkit_floors"], toolkit_major=toolkit[0])
        if floor is not None:
            found.append((DRIVER, floor["confidence"], floor["source"]))
    place = _place(release, platform, directory)
    if place is not None:
        found.append((PYPI, place["confidence"], place["source"]))
    texts = read(directory, "sources.json")["sources"]
    return tuple(Origin(about, confidence, source, texts[source]) for about, confidence, source in found)


def sizes(release: str, platform: str | None, torch_backend: str | None, directory: str = DATA) -> Sizes:
    """How large the wheels of a build, and of PyPI's build of the release, are.

    Raises:
        CatalogError: a file is missing or damaged.
    """
    build = _build(release, platform, torch_backend, directory) if torch_backend is not None else None
    place = _place(release, platform, directory)
    return Sizes(build.get("size") if build is not None else None, place.get("size") if place is not None else None)
