"""The dependency groups of one lock for all machines: what an earlier run wrote of them, and how they are written.

uv reads groups, conflicts and default groups from the pyproject.toml of each project, in a workspace too, and
find-links and config settings from the workspace's root alone, or from a uv.toml there.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from torch_auto.cli.files import Text
from torch_auto.cli.pages import same_page
from torch_auto.cli.toml import items, table
from torch_auto.cli.toml_change import change_array, inline, lines, one_line, remove_key, replace_value
from torch_auto.cli.toml_insert import content, set_value, string
from torch_auto.groups import Group, groups_text

GROUPS, UV = "dependency-groups", ("tool", "uv")
CPU, ALL, KEEP = "cpu", "all", "keep"

#: What markers of ours ask for; nothing else is in them.
_MARKER = re.compile(r"(?:sys_platform|platform_machine|python_version|[=!<>]=?|and|or|[()]|\"[^\"]*\"|\s)+")
_PIN = re.compile(r"==(\d+(?:\.\d+)+)\+([a-z]+[0-9.]*)", re.ASCII)


#: For whoever meets the groups and has not heard of torch-auto.
COMMENT = "# One group for each torch backend, by `torch-auto init --portable`: `torch-auto sync` takes this machine's."


class Written(NamedTuple):
    """A group that an earlier run wrote, and the key that it has in the file."""

    key: str
    group: Group
    family: Tuple[str, ...]


class Wanted(NamedTuple):
    """What shall be there. ``default`` is CPU, ALL, or KEEP: leave the default groups that are there."""

    groups: Tuple[Group, ...]
    requirements: Mapping[str, Tuple[str, ...]]  # by the group's name
    pages: Tuple[str, ...]
    default: str

    @property
    def names(self) -> List[str]:
        """The names of the groups."""
        return [group.name for group in self.groups]


def _written(key: str, entries: object) -> Optional[Written]:
    group, family = None, []
    for entry in items(entries) or [None]:
        try:
            found = Requirement(entry)
        except (InvalidRequirement, TypeError):
            return None
        pins = [item for item in found.specifier if item.operator == "=="]
        others = [item for item in found.specifier if item.operator not in ("==", "!=")]
        if len(pins) != 1 or others or found.extras or found.marker is None or not _MARKER.fullmatch(str(found.marker)):
            return None
        if found.name != "torch":
            family.append(found.name)
            continue
        pin = _PIN.fullmatch(str(pins[0]))
        own = Group(*pin.groups()) if pin is not None else None
        if own is not None and own.name == canonicalize_name(key):
            group = own
    return Written(key, group, tuple(dict.fromkeys(family))) if group is not None else None


def written(pyproject: Dict[str, Any]) -> Tuple[Written, ...]:
    """The groups that an earlier run wrote: named torch-<torch backend>, with exact pins of it and markers alone."""
    found = (_written(key, entries) for key, entries in table(pyproject, GROUPS).items())
    return tuple(item for item in found if item is not None)


def key_of(pyproject: Dict[str, Any], name: str) -> Optional[str]:
    """The key that a group has in the file, spelled as it may be there; None where there is no such group."""
    return next((key for key in table(pyproject, GROUPS) if canonicalize_name(key) == name), None)


# --- the project's own file ----------------------------------------------------------------------------------------


def edit_project(text: Text, wanted: Wanted) -> None:
    """Groups, conflicts, default groups and the dependency on torch-auto.

    Raises:
        NoPlaceError: something is written in a way that cannot be changed safely.
    """
    data = content(text.after)
    ours = written(data)
    stale = [item for item in ours if item.group.name not in wanted.names]
    gone = [item.group.name for item in stale]
    _dependency(text, data)
    _default_groups(text, data, wanted, gone)
    for group in wanted.groups:
        _group(text, group.name, wanted.requirements[group.name], ours)
    for item in stale:
        text.after = remove_key(text.after, (GROUPS, item.key))
    _conflicts(text, wanted.names, gone)


def _dependency(text: Text, data: Dict[str, Any]) -> None:
    project = table(data, "project")
    entries = [str(item) for item in items(project.get("dependencies"))]
    names = [canonicalize_name(re.split(r"[^\w.-]", entry.strip(), maxsplit=1)[0]) for entry in entries]
    if "torch-auto" in names or "dependencies" in items(project.get("dynamic")):
        return
    if "dependencies" not in project:
        text.after = set_value(text.after, ("project", "dependencies"), '["torch-auto"]', 1, last=True)
        return
    index = len([name for name in names if name < "torch-auto"]) if names == sorted(names) else len(names)
    entries.insert(index, "torch-auto")
    text.after = change_array(text.after, ("project", "dependencies"), list(map(string, entries)))


def _default_groups(text: Text, data: Dict[str, Any], wanted: Wanted, gone: Sequence[str]) -> None:
    path = (*UV, "default-groups")
    present = table(data, *UV).get("default-groups")
    chosen = wanted.names if wanted.default == ALL else [f"torch-{CPU}"]
    if present == "all":
        return
    if present is None:
        # uv's own default is ["dev"]. A name in this list must be a group, and a group that `uv add --dev` makes later
        # must be in it, or `uv sync` takes away again what it added.
        if key_of(data, "dev") is None:
            text.after = set_value(text.after, (GROUPS, "dev"), "[]", 1, last=True)
        text.after = set_value(text.after, path, inline(["dev", *chosen]), len(UV), last=True)
        return
    keep = [str(item) for item in items(present) if canonicalize_name(str(item)) not in gone]
    names = list(map(canonicalize_name, keep))
    if wanted.default == CPU:
        keep = [
            item for item in keep if canonicalize_name(item) in chosen or canonicalize_name(item) not in wanted.names
        ]
    if wanted.default != KEEP or not set(wanted.names) & set(names):
        keep += [name for name in chosen if name not in names]
    text.after = change_array(text.after, path, list(map(string, keep)))


def _group(text: Text, name: str, requirements: Sequence[str], ours: Sequence[Written]) -> None:
    elements = list(map(string, requirements))
    key = key_of(content(text.after), name)
    if key is None:
        array = lines(elements)
        if name == f"torch-{CPU}":
            array = array.replace("\n", f"\n    {COMMENT}\n", 1)
        text.after = set_value(text.after, (GROUPS, name), array, 1, last=True)
    elif key in [item.key for item in ours]:
        text.after = change_array(text.after, (GROUPS, key), elements)
    else:
        text.after = replace_value(text.after, (GROUPS, key), lines(elements))


def _conflicts(text: Text, names: Sequence[str], gone: Sequence[str]) -> None:
    """One set of ours; the user's stay, and so does what the user added to ours."""
    path = (*UV, "conflicts")
    present = table(content(text.after), *UV).get("conflicts")
    sets = items(present)
    index = next((at for at, entries in enumerate(sets) if len(_torch(entries, [*names, *gone])) > 1), None)
    new = [{"group": name} for name in names]
    if index is not None:
        stale = _torch(sets[index], gone)
        there = [canonicalize_name(str(item["group"])) for item in _torch(sets[index], names)]
        kept = [item for item in sets[index] if item not in stale]
        kept += [item for item in new if item["group"] not in there]
        if len(kept) > 1:
            text.after = change_array(text.after, (*path, index), list(map(inline, kept)))
        elif len(sets) > 1:
            text.after = change_array(text.after, path, [inline(item) for item in sets if item is not sets[index]])
        else:
            text.after = remove_key(text.after, path)
    elif len(new) > 1:
        element = lines(list(map(inline, new)))
        if present is None:
            text.after = set_value(text.after, path, lines([element]), len(UV), last=True)
        else:
            text.after = change_array(text.after, path, [*map(inline, sets), element])


