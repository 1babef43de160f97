"""Files of the user's: read and written whole, or not at all, and nothing of them changes but their content.

A file is replaced by a new one in one step, so that nobody and no crash ever meets half of it. But a new file is not
the old one: it has an owner, extended attributes and links of its own. So it is made like the old one, and takes its
place where it is like it. Where that cannot be (hard links, an owner that only root can give, a file that is mounted
alone, a folder that may not be written to, a system whose attributes cannot be seen), the old one is written over.
Then a note beside it holds what it was and what it shall be, until all is written; who finds a note whose writer has
gone puts the file back. A folder that may not be written to has no room for the note.
"""

from __future__ import annotations

import difflib
import errno
import json
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from torch_auto.cli.errors import UserError
from torch_auto.cli.project.encoding import Decoded, NotTextError, decoded
from torch_auto.cli.project.turns import wait
from torch_auto.cli.signals import held
from torch_auto.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How the names of our own files start, beside the file that is written.
OURS = ".torch-auto-"

#: Bytes of a file that are read. A lock of thousands of packages has some millions.
LARGEST = 64 << 20

#: There is no room; where a new file finds none, the old one is left alone.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class ChangedError(UserError):
    """Somebody else has written a file meanwhile."""


class Text:
    """A file's text. Its encoding and a byte order mark are kept aside, and line ends are as they are in the file."""

    def __init__(self, path: str) -> None:
        """Read it; a file that is not there is empty.

        Raises:
            OSError: it cannot be read.
            NotTextError: it is in an encoding that it should not have.
        """
        self.path = path
        self.before: str | None = None
        self.after = ""
        self._decoded = Decoded("")
        self._data = content_of(path)
        if self._data is not None:
            self._decoded = decoded(path, self._data)
            self.before = self.after = self._decoded.text

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.after != (self.before or "")

    def difference(self) -> list[str]:
        """The lines that go and come, each with its sign."""
        before, after = (self.before or "").splitlines(), self.after.splitlines()
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        return [f"  {line[0]} {line[1:]}" for line in lines if not line.startswith("@@")]

    def check(self) -> None:
        """Whether it can be written.

        Raises:
            PermissionError: it is read-only.
            ChangedError: somebody else has written it since it was read.
            NotTextError: its encoding spells one text in several ways, and has the rest of this file in another one.
        """
        _writable(self.path)
        if content_of(self.path) != self._data:
            raise ChangedError(f"{self.path} was changed by another program meanwhile. Run this again")
        if self._data is not None and self._decoded.encoded(self._decoded.text) != self._data:
            raise NotTextError(f"{self.path} cannot be written in its encoding, {self._decoded.encoding}, as it is")

    def write(self) -> None:
        """Write it, and nothing of the file changes but its content.

        Raises:
            OSError: it cannot be written; it is as it was.
            ChangedError, NotTextError: see :meth:`check`.
        """
        self.check()
        replace(self.path, self._decoded.encoded(self.content()))

    def content(self) -> str:
        """The file as it shall be."""
        return self.after


def content_of(path: str) -> bytes | None:
    """What a file holds, put back first where a writer ended in the middle; None where there is none.

    Raises:
        OSError: it cannot be read.
    """
    put_back(path)
    try:
        return read_regular(path, LARGEST)
    except FileNotFoundError:
        return None


def replace(path: str, content: bytes) -> None:
    """Have a file hold something else, and all else of it as it is. A symbolic link stays one.

    Raises:
        OSError: it cannot be written; it is as it was.
    """
    with held():
        before = _writable(path)
        target = os.path.realpath(path)
        if before is None or _can_be_like(before):
            try:
                _by_a_new_one(target, content, before)
            except OSError as error:
                if before is None or error.errno in _NO_ROOM:
                    raise OSError(error.errno, error.strerror, path) from error
            else:
                return
        try:
            _over_the_old_one(target, content)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from error


