"""Situations of people who trust ``check``: in images, on clusters, after a new driver. What it says is so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import jsonschema
import pytest
from support import machines

from torch_auto.cli import main
from torch_auto.cli.check.codes import CODES
from torch_auto.cli.check.findings import all_findings
from torch_auto.cli.check.report import status_of
from torch_auto.cli.check.situation import Where, survey
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.own import typed
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.settings import Settings
from unit.cli.fake_environment import FakeEnvironment
from unit.cli.test_plan import schema
from unit.data import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch_auto.cli.check.finding import Finding
    from torch_auto.cli.check.situation import Situation

    Look = Callable[..., dict[str, Finding]]

T4_580 = machines.with_nvidia("580.65.06", machines.T4)
UHD_620 = machines.machine(machines.intel(("Intel UHD Graphics 620", "8086:5917"), integrated=True))
PYPROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["torch-auto"]\n'
WITH_PAGE = f'{PYPROJECT}\n[tool.uv]\nfind-links = ["https://download.pytorch.org/whl/torch/"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the command is run: no project."""
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def env(folder: Path) -> FakeEnvironment:
    """An environment, empty."""
    return FakeEnvironment.make(folder / ".venv")


@pytest.fixture
def look(folder: Path, env: FakeEnvironment) -> Look:
    """``look(machine, **variables)``: the findings by what was checked."""

    def findings(machine: machines.Machine, **variables: str) -> dict[str, Finding]:
        path = folder / "machine.json"
        path.write_text(json.dumps(machine), "utf-8")
        where = Where(str(folder), {"HOME": str(folder), **variables}, {"machine": str(path)}, str(env.prefix))
        return {finding.check: finding for finding in all_findings(survey(where))}

    return findings


def codes(found: dict[str, Finding]) -> dict[str, str]:
    """The code of every line that is not well."""
    return {name: finding.code for name, finding in found.items() if finding.status != "ok"}


# --- a torch backend that was named ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "code", "why"),
    [
        (machines.rtx5090_575(), "torch.no-code", "none of which runs on 12.0"),
        (machines.v100_470(), "torch.driver", "CUDA 12 needs driver 525.60.13 or newer"),
    ],
)
def test_an_image_for_another_gpu(
    machine: machines.Machine, code: str, why: str, env: FakeEnvironment, look: Look
) -> None:
    """An image that was built with backend=cu126 fails where its torch does not run, whatever was asked for."""
    env.install_torch_auto(machines.cpu(), "2.14.1", {"backend": "cu126"})
    env.install_torch("2.14.1+cu126")
    found = look(machine)
    assert found["torch"].code == code
    assert found["torch"].status == "fail"
    assert why in found["torch"].text
    assert "backend=cu126 asked for it (when torch-auto was built)." in found["torch"].text
    assert found["torch"].commands == ("torch-auto refresh",)
    # The commands ask for what this machine needs, though the setting may still be there.
    [_, _, install] = survey_of(env, machine).steps()
    assert "backend=auto" in install.command


def survey_of(env: FakeEnvironment, machine: machines.Machine, **variables: str) -> Situation:
    """The situation in an environment without a project."""
    path = env.prefix.parent / "machine.json"
    path.write_text(json.dumps(machine), "utf-8")
    return survey(Where(str(env.prefix.parent), variables, {"machine": str(path)}, str(env.prefix)))


def test_an_image_for_a_gpu_where_there_is_none(env: FakeEnvironment, look: Look) -> None:
    """It runs on the CPU, and that is all that a machine without a GPU can do: no fail."""
    env.install_torch_auto(machines.cpu(), "2.14.1", {"backend": "cu126"})
    env.install_torch("2.14.1+cu126")
    assert codes(look(machines.cpu())) == {}


def test_a_cpu_build_that_was_asked_for(env: FakeEnvironment, look: Look) -> None:
    """backend=cpu on an H100 works, and leaves the GPU unused: a warning, with what would use it."""
    env.install_torch_auto(machines.h100_580(), "2.15.0", {"backend": "cpu"})
    env.install_torch("2.15.0+cpu")
    found = look(machines.h100_580())
    assert codes(found) == {"torch": "torch.cpu-asked"}
    assert "leaves NVIDIA H100 80GB HBM3 (compute capability 9.0) unused" in found["torch"].text
    newest = newest_usable(machine_from_json(machines.h100_580()), Settings(), CATALOG).with_pages
    assert f"torch {newest}+" in found["torch"].text
    assert " would use it. backend=cpu asked for it" in found["torch"].text