def _torch(entries: object, names: Sequence[str]) -> List[Dict[str, Any]]:
    """The entries of a conflict set that are these groups of this project's own."""
    return [
        entry
        for entry in items(entries)
        if isinstance(entry, dict) and "extra" not in entry and canonicalize_name(str(entry.get("group"))) in names
    ]


# --- the settings ---------------------------------------------------------------------------------------------------


def edit_settings(text: Text, wanted: Wanted) -> None:
    """``find-links``, and the setting of torch-auto's build, in uv.toml or in [tool.uv].

    Raises:
        NoPlaceError: something is written in a way that cannot be changed safely.
    """
    prefix = () if os.path.basename(text.path) == "uv.toml" else UV
    settings = table(content(text.after), *prefix)
    path = (*prefix, "find-links")
    links = [str(item) for item in items(settings.get("find-links"))]
    missing = [page for page in wanted.pages if not any(same_page(page, link) for link in links)]
    if "find-links" in settings:
        text.after = change_array(text.after, path, list(map(string, [*links, *missing])))
    else:
        array = lines(list(map(string, missing)))
        text.after = set_value(
            text.after, path, one_line(array) if len(missing) == 1 else array, len(prefix), last=True
        )
    value = groups_text(wanted.groups)
    path = (*prefix, "config-settings-package", "torch-auto", "groups")
    present = table(settings, *path[len(prefix) : -1]).get("groups")
    if present is None:
        text.after = set_value(text.after, path, string(value), len(prefix), last=True)
    elif present != value:
        text.after = replace_value(text.after, path, string(value))
