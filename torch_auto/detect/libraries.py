"""Where a library of a driver is: in LD_LIBRARY_PATH, in folders, or in the loader's cache."""

from __future__ import annotations

from torch_auto.detect.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LOADER_CACHE = "/etc/ld.so.cache"

#: The folders that the loader looks at by itself.
_LOADER_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/lib64",
    "/usr/lib",
    "/lib",
)


def find(library: str, tree: Tree, env: Mapping[str, str], others: tuple[str, ...] = ()) -> str | None:
    """Where a library is: a path, or the loader's cache that lists it; None where there is none.

    ``others`` are folders that the loader does not look at by itself.
    """
    # An empty part of LD_LIBRARY_PATH means the current directory, which is nothing to go by.
    for folder in env.get("LD_LIBRARY_PATH", "").split(":")[:256]:
        if folder.startswith("/") and tree.exists(f"{folder}/{library}"):
            return f"{folder}/{library}"
    for folder in (*_LOADER_FOLDERS, *others):
        if tree.exists(f"{folder}/{library}"):
            return f"{folder}/{library}"
    cache = tree.read_bytes(LOADER_CACHE, limit=4 << 20)
    return LOADER_CACHE if cache and library.encode() in cache else None