@pytest.mark.parametrize("variable", ["TORCH_AUTO_BACKEND", "TORCH_AUTO_PIN"])
def test_a_setting_is_not_a_reason(variable: str, env: FakeEnvironment, look: Look) -> None:
    """Why torch cannot use a GPU, or has nothing for a machine, is not that a setting is given."""
    value = {"TORCH_AUTO_BACKEND": "cpu", "TORCH_AUTO_PIN": "exact"}[variable]
    found = look(machines.nouveau(), **{variable: value})
    assert found["machine"].code == "machine.no-driver"
    assert "NVIDIA's driver is not installed or not loaded" in found["machine"].text
    env.install_torch_auto(machines.h100_580(), "2.15.0")
    found = look(machines.musl(), **{variable: value})
    assert "its wheels are made for glibc" in found["machine"].text
    assert not any("Settings:" in finding.text for finding in found.values())


# --- what works is no fail ---------------------------------------------------------------------------------------


def colab(env: FakeEnvironment) -> None:
    """Colab's family, and a package that pins it."""
    env.install_torch("2.9.0+cu126")
    env.install("torchvision", "0.24.0+cu126", ("torch==2.9.0",))
    env.install("torchaudio", "2.9.0+cu126", ("torch==2.9.0",))
    env.install("fastai", "2.8.4", ("torch<2.10,>=1.10", "torchvision>=0.11"))


def test_colab(env: FakeEnvironment, look: Look) -> None:
    """torch 2.9.0+cu126 on a T4, the command alone: all works, and there is nothing to do."""
    colab(env)
    found = look(T4_580)
    assert codes(found) == {}
    assert not any(finding.commands for finding in found.values())


def test_colab_without_a_gpu_build(env: FakeEnvironment, look: Look) -> None:
    """Where something is to do, the commands name versions, and keep what goes with the release."""
    env.install_torch("2.9.0+cpu")
    env.install("torchvision", "0.24.0+cpu", ("torch==2.9.0",))
    env.install("fastai", "2.8.4", ("torch<2.10,>=1.10", "torchvision>=0.11"))
    assert look(T4_580)["torch"].commands == ("torch-auto refresh",)
    last = survey_of(env, T4_580).steps()[-1].command
    assert last[-3:] == ("torch-auto[vision]==2.9.0", "torch", "torchvision")
    assert [last[at + 1] for at, word in enumerate(last) if word == "--find-links"] == [
        "https://download.pytorch.org/whl/torch/",
        "https://download.pytorch.org/whl/torchvision/",
    ]


def test_a_new_driver(folder: Path, env: FakeEnvironment, look: Look) -> None:
    """Driver 550 -> 580, and all works: it is told, and nothing advises to write the team's lock anew."""
    (folder / "pyproject.toml").write_text(WITH_PAGE, "utf-8")
    (folder / "uv.lock").write_text(LOCK.format(torch="2.14.1+cu126", release="2.14.1", tag=LINUX), "utf-8")
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    found = look(machines.with_nvidia("580.65.06", machines.A100))
    assert codes(found) == {}
    assert not any(finding.commands for finding in found.values())
    assert "driver 550.54.14 then, 580.65.06 now" in found["torch-auto"].text


@pytest.mark.parametrize("machine", [UHD_620, machines.machine(machines.amd(("AMD Radeon Vega", "gfx902")))])
def test_a_gpu_that_no_torch_is_for(machine: machines.Machine, env: FakeEnvironment, look: Look) -> None:
    """A laptop's UHD 620 is told and no warning for ever: nobody can change it."""
    env.install_torch_auto(machine, "2.15.0")
    env.install_torch("2.15.0+cpu")
    found = look(machine)
    assert codes(found) == {}
    assert found["machine"].code == "machine.unsupported"


# --- torchvision, torchaudio, and others -------------------------------------------------------------------------


