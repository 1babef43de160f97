"""TOML that is valid and odd: values that equal nothing, lines that look like tables, nesting and sizes without end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from torch_auto.cli import main
from torch_auto.cli.project.toml import parse
from torch_auto.cli.project.toml.document import NoPlaceError, edited

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["numpy"]\n'
MANY = 2000

VERBS = {
    "init": ["init", "--for", "uv"],
    "init --remove": ["init", "--for", "uv", "--remove"],
    "init --portable": ["init", "--portable", "--for", "uv", "--backends", "cu126", "--releases", "2.9.1"],
}


pytestmark = pytest.mark.usefixtures("no_gpu_no_uv")


# --- values -------------------------------------------------------------------------------------------------------

#: Values, and what an edit must not take for the same.
VALUES = [
    "nan",
    "-nan",
    "[nan, { a = nan }]",
    "inf",
    "-inf",
    "-0.0",
    "1979-05-27T07:32:00Z",
    "1979-05-27 07:32:00.5-07:00",
    "1979-05-27",
    "07:32:00.999999",
    "0xff",
    "0o7",
    "1_000.5e-3",
    "[]",
    "[[], {}]",
    "{}",
    "''",
    '"\\u007f"',
    "9223372036854775807",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "place", ["[x]\ny = {}\n", "[tool.uv]\nz = {}\n", "[[tool.uv.index]]\nname = 'n'\nurl = 'u'\nz = {}\n"]
)
def test_a_value_that_stays(value: str, place: str, tmp_path: Path) -> None:
    """Each verb that writes goes past it, and it is as it was; nan equals nothing, and there was "no place"."""
    path = tmp_path / "pyproject.toml"
    text = PROJECT + place.replace("{}", value)
    path.write_text(text, "utf-8")
    for words in (VERBS["init"], VERBS["init --portable"], VERBS["init --remove"]):
        assert main([*words, "--project", str(tmp_path)]) == 0
        assert f"= {value}\n" in path.read_text("utf-8")


@pytest.mark.parametrize("value", VALUES)
def test_a_value_in_a_table_that_is_rewritten(value: str) -> None:
    """An inline array of tables that one is taken out of, or put into, whatever is in the others."""
    text = f"[tool.uv]\nindex = [{{ name = 'a', x = {value} }}, {{ name = 'b' }}]\n"

    def take(index: int) -> str:
        return edited(text, lambda document: document.remove_from_list(("tool", "uv", "index"), index))

    assert take(1) == f"[tool.uv]\nindex = [{{ name = 'a', x = {value} }}]\n"
    if value != '"\\u007f"' and "[" not in value and "{" not in value:  # which are there in a spelling of their own
        assert take(0) == "[tool.uv]\nindex = [{ name = 'b' }]\n"
    more = edited(text, lambda document: document.add_to_list(("tool", "uv", "index"), [("name", "c")], 2))
    assert [item["name"] for item in parse(more)["tool"]["uv"]["index"]] == ["a", "b", "c"]


@pytest.mark.parametrize(("one", "other"), [("1", "true"), ("1", "1.0"), ("0.0", "-0.0"), ("'nan'", "nan")])
def test_values_that_are_not_the_same(one: str, other: str) -> None:
    """Python says that 1 is true: an edit that changed one into the other would not be noticed."""
    from torch_auto.cli.project.toml.document import _says  # noqa: PLC0415

    assert _says(f"a = {one}", parse(f"a = {one}"))
    assert not _says(f"a = {one}", parse(f"a = {other}"))


# --- lines that look like others ----------------------------------------------------------------------------------

MISLEADING = {
    "headers in a string": PROJECT + 'd = """\n' + "[tool.uv]\n" * MANY + '"""\n',
    "headers in a literal string": PROJECT + "d = '''\n" + "[tool.uv]\n" * MANY + "'''\n",
    "headers in comments": PROJECT + "# [tool.uv]\n#[tool.uv]\n" * MANY,
    "arrays in an array": PROJECT + "[x]\ny = [\n" + '["tool"],\n' * MANY + "]\n",
    "inline tables in comments": PROJECT + "# tool = { uv = {\n" * MANY,
    "dotted keys of another table": PROJECT + "[x]\n" + "".join(f"tool.uv.a{n} = 1\n" for n in range(MANY)),
    "inline tables of another table": PROJECT
    + "[x]\n"
    + "".join(f"a{n} = {{ uv = {{ b = 1 }} }}\n" for n in range(MANY)),
    "tables": PROJECT + "".join(f"[tool.x{n}]\na = 1\n" for n in range(MANY)),
    "tables of uv": PROJECT + "".join(f"[tool.uv.x{n}]\na = 1\n" for n in range(MANY)),
    "requirements in a string": PROJECT + 'd = """\n' + 'dependencies = ["torch"]\n' * MANY + '"""\n',
    "strings with arrays": "[x]\n" + "".join(f'd{n} = "dependencies = ["\n' for n in range(MANY)) + PROJECT,
    "requirements of other tables": "".join(f'[x{n}]\ndependencies = ["numpy"]\n' for n in range(MANY)) + PROJECT,
    "spaces": PROJECT + " " * 100 * MANY + "\n",
    "blank lines": PROJECT + "\n" * 100 * MANY,
    "comments": PROJECT + "# a # b # c\n" * 10 * MANY + "[[tool.uv.index]]\nname = 'a'\nurl = 'b'\n",
    "numbers": PROJECT + "x = [" + "1," * 50 * MANY + "]\n",
}


@pytest.mark.parametrize("verb", list(VERBS))
@pytest.mark.parametrize("name", list(MISLEADING))
def test_what_misleads_a_search(name: str, verb: str, tmp_path: Path) -> None:
    """It is done, in a moment: 2,000 headers in a string took 43 seconds."""
    path = tmp_path / "pyproject.toml"
    path.write_text(MISLEADING[name], "utf-8")
    before = time.process_time()
    assert main([*VERBS[verb], "--project", str(tmp_path)]) == 0
    assert time.process_time() - before < 8
    content = parse(path.read_text("utf-8"))
    assert ("index" in content.get("tool", {}).get("uv", {})) == (verb != "init --remove" or name == "comments")


def test_where_no_place_is_likely() -> None:
    """A file that is written in a way that nobody knows is refused, after a number of tries."""
    text = "".join(f"[x{n}.tool]\nuv = {{ }}\n" for n in range(MANY)) + "[tool]\nuv = 1\n"
    before = time.process_time()
    with pytest.raises(NoPlaceError, match="is not a table"):
        edited(text, lambda document: document.set(("tool", "uv", "a"), 1, 2))
    assert time.process_time() - before < 8


# --- without end --------------------------------------------------------------------------------------------------

DEEP = {
    "arrays": "x = " + "[" * 3000 + "]" * 3000 + "\n",
    "inline tables": "x = " + "{a=" * 3000 + "1" + "}" * 3000 + "\n",
    "dotted keys": "x" + ".a" * 3000 + " = 1\n",
    "a header": "[x" + ".a" * 3000 + "]\nb = 1\n",
    "an array that is not closed": "x = " + "[" * 100_000,
}

#: Commands that read a file of a project.
READERS = {
    "pyproject.toml": ["init", "--for", "uv"],
    "uv.toml": ["init", "--for", "uv"],
    "uv.lock": ["check"],
    "pylock.torch-cpu.toml": ["sync"],
}


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize("kind", list(DEEP))
def test_nesting_without_end(name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is one error with the file's name; it was a traceback."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    path = tmp_path / name
    path.write_text(DEEP[kind], "utf-8")
    assert main([*READERS[name], "--project", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"torch-auto: error: {path} cannot be read as TOML: ")
    assert said.count("\n") == 1
    assert path.read_text("utf-8") == DEEP[kind]


def test_a_script_that_is_nested_without_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same in inline metadata."""
    path = tmp_path / "x.py"
    path.write_text("# /// script\n# x = " + "[" * 3000 + "]" * 3000 + "\n# ///\n", "utf-8")
    assert main(["init", "--script", str(path)]) == 2
    assert "nested more than 100 deep" in capsys.readouterr().err


def test_ninety_levels_are_none_too_many() -> None:
    """What a person may have written is read and changed."""
    text = "x = " + "[" * 90 + "]" * 90 + "\n"
    assert edited(text, lambda document: document.set(("tool", "a"), 1, 1)) == f"{text}\n[tool]\na = 1\n"


@pytest.mark.parametrize("name", list(READERS))
def test_a_file_of_any_size(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is larger than any of its kind is one error, before it is read as TOML."""
    monkeypatch.setattr("torch_auto.cli.project.files.LARGEST", 1 << 20)
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate((1 << 20) + 1)
    assert main([*READERS[name], "--project", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"torch-auto: error: {path}: it is larger than 1048576 bytes\n"


def test_requirements_that_name_themselves(tmp_path: Path) -> None:
    """Files are not followed, so a circle of them ends."""
    path = tmp_path / "requirements.txt"
    path.write_text("-r other.txt\n-r requirements.txt\n-c requirements.txt\nnumpy\n", "utf-8")
    (tmp_path / "other.txt").symlink_to(path)
    assert main(["init", "--for", "pip", "--project", str(tmp_path)]) == 0
    assert path.read_text("utf-8").startswith("--find-links https://download.pytorch.org/whl/torch/\n-r other.txt\n")