def _writable(path: str) -> os.stat_result | None:
    """What is known of a file, or None where there is none yet.

    Raises:
        PermissionError: it is read-only.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if not (found.st_mode & 0o222 and os.access(path, os.W_OK)):
        # A new file would get past that: it asks for the folder's permission alone.
        raise PermissionError(errno.EACCES, "is read-only", path)
    return found


# --- a new file in its place ---------------------------------------------------------------------------------------


def _can_be_like(before: os.stat_result) -> bool:
    """Whether a new file can have all that this one has. Without Linux, extended attributes cannot be seen."""
    return before.st_nlink == 1 and hasattr(os, "listxattr")


def _by_a_new_one(target: str, content: bytes, before: os.stat_result | None) -> None:
    handle, temporary = tempfile.mkstemp(prefix=OURS, dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if before is None:
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(temporary, 0o666 & ~mask)
            else:
                _make_like(temporary, target, before)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _make_like(path: str, other: str, before: os.stat_result) -> None:
    """Have a file be like another one in owner, group, mode and extended attributes, access lists among them.

    Raises:
        OSError: it cannot be.
    """
    now = os.stat(path)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.chown(path, before.st_uid, before.st_gid)
    attributes, own = _attributes(other), _attributes(path)
    for name in own.keys() - attributes.keys():
        os.removexattr(path, name)
    for name, value in attributes.items():
        if own.get(name) != value:
            os.setxattr(path, name, value)
    os.chmod(path, stat.S_IMODE(before.st_mode))  # the last, since a new owner takes bits of it away
    now = os.stat(path)
    same = [(item.st_uid, item.st_gid, item.st_mode) for item in (now, before)]
    if same[0] != same[1] or _attributes(path) != attributes:
        raise OSError(errno.EPERM, "a new file is not like the old one", path)


def _attributes(path: str) -> dict[str, bytes]:
    """The extended attributes of a file; none on a disk that has no such thing."""
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


# --- over the old one ----------------------------------------------------------------------------------------------


class _Note(NamedTuple):
    """What a file was, and what it shall be."""

    before: bytes
    after: bytes

    def spelled(self) -> bytes:
        """As it is kept. Whoever looks into it sees the text of the file."""
        return json.dumps({name: text.decode("latin-1") for name, text in self._asdict().items()}).encode()

    @classmethod
    def read(cls, handle: int) -> _Note | None:
        """The note in an open file, or None where its writer has not begun with the file itself, or is through."""
        os.lseek(handle, 0, os.SEEK_SET)
        with os.fdopen(os.dup(handle), "rb") as file:
            data = file.read(8 * LARGEST)
        try:
            content = json.loads(data)
            return cls(*(content[name].encode("latin-1") for name in cls._fields))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def is_half(self, now: bytes) -> bool:
        """Whether a file is between the two: each byte is one's or the other's, or room that nothing is in yet."""
        if now in self:
            return False
        lengths = sorted((len(self.before), len(self.after)))
        if not lengths[0] <= len(now) <= lengths[1]:
            return False
        one, other = (text.ljust(len(now), b"\0") for text in self)
        return all(byte in (one[at], other[at], 0) for at, byte in enumerate(now))


def _over_the_old_one(target: str, content: bytes) -> None:
    before = read_regular(target, LARGEST)
    with open(target, "r+b", buffering=0) as file, _noted(target, _Note(before, content)):
        try:
            _write_over(file.fileno(), before, content)
        except BaseException:
            _write_over(file.fileno(), content, before)
            raise


def _write_over(handle: int, before: bytes, content: bytes) -> None:
    """Have an open file hold something else. What is longer than before is written first: there may be no room."""
    try:
        _write_at(handle, len(before), content[len(before) :])
        os.fsync(handle)
    except BaseException:
        os.ftruncate(handle, len(before))
        raise
    _write_at(handle, 0, content[: len(before)])
    os.ftruncate(handle, len(content))
    os.fsync(handle)


def _write_at(handle: int, start: int, data: bytes) -> None:
    os.lseek(handle, start, os.SEEK_SET)
    while data:
        data = data[os.write(handle, data) :]


@contextmanager
def _noted(target: str, note: _Note) -> Iterator[None]:
    """Keep a note beside a file until it is one of the two; without one where the folder may not be written to."""
    path = os.path.join(os.path.dirname(target), OURS + os.path.basename(target))
    handle = _open_note(path, os.O_CREAT)
    if handle is None:
        yield
        return
    try:
        _write_over(handle, b"", note.spelled())
        yield
    finally:
        _close(handle, path, is_done=read_regular(target, LARGEST) in note)


def _open_note(path: str, flags: int) -> int | None:
    """Open a note that nobody else is at work on; None where there is none, or none of ours, or can be none.

    Raises:
        OSError: there is no room for one.
    """
    flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    while True:
        try:
            handle = os.open(path, flags, 0o600)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            return None
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, _own_id()):
            os.close(handle)
            return None
        wait(handle, path)
        with suppress(OSError):
            if os.path.samestat(found, os.lstat(path)):
                return handle
        os.close(handle)  # whoever was at work on it has taken it away


def _close(handle: int, path: str, *, is_done: bool) -> None:
    """Close a note, and take it away where the file is whole. Until then an empty one says nothing."""
    if is_done:
        os.ftruncate(handle, 0)
        with suppress(OSError):
            os.unlink(path)
    os.close(handle)
    if is_done and os.name == "nt":  # where nothing that is open can go
        with suppress(OSError):
            os.unlink(path)


def put_back(path: str) -> None:
    """Have a file as it was, if who wrote it was ended in the middle. Somebody who writes it now is waited for."""
    target = os.path.realpath(path)
    note = os.path.join(os.path.dirname(target), OURS + os.path.basename(target))
    if not os.path.lexists(note):
        return
    with held(), suppress(OSError):  # the file has gone, or is not ours to put back
        handle = _open_note(note, 0)
        if handle is None:
            return
        is_done = False
        try:
            found, now = _Note.read(handle), read_regular(target, LARGEST)
            if found is not None and found.is_half(now):
                with open(target, "r+b", buffering=0) as file:
                    _write_over(file.fileno(), now, found.before)
            is_done = True
        finally:
            _close(handle, note, is_done=is_done)


def _own_id() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0
