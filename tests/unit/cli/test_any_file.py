"""Whatever is in the files of a project and an environment: a verb ends with a status, never with a traceback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import machines

from torch_auto.cli import main
from torch_auto.cli.project.toml import parse
from unit.bent import JSON, TEXTS, bent, bent_toml, cut, examples
from unit.cli.fake_environment import FakeEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = "https://download.pytorch.org/whl"
PYPROJECTS: list[dict[str, Any]] = [
    {
        "project": {
            "name": "x",
            "version": "1",
            "requires-python": ">=3.10",
            "dependencies": ["torch-auto>=2.0", "torchvision", "torch==2.9.1+cu128"],
            "optional-dependencies": {"cpu": ["torch"], "gpu": ["torchaudio"]},
        },
        "dependency-groups": {
            "dev": ["ruff", {"include-group": "lint"}],
            "lint": ["ruff"],
            "torch-cpu": ["torch==2.9.1"],
        },
        "tool": {
            "uv": {
                "find-links": [f"{PAGES}/torch/"],
                "index": [{"name": "p", "url": f"{PAGES}/cu128", "explicit": True}],
                "sources": {
                    "torch": [{"index": "p", "marker": "sys_platform == 'linux'"}],
                    "torchvision": {"index": "p"},
                },
                "conflicts": [[{"extra": "cpu"}, {"extra": "gpu"}], [{"group": "torch-cpu"}, {"group": "lint"}]],
                "default-groups": ["dev"],
                "config-settings-package": {"torch-auto": {"pin": "exact"}},
                "override-dependencies": ["torch==2.8.0"],
                "workspace": {"members": ["libs/*"]},
            }
        },
    },
    {
        "project": {"name": "x", "version": "1", "dependencies": []},
        "dependency-groups": {
            "torch-cpu": ["torch==2.13.0+cpu; sys_platform == 'linux'"],
            "torch-cu126": ["torch==2.13.0+cu126; sys_platform == 'linux'"],
        },
        "tool": {
            "uv": {
                "conflicts": [[{"group": "torch-cpu"}, {"group": "torch-cu126"}]],
                "default-groups": ["dev", "torch-cpu"],
                "config-settings-package": {"torch-auto": {"groups": "2.13.0+cpu,2.13.0+cu126"}},
            }
        },
    },
    {
        "tool": {
            "poetry": {
                "name": "x",
                "dependencies": {
                    "python": "^3.10",
                    "torch-auto": {"version": "*", "extras": ["vision"]},
                    "torch": "2.9.1",
                },
                "group": {"dev": {"dependencies": {"torchvision": {"version": "*", "source": "p"}}}},
                "source": [{"name": "p", "url": f"{PAGES}/cu128", "priority": "explicit"}],
            }
        }
    },
    {
        "project": {"name": "x", "version": "1", "dependencies": ["torch-auto[audio]"]},
        "tool": {
            "pdm": {
                "source": [
                    {"name": "p", "url": f"{PAGES}/torch/", "type": "find_links", "include_packages": ["torch"]}
                ],
                "dev-dependencies": {"test": ["torch"]},
                "resolution": {"overrides": {"torch": "2.9.1"}},
            }
        },
    },
]
_WHEEL = {"url": f"{PAGES}/cu126/torch-2.14.1-cp312-cp312-manylinux_2_28_x86_64.whl", "hash": "sha256:00"}
_PACKAGES: list[dict[str, Any]] = [
    {"name": "torch", "version": "2.14.1+cu126", "wheels": [_WHEEL], "resolution-markers": ["sys_platform == 'linux'"]},
    {"name": "torch", "version": "2.14.1", "files": [{"file": "torch-2.14.1-cp312-none-macosx_14_0_arm64.whl"}]},
    {
        "name": "torch-auto",
        "version": "2.14.1",
        "dependencies": [
            {"name": "torch", "version": "2.14.1", "marker": "sys_platform == 'darwin'"},
            {"name": "numpy"},
        ],
        "markers": "sys_platform == 'linux'",
    },
]
LOCKS: list[dict[str, Any]] = [
    {"version": 1, "package": _PACKAGES},
    {"lock-version": "1.0", "packages": [_PACKAGES[0]]},
]
REQUIREMENTS = (
    f"# a comment\n--find-links {PAGES}/torch/\n--extra-index-url={PAGES}/cu128\n-r other.txt\n-e .\n"
    "torch==2.9.1 --hash=sha256:00 \\\n  --hash=sha256:11\ntorchvision ; python_version < '3.12'  # x\n"
    "torch-auto[vision]\n"
)
PIP_CONF = (
    f"[global]\nfind-links =\n    {PAGES}/torch/\n    https://x.test/\nindex-url = https://x.test\n"
    "[install]\nno-deps = 1\n"
)
SCRIPT = '#!/usr/bin/env python\n# /// script\n# dependencies = ["torch-auto"]\n# ///\nprint()\n'


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    """No uv, no settings of whoever runs the tests, and no home."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as home:
        for name in list(os.environ):
            if name.startswith(("UV_", "PIP_", "TORCH_AUTO_", "VIRTUAL_ENV", "XDG_", "PDM_", "POETRY_")):
                patched.delenv(name)
        patched.setenv("HOME", home)
        patched.setenv("UV", os.path.join(home, "no-uv"))
        patched.setenv("PATH", home)
        yield


