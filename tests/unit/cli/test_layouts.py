"""Every verb that writes, on a hundred layouts of pyproject.toml: whole, once, nothing but the addition, and back."""

from __future__ import annotations

import difflib
import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from torch_auto.cli import command_line, main
from torch_auto.cli.project.toml import parse
from torch_auto.cli.tools.takeover import is_ours
from unit.cli.layouts import CORPUS, OTHERWISE, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The verbs, and what takes back what each of them has written.
VERBS = {
    "uv": (["init", "--for", "uv"], ["init", "--for", "uv", "--remove"]),
    "poetry": (["init", "--for", "poetry"], ["init", "--for", "poetry", "--remove"]),
    "pdm": (["init", "--for", "pdm"], ["init", "--for", "pdm", "--remove"]),
    "portable": (
        ["init", "--portable", "--for", "uv", "--backends", "cu126", "--releases", "2.9.1"],
        ["init", "--for", "uv", "--remove"],
    ),
    "add": (["add", "--for", "uv", "--yes"], None),
}

#: What is refused, and why.
SOURCE, INDEX, NO_PROJECT = "already sets where torch comes from", "years-old numpy", "does not have [project]"
REFUSED: dict[tuple[str, str], str] = {
    **{
        (name, verb): SOURCE
        for verb in ("uv", "portable")
        for name in (
            "the guide of uv",
            "the guide of uv, with extras",
            "sources on a line",
            "dependencies that are tight",
            "an index of PyTorch's for something else",
        )
    },
    **{
        (name, verb): INDEX
        for verb in ("uv", "portable")
        for name in ("dates among the sources", "an index of PyTorch's for everything")
    },
    **{
        (name, "portable"): NO_PROJECT
        for name in (
            "nothing",
            "a comment alone",
            "only a build system",
            "a workspace without a package",
            "Poetry of old",
            "Poetry with its sources",
            "Poetry, sources inline",
            "no project, tools alone",
        )
    },
    ("all of it inline", "poetry"): "there is no place for tool.poetry.source",
    ("all of it inline", "pdm"): "there is no place for tool.pdm.resolution",
    ("groups, all by default", "portable"): "List the groups that are meant instead",
    ("multi-line strings as values", "portable"): "written in a form that torch-auto cannot edit",
    ("dynamic dependencies", "portable"): "are dynamic",
    ("maturin", "portable"): "nothing for Python 3.9",
    ("rye", "portable"): "excludes",
    ("torch at an address", "portable"): "excludes",
    ("torch twice", "portable"): "excludes",
    ("torch at an address", "add"): "is at an address of its own",
    ("torch twice", "add"): "is required in several ways",
    ("torch that is overridden", "add"): "which replaces what torch-auto pins",
}

#: What does not come back to the byte, and why: what a verb found there, it takes for its own afterwards.
NOT_BACK: dict[tuple[str, str], str] = {
    **{
        (name, verb): "an empty table of uv's goes"
        for verb in ("uv", "portable")
        for name in ("empty tables", "an empty table inline", "a header at the very end")
    },
    **{
        (name, verb): "pages, or the setting, were there"
        for verb in ("uv", "portable")
        for name in ("a mirror is there", "pages are there as find-links", "exact pins are there")
    },
    ("PDM", "pdm"): "the order of sources stays where one is left",
    ("Poetry of old", "poetry"): "PyPI stays named beside other sources",
}

#: find-links becomes an index: something of the user's goes.
MOVED = ("pages are there as find-links",)


