"""PyTorch's pages, written where a project's tool reads them, the same for all who share the project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.project.files import Text
from torch_auto.cli.project.toml.document import NoPlaceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import Tool, Wish


def write(project: Project, tool: Tool, wish: Wish, variables: Mapping[str, str], *, dry_run: bool) -> int:
    """Write the pages, or show what would be written; returns the exit status.

    Raises:
        NotTomlError, OSError: a file of the project's cannot be read or written.
    """
    try:
        if not wish.force:
            tool.check(project, wish, variables)
        text = Text(tool.file(project, variables))
        tool.write(project, text, wish)
    except RefusedError as error:
        print(f"torch-auto: error: {error}. Nothing was written.", file=sys.stderr)
        return 2
    except NoPlaceError as error:
        lines = "".join(f"\n  {line}" for line in tool.by_hand(wish))
        print(f"torch-auto: error: nothing was written: {error}. Add this by hand:{lines}", file=sys.stderr)
        return 2
    if not text.changed:
        print(f"{text.path} names PyTorch's pages already. Next: {tool.next(project, text.path)}")
        return 0
    if dry_run:
        print("\n".join([f"{text.path} would change:", *text.difference()]))
        return 0
    text.write()
    print("\n".join([f"{text.path} changed:", *text.difference(), f"Next: {tool.next(project, text.path)}"]))
    return 0
