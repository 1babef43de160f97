"""The variables of a project with torch groups, which keep plain uv from undoing this machine's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.project.own import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.cli.portable.here import Here


def values_of(found: Here, variables: Mapping[str, str]) -> tuple[list[tuple[str, str]], str]:
    """The variables that keep uv from undoing this machine's choice in a project with torch groups, and a comment."""
    name = found.chosen.group.name
    if found.torch_groups.all_default:
        values = [("UV_NO_GROUP", " ".join([*found.left_out_anyway(variables), *found.others]))]
        return values, f"this leaves {name} of the project's torch groups, and plain uv takes that"
    if found.torch_groups.default == (name,):
        return [], f"plain uv takes {name} here, so there is nothing to set"
    what = f"it keeps `uv run` and `uv add` from going back to {' '.join(found.torch_groups.default) or 'no torch'}"
    return [("UV_NO_SYNC", "1")], f"{what}; `{typed(variables)} sync` installs {name}, and what else is in the lock"
