"""The README's tables and its demonstration are true; test_docs.py runs its commands and follows its links."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import machine_table
import pytest
from support.cache import REPOSITORY as ROOT

from torch_auto import catalog
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.select.build import select
from torch_auto.select.runs_on import candidates, fault
from torch_auto.settings import NAMES, Settings

if TYPE_CHECKING:
    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

TEXT = (ROOT / "README.md").read_text("utf-8")
CATALOG = catalog.load()


def table() -> dict[str, tuple[str, str]]:
    """The rows of "What each machine gets": machine -> (PyPI alone, with PyTorch's pages)."""
    section = TEXT.split("## What each machine gets")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {row[0].strip(): (row[1].strip(), row[2].strip()) for row in rows}


def test_the_table_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """The README has the table that tools/machine_table.py makes of the catalog."""
    assert machine_table.main(["--check"]) == 0, capsys.readouterr().err


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


@pytest.mark.frontend
@pytest.mark.usefixtures("published")
def test_the_page_in_a_project_is_the_same(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """The line of TOML that the README gives for a project has the effect of the variable."""
    line = re.findall(r"`(find-links = \[.*?\])`", TEXT)[0].replace(
        "https://download.pytorch.org/whl/torch/", index.find_links
    )
    project = sandbox.project(requires_python=">=3.11", extra=f"[tool.uv]\n{line}")
    uv.run(["add", "torch-auto==2.9.1"], cwd=project)
    assert 'version = "2.9.1+cpu"' in (project / "uv.lock").read_text("utf-8")


@pytest.mark.slow
def test_the_demonstration_runs() -> None:
    """``python3 tools/dev.py demo`` ends well and shows the torch of each machine."""
    done = subprocess.run(
        [sys.executable, "tools/dev.py", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=550, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    alone, pages = table()["A100, driver 550"]
    assert f"torch-auto {pages.partition('+')[0]} -> torch {pages}" in done.stdout
    assert f"torch-auto {alone} -> torch {alone}" in done.stdout


def test_settings_and_variables_are_all_there() -> None:
    """The table of settings has exactly the settings that are read."""
    section = TEXT.split("## Settings")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \| `(\w+)`", section, re.MULTILINE) == [
        (name, "TORCH_AUTO_" + name.upper().replace("-", "_")) for name in NAMES
    ]
