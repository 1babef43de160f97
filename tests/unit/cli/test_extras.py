"""The command knows the extras that a project requires, and names the pages of their projects."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
from support import machines

from torch_auto.catalog.pairs import pair_rows
from torch_auto.cli import main
from torch_auto.cli.check.findings import all_findings
from torch_auto.cli.check.situation import Where, survey
from torch_auto.cli.errors import UserError
from torch_auto.cli.options import named_extras
from torch_auto.cli.project.extras import of_project
from torch_auto.cli.project.project import find
from unit.cli.fake_environment import FakeEnvironment
from unit.data import CATALOG

if TYPE_CHECKING:
    from pathlib import Path

WHL = "https://download.pytorch.org/whl"
HEAD = '[project]\nname = "x"\nversion = "1"\n'

#: File, its text, and the extras that it asks for.
PROJECTS = {
    "none": ("pyproject.toml", f'{HEAD}dependencies = ["torch-auto", "other[vision]"]\n', ()),
    "dependencies": ("pyproject.toml", f'{HEAD}dependencies = ["Torch_Auto[vision,cli]>=2.5"]\n', ("vision",)),
    "both": ("pyproject.toml", f'{HEAD}dependencies = ["torch-auto[audio,vision]"]\n', ("vision", "audio")),
    "group": ("pyproject.toml", f'{HEAD}[dependency-groups]\ndev = ["torch-auto[audio]"]\n', ("audio",)),
    "no PEP 508": ("pyproject.toml", f'{HEAD}dependencies = ["???", "torch-auto[vision]"]\n', ("vision",)),
    "Poetry": (
        "pyproject.toml",
        '[tool.poetry.dependencies]\ntorch-auto = { version = "*", extras = ["vision"] }\n',
        ("vision",),
    ),
    "Poetry's group": (
        "pyproject.toml",
        '[tool.poetry.group.dev.dependencies]\ntorch-auto = { version = "*", extras = ["audio"] }\n',
        ("audio",),
    ),
    "pip": ("requirements.txt", "# ours\ntorch-auto[vision]==2.9.1 # why\n-r more.txt\n", ("vision",)),
}


@pytest.fixture
def cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a GPU, by TORCH_AUTO_MACHINE; the folder of its file."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))
    return tmp_path


@pytest.mark.parametrize("kind", PROJECTS)
def test_the_extras_of_a_project(kind: str, tmp_path: Path) -> None:
    """Each tool's way to ask for an extra is understood."""
    name, text, wanted = PROJECTS[kind]
    (tmp_path / name).write_text(text, "utf-8")
    assert of_project(find(str(tmp_path))) == wanted


def test_with_names_extras_alone() -> None:
    """--with takes extras in any order, and says which are valid where one is none."""
    assert named_extras(Namespace(family="audio, vision,audio")) == ("audio", "vision")
    with pytest.raises(UserError, match="'torchvision' is not an extra of torch-auto; valid: vision, audio"):
        named_extras(Namespace(family="vision,torchvision"))


@pytest.mark.parametrize(("dependency", "words"), [("torch-auto[vision]", []), ("torch-auto", ["--with", "vision"])])
def test_init_names_the_pages_of_extras(
    cpu: Path, capsys: pytest.CaptureFixture[str], dependency: str, words: list[str]
) -> None:
    """Of a mirror torchvision's page is named where the project or the command line asks for the extra."""
    project = cpu / "pyproject.toml"
    project.write_text(f'{HEAD}dependencies = ["{dependency}"]\n', "utf-8")
    words = ["--for", "uv", "--project", str(cpu), "--index-url", "https://m.example/whl", *words]
    assert main(["init", *words]) == 0
    urls = [entry["url"] for entry in find(str(cpu)).uv_settings()[1]["index"]]
    assert urls == ["https://m.example/whl/torch/", "https://m.example/whl/torchvision/"]
    assert main(["init", *words]) == 0
    assert "names PyTorch's pages already" in capsys.readouterr().out


def test_env_names_them_too(cpu: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``env --with`` prints the pages of extras."""
    assert main(["env", "--shell", "dotenv", "--with", "vision,audio", "--project", str(cpu)]) == 0
    assert f"{WHL}/torch/,{WHL}/torchvision/,{WHL}/torchaudio/" in capsys.readouterr().out


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """What ``plan --json`` prints."""
    assert main(["plan", "--json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("cpu")
def test_plan_counts_the_extras_in(capsys: pytest.CaptureFixture[str]) -> None:
    """The newest release that serves may be another with an extra; its requirements and reasons are in the JSON."""
    newest = CATALOG.newest.version
    [version] = [row["version"] for row in pair_rows() if (row["project"], row["release"]) == ("torchvision", newest)]
    assert plan(capsys)["newest"] == {"with_pages": newest, "without_pages": newest}
    # PyPI's torchaudio is cu130, as torch 2.14.1 is there, and 2.15.0 is not.
    assert plan(capsys, "--with", "audio")["newest"] == {"with_pages": newest, "without_pages": "2.14.1"}
    document = plan(capsys, "--with", "vision", "--pin", "exact")
    assert document["newest"] == {"with_pages": newest, "without_pages": None}
    [found] = document["plans"]
    vision = found["extras"]["vision"]
    assert (vision["project"], vision["version"], vision["torch_backend"]) == ("torchvision", version, "cpu")
    assert vision["pages"] == [f"{WHL}/torchvision/"]
    assert any(pin.startswith(f"torchvision=={version}+cpu;") for pin in vision["requirements"])
    assert not vision["public_allowed"]


def test_plan_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For people: a line per extra with its reason, and the pages of both."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.h100_580()), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))
    assert main(["plan", "2.15.0", "--with", "audio", "--why"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "audio: torchaudio 2.11.0 does not have a cu132 build for linux_x86_64" in text
    assert "torchaudio==2.11.0+needs.cu132.build" in text
    assert f"UV_FIND_LINKS={WHL}/torch/,{WHL}/torchaudio/" in text


def test_with_is_for_one_machine(cpu: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plan for several machines does not look at extras, and says so."""
    machine = str(cpu / "machine.json")
    assert main(["plan", "--machine", machine, "--machine", machine, "--with", "vision"]) == 2
    assert "--with are for one machine" in capsys.readouterr().err


def test_check_misses_the_page_of_an_extra(tmp_path: Path) -> None:
    """A project with the extra and torch's page alone: check names the page that is missing, and init as the way."""
    text = f'{HEAD}dependencies = ["torch-auto[vision]"]\n[tool.uv]\nfind-links = ["{WHL}/torch/"]\n'
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    env = FakeEnvironment.make(tmp_path / ".venv")
    env.install_torch_auto(machines.cpu(), "2.14.1")
    env.install_torch("2.14.1+cpu")
    env.install("torchvision", "0.29.1+cu130", ("torch>=2.14.0",))
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    where = Where(str(tmp_path), {"HOME": str(tmp_path)}, {"machine": str(path)}, str(env.prefix))
    found = {finding.check: finding for finding in all_findings(survey(where))}
    assert found["pages"].status == "warn"
    assert f"{WHL}/torchvision/" in found["pages"].text
    assert f"{WHL}/torch/ " not in found["pages"].text
    assert found["torchvision"].status == "fail"
    assert found["torchvision"].commands == ("torch-auto init", "torch-auto refresh")
