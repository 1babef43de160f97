"""The main job on the real thing: a real torch wheel, and the machine's own package index for what it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import frontends
from support.cache import machine_environment

pytestmark = [pytest.mark.frontend, pytest.mark.slow]

COMPUTES = "import torch; print(torch.__version__, (torch.ones(3, 3) @ torch.ones(3, 3)).sum().item())"


def _wheel_folder() -> tuple[Path, str] | None:
    """A folder in PIP_FIND_LINKS with a CPU wheel of torch for this Python, and its release."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    for entry in os.environ.get("PIP_FIND_LINKS", "").split():
        folder = Path(entry)
        for wheel in sorted(folder.glob(f"torch-*+cpu-{tag}-*.whl")) if folder.is_dir() else ():
            found = re.match(r"torch-([\d.]+)\+cpu-", wheel.name)
            if found:
                return folder, found.group(1)
    return None


FOUND = _wheel_folder()
needs_wheel = pytest.mark.skipif(
    FOUND is None, reason="no folder in PIP_FIND_LINKS holds a CPU wheel of torch for this Python"
)


def _environment(tmp_path: Path) -> dict[str, str]:
    """The machine's own way to its package index, and caches of the test's own."""
    return {
        **machine_environment(),
        "HOME": str(tmp_path),
        "PIP_CACHE_DIR": str(tmp_path / "pip"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_PYTHON": sys.executable,
        "PATH": os.environ["PATH"],
    }


def _run(command: list[object], cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_wheel
def test_pip_installs_the_real_torch(tmp_path: Path, dists: Path) -> None:
    """``pip install torch-auto`` from our sdist installs torch's real CPU build on this machine, and torch computes."""
    assert FOUND is not None
    folder, release = FOUND
    env = _environment(tmp_path)
    _run([sys.executable, "-m", "venv", "venv"], tmp_path, env)
    python = tmp_path / "venv/bin/python"
    links = ["--find-links", folder, "--find-links", dists]
    _run([python, "-m", "pip", "install", "-q", *links, f"torch-auto=={release}"], tmp_path, env)
    assert _run([python, "-W", "ignore", "-c", COMPUTES], tmp_path, env).split() == [f"{release}+cpu", "27.0"]


@needs_wheel
def test_uv_adds_the_real_torch(tmp_path: Path, dists: Path) -> None:
    """``uv add torch-auto`` with UV_FIND_LINKS on the wheel's folder locks and installs it, and torch computes."""
    assert FOUND is not None
    folder, release = FOUND
    env = {**_environment(tmp_path), "UV_FIND_LINKS": f"{folder},{dists}"}
    uv = frontends.uv().executable
    project = tmp_path / "project"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    _run([uv, "init", "--bare", "--python", version, project], tmp_path, env)
    _run([uv, "add", f"torch-auto=={release}"], project, env)
    assert f'version = "{release}+cpu"' in (project / "uv.lock").read_text("utf-8")
    assert _run([uv, "run", "python", "-W", "ignore", "-c", COMPUTES], project, env).split() == [
        f"{release}+cpu",
        "27.0",
    ]