@pytest.fixture(autouse=True)
def machine(no_gpu_no_uv: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, and no tool that does anything; what is told is another test's."""
    del no_gpu_no_uv
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a disk's time, a thousand times
    monkeypatch.setattr("torch_auto.cli.command_line", cache(command_line))
    monkeypatch.setattr("torch_auto.cli.tools.uv_program.version", lambda _: None)
    monkeypatch.setattr("torch_auto.cli.tools.adding.run_step", lambda *_: 0)
    monkeypatch.setattr("torch_auto.cli.portable.write._tell", lambda *_, **__: None)


def comparable(value: Any) -> Any:
    """Content in which nan equals nan, and true is not 1."""
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    return list(map(comparable, value)) if isinstance(value, list) else (type(value).__name__, repr(value))


def is_among(part: str, whole: str) -> bool:
    """Whether each character of a text is in another one, in its order."""
    rest = iter(whole)
    return all(character in rest for character in part)


def faults(folder: Path, verb: str, name: str, text: str, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """What is wrong with a verb on a layout: each a sentence."""
    path, layout = folder / "pyproject.toml", next(item for item in (name, name.rpartition(", ")[0]) if item in PLAIN)
    before, where = text.encode(), ["--project", str(folder)]
    path.write_bytes(before)
    do, undo = VERBS[verb]
    code, said = main([*do, *where]), capsys.readouterr().err
    after = path.read_bytes()
    refusal = REFUSED.get((layout, verb))
    if refusal is not None or code != 0:
        if code != 2 or refusal is None or refusal not in said:
            yield f"ends with {code}: {said}"
        if after != before:
            yield "was refused, and has written"
        return
    content = parse(after.decode("utf-8-sig"))
    if verb == "add":
        yield from taken_over(text, after.decode(), content)
    elif layout not in MOVED and not is_among(text, after.decode()):
        yield "has something else in place of what was there"
    if main([*do, *where]) != 0 or path.read_bytes() != after:
        yield "is another one after the second time"
    if undo is None or (layout, verb) in NOT_BACK:
        return
    if main([*undo, *where]) != 0:
        yield f"cannot be taken back: {capsys.readouterr().err}"
    back = path.read_bytes().decode()
    if verb == "portable":
        back = re.sub(r',?[ \t]*(?:\r?\n[ \t]*)?"torch-auto"', "", back, count=1)
        back = re.sub(r"dependencies = \[\]\r?\n", "", back, count=1) if "dependencies" not in text else back
    expected = text if text.endswith("\n") or not text else text + ("\r\n" if "\r\n" in text else "\n")
    if back not in (text, expected) and not (verb == "portable" and is_almost(back, expected)):
        lines = difflib.unified_diff(expected.splitlines(), back.splitlines(), lineterm="", n=0)
        yield "does not come back: " + " ".join(lines)


def is_almost(back: str, expected: str) -> bool:
    """Whether two texts are the same but for a comma and spaces, where torch-auto itself was."""
    return re.sub(r"[\s,]", "", back) == re.sub(r"[\s,]", "", expected)


#: Where `add` takes something away, or adds.
_CHANGED = ("sources", "index", "conflicts", "find-links", "extra-index-url", "config-settings-package")
#: Lines that go with torch: those of itself, of sources and indexes, and what is empty then.
_GONE = re.compile(
    r"(?i)torch|^[\s\[\]{}(),]*$|explicit|extra|^(?:name|url|index|conflicts) ?=|cpu|cu128|gpu|"
    r"^\[(?:tool\.uv\.sources|project\.optional-dependencies)\]"
)


def taken_over(text: str, after: str, content: dict[str, Any]) -> Iterator[str]:
    """What `add` has done beside taking torch away and naming pages."""
    before = parse(text.removeprefix("\ufeff"))
    for place, found, expected in lists(content, before):
        left = [item for item in expected if not is_ours(item)]
        if comparable(found) != comparable(left):
            yield f"{place} is {found}, not {left}"
    if comparable(rest_of(content)) != comparable(rest_of(before)):
        yield "changes more than requirements and uv's settings"
    there = after.splitlines()
    for line in set(text.splitlines()) - set(there):
        if not _GONE.search(line) and not any(is_among(line, other) for other in there):
            yield f"takes away the line {line!r}"


def lists(content: dict[str, Any], before: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each list of requirements: its name, what is there, and what was."""
    for path in (("project", "optional-dependencies"), ("dependency-groups",)):
        found, was = content, before
        for key in path:
            found, was = found.get(key, {}), was.get(key, {})
        for key in was:
            yield key, found.get(key, []), was[key]
    if "dependencies" in before.get("project", {}):
        yield "dependencies", content["project"]["dependencies"], before["project"]["dependencies"]


def rest_of(content: dict[str, Any]) -> dict[str, Any]:
    """What `add` must not change."""
    left = {name: value for name, value in content.items() if name not in ("project", "dependency-groups", "tool")}
    project = content.get("project", {})
    left["project"] = {name: value for name, value in project.items() if not name.endswith("dependencies")}
    tools = content.get("tool", {})
    uv = {name: value for name, value in tools.get("uv", {}).items() if name not in _CHANGED}
    left["tool"] = {name: value for name, value in tools.items() if name != "uv"} | ({"uv": uv} if uv else {})
    return left


def every_fault(corpus: dict[str, str], verb: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The faults of a verb on all layouts, each with the layout's name."""
    found = [f"{name}: {fault}" for name, text in corpus.items() for fault in faults(folder, verb, name, text, capsys)]
    assert os.listdir(folder) == ["pyproject.toml"]
    return found


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_hundred_layouts(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is whole, and as it was but for what was asked for; a second time changes nothing; and it comes back."""
    assert len(CORPUS) >= 100
    assert every_fault(CORPUS, verb, tmp_path, capsys) == []


@pytest.mark.slow
@pytest.mark.parametrize("verb", list(VERBS))
def test_every_layout_in_every_other_way(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same with CRLF, mixed line ends, a byte order mark, no end and comments, of every layout."""
    assert len(OTHERWISE) >= 400
    assert every_fault(OTHERWISE, verb, tmp_path, capsys) == []
