"""What ``check`` says where something is rare or odd, by nothing but files: each situation is built in a moment."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from support import machines

from torch_auto.cli import main
from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, torch_of
from torch_auto.cli.check.findings import all_findings
from torch_auto.cli.check.outcome import look_again
from torch_auto.cli.check.report import rows
from torch_auto.cli.check.situation import Where, survey
from torch_auto.cli.check.standing import public_backend
from torch_auto.machine_file import machine_from_json
from unit.cli.fake_environment import FakeEnvironment, decision_for
from unit.data import CATALOG

if TYPE_CHECKING:
    from pathlib import Path

    from torch_auto.cli.check.situation import Situation

PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["torch-auto"]\n'
WHL = "https://download.pytorch.org/whl"
LOCK = """\
version = 1

[[package]]
name = "numpy"
version = "1.26.3"
source = {{ registry = "https://download.pytorch.org/whl/cpu" }}

[[package]]
name = "torch"
version = "{torch}"
source = {{ registry = "https://download.pytorch.org/whl/cpu/" }}

[[package]]
name = "torch-auto"
version = "{torch_auto}"
source = {{ registry = "https://index.example/simple" }}
dependencies = [{{ name = "torch" }}]
"""
P100_AND_5090 = machines.with_nvidia("580.65.06", machines.RTX5090, machines.P100)


BY_HAND = (
    " torch-auto 2.14.1 does not allow it: it was installed by hand, or uv took what its cache holds of another "
    "machine's torch-auto."
)


class Place:
    """A folder of a project, or of none, with an environment of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = FakeEnvironment.make(folder / ".venv")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def on(self, machine: machines.Machine, **variables: str) -> Situation:
        """What a machine finds there."""
        self.write("machine.json", json.dumps(machine))
        return survey(self.where(**variables))

    def where(self, **variables: str) -> Where:
        """Where the command is told to look."""
        given = {"machine": str(self.folder / "machine.json")}
        return Where(str(self.folder), {"HOME": str(self.folder), **variables}, given, str(self.env.prefix))

    def look(self, machine: machines.Machine, **variables: str) -> dict[str, Finding]:
        """The findings there by what was looked at."""
        return {finding.check: finding for finding in all_findings(self.on(machine, **variables))}

    def groups(self, monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
        """Make it a project with torch groups of 2.13.0."""
        self.write("pyproject.toml", PROJECT)
        self.write("machine.json", json.dumps(machines.cpu()))
        for name in [name for name in os.environ if name.startswith(("UV", "TORCH_AUTO_", "VIRTUAL_ENV"))]:
            monkeypatch.delenv(name)
        words = ["--releases", "2.13.0", "--backends", "cpu,cu126", "--force", *options]
        assert main(["init", "--portable", "--project", str(self.folder), *words]) == 0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder without a project."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return Place(folder)


# --- the lock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lock", "code", "commands", "text"),
    [
        (
            LOCK.format(torch="2.14.1+cpu", torch_auto="2.99.0"),
            "lock.unknown",
            False,
            "It holds torch-auto 2.99.0, which this command does not know.",
        ),
        (
            LOCK.format(torch="2.14.1+cpu", torch_auto="2.14.1").replace('"torch"', '"other"'),
            "lock.no-torch",
            True,
            "It does not hold a torch for this machine.",
        ),
    ],
)
def test_what_a_lock_holds(lock: str, code: str, text: str, place: Place, *, commands: bool) -> None:
    """A lock that cannot be used is told with both ways out, and one that is not understood is left alone."""
    place.write("pyproject.toml", f'{PROJECT}\n[tool.uv]\nfind-links = ["{WHL}/torch/"]\n')
    place.write("uv.lock", lock)
    place.env.install_torch_auto(machines.a100_550(), "2.14.1")
    found = place.look(machines.a100_550())["uv.lock"]
    assert (found.code, found.text) == (code, text)
    assert found.commands == (("torch-auto refresh",) if commands else ())
    assert found.otherwise == (("torch-auto init --portable", "uv lock", "torch-auto sync") if commands else ())


def test_one_lock_for_all_without_groups(place: Place) -> None:
    """Where the tool's lock has no groups, the way is lock files of PEP 751."""
    place.write("requirements.txt", "torch-auto\n")
    assert place.on(machines.cpu()).for_all == ("torch-auto lock --portable", "torch-auto sync")


