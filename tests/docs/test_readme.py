"""The README's tables and its demonstration are true; test_docs.py runs its commands and follows its links."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.cache import REPOSITORY as ROOT

from torch_auto import catalog
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.select.build import select
from torch_auto.settings import NAMES, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

TEXT = (ROOT / "README.md").read_text("utf-8")
CATALOG = catalog.load()


#: The machine of each row of the table, on the Pythons that it speaks of.
ROWS: dict[str, Callable[..., dict[str, Any]]] = {
    "no GPU": machines.cpu,
    "H100, driver 580": machines.h100_580,
    "A100, driver 550": machines.a100_550,
    "P100, driver 580": machines.p100_580,
    "RTX 5090, driver 575": machines.rtx5090_575,
    "V100, driver 470": machines.v100_470,
    "AMD MI300": machines.mi300,
    "Intel Arc B580": machines.arc_b580,
    "Windows, RTX 4090, driver 560": machines.windows_rtx4090,
    "Mac, Apple silicon": machines.macos_arm64,
    "Mac, Intel, Python up to 3.12": machines.macos_x86_64,
}


def table() -> dict[str, tuple[str, str]]:
    """The rows of "What each machine gets": machine -> (PyPI alone, with PyTorch's page)."""
    section = TEXT.split("## What each machine gets")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {row[0].strip(): (row[1].strip(), row[2].strip()) for row in rows}


def comes_to(machine: dict[str, Any]) -> tuple[str, str]:
    """What a machine gets with PyPI alone and with PyTorch's page, by the rules."""
    known = machine_from_json(machine)
    newest = newest_usable(known, Settings(), CATALOG)
    assert newest.with_pages is not None
    assert newest.without_pages is not None
    local = select(known, CATALOG.release(newest.with_pages), CATALOG).local_version
    return newest.without_pages, newest.with_pages + (f"+{local}" if local else "")


def test_the_table_has_a_machine_for_each_row() -> None:
    """No row is left unchecked but the Jetson's, which names no version."""
    assert set(table()) == {*ROWS, "Jetson Orin and older"}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_table_is_what_the_rules_give(row: str, python: str) -> None:
    """Each row, on each Python that the table speaks of."""
    alone, page = table()[row]
    if row.startswith("Mac, Intel") and python == "3.13":
        pytest.skip("the row ends with Python 3.12")
    found = comes_to(ROWS[row](python=python))
    if row == "V100, driver 470":
        assert alone.startswith("2.0.1 on Python 3.11; 2.7.1 from 3.12 on")
        assert found == ("2.0.1" if python == "3.11" else "2.7.1", page)
    else:
        assert found == (re.split(r"[ ,]", alone)[0], re.split(r" ", page)[0])


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
    assert "torch-auto 2.14.1 -> torch 2.14.1+cu126" in done.stdout
    assert "torch-auto 2.10.0 -> torch 2.10.0" in done.stdout


def test_settings_and_variables_are_all_there() -> None:
    """The table of settings has exactly the settings that are read."""
    section = TEXT.split("## Settings")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \| `(\w+)`", section, re.MULTILINE) == [
        (name, "TORCH_AUTO_" + name.upper().replace("-", "_")) for name in NAMES
    ]
