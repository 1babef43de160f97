"""Files of the user's: read and replaced whole, or not at all."""

from __future__ import annotations

import difflib
import os
import stat
import tempfile

_BOM = "\ufeff"


class Text:
    """A file's text. A byte order mark is kept aside, and line ends are as they are in the file."""

    def __init__(self, path: str) -> None:
        """Read it; a file that is not there is empty.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is not UTF-8.
        """
        self.path = path
        self.before: str | None = None
        self.after = ""
        self._bom = ""
        try:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
        except FileNotFoundError:
            return
        if text.startswith(_BOM):
            self._bom, text = _BOM, text[len(_BOM) :]
        self.before = self.after = text

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.after != (self.before or "")

    def difference(self) -> list[str]:
        """The lines that go and come, each with its sign."""
        before, after = (self.before or "").splitlines(), self.after.splitlines()
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        return [f"  {line[0]} {line[1:]}" for line in lines if not line.startswith("@@")]

    def mode(self) -> int | None:
        """The mode that the file keeps, or None where there is no file yet.

        Raises:
            PermissionError: it is read-only.
        """
        return _mode(self.path)

    def write(self) -> None:
        """Replace the file in one step. Its mode stays, and a symbolic link stays one.

        Raises:
            OSError: it cannot be written; it is as it was.
        """
        replace(self.path, (self._bom + self.content()).encode("utf-8"))

    def content(self) -> str:
        """The file as it shall be."""
        return self.after


def replace(path: str, content: bytes) -> None:
    """Replace a file in one step. Its mode stays, and a symbolic link stays one.

    Raises:
        OSError: it cannot be written; it is as it was.
    """
    mode, target = _mode(path), os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(prefix=".torch-auto-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is None:
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(path: str) -> int | None:
    target = os.path.realpath(path)
    mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else None
    if mode is not None and not (mode & 0o222 and os.access(target, os.W_OK)):
        # A rename would get past that: it asks for the folder's permission alone.
        raise PermissionError(13, "is read-only", path)
    return mode
