"""Each row of docs/reference/frontends.md with the real tool: the torch that comes is the one that the table names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from frontends import all_rows
from frontends.rows import COLUMNS, CONDA, DOCUMENT, FAILS, MACHINES, ROWS, between, committed, in_short, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontends.rows import Kit

all_rows()


@pytest.mark.frontend
@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("command", ROWS)
def test_a_row_is_what_its_tool_does(
    command: str, machine: str, kit: Callable[[str], Kit], pytestconfig: pytest.Config
) -> None:
    """What is typed comes to the very torch, or to the very message, that the row and the committed table name."""
    row, on = ROWS[command], kit(machine)
    came = row.run(on)
    assert came == row.expected(machine)
    torch = FAILS if came == row.sees else came
    results = pytestconfig.getoption("--frontend-results")
    if results:
        record(Path(results), row, machine, torch, on.used)
        return
    told = dict(zip(COLUMNS, committed().get(command, ()), strict=False))
    assert told == {
        **told,
        "frontend": row.frontend,
        "": row.outcome,
        machine: torch,
        "setting, or what is seen": row.note,
    }, "the table is older than the tools: python3 tools/dev.py run python tools/frontend_table.py"


def test_the_table_has_no_other_rows() -> None:
    """A row that no test runs is not in the table, but for those that it says are not run."""
    assert list(committed().values())[len(ROWS) :] == list(CONDA)
    assert list(committed())[: len(ROWS)] == list(ROWS)


def test_the_table_is_there_in_short() -> None:
    """The sentence above the table counts its rows, by tool."""
    assert between(DOCUMENT.read_text("utf-8")).startswith(in_short(list(committed().values())))
