"""Bounded reading below a root folder: of a live system ("/") or of a captured tree.

Nothing here raises for what it finds, blocks, or reads more than a few kilobytes: not for a missing file, a
folder in its place, a pipe, a device, an endless file, a loop of links or one without permission.
"""

from __future__ import annotations

import errno
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

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


class Tree:
    """The files below ``root``. Every path is given as on the live system: "/sys/module/nvidia/version"."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        self._folders: dict[str, tuple[str, ...]] = {"": ()}
        self._plain: set[str] = set()

    def locate(self, path: str) -> str:
        """The real path of ``path``. Links in a captured tree lead to where they led on its machine.

        Raises:
            OSError: more links than a kernel would follow.
        """
        if not self._root:
            return path
        head, _, tail = path.rpartition("/")
        return "/".join((self._root, *self._walk(tail, self._folder(head))))

    def _folder(self, path: str) -> tuple[str, ...]:
        """The real parts of a folder's path. The way to a folder is walked once, and so is that to the one above it.

        Raises:
            OSError: more links than a kernel would follow.
        """
        found = self._folders.get(path)
        if found is None:
            head, _, tail = path.rpartition("/")
            found = self._folders[path] = self._walk(tail, self._folder(head))
        return found

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
                target = os.readlink(here) if here not in self._plain else ""
            except (OSError, ValueError):
                if left:  # a folder that others may be below
                    self._plain.add(here)
                target = ""
            if not target:
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
            descriptor = self._open(path)
            try:
                # The running kernel's own files need no second look, and there are hundreds of them on a server.
                if (self._root or not path.startswith("/sys/")) and not stat.S_ISREG(os.fstat(descriptor).st_mode):
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

    def _open(self, path: str) -> int:
        """A descriptor of a file. In a captured tree most files are no links, and are opened without asking."""
        if self._root and _NOFOLLOW:
            head, _, tail = path.rpartition("/")
            if tail not in ("", ".", ".."):
                try:
                    return os.open("/".join((self._root, *self._folder(head), tail)), _FLAGS | _NOFOLLOW)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.EMLINK):
                        raise
        return os.open(self.locate(path), _FLAGS)

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
