"""Groups for tests."""

from __future__ import annotations

from torch_auto.select.groups import Group, group_of, parse_groups
from unit.data import CATALOG, RELEASES, backends

#: Three torch backends of one release, as a team may have them.
THREE = "2.13.0+cpu,2.13.0+cu126,2.13.0+rocm7.1"
#: Every group that there can be.
ALL = [group_of(release, backend) for release in RELEASES for backend in backends(release)]


def groups(text: str) -> tuple[Group, ...]:
    """The groups that a value of the setting names."""
    return parse_groups(text, CATALOG)
