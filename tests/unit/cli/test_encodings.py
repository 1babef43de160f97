"""Text that is not UTF-8: pip's files as pip reads them, and of every other file one error that says where."""

from __future__ import annotations

import json
import locale
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import machines

from torch_auto.cli import main
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.encoding import NotTextError, decoded
from torch_auto.cli.project.project import find
from torch_auto.cli.tools.pip import TOOL

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = "https://download.pytorch.org/whl/torch/"
PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'


@pytest.fixture(autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU, whatever the tests run on, no uv, and a virtual environment of nothing."""
    folder = tmp_path_factory.mktemp("machine")
    path = folder / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    (folder / "venv").mkdir()
    (folder / "venv" / "pyvenv.cfg").write_text("version = 3.11.7\n", "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))
    monkeypatch.setenv("UV", str(folder / "no-uv"))
    monkeypatch.setenv("VIRTUAL_ENV", str(folder / "venv"))


def in_locale(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Have the user's locale be one of this encoding, as Windows has them."""
    monkeypatch.setattr(locale, "getencoding", lambda: encoding, raising=False)
    monkeypatch.setattr(locale, "getpreferredencoding", lambda _=True: encoding)


# --- requirements -------------------------------------------------------------------------------------------------

TEXT = "# Zoë's\r\ntorch-auto[vision]>=2.5\r\nnumpy\r\n"

#: How `requirements.txt` is there, and the bytes of its text.
ENCODINGS: dict[str, tuple[bytes, str]] = {
    "UTF-8": (b"", "utf-8"),
    "UTF-8 with a mark, as Notepad saves it": (b"\xef\xbb\xbf", "utf-8"),
    "UTF-16 with a mark, as PowerShell's > writes it": (b"\xff\xfe", "utf-16-le"),
    "UTF-16, the other end first": (b"\xfe\xff", "utf-16-be"),
    "UTF-32": (b"\xff\xfe\x00\x00", "utf-32-le"),
    "UTF-32, the other end first": (b"\x00\x00\xfe\xff", "utf-32-be"),
    "a comment that says latin-1": (b"# -*- coding: latin-1 -*-\r\n", "latin-1"),
    "the same below another comment": (b"# ours\r\n# vim: set fileencoding=cp1252 :\r\n", "cp1252"),
    "a comment that says UTF-8": (b"# coding=utf-8\n", "utf-8"),
}


@pytest.mark.parametrize("name", list(ENCODINGS))
def test_requirements(name: str, tmp_path: Path) -> None:
    """The pages are written in the file's own encoding with its line ends, seen there, and taken back to the byte."""
    head, encoding = ENCODINGS[name]
    path = tmp_path / "requirements.txt"
    before = head + TEXT.encode(encoding)
    path.write_bytes(before)
    command = ["init", "--for", "pip", "--project", str(tmp_path)]
    for _ in range(2):
        assert main(command) == 0
        pages = "".join(f"--find-links {PAGE.replace('torch/', name)}\r\n" for name in ("torch/", "torchvision/"))
        first, rest = TEXT.split("\r\n", 1)
        assert path.read_bytes() == head + f"{first}\r\n{pages}{rest}".encode(encoding)
        found = find(str(tmp_path))
        assert dict(TOOL.requires(found)) == {"torch-auto": ("vision",), "numpy": ()}
        named = list(TOOL.named(found, {}, environments.own()))
        assert [item.url for item in named if item.origin == str(path)] == pages.split()[1::2]
    assert main([*command, "--remove"]) == 0
    assert path.read_bytes() == before


#: More that pip reads in one way or another, or not at all.
ODD: dict[str, bytes] = {
    "nothing": b"",
    "a mark alone": b"\xff\xfe",
    "latin-1, and nothing says so": "# Zoë\nnumpy\n".encode("latin-1"),
    "half a character of UTF-16": b"\xff\xfen\x00u",
    "an encoding that no one has": b"# coding: klingon\nnumpy\n",
    "an encoding of something else than text": b"# coding: hex\nnumpy\n",
    "an encoding that is none": b"# coding: undefined\nnumpy\n",
    "one that says UTF-8 and is not": "# coding: utf-8\n# Zoë\nnumpy\n".encode("latin-1"),
    "one that is said too late": "\n\n# coding: latin-1\n# Zoë\nnumpy\n".encode("latin-1"),
    "one that is said after a requirement": "numpy # coding: latin-1 ë\n".encode("latin-1"),
    "UTF-7": b"# coding: utf-7\n# Zo+AOs-\nnumpy\n",
    "Shift-JIS": "# coding: shift_jis\n# 日本\nnumpy\n".encode("shift_jis"),
}


@pytest.mark.parametrize("of_locale", ["utf-8", "cp1252"])
@pytest.mark.parametrize("name", [*ENCODINGS, *ODD])
def test_the_same_text_as_pip(name: str, of_locale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip reads is read as pip reads it, and what it ends at is one error with the file's name."""
    pip = pytest.importorskip("pip._internal.req.req_file")
    if not hasattr(pip, "_decode_req_file"):
        pytest.skip("an older pip reads it elsewhere")
    in_locale(monkeypatch, of_locale)
    monkeypatch.setattr(pip, "get_locale_encoding", lambda: of_locale)
    head, encoding = ENCODINGS.get(name, (b"", ""))
    data = ODD[name] if name in ODD else head + TEXT.encode(encoding)
    try:
        expected = pip._decode_req_file(data, "requirements.txt")
    except (UnicodeError, LookupError):
        with pytest.raises(NotTextError, match=r"^requirements\.txt: ") as caught:
            decoded("requirements.txt", data)
        assert str(caught.value).count("\n") == 0
    else:
        assert decoded("requirements.txt", data).text == expected


def test_latin_1_in_a_locale_of_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pip cannot read it: one error, and nothing is written. What only looks into it sees what is there."""
    in_locale(monkeypatch, "utf-8")
    path = tmp_path / "requirements.txt"
    before = f"# caf\xe9\n--find-links {PAGE}\ntorch-auto\n".encode("latin-1")
    path.write_bytes(before)
    assert main(["init", "--for", "pip", "--with", "vision", "--project", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"torch-auto: error: {path}: line 1, column 6: the byte 0xe9 is not UTF-8\n"
    assert path.read_bytes() == before
    assert dict(TOOL.requires(find(str(tmp_path)))) == {"torch-auto": ()}
    in_locale(monkeypatch, "cp1252")
    assert main(["init", "--for", "pip", "--with", "vision", "--project", str(tmp_path)]) == 0
    assert path.read_bytes().startswith(b"# caf\xe9\n--find-links")


def test_an_encoding_that_spells_a_text_in_several_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of UTF-7 we would write the rest of the file otherwise than it is: nothing is written."""
    path = tmp_path / "requirements.txt"
    before = b"# coding: utf-7\n# +AGE-\nnumpy\n"  # a
    path.write_bytes(before)
    assert main(["init", "--for", "pip", "--project", str(tmp_path)]) == 2
    assert "cannot be written in its encoding, utf-7, as it is" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_lock_from_requirements_of_powershell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`lock --portable` hands uv the requirements without torch-auto, in UTF-8."""
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe" + TEXT.encode("utf-16-le"))
    (tmp_path / "uv").write_text(
        f'#!/bin/sh\nfor word; do case "$word" in */requirements.txt) cat "$word" > "{tmp_path}/seen";; esac; done\n'
        "echo 'lock-version = \"1.0\"'\n",
        "utf-8",
    )
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("UV", str(tmp_path / "uv"))
    assert main(["lock", "--portable", "--backends", "cu126", "--project", str(tmp_path)]) == 0
    assert (tmp_path / "seen").read_text("utf-8") == "# Zoë's\nnumpy\n"


# --- pip's settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_pip_conf_in_the_encoding_of_the_locale(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As pip reads it; in another one it is an error, since pip ends there."""
    in_locale(monkeypatch, encoding)
    path = Path(os.environ["VIRTUAL_ENV"]) / ("pip.ini" if os.name == "nt" else "pip.conf")
    before = "[global]\r\n; Zoë\r\ntimeout = 60\r\n".encode(encoding)
    path.write_bytes(before)
    command = ["init", "--for", "pip", "--project", str(tmp_path)]
    assert main(command) == 0
    assert path.read_bytes() == before.replace(b"]\r\n", f"]\r\nfind-links = {PAGE}\r\n".encode())
    found = TOOL.named(find(str(tmp_path)), {}, environments.find(str(tmp_path), os.environ))
    assert str(path) in [item.origin for item in found]
    assert main([*command, "--remove"]) == 0
    assert path.read_bytes() == before
    in_locale(monkeypatch, "ascii")
    capsys.readouterr()
    assert main(command) == 2
    assert capsys.readouterr().err.startswith(f"torch-auto: error: {path}: line 2, column 5: the byte 0x")
    assert path.read_bytes() == before


# --- every other file ---------------------------------------------------------------------------------------------

LATIN_1 = "line 2, column 3: the byte 0xe9 is not UTF-8"
NOT_UTF_8 = {
    "latin-1": (b"# x\n# \xe9\n", LATIN_1),
    "UTF-16": ("# x\n".encode("utf-16"), "it is UTF-16, and has to be UTF-8: save it as that"),
    "UTF-16, the other end first": (b"\xfe\xff" + "# x".encode("utf-16-be"), "it is UTF-16, and has to be UTF-8"),
    "UTF-32": ("# x\n".encode("utf-32"), "it is UTF-32, and has to be UTF-8: save it as that"),
    "half a character": (b"# x\n# \xc3", "line 2, column 3: the byte 0xc3 is not UTF-8"),
}


def verb(name: str) -> Callable[[Path], list[str]]:
    """A command that reads a file."""
    return {
        "pyproject.toml": lambda folder: ["init", "--project", str(folder)],
        "uv.toml": lambda folder: ["init", "--project", str(folder)],
        "uv.lock": lambda folder: ["check", "--project", str(folder)],
        "pylock.torch-cpu.toml": lambda folder: ["sync", "--project", str(folder)],
        "machine.json": lambda folder: ["plan", "--machine", str(folder / "machine.json")],
        "train.py": lambda folder: ["init", "--script", str(folder / "train.py")],
    }[name]


@pytest.mark.parametrize("kind", list(NOT_UTF_8))
@pytest.mark.parametrize(
    "name", ["pyproject.toml", "uv.toml", "uv.lock", "pylock.torch-cpu.toml", "machine.json", "train.py"]
)
def test_one_error_that_says_where(name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name of the file and the place in it, on one line; the file is as it was."""
    data, words = NOT_UTF_8[kind]
    if name != "pyproject.toml":
        (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    path = tmp_path / name
    path.write_bytes(data)
    assert main(verb(name)(tmp_path)) == 2
    said = capsys.readouterr().err
    assert str(path) in said
    if name == "machine.json":
        words = "UTF-8"
    assert words in said
    assert said.count("torch-auto: error: ") == 1
    assert path.read_bytes() == data