def run(folder: Path, verb: str, *options: str) -> tuple[int, str, str]:
    """A verb's status and what it printed; a mistake of the user's is one line or more after "torch-auto: error: "."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([verb, "--project", str(folder), *options])
    assert status in (0, 1, 2)
    assert "Traceback" not in err.getvalue()
    if status == 2:
        assert err.getvalue().strip()
    return status, out.getvalue(), err.getvalue()


def project_in(folder: str, files: dict[str, str]) -> Path:
    """A project of these files, and an environment beside it."""
    root = Path(folder) / "project"
    root.mkdir()
    for name, content in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content, "utf-8", newline="")
    return root


def every_verb_ends(root: Path, venv: Path) -> None:
    """Those that look, and those that would write; what they print as JSON is JSON."""
    machine = root.parent / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    status, out, _ = run(root, "check", "--json", "--machine", str(machine), "--venv", str(venv))
    if status < 2:
        json.loads(out)
    run(root, "group", "--why", "--machine", str(machine))
    for tool in ("uv", "pip", "poetry", "pdm"):
        run(root, "init", "--dry-run", "--for", tool)
    run(root, "init", "--remove", "--dry-run")
    run(root, "init", "--portable", "--dry-run", "--releases", "2.13.0", "--backends", "cu126")


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a right torch-auto and torch."""
    made = FakeEnvironment.make(tmp_path_factory.mktemp("env") / ".venv")
    made.install_torch_auto(machines.a100_550(), "2.14.1")
    made.install_torch("2.14.1+cu126")
    return made.prefix


_PYPROJECT = st.tuples(st.just("pyproject.toml"), bent_toml(PYPROJECTS))
_FILES = st.one_of(
    st.tuples(st.sampled_from(["uv.lock", "poetry.lock", "pdm.lock"]), bent_toml(LOCKS)),
    st.tuples(st.just("pylock.torch-cu126.toml"), bent_toml(LOCKS)),
    st.tuples(st.just("requirements.txt"), cut(st.just(REQUIREMENTS)) | st.lists(TEXTS).map("\n".join)),
    st.tuples(st.just("uv.toml"), bent_toml([PYPROJECTS[0]["tool"]["uv"], PYPROJECTS[1]["tool"]["uv"]])),
    st.tuples(st.sampled_from(["uv.lock", "pyproject.toml", "uv.toml"]), cut(st.just('[x]\na = ["b", "c"]\n'))),
)


@examples(25)
@given(_PYPROJECT, st.lists(_FILES, max_size=2))
def test_any_project(venv: Path, pyproject: tuple[str, str], others: list[tuple[str, str]]) -> None:
    """A pyproject.toml, locks, requirements and settings in which anything may be anything."""
    with tempfile.TemporaryDirectory() as folder:
        every_verb_ends(project_in(folder, dict([pyproject, *others])), venv)


@examples(15)
@given(st.lists(_FILES, min_size=1, max_size=2))
def test_any_folder_without_a_pyproject(venv: Path, files: list[tuple[str, str]]) -> None:
    """The same where nothing manages the project."""
    with tempfile.TemporaryDirectory() as folder:
        every_verb_ends(project_in(folder, dict(files)), venv)


