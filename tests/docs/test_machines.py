"""docs/reference/machines.md: what each machine gets."""

from __future__ import annotations

import re

import machine_table
import pytest

from torch_auto import catalog
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.select.build import select
from torch_auto.select.runs_on import candidates, fault
from torch_auto.settings import Settings

CATALOG = catalog.load()


def table() -> dict[str, tuple[str, str]]:
    """The rows of the page: machine -> (PyPI alone, with PyTorch's pages)."""
    section = machine_table.PAGE.read_text("utf-8")
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {row[0].strip(): (row[1].strip(), row[2].strip()) for row in rows}


def test_the_table_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has the table that tools/machine_table.py makes of the catalog."""
    assert machine_table.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("row", machine_table.IN_SHORT)
def test_the_readme_says_what_plain_torch_would_be(row: str) -> None:
    """PyPI's newest release, whether it uses the machine's GPU, and what the long table has for torch-auto."""
    lines = [line.strip("| ").split(" | ") for line in machine_table.README.read_text("utf-8").splitlines()]
    [(plain, ours)] = [(line[1], line[2]) for line in lines if line[0] == row and len(line) == 3]
    machine = machine_from_json(machine_table.ROWS[row](python="3.13"))
    newest = CATALOG.newest
    public = newest.platforms[str(machine.platform)].public
    assert public is not None
    assert plain.startswith(newest.version)
    devices = candidates(machine)
    idle = bool(devices) and all(fault(public, device, machine, CATALOG) is not None for device in devices)
    assert ("which cannot use the GPU" in plain) == idle
    assert ours == on_python(table()[row][1], "3.13")


def test_the_table_has_a_machine_for_each_row() -> None:
    """No row is left unchecked but the Jetson's, which names no version."""
    assert set(table()) == {*machine_table.ROWS, "Jetson with JetPack 6 or older"}


def on_python(cell: str, python: str) -> str:
    """The part of a cell that speaks of a Python: "2.0.1 on Python 3.11; 2.7.1 from Python 3.12 on"."""
    for part in cell.split("; "):
        only = re.search(r" on Python ([\d. and]+)", part)
        first = re.search(r" from Python 3\.(\d+) on", part)
        if only and python in only[1].split(" and "):
            return part
        if not only and (not first or int(python.split(".")[1]) >= int(first[1])):
            return part
    raise AssertionError(f"{cell!r} does not speak of {python}")


@pytest.mark.parametrize("python", machine_table.PYTHONS)
@pytest.mark.parametrize("row", machine_table.ROWS)
def test_the_table_is_what_the_rules_give(row: str, python: str) -> None:
    """Each row, on each Python that the table speaks of: the versions, and whether PyPI's build uses the GPU."""
    if python not in machine_table.pythons(row):
        pytest.skip("the row is not of this Python")
    alone, pages = (on_python(cell, python) for cell in table()[row])
    machine = machine_from_json(machine_table.ROWS[row](python=python))
    newest = newest_usable(machine, Settings(), CATALOG)
    assert newest.with_pages is not None
    assert newest.without_pages is not None
    local = select(machine, CATALOG.release(newest.with_pages), CATALOG).local_version
    assert re.split(r"[ ,]", pages)[0] == newest.with_pages + (f"+{local}" if local else "")
    assert re.split(r"[ ,]", alone)[0] == newest.without_pages
    if machine.accelerators:
        public = CATALOG.release(newest.without_pages).platforms[str(machine.platform)].public
        assert public is not None
        devices = candidates(machine)
        runs = not devices or any(fault(public, device, machine, CATALOG) is None for device in devices)
        assert ("which cannot use the GPU" in alone) != runs
