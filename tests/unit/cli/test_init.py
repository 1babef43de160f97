"""``torch-auto init`` names PyTorch's pages, and leaves every other byte as it was."""

from __future__ import annotations

import difflib
import json
import os
import stat
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from support import machines

from torch_auto.cli import main

if TYPE_CHECKING:
    from pathlib import Path

tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

PAGE = "https://download.pytorch.org/whl/torch/"
LINE = f'find-links = ["{PAGE}"]'
BASE = "https://download.pytorch.org/whl"
PROJECTS = ("torch", "torchvision", "torchaudio", "triton-rocm", "triton-xpu")
#: What a project of uv's names, on every machine: source of the tritons, the METADATA of torch's builds.
PAGES = [{"name": f"pytorch-{name}", "url": f"{BASE}/{name}/", "format": "flat"} for name in PROJECTS]
PIN = 'config-settings-package = { torch-auto = { pin = "exact" } }'
TABLES = "".join(
    f'\n[[tool.uv.index]]\nname = "{page["name"]}"\nurl = "{page["url"]}"\nformat = "flat"\n' for page in PAGES
)

PROJECT = """\
[project]
name = "x"
version = "1"
"""

#: Real-world shapes of pyproject.toml: before, and after, for an old uv. What is added is marked with «».
SHAPES = {
    "nothing of uv": (PROJECT, f"{PROJECT}«\n[tool.uv]\n{LINE}\n»"),
    "comments": (
        f"# top\n{PROJECT}\n# uv, see #12\n[tool.uv] # ours\n# keep\npackage = false # none\n# end\n",
        f"# top\n{PROJECT}\n# uv, see #12\n[tool.uv] # ours\n«{LINE}\n»# keep\npackage = false # none\n# end\n",
    ),
    "inline table": (
        f"{PROJECT}\n[tool]\nuv = {{ package = false }}\n",
        f"{PROJECT}\n[tool]\nuv = {{« {LINE},» package = false }}\n",
    ),
    "empty inline table": (
        f"{PROJECT}\n[tool]\nuv = {{}}\n",
        f"{PROJECT}\n[tool]\nuv = {{« {LINE}»}}\n",
    ),
    "array over lines": (
        f'{PROJECT}\n[tool.uv]\nfind-links = [\n    "https://a.example/", # first\n    "https://b.example/",\n]\n',
        (
            f'{PROJECT}\n[tool.uv]\nfind-links = [«\n    "{PAGE}",»\n    "https://a.example/", # first\n'
            '    "https://b.example/",\n]\n'
        ),
    ),
    "array with a comment": (
        f'{PROJECT}\n[tool.uv]\nfind-links = [ # wheels of ours\n  "https://a.example/"\n]\n',
        f'{PROJECT}\n[tool.uv]\nfind-links = [ # wheels of ours«\n  "{PAGE}",»\n  "https://a.example/"\n]\n',
    ),
    "array on a line": (
        f'{PROJECT}\n[tool.uv]\nfind-links = ["https://a.example/"]\n',
        f'{PROJECT}\n[tool.uv]\nfind-links = [«"{PAGE}", »"https://a.example/"]\n',
    ),
    "workspace": (
        f'{PROJECT}\n[tool.uv.workspace]\nmembers = ["packages/*"]\n\n[tool.ruff]\nline-length = 88\n',
        (
            f'{PROJECT}\n[tool.uv.workspace]\nmembers = ["packages/*"]\n\n[tool.ruff]\nline-length = 88\n'
            f"«\n[tool.uv]\n{LINE}\n»"
        ),
    ),
    "another index": (
        f'{PROJECT}\n[[tool.uv.index]]\nname = "ours"\nurl = "https://ours.example/simple"\n',
        f'{PROJECT}\n[[tool.uv.index]]\nname = "ours"\nurl = "https://ours.example/simple"\n«\n[tool.uv]\n{LINE}\n»',
    ),
    "CRLF": (
        f"{PROJECT}\n[tool.uv]\npackage = false\n".replace("\n", "\r\n"),
        f"{PROJECT}\n[tool.uv]\n«{LINE}\n»package = false\n".replace("\n", "\r\n"),
    ),
    "CRLF, nothing of uv": (
        PROJECT.replace("\n", "\r\n"),
        f"{PROJECT}«\n[tool.uv]\n{LINE}\n»".replace("\n", "\r\n"),
    ),
    "no final newline": (
        PROJECT.rstrip("\n"),
        PROJECT.rstrip("\n") + f"«\n\n[tool.uv]\n{LINE}\n»",
    ),
    "header at the end": (f"{PROJECT}\n[tool.uv]", f"{PROJECT}\n[tool.uv]«\n{LINE}»"),
    "dotted keys": (
        f"{PROJECT}\n[tool]\nuv.package = false\nruff.line-length = 88\n",
        f"{PROJECT}\n[tool]\n«uv.{LINE}\n»uv.package = false\nruff.line-length = 88\n",
    ),
    "odd spelling": (
        f'{PROJECT}\n[ tool . "uv" ]\npackage = false\n',
        f'{PROJECT}\n[ tool . "uv" ]\n«{LINE}\n»package = false\n',
    ),
    "a text that looks like a table": (
        f'{PROJECT}description = """\n[tool.uv]\nfind-links = [\n"""\n',
        f'{PROJECT}description = """\n[tool.uv]\nfind-links = [\n"""\n«\n[tool.uv]\n{LINE}\n»',
    ),
    "byte order mark": ("\ufeff" + PROJECT, f"\ufeff{PROJECT}«\n[tool.uv]\n{LINE}\n»"),
    "letters of all kinds": (
        f'{PROJECT}authors = [{{ name = "Zoë Ångström 😀" }}]\n',
        f'{PROJECT}authors = [{{ name = "Zoë Ångström 😀" }}]\n«\n[tool.uv]\n{LINE}\n»',
    ),
}


