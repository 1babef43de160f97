"""Other people's projects: torch for the machine by hatchling's build hook, as docs/guides/hook.md shows it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from support import hooks, machines

from torch_auto import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

PYPROJECT = """\
[build-system]
requires = ["hatchling", "torch-auto-core"]
build-backend = "torch_auto.hatch.backend"

[project]
name = "third-party"
version = "1.0"
dynamic = ["dependencies"]

[tool.hatch.build.targets.wheel.hooks.torch-auto]
release = "2.5.1"
dependencies = ["numpy"]
"""


@pytest.fixture
def third(tmp_path: Path) -> Path:
    """A package of somebody else's that pins torch for the machine."""
    folder = tmp_path / "third-party"
    (folder / "third_party").mkdir(parents=True)
    (folder / "third_party" / "__init__.py").write_text("", "utf-8")
    (folder / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    return folder


def requirements(wheel: Path) -> list[str]:
    """Every Requires-Dist of a wheel."""
    return re.findall(r"(?m)^Requires-Dist: (.*)$", hooks.wheel_file(wheel, "*.dist-info/METADATA").decode())


@pytest.mark.frontend
@pytest.mark.parametrize("name", ["uv", "pip", "pyproject_build"])
def test_a_third_package_pins_torch_for_the_machine(
    name: str, third: Path, sandbox: Sandbox, published: TorchIndex, request: pytest.FixtureRequest
) -> None:
    """Through uv, pip and build, its wheel requires what it lists and the torch that fits the A100."""
    frontend: Frontend = request.getfixturevalue(name)
    machine = sandbox.root / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    env = {"TORCH_AUTO_MACHINE": str(machine), "UV_FIND_LINKS": published.find_links}
    if name == "uv":
        project = sandbox.project()
        frontend.run(["add", third], cwd=project, env=env)
        site = next((project / ".venv").rglob("site-packages"))
        assert (site / "torch-2.5.1+cu124.dist-info").is_dir()
        assert list(site.glob("numpy-*.dist-info"))
        record = json.loads((site / "third_party-1.0.dist-info" / "torch_auto.json").read_text("utf-8"))
        assert record["decided"]["torch"] == "2.5.1+cu124"
        return
    command = {"pip": ["wheel", "--no-deps", "-w"], "pyproject_build": ["--wheel", "--outdir"]}[name]
    frontend.run([*command, sandbox.root / "out", third], env=env)
    [wheel] = (sandbox.root / "out").glob("*.whl")
    found = requirements(wheel)
    assert found[0] == "numpy"
    assert [item for item in found if "+cu121" in item and "!=2.5.1+cu124" not in item]


@pytest.mark.frontend
def test_torchvision_comes_along_where_it_is_asked_for(
    third: Path, sandbox: Sandbox, published: TorchIndex, uv: Frontend
) -> None:
    """``with = ["vision"]`` pins torchvision of torch's own torch backend as well."""
    text = PYPROJECT.replace('["numpy"]', '["numpy"]\nwith = ["vision"]')
    (third / "pyproject.toml").write_text(text, "utf-8")
    machine = sandbox.root / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    pages = f"{published.find_links},{published.whl}/torchvision/"
    project = sandbox.project()
    uv.run(["add", third], cwd=project, env={"TORCH_AUTO_MACHINE": str(machine), "UV_FIND_LINKS": pages})
    site = next((project / ".venv").rglob("site-packages"))
    assert (site / "torch-2.5.1+cu124.dist-info").is_dir()
    assert (site / "torchvision-0.20.1+cu124.dist-info").is_dir()


@pytest.mark.frontend
def test_every_fault_of_the_table_is_named_at_once(
    third: Path, sandbox: Sandbox, published: TorchIndex, pyproject_build: Frontend
) -> None:
    """A release that is not known, an unknown extra, and dependencies that are not dynamic end the build, all named."""
    assert published.pypi
    text = PYPROJECT.replace('"2.5.1"', '"2.5.9"').replace('["numpy"]', '"numpy"\nwith = ["sight"]')
    text = text.replace('dynamic = ["dependencies"]', "dependencies = []")
    (third / "pyproject.toml").write_text(text, "utf-8")
    done = pyproject_build.run(["--wheel", "--outdir", sandbox.root / "out", third], check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    known = ", ".join(release.version for release in catalog.load().releases)
    assert f"release: torch 2.5.9 is not in the catalog; it knows {known}" in said
    assert "dependencies must be an array of strings" in said
    assert "with: 'sight' must be one of vision, audio" in said
    assert '[project] must have dynamic = ["dependencies"]' in said


@pytest.mark.frontend
def test_a_table_without_a_release_is_named(
    third: Path, sandbox: Sandbox, published: TorchIndex, pyproject_build: Frontend
) -> None:
    """Without ``release`` the build ends with what to write."""
    assert published.pypi
    (third / "pyproject.toml").write_text(PYPROJECT.replace('release = "2.5.1"\n', ""), "utf-8")
    done = pyproject_build.run(["--wheel", "--outdir", sandbox.root / "out", third], check=False)
    assert 'release must name a torch release, such as release = "2.5.1"' in done.stdout + done.stderr
