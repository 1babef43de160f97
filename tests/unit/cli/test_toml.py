"""A file of the user's, however it is written: changed as wanted or not at all, and parsed a handful of times."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch_auto.cli import main
from torch_auto.cli.project import toml
from torch_auto.cli.project.toml.document import Document, NoPlaceError, edited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["numpy"]\n'

#: A thousand lines and more of tables that are no affair of ours.
TABLES = "".join(f'\n[tool.x{number}]\nkey = ["a", "b"]\nother = {{ a = 1 }}\n' for number in range(300))

SHAPES = {
    "new": PROJECT,
    "groups and settings": (
        f'{PROJECT}\n[dependency-groups]\ndev = ["ruff"]\n\n[tool.uv]\npackage = false\n'
        'default-groups = ["dev"]\nconflicts = [\n  [\n    { extra = "a" },\n    { extra = "b" },\n  ],\n]\n'
        '\n[tool.uv.sources]\nnumpy = { index = "o" }\n'
    ),
}
SHAPES["large"] = PROJECT + TABLES
SHAPES["large, with groups and settings"] = SHAPES["groups and settings"] + TABLES

#: The likely places are in a text here, so each change is checked for itself.
MISLEADING = (
    f'{PROJECT}description = """\n[tool.uv]\n[dependency-groups]\nconflicts = [\n"""\n\n[tool.x]\n[tool.y]\n{TABLES}'
)


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """``parses(*options)``: how often ``init --portable`` parses a file."""
    counted = []
    loads = tomllib.loads

    def counting(text: str) -> object:
        counted.append(text)
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", counting)
    monkeypatch.setenv("UV", str(tmp_path / "no-uv"))

    def run(*options: str) -> int:
        counted.clear()
        assert main(["init", "--portable", "--for", "uv", "--project", str(tmp_path), *options]) == 0
        return len(counted)

    return run


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_handful_of_parses(name: str, tmp_path: Path, parses: Callable[..., int]) -> None:
    """Reading, writing seven groups, writing others, and writing nothing: each parses the file a few times."""
    (tmp_path / "pyproject.toml").write_text(SHAPES[name], "utf-8")
    chosen = ("--releases", "2.13.0", "--backends", "cu126,cu129,cu130,rocm7.1,rocm7.2,xpu")
    found = [parses(*chosen), parses(*chosen), parses("--releases", "2.12.1", "--backends", "cu126")]
    assert max(found) <= 12, found


def test_a_uv_toml_is_read_once(tmp_path: Path, parses: Callable[..., int]) -> None:
    """With its settings in a second file, and in a workspace, it is still a dozen at most."""
    (tmp_path / "pyproject.toml").write_text(f'{PROJECT}\n[tool.uv.workspace]\nmembers = ["libs/*"]\n', "utf-8")
    (tmp_path / "uv.toml").write_text('link-mode = "copy"\n', "utf-8")
    (tmp_path / "libs" / "one").mkdir(parents=True)
    (tmp_path / "libs" / "one" / "pyproject.toml").write_text(PROJECT, "utf-8")
    assert parses() <= 12


@pytest.mark.parametrize("text", [SHAPES["large"], MISLEADING], ids=["large", "misleading"])
def test_a_large_file_stays_fast(text: str, tmp_path: Path, parses: Callable[..., int]) -> None:
    """1,200 lines take no noticeable time, not even where the search is misled and each change is checked."""
    assert text.count("\n") > 1200
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    before = time.process_time()
    parses()
    assert time.process_time() - before < 3.0
    after = (tmp_path / "pyproject.toml").read_text("utf-8")
    rest = iter(after)
    assert all(character in rest for character in text)
    assert toml.parse(after)["tool"]["x299"] == {"key": ["a", "b"], "other": {"a": 1}}


def test_where_the_first_place_is_wrong() -> None:
    """Several changes of which one is misled: all are checked, and the outcome is as if each had been made alone."""
    text = 'a = """\n[b]\n"""\n[b]\nx = 1\n'

    def edit(document: Document) -> None:
        document.set(("b", "y"), 2, 1)
        document.set(("b", "z"), [3], 1, last=True)

    assert edited(text, edit) == 'a = """\n[b]\n"""\n[b]\ny = 2\nx = 1\nz = [3]\n'


def test_a_verb_starts_without_what_others_need() -> None:
    """The parsers of all verbs are there without any tool, and without what decides."""
    code = "import sys; from torch_auto.cli import command_line; command_line(); print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    ours = {name for name in loaded if name.startswith("torch_auto.cli.")}
    light = ("errors", "options", "project", "project.toml", "signals", "streams", "terminal", "tools")
    assert {name for name in ours if not name.startswith("torch_auto.cli.verbs")} == {
        f"torch_auto.cli.{name}" for name in light
    }
    assert not {"torch_auto.plan", "torch_auto.cover", "packaging.requirements", "subprocess"} & loaded


# --- any TOML -----------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["tool", "uv", "find-links", "package", "a b", "x"])
VALUES = st.recursive(
    st.sampled_from([1, True, "a", "[tool.uv]", "find-links = ["]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def inline(value: Any) -> str:
    """A value as TOML, all tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def document(data: dict[str, Any], depth: int, prefix: str = "") -> str:
    """TOML with headers down to a depth, and inline tables below."""
    plain = {key: value for key, value in data.items() if not (isinstance(value, dict) and depth)}
    lines = [f"{json.dumps(key)} = {inline(value)} # c" for key, value in plain.items()]
    for key, value in data.items():
        if key not in plain:
            name = f"{prefix}{json.dumps(key)}"
            lines += [f"[{name}]", document(value, depth - 1, f"{name}.")]
    return "\n".join(lines)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.integers(0, 3))
def test_any_document(data: dict[str, Any], depth: int) -> None:
    """The outcome is the old content and the addition, in the old bytes with others among them, or a refusal."""
    text = document(data, depth)
    try:
        found = edited(text, lambda document: document.add_to_array(("tool", "uv", "find-links"), "P", 2))
    except NoPlaceError:
        return
    content = tomllib.loads(found)
    links = content["tool"]["uv"]["find-links"]
    assert links[0] == "P"
    before = tomllib.loads(text)
    if len(links) > 1 or "find-links" in before.get("tool", {}).get("uv", {}):
        content["tool"]["uv"]["find-links"] = links[1:]
    rest = iter(found)
    assert all(character in rest for character in text)
    careful = Document(text, before, checked=True)
    careful.add_to_array(("tool", "uv", "find-links"), "P", 2)
    assert (careful.text, careful.content) == (found, tomllib.loads(found))


def test_set_value_does_not_overwrite() -> None:
    """A value that is there is the user's."""
    with pytest.raises(NoPlaceError, match="is set already"):
        edited('[a]\nb = "c"\n', lambda document: document.set(("a", "b"), "d", 1))