def test_whisperx(env: FakeEnvironment, look: Look) -> None:
    """torchaudio 2.11.0, which requires no torch, beside torch 2.8.0: the catalog says that they do not go together."""
    env.install_torch("2.8.0", "2.8.0+cu128")
    env.install("torchaudio", "2.11.0+cu128")
    env.install("whisperx", "3.4.2", ("torch~=2.8.0", "torchaudio"))
    found = look(machines.h100_580())
    assert codes(found) == {"torchaudio": "companion.release"}
    assert found["torchaudio"].text == (
        "torchaudio 2.11.0+cu128 does not work with torch 2.8.0 (cu128), which goes with torchaudio 2.8.0."
    )
    assert survey_of(env, machines.h100_580()).steps()[-1].command[-3:] == (
        "torch-auto[audio]==2.8.0",
        "torch",
        "torchaudio",
    )


def test_the_last_torchaudio_goes_with_what_came_after_it(env: FakeEnvironment, look: Look) -> None:
    """torchaudio 2.11.0 serves newer releases of torch."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    env.install("torchaudio", "2.11.0+cu126")
    assert codes(look(machines.a100_550())) == {}


def test_a_requirement_that_torch_breaks(env: FakeEnvironment, look: Look) -> None:
    """What `pip check` would say of torch, check says."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    env.install("vllm", "0.11.0", ("torch==2.8.0", "torch-nothing==1", 'torch<1; extra == "old"'))
    found = look(machines.a100_550())
    assert codes(found) == {"vllm": "requirement.broken"}
    assert found["vllm"].text == "vllm 0.11.0 requires torch==2.8.0, and torch 2.14.1+cu126 is installed."
    assert survey_of(env, machines.a100_550()).steps()[-1].command[-2:] == ("torch-auto==2.8.0", "torch")


# --- locks and pages ---------------------------------------------------------------------------------------------

LINUX, MACOS = "cp311-cp311-manylinux_2_28_x86_64", "cp311-none-macosx_11_0_arm64"
LOCK = """\
version = 1

[[package]]
name = "torch"
version = "{torch}"
source = {{ registry = "https://download.pytorch.org/whl/torch/" }}
wheels = [{{ url = "https://download.pytorch.org/whl/cpu/torch-{torch}-{tag}.whl" }}]

[[package]]
name = "torch-auto"
version = "{release}"
source = {{ registry = "https://index.example/simple" }}
dependencies = [{{ name = "torch" }}]
"""


def test_a_lock_with_macos_files_alone(folder: Path, env: FakeEnvironment, look: Look) -> None:
    """Nothing can be installed from it here: a fail."""
    (folder / "pyproject.toml").write_text(WITH_PAGE, "utf-8")
    env.install_torch_auto(machines.cpu(), "2.14.1")
    env.install_torch("2.14.1+cpu")
    for tag, status in ((MACOS, "fail"), (LINUX, "warn")):
        (folder / "uv.lock").write_text(LOCK.format(torch="2.14.1", release="2.14.1", tag=tag), "utf-8")
        assert look(machines.cpu())["uv.lock"].status == status
    (folder / "uv.lock").write_text(LOCK.format(torch="2.14.1", release="2.14.1", tag=MACOS), "utf-8")
    found = look(machines.cpu())["uv.lock"]
    assert found.code == "lock.no-files"
    assert found.commands == ("torch-auto refresh",)


def test_a_bot_that_locked_again(folder: Path, env: FakeEnvironment, look: Look) -> None:
    """A bot without a GPU locked again: what the lock holds, whose it is, and both ways out, before the next sync."""
    (folder / "pyproject.toml").write_text(WITH_PAGE, "utf-8")
    (folder / "uv.lock").write_text(LOCK.format(torch="2.15.0+cpu", release="2.15.0", tag=LINUX), "utf-8")
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    found = look(machines.a100_550())
    assert codes(found) == {"uv.lock": "lock.other-machine"}
    lock = found["uv.lock"]
    assert lock.status == "fail"
    assert lock.text == (
        "It was made for another machine: it holds torch 2.15.0+cpu, which is for a machine without a GPU. This one "
        "needs torch 2.14.1+cu126."
    )
    assert lock.commands == ("torch-auto refresh",)
    assert lock.otherwise == ("torch-auto init --portable", "uv lock", "torch-auto sync")


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("https://download.pytorch.org/whl/cpu/torch/", "pages.missing"),
        ("https://download.pytorch.org/whl/cpu", "pages.missing"),
        ("https://download.pytorch.org/whl/cu126/torch/", "pages.ok"),
        ("https://mirror.example/whl/torch/", "pages.ok"),
    ],
)
def test_a_page_of_another_torch_backend(page: str, code: str, folder: Path, env: FakeEnvironment, look: Look) -> None:
    """A page of one torch backend alone counts where it is this machine's."""
    (folder / "pyproject.toml").write_text(f'{PYPROJECT}\n[tool.uv]\nfind-links = ["{page}"]\n', "utf-8")
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    assert look(machines.a100_550())["pages"].code == code


