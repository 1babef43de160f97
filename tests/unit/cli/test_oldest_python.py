"""The command on the oldest Python that any torch runs on, where TOML is read by tomli."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import jsonschema
import pytest
from support import machines

from torch_auto import catalog
from unit.cli.test_plan import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.frontends import Finished, Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend

OLDEST = "3.8"


@pytest.fixture
def run(
    old_pip: Frontend, sandbox: Sandbox, published: TorchIndex, interpreter: Callable[[str], Path]
) -> Callable[..., Finished]:
    """``run("plan", ...)``: torch-auto-core's command in a venv of that Python, on an A100, in a project of uv's."""
    python = sandbox.venv(interpreter(OLDEST))
    old_pip.run(["--python", python, "install", "torch-auto-core"])
    machine = sandbox.root / "machine.json"
    machine.write_text(json.dumps(machines.a100_550(python="3.8")), "utf-8")
    project = sandbox.project(
        ["torch-auto"], requires_python=">=3.8", extra=f'[tool.uv]\nfind-links = ["{published.find_links}"]'
    )

    def call(*words: str, check: bool = True) -> Finished:
        variables = {"TORCH_AUTO_MACHINE": str(machine), "TORCH_AUTO_INDEX_URL": published.whl}
        return sandbox.run([python.parent / "torch-auto", *words], cwd=project, env=variables, check=check)

    return call


def test_the_oldest_python_is_that_of_the_oldest_torch() -> None:
    """No release of torch allows an older one than is tested here."""
    minors = [re.match(r">=3\.(\d+)", release.requires_python) for release in catalog.load().releases]
    assert f"3.{min(int(found[1]) for found in minors if found)}" == OLDEST


def test_the_command_runs(run: Callable[..., Finished]) -> None:
    """plan, info, check, env and init do on Python 3.8 what they do on others, without a word on stderr."""
    plan = run("plan")
    assert (plan.stdout.splitlines()[0], plan.stderr) == (
        "torch 2.4.1+cu124 with PyTorch's page; torch 2.4.1 from PyPI without it.",
        "",
    )
    document = json.loads(run("plan", "2.4.1", "2.0.1", "--json").stdout)
    jsonschema.validate(document, schema("plan"))
    assert [item["torch"] for item in document["plans"]] == ["2.4.1+cu124", "2.0.1+cu118"]
    info = run("info", "--json")
    jsonschema.validate(json.loads(info.stdout), schema("machine"))
    assert (json.loads(info.stdout)["python"], info.stderr) == ("3.8", "")
    assert "Python 3.8" in run("info").stdout

    checked = run("check", "--json", check=False)
    assert (checked.returncode, checked.stderr) == (1, "")
    found = {item["check"]: item["status"] for item in json.loads(checked.stdout)["checks"]}
    assert found == {"machine": "ok", "torch-auto": "warn", "torch": "fail", "pages": "ok"}
    assert run("check", check=False).stdout.startswith("1 problem: torch.\n")
    assert "UV_FIND_LINKS=" in run("env", "--shell", "dotenv").stdout
    assert "[[tool.uv.index]]" in run("init").stdout
    assert "names PyTorch's pages already" in run("init").stdout
    portable = run("init", "--portable", "--releases", "2.4.1", "--backends", "cu118", "--force", "--dry-run")
    assert "\n  + torch-cu118 = [\n" in portable.stdout