@pytest.mark.parametrize(
    ("locked", "whence"),
    [
        ("2.13.0+cu126", " The lock has it from another machine, or from before a change of this one."),
        ("2.12.0+cu126", BY_HAND),
    ],
)
def test_whence_a_torch_came(locked: str, whence: str, place: Place) -> None:
    """A torch that the installed torch-auto does not allow is the lock's, or was brought otherwise."""
    place.write("pyproject.toml", f'{PROJECT}\n[tool.uv]\nfind-links = ["{WHL}/torch/"]\n')
    place.write("uv.lock", LOCK.format(torch=locked, torch_auto="2.14.1"))
    place.env.install_torch_auto(machines.a100_550(), "2.14.1")
    place.env.install_torch("2.13.0+cu126")
    found = place.look(machines.a100_550())["torch"]
    assert found.code == "torch.other"
    assert found.text == (
        f"torch 2.13.0+cu126 is installed and works here, and torch-auto 2.14.1 requires torch 2.14.1+cu126.{whence}"
    )
    assert found.commands == (() if "lock" in whence else ("torch-auto refresh",))


# --- pages that hide PyPI ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lock", "said", "commands"),
    [
        (None, "", ()),
        (
            LOCK.format(torch="2.14.1+cpu", torch_auto="2.14.1"),
            " The lock holds numpy from there.",
            ("uv lock --upgrade-package numpy", "uv sync --inexact"),
        ),
    ],
)
def test_an_index_that_hides_pypi(lock: str | None, said: str, commands: tuple[str, ...], place: Place) -> None:
    """`add` takes the project's own away, and what a lock holds of others from there is locked again."""
    place.write("pyproject.toml", f'{PROJECT}\n[[tool.uv.index]]\nurl = "{WHL}/cpu"\n')
    if lock is not None:
        place.write("uv.lock", lock)
    found = place.look(machines.cpu())["index"]
    assert (found.code, found.status) == ("pages.hide-pypi", WARN)
    assert found.text.startswith(f"The index {WHL}/cpu is named (")
    assert found.text.endswith(f"years-old numpy among them.{said}")
    assert found.commands == ("torch-auto add", *commands)


def test_an_index_of_a_variable_that_hides_pypi(place: Place) -> None:
    """What the project does not name is the user's to take away: a sentence, and no command."""
    place.write("pyproject.toml", PROJECT)
    found = place.look(machines.cpu(), UV_INDEX=f"{WHL}/cpu")["index"]
    assert (found.code, found.commands) == ("pages.hide-pypi", ())
    assert found.text.endswith(" Unset UV_INDEX.")


# --- what is installed ---------------------------------------------------------------------------------------------


def test_a_torch_auto_that_is_newer_than_the_command(place: Place) -> None:
    """Nothing is compared with a release that the catalog lacks."""
    place.env.install("torch-auto", "2.99.0")
    found = place.look(machines.cpu())["torch-auto"]
    assert (found.code, found.status) == ("torch-auto.unknown", WARN)
    assert found.text.startswith("2.99.0 is installed, a release that this command (catalog of ")


@pytest.mark.parametrize(("version", "numpy"), [("2.99.0+cu126", "2.3.5"), ("2.14.1+cu999", "2.3.5")])
def test_a_torch_that_nobody_knows(version: str, numpy: str, place: Place) -> None:
    """A build or a release that the catalog lacks is no fault, and neither is what is beside it."""
    place.env.install_torch(version)
    place.env.install("numpy", numpy)
    found = place.look(machines.a100_550())
    assert (found["torch"].code, found["torch"].status) == ("torch.unknown", OK)
    assert "numpy" not in found


def test_pypis_build_of_a_release_that_nobody_knows() -> None:
    """Its torch backend is unknown; that of another is said by its local version, or by the catalog."""
    on = machine_from_json(machines.cpu())
    found = [public_backend(version, on, CATALOG) for version in ("2.99.0", "2.99.0+cu126", "2.14.1")]
    assert found == [None, "cu126", "cu130"]