# --- which environment -------------------------------------------------------------------------------------------


def real(prefix: Path, *options: str) -> FakeEnvironment:
    """A virtual environment with a Python of its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", *options, str(prefix)], check=True)
    made = FakeEnvironment(prefix)
    if not made.site.is_dir():
        pytest.skip("the environments of these tests are of Python 3.11")
    return made


def test_torch_that_a_pth_file_names(tmp_path: Path) -> None:
    """A .pth file in site-packages leads to torch elsewhere."""
    made = real(tmp_path / "venv")
    elsewhere = FakeEnvironment.make(tmp_path / "elsewhere")
    elsewhere.install_torch("2.14.1+cu126")
    (made.site / "elsewhere.pth").write_text(f"{elsewhere.site}\n", "utf-8")
    found = environments.at(str(made.prefix))
    assert found is not None
    assert str(environments.installed(found, "torch")) == "torch 2.14.1+cu126"


def test_torch_in_the_user_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install --user`: the environment's Python finds it, where it looks into the user site at all."""
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "user"))
    monkeypatch.delenv("PYTHONNOUSERSITE", raising=False)
    user = FakeEnvironment.make(tmp_path / "user")
    user.install_torch("2.14.1+cu126")
    for options, seen in (((), False), (("--system-site-packages",), True)):
        made = real(tmp_path / f"venv{len(options)}", *options)
        found = environments.at(str(made.prefix))
        assert found is not None
        assert (environments.installed(found, "torch") is not None) is seen


def test_condas_environment(tmp_path: Path) -> None:
    """It has no pyvenv.cfg, and counts where it is active."""
    made = FakeEnvironment(tmp_path / "conda")
    made.site.mkdir(parents=True)
    (made.prefix / "conda-meta").mkdir()
    made.install_torch("2.14.1+cu126")
    found = environments.find(str(tmp_path), {"CONDA_PREFIX": str(made.prefix)})
    assert (found.prefix, found.python) == (str(made.prefix), "3.11")


@pytest.fixture
def throw_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEnvironment:
    """The command runs in an environment of uvx's, which has a torch that works."""
    made = FakeEnvironment.make(tmp_path / "cache" / "archive-v0" / "abc")
    (tmp_path / "cache" / "CACHEDIR.TAG").touch()
    made.install_torch("2.15.0+cpu")
    monkeypatch.setattr(sys, "prefix", str(made.prefix))
    monkeypatch.setattr(sys, "path", [*sys.path, str(made.site)])
    return made


def test_never_that_of_uvx(throw_away: FakeEnvironment, env: FakeEnvironment, folder: Path) -> None:
    """The project's environment is looked at, also where uvx's is the active one."""
    env.install_torch("2.14.1+cu130")
    found = environments.find(str(folder), {"VIRTUAL_ENV": str(throw_away.prefix)})
    assert found.prefix == str(env.prefix)


