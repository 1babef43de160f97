"""Sdists and wheels: what they hold, that they are reproducible, and that prepared metadata is the wheel's own."""

from __future__ import annotations

import email.message
import email.parser
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.hooks import unpack

from torch_auto import catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.frontends import Frontend, Sandbox

ROOT = Path(__file__).resolve().parent.parent
CATALOG = catalog.load()


def run(code: str, cwd: Path, *args: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds torch_auto in ``cwd``, as a frontend runs a build backend."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TORCH_AUTO_", "UV_"))}
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '.')\n{code}", *map(str, args)]
    return subprocess.run(command, cwd=cwd, env={**clean, **env}, capture_output=True, text=True, check=False)


HOOK = """
import torch_auto.build as build
name, folder, settings = sys.argv[1], sys.argv[2], eval(sys.argv[3]) if len(sys.argv) > 3 else None
print(getattr(build, name)(folder, settings))
"""


def headers(text: str) -> email.message.Message:
    """METADATA or PKG-INFO as a message."""
    return email.parser.Parser().parsestr(text)


def pkg_info(sdist: Path) -> email.message.Message:
    """The PKG-INFO of an sdist."""
    with tarfile.open(sdist) as archive:
        file = archive.extractfile(f"{sdist.name[: -len('.tar.gz')]}/PKG-INFO")
        assert file is not None
        return headers(file.read().decode())


def test_every_release_has_an_sdist_with_its_own_facts(sdists: Path) -> None:
    """28 sdists; each says its version, its release's Requires-Python, and that its requirements are dynamic."""
    found = sorted(path.name for path in sdists.glob("*.tar.gz"))
    assert found == sorted(f"torch_auto-{release.version}.tar.gz" for release in CATALOG.releases)
    assert len(found) == 28
    for release in CATALOG.releases:
        info = pkg_info(sdists / f"torch_auto-{release.version}.tar.gz")
        assert info["Name"] == "torch-auto"
        assert info["Version"] == release.version
        assert info["Requires-Python"] == release.requires_python
        assert info.get_all("Requires-Dist") is None
        dynamic = info.get_all("Dynamic") or []
        assert {"Requires-Dist", "Project-URL"} <= set(dynamic)
        assert not {"Version", "Requires-Python"} & set(dynamic)


