"""The rows of build, Poetry, PDM and Hatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import frontends
from support.frontends import poetry_sources

from frontends.rows import FAILS, python_of, row, seen
from frontends.uv_rows import PRINTS_TORCH, built_with, extension

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Finished

    from frontends.rows import Kit


@row("build", "python -m build, with torch-auto as a build requirement")
def _build(kit: Kit) -> str:
    folder = extension(kit)
    kit.run(frontends.pyproject_build(), "--wheel", cwd=folder)
    return built_with(folder)


@row("build", "python -m build --installer uv, with torch-auto as a build requirement")
def _build_uv(kit: Kit) -> str:
    folder = extension(kit)
    path = f"{frontends.uv().executable.parent}:{kit.sandbox.environment['PATH']}"
    kit.run(frontends.pyproject_build(), "--wheel", "--installer", "uv", cwd=folder, env={"PATH": path})
    return built_with(folder)


def poetry_add(kit: Kit, requirement: str) -> tuple[Finished, Path]:
    project = kit.sandbox.project(extra=poetry_sources(kit.index), requires_python=">=3.11,<3.14")
    kit.init(project, "poetry")
    return kit.run(frontends.poetry(), "add", requirement, cwd=project, check=False), project


@row(
    "Poetry",
    'poetry add "torch-auto>=2.0"',
    setting="`torch-auto init` writes PyTorch's index as a source: Poetry reads no page of links",
)
def _poetry(kit: Kit) -> str:
    done, project = poetry_add(kit, "torch-auto>=2.0")
    assert done.returncode == 0, done
    return kit.torch(python_of(project))


@row("Poetry", "poetry add torch-auto", a100=FAILS, sees="depends on torch (2.15.0+needs.nvidia.driver.580)")
def _poetry_newest(kit: Kit) -> str:
    done, project = poetry_add(kit, "torch-auto")
    if kit.has_gpu:
        return seen(done, "depends on torch (2.15.0+needs.nvidia.driver.580)")
    assert done.returncode == 0, done
    return kit.torch(python_of(project))


def pdm_project(kit: Kit, *dependencies: str) -> Path:
    project = kit.sandbox.project(
        dependencies, extra="[tool.pdm]\ndistribution = false", requires_python=">=3.11,<3.14"
    )
    kit.init(project, "pdm")
    return project


@row(
    "PDM",
    "pdm lock --platform linux, pdm add torch-auto",
    setting="`torch-auto init`, a lock for one platform, and `TORCH_AUTO_PIN=exact`",
)
def _pdm(kit: Kit) -> str:
    project = pdm_project(kit)
    exact = {"TORCH_AUTO_PIN": "exact", "PDM_CACHE_DIR": str(kit.root / "pdm")}
    kit.run(frontends.pdm(), "lock", "--platform", "linux", cwd=project, env=exact)
    kit.run(frontends.pdm(), "add", "torch-auto", cwd=project, env=exact)
    return kit.torch(python_of(project))


@row(
    "PDM",
    "pdm add torch-auto",
    cpu="2.15.0",
    a100="2.10.0",
    setting="without these, PDM takes PyPI's builds: one version of torch for all platforms",
)
def _pdm_plain(kit: Kit) -> str:
    project = pdm_project(kit)
    # The way back from 2.15.0 takes PDM a minute, and uv's and pip's rows have gone it.
    kit.run(frontends.pdm(), "add", "torch-auto<2.11" if kit.has_gpu else "torch-auto", cwd=project)
    return kit.torch(python_of(project))


HATCH = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
bypass-selection = true
[tool.hatch.envs.default]
installer = "{installer}"
"""


def hatch(kit: Kit, installer: str) -> str:
    project = kit.project(extra=HATCH.format(installer=installer))
    return kit.run(frontends.hatch(), "run", *PRINTS_TORCH, cwd=project).stdout.strip()


@row("Hatch", "hatch run python")
def _hatch(kit: Kit) -> str:
    return hatch(kit, "pip")


@row("Hatch", 'hatch run python, with `installer = "uv"`'.replace("`", ""))
def _hatch_uv(kit: Kit) -> str:
    return hatch(kit, "uv")
