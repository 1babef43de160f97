"""A place for the temporary files of a build: beside its result, and gone with the build, however that ends."""

from __future__ import annotations

import os
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn


@contextmanager
def scratch(directory: str) -> Iterator[str]:
    """Keep temporary files in a folder of their own in ``directory``, where the result will be; it is what is yielded.

    Their usual place may be read-only, full, or on another disk; hatchling leaves its half-written archive there when
    it fails; and SIGTERM ends a process that has no handler for it without any cleaning up.

    Raises:
        OSError: as :func:`named` words it.
    """
    import shutil  # noqa: PLC0415  # a resolver that walks back imports this module, and needs none of them
    import signal  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    def on_sigterm(handler: Any) -> Any:
        try:
            return signal.signal(signal.SIGTERM, handler)
        except ValueError:  # not the main thread
            return None

    usual = tempfile.tempdir
    before = on_sigterm(_end)
    try:
        with named(directory):
            os.makedirs(directory, exist_ok=True)
            folder = tempfile.mkdtemp(prefix=".torch-auto-", dir=os.path.abspath(directory))
            tempfile.tempdir = folder
            try:
                yield folder
            finally:
                on_sigterm(signal.SIG_IGN)  # what is about to end is not ended half-way
                tempfile.tempdir = usual
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        on_sigterm(signal.SIG_DFL if before is None else before)


def _end(number: int, _: object) -> NoReturn:
    """Ends as a shell says that a signal ended something, by way of every ``finally``."""
    raise SystemExit(128 + number)


@contextmanager
def named(directory: str) -> Iterator[None]:
    """Have an error of the system name the directory that was written to; a full disk's own error does not.

    Raises:
        OSError: something could not be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.strerror is None:
            raise
        what = f"{error.strerror}: {error.filename!r}" if error.filename else error.strerror
        raise OSError(error.errno, f"torch-auto could not be built in {directory}: {what}") from error
