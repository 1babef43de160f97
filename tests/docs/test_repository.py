"""The repository's own files: issue forms, pre-commit's hooks, and where to report a vulnerability."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.cache import REPOSITORY

from torch_auto.cli import command_line

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

FORMS = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))


def fields(form: dict[str, Any]) -> list[dict[str, Any]]:
    """What a form asks for."""
    return [part for part in form["body"] if part["type"] != "markdown"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form(path: Path) -> None:
    """A form has what the code host demands: a name, a description, and fields that each have an id and a label."""
    form = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in fields(form)]
    assert len(set(ids)) == len(ids) > 0
    assert all(field["attributes"]["label"] for field in fields(form))
    assert {part["type"] for part in form["body"]} <= {"markdown", "textarea", "input"}


def test_a_wrong_build_is_reported_with_two_commands() -> None:
    """The form for a wrong build requires what `info --json` and `plan --why` print; both can be typed."""
    form = yaml.safe_load(FORMS[0].read_text("utf-8"))
    required = [field["attributes"]["label"] for field in fields(form) if field.get("validations", {}).get("required")]
    commands = [label for label in required if label.startswith("torch-auto ")]
    assert commands == ["torch-auto info --json", "torch-auto plan --why"]
    for command in commands:
        parser, _ = command_line()
        parser.parse_args(shlex.split(command)[1:])


def test_pre_commit_runs_the_linters_of_the_development_environment() -> None:
    """Each hook is a command of tools/dev.py with a tool of the group dev, so that there is one version of each."""
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        group = tomllib.load(file)["dependency-groups"]["dev"]
    words = [shlex.split(hook["entry"]) for hook in hooks[0]["hooks"]]
    assert all(entry[:3] == ["python3", "tools/dev.py", "run"] for entry in words)
    assert {entry[3] for entry in words} == {"ruff", "mypy"} <= set(group)


def test_where_to_report_a_vulnerability() -> None:
    """SECURITY.md leads to a private report, and its link to a page that is there."""
    text = (REPOSITORY / "SECURITY.md").read_text("utf-8")
    assert "Report a vulnerability" in text
    [page] = re.findall(r"\]\((\S+)\)", text)
    assert (REPOSITORY / page).is_file()
