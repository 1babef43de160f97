"""``torch-auto env`` in a project with torch groups: what keeps plain uv from undoing this machine's choice."""

from __future__ import annotations

import sys
from typing import List, Mapping, Tuple

from torch_auto import catalog as catalogs
from torch_auto.cli import groups as project_groups
from torch_auto.cli import project as projects
from torch_auto.cli.env import written
from torch_auto.cli.groups import Here
from torch_auto.cli.toml import NoTomlReaderError, NotTomlError


def values_of(found: Here, variables: Mapping[str, str]) -> Tuple[List[Tuple[str, str]], str]:
    """The variables that keep uv from undoing this machine's choice in a project with torch groups, and a comment."""
    name = found.chosen.group.name
    if found.torch_groups.all_default:
        values = [("UV_NO_GROUP", " ".join([*found.left_out_anyway(variables), *found.others]))]
        return values, f"this leaves {name} of the project's torch groups, and plain uv takes that"
    if found.torch_groups.default == (name,):
        return [], f"plain uv takes {name} here, so there is nothing to set"
    what = f"it keeps `uv run` and `uv add` from going back to {' '.join(found.torch_groups.default) or 'no torch'}"
    return [("UV_NO_SYNC", "1")], f"{what}; `torch-auto sync` installs {name}, and what else is in the lock"


def run(form: str, start: str, variables: Mapping[str, str]) -> bool:
    """Print the variables of a project with torch groups; False where the folder is in none.

    Raises:
        UserError, SettingsError: see :func:`torch_auto.cli.groups.this_machine`.
    """
    known = catalogs.load()
    try:
        project = projects.find(start)
        groups = project_groups.find(project, known)
    except (NoTomlReaderError, NotTomlError):
        return False  # the hint needs no project
    if groups is None or groups.pylocks:
        return False
    found = project_groups.this_machine(project, groups, {}, variables)
    values, comment = values_of(found, variables)
    # For this project alone: a group that another project does not have is an error there.
    print(f"# {found.why}\n# {comment}. It belongs to this project, not to a profile.", file=sys.stderr)
    if values:
        sys.stdout.write("\n".join(written(form, values)) + "\n")
    return True