@pytest.mark.parametrize("arguments", [["check"], ["refresh"], ["init"], ["init", "--for", "pip"]])
def test_neither_project_nor_environment(
    arguments: list[str],
    throw_away: FakeEnvironment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, and nothing is written into the tool's cache."""
    before = sorted(throw_away.prefix.rglob("*"))
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    assert main([*arguments, "--project", str(empty)]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"torch-auto: error: there is no project in {empty}, and no environment but the one that runs this command. "
        "Name the environment with --venv DIR, or activate it\n"
    )
    assert sorted(throw_away.prefix.rglob("*")) == before


def test_a_project_without_an_environment(throw_away: FakeEnvironment, folder: Path) -> None:
    """A fresh clone: that there is no environment yet is one finding, and what makes one is named."""
    assert throw_away
    (folder / "pyproject.toml").write_text(WITH_PAGE, "utf-8")
    path = folder / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    situation = survey(Where(str(folder), {}, {"machine": str(path)}))
    found = {finding.check: finding for finding in all_findings(situation)}
    assert codes(found) == {"environment": "environment.missing"}
    assert found["environment"].commands == ("torch-auto refresh",)
    assert situation.environment.prefix == str(folder / ".venv")


def test_the_command_is_typed_as_it_was_started(
    tmp_path: Path, throw_away: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By uvx, from PATH, below `uv run`, by its path, or by its Python."""
    assert typed({}) == "uvx torch-auto-core"
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    script = made / "bin" / "torch-auto"
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", str(made))
    assert throw_away
    assert typed({"PATH": str(script.parent)}) == "torch-auto"
    assert typed({"PATH": str(script.parent), "UV_RUN_RECURSION_DEPTH": "1"}) == "uv run torch-auto"
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.chdir(tmp_path)
    assert typed({"PATH": ""}) == os.path.join("venv", "bin", "torch-auto")
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert typed({"PATH": ""}) == f"{sys.executable} -m torch_auto"


def test_options_are_repeated(env: FakeEnvironment) -> None:
    """What is printed is for what was looked at."""
    where = Where(str(env.prefix.parent), {}, {}, str(env.prefix), "torch-auto", ("--venv", str(env.prefix)))
    situation = survey(where)
    assert situation.ours("refresh") == f"torch-auto refresh --venv {env.prefix}"
    assert situation.ours("init") == "torch-auto init"
    assert status_of(all_findings(situation)) == "fail"


@pytest.mark.parametrize(
    ("verb", "repeated"),
    [
        ("check", "--project p --venv v --machine m"),
        ("refresh", "--project p --venv v --machine m"),
        ("sync", "--project p --machine m"),  # it finds the environment that it makes
        ("init", "--project p"),
        ("init --portable", "--project p"),
        ("add vision", "--project p"),
        ("lock --portable", "--project p"),
    ],
)
def test_each_verb_repeats_the_options_that_it_has(env: FakeEnvironment, verb: str, repeated: str) -> None:
    """A printed command names the project, and the environment and the machine where the verb looks at them."""
    again = ("--project", "p", "--venv", "v", "--machine", "m")
    situation = survey(Where(str(env.prefix.parent), {}, {}, str(env.prefix), "torch-auto", again))
    assert situation.ours(verb) == f"torch-auto {verb} {repeated}"


@pytest.mark.parametrize(
    ("dependency", "at_least"),
    [
        ("torch-auto", None),
        ("torch-auto>=2.9", None),
        ("numpy==1", None),
        ("torch_auto==2.15.0", "2.14.1"),  # a driver 550 has no torch 2.15.0
        ("Torch.Auto>=2.15", "2.14.1"),
    ],
)
def test_a_release_is_allowed_where_the_project_allows_none_that_serves(
    env: FakeEnvironment, folder: Path, dependency: str, at_least: str | None
) -> None:
    """The commands allow a release where no torch-auto that the project requires has a torch for the machine."""
    lines = f'name = "x"\nversion = "1"\ndependencies = ["numpy", "{dependency}"]\n'
    pages = '[tool.uv]\nfind-links = ["https://download.pytorch.org/whl/torch/"]\n'
    (folder / "pyproject.toml").write_text(f"[project]\n{lines}\n{pages}", "utf-8")
    machine = folder / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    where = Where(str(folder), {"HOME": str(folder)}, {"machine": str(machine)}, str(env.prefix))
    assert survey(where)._at_least() == at_least


# --- for programs ------------------------------------------------------------------------------------------------


def test_json_is_as_its_schema_says(env: FakeEnvironment, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json is as the published schema says, with a code for each finding; the schema has every code."""
    colab(env)
    path = folder / "machine.json"
    for machine, status in ((T4_580, 0), (machines.v100_470(), 1)):
        path.write_text(json.dumps(machine), "utf-8")
        options = ["--project", str(folder), "--venv", str(env.prefix), "--machine", str(path)]
        assert main(["check", "--json", *options]) == status
        jsonschema.validate(json.loads(capsys.readouterr().out), schema("check"))
    assert schema("check")["properties"]["checks"]["items"]["properties"]["code"]["enum"] == sorted(CODES)
