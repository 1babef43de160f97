"""The rows of a checkout of torch-auto, which is built with everything inside, from PyPI alone."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from support import frontends
from support.cache import REPOSITORY
from support.frontends import poetry_sources

from frontends.pip_rows import install, pipx
from frontends.project_rows import HATCH
from frontends.rows import CHECKOUT_RELEASE, python_of, row
from frontends.uv_rows import PRINTS_TORCH, new_venv

if TYPE_CHECKING:
    from pathlib import Path

    from frontends.rows import Kit

CPU, A100 = f"{CHECKOUT_RELEASE}+cpu", f"{CHECKOUT_RELEASE}+cu126"
SETTING = f"`TORCH_AUTO_VERSION={CHECKOUT_RELEASE}` names the torch release; without it, the newest"


def checkout(kit: Kit) -> Path:
    """A copy of what git tracks of this checkout, or would: nobody builds in the repository itself."""
    folder = kit.root / "checkout"
    for name in ("torch_auto",):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copyfile(REPOSITORY / name, folder / name)
    return folder


def repository(kit: Kit) -> Path:
    """The same as a Git repository with one commit."""
    folder = checkout(kit)
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.invalid"]
    for words in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "-m", "All"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def is_whole(kit: Kit, python: Path) -> str:
    """The torch that an environment has, where the command works and nothing else of ours is installed."""
    code = (
        "from importlib.metadata import distributions as d; print(*sorted({i.name for i in d()} & {'torch-auto-core'}))"
    )
    assert kit.sandbox.run([python, "-c", code]).stdout.strip() == ""
    said = kit.sandbox.run([python, "-m", "torch_auto", "plan", CHECKOUT_RELEASE], env=kit.variables).stdout
    assert said.startswith(f"torch-auto {CHECKOUT_RELEASE}: torch ")
    return kit.torch(python)


@row("uv, a checkout", "uv add ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _uv_add(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, project = checkout(kit), kit.sandbox.project()
    kit.run(frontends.uv(), "add", folder, cwd=project)
    return is_whole(kit, python_of(project))


@row("uv, a checkout", "uv pip install --editable ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _uv_editable(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, python = checkout(kit), new_venv(kit)
    kit.run(frontends.uv(), "pip", "install", "--python", python, "--editable", folder)
    return is_whole(kit, python)


@row("pip, a checkout", "pip install ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _pip(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, python = checkout(kit), new_venv(kit)
    install(kit, python, folder)
    return is_whole(kit, python)


@row("pip, a checkout", "pip install ./checkout (pip 23.2)", cpu=CPU, a100=A100, setting=SETTING)
def _old_pip(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, python = checkout(kit), new_venv(kit)
    kit.run(frontends.pip(frontends.OLD_PIP), "--python", python, "install", folder)
    return is_whole(kit, python)


@row("pip, a checkout", "pip install git+file://checkout", cpu=CPU, a100=A100, setting=SETTING)
def _pip_git(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, python = repository(kit), new_venv(kit)
    install(kit, python, f"torch-auto @ git+file://{folder}")
    return is_whole(kit, python)


@row("pip, a checkout", "pip install --editable ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _pip_editable(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, python = checkout(kit), new_venv(kit)
    install(kit, python, "--editable", folder)
    return is_whole(kit, python)


@row("pipx, a checkout", "pipx install ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _pipx(kit: Kit) -> str:
    kit = kit.without_ours()
    pipx(kit, "uv", "install", checkout(kit))
    return is_whole(kit, kit.root / "home/pipx/venvs/torch-auto/bin/python")


@row("build, a checkout", "python -m build ./checkout, pip install dist/*.whl", cpu=CPU, a100=A100, setting=SETTING)
def _build(kit: Kit) -> str:
    kit = kit.without_ours()
    folder, python = checkout(kit), new_venv(kit)
    kit.run(frontends.pyproject_build(), "--outdir", kit.root / "dist", folder)
    [wheel] = (kit.root / "dist").glob("*.whl")
    assert list((kit.root / "dist").glob("*.tar.gz"))
    install(kit, python, wheel)
    return is_whole(kit, python)


@row("Poetry, a checkout", "poetry add ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _poetry(kit: Kit) -> str:
    kit = kit.without_ours()
    backend = "cu126" if kit.has_gpu else "cpu"
    project = kit.sandbox.project(extra=poetry_sources(kit.index, backend), requires_python=">=3.11,<3.14")
    kit.run(frontends.poetry(), "add", checkout(kit), cwd=project)
    return is_whole(kit, python_of(project))


@row("PDM, a checkout", "pdm lock --platform linux, pdm add ./checkout", cpu=CPU, a100=A100, setting=SETTING)
def _pdm(kit: Kit) -> str:
    kit = kit.without_ours()
    extra = "[tool.pdm]\ndistribution = false"
    project = kit.sandbox.project(extra=extra, requires_python=">=3.11,<3.14")
    kit.init(project, "pdm")
    exact = {"TORCH_AUTO_PIN": "exact"}
    kit.run(frontends.pdm(), "lock", "--platform", "linux", cwd=project, env=exact)
    kit.run(frontends.pdm(), "add", checkout(kit), cwd=project, env=exact)
    return is_whole(kit, python_of(project))


@row("Hatch, a checkout", "hatch run python, with ./checkout as a dependency", cpu=CPU, a100=A100, setting=SETTING)
def _hatch(kit: Kit) -> str:
    kit = kit.without_ours()
    direct = f"torch-auto @ file://{checkout(kit)}"
    allowed = "[tool.hatch.metadata]\nallow-direct-references = true\n"
    project = kit.project(direct, extra=HATCH.format(installer="uv") + allowed)
    return kit.run(frontends.hatch(), "run", *PRINTS_TORCH, cwd=project).stdout.strip()
