"""Files of the user's that change together: all of them, or none."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch_auto.cli.project.files import Text, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Change:
    """The texts of files as they shall be; a file that is asked for twice is the same text."""

    def __init__(self, *texts: Text) -> None:
        self._texts = {os.path.realpath(text.path): text for text in texts}

    def text(self, path: str) -> Text:
        """The text of a file, to be changed.

        Raises:
            OSError, UnicodeDecodeError: it cannot be read.
        """
        real = os.path.realpath(path)
        if real not in self._texts:
            self._texts[real] = Text(path)
        return self._texts[real]

    @property
    def changed(self) -> list[Text]:
        """The texts that are not as their files are."""
        return [text for text in self._texts.values() if text.changed]

    @property
    def takes_away(self) -> bool:
        """Whether lines of the user's go."""
        return any(line.startswith("  -") for text in self.changed for line in text.difference())

    def difference(self, verb: str) -> list[str]:
        """What changes, as lines for people; ``verb`` is "changes" or the like."""
        return [line for text in self.changed for line in (f"{text.path} {verb}:", *text.difference())]

    def write(self) -> None:
        """Write what has changed.

        Raises:
            OSError: one of the files cannot be written; all are as they were.
        """
        for text in self.changed:
            text.mode()  # that one of several cannot be written is known before the first is
        with kept(text.path for text in self.changed):
            for text in self.changed:
                text.write()


@contextmanager
def kept(paths: Iterable[str]) -> Iterator[None]:
    """Where what is done inside ends with an exception, these files are as they were before."""
    before = {path: _bytes(path) for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            _restore(path, content)
        raise


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _restore(path: str, content: bytes | None) -> None:
    if _bytes(path) == content:
        return
    if content is None:
        os.unlink(path)
    else:
        replace(path, content)
