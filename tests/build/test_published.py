"""What is published: 28 sdists of two kB and the core; and the wheels that they give, through both doors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import dists as published_dists
from support import hooks, machines
from support.cache import REPOSITORY

from torch_auto import __version__, catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from support.frontends import Frontend, Sandbox

CATALOG = catalog.load()
RECORD = "*.dist-info/torch_auto.json"
METADATA = "*.dist-info/METADATA"


def headers(text: str | bytes) -> Message:
    """METADATA or PKG-INFO as a message."""
    return Parser().parsestr(text if isinstance(text, str) else text.decode())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, dists: Path) -> Path:
    """The sdist of 2.5.1, unpacked."""
    return hooks.unpack(dists / "torch_auto-2.5.1.tar.gz", tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def a100(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The setting that builds for an A100 with driver 550."""
    path = tmp_path_factory.mktemp("machine") / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    return {"machine": str(path)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, tree: Path, a100: dict[str, str]) -> Path:
    """The wheel of 2.5.1 for an A100 with driver 550."""
    return hooks.call("build_wheel", tree, tmp_path_factory.mktemp("wheel"), a100)


# --- sdists ----------------------------------------------------------------------------------------------------------


def test_every_release_has_an_sdist_with_its_own_facts(dists: Path) -> None:
    """28 sdists; each says its version, its release's Requires-Python, and that its requirements are dynamic."""
    found = sorted(path.name for path in dists.glob("torch_auto-*.tar.gz"))
    assert found == sorted(f"torch_auto-{release.version}.tar.gz" for release in CATALOG.releases)
    for release in CATALOG.releases:
        info = headers(hooks.sdist_file(dists / f"torch_auto-{release.version}.tar.gz", "PKG-INFO"))
        assert (info["Name"], info["Version"]) == ("torch-auto", release.version)
        assert info["Requires-Python"] == release.requires_python
        assert info.get_all("Requires-Dist") is None
        dynamic = info.get_all("Dynamic") or []
        assert {"Requires-Dist", "Provides-Extra", "Project-URL"} == set(dynamic)


