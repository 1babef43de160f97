"""One command at a time: what reads files, and writes them by what it read, is alone with them meanwhile.

Only torch-auto's own commands wait for each other. What another program writes meanwhile, a writer notices by itself
(:class:`torch_auto.cli.project.files.ChangedError`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch_auto.cli.errors import UserError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds: between two looks, until the user hears of it, and until it is given up. An `add` loads gigabytes.
_STEP, _SILENT, _LONGEST = 0.02, 1.0, 3600.0

#: Windows locks a byte, which nobody else can read then: one behind all that is in a file.
_BEHIND = 1 << 30

#: Somebody else has the lock.
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """Have a folder for this command alone.

    The lock is on the folder itself, which no write replaces, so no file is left behind and whoever is killed has let
    go. Windows locks no folders: there it is a file of the folder's name among the temporary ones. A disk that locks
    nothing (some of NFS) does not stand in the way.

    Raises:
        UserError: another command does not end.
    """
    try:
        handle = _opened(folder)
    except PermissionError:  # what is in it may be read, and by its name alone
        yield
        return
    try:
        wait(handle, folder)
        yield
    finally:
        os.close(handle)


def _opened(folder: str) -> int:
    if os.name == "posix":
        return os.open(folder, os.O_RDONLY)
    name = hashlib.sha256(os.path.normcase(os.path.realpath(folder)).encode()).hexdigest()[:16]
    return os.open(os.path.join(tempfile.gettempdir(), f"torch-auto-{name}.lock"), os.O_RDWR | os.O_CREAT)


def wait(handle: int, what: str) -> None:
    """Have an open file for oneself, until it is closed.

    Raises:
        UserError: another command does not end.
    """
    start, told = time.monotonic(), False
    while not _taken(handle):
        waited = time.monotonic() - start
        if waited > _LONGEST:
            raise UserError(f"another torch-auto is at work on {what} and does not end. Nothing was written")
        if waited > _SILENT and not told:
            print(f"torch-auto: waiting for another torch-auto that is at work on {what}", file=sys.stderr, flush=True)
            told = True
        time.sleep(_STEP)


def _taken(handle: int) -> bool:
    """Take the lock; False where somebody else has it."""
    try:
        if sys.platform == "win32":
            os.lseek(handle, _BEHIND, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN  # else there is no such lock on this disk
    return True
