"""A script with inline metadata (packaging.python.org/en/latest/specifications/inline-script-metadata)."""

from __future__ import annotations

import re

from torch_auto.cli.project.files import Text

_BLOCK = re.compile(r"^# /// script[ \t]*\r?\n(?P<content>(?:#(?:| [^\r\n]*)\r?\n)*?)# ///[ \t]*$", re.MULTILINE)
#: What has to stay above everything else: the line that starts an interpreter, and the encoding.
_HEAD = re.compile(r"(?:#![^\n]*\n)?(?:#[^\n]*coding[^\n]*\n)?")
_EMPTY = "# /// script\n# dependencies = []\n# ///\n"


class Script(Text):
    """The TOML in a script's comments, which is made where there is none; the rest of the script stays as it is."""

    def __init__(self, path: str) -> None:
        """Read it.

        Raises:
            OSError, NotTextError: it cannot be read.
        """
        super().__init__(path)
        if self.before is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        whole = self.before
        if _BLOCK.search(whole) is None:
            at = _HEAD.match(whole)
            start = at.end() if at is not None else 0
            whole = f"{whole[:start]}{_EMPTY}\n{whole[start:]}"
        self._whole = whole
        found = _BLOCK.search(whole)
        content = found.group("content") if found is not None else ""
        self.before = self.after = re.sub(r"(?m)^# ?", "", content)

    def content(self) -> str:
        """The script with the block as it shall be."""
        lines = [f"# {line}" if line.strip() else f"#{line}" for line in self.after.splitlines(keepends=True)]
        block = "".join(lines)

        def changed(found: re.Match[str]) -> str:
            start = found.start("content") - found.start()
            end = found.end("content") - found.start()
            return found.group()[:start] + block + found.group()[end:]

        return _BLOCK.sub(changed, self._whole, count=1)
