""".github/workflows: what zizmor and actionlint would say of them, as far as a test without either can tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """The jobs of a workflow."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions(path: Path) -> None:
    """A workflow has no permissions, and each job says its own, and how long it may take."""
    assert "\npermissions: {}\n" in path.read_text(encoding="utf-8")
    assert "write-all" not in path.read_text(encoding="utf-8")
    for name, job in jobs(path).items():
        assert "permissions" in job, name
        assert "timeout-minutes" in job, name
        assert {"packages", "actions"}.isdisjoint(
            what for what, access in job["permissions"].items() if access == "write"
        ), name


def test_what_may_write_to_the_repository_runs_git_alone() -> None:
    """One job may push, the proposal of a newer catalog, and one adds files to a release: both install nothing."""
    writing = {
        f"{path.stem}.{name}": job
        for path in WORKFLOWS
        for name, job in jobs(path).items()
        if job["permissions"].get("contents") == "write"
    }
    assert list(writing) == ["drift.propose", "release.tell"]
    told = writing["release.tell"]["steps"]
    assert [step["uses"].partition("@")[0] for step in told if "uses" in step] == ["actions/download-artifact"]
    assert not re.search(r"python|pip |npm|curl|wget|git ", "\n".join(step.get("run", "") for step in told))
    job = writing["drift.propose"]
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert not re.search(r"python|pip |npm|curl|wget", commands)
    assert {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step} == {
        "actions/checkout",
        "actions/download-artifact",
    }
    taken = re.findall(r"--include '?([^' ]+)", commands)
    assert taken == [
        "torch_auto/catalog/data/*.json",
        "torch_auto/__init__.py",
        "docs/*.md",
        "README.md",
        "CHANGELOG.md",
    ]


def test_a_newer_catalog_is_proposed_with_what_the_tests_say() -> None:
    """Every day: the one command of a release day, the tests, and a pull request with the report."""
    compare = jobs(FOLDER / "drift.yml")["compare"]
    commands = "\n".join(step.get("run", "") for step in compare["steps"])
    assert compare["permissions"] == {"contents": "read"}
    assert "python tools/release_day.py " in commands
    assert "python -m pytest tests/unit tests/build" in commands
    propose = "\n".join(step.get("run", "") for step in jobs(FOLDER / "drift.yml")["propose"]["steps"])
    assert "gh pr create" in propose


def test_what_comes_next_is_tried_each_week() -> None:
    """The newest pre-releases of hatchling, uv and pip make the same bytes, and pass the tests of real frontends."""
    path = FOLDER / "prereleases.yml"
    assert "schedule:" in path.read_text(encoding="utf-8")
    [job] = jobs(path).values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "python -m pip install --pre --upgrade hatchling" in commands
    assert 'diff --recursive "$RUNNER_TEMP/a" "$RUNNER_TEMP/b"' in commands
    [tests] = [step for step in job["steps"] if "pytest tests/build tests/frontends" in step.get("run", "")]
    assert tests["env"] == {"PIP_PRE": "1"}
    # The tools of the tests are installed with it, and what the tests themselves install is not.
    assert "PIP_PRE" not in (Path(__file__).parents[2] / "support" / "cache.py").read_text(encoding="utf-8")


def test_no_token_is_stored() -> None:
    """No workflow names a secret: publishing is trusted, and issues are opened with the run's own token."""
    assert not [path.name for path in WORKFLOWS if "secrets." in path.read_text(encoding="utf-8")]


def test_every_system_and_python_is_tested() -> None:
    """CI runs on Linux, Windows and macOS, with every Python from 3.10 to 3.14."""
    text = (FOLDER / "ci.yml").read_text(encoding="utf-8")
    assert "os: [ubuntu-latest, windows-latest, macos-latest]" in text
    assert 'python: ["3.10", "3.11", "3.12", "3.13", "3.14"]' in text
