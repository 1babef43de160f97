"""``torch-auto init --portable`` writes groups that one lock holds for every machine, and leaves all else as it was."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import machines
from support.lock import read_lock

from torch_auto import catalog
from torch_auto.catalog import version_key
from torch_auto.cli import main
from torch_auto.cli.portable.edits import COMMENT, Wanted, edit, written
from torch_auto.cli.project.files import Text
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.toml.document import NoPlaceError
from torch_auto.cli.project.toml.spelling import inline
from torch_auto.pins.groups import group_requirements
from torch_auto.select.groups import group_of, parse_groups

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

PAGES = "https://download.pytorch.org/whl"
PROJECT = '[project]\nname = "x"\nversion = "1"\n'
OPTIONS = ("--releases", "2.13.0", "--backends", "cu126")


def group(torch_backend: str, release: str = "2.13.0") -> str:
    """A group as it stands in the file."""
    own = group_of(release, torch_backend)
    requirements = group_requirements(own, catalog.load())
    comment = f"    {COMMENT}\n" if torch_backend == "cpu" else ""
    return f"{own.name} = [\n{comment}" + "".join(f'    "{item}",\n' for item in requirements) + "]\n"


GROUPS = group("cpu") + group("cu126")
CONFLICTS = 'conflicts = [\n    [\n        { group = "torch-cpu" },\n        { group = "torch-cu126" },\n    ],\n]\n'
DEFAULT = 'default-groups = ["dev", "torch-cpu"]\n'
INDEX = f'\n[[tool.uv.index]]\nname = "pytorch-torch"\nurl = "{PAGES}/torch/"\nformat = "flat"\n'
INLINE = f'index = [{{ name = "pytorch-torch", url = "{PAGES}/torch/", format = "flat" }}]'
SETTING = 'torch-auto = { groups = "2.13.0+cpu,2.13.0+cu126" }'
CONFIG = f"config-settings-package = {{ {SETTING} }}\n"
UV = DEFAULT + CONFLICTS + CONFIG
NEW_GROUPS = f"\n[dependency-groups]\ndev = []\n{GROUPS}"
NEW_UV = f"\n[tool.uv]\n{UV}"
DEPENDENCIES = 'dependencies = ["torch-auto"]\n'


#: Real-world shapes of pyproject.toml, as they come to be; what is added is marked with «».
SHAPES = {
    "new": f'{PROJECT}dependencies = [«"torch-auto"»]\n«{NEW_GROUPS}{NEW_UV}»',
    "no dependencies": f"{PROJECT}«{DEPENDENCIES}{NEW_GROUPS}{NEW_UV}»",
    "comments": (
        '# top\n[project]\nname = "x" # ours\ndependencies = [\n    # sorted\n    "numpy", # arrays\n'
        '«    "torch-auto",\n»    "zarr>=3",\n]\n\n[dependency-groups]\n# for us\ndev = ["ruff"] # lint\n'
        f"«{GROUPS}»# end of groups\n\n# uv, see #12\n[tool.uv] # ours\n# keep\npackage = false # none\n«{UV}»# end\n"
    ),
    "no order": f'{PROJECT}dependencies = ["zarr", "numpy"«, "torch-auto"»]\n«{NEW_GROUPS}{NEW_UV}»',
    "no last comma": (
        f'{PROJECT}dependencies = [\n  "zarr",\n  "numpy"«,» # arrays«\n  "torch-auto"»\n]\n«{NEW_GROUPS}{NEW_UV}»'
    ),
    "inline tables": (
        f'dependency-groups = {{« {group("cu126").rstrip()}, {group("cpu").rstrip()},» dev = ["ruff"] }}\n{PROJECT}'
        f"«{DEPENDENCIES}»\n[tool]\nuv = {{« {INLINE}, {CONFIG.rstrip()}, {CONFLICTS.rstrip()}, "
        f"{DEFAULT.rstrip()},» package = false }}\n"
    ),
    "dotted keys": (
        f"«dependency-groups.{group('cu126')}dependency-groups.{group('cpu')}»dependency-groups.dev = []\n"
        'project.name = "x"\nproject.dependencies = ["numpy"«, "torch-auto"»]\n\n[tool]\n'
        f"«uv.{CONFIG}uv.{CONFLICTS}uv.{DEFAULT}»uv.package = false\nruff.line-length = 88\n"
    ),
    "settings of the user's": (
        f"{PROJECT}dependencies = ['torch-auto>=2.9', \"torch\"]\n\n[dependency-groups]\ndev = []\n"
        f'docs = [{{ include-group = "dev" }}]\n«{GROUPS}»\n[tool.uv]\n'
        "default-groups = ['dev', 'docs'«, \"torch-cpu\"»]  # ours\n"
        'conflicts = [[{ extra = "a" }, { extra = "b" }]«, [{ group = "torch-cpu" }, { group = "torch-cu126" }]»]\n'
        'find-links = [\n  "https://a.example/" # wheels\n]\n'
        f'config-settings-package = {{« {SETTING},» numpy = {{ a = "b" }} }}\n\n[tool.ruff]\n'
    ),
    "arrays over lines": (
        f"{PROJECT}«{DEPENDENCIES}»\n[tool.uv]\nconflicts = [\n"
        '  [\n    { extra = "a" },\n    { extra = "b" },\n  ],\n'
        '«  [\n      { group = "torch-cpu" },\n      { group = "torch-cu126" },\n  ],\n»]\n'
        'default-groups = [\n\t"dev",\n«\t"torch-cpu",\n»]\n'
        f"«{CONFIG}»\n[dependency-groups]\ndev = []\n«{GROUPS}»"
    ),
    "tables below": (
        f'{PROJECT}«{DEPENDENCIES}»\n[tool.uv.config-settings-package.numpy]\na = "b"\n\n[[tool.uv.index]]\n'
        f'name = "o"\nurl = "https://o.example/simple"\n«{NEW_GROUPS}\n[tool.uv]\n{DEFAULT}{CONFLICTS}'
        f"\n[tool.uv.config-settings-package]\n{SETTING}\n»"
    ),
    "old dev-dependencies": (f'{PROJECT}«{DEPENDENCIES}»\n[tool.uv]\ndev-dependencies = ["ruff"]\n«{UV}{NEW_GROUPS}»'),
    "no default groups": (
        f'{PROJECT}«{DEPENDENCIES}»\n[tool.uv]\ndefault-groups = [«"torch-cpu"»]\n«{CONFLICTS}{CONFIG}'
        f"\n[dependency-groups]\n{GROUPS}»"
    ),
    "a text that looks like a table": (
        f'{PROJECT}description = """\n[tool.uv]\n[dependency-groups]\nconflicts = [\n"""\n'
        f"«{DEPENDENCIES}{NEW_GROUPS}{NEW_UV}»"
    ),
    "letters of all kinds": f'\ufeff{PROJECT}keywords = ["Zoë 😀"]\n«{DEPENDENCIES}{NEW_GROUPS}{NEW_UV}»',
}
for shape in set(SHAPES) - {"inline tables"}:
    SHAPES[shape] = (SHAPES[shape][:-1] if SHAPES[shape].endswith("»") else f"{SHAPES[shape]}«") + f"{INDEX}»"
SHAPES["CRLF"] = SHAPES["comments"].replace("\n", "\r\n")
SHAPES["CRLF, new"] = SHAPES["new"].replace("\n", "\r\n")
SHAPES["no final newline"] = f"{PROJECT}«{DEPENDENCIES}»\n[tool.uv]\npackage = false«\n{UV}{NEW_GROUPS}{INDEX}»"


@pytest.fixture(autouse=True)
def uv_0_13(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that says its version, and does nothing else."""
    monkeypatch.setenv("UV", fake_uv(tmp_path_factory.mktemp("uv"), "0.13.9"))


def fake_uv(folder: Path, version: str) -> str:
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\necho uv {version}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


def run(folder: Path, *options: str) -> int:
    return main(["init", "--portable", "--project", str(folder), *options])


def made(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_bytes(text.encode())
    return path


def before(marked: str) -> str:
    parts = marked.split("«")
    return parts[0] + "".join(part.split("»")[1] for part in parts[1:])


def after(marked: str) -> str:
    return marked.replace("«", "").replace("»", "")


def names(path: Path) -> list[str]:
    """The torch groups of a file, checked to be the same wherever they are named."""
    data = tomllib.loads(path.read_text("utf-8-sig"))
    found = [name for name in data["dependency-groups"] if name.startswith("torch-")]
    uv = data["tool"]["uv"]
    sets = [[entry["group"] for entry in entries if "group" in entry] for entries in uv.get("conflicts", [])]
    assert sorted(found) in ([sorted(entries) for entries in sets if entries] or [["torch-cpu"]])
    setting = uv["config-settings-package"]["torch-auto"]["groups"].split(",")
    assert sorted(found) == sorted(group_of(*item.split("+")).name for item in setting)
    return sorted(found)


def default_groups(path: Path) -> Any:
    return tomllib.loads(path.read_text("utf-8"))["tool"]["uv"]["default-groups"]


# --- what is written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(SHAPES))
def test_shapes(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All is added where a person would write it, nothing else changes, and a second run says that all is there."""
    path = made(tmp_path, before(SHAPES[name]))
    assert run(tmp_path, "--for", "uv", *OPTIONS) == 0
    assert path.read_bytes().decode() == after(SHAPES[name])
    assert "changed:\n" in capsys.readouterr().out
    assert run(tmp_path, *OPTIONS) == 0
    assert f"{path} has these groups already.\n" in capsys.readouterr().out
    assert path.read_bytes().decode() == after(SHAPES[name])


@pytest.mark.parametrize("name", list(SHAPES))
def test_other_groups_and_back(name: str, tmp_path: Path) -> None:
    """Another choice replaces what an earlier one wrote, and that alone: the way back comes to the same bytes."""
    path = made(tmp_path, after(SHAPES[name]))
    assert run(tmp_path, "--for", "uv", "--releases", "2.13.0", "--backends", "cu129,cu130") == 0
    assert names(path) == ["torch-cpu", "torch-cu129", "torch-cu130"]
    assert run(tmp_path, "--releases", "2.12.1", "--backends", "cu126") == 0
    assert names(path) == ["torch-cpu", "torch-cu126"]
    assert "2.13.0" not in path.read_text("utf-8")
    assert run(tmp_path, *OPTIONS) == 0
    if name not in ("inline tables", "dotted keys"):  # there, what is new comes first
        assert path.read_bytes().decode() == after(SHAPES[name])


def test_comments_in_groups_stay(tmp_path: Path) -> None:
    """What a user wrote into what is ours, a comment or a conflict, is kept when the release changes."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, "--for", "uv", *OPTIONS) == 0
    text = path.read_text("utf-8")
    text = text.replace("torch-cu126 = [\n", "torch-cu126 = [ # for the cluster\n    # asked for by Ada\n")
    text = text.replace(
        '{ group = "torch-cpu" },\n', '{ group = "torch-cpu" }, # laptops\n        { group = "jax" },\n'
    )
    path.write_text(text.replace("dev = []", "dev = []\njax = []"), "utf-8")
    assert run(tmp_path, "--releases", "2.12.1", "--backends", "cu126,cu130") == 0
    found = path.read_text("utf-8")
    assert "torch-cu126 = [ # for the cluster\n    # asked for by Ada\n" in found
    assert '{ group = "torch-cpu" }, # laptops\n        { group = "jax" },\n' in found
    assert "2.13.0" not in found


def test_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written does not depend on the machine that the command runs on."""
    texts = set()
    for name in ("cpu", "mi300", "rtx5090-575", "macos-arm64"):
        machine = tmp_path / f"{name}.json"
        machine.write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        monkeypatch.setenv("TORCH_AUTO_MACHINE", str(machine))
        path = made(tmp_path / name, PROJECT)
        assert run(tmp_path / name) == 0
        texts.add(path.read_text("utf-8"))
    assert len(texts) == 1


def test_default_all(tmp_path: Path) -> None:
    """--default all makes every group a default one, a run without the option keeps that, and cpu undoes it."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS, "--default", "all") == 0
    assert default_groups(path) == ["dev", "torch-cpu", "torch-cu126"]
    assert run(tmp_path, "--releases", "2.13.0", "--backends", "cu126,cu130") == 0
    assert default_groups(path) == ["dev", "torch-cpu", "torch-cu126", "torch-cu130"]
    assert run(tmp_path, "--default", "cpu") == 0
    assert default_groups(path) == ["dev", "torch-cpu"]
    assert names(path) == ["torch-cpu", "torch-cu126", "torch-cu130"]


def test_a_default_group_of_the_users(tmp_path: Path) -> None:
    """A team that made another torch group its default one keeps it."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS) == 0
    path.write_text(path.read_text("utf-8").replace('"dev", "torch-cpu"', '"torch-cu126", "dev"'), "utf-8")
    assert run(tmp_path, "--releases", "2.12.1", "--backends", "cu126") == 0
    assert 'default-groups = ["torch-cu126", "dev"]' in path.read_text("utf-8")


def test_every_group_is_a_default_one_already(tmp_path: Path) -> None:
    """With default-groups = "all", --default all has nothing to write there."""
    path = made(tmp_path, f'{PROJECT}[tool.uv]\ndefault-groups = "all"\n')
    assert run(tmp_path, *OPTIONS, "--default", "all") == 0
    assert default_groups(path) == "all"


def test_cpu_alone(tmp_path: Path) -> None:
    """One group conflicts with nothing, so there is no set of conflicts, and an earlier one goes."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, "--backends", "cpu") == 0
    assert "conflicts" not in path.read_text("utf-8")
    assert run(tmp_path, *OPTIONS) == 0
    assert names(path) == ["torch-cpu", "torch-cu126"]
    assert run(tmp_path, "--backends", "cpu") == 0
    assert "conflicts" not in path.read_text("utf-8")


def test_uv_toml(tmp_path: Path) -> None:
    """A uv.toml gets the settings that uv reads there; groups, conflicts and default groups are none of them."""
    path = made(tmp_path, PROJECT)
    (tmp_path / "uv.toml").write_text('# ours\nlink-mode = "copy"\n\n[pip]\nstrict = true\n', "utf-8")
    for _ in range(2):
        assert run(tmp_path, *OPTIONS) == 0
        assert path.read_text("utf-8") == f"{PROJECT}{DEPENDENCIES}{NEW_GROUPS}\n[tool.uv]\n{DEFAULT}{CONFLICTS}"
        found = tomllib.loads((tmp_path / "uv.toml").read_text("utf-8"))
        assert found == {
            "link-mode": "copy",
            "pip": {"strict": True},
            "index": [{"name": "pytorch-torch", "url": f"{PAGES}/torch/", "format": "flat"}],
            "config-settings-package": {"torch-auto": {"groups": "2.13.0+cpu,2.13.0+cu126"}},
        }


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
def test_one_of_two_files_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where one of two files is read-only, the other one is not written either."""
    path = made(tmp_path, PROJECT)
    (tmp_path / "uv.toml").write_text("", "utf-8")
    (tmp_path / "uv.toml").chmod(0o444)
    assert run(tmp_path, *OPTIONS) == 2
    assert "uv.toml: is read-only" in capsys.readouterr().err
    assert path.read_text("utf-8") == PROJECT


def test_who_gets_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with a table of which machines take which group, and what to type."""
    made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS) == 0
    said = capsys.readouterr().out
    assert "\nWho gets what:\n  torch-cu126  Maxwell 5.0 to 5.2, Pascal 6.0, " in said
    assert "\n  torch-cpu    no GPU" in said
    typed_here = f"Next: uv lock, and on each machine `{typed(os.environ)} sync`.\n"
    assert said.endswith(f"{typed_here}      In a fresh clone: uvx torch-auto-core sync\n")


def test_dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run shows the lines and who gets what, and writes nothing."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS, "--dry-run") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{path} would change:\n")
    assert "  + [dependency-groups]\n" in said
    assert "Next:" not in said
    assert path.read_text("utf-8") == PROJECT


# --- which groups ------------------------------------------------------------------------------------------------


def test_the_newest_release_that_has_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--backends alone takes the newest release that has all of them, and says which."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, "--backends", "cu126,rocm6.4") == 0
    assert "torch 2.9.1 is the newest release that has cpu, cu126, rocm6.4.\n" in capsys.readouterr().out
    assert 'groups = "2.9.1+cpu,2.9.1+cu126,2.9.1+rocm6.4"' in path.read_text("utf-8")
    assert names(path) == ["torch-cpu", "torch-cu126", "torch-rocm6-4"]


def test_several_releases(tmp_path: Path) -> None:
    """Of several releases, each torch backend is taken from the newest that has it."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, "--releases", "2.7.1,2.14.1", "--backends", "cu118,cu126,cu130") == 0
    assert 'groups = "2.14.1+cpu,2.7.1+cu118,2.14.1+cu126,2.14.1+cu130"' in path.read_text("utf-8")


def test_a_release_alone(tmp_path: Path) -> None:
    """A release alone comes to the fewest torch backends that serve its machines."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, "--releases", "2.9.1") == 0
    found = names(path)
    assert "torch-cpu" in found
    assert any(name.startswith("torch-cu12") for name in found)
    assert "torch-xpu" in found
    assert 'groups = "2.9.1+cpu,' in path.read_text("utf-8")


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A run without a choice keeps the groups that are there, and what is pinned beside torch."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS, "--with", "vision") == 0
    text = path.read_text("utf-8")
    assert run(tmp_path) == 0
    assert path.read_text("utf-8") == text


def test_with_vision_and_audio(tmp_path: Path) -> None:
    """--with pins torchvision and torchaudio in each group and names their pages, and `none` takes the pins away."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS) == 0
    plain = path.read_text("utf-8")
    assert run(tmp_path, "--with", "vision,audio") == 0
    found = tomllib.loads(path.read_text("utf-8"))
    for name in ("torch-cpu", "torch-cu126"):
        text = " ".join(found["dependency-groups"][name])
        assert "torchvision==" in text
        assert "torchaudio==" in text
    pages = [f"{PAGES}/{name}/" for name in ("torch", "torchvision", "torchaudio")]
    assert [entry["url"] for entry in found["tool"]["uv"]["index"]] == pages
    assert run(tmp_path, "--with", "none") == 0
    more = "".join(
        INDEX.replace("torch/", f"{name}/").replace("h-torch", f"h-{name}") for name in ("torchvision", "torchaudio")
    )
    assert path.read_text("utf-8") == plain + more


def test_the_extras_of_the_project_are_pinned_in_the_groups(tmp_path: Path) -> None:
    """With groups torch-auto[vision] asks for nothing, so the groups do, unless --with says otherwise."""
    path = made(tmp_path, f'{PROJECT}dependencies = ["torch-auto[vision]"]\n')
    assert run(tmp_path, *OPTIONS) == 0
    assert "torchvision==0.28.0+cu126" in path.read_text("utf-8")
    assert run(tmp_path, "--with", "none") == 0
    assert "torchvision==" not in path.read_text("utf-8")


def test_upgrade(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--upgrade takes the torch backends that are there, and torchvision, to the newest release that has them all."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, "--releases", "2.12.1", "--backends", "cu126", "--with", "vision") == 0
    capsys.readouterr()
    known = catalog.load()
    newest = max(
        (item.version for item in known.releases if {"cpu", "cu126"} <= set(known_groups(item.version))),
        key=version_key,
    )
    assert run(tmp_path, "--upgrade") == 0
    assert names(path) == ["torch-cpu", "torch-cu126"]
    assert f"torch=={newest}+cu126" in path.read_text("utf-8")
    assert "torchvision==" in path.read_text("utf-8")
    assert "2.12.1" not in path.read_text("utf-8")
    assert run(tmp_path, "--upgrade") == 0
    assert "has these groups already" in capsys.readouterr().out
    assert run(tmp_path, "--upgrade", "--releases", "2.13.0") == 2
    assert run(made(tmp_path / "new", PROJECT).parent, "--upgrade") == 2
    assert "--upgrade: there are no torch groups yet" in capsys.readouterr().err


def known_groups(release: str) -> list[str]:
    """The torch backends of a release that a lock can hold."""
    found: list[str] = []
    for torch_backend in catalog.load().torch_backends:
        with suppress(ValueError):
            parse_groups(f"{release}+{torch_backend}", catalog.load())
            found.append(torch_backend)
    return found


def test_groups_for_machines(tmp_path: Path) -> None:
    """--machine comes to cpu and the fewest torch backends that cover the machines."""
    files = []
    for name in ("h100-580", "rtx5090-575", "mi300"):
        files += ["--machine", str(tmp_path / f"{name}.json")]
        (tmp_path / f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *files) == 0
    assert [name.rstrip("0123456789-") for name in names(path)] == ["torch-cpu", "torch-cu", "torch-rocm"]


def test_groups_for_machines_of_two_releases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine that needs another release gets a group of that release, and one that nothing serves is named."""
    files = []
    for name in ("rtx5090-575", "k80-470", "musl"):
        files += ["--machine", str(tmp_path / f"{name}.json")]
        (tmp_path / f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *files) == 0
    [newer] = [name for name in names(path) if name not in ("torch-cpu", "torch-cu118", "torch-cu117")]
    said = capsys.readouterr().out
    assert f"rtx5090-575.json: {newer}.\n" in said
    assert "k80-470.json: torch-cu11" in said
    assert "musl.json: no group supports it. " in said
    assert run(tmp_path, *files[-2:]) == 2
    assert "musl.json: " in capsys.readouterr().err


WRONG = {
    "all at once": (
        ("--backends", "cu127,cu126", "--releases", "2.9.7", "--with", "text", "--default", "gpu"),
        (
            "--backends: 'cu127' is not a torch backend; valid are cpu, cu117, cu118, ",
            "--releases: torch 2.9.7 is not in the catalog; it knows 2.0.0, ",
            "--with: 'text' is not valid; valid are vision, audio, or none",
            "--default: 'gpu' is not valid; valid are cpu, all",
        ),
    ),
    "a release without it": (
        ("--releases", "2.9.1", "--backends", "cu118,cu126"),
        ("--backends: torch 2.9.1 has no cu118; 2.0.0, 2.0.1, 2.1.0",),
    ),
    "no release has both": (
        ("--backends", "cu118,cu132"),
        ("no release has cpu, cu118, cu132 together", "Name several with --releases"),
    ),
    "machine and backends": (
        ("--machine", "nowhere.json", "--backends", "cu126"),
        ("--machine: 'nowhere.json' cannot be read: No such file", "--machine chooses the torch backends"),
    ),
    "empty": (("--backends", ",", "--releases", ""), ("--backends is empty;", "--releases is empty;")),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_options(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault of the options is named at once, with what is valid, and nothing is written."""
    options, messages = WRONG[name]
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *options) == 2
    error = capsys.readouterr().err
    for message in messages:
        assert message in error
    assert path.read_text("utf-8") == PROJECT


def test_options_without_portable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An option of --portable without it is a fault, and no other init runs in its place."""
    path = made(tmp_path, PROJECT)
    assert main(["init", "--project", str(tmp_path), "--backends", "cu126"]) == 2
    assert "--upgrade need --portable" in capsys.readouterr().err
    assert run(tmp_path, "--pin", "exact") == 2
    assert "--pin does not go with --portable" in capsys.readouterr().err
    assert path.read_text("utf-8") == PROJECT


# --- what stands against it ----------------------------------------------------------------------------------------

NEVER = {
    "poetry": (
        "[tool.poetry]\n",
        "conflict, and this project uses poetry. For poetry, `",
    ),
    "pdm": ("[tool.pdm]\n", "writes one lock file for each torch backend. To use uv here, add --for uv"),
    "all default": ('[tool.uv]\ndefault-groups = "all"\n', 'default-groups is "all", which would install all'),
    "odd default groups": ("[tool.uv]\ndefault-groups = 1\n", "tool.uv.default-groups is not an array"),
    "odd conflicts": ("[tool.uv]\nconflicts = 1\n", "conflicts is not an array"),
    "odd uv": ("[tool]\nuv = 1\n", "nothing was written"),
}

REFUSED = {
    "an index for torch": (
        '[tool.uv.sources]\ntorch = { index = "pytorch-cu126" }\n',
        "already sets where torch comes from",
    ),
    "an index that shadows PyPI": (
        '[[tool.uv.index]]\nname = "p"\nurl = "https://download.pytorch.org/whl/cu126"\n',
        "https://download.pytorch.org/whl/cu126 is named (tool.uv.index in ",
    ),
    "a group of the user's": (
        '[dependency-groups]\ntorch-cu126 = ["torch==2.13.0+cu126"]\n',
        "the group torch-cu126 already exists, and torch-auto did not write it",
    ),
    "a group spelled otherwise": (
        '[dependency-groups]\nTorch_CPU = [{ include-group = "dev" }]\ndev = []\n',
        "the group Torch_CPU already exists",
    ),
    "torch pinned by the project": (
        'dependencies = ["torch==2.8.0"]\n',
        "dependencies: torch==2.8.0 excludes 2.13.0+cpu; write torch without a version, since the groups pin it",
    ),
    "torch pinned by an extra": (
        '[project.optional-dependencies]\ngpu = ["torch==2.13.0+cu126"]\n',
        "the extra gpu: torch==2.13.0+cu126 excludes 2.13.0+cpu",
    ),
    "torch pinned by a group": (
        '[dependency-groups]\nx = ["torch<2.9"]\n',
        "the group x: torch<2.9 excludes 2.13.0+cpu",
    ),
    "torch from a URL": (
        'dependencies = ["torch @ https://x.example/torch-2.13.0-py3-none-any.whl"]\n',
        "dependencies: torch @ https://x.example/torch-2.13.0-py3-none-any.whl excludes the groups' builds",
    ),
    "an override": (
        '[tool.uv]\noverride-dependencies = ["torch==2.8.0"]\n',
        "tool.uv.override-dependencies: torch==2.8.0 excludes",
    ),
    "old Pythons": (
        'requires-python = ">=3.9"\n',
        (
            'requires-python is ">=3.9", and torch 2.13.0 has nothing for Python 3.9: uv would fail. '
            "Change requires-python, or take torch 2.8.0: `"
        ),
    ),
    "new Pythons": (
        'requires-python = ">=3.15"\n',
        'requires-python is ">=3.15", and torch 2.13.0 has nothing for Python 3.15: uv would fail. ',
    ),
    "dynamic dependencies": (
        'dynamic = ["dependencies"]\n',
        "the dependencies of [project] are dynamic: add torch-auto where they come from",
    ),
    "a torch backend for all": (
        '[tool.uv.config-settings-package]\ntorch-auto = { backend = "cu126" }\n',
        "gives torch-auto backend = 'cu126', so no machine can choose; remove that setting",
    ),
}


@pytest.mark.parametrize("name", [*NEVER, *REFUSED])
def test_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands against it is named, and nothing is written; --force gets past what uv could still live with."""
    extra, message = {**NEVER, **REFUSED}[name]
    path = made(tmp_path, PROJECT + extra)
    assert run(tmp_path, *OPTIONS) == 2
    assert message in capsys.readouterr().err
    assert path.read_text("utf-8") == PROJECT + extra
    assert run(tmp_path, *OPTIONS, "--force") == (2 if name in NEVER else 0)
    assert (path.read_text("utf-8") == PROJECT + extra) == (name in NEVER)


def test_torch_beside_the_groups(tmp_path: Path) -> None:
    """A dependency on torch that leaves room for the groups is no reason to refuse."""
    extra = 'dependencies = ["torch", "torch>=2.9"]\n[dependency-groups]\nx = ["torch==2.13.0", "torch==2.13.*"]\n'
    made(tmp_path, PROJECT + extra)
    assert run(tmp_path, *OPTIONS) == 0


def test_a_group_that_is_included(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A group that another one includes does not go unsaid."""
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS) == 0
    text = path.read_text("utf-8") + "\n[tool.x]\n"
    text = text.replace("dev = []\n", 'dev = []\ntrain = [{ include-group = "torch-cu126" }]\n')
    path.write_text(text, "utf-8")
    assert run(tmp_path, "--backends", "cu130") == 2
    assert "the group train includes torch-cu126, which would be removed" in capsys.readouterr().err
    assert path.read_text("utf-8") == text
    assert run(tmp_path, "--releases", "2.12.1", "--backends", "cu126") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the fake uv is a shell script")
def test_an_old_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A uv before 0.13 has no cache entry of its own for the setting: that is said, and nothing is written."""
    (tmp_path / "old").mkdir()
    monkeypatch.setenv("UV", fake_uv(tmp_path / "old", "0.12.3"))
    path = made(tmp_path, PROJECT)
    assert run(tmp_path, *OPTIONS) == 2
    assert "--portable needs uv 0.13 or newer, and this is uv 0.12.3" in capsys.readouterr().err
    assert path.read_text("utf-8") == PROJECT
    assert run(tmp_path, *OPTIONS, "--force") == 0


def test_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a pyproject.toml, or a [project] in it, the command says what is missing."""
    assert run(tmp_path) == 2
    assert "`uv init` makes one" in capsys.readouterr().err
    made(tmp_path, "[tool.uv]\npackage = false\n")
    assert run(tmp_path) == 2
    assert "does not have [project]" in capsys.readouterr().err


# --- workspaces ----------------------------------------------------------------------------------------------------

WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'


def test_a_member_of_a_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A member gets the groups, and the root the settings, which uv reads nowhere else; a second member is refused."""
    root = made(tmp_path, PROJECT + WORKSPACE)
    one = made(tmp_path / "packages" / "one", PROJECT)
    two = made(tmp_path / "packages" / "two", PROJECT)
    for _ in range(2):
        assert run(one.parent, *OPTIONS) == 0
        assert one.read_text("utf-8") == f"{PROJECT}{DEPENDENCIES}{NEW_GROUPS}\n[tool.uv]\n{DEFAULT}{CONFLICTS}"
        assert root.read_text("utf-8") == f"{PROJECT}{WORKSPACE}\n[tool.uv]\n{CONFIG}{INDEX}"
    capsys.readouterr()
    for folder in (two.parent, tmp_path):
        assert run(folder, *OPTIONS) == 2
        assert f"{one} has torch groups already" in capsys.readouterr().err
    assert two.read_text("utf-8") == PROJECT


def test_the_root_of_a_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A root that is a project gets it all; one that is none has no name for conflicts, and sends to a member."""
    root = made(tmp_path, PROJECT + WORKSPACE)
    made(tmp_path / "packages" / "one", PROJECT)
    assert run(tmp_path, *OPTIONS) == 0
    assert names(root) == ["torch-cpu", "torch-cu126"]
    made(tmp_path, WORKSPACE)
    assert run(tmp_path, *OPTIONS) == 2
    assert " init --portable --project DIR" in capsys.readouterr().err


# --- any pyproject.toml ---------------------------------------------------------------------------------------------

SOME = st.sampled_from(["numpy", "zarr", "torch-auto", "a # b", "[tool.uv]", "é"])
SETS = st.lists(st.sampled_from([{"extra": "a"}, {"extra": "b"}, {"group": "x"}]), min_size=2, max_size=3)
UV_TABLES = st.fixed_dictionaries(
    {},
    optional={
        "package": st.booleans(),
        "conflicts": st.lists(SETS, max_size=2),
        "default-groups": st.lists(st.sampled_from(["dev", "x"]), max_size=2, unique=True),
        "find-links": st.lists(st.just("https://a.example/"), max_size=1),
        "config-settings-package": st.dictionaries(st.sampled_from(["numpy", "torch-auto"]), st.just({"a": "b"})),
        "sources": st.just({"numpy": {"index": "o"}}),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"project": st.fixed_dictionaries({"name": st.just("x")}, optional={"dependencies": st.lists(SOME, max_size=3)})},
    optional={
        "dependency-groups": st.dictionaries(st.sampled_from(["dev", "x", "torch"]), st.lists(SOME, max_size=2)),
        "tool": st.fixed_dictionaries({}, optional={"uv": UV_TABLES, "x": st.just({"y": ["["]})}),
    },
)


def array(value: Sequence[Any], *, long: bool) -> str:
    if not long or not value:
        return inline(list(value))
    return (
        "[\n"
        + "".join(f"  {array(item, long=True) if isinstance(item, list) else inline(item)}, # c\n" for item in value)
        + "]"
    )


def document(data: dict[str, Any], depth: int, *, long: bool, prefix: str = "") -> str:
    """TOML with headers down to a depth and inline tables below, arrays on one line or over several."""
    plain = {key: value for key, value in data.items() if not (isinstance(value, dict) and depth)}
    lines = []
    for key, value in plain.items():
        lines.append(f"{key} = {array(value, long=long) if isinstance(value, list) else inline(value)} # c")
    for key, value in data.items():
        if key not in plain:
            lines += [f"# t\n[{prefix}{key}]", document(value, depth - 1, long=long, prefix=f"{prefix}{key}.")]
    return "\n".join(lines)


def some_groups(*backends: str, default: str = "cpu") -> Wanted:
    groups = tuple(group_of("2.13.0", item) for item in backends)
    requirements = {item.name: (f"torch=={item.version}; sys_platform == 'linux'",) for item in groups}
    return Wanted(groups, requirements, (f"{PAGES}/torch/",), default)


def edited(text: str, wanted: Wanted) -> str:
    file = Text(os.path.join(os.sep, "nowhere", "pyproject.toml"))
    file.after = text
    edit(file, file, wanted)
    return file.after


def without_ours(data: dict[str, Any]) -> dict[str, Any]:
    """The content without what is ours, and without what is empty then."""
    ours = [item.key for item in written(data)]
    project, tool = dict(data["project"]), dict(data.get("tool", {}))
    project["dependencies"] = [item for item in project.get("dependencies", []) if item != "torch-auto"]
    groups = {key: value for key, value in data.get("dependency-groups", {}).items() if key not in ours}
    uv = dict(tool.get("uv", {}))
    uv["conflicts"] = [item for item in uv.get("conflicts", []) if {"group": "torch-cpu"} not in item]
    uv["default-groups"] = [item for item in uv.get("default-groups", []) if item not in ours]
    uv["index"] = [item for item in uv.get("index", []) if not item["url"].startswith(PAGES)]
    config = {key: dict(value) for key, value in uv.get("config-settings-package", {}).items()}
    config.get("torch-auto", {}).pop("groups", None)
    uv["config-settings-package"] = {key: value for key, value in config.items() if value}
    if "default-groups" not in data.get("tool", {}).get("uv", {}) or uv["default-groups"] == ["dev"]:
        uv["default-groups"] = []  # uv's own default, written out
    if not groups.get("dev", True):
        del groups["dev"]
    tool["uv"] = {key: value for key, value in uv.items() if value not in ([], {})}
    return {"project": project, "groups": groups, "tool": {key: value for key, value in tool.items() if value != {}}}


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.integers(0, 4), st.booleans(), st.booleans())
def test_any_project(data: dict[str, Any], depth: int, long: bool, crlf: bool) -> None:
    """Whatever the file is like, all of it stays in its bytes and order, and other groups and back change no more."""
    text = document(data, depth, long=long) + "\n"
    text = text.replace("\n", "\r\n") if crlf else text
    start = without_ours(tomllib.loads(text))
    wanted = some_groups("cpu", "cu126")
    try:
        found = edited(text, wanted)
    except NoPlaceError:
        assert not depth  # all in one inline table
        return
    rest = iter(found)
    assert all(character in rest for character in text)
    assert edited(found, wanted) == found
    others = edited(found, some_groups("cpu", "rocm7.1", "xpu", default="all"))
    for content in map(tomllib.loads, (found, others, edited(others, wanted))):
        assert without_ours(content) == start
        assert {"group": "torch-cpu"} in content["tool"]["uv"]["conflicts"][-1]
    names = [item.group.name for item in written(tomllib.loads(others))]
    assert sorted(names) == ["torch-cpu", "torch-rocm7-1", "torch-xpu"]


# --- real uv -----------------------------------------------------------------------------------------------------


class Team:
    """A project in a sandbox, with the command run in it and real uv."""

    def __init__(self, uv: Frontend, folder: Path, index: TorchIndex) -> None:
        self._uv, self.folder, self._index = uv, folder, index

    def init(self, *options: str) -> None:
        assert run(self.folder, "--index-url", self._index.whl, *options) == 0

    def uv(self, *args: str) -> str:
        """What uv says of itself, on stderr."""
        return self._uv.run(args, cwd=self.folder).stderr

    def torch(self) -> set[str]:
        return {item.version for item in read_lock(self.folder)["torch"]}


@pytest.fixture
def team(uv: Frontend, sandbox: Sandbox, published: TorchIndex, monkeypatch: pytest.MonkeyPatch) -> Team:
    if tuple(map(int, uv.version.split(".")[:2])) < (0, 13):
        pytest.skip("uv before 0.13 keeps one cache entry for all settings")
    monkeypatch.setenv("UV", str(uv.tool.executable))
    return Team(uv, sandbox.project(["numpy"]), published)


@pytest.mark.frontend
def test_one_lock_holds_them_all(team: Team) -> None:
    """After init, `uv lock` gives a lock of every torch backend, with hashes, that `uv lock --check` passes."""
    team.init("--releases", "2.13.0", "--backends", "cu126,cu130,rocm7.1,xpu")
    team.uv("lock")
    assert {f"2.13.0+{item}" for item in ("cpu", "cu126", "cu130", "rocm7.1", "xpu")} <= team.torch()
    assert team.torch() <= {"2.13.0", *(f"2.13.0+{item}" for item in ("cpu", "cu126", "cu130", "rocm7.1", "xpu"))}
    locked = tomllib.loads((team.folder / "uv.lock").read_text("utf-8"))
    [torch_auto] = [item for item in locked["package"] if item["name"] == "torch-auto"]
    assert "torch" not in [item["name"] for item in torch_auto.get("dependencies", [])]
    for package in locked["package"]:
        assert all(wheel["hash"].startswith("sha256:") for wheel in package.get("wheels", []))
    team.uv("lock", "--check")
    assert " + torch==2.13.0+cpu\n" in team.uv("sync", "--locked", "--dry-run")
    others = ("--no-group", "torch-cpu", "--group", "torch-rocm7-1")
    assert " + torch==2.13.0+rocm7.1\n" in team.uv("sync", "--locked", "--dry-run", *others)


@pytest.mark.frontend
def test_uv_keeps_development_dependencies(team: Team) -> None:
    """What `uv add --dev` adds after init is a default group as ever, and groups of another release lock again."""
    team.init("--releases", "2.13.0", "--backends", "cu126")
    team.uv("add", "--no-sync", "--dev", "packaging")
    assert " + packaging==" in team.uv("sync", "--dry-run")
    team.init("--releases", "2.14.1", "--backends", "cu130", "--default", "all")
    team.uv("lock")
    assert {"2.14.1+cpu", "2.14.1+cu130"} <= team.torch()
    assert not any(version.startswith("2.13.0") for version in team.torch())


@pytest.mark.frontend
def test_uv_in_a_workspace(team: Team) -> None:
    """uv reads what was written for a member of a workspace where it was written."""
    root = team.folder
    team.folder = root / "packages" / "one"
    made(team.folder, f'{PROJECT}requires-python = ">=3.11"\n')
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text("utf-8") + WORKSPACE, "utf-8")
    team.init("--releases", "2.13.0", "--backends", "cu126", "--with", "vision")
    team.uv("lock")
    assert " + torch==2.13.0+cpu\n" in team.uv("sync", "--dry-run")
    said = team.uv("sync", "--dry-run", "--no-group", "torch-cpu", "--group", "torch-cu126")
    assert " + torch==2.13.0+cu126\n" in said
    assert "+cu126\n" in said.split(" + torchvision==")[1]
    team.uv("lock", "--check")