def test_the_sdist_holds_what_a_build_needs_and_nothing_else(sdists: Path) -> None:
    """The package, the hook, and the texts about them; no tests, tools or caches."""
    with tarfile.open(sdists / "torch_auto-2.5.1.tar.gz") as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "torch_auto").rglob("*") if path.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    others = {"PKG-INFO", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"}
    assert names == package | others


def test_an_sdist_is_reproducible(tmp_path: Path) -> None:
    """The same tree and SOURCE_DATE_EPOCH give the same bytes twice."""
    made = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = run(HOOK, ROOT, "build_sdist", folder, TORCH_AUTO_VERSION="2.5.1", SOURCE_DATE_EPOCH="1700000000")
        assert done.returncode == 0, done.stderr
        made.append((folder / "torch_auto-2.5.1.tar.gz").read_bytes())
    assert made[0] == made[1]


def test_the_newest_release_is_the_default(tmp_path: Path) -> None:
    """Without TORCH_AUTO_VERSION an sdist is of the newest release in the catalog."""
    done = run(HOOK, ROOT, "build_sdist", tmp_path)
    assert done.stdout.strip() == f"torch_auto-{CATALOG.newest.version}.tar.gz", done.stderr


def test_a_repair_of_torch_auto_is_a_post_release(tmp_path: Path) -> None:
    """2.5.1.post1 is a version of its own that pins torch 2.5.1."""
    done = run(HOOK, ROOT, "build_sdist", tmp_path, TORCH_AUTO_VERSION="2.5.1.post1")
    tree = unpack(tmp_path / done.stdout.strip(), tmp_path)
    done = run(HOOK, tree, "prepare_metadata_for_build_wheel", tmp_path, {"backend": "cpu", "pin": "exact"})
    text = (tmp_path / done.stdout.strip() / "METADATA").read_text("utf-8")
    assert headers(text)["Version"] == "2.5.1.post1"
    assert "Requires-Dist: torch==2.5.1+cpu;" in text


def test_an_unknown_version_ends_with_the_list_of_known_ones(tmp_path: Path) -> None:
    """A release that the catalog does not know cannot be made, and the error lists those that can."""
    done = run(HOOK, ROOT, "build_sdist", tmp_path, TORCH_AUTO_VERSION="2.5.9")
    assert done.returncode != 0
    assert "torch 2.5.9 is not in the catalog" in done.stderr
    for release in CATALOG.releases:
        assert release.version in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.frontend
def test_pypa_build_makes_the_same_sdist(pyproject_build: Frontend, sandbox: Sandbox) -> None:
    """``TORCH_AUTO_VERSION=2.5.1 python -m build --sdist`` is the documented way."""
    folder = sandbox.root / "dist"
    env = {"TORCH_AUTO_VERSION": "2.5.1"}
    pyproject_build.run(["--sdist", "--outdir", folder, ROOT], env=env)
    assert [path.name for path in folder.iterdir()] == ["torch_auto-2.5.1.tar.gz"]


MACHINES: list[Callable[..., dict[str, Any]]] = [
    machines.cpu, machines.a100_550, machines.h100_580, machines.p100_580, machines.v100_470, machines.mi300,
    machines.arc_b580, machines.musl, machines.nouveau,
]  # fmt: skip


@pytest.mark.parametrize("make", MACHINES, ids=lambda make: str(make.__name__))
@pytest.mark.parametrize("version", ["2.0.1", "2.5.1", "2.15.0"])
@pytest.mark.parametrize("settings", [None, {"pin": "exact"}, {"backend": "none"}], ids=["default", "exact", "none"])
def test_prepared_metadata_is_the_wheels_byte_for_byte(
    tmp_path: Path, sdists: Path, make: Any, version: str, settings: dict[str, str] | None
) -> None:
    """What prepare_metadata answers is the METADATA that build_wheel writes, on each machine and with each setting."""
    machine = tmp_path / "machine.json"
    machine.write_text(json.dumps(make()), "utf-8")
    tree = unpack(sdists / f"torch_auto-{version}.tar.gz", tmp_path)
    both = HOOK + "print(build.build_wheel(folder, settings))\n"
    done = run(both, tree, "prepare_metadata_for_build_wheel", tmp_path, settings, TORCH_AUTO_MACHINE=str(machine))
    assert done.returncode == 0, done.stderr
    prepared, wheel = done.stdout.split()
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        assert archive.read(f"{prepared}/METADATA") == (tmp_path / prepared / "METADATA").read_bytes()
    if settings == {"backend": "none"}:
        assert "Requires-Dist: torch" not in (tmp_path / prepared / "METADATA").read_text("utf-8")


def test_prepared_metadata_needs_no_hatchling(tmp_path: Path, sdists: Path) -> None:
    """A walk back over many releases asks for metadata alone, and does not pay for hatchling's import."""
    tree = unpack(sdists / "torch_auto-2.5.1.tar.gz", tmp_path)
    done = run(HOOK + "print('hatchling' in sys.modules)", tree, "prepare_metadata_for_build_wheel", tmp_path)
    assert done.stdout.split() == ["torch_auto-2.5.1.dist-info", "False"], done.stderr


def test_a_checkout_prepares_no_metadata() -> None:
    """A checkout has no PKG-INFO to be truthful from, so the hook is not there and frontends build the wheel."""
    done = run("import torch_auto.build as b; print(hasattr(b, 'prepare_metadata_for_build_wheel'))", ROOT)
    assert done.stdout.strip() == "False", done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, sdists: Path) -> Path:
    """The wheel of 2.5.1 for an A100 with driver 550."""
    folder = tmp_path_factory.mktemp("wheel")
    machine = folder / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    tree = unpack(sdists / "torch_auto-2.5.1.tar.gz", folder)
    done = run(HOOK, tree, "build_wheel", folder, TORCH_AUTO_MACHINE=str(machine))
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="the tag is told for Linux")
def test_the_wheel_is_this_platforms(wheel: Path) -> None:
    """The tag is linux_*, which PyPI does not take: what a build found is true on this machine alone."""
    assert wheel.name.startswith("torch_auto-2.5.1-py3-none-linux_")
    with zipfile.ZipFile(wheel) as archive:
        info = archive.read("torch_auto-2.5.1.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: false" in info
    assert "Tag: py3-none-linux_" in info


def test_the_wheel_holds_the_package_and_its_record(wheel: Path) -> None:
    """The package with py.typed, data and schemas, selection.json, and the metadata; nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "torch_auto").rglob("*") if path.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    assert names == package | {"torch_auto/selection.json"}
    assert {"torch_auto/py.typed", "torch_auto/schemas/machine.schema.json"} <= names


def test_the_wheels_metadata(wheel: Path) -> None:
    """The hint is a Project-URL; beside the pins there are packaging and nvidia-ml-py, and never the package pynvml."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = headers(archive.read("torch_auto-2.5.1.dist-info/METADATA").decode())
    assert "PyTorch index, https://download.pytorch.org/whl/cu124" in (metadata.get_all("Project-URL") or [])
    requirements = metadata.get_all("Requires-Dist") or []
    names = {item.split(">")[0].split("=")[0].split("!")[0] for item in requirements if "extra ==" not in item}
    assert names == {"nvidia-ml-py", "packaging", "torch"}


def test_the_wheels_record(wheel: Path) -> None:
    """selection.json says which machine, what was chosen for it, why, and what was rejected."""
    with zipfile.ZipFile(wheel) as archive:
        record = json.loads(archive.read("torch_auto/selection.json"))
    assert record["machine"]["accelerators"][0]["driver_version"] == "550.54.14"
    plan = record["plan"]
    assert (plan["release"], plan["torch_backend"], plan["accelerated"]) == ("2.5.1", "cu124", True)
    assert plan["find_links"] == ["https://download.pytorch.org/whl/torch/"]
    assert plan["reasons"]
    assert {item["torch_backend"] for item in plan["rejected"]} >= {"cpu", "cu118", "cu121"}


def test_wrong_settings_end_a_build_with_all_faults(tmp_path: Path, sdists: Path) -> None:
    """A user's wrong settings stop the build, in one error, and leave no wheel behind."""
    tree = unpack(sdists / "torch_auto-2.5.1.tar.gz", tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("prepare_metadata_for_build_wheel", "build_wheel"):
        done = run(HOOK, tree, name, out, {"backend": "cu999"}, TORCH_AUTO_PIN="tight")
        assert done.returncode != 0
        assert "'cu999' is not a torch backend" in done.stderr
        assert "'tight' is not a way to pin" in done.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("spoilt", [True, False], ids=["failing build", "good build"])
def test_a_build_leaves_no_file_behind(tmp_path: Path, sdists: Path, *, spoilt: bool) -> None:
    """The one temporary file of a build, with what the machine is, is gone afterwards, also where the build failed."""
    tree = unpack(sdists / "torch_auto-2.5.1.tar.gz", tmp_path)
    temporary, out = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    out.mkdir()
    if spoilt:
        (tree / "torch_auto" / "dangling.py").symlink_to("nowhere")
    done = run(HOOK, tree, "build_wheel", out, TMPDIR=str(temporary))
    assert (done.returncode != 0) == spoilt, done.stderr
    assert list(temporary.glob("torch-auto-*")) == []  # hatchling leaves a file of its own behind a failing build


@pytest.mark.frontend
def test_an_editable_install_of_the_checkout(uv: Frontend, sandbox: Sandbox) -> None:
    """For those who work on torch-auto: ``uv pip install -e . -C backend=none`` gives the command and no torch."""
    python = sandbox.venv()
    uv.run(["pip", "install", "--python", python, "-C", "backend=none", "-e", ROOT])
    code = (
        "import torch_auto, importlib.metadata as m\n"
        "print(torch_auto.__file__)\n"
        "print(sorted(d.name for d in m.distributions()))"
    )
    where, names = sandbox.run([python, "-c", code]).stdout.splitlines()
    assert Path(where) == ROOT / "torch_auto" / "__init__.py"
    assert names == "['nvidia-ml-py', 'packaging', 'torch-auto']"
    done = sandbox.run([python.parent / "torch-auto", "plan", "2.5.1", "--json"])
    assert json.loads(done.stdout)["plans"][0]["release"] == "2.5.1"


@pytest.mark.frontend
@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.13"])
def test_a_build_on_an_old_or_new_python(
    pip: Frontend, old_pip: Frontend, sandbox: Sandbox, sdists: Path, interpreter: Callable[[str], Path], version: str
) -> None:
    """Requires-Python is torch's own, so a build runs on 3.8 and 3.9 too where that release does."""
    python = sandbox.venv(interpreter(version))
    release = "2.4.1" if version in ("3.8", "3.9") else "2.6.0"
    frontend = old_pip if version in ("3.8", "3.9") else pip  # the newest pip has left those two
    frontend.run(["--python", python, "install", sdists / f"torch_auto-{release}.tar.gz"])
    done = sandbox.run([python.parent / "torch-auto", "plan", release, "--json"])
    assert json.loads(done.stdout)["plans"][0]["torch_backend"] == "cpu"