def test_an_sdist_needs_the_core_to_build_and_nothing_else(tree: Path) -> None:
    """requires is torch-auto-core of this day or newer alone, and no hook asks for more before a wheel."""
    text = (tree / "pyproject.toml").read_text("utf-8")
    assert f'requires = ["torch-auto-core>={__version__}"]' in text
    code = "import torch_auto.backend as b; print(hasattr(b, 'get_requires_for_build_wheel'))"
    env = {**os.environ, "PYTHONPATH": str(published_dists.core())}
    done = subprocess.run([sys.executable, "-c", code], cwd=tree, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_all_sdists_together_are_small(dists: Path) -> None:
    """28 sdists have at most 140 kB, each at most 5 kB; the core's wheel has at most 320 kB."""
    sizes = [path.stat().st_size for path in dists.glob("torch_auto-*.tar.gz")]
    assert max(sizes) <= 5_000
    assert sum(sizes) <= 140_000
    [core] = dists.glob("torch_auto_core-*.whl")
    assert core.stat().st_size <= 360_000


# --- wheels ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the tag is told for Linux")
def test_the_wheel_is_this_platforms(wheel: Path) -> None:
    """The tag is linux_*, which PyPI does not take: what a build found is true on this machine alone."""
    assert re.fullmatch(r"torch_auto-2\.5\.1-py3-none-linux_\w+\.whl", wheel.name)
    info = hooks.wheel_file(wheel, "*.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: false" in info
    assert "Tag: py3-none-linux_" in info


def test_the_wheel_holds_metadata_and_the_record_alone(wheel: Path) -> None:
    """Five files: METADATA, WHEEL, RECORD, the licence, and the record of the decision."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(archive.namelist())
        modes = {item.external_attr >> 16 & 0o777 for item in archive.infolist()}
    expected = ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE", "torch_auto.json")
    assert names == [f"torch_auto-2.5.1.dist-info/{name}" for name in expected]
    assert modes == {0o644}


def test_the_wheels_metadata(wheel: Path) -> None:
    """The index is a Project-URL; beside the pins there is torch-auto-core, and the extras are there."""
    metadata = headers(hooks.wheel_file(wheel, METADATA))
    assert metadata.get_all("Project-URL") == ["PyTorch index, https://download.pytorch.org/whl/cu124"]
    requirements = metadata.get_all("Requires-Dist") or []
    plain = [item for item in requirements if "extra ==" not in item]
    assert plain[0] == "torch-auto-core"
    assert {re.split("[=!;]", item)[0] for item in plain[1:]} == {"torch"}
    assert metadata.get_all("Provides-Extra") == ["vision", "audio"]


def test_the_wheels_record(wheel: Path) -> None:
    """The record says which machine, what was decided for it, why, and what each Python accepts, as data."""
    record = json.loads(hooks.wheel_file(wheel, RECORD))
    assert (record["version"], record["core"]) == (2, __version__)
    assert record["machine"]["accelerators"][0]["driver_version"] == "550.54.14"
    decided = record["decided"]
    assert (decided["torch"], decided["torch_backend"], decided["accelerated"]) == ("2.5.1+cu124", "cu124", True)
    assert decided["device"]["compute_capability"] == "8.0"
    assert decided["pages"] == ["https://download.pytorch.org/whl/torch/"]
    assert [reason["code"] for reason in decided["reasons"]][:2] == ["chosen-for", "best-build"]
    assert {item["torch_backend"] for item in decided["rejected"]} >= {"cpu", "cu118", "cu121"}
    assert record["accepted"]["3.11"] == ["2.5.1+cu124", "2.5.1"]
    assert {"2.5.1+cu124", "2.5.1+cu121", "2.5.1+cu118", "2.5.1"} == set(record["runs_on_gpu"])


MACHINES = {
    name: getattr(machines, name)()
    for name in ("cpu", "a100_550", "h100_580", "p100_580", "v100_470", "mi300", "arc_b580", "musl", "nouveau")
}
SETTINGS: list[dict[str, str]] = [
    {}, {"pin": "exact"}, {"backend": "cpu"}, {"backend": "pypi"}, {"groups": "2.13.0+cpu,2.13.0+cu126"},
]  # fmt: skip

#: Builds a wheel through both doors, for each case of a list of [settings], in one process: by the backend of what is
#: published, and by hatchling with the hook that the sdist carries. Prints where they differ.
BOTH_DOORS = """
import json, os, shutil, sys, zipfile
import torch_auto.backend
from hatchling import build as hatchling
from torch_auto.hatch import backend as hatch
cases, tree, folder = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
os.chdir(tree)
for number, settings in enumerate(cases):
    found = []
    for name, door in (("published", torch_auto.backend), ("hatchling", hatch)):
        out = os.path.join(folder, f"{number}-{name}")
        os.makedirs(out)
        wheel = os.path.join(out, door.build_wheel(out, settings))
        with zipfile.ZipFile(wheel) as archive:
            names = sorted(archive.namelist())
            kept = [item for item in names if item.endswith(("/METADATA", "/torch_auto.json", "/LICENSE"))]
            found.append((os.path.basename(wheel), names, [archive.read(item) for item in kept]))
        shutil.rmtree(out)
    if found[0] != found[1] or len(found[0][2]) != 3:
        print(settings, found)
print("compared", len(cases))
"""


@pytest.mark.parametrize("version", ["2.0.1", "2.5.1", "2.13.0", "2.15.0"])
def test_both_doors_give_the_same_bytes(tmp_path: Path, dists: Path, version: str) -> None:
    """METADATA, record and file names are the same by our backend and by hatchling, on each machine and setting."""
    tree = hooks.unpack(dists / f"torch_auto-{version}.tar.gz", tmp_path)
    cases = []
    for name, machine in MACHINES.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(machine), "utf-8")
        cases += [{"machine": str(path), **settings} for settings in SETTINGS]
    env = {**os.environ, "PYTHONPATH": str(published_dists.core())}
    command = [sys.executable, "-c", BOTH_DOORS, json.dumps(cases), str(tree), str(tmp_path / "out")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"compared {len(cases)}\n"), done.stderr


@pytest.mark.parametrize("version", ["2.0.1", "2.5.1", "2.13.0", "2.15.0"])
def test_a_checkout_decides_as_what_is_published(tmp_path: Path, dists: Path, version: str) -> None:
    """The pins, the extras and the record of a checkout's wheel are those of the published form."""
    path = tmp_path / "machine.json"
    tree = hooks.unpack(dists / f"torch_auto-{version}.tar.gz", tmp_path)
    for name in ("cpu", "a100_550", "p100_580", "mi300"):
        path.write_text(json.dumps(MACHINES[name]), "utf-8")
        ours = hooks.call("build_wheel", tree, tmp_path / f"{name}-a", {"machine": str(path)})
        env = {"TORCH_AUTO_VERSION": version}
        theirs = hooks.call("build_wheel", REPOSITORY, tmp_path / f"{name}-b", {"machine": str(path)}, env=env)
        assert hooks.wheel_file(ours, RECORD) == hooks.wheel_file(theirs, RECORD)
        pins = [headers(hooks.wheel_file(found, METADATA)).get_all("Requires-Dist") or [] for found in (ours, theirs)]
        torch = [[item for item in found if item.startswith("torch") and item != "torch-auto-core"] for found in pins]
        assert torch[0] == torch[1] != []


# --- one detection ---------------------------------------------------------------------------------------------------


def test_prepared_metadata_is_the_wheels_byte_for_byte(tmp_path: Path, tree: Path, a100: dict[str, str]) -> None:
    """Without what was prepared, a second look at the same machine gives the same METADATA and record."""
    prepared = hooks.call("prepare_metadata_for_build_wheel", tree, tmp_path, a100)
    wheel = hooks.call("build_wheel", tree, tmp_path, a100)
    assert hooks.wheel_file(wheel, METADATA) == (prepared / "METADATA").read_bytes()
    assert hooks.wheel_file(wheel, RECORD) == (prepared / "torch_auto.json").read_bytes()


def test_a_wheel_takes_what_was_prepared(tmp_path: Path, tree: Path, a100: dict[str, str]) -> None:
    """Handed what was prepared, build_wheel looks at nothing again: the machine is another one by then."""
    prepared = hooks.call("prepare_metadata_for_build_wheel", tree, tmp_path, a100)
    Path(a100["machine"]).with_name("other.json").write_text(json.dumps(machines.cpu()), "utf-8")
    other = {"machine": str(Path(a100["machine"]).with_name("other.json"))}
    wheel = hooks.call("build_wheel", tree, tmp_path, other, prepared=prepared)
    assert hooks.wheel_file(wheel, METADATA) == (prepared / "METADATA").read_bytes()
    assert json.loads(hooks.wheel_file(wheel, RECORD))["decided"]["torch"] == "2.5.1+cu124"
    assert (
        hooks.wheel_file(hooks.call("build_wheel", tree, tmp_path, other), METADATA)
        != (prepared / "METADATA").read_bytes()
    )


def test_a_frontend_that_hands_on_metadata_alone(tmp_path: Path, tree: Path, a100: dict[str, str]) -> None:
    """Where the record was not kept, the wheel has the METADATA that was believed, and no record to contradict it."""
    prepared = hooks.call("prepare_metadata_for_build_wheel", tree, tmp_path, a100)
    (prepared / "torch_auto.json").unlink()
    wheel = hooks.call("build_wheel", tree, tmp_path, prepared=prepared)
    assert hooks.wheel_file(wheel, METADATA) == (prepared / "METADATA").read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith("torch_auto.json")]


def test_prepared_metadata_needs_no_hatchling(tmp_path: Path, tree: Path) -> None:
    """A walk back over many releases asks for METADATA alone; neither it nor the wheel imports hatchling."""
    code = (
        "import sys, torch_auto.backend as b; print(b.prepare_metadata_for_build_wheel(sys.argv[1]))\n"
        "print(b.build_wheel(sys.argv[1]) and 'hatchling' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(published_dists.core())}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["torch_auto-2.5.1.dist-info", "False"], done.stderr


def test_wrong_settings_end_a_build_with_all_faults(tmp_path: Path, tree: Path) -> None:
    """A user's wrong settings stop the build, in one error, and leave no wheel behind."""
    for name in ("prepare_metadata_for_build_wheel", "build_wheel"):
        with pytest.raises(AssertionError) as caught:
            hooks.call(name, tree, tmp_path / "out", {"backend": "cu999"}, env={"TORCH_AUTO_PIN": "tight"})
        assert "'cu999' is not a torch backend; it must be one of auto, cpu, cu117" in str(caught.value)
        assert "'tight' is not valid; pin must be one of prefer, exact" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_no_torch_is_not_a_torch_backend(tmp_path: Path, tree: Path) -> None:
    """TORCH_AUTO_BACKEND=none, which stayed in installers' caches, is refused with what to type instead."""
    with pytest.raises(AssertionError, match="use the distribution torch-auto-core: uvx torch-auto-core"):
        hooks.call("build_wheel", tree, tmp_path / "out", env={"TORCH_AUTO_BACKEND": "none"})


@pytest.mark.frontend
@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.13"])
def test_a_build_on_an_old_or_new_python(
    pip: Frontend, old_pip: Frontend, sandbox: Sandbox, dists: Path, interpreter: Callable[[str], Path], version: str
) -> None:
    """Requires-Python is torch's own, so a build and the command run on 3.8 and 3.9 too where that release does."""
    python = sandbox.venv(interpreter(version))
    release = "2.4.1" if version in ("3.8", "3.9") else "2.6.0"
    frontend = old_pip if version in ("3.8", "3.9") else pip  # the newest pip has left those two
    sandbox.index.add(dists)
    frontend.run(["--python", python, "install", f"torch-auto=={release}"])
    done = sandbox.run([python.parent / "torch-auto", "plan", release, "--json"])
    plan: dict[str, Any] = json.loads(done.stdout)["plans"][0]
    assert plan["torch_backend"] == "cpu"


def test_an_sdist_of_an_sdist_is_the_same(tmp_path: Path, dists: Path, tree: Path) -> None:
    """build_sdist of an unpacked sdist makes the same file again, by hatchling, which it asks for."""
    made = hooks.call("build_sdist", tree, tmp_path)
    with tarfile.open(made) as ours, tarfile.open(dists / made.name) as theirs:
        assert ours.getnames() == theirs.getnames()
    assert made.read_bytes() == (dists / made.name).read_bytes()
