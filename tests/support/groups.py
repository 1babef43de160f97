"""A pytest plugin: which tests a run has, and what its end says of those that it has not.

Without a path or --all, the slow ones are left out. A group that installs more than PyPI's frontends, such as Slurm,
is a folder of its own, and runs where that folder or something in it is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]
#: The folders of tests/ that run only where they are named, as `tools/dev.py test clusters` does.
GROUPS = ("clusters",)

_QUICK = pytest.StashKey[bool]()
_NAMED = pytest.StashKey["list[str | None]"]()
_LEFT_OUT = pytest.StashKey["dict[str, int]"]()
#: Fixtures that are a frontend beside the newest uv and the newest pip: what uses one is slow.
_SECOND = {"old_pip", "oldest_uv", "poetry", "pyproject_build"}
#: What goes to a worker of pytest-xdist, which sees no command line of its own, and what comes back to be printed.
_TO_WORKER, _FROM_WORKER = "torch_auto_asked", "torch_auto_left_out"
_SLOW = "slow"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: walks back with pip, or runs for more than ten seconds; only with --all")
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    quick = not (config.option.all or config.option.markexpr or named)
    from_controller = getattr(config, "workerinput", {}).get(_TO_WORKER)
    words = config.args if named else []
    config.stash[_QUICK], config.stash[_NAMED] = from_controller or (quick, [*map(_group_named, words)])
    config.stash[_LEFT_OUT] = {}


def _group_named(word: str) -> str | None:
    """The group that a word of the command line is in: a folder, a file, or a test of one."""
    path = Path(word.partition("::")[0]).resolve()
    return next((name for name in GROUPS if TESTS / name in (path, *path.parents)), None)


def _group_of(item: pytest.Item) -> str | None:
    return next((name for name in GROUPS if TESTS / name in item.path.parents), None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_TO_WORKER] = (node.config.stash[_QUICK], node.config.stash[_NAMED])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out groups that are not named, and what is slow, unless --all, a path or a -m says what to run."""
    for name in GROUPS:
        if name not in config.stash[_NAMED]:
            _leave_out(config, items, name, [item for item in items if _group_of(item) == name])
    if config.stash[_QUICK]:
        _leave_out(config, items, _SLOW, [item for item in items if _is_slow(item)])


def _leave_out(config: pytest.Config, items: list[pytest.Item], name: str, those: list[pytest.Item]) -> None:
    if those:
        items[:] = [item for item in items if item not in those]
        config.hook.pytest_deselected(items=those)
        config.stash[_LEFT_OUT][name] = len(those)


def _is_slow(item: pytest.Item) -> bool:
    second = _SECOND.intersection(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("slow") is not None or bool(second)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_FROM_WORKER] = session.config.stash[_LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's count; each has collected the same tests."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get(_FROM_WORKER, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, count in config.stash[_LEFT_OUT].items():
        how = "--all runs them too" if name == _SLOW else f"`python3 tools/dev.py test {name}` runs them"
        terminalreporter.write_line(f"{count} {name} tests were left out; {how}.")
