"""Bounded reading below a root folder: of a live system ("/") or of a captured tree.

Nothing here raises for what it finds, blocks, or reads more than a few kilobytes: not for a missing file, a
folder in its place, a pipe, a device, an endless file, a loop of links or one without permission.
"""

from __future__ import annotations

import os
import stat
from itertools import islice

from torch_auto.detect.log import Log

#: Bytes that are read of a file. The largest that matters, /proc/driver/nvidia/version, has about 300.
LARGEST_READ = 16384
#: Names that are taken of a folder.
MOST_NAMES = 4096
#: Links that are followed below a captured root: the kernel's own limit.
_MOST_LINKS = 40

# A pipe opens at once instead of waiting for a writer; Windows has no such flags and no such files.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


class Tree:
    """The files below ``root``. Every path is given as on the live system: "/sys/module/nvidia/version"."""

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")
        self._folders: dict[str, tuple[str, ...]] = {}

    def locate(self, path: str) -> str:
        """The real path of ``path``. Links in a captured tree lead to where they led on its machine.

        Raises:
            OSError: more links than a kernel would follow.
        """
        if not self._root:
            return path
        head, _, tail = path.rpartition("/")
        # A folder's files are read one after another: the way to it is walked once.
        folder = self._folders.get(head)
        if folder is None:
            folder = self._folders[head] = self._walk(head, ())
        return "/".join((self._root, *self._walk(tail, folder)))

    def _walk(self, path: str, start: tuple[str, ...]) -> tuple[str, ...]:
        """The real parts of a path below the root, from a folder that has been walked to.

        Raises:
            OSError: more links than a kernel would follow.
        """
        left = path.split("/")[::-1]
        done = list(start)
        links = 0
        while left:
            name = left.pop()
            if name in ("", "."):
                continue
            if name == "..":
                del done[-1:]
                continue
            here = "/".join([self._root, *done, name])
            try:
                target = os.readlink(here)
            except (OSError, ValueError):
                done.append(name)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError("too many links")
            if target.startswith("/"):
                done.clear()
            left.extend(target.split("/")[::-1])
        return tuple(done)

    def read_bytes(self, path: str, log: Log | None = None, limit: int = LARGEST_READ) -> bytes | None:
        """The first ``limit`` bytes of a file; None where there is none to read, which goes into ``log``."""
        try:
            descriptor = os.open(self.locate(path), _FLAGS)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError("not a regular file")
                return os.read(descriptor, limit)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            if log is not None:
                log.absent(path)
        except OSError as error:
            if log is not None:
                log.unreadable(path, _why(error) if error.strerror else str(error))
        except ValueError as error:  # a NUL in a link's target
            if log is not None:
                log.unreadable(path, str(error))
        return None

    def read(self, path: str, log: Log | None = None, limit: int = LARGEST_READ) -> str | None:
        """Like :meth:`read_bytes`, as text without the white space around it."""
        data = self.read_bytes(path, log, limit)
        return None if data is None else data.decode("utf-8", "replace").strip("\0 \t\r\n")

    def names(self, path: str, log: Log | None = None) -> list[str]:
        """The sorted names in a folder; none where it cannot be listed, which goes into ``log``."""
        try:
            with os.scandir(self.locate(path)) as entries:
                return sorted(entry.name for entry in islice(entries, MOST_NAMES))
        except (FileNotFoundError, NotADirectoryError):
            if log is not None:
                log.absent(path)
        except (OSError, ValueError) as error:
            if log is not None:
                log.unreadable(path, str(error))
        return []

    def link(self, path: str) -> str | None:
        """The last name of what a link points to: "nouveau" for ``.../driver``; None where it is no link."""
        head, _, tail = path.rpartition("/")
        try:
            return os.readlink(self.locate(head) + "/" + tail).rpartition("/")[2]
        except (OSError, ValueError):
            return None

    def exists(self, path: str) -> bool:
        """Whether there is anything at all at a path."""
        try:
            return os.path.exists(self.locate(path))
        except (OSError, ValueError):
            return False
