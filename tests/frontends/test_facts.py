"""The facts about frontends that the design rests on, each against the real thing; the numbers are the design's.

A fact that stops being true is a fact that lets something be simpler, or that breaks what rests on it.
"""

from __future__ import annotations

import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.lock import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend

#: An sdist built with plain hatchling, whose hook pins what it finds on the machine that runs it.
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "probe"
version = "1"
dynamic = ["dependencies"]
[tool.hatch.build.targets.wheel]
bypass-selection = true
[tool.hatch.{kind}.hooks.custom]
"""
METADATA_HOOK = """\
import os
from hatchling.metadata.plugin.interface import MetadataHookInterface
class Hook(MetadataHookInterface):
    def update(self, metadata):
        metadata["dependencies"] = ["torch==" + os.environ.get("PROBE", "2.5.1")]
"""
BUILD_HOOK = """\
import os
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        if self.target_name == "wheel":
            build_data["dependencies"].append("torch==" + os.environ.get("PROBE", "2.5.1"))
"""


def probe(folder: Path, kind: str, hook: str, shim: str = "") -> Path:
    """A source tree named probe."""
    folder.mkdir()
    text = PYPROJECT.format(kind=kind)
    if shim:
        text = text.replace('"hatchling.build"', '"shim"\nbackend-path = ["."]')
        (folder / "shim.py").write_text(shim, "utf-8")
    (folder / "pyproject.toml").write_text(text, "utf-8")
    (folder / "hatch_build.py").write_text(hook, "utf-8")
    return folder


def sdist_of(tree: Path, build: Frontend, folder: Path, **env: str) -> Path:
    """The sdist of a tree."""
    build.run(["--sdist", "--outdir", folder, tree], env=env)
    return next(folder.glob("*.tar.gz"))


def test_fact_1_a_metadata_hook_bakes_in_the_publishers_pins(
    pyproject_build: Frontend, uv: Frontend, sandbox: Sandbox
) -> None:
    """With a metadata hook everybody gets the publisher's torch; with a build hook, each machine its own."""
    found = {}
    for kind, hook in (("metadata", METADATA_HOOK), ("build", BUILD_HOOK)):
        folder = sandbox.root / f"{kind}-dist"
        sdist = sdist_of(probe(sandbox.root / kind, kind, hook), pyproject_build, folder, PROBE="2.4.1")
        with tarfile.open(sdist) as archive:
            file = archive.extractfile("probe-1/PKG-INFO")
            assert file is not None
            info = file.read().decode()
        source = write(sandbox.root / f"{kind}.in", f"probe @ {sdist.as_uri()}\n")
        done = uv.run(["pip", "compile", source, "--no-annotate"], env={"PROBE": "2.6.0"})
        found[kind] = ("\nRequires-Dist: " in info, re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE))
    assert found == {"metadata": (True, ["2.4.1"]), "build": (False, ["2.6.0"])}


def write(path: Path, text: str) -> Path:
    """A file with this text."""
    path.write_text(text, "utf-8")
    return path


RE_EXPORT = "from hatchling.build import *\n"


def test_fact_2_a_shim_that_re_exports_hatchlings_metadata_hook_hides_the_pins(
    pyproject_build: Frontend, uv: Frontend, sandbox: Sandbox
) -> None:
    """hatchling's own prepare_metadata runs no build hook, so uv resolves with no torch at all through such a shim."""
    tree = probe(sandbox.root / "tree", "build", BUILD_HOOK, RE_EXPORT)
    sdist = sdist_of(tree, pyproject_build, sandbox.root / "dist")
    done = uv.run(["pip", "compile", write(sandbox.root / "x.in", f"probe @ {sdist.as_uri()}\n"), "--no-annotate"])
    assert "probe" in done.stdout
    assert "torch" not in done.stdout.replace("probe", "")


SHOWS_SETTINGS = """\
from hatchling.build import build_sdist
from hatchling import build as h
def build_wheel(folder, config_settings=None, metadata_directory=None):
    import os; os.environ["PROBE"] = (config_settings or {}).get("probe", "2.4.1")
    return h.build_wheel(folder, config_settings)
"""


