"""support.groups in runs of pytest of their own: what is left out, when, and what the end of the run says."""

from __future__ import annotations

import sys

import pytest
from support.cache import REPOSITORY

pytest_plugins = ["pytester"]

TESTS = """
import pytest

def test_quick():
    pass

@pytest.mark.slow
def test_slow():
    pass

@pytest.fixture
def poetry():
    pass

def test_a_second_frontend(poetry):
    pass
"""
SAID = "2 slow tests were left out; --all runs them too."


@pytest.mark.parametrize(
    ("arguments", "passed", "left_out"),
    [
        ((), 1, 1),
        (("-n", "2"), 1, 1),
        (("--all",), 3, 0),
        (("--all", "-n", "2"), 3, 0),
        (("test_it.py",), 3, 0),
        (("-n", "2", "test_it.py"), 3, 0),
        (("-m", "slow"), 1, 0),
    ],
    ids=["plain", "-n", "--all", "--all -n", "a path", "-n and a path", "-m"],
)
def test_what_a_run_has(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], passed: int, left_out: int
) -> None:
    """All but the slow tests, and all where --all, a path or a mark says so; what was left out is said, once."""
    pytester.makepyfile(test_it=TESTS)
    pytester.makeini("[pytest]\naddopts = --strict-markers -p support.groups\n")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "tests"))
    run = pytester.run(sys.executable, "-m", "pytest", *arguments)
    run.assert_outcomes(passed=passed, deselected=2 if arguments in ((), ("-m", "slow")) else 0)
    assert run.outlines.count(SAID) == left_out