@pytest.fixture(autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a GPU, whatever the tests run on."""
    path = tmp_path_factory.mktemp("machine") / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))
    return path


def without_marks(text: str) -> str:
    return text.replace("«", "").replace("»", "")


def without_added(text: str) -> str:
    parts = text.split("«")
    return parts[0] + "".join(part.split("»")[1] for part in parts[1:])


def run(folder: Path, *options: str) -> int:
    return main(["init", "--project", str(folder), "--for", "uv", *options])


def fake_uv(folder: Path, version: str) -> str:
    """A PATH with a uv of some version."""
    folder.mkdir()
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\necho uv {version}\n", "utf-8")
    path.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


with_fake_uv = pytest.mark.skipif(sys.platform == "win32", reason="the fake uv is a shell script")


def settings(path: Path) -> dict[str, Any]:
    """What a pyproject.toml has in [tool.uv]."""
    found: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig"))["tool"]["uv"]
    return found


@with_fake_uv
@pytest.mark.parametrize("name", list(SHAPES))
def test_shapes_for_an_old_uv(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 0.6.17 uv knows no flat index: find-links names the page where a person would write it, once."""
    monkeypatch.setenv("PATH", fake_uv(tmp_path / "bin", "0.6.16"))
    monkeypatch.delenv("UV", raising=False)
    before, marked = SHAPES[name]
    assert without_added(marked) == before, "the example is wrong"
    path = tmp_path / "pyproject.toml"
    path.write_bytes(before.encode())
    for _ in range(2):
        assert run(tmp_path, "--index-url", f"{BASE}/x") == 0
        assert path.read_bytes().decode() == without_marks(marked).replace(PAGE, f"{BASE}/x/torch/")


@pytest.mark.parametrize("name", list(SHAPES))
def test_shapes(name: str, tmp_path: Path) -> None:
    """Pages and the setting are added, once; all else stays; --remove takes them back."""
    before = SHAPES[name][0]
    path = tmp_path / "pyproject.toml"
    path.write_bytes(before.encode())
    was = tomllib.loads(before.lstrip("\ufeff"))
    assert run(tmp_path) == 0
    after = path.read_bytes().decode()
    uv = was.setdefault("tool", {}).setdefault("uv", {})
    uv["index"] = [*uv.get("index", []), *PAGES]
    uv["config-settings-package"] = {"torch-auto": {"pin": "exact"}}
    assert tomllib.loads(after.lstrip("\ufeff")) == was
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    gone = [line for line in lines if line.startswith("- ")]
    assert len(gone) == ("inline" in name), gone
    assert ("\r\n" in before) == ("\r\n" in after)
    assert after.count("\r\n") in (0, after.count("\n"))
    assert run(tmp_path) == 0
    assert path.read_bytes().decode() == after
    assert run(tmp_path, "--remove") == 0
    left = path.read_bytes().decode()
    if name in ("header at the end", "empty inline table"):  # a table that is empty goes with what was in it
        assert tomllib.loads(left).get("tool", {}) == {}
        assert left.startswith(PROJECT)
    else:
        assert left.rstrip() == before.rstrip()


def test_where_it_stands(tmp_path: Path) -> None:
    """The setting in [tool.uv], and each page a table below, as uv's own documentation writes them."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    assert run(tmp_path) == 0
    assert path.read_text("utf-8") == f"{PROJECT}\n[tool.uv]\n{PIN}\n{TABLES}"


def test_pages_of_find_links_become_indexes(tmp_path: Path) -> None:
    """A project from before is moved over: ours leave find-links, others stay."""
    path = tmp_path / "pyproject.toml"
    path.write_text(f'{PROJECT}\n[tool.uv]\nfind-links = ["{PAGE}", "https://a.example/"]  # ours\n', "utf-8")
    assert run(tmp_path) == 0
    assert settings(path)["index"] == PAGES
    assert settings(path)["find-links"] == ["https://a.example/"]
    path.write_text(f'{PROJECT}\n[tool.uv]\nfind-links = ["{PAGE}"]\n', "utf-8")
    assert run(tmp_path) == 0
    assert path.read_text("utf-8") == f"{PROJECT}\n[tool.uv]\n{PIN}\n{TABLES}"


def test_an_inline_array_stays_one(tmp_path: Path) -> None:
    """Indexes that are written inline get more of their kind, since TOML knows no table of such an array."""
    path = tmp_path / "pyproject.toml"
    own = {"name": "ours", "url": "https://ours.example/simple", "explicit": True}
    line = '    { name = "ours", url = "https://ours.example/simple", explicit = true },  # ours\n'
    path.write_text(f"{PROJECT}\n[tool.uv]\nindex = [\n{line}]\n", "utf-8")
    assert run(tmp_path) == 0
    assert settings(path)["index"] == [own, *PAGES]
    assert line in path.read_text("utf-8")
    assert run(tmp_path, "--remove") == 0
    assert path.read_text("utf-8") == f"{PROJECT}\n[tool.uv]\nindex = [\n{line}]\n"


def test_pin_prefer(tmp_path: Path) -> None:
    """--pin prefer writes no setting, and takes ours away."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    assert run(tmp_path, "--pin", "prefer") == 0
    assert settings(path) == {"index": PAGES}
    assert run(tmp_path) == 0
    assert settings(path)["config-settings-package"] == {"torch-auto": {"pin": "exact"}}
    assert run(tmp_path, "--pin", "prefer") == 0
    assert settings(path) == {"index": PAGES}


def test_uv_toml(tmp_path: Path) -> None:
    """A uv.toml hides [tool.uv], so the pages go there, and are taken back from there."""
    (tmp_path / "pyproject.toml").write_text(PROJECT + "[tool.uv]\npackage = false\n", "utf-8")
    before = '# ours\n\n[[index]]\nurl = "https://ours.example/simple"\n'
    path = tmp_path / "uv.toml"
    path.write_text(before, "utf-8")
    assert run(tmp_path) == 0
    tables = TABLES.replace("[[tool.uv.index]]", "[[index]]")
    assert path.read_text("utf-8") == before.replace("\n\n[[", f"\n\n{PIN}\n[[") + tables
    assert "index" not in (tmp_path / "pyproject.toml").read_text("utf-8")
    assert run(tmp_path, "--remove") == 0
    assert path.read_text("utf-8") == before


def test_workspace_member(tmp_path: Path) -> None:
    """uv reads the settings of a workspace from its root, so that is where a member's page goes."""
    root = tmp_path / "pyproject.toml"
    root.write_text(PROJECT + '[tool.uv.workspace]\nmembers = ["packages/*"]\n', "utf-8")
    member = tmp_path / "packages" / "one"
    member.mkdir(parents=True)
    (member / "pyproject.toml").write_text(PROJECT, "utf-8")
    assert run(member) == 0
    assert TABLES in root.read_text("utf-8")
    assert (member / "pyproject.toml").read_text("utf-8") == PROJECT


def test_from_below(tmp_path: Path) -> None:
    """The project is found from a folder inside of it."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    (tmp_path / "src").mkdir()
    assert run(tmp_path / "src") == 0
    assert TABLES in (tmp_path / "pyproject.toml").read_text("utf-8")


def test_dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run shows the lines and writes nothing."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    assert run(tmp_path, "--dry-run") == 0
    assert f"  + {PIN}" in capsys.readouterr().out
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == PROJECT


def test_mirror(tmp_path: Path) -> None:
    """Of a mirror only the pages that are needed are named, and whoever runs it again without the URL keeps to it."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    page = {"name": "pytorch-torch", "url": "https://mirror.example/whl/torch/", "format": "flat"}
    assert run(tmp_path, "--index-url", "https://mirror.example/whl/") == 0
    assert settings(path)["index"] == [page]
    assert run(tmp_path, "--with", "vision", "--with", "audio") == 0
    names = ("torch", "torchvision", "torchaudio")
    assert [entry["url"] for entry in settings(path)["index"]] == [f"https://mirror.example/whl/{it}/" for it in names]
    assert run(tmp_path, "--remove") == 0
    assert path.read_text("utf-8") == PROJECT


def test_page_of_triton(tmp_path: Path, machine: Path) -> None:
    """Of a mirror an AMD machine adds the page of its triton; for everyone else that changes nothing."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    assert run(tmp_path, "--index-url", "https://mirror.example/whl/") == 0
    machine.write_text(json.dumps(machines.mi300()), "utf-8")
    assert run(tmp_path) == 0
    after = path.read_text("utf-8")
    assert [entry["name"] for entry in settings(path)["index"]] == ["pytorch-torch", "pytorch-triton-rocm"]
    machine.write_text(json.dumps(machines.cpu()), "utf-8")
    assert run(tmp_path) == 0
    assert path.read_text("utf-8") == after


PINNED = {
    "table": ("[tool.uv]\npackage = false\n", "[tool.uv]\nX\npackage = false\n"),
    "settings of others": (
        '[tool.uv]\nconfig-settings-package = { numpy = { a = "b" } }\n',
        '[tool.uv]\nconfig-settings-package = { torch-auto = { pin = "exact" }, numpy = { a = "b" } }\n',
    ),
    "settings of ours": (
        '[tool.uv.config-settings-package]\ntorch-auto = { backend = "cu126" }\n',
        '[tool.uv.config-settings-package]\ntorch-auto = { pin = "exact", backend = "cu126" }\n',
    ),
}


@with_fake_uv
@pytest.mark.parametrize("name", list(PINNED))
def test_pin_exact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv's setting for torch-auto's builds stands beside those that are there, and goes alone."""
    monkeypatch.setenv("PATH", fake_uv(tmp_path / "bin", "0.13.9"))
    monkeypatch.delenv("UV", raising=False)
    before, after = PINNED[name]
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT + before, "utf-8")
    assert run(tmp_path) == 0
    assert path.read_text("utf-8") == PROJECT + after.replace("X", PIN) + TABLES
    assert run(tmp_path, "--remove") == 0
    assert path.read_text("utf-8") == PROJECT + before