def test_fact_3_config_settings_reach_a_shim_and_not_hatchlings_hook(
    pyproject_build: Frontend, uv: Frontend, sandbox: Sandbox
) -> None:
    """-C arrives at the build backend; hatchling's hook does not see it unless the shim hands it on."""
    tree = probe(sandbox.root / "tree", "build", BUILD_HOOK, SHOWS_SETTINGS)
    sdist = sdist_of(tree, pyproject_build, sandbox.root / "dist")
    source = write(sandbox.root / "x.in", f"probe @ {sdist.as_uri()}\n")
    done = uv.run(["pip", "compile", "-C", "probe=2.6.0", source, "--no-annotate"])
    assert re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE) == ["2.6.0"]


@pytest.mark.usefixtures("published")
def test_our_shim_hands_config_settings_on(any_uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """``-C backend=cpu`` decides, on a machine that would get another build."""
    machine = write(sandbox.root / "m.json", json.dumps(machines.a100_550()))
    source = write(sandbox.root / "x.in", "torch-auto==2.5.1\n")
    env = {"TORCH_AUTO_MACHINE": str(machine), "UV_FIND_LINKS": index.find_links}
    done = any_uv.run(["pip", "compile", "-C", "backend=cpu", source, "--no-annotate"], env=env)
    assert re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE) == ["2.5.1+cpu"]


def test_fact_5_find_links_shadows_nothing_and_an_extra_index_does(
    uv: Frontend, sandbox: Sandbox, index: TorchIndex
) -> None:
    """With an extra index numpy comes from the PyTorch index, years old; with the find-links page from PyPI."""
    source = write(sandbox.root / "x.in", "numpy\ntorch==2.5.1\n")
    found = {}
    for name, flags in {
        "extra index": ["--index", index.of_backend("cu124")],
        "find-links": ["--find-links", index.find_links],
    }.items():
        done = uv.run(["pip", "compile", source, "--no-annotate", *flags])
        found[name] = dict(re.findall(r"^(\w+)==(\S+)", done.stdout, re.MULTILINE))
    assert {name: pins["torch"] for name, pins in found.items()} == {
        "extra index": "2.5.1+cu124",
        "find-links": "2.5.1+cu124",  # fact 6: the highest local version whose requirements PyPI has
    }
    assert found["extra index"]["numpy"].startswith("1.")
    assert found["find-links"]["numpy"].startswith("2.")


@pytest.mark.usefixtures("published")
def test_fact_5_the_page_is_fetched_when_resolving_alone(any_uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """A lock that is up to date, sync and run do not ask the find-links page."""
    project = sandbox.project(["torch-auto==2.5.1"], requires_python=">=3.11,<3.13", extra=find_links(index))
    machine = write(sandbox.root / "m.json", json.dumps(machines.cpu()))
    env = {"TORCH_AUTO_MACHINE": str(machine)}
    any_uv.run(["lock"], cwd=project, env=env)
    assert [request.path for request in index.log if request.path == "/whl/torch/"]
    index.reset_log()
    any_uv.run(["sync"], cwd=project, env=env)
    any_uv.run(["run", "python", "-c", "import torch"], cwd=project, env=env)
    assert [request.path for request in index.log if request.path == "/whl/torch/"] == []


def find_links(index: TorchIndex) -> str:
    """PyTorch's page, as a project holds it."""
    return f'[tool.uv]\nfind-links = ["{index.find_links}"]'


LOCALS = ["cpu", "cu118", "cu121", "cu124", "rocm6.1", "rocm6.2", "xpu", "cpu.cxx11.abi"]


@pytest.mark.parametrize("requirement", ["torch==2.5.1", "left out"])
def test_fact_6_a_bare_pin_takes_the_highest_local_version(
    any_uv: Frontend, any_pip: Frontend, sandbox: Sandbox, index: TorchIndex, requirement: str
) -> None:
    """``torch==2.5.1`` matches local versions and the highest wins; with all left out the public build comes."""
    out = ",".join(f"!=2.5.1+{local}" for local in LOCALS)
    bare = requirement == "torch==2.5.1"
    wanted = requirement if bare else f"torch==2.5.1.*,{out}"
    source = write(sandbox.root / "x.in", wanted + "\n")
    done = any_uv.run(["pip", "compile", source, "--no-annotate", "--find-links", index.find_links])
    expected = "2.5.1+cu124" if bare else "2.5.1"
    assert re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE) == [expected]
    report = sandbox.root / "report.json"
    python = sandbox.venv()
    flags: list[str | Path] = ["--dry-run", "--quiet", "--report", report, "--find-links", index.find_links]
    any_pip.run(["--python", python, "install", *flags, wanted])
    assert [item["metadata"]["version"] for item in json.loads(report.read_text("utf-8"))["install"]] == [expected]


