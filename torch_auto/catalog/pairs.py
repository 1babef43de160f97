"""Projects that belong to a torch release: torchvision, torchaudio, and the tritons that PyPI lacks."""

from __future__ import annotations

from functools import lru_cache

from torch_auto.catalog.files import DATA, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@lru_cache(maxsize=None)
def pair_rows(directory: str = DATA) -> tuple[dict[str, Any], ...]:
    """The records, torchvision's first; they are read apart from the catalog.

    Raises:
        CatalogError: the file is missing or damaged.
    """
    return tuple(read(directory, "pairs.json")["pairs"])


def companions(vendor: str | None, release: str | None = None, directory: str = DATA) -> tuple[str, ...]:
    """Projects that builds for AMD or Intel GPUs require and that PyTorch's index alone has: their triton.

    Of one release, or of all. Most machines need none of them.

    Raises:
        CatalogError: the file is missing or damaged.
    """
    if vendor not in ("amd", "intel"):
        return ()
    found = (row for row in pair_rows(directory) if row.get("vendor") == vendor and release in (None, row["release"]))
    return tuple(dict.fromkeys(row["project"] for row in found))
