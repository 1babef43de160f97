"""docs/explanation/threat-model.md: each row names tests that are there, and each section says what is not stopped."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

import pytest
from support.cache import REPOSITORY

PAGE = (REPOSITORY / "docs" / "explanation" / "threat-model.md").read_text("utf-8")
SECTIONS = re.split(r"(?m)^## ", PAGE)[1:]


def rows(section: str) -> list[list[str]]:
    """The cells of each row of the table, the head left out."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@lru_cache(maxsize=None)
def names_in(path: str) -> frozenset[str]:
    """The tests of a module."""
    tree = ast.parse((REPOSITORY / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("section", SECTIONS, ids=[section.partition("\n")[0] for section in SECTIONS])
def test_each_row_has_a_test(section: str) -> None:
    """What is said to stop somebody is held by a test of that name, and what is not stopped is said."""
    found = rows(section)
    assert len(found) >= 4
    for who, what, tests in found:
        assert who
        assert what
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
        assert named, who
        assert [name for path, name in named if name not in names_in(path)] == [], who
    assert re.search(r"\nNot stopped:\n\n- ", section)


def test_nobody_is_left_out() -> None:
    """Every place from where somebody could reach in has a section."""
    places = [section.partition("\n")[0] for section in SECTIONS]
    for word in ("machine", "project", "index", "cache", "variables", "release"):
        assert any(word in place for place in places), word
