"""A published torch-auto, built as a frontend builds it: by the core, on the oldest Python, without costly imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.dists import dists
from support.hooks import unpack

from torch_auto.decide import Decision, decide
from torch_auto.metadata import wheel_metadata
from torch_auto.record import record_text
from torch_auto.settings import read
from unit.data import CATALOG
from unit.groups import THREE
from unit.machines import MACHINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"

#: Calls hooks one after another, and says what they answered and what was loaded before and after.
CALL = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import torch_auto.backend
answers = [getattr(torch_auto.backend, hook)(*arguments) for hook, arguments in eval(sys.argv[2])]
loaded = set(sys.modules)
import json
print(json.dumps([answers, sorted(before), sorted(loaded - before)]))
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installed torch-auto-core, of its wheel."""
    folder = tmp_path_factory.mktemp("core")
    [wheel] = dists().glob("torch_auto_core-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An unpacked sdist of torch-auto 2.2.2, which is for Python 3.8 and newer."""
    return unpack(dists() / "torch_auto-2.2.2.tar.gz", tmp_path / "source")


def call(
    python: Path, core: Path, tree: Path, *calls: tuple[str, list[Any]], **variables: str
) -> tuple[list[str], set[str], set[str]]:
    """What the hooks answered, the modules that Python itself loads, and those that the hooks loaded."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TORCH_AUTO_", "UV_"))}
    command = [str(python), "-I", "-S", "-B", "-c", CALL, str(core), repr(list(calls))]
    done = subprocess.run(command, cwd=tree, env={**clean, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers, before, loaded = json.loads(done.stdout.splitlines()[-1])
    return answers, set(before), set(loaded)


PREPARE = "prepare_metadata_for_build_wheel"


@pytest.mark.parametrize("version", ["3.8", OWN])
@pytest.mark.parametrize("name", ["cpu", "a100-550", "mi300", "macos-arm64"])
def test_metadata_is_prepared_on_the_oldest_python(
    version: str, name: str, interpreter: Callable[[str], Path], core: Path, tree: Path, tmp_path: Path
) -> None:
    """METADATA and record are those of the decision, byte for byte; neither typing nor dataclasses is imported."""
    file, folder = tmp_path / "machine.json", tmp_path / "prepared"
    file.write_text(json.dumps(machines.MACHINES[name]), "utf-8")
    variables = {"TORCH_AUTO_MACHINE": str(file)}
    answers, before, loaded = call(interpreter(version), core, tree, (PREPARE, [str(folder)]), **variables)
    assert answers == ["torch_auto-2.2.2.dist-info"]
    settings = read(CATALOG, {}, variables)
    plan = decide(CATALOG.release("2.2.2"), MACHINES[name], settings, CATALOG)
    made = folder / answers[0]
    assert sorted(path.name for path in made.iterdir()) == ["METADATA", "torch_auto.json"]
    pkg_info = (tree / "PKG-INFO").read_bytes().decode()
    assert (made / "METADATA").read_bytes().decode() == wheel_metadata(pkg_info, plan)
    decision = Decision(plan, MACHINES[name], settings, CATALOG)
    assert (made / "torch_auto.json").read_bytes().decode() == record_text(decision)
    costly = {"typing", "dataclasses", "inspect", "pathlib", "packaging", "hatchling", "email", "zipfile", "tempfile"}
    assert not costly & before  # Python itself loads none of them, so that the next line says something
    assert not costly & loaded
    ours = {module for module in loaded if module.startswith("torch_auto.")}
    assert not ours & {"torch_auto.select.words", "torch_auto.select.choose_group", "torch_auto.newest"}
    assert not [
        module for module in ours if module.startswith(("torch_auto.cli", "torch_auto.fleet", "torch_auto.detect"))
    ]


def test_this_machine_is_looked_at_where_no_setting_names_one(
    interpreter: Callable[[str], Path], core: Path, tree: Path, tmp_path: Path
) -> None:
    """On Python 3.8, too; detection brings neither typing nor dataclasses along."""
    folder = tmp_path / "prepared"
    [name], _, loaded = call(interpreter("3.8"), core, tree, (PREPARE, [str(folder), None]))
    kept = json.loads((folder / name / "torch_auto.json").read_text("utf-8"))
    assert kept["machine"]["python"] == "3.8"
    assert kept["machine"]["evidence"]
    assert kept["settings"] == {}
    assert "torch_auto.detect" in loaded
    assert not {"typing", "dataclasses"} & loaded


def test_a_wheel_is_of_what_was_prepared(tree: Path, core: Path, tmp_path: Path) -> None:
    """build_wheel takes the prepared folder as it is, and looks at no machine again; alone, it prepares by itself."""
    prepared, wheels = tmp_path / "prepared", tmp_path / "wheels"
    for name in ("mi300", "a100-550"):
        (tmp_path / f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")

    def hooks(*calls: tuple[str, list[Any]], machine: str) -> list[str]:
        command = [sys.executable, "-c", CALL, str(core), repr(list(calls))]
        variables = {**os.environ, "TORCH_AUTO_MACHINE": str(tmp_path / f"{machine}.json")}
        done = subprocess.run(command, cwd=tree, env=variables, capture_output=True, text=True, check=True)
        answers: list[str] = json.loads(done.stdout.splitlines()[-1])[0]
        return answers

    [dist_info] = hooks((PREPARE, [str(prepared), {"pin": "exact"}]), machine="mi300")
    # On what would be another machine, and with other settings: what was decided stays decided.
    [wheel] = hooks(("build_wheel", [str(wheels), {"backend": "cpu"}, str(prepared / dist_info)]), machine="a100-550")
    with zipfile.ZipFile(wheels / wheel) as archive:
        for name in ("METADATA", "torch_auto.json"):
            assert archive.read(f"{dist_info}/{name}") == (prepared / dist_info / name).read_bytes()
        assert sorted(archive.namelist()) == [
            f"{dist_info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE", "torch_auto.json")
        ]
    for hook in ("build_wheel", "build_editable"):
        [alone] = hooks((hook, [str(tmp_path / hook), {"pin": "exact"}]), machine="mi300")
        assert (tmp_path / hook / alone).read_bytes() == (wheels / wheel).read_bytes()
        assert [path.name for path in (tmp_path / hook).iterdir()] == [alone]


def test_with_groups_metadata_is_the_same_on_every_machine(
    interpreter: Callable[[str], Path], core: Path, tree: Path, tmp_path: Path
) -> None:
    """The record alone tells machines apart, and has the group of each."""
    texts, kept = set(), {}
    for name in ("a100-550", "macos-arm64"):
        (tmp_path / f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        variables = {"TORCH_AUTO_MACHINE": str(tmp_path / f"{name}.json"), "TORCH_AUTO_GROUPS": THREE}
        folder = tmp_path / name
        [dist_info], _, _ = call(interpreter(OWN), core, tree, (PREPARE, [str(folder)]), **variables)
        texts.add((folder / dist_info / "METADATA").read_text("utf-8"))
        kept[name] = json.loads((folder / dist_info / "torch_auto.json").read_text("utf-8"))
    assert len(texts) == 1
    assert kept["a100-550"]["decided"]["group"] == "torch-cu126"
    assert kept["macos-arm64"]["decided"]["group"] == "torch-cpu"
    assert kept["macos-arm64"]["machine"]["system"] == "macos"