def test_a_lesser_gpu_is_used_alone(place: Place) -> None:
    """A build that runs on the P100, and not on the RTX 5090 beside it, is told with what would use that."""
    place.env.install_torch_auto(machines.p100_580(), "2.14.1")
    place.env.install_torch("2.14.1+cu126")
    found = place.look(P100_AND_5090)["torch"]
    assert (found.code, found.status) == ("torch.partly", WARN)
    assert found.text.startswith("torch 2.14.1+cu126 is installed, and runs on another GPU. It has no code for NVIDIA")
    assert found.text.endswith(" torch 2.15.0+cu132 would use it.")
    assert found.commands == ("torch-auto refresh",)


def test_a_gpu_that_needs_another_python(place: Place) -> None:
    """A V100 on driver 470 is used by releases that have no wheels for Python 3.14."""
    (place.env.prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.14.0\n", "utf-8")
    found = place.look(machines.v100_470())["machine"]
    assert (found.code, found.status, found.commands) == ("machine.python", WARN, ())
    assert found.text.startswith("torch cannot use the GPU. ")
    assert "3.14" in found.text


@pytest.mark.parametrize(("release", "code"), [("2.14.1", "companion.ok"), ("2.8.0", "companion.release")])
def test_a_torchaudio_that_requires_no_torch(release: str, code: str, place: Place) -> None:
    """Where METADATA is silent the catalog says what goes together."""
    place.env.install_torch(f"{release}+cu126")
    place.env.install("torchaudio", "2.11.0+cu126")
    assert place.look(machines.a100_550())["torchaudio"].code == code


def test_a_torchvision_of_its_own_release(place: Place) -> None:
    """A torchvision without requirements that was made for this torch goes with it."""
    place.env.install_torch("2.9.1+cu126")
    place.env.install("torchvision", "0.24.1+cu126")
    assert place.look(machines.a100_550())["torchvision"].code == "companion.ok"


def test_a_setting_of_another_version(place: Place) -> None:
    """A record with a setting that is none here, as of a newer core, is passed over."""
    place.env.install_torch_auto(machines.cpu(), "2.14.1", {"backend": "cpu"})
    record = json.loads(place.env.record.read_text("utf-8"))
    record["settings"]["backend"]["value"] = "cu99999"
    place.env.record.write_text(json.dumps(record), "utf-8")
    place.env.install_torch("2.14.1+cpu")
    situation = place.on(machines.cpu())
    assert (situation.settings.backend, situation.notes) == ("auto", ())


# --- torch groups --------------------------------------------------------------------------------------------------


def test_a_machine_without_a_group(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Alpine Linux none can be used, and nothing is advised."""
    place.groups(monkeypatch)
    found = place.look(machines.musl())["machine"]
    assert (found.code, found.status, found.commands) == ("group.none", FAIL, ())
    assert ": no torch group can be used here. " in found.text


@pytest.mark.parametrize(
    ("requires", "code", "status"), [(("torch==2.13.0",), "group.requires-torch", FAIL), ((), "group.record", WARN)]
)
def test_a_torch_auto_without_the_groups(
    requires: tuple[str, ...], code: str, status: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was built without them: it brings a torch of its own, or cannot say at import what is right."""
    place.groups(monkeypatch)
    place.env.install("torch-auto", "2.15.0", requires)
    found = place.look(machines.a100_550())["torch-auto"]
    assert (found.code, found.status, found.commands) == (code, status, ("torch-auto refresh",))
    assert found.text.startswith("2.15.0 was built without the project's groups, and ")


def test_the_torch_of_another_group(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that works and is not the group's is told with what the group pins; its torchvision too."""
    place.groups(monkeypatch, "--with", "vision")
    place.env.install_torch("2.13.0+cu126")
    place.env.install("torchvision", "0.27.0+cpu")
    found = place.look(machines.cpu())
    assert found["torch"].code == "torch.other"
    assert found["torch"].text == "torch 2.13.0+cu126 is installed and works here, and its group pins 2.13.0+cpu."
    assert found["torchvision"].commands == ("uv lock --upgrade-package torchvision", "uv sync --inexact")


def test_a_torch_for_the_cpu_where_no_group_has_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what the groups ask for on this GPU: a warning, with the group that would use it."""
    place.groups(monkeypatch)
    place.env.install_torch("2.13.0+cpu")
    found = place.look(machines.mi300())["torch"]
    assert (found.code, found.status) == ("torch.cpu-asked", WARN)
    assert found.commands[0] == "torch-auto init --portable --releases 2.13.0 --backends cpu,cu126,rocm7.2"


def test_a_lock_of_all_groups(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is well where it holds the torch of each."""
    place.groups(monkeypatch)
    entries = "".join(
        f'torch-{item} = [{{ name = "torch", version = "2.13.0+{item}" }}]\n' for item in ("cpu", "cu126")
    )
    lock = f'version = 1\n[[package]]\nname = "x"\nversion = "1"\n[package.dev-dependencies]\n{entries}'
    place.write("uv.lock", lock)
    found = place.look(machines.cpu())["uv.lock"]
    assert (found.code, found.text) == ("lock.ok", "It holds all groups: torch-cpu, torch-cu126.")


@pytest.mark.parametrize(
    ("installed", "codes"),
    [
        (False, {"machine": "group.ok", "torch-auto": "torch-auto.absent", "torch": "torch.missing"}),
        (True, {"machine": "group.ok", "torch-auto": "group.requires-torch", "torch": "torch.missing"}),
    ],
)
def test_groups_that_are_lock_files(installed: bool, codes: dict[str, str], place: Place) -> None:
    """Lock files of PEP 751 say where every file is, so no page is missed; `sync` finds the environment again."""
    for name in ("cpu", "cu126"):
        place.write(f"pylock.torch-{name}.toml", f'[[packages]]\nname = "torch"\nversion = "2.13.0+{name}"\n')
    if installed:
        place.env.install("torch-auto", "2.13.0", ("torch==2.13.0",))
    situation = place.on(machines.a100_550())
    found = {finding.check: finding for finding in all_findings(situation)}
    assert {name: item.code for name, item in found.items()} == {**codes, "lock files": "lock.ok"}
    assert found["lock files"].text == (
        "pylock.torch-cpu.toml, pylock.torch-cu126.toml: this machine's is that of torch-cu126."
    )
    assert (situation.all_named, situation.more_groups) == (True, ())


# --- what is printed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (
            "100",
            [
                "  warn  uv.lock  It is another's.",
                "                 -> a && b",
                "                 or, for every machine: first && second",
            ],
        ),
        (
            "55",  # as many as the longest line has
            [
                "  warn  uv.lock  It is another's.",
                "                 -> a && b",
                "                 or, for every machine: first && second",
            ],
        ),
        (
            "54",
            [
                "  warn  uv.lock  It is another's.",
                "                 -> a && b",
                "                 or, for every machine:",
                "                    first &&",
                "                    second",
            ],
        ),
    ],
)
def test_a_finding_in_lines(columns: str, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands for all machines are on the line, or where it is too narrow on one each, as a shell takes them."""
    monkeypatch.setenv("COLUMNS", columns)
    finding = Finding("lock.other-machine", "uv.lock", WARN, "It is another's.", ("a", "b"), ("first", "second"))
    assert rows([finding], colour=False) == lines


def test_a_code_with_a_status_that_it_does_not_have() -> None:
    """Is a mistake of ours, and not printed."""
    with pytest.raises(ValueError, match=r"torch\.ok is not a code of the status fail"):
        Finding("torch.ok", "torch", FAIL, "")


def test_what_a_release_that_is_not_for_the_machine_gives() -> None:
    """No version of it is named."""
    assert torch_of(decision_for(machines.musl(), "2.14.1").plan) == "another release than 2.14.1"
    assert torch_of(decision_for(machines.a100_550(), "2.14.1").plan) == "torch 2.14.1+cu126"


@pytest.mark.parametrize(
    ("torch", "status", "said"),
    [
        ("2.14.1+cu126", 0, "Done. `torch-auto check` is content.\n"),
        ("2.13.0+cu126", 0, "Done, and this is left:\n  warn  torch"),
        ("2.14.1+cpu", 1, "Done, and this is left:\n  fail  torch"),
    ],
)
def test_looking_again(torch: str, status: int, said: str, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """After commands were run, what is still not well is told, and only what does not work is a failure."""
    place.write("pyproject.toml", f'{PROJECT}\n[tool.uv]\nfind-links = ["{WHL}/torch/"]\n')
    place.write("machine.json", json.dumps(machines.a100_550()))
    place.env.install_torch_auto(machines.a100_550(), "2.14.1")
    place.env.install_torch(torch)
    assert look_again(place.where()) == status
    out, err = capsys.readouterr()
    assert (out, err.startswith(said)) == ("", True), err
