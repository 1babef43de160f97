"""The dependency groups of one lock for all machines: what an earlier run wrote of them, and how they are written.

uv reads groups, conflicts and default groups from the pyproject.toml of each project, in a workspace too, and
indexes and config settings from the workspace's root alone, or from a uv.toml there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import edited
from torch_auto.cli.project.toml.spelling import element, lines, string
from torch_auto.cli.tools.uv_pages import name_pages, prefix_of, unname_pages, unset
from torch_auto.select.groups import Group, group_of, groups_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.cli.project.files import Text
    from torch_auto.cli.project.toml.document import Document

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
    family: tuple[str, ...]


class Wanted(NamedTuple):
    """What shall be there. ``default`` is CPU, ALL, or KEEP: leave the default groups that are there."""

    groups: tuple[Group, ...]
    requirements: Mapping[str, tuple[str, ...]]  # by the group's name
    pages: tuple[str, ...]
    default: str

    @property
    def names(self) -> list[str]:
        """The names of the groups."""
        return [group.name for group in self.groups]


def _written(key: str, entries: object) -> Written | None:
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
        own = group_of(*pin.groups()) if pin is not None else None
        if own is not None and own.name == canonicalize_name(key):
            group = own
    return Written(key, group, tuple(dict.fromkeys(family))) if group is not None else None


def written(pyproject: dict[str, Any]) -> tuple[Written, ...]:
    """The groups that an earlier run wrote: named torch-<torch backend>, with exact pins of it and markers alone."""
    found = (_written(key, entries) for key, entries in table(pyproject, GROUPS).items())
    return tuple(item for item in found if item is not None)


def key_of(pyproject: dict[str, Any], name: str) -> str | None:
    """The key that a group has in the file, spelled as it may be there; None where there is no such group."""
    return next((key for key in table(pyproject, GROUPS) if canonicalize_name(key) == name), None)


def edit(own: Text, settings: Text, wanted: Wanted) -> None:
    """The changes in the project's own file and in the one with its settings, which may be the same.

    Raises:
        NoPlaceError: something is written in a way that cannot be changed safely.
    """
    prefix = prefix_of(settings.path)

    def both(document: Document) -> None:
        edit_project(document, wanted)
        edit_settings(document, wanted, prefix)

    if settings is own:
        own.after = edited(own.after, both)
        return
    own.after = edited(own.after, lambda document: edit_project(document, wanted))
    settings.after = edited(settings.after, lambda document: edit_settings(document, wanted, prefix))


def unedit(own: Text, settings: Text, index_url: str) -> None:
    """Take back what :func:`edit` wrote, but for the dependency on torch-auto.

    Raises:
        NoPlaceError: something is written in a way that cannot be changed safely.
    """
    prefix = prefix_of(settings.path)
    own.after = edited(own.after, _without_groups)

    def without_settings(document: Document) -> None:
        unset(document, prefix, "groups")
        unname_pages(document, prefix, index_url)

    settings.after = edited(settings.after, without_settings)


def _without_groups(document: Document) -> None:
    ours = written(document.content)
    gone = [item.group.name for item in ours]
    _conflicts(document, [], gone)
    path = (*UV, "default-groups")
    present = items(table(document.content, *UV).get("default-groups"))
    left = [item for item in present if canonicalize_name(str(item)) not in gone]
    if left == ["dev"] and len(left) != len(present):
        document.remove(path)  # it is uv's own default
        if document.content.get(GROUPS, {}).get("dev") == []:
            document.remove((GROUPS, "dev"))
    elif left != present:
        document.change_array(path, left)
    for item in ours:
        document.remove((GROUPS, item.key))
    document.remove_empty((GROUPS,))


# --- the project's own file ----------------------------------------------------------------------------------------


def edit_project(document: Document, wanted: Wanted) -> None:
    """Groups, conflicts, default groups and the dependency on torch-auto."""
    ours = written(document.content)
    stale = [item for item in ours if item.group.name not in wanted.names]
    gone = [item.group.name for item in stale]
    _dependency(document)
    _default_groups(document, wanted, gone)
    for group in wanted.groups:
        _group(document, group.name, wanted.requirements[group.name], ours)
    for item in stale:
        document.remove((GROUPS, item.key))
    _conflicts(document, wanted.names, gone)


def _dependency(document: Document) -> None:
    project = table(document.content, "project")
    entries = [str(item) for item in items(project.get("dependencies"))]
    names = [canonicalize_name(re.split(r"[^\w.-]", entry.strip(), maxsplit=1)[0]) for entry in entries]
    if "torch-auto" in names or "dependencies" in items(project.get("dynamic")):
        return
    if "dependencies" not in project:
        document.set(("project", "dependencies"), ["torch-auto"], 1, last=True)
        return
    index = len([name for name in names if name < "torch-auto"]) if names == sorted(names) else len(names)
    entries.insert(index, "torch-auto")
    document.change_array(("project", "dependencies"), entries)


def _default_groups(document: Document, wanted: Wanted, gone: Sequence[str]) -> None:
    path = (*UV, "default-groups")
    present = table(document.content, *UV).get("default-groups")
    chosen = wanted.names if wanted.default == ALL else [f"torch-{CPU}"]
    if present == "all":
        return
    if present is None:
        # uv's own default is ["dev"]. A name in this list must be a group, and a group that `uv add --dev` makes later
        # must be in it, or `uv sync` takes away again what it added.
        if key_of(document.content, "dev") is None:
            document.set((GROUPS, "dev"), [], 1, last=True)
        document.set(path, ["dev", *chosen], len(UV), last=True)
        return
    keep = [str(item) for item in items(present) if canonicalize_name(str(item)) not in gone]
    names = list(map(canonicalize_name, keep))
    if wanted.default == CPU:
        keep = [
            item for item in keep if canonicalize_name(item) in chosen or canonicalize_name(item) not in wanted.names
        ]
    if wanted.default != KEEP or not set(wanted.names) & set(names):
        keep += [name for name in chosen if name not in names]
    document.change_array(path, keep)


def _group(document: Document, name: str, requirements: Sequence[str], ours: Sequence[Written]) -> None:
    value = list(requirements)
    array = lines(list(map(string, value)))
    key = key_of(document.content, name)
    if key is None:
        if name == f"torch-{CPU}":
            array = array.replace("\n", f"\n    {COMMENT}\n", 1)
        document.set((GROUPS, name), value, 1, text=array, last=True)
    elif key in [item.key for item in ours]:
        document.change_array((GROUPS, key), value)
    else:
        document.replace((GROUPS, key), value, text=array)


def _conflicts(document: Document, names: Sequence[str], gone: Sequence[str]) -> None:
    """One set of ours; the user's stay, and so does what the user added to ours."""
    path = (*UV, "conflicts")
    present = table(document.content, *UV).get("conflicts")
    sets = items(present)
    index = next((at for at, entries in enumerate(sets) if len(_torch(entries, [*names, *gone])) > 1), None)
    new = [{"group": name} for name in names]
    if index is not None:
        stale = _torch(sets[index], gone)
        there = [canonicalize_name(str(item["group"])) for item in _torch(sets[index], names)]
        kept = [item for item in sets[index] if item not in stale]
        kept += [item for item in new if item["group"] not in there]
        if len(kept) > 1:
            document.change_array((*path, index), kept)
        elif len(sets) > 1:
            document.change_array(path, [item for item in sets if item is not sets[index]])
        else:
            document.remove(path)
    elif len(new) > 1 and present is None:
        document.set(path, [new], len(UV), text=lines([element(new)]), last=True)
    elif len(new) > 1:
        document.change_array(path, [*sets, new])


def _torch(entries: object, names: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of a conflict set that are these groups of this project's own."""
    return [
        entry
        for entry in items(entries)
        if isinstance(entry, dict) and "extra" not in entry and canonicalize_name(str(entry.get("group"))) in names
    ]


# --- the settings ---------------------------------------------------------------------------------------------------


def edit_settings(document: Document, wanted: Wanted, prefix: tuple[str, ...]) -> None:
    """PyTorch's pages, and the setting of torch-auto's build, in uv.toml or in [tool.uv]."""
    settings = table(document.content, *prefix)
    value = groups_text(wanted.groups)
    path = (*prefix, "config-settings-package", "torch-auto", "groups")
    present = table(settings, *path[len(prefix) : -1]).get("groups")
    if present is None:
        document.set(path, value, len(prefix), last=True)
    elif present != value:
        document.replace(path, value)
    name_pages(document, prefix, wanted.pages)
