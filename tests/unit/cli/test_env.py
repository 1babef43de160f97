"""``torch-auto env`` prints PyTorch's pages as variables that shells and tools understand."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import machines

from torch_auto.cli import main
from torch_auto.cli.verbs.env import CHOICES, default_form, lines

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

PAGES = ("https://download.pytorch.org/whl/torch/", "https://download.pytorch.org/whl/triton-xpu/")


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "fish", "pwsh"])
def test_shells_read_it(shell: str) -> None:
    """A shell that runs the lines has both variables, each split as its tool splits it."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"this machine has no {shell}")
    script = "\n".join([*lines(shell, PAGES), "env"])
    done = subprocess.run([program, "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True)
    found = done.stdout.decode().splitlines()
    assert f"UV_FIND_LINKS={','.join(PAGES)}" in found
    assert f"PIP_FIND_LINKS={' '.join(PAGES)}" in found


@pytest.mark.parametrize("form", CHOICES)
def test_every_form_has_both(form: str) -> None:
    """Every form names both variables, with the pages unchanged."""
    text = "\n".join(lines(form, PAGES[:1]))
    assert text.count(PAGES[0]) == 2
    assert "UV_FIND_LINKS" in text
    assert "PIP_FIND_LINKS" in text


def test_default_form() -> None:
    """The user's shell is taken, or else the system's."""
    assert default_form({"SHELL": "/usr/bin/fish"}, "linux") == "fish"
    assert default_form({"SHELL": "/bin/exotic"}, "linux") == "sh"
    assert default_form({}, "win32") == "powershell"


def test_mirror_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TORCH_AUTO_INDEX_URL counts as it does in a build, and an option before it."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))
    monkeypatch.setenv("TORCH_AUTO_INDEX_URL", "https://mirror.example/whl")
    assert main(["env", "--shell", "dockerfile"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == 'ENV UV_FIND_LINKS="https://mirror.example/whl/torch/"'
    assert main(["env", "--shell", "dockerfile", "--index-url", "https://other.example"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == 'ENV UV_FIND_LINKS="https://other.example/torch/"'


@pytest.mark.frontend
def test_uv_reads_it(uv: Frontend, sandbox: Sandbox, published: TorchIndex) -> None:
    """With the variable alone, uv locks the exact build."""
    path = sandbox.root / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    line = lines("dotenv", (f"{published.whl}/torchvision/", published.find_links))[0]
    name, _, value = line.partition("=")
    project = sandbox.project(["torch-auto"])
    uv.run(["lock"], cwd=project, env={"TORCH_AUTO_MACHINE": str(path), name: value.strip('"')})
    assert 'version = "2.14.1+cu126"' in (project / "uv.lock").read_text("utf-8")
