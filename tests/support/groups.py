"""A pytest plugin: which tests a run has. Without a path or --all, the slow ones are left out, and its end says so."""

from __future__ import annotations

from typing import Any

import pytest

_QUICK = pytest.StashKey[bool]()
_LEFT_OUT = pytest.StashKey[int]()
#: What goes to a worker of pytest-xdist, which sees no command line of its own, and what comes back to be printed.
_TO_WORKER, _FROM_WORKER = "torch_auto_quick", "torch_auto_left_out"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: walks back with pip, or runs for more than ten seconds; only with --all")
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    quick = not (config.option.all or config.option.markexpr or named)
    config.stash[_QUICK] = getattr(config, "workerinput", {}).get(_TO_WORKER, quick)
    config.stash[_LEFT_OUT] = 0


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_TO_WORKER] = node.config.stash[_QUICK]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, unless --all, a file, a folder or a -m says what to run."""
    if config.stash[_QUICK]:
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        config.stash[_LEFT_OUT] = len(slow)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_FROM_WORKER] = session.config.stash[_LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's count; each has collected the same tests."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get(_FROM_WORKER, 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[_LEFT_OUT]:
        terminalreporter.write_line(f"{config.stash[_LEFT_OUT]} slow tests were left out; --all runs them too.")
