"""Where a library of a driver is: in LD_LIBRARY_PATH, in the loader's cache, or in folders."""

from __future__ import annotations

import re

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
#: Parts of a search path that are looked at, and places of one library that are told.
_MOST_PARTS, _MOST_PLACES = 256, 16


def absolute_parts(path: str) -> list[str]:
    """The absolute folders in LD_LIBRARY_PATH, which colons and semicolons part (ld.so(8)).

    An empty part and a relative one mean the folder that somebody happens to stand in, whoever it belongs to.
    """
    return [part for part in re.split("[:;]", path)[:_MOST_PARTS] if part.startswith("/")]


def find(library: str, tree: Tree, env: Mapping[str, str], others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The paths of a library, in the order in which the loader tries them: it passes over those that do not load.

    ``others`` are folders that the loader does not look at by itself.
    """
    own = [f"{folder}/{library}" for folder in (*absolute_parts(env.get("LD_LIBRARY_PATH", "")), *_LOADER_FOLDERS)]
    cache = tree.read_bytes(LOADER_CACHE, limit=4 << 20) or b""
    listed = re.findall(rb"\0(/[^\0]{1,4096}/" + re.escape(library.encode()) + rb")(?=\0)", cache)
    found = [path for path in own if tree.exists(path)]
    found += [path.decode("utf-8", "surrogateescape") for path in listed]
    found += [path for path in (f"{folder}/{library}" for folder in others) if tree.exists(path)]
    return tuple(dict.fromkeys(found))[:_MOST_PLACES]
