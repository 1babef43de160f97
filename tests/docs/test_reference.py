"""The reference of the command and of the settings is what the parser and the settings say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import reference_tables
from support import docs

from torch_auto.cli import VERBS
from torch_auto.settings import NAMES


def test_the_tables_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """The pages have the tables that tools/reference_tables.py makes."""
    assert reference_tables.main(["--check"]) == 0, capsys.readouterr().err


def test_a_table_that_is_not_is_noticed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that the page does not have: --check says so and writes nothing, and without it the row comes back."""
    right = reference_tables.COMMAND.read_text("utf-8")
    page = tmp_path / "command.md"
    page.write_text(right.replace("| `--capture-script` |", "| `--capture` |"), "utf-8")
    monkeypatch.setattr(reference_tables, "COMMAND", page)
    assert reference_tables.main(["--check"]) == 1
    assert "command.md is not what" in capsys.readouterr().err
    assert "| `--capture` |" in page.read_text("utf-8")
    assert reference_tables.main([]) == 0
    assert page.read_text("utf-8") == right


def test_each_verb_has_a_section() -> None:
    """The sections of the page are the verbs, in the order of --help, and what happens at import."""
    text = reference_tables.COMMAND.read_text("utf-8")
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [*(module.__name__.rpartition(".")[2] for module in VERBS), "At import"]


def test_each_setting_has_a_section_with_its_variable() -> None:
    """The settings, in their order, with the names that they have in a shell."""
    text = docs.prose(reference_tables.SETTINGS)
    assert re.findall(r"^## (\S+)\n(?:\n|[^#-].*\n)*- variable: `(\w+)`", text, re.MULTILINE) == [
        (name, "TORCH_AUTO_" + name.upper().replace("-", "_")) for name in NAMES
    ]
