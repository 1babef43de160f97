""".github/workflows: what zizmor and actionlint would say of them, as far as a test without either can tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned(path: Path) -> None:
    """Every action is pinned by a whole commit, and a comment says which version that is."""
    uses = re.findall(r"uses: *(.*)", path.read_text(encoding="utf-8"))
    assert uses
    assert not [line for line in uses if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+(\.\d+)+", line)]


def test_one_commit_per_action() -> None:
    """All workflows use the same commit of an action."""
    pins = {line for path in WORKFLOWS for line in re.findall(r"uses: *(\S+)", path.read_text(encoding="utf-8"))}
    names = [pin.partition("@")[0] for pin in pins]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions(path: Path) -> None:
    """A workflow has no permissions, each job says its own, and none may write contents or packages."""
    text = path.read_text(encoding="utf-8")
    assert "\npermissions: {}\n" in text
    jobs = re.findall(r"^  [\w-]+:\n(?:    .*\n|\n)+", text.partition("\njobs:\n")[2], re.MULTILINE)
    assert jobs
    assert all("\n    permissions:" in job and "\n    timeout-minutes:" in job for job in jobs)
    assert not re.search(r"(contents|packages|actions): write|write-all", text)


def test_no_token_is_stored() -> None:
    """No workflow names a secret: publishing is trusted, and issues are opened with the run's own token."""
    assert not [path.name for path in WORKFLOWS if "secrets." in path.read_text(encoding="utf-8")]


def test_every_system_and_python_is_tested() -> None:
    """CI runs on Linux, Windows and macOS, with every Python from 3.10 to 3.14."""
    text = (FOLDER / "ci.yml").read_text(encoding="utf-8")
    assert "os: [ubuntu-latest, windows-latest, macos-latest]" in text
    assert 'python: ["3.10", "3.11", "3.12", "3.13", "3.14"]' in text
