"""The README's commands and its demonstration; test_docs.py runs its other commands and follows its links."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import docs
from support.docs import ROOT

from docs.test_machines import table

if TYPE_CHECKING:
    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex


@pytest.mark.frontend
@pytest.mark.usefixtures("published")
def test_the_lines_for_a_project_name_the_page(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """What docs/start/first-steps.md tells to write by hand gives the build that PyPI does not have."""
    page = ROOT / "docs" / "start" / "first-steps.md"
    [block] = [block for block in docs.blocks(page) if block.language == "toml" and "tool.uv" in block.text]
    lines = block.text.replace("https://download.pytorch.org/whl", index.whl)
    project = sandbox.project(requires_python=">=3.11", extra=lines)
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