@pytest.mark.parametrize("page", [True, False], ids=["page", "PyPI alone"])
def test_fact_7_leaving_out_all_but_one_takes_it_or_the_public_build(
    uv: Frontend, any_pip: Frontend, sandbox: Sandbox, index: TorchIndex, page: bool
) -> None:
    """One requirement takes 2.5.1+cu121 where an index shows it and PyPI's 2.5.1 where none does."""
    wanted = "torch==2.5.1.*," + ",".join(f"!=2.5.1+{local}" for local in LOCALS if local != "cu121")
    flags = ["--find-links", index.find_links] if page else []
    source = write(sandbox.root / "x.in", wanted + "\n")
    done = uv.run(["pip", "compile", source, "--no-annotate", *flags])
    expected = "2.5.1+cu121" if page else "2.5.1"
    assert re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE) == [expected]
    report = sandbox.root / "report.json"
    any_pip.run(["--python", sandbox.venv(), "install", "--dry-run", "--quiet", "--report", report, *flags, wanted])
    assert [item["metadata"]["version"] for item in json.loads(report.read_text("utf-8"))["install"]] == [expected]


def test_fact_6_poetry_reads_the_star_form_alone(poetry: Frontend, sandbox: Sandbox) -> None:
    """Poetry takes ``==2.5.1`` to swallow the exclusions; ``==2.5.1.*`` with them is read as meant."""
    from support.frontends import poetry_sources  # noqa: PLC0415

    found = {}
    for name, form in {"plain": "==2.5.1", "star": "==2.5.1.*"}.items():
        wanted = f"torch{form}," + ",".join(f"!=2.5.1+{local}" for local in LOCALS)
        project = sandbox.project(
            [wanted], name=name, requires_python=">=3.11,<3.13", extra=poetry_sources(sandbox.index, "cu124")
        )
        poetry.run(["lock"], cwd=project)
        found[name] = {package.version for package in read_lock(project, "poetry.lock")["torch"]}
    assert found == {"plain": {"2.5.1+cu124"}, "star": {"2.5.1"}}


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("frontend", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_fact_8_an_unsatisfiable_pin_makes_the_resolver_walk_back(
    uv: Frontend, pip: Frontend, sandbox: Sandbox, index: TorchIndex, frontend: str
) -> None:
    """A100 with driver 550: 2.15.0 to 2.11.0 are asked for and given up, and 2.10.0 is taken."""
    machine = write(sandbox.root / "m.json", json.dumps(machines.a100_550()))
    env = {"TORCH_AUTO_MACHINE": str(machine)}
    if frontend == "uv":
        done = uv.run(["pip", "compile", write(sandbox.root / "x.in", "torch-auto\n"), "--no-annotate"], env=env)
        assert "torch-auto==2.10.0" in done.stdout
    else:
        report = sandbox.root / "report.json"
        command: list[str | Path] = [
            "--python",
            sandbox.venv(),
            "install",
            "--dry-run",
            "--quiet",
            "--report",
            report,
            "torch-auto",
        ]
        pip.run(command, env=env)
        installs = json.loads(report.read_text("utf-8"))["install"]
        versions = {item["metadata"]["name"]: item["metadata"]["version"] for item in installs}
        assert (versions["torch-auto"], versions["torch"]) == ("2.10.0", "2.10.0")
    fetched = [
        path for path in (request.path for request in index.log) if re.search(r"torch_auto-[\d.]+\.tar\.gz$", path)
    ]
    releases = sorted({re.findall(r"torch_auto-([\d.]+)\.tar", path)[0] for path in fetched})
    assert releases == sorted(["2.10.0", "2.11.0", "2.12.0", "2.12.1", "2.13.0", "2.14.0", "2.14.1", "2.15.0"])


@pytest.mark.usefixtures("published")
def test_fact_10_what_was_built_stays_cached_until_uv_is_told(
    uv: Frontend, sandbox: Sandbox, index: TorchIndex
) -> None:
    """After a change of the machine lock, --upgrade and --refresh-package stay stale; cleaning the cache re-detects."""
    project = sandbox.project(["torch-auto==2.5.1"], requires_python=">=3.11,<3.13", extra=find_links(index))

    def locked(machine: dict[str, Any], *args: str) -> bool:
        path = write(sandbox.root / "m.json", json.dumps(machine))
        uv.run(["lock", *args], cwd=project, env={"TORCH_AUTO_MACHINE": str(path)})
        return any(package.version == "2.5.1+cu124" for package in read_lock(project)["torch"])

    assert locked(machines.a100_550())
    cpu = machines.cpu()
    assert locked(cpu)
    assert locked(cpu, "--upgrade")
    assert locked(cpu, "--refresh-package", "torch-auto")
    uv.run(["cache", "clean", "torch-auto"], cwd=project)
    assert not locked(cpu, "--upgrade-package", "torch-auto")


@pytest.mark.usefixtures("published")
def test_fact_10_config_settings_package_has_a_cache_entry_of_its_own(
    uv: Frontend, sandbox: Sandbox, index: TorchIndex
) -> None:
    """``config-settings-package`` in [tool.uv] is read by the build, and not served from another project's cache."""
    machine = write(sandbox.root / "m.json", json.dumps(machines.a100_550()))
    env = {"TORCH_AUTO_MACHINE": str(machine)}
    versions = []
    for number, setting in enumerate(["", 'config-settings-package = { torch-auto = { backend = "cpu" } }']):
        project = sandbox.project(
            ["torch-auto==2.5.1"],
            name=f"project{number}",
            requires_python=">=3.11,<3.13",
            extra=f"{find_links(index)}\n{setting}",
        )
        uv.run(["lock"], cwd=project, env=env)
        versions.append({package.version for package in read_lock(project)["torch"]} - {"2.5.1", "2.5.1+cpu"})
    assert versions == [{"2.5.1+cu124"}, set()]


@pytest.mark.usefixtures("published")
def test_fact_10_pythons_share_what_was_built(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """One cache, two Pythons: the sdist is built for the first alone, so METADATA cannot depend on the Python."""
    machine = write(sandbox.root / "m.json", json.dumps(machines.v100_470()))
    env = {"TORCH_AUTO_MACHINE": str(machine), "UV_FIND_LINKS": index.find_links}
    source = write(sandbox.root / "x.in", "torch-auto==2.5.1\n")
    for version in ("3.11", "3.12"):
        done = uv.run(["pip", "compile", source, "--no-annotate", "--python-version", version], env=env)
        assert "torch==2.5.1+cu118" in done.stdout
    fetched = [request.path for request in index.log if "torch_auto-2.5.1.tar.gz" in request.path]
    assert len([path for path in fetched if not path.endswith(".metadata")]) == 1


@pytest.mark.usefixtures("published")
def test_fact_13_pins_carry_the_marker_of_their_platform(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """A CUDA pin from Linux is not what macOS is asked to install."""
    machine = write(sandbox.root / "m.json", json.dumps(machines.a100_550()))
    env = {"TORCH_AUTO_MACHINE": str(machine), "UV_FIND_LINKS": index.find_links}
    source = write(sandbox.root / "x.in", "torch-auto==2.5.1\n")
    found = {}
    for platform in ("x86_64-manylinux_2_28", "aarch64-apple-darwin"):
        done = uv.run(["pip", "compile", source, "--no-annotate", "--python-platform", platform], env=env)
        found[platform] = re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE)
    assert found == {"x86_64-manylinux_2_28": ["2.5.1+cu124"], "aarch64-apple-darwin": ["2.5.1"]}
