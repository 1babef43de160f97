"""Files of the user's that change together: all of them, or none."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch_auto.cli.errors import UserError
from torch_auto.cli.project.files import Text, content_of, replace
from torch_auto.cli.signals import held

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Change:
    """The texts of files as they shall be; a file that is asked for twice is the same text."""

    def __init__(self, *texts: Text) -> None:
        self._texts = {os.path.realpath(text.path): text for text in texts}

    def text(self, path: str) -> Text:
        """The text of a file, to be changed.

        Raises:
            OSError, NotTextError: it cannot be read.
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
            OSError, ChangedError, NotTextError: one of the files cannot be written; all are as they were.
        """
        for text in self.changed:
            text.check()  # that one of several cannot be written is known before the first is
        with kept(text.path for text in self.changed):
            for text in self.changed:
                text.write()


@contextmanager
def kept(paths: Iterable[str]) -> Iterator[None]:
    """Where what is done inside ends with an exception, these files are as they were before.

    Raises:
        UserError: one of them could not be put back.
    """
    before = {path: content_of(path) for path in paths}
    try:
        yield
    except BaseException as error:
        with held():
            faults = [fault for path, content in before.items() for fault in _restore(path, content)]
        if faults:
            raise UserError("; ".join([str(error), *faults])) from error
        raise


def _restore(path: str, content: bytes | None) -> Iterator[str]:
    """Have a file as it was; yields what stands against it."""
    try:
        if content_of(path) == content:
            return
        if content is None:
            os.unlink(path)
        else:
            replace(path, content)
    except OSError as error:
        yield f"{path} is not as it was: {error.strerror or error}"