@with_fake_uv
def test_an_old_uv_gets_no_setting_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 0.6.17 to 0.12 uv serves a build without the setting from its cache: pages alone are written."""
    monkeypatch.setenv("PATH", fake_uv(tmp_path / "bin", "0.12.24"))
    monkeypatch.delenv("UV", raising=False)
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    assert run(tmp_path) == 0
    assert settings(path) == {"index": PAGES}


@with_fake_uv
def test_pin_exact_with_an_old_uv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A uv before 0.13 has no cache entry of its own for the setting: that is said, and nothing is written."""
    monkeypatch.setenv("PATH", fake_uv(tmp_path / "bin", "0.12.3"))
    monkeypatch.delenv("UV", raising=False)
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    assert run(tmp_path, "--pin", "exact") == 2
    assert "needs uv 0.13 or newer, and this is uv 0.12.3" in capsys.readouterr().err
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == PROJECT
    assert run(tmp_path, "--pin", "exact", "--force") == 0


REFUSED = {
    "torch from an index": (
        '[tool.uv.sources]\ntorch = { index = "pytorch-cu126" }\n',
        "already sets where torch comes from. To have torch-auto choose it, run `",
    ),
    "torch from a URL": (
        '[tool.uv.sources]\ntorch = { url = "https://x.example/t.whl" }\n',
        "already sets where torch comes from",
    ),
    "an index that shadows PyPI": (
        '[[tool.uv.index]]\nname = "p"\nurl = "https://download.pytorch.org/whl/cu126"\n',
        "https://download.pytorch.org/whl/cu126 is named (tool.uv.index in ",
    ),
    "an index in the place of PyPI": (
        '[tool.uv]\nindex-url = "https://download.pytorch.org/whl/cpu"\n',
        " add` removes it; or use --force to keep both",
    ),
    "another spelling of an index": (
        '[tool.uv]\nextra-index-url = ["https://download.pytorch.org/whl/cpu"]\n',
        "https://download.pytorch.org/whl/cpu is named (tool.uv.extra-index-url in ",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_torch_has_an_index_already(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the project names an index for torch itself, that is said and nothing is written, but with --force."""
    extra, message = REFUSED[name]
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT + extra, "utf-8")
    assert run(tmp_path) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.endswith("Nothing was written.\n")
    assert path.read_text("utf-8") == PROJECT + extra
    assert run(tmp_path, "--force") == 0
    lines = difflib.ndiff((PROJECT + extra).splitlines(), path.read_text("utf-8").splitlines())
    assert {line[0] for line in lines} == {" ", "+"}


def test_a_variable_hides_pypi(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of PyTorch's in a variable is refused as one in a file is, with what ends it."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    monkeypatch.setenv("UV_INDEX", "https://download.pytorch.org/whl/cpu")
    assert run(tmp_path) == 2
    assert "(UV_INDEX): uv takes every package" in (error := capsys.readouterr().err)
    assert "Unset UV_INDEX; or use --force to keep both" in error
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == PROJECT


def test_explicit_index_is_no_reason(tmp_path: Path) -> None:
    """An explicit index of PyTorch's, named for another package, is left alone."""
    extra = '[[tool.uv.index]]\nname = "p"\nurl = "https://download.pytorch.org/whl/cu126"\nexplicit = true\n'
    (tmp_path / "pyproject.toml").write_text(PROJECT + extra, "utf-8")
    assert run(tmp_path) == 0


BROKEN = {
    "not TOML": "[project\n",
    "index is no array": f'{PROJECT}[tool.uv]\nindex = "x"\n',
    "uv is no table": f"{PROJECT}[tool]\nuv = 1\n",
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_broken(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be changed safely is an error with the exit status 2, and stays as it is."""
    path = tmp_path / "pyproject.toml"
    path.write_text(BROKEN[name], "utf-8")
    assert run(tmp_path) == 2
    assert capsys.readouterr().err.startswith("torch-auto: error: ")
    assert path.read_text("utf-8") == BROKEN[name]


def test_not_utf_8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in another encoding is an error, and stays as it is."""
    (tmp_path / "pyproject.toml").write_bytes(b"# caf\xe9\n")
    assert run(tmp_path) == 2
    assert "cannot be read as TOML" in capsys.readouterr().err


def test_no_pyproject(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a pyproject.toml, the command says what makes one."""
    assert run(tmp_path) == 2
    assert "`uv init` makes one" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
def test_read_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A read-only file is not replaced, though its folder would allow it."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    path.chmod(0o444)
    assert run(tmp_path) == 2
    assert capsys.readouterr().err == f"torch-auto: error: {path}: is read-only\n"
    assert path.read_text("utf-8") == PROJECT
    assert sorted(os.listdir(tmp_path)) == ["pyproject.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_mode_and_link_stay(tmp_path: Path) -> None:
    """The file keeps its mode, and a symbolic link stays one."""
    real = tmp_path / "real.toml"
    real.write_text(PROJECT, "utf-8")
    real.chmod(0o640)
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").symlink_to(real)
    assert run(project) == 0
    assert (project / "pyproject.toml").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert TABLES in real.read_text("utf-8")
    assert sorted(os.listdir(tmp_path)) == ["project", "real.toml"]


# --- other tools ----------------------------------------------------------------------------------------------


def test_requirements_file(tmp_path: Path) -> None:
    """For pip, the line goes into requirements.txt, below the comments at its top, once."""
    path = tmp_path / "requirements.txt"
    path.write_text("# ours\n\ntorch-auto\nnumpy", "utf-8")
    for _ in range(2):
        assert main(["init", "--for", "pip", "--project", str(tmp_path)]) == 0
        assert path.read_text("utf-8") == f"# ours\n\n--find-links {PAGE}\ntorch-auto\nnumpy"


PIP_CONF = {
    "empty": ("", f"[global]\nfind-links = {PAGE}\n"),
    "other section": ("[install]\nuser = no\n", f"[install]\nuser = no\n[global]\nfind-links = {PAGE}\n"),
    "section": ("[global]\ntimeout = 60\n", f"[global]\nfind-links = {PAGE}\ntimeout = 60\n"),
    "option": ("[global]\nfind-links = /wheels\n", f"[global]\nfind-links = {PAGE}\n    /wheels\n"),
}


@pytest.mark.parametrize("name", list(PIP_CONF))
def test_pip_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without requirements.txt, it goes into the pip.conf of the virtual environment."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("version = 3.11.7\n", "utf-8")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / ".venv"))
    path = tmp_path / ".venv" / "pip.conf"
    before, after = PIP_CONF[name]
    if before:
        path.write_text(before, "utf-8")
    for _ in range(2):
        assert main(["init", "--for", "pip", "--project", str(tmp_path)]) == 0
        assert path.read_text("utf-8") == after


def test_poetry(tmp_path: Path) -> None:
    """For Poetry, PyPI and the PyTorch index become primary sources; those that are there stay."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT + "[tool.poetry]\npackage-mode = false\n", "utf-8")
    for _ in range(2):
        assert main(["init", "--project", str(tmp_path)]) == 0
        found = tomllib.loads(path.read_text("utf-8"))["tool"]["poetry"]
        assert found["source"] == [
            {"name": "PyPI", "priority": "primary"},
            {"name": "pytorch", "url": "https://download.pytorch.org/whl", "priority": "primary"},
        ]
    assert path.read_text("utf-8").startswith(PROJECT + "[tool.poetry]\npackage-mode = false\n")


def test_pdm(tmp_path: Path) -> None:
    """For PDM, each page becomes a source of the type find_links, and sources are told to keep their order."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT + "[tool.pdm]\ndistribution = false\n", "utf-8")
    for _ in range(2):
        assert main(["init", "--project", str(tmp_path)]) == 0
        found = tomllib.loads(path.read_text("utf-8"))["tool"]["pdm"]
        assert found["source"] == [{"name": "pytorch-torch", "type": "find_links", "url": PAGE}]
        assert found["resolution"] == {"respect-source-order": True}
