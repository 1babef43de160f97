"""PDM's refresh, with real PDM: the commands that ``torch-auto refresh`` runs make it look at the machine again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import frontends

from frontends.project_rows import pdm_project
from frontends.rows import A100, CPU, MACHINES, python_of
from torch_auto.cli import tools
from torch_auto.cli.project.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontends.rows import Kit


@pytest.mark.frontend
@pytest.mark.slow
def test_refresh_with_pdm_follows_the_machine(kit: Callable[[str], Kit]) -> None:
    """After the GPU is gone, a plain update keeps what it read; the commands of refresh bring 2.15.0+cpu."""
    on = kit("A100, driver 550")
    project = pdm_project(on)
    own = {"TORCH_AUTO_PIN": "exact", "PDM_CACHE_DIR": str(on.root / "pdm")}
    on.run(frontends.pdm(), "lock", "--platform", "linux", cwd=project, env=own)
    on.run(frontends.pdm(), "add", "torch-auto", cwd=project, env=own)
    assert on.torch(python_of(project)) == A100
    Path(on.variables["TORCH_AUTO_MACHINE"]).write_text(json.dumps(MACHINES["no GPU"]), "utf-8")
    on.run(frontends.pdm(), "update", "torch-auto", "torch", cwd=project, env=own)
    assert on.torch(python_of(project)) == A100
    for step in tools.by_name("pdm").steps(Environment(str(project / ".venv"), (), "3.11"), "2.14.1"):
        done = on.run(frontends.pdm(), *step.command[1:], cwd=project, env=own, check=not step.may_fail)
        assert done.returncode == 0 or step.may_fail
    assert on.torch(python_of(project)) == CPU
