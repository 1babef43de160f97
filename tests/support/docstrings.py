"""A pytest plugin: every test says in one line what it promises."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End the run where a test has no docstring, or one of several lines."""
    faults = sorted({item.nodeid.partition("[")[0] for item in items if not _has_promise(item)})
    if faults:
        raise pytest.UsageError("a test's docstring is one line that states a promise; see " + ", ".join(faults))


def _has_promise(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return True
    lines = (item.function.__doc__ or "").strip().splitlines()
    return len(lines) == 1
