"""Files of others, read whole: regular ones alone, and none larger than it can be for what it holds.

A pipe waits for somebody who never writes, and a device may never end. Both would hang a build or the command for good.
"""

from __future__ import annotations

import errno
import os
import stat


def read_regular(path: str, largest: int) -> bytes:
    """The content of a file of at most ``largest`` bytes.

    Raises:
        OSError: it cannot be read, is not a regular file, or is larger.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", path)
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest} bytes", path)
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; without this flag, a pipe opens only once somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
