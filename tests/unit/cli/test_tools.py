"""A tool is one module: what says that it manages a project, and the commands that it is told."""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

import pytest

from torch_auto import cli
from torch_auto.cli import tools
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.project import find
from unit.cli.fake_environment import FakeEnvironment

HEAD = '[project]\nname = "x"\nversion = "1"\n'

#: The files of a project, and the tool that manages it.
SIGNS = {
    "nothing": ({"pyproject.toml": HEAD}, None),
    "uv's lock": ({"pyproject.toml": HEAD, "uv.lock": ""}, "uv"),
    "uv's settings": ({"pyproject.toml": HEAD, "uv.toml": ""}, "uv"),
    "uv's table": ({"pyproject.toml": f"{HEAD}[tool.uv]\n"}, "uv"),
    "uv's backend": ({"pyproject.toml": f'{HEAD}[build-system]\nbuild-backend = "uv_build"\n'}, "uv"),
    "Poetry's lock": ({"pyproject.toml": f"{HEAD}[tool.uv]\n", "poetry.lock": ""}, "poetry"),
    "a lock before settings": ({"pyproject.toml": HEAD, "uv.toml": "", "pdm.lock": ""}, "pdm"),
    "Poetry's table": ({"pyproject.toml": f"{HEAD}[tool.poetry]\n"}, "poetry"),
    "Poetry's backend": ({"pyproject.toml": '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'}, "poetry"),
    "PDM's lock": ({"pyproject.toml": HEAD, "pdm.lock": ""}, "pdm"),
    "PDM's backend": ({"pyproject.toml": f'{HEAD}[build-system]\nbuild-backend = "pdm.backend"\n'}, "pdm"),
    "another backend": ({"pyproject.toml": f'{HEAD}[build-system]\nbuild-backend = "hatchling.build"\n'}, None),
    "a table of one, a backend of another": (
        {"pyproject.toml": f'{HEAD}[tool.pdm]\n[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'},
        "pdm",
    ),
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize("name", list(SIGNS))
def test_which_tool_manages_a_project(name: str, tmp_path: Path) -> None:
    """A lock counts first, then settings, then a table, then the build backend."""
    files, wanted = SIGNS[name]
    write(tmp_path, files)
    found = tools.managing(find(str(tmp_path)))
    assert (found.name if found is not None else None) == wanted


@pytest.mark.parametrize(
    ("text", "installer", "wanted"),
    [
        (f"{HEAD}dependencies = []\n", "uv", "uv"),
        (f"{HEAD}dependencies = []\n", "pip", "pip"),
        (HEAD, "uv", "uv pip"),
        (HEAD, None, "pip"),
        (f"{HEAD}[tool.poetry]\n", "uv", "poetry"),
    ],
)
def test_which_tool_manages_an_environment(text: str, installer: str | None, wanted: str, tmp_path: Path) -> None:
    """The project's tool, or else the one that has installed torch-auto."""
    write(tmp_path, {"pyproject.toml": text})
    assert tools.of_environment(find(str(tmp_path)), installer).name == wanted


def test_every_tool_is_complete() -> None:
    """A module for each name; its commands are its own, and `--for` offers them all."""
    for name in tools.NAMES:
        tool = tools.by_name(name)
        assert tool.name == name
        assert tool.adding.startswith(f"{name} ")
        assert "torch-auto" in tool.adding
        assert tool.by_commands or all(command.startswith(f"{name} ") for command in tool.companion("torchvision"))
    [verbs] = [item for item in cli.command_line()[0]._actions if isinstance(item, argparse._SubParsersAction)]
    [choices] = [item.choices for item in verbs.choices["init"]._actions if "--for" in item.option_strings]
    assert list(choices) == ["uv", "pip", "poetry", "pdm"]


def test_no_other_module_asks_which_tool_it_is() -> None:
    """What is a tool's own is in its module: nowhere else is a name compared with a tool's."""
    names = {*tools.NAMES, "uv pip"}
    root = Path(cli.__file__).parent
    found = []
    for path in root.rglob("*.py"):
        if path.parent.name == "tools" or path.name == "programs.py":  # uv says where it is to what it runs
            continue
        compares = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Compare)]
        for node in compares:
            parts = [item for side in (node.left, *node.comparators) for item in ast.walk(side)]
            values = [item.value for item in parts if isinstance(item, ast.Constant)]
            found += [(path.name, node.lineno) for value in values if value in names]
    assert found == []


@pytest.mark.parametrize("name", ["uv", "poetry", "pdm"])
def test_what_goes_with_torch_moves_with_it(name: str, tmp_path: Path) -> None:
    """A refresh has the lock look anew at a torchvision that is installed, whoever brought it, and at nothing else."""
    env = FakeEnvironment.make(tmp_path / ".venv")
    env.install_torch("2.14.1+cpu")
    tool = tools.by_name(name)

    def words() -> list[str]:
        found = environments.at(str(env.prefix))
        assert found is not None
        return [word for step in tool.steps(found, "2.14.1") for word in step.command]

    assert "torchvision" not in words()
    env.install("torchvision", "0.29.1+cpu", ("torch==2.14.1",))
    assert "torchvision" in words()
    assert "torchaudio" not in words()