def without(content: dict[str, Any], tool: str) -> str:
    """A pyproject.toml's content without a tool's own table, as a text, in which a nan equals a nan."""
    table = content.get("tool", {})
    left = {key: value for key, value in table.items() if key != tool} if isinstance(table, dict) else table
    return repr({**content, "tool": left or None})


@examples(40)
@given(_PYPROJECT, st.sampled_from(["uv", "poetry", "pdm"]))
def test_what_init_writes_is_toml_and_is_written_once(pyproject: tuple[str, str], tool: str) -> None:
    """After a change the file is TOML and holds what it held; the same command again changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = project_in(folder, dict([pyproject]))
        path = root / "pyproject.toml"
        status, _, _ = run(root, "init", "--for", tool, "--force")
        first = path.read_text("utf-8")
        if status:
            assert first == pyproject[1]
            return
        assert without(parse(first), tool) == without(parse(pyproject[1]), tool)
        assert run(root, "init", "--for", tool, "--force")[0] == 0
        assert path.read_text("utf-8") == first


@examples(60)
@given(cut(st.just(PIP_CONF)) | st.lists(TEXTS).map("\n".join), st.sampled_from(["\n", "\r\n"]))
def test_any_pip_conf(content: str, newline: str) -> None:
    """pip's configuration is changed so that pip reads the page from it, or is left as it is."""
    with tempfile.TemporaryDirectory() as folder:
        root = project_in(folder, {})
        prefix = FakeEnvironment.make(root / ".venv").prefix
        path = prefix / ("pip.ini" if os.name == "nt" else "pip.conf")
        before = content.replace("\n", newline)
        path.write_text(before, "utf-8", newline="")
        status, _, _ = run(root, "init", "--for", "pip")
        first = path.read_bytes()
        if status:
            assert first == before.encode()
            return
        assert b"/torch" in first  # or that of a mirror, which is there
        assert run(root, "init", "--for", "pip")[0] == 0
        assert path.read_bytes() == first
        run(root, "check", "--venv", str(prefix))


@examples(60)
@given(cut(st.just(REQUIREMENTS)) | st.lists(TEXTS).map("\n".join), st.sampled_from(["\n", "\r\n"]))
def test_any_requirements_file(content: str, newline: str) -> None:
    """Lines are added to a requirements file, none is lost, and the same command again adds none."""
    with tempfile.TemporaryDirectory() as folder:
        before = content.replace("\n", newline)
        root = project_in(folder, {"requirements.txt": before})
        path = root / "requirements.txt"
        assert run(root, "init", "--for", "pip")[0] == 0
        first = path.read_bytes().decode()
        rest = iter(first)
        assert all(character in rest for character in before)
        assert run(root, "init", "--for", "pip")[0] == 0
        assert path.read_bytes().decode() == first


@examples(60)
@given(cut(st.just(SCRIPT)) | st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_script(content: str) -> None:
    """A script keeps its lines, and the block in its comments is TOML; or it stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        root = project_in(folder, {"a.py": content})
        path = root / "a.py"
        status, _, _ = run(root, "init", "--script", str(path))
        after = path.read_bytes().decode()
        if status:
            assert after == content
            return
        rest = iter(after)
        assert all(character in rest for character in content)
        assert run(root, "init", "--script", str(path))[0] == 0
        assert path.read_bytes().decode() == after


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> FakeEnvironment:
    """An environment whose record the tests write."""
    made = FakeEnvironment.make(tmp_path_factory.mktemp("env") / ".venv")
    made.install_torch_auto(machines.a100_550(), "2.14.1")
    made.install_torch("2.14.1+cu126")
    return made


@examples(60)
@given(st.data())
def test_any_record(fuzzed: FakeEnvironment, data: st.DataObject) -> None:
    """Whatever is in the record of an installed torch-auto, check says what is so."""
    right = fuzzed.prefix / "right.json"
    if not right.exists():
        right.write_bytes(fuzzed.record.read_bytes())
    record = json.loads(right.read_text("utf-8"))
    text = data.draw(st.one_of(bent([record], JSON).map(json.dumps), JSON.map(json.dumps), cut(st.just("{}"))))
    fuzzed.record.write_text(text, "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        root = project_in(folder, {"pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'})
        machine = Path(folder) / "machine.json"
        machine.write_text(json.dumps(machines.a100_550()), "utf-8")
        status, out, _ = run(root, "check", "--json", "--machine", str(machine), "--venv", str(fuzzed.prefix))
        assert status < 2
        json.loads(out)
