"""The docs are true: their commands run, their links lead somewhere, their snippets are what their tools take."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from support import docs, frontends, machines
from support.docs import ROOT, Block
from support.torch_index import TorchIndex

from torch_auto import catalog
from torch_auto.cli import command_line
from torch_auto.decide import decide
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BLOCKS = [block for path in docs.PAGES for block in docs.blocks(path)]
COMMANDS = [block for block in BLOCKS if block.language in docs.COMMANDS]
RUN = [block for block in COMMANDS if not {"not run", "run by"} & set(block.marks)]


# --- a place to run commands in ----------------------------------------------------------------------------------


class Place:
    """Folders in which a block's commands run, as the machine that it names, against an index of the tests' own."""

    def __init__(self, root: Path, index: TorchIndex, uv: frontends.Tool, pip: frontends.Tool) -> None:
        self._sandbox, self._index = frontends.Sandbox(root, index), index
        self._tools = root / "tools"
        self._tools.mkdir()
        uvx = f'"{uv.executable.parent / "uvx"}"'
        self._script("uv", f'exec "{uv.executable}" "$@"')
        self._script("uvx", f'exec {uvx} "$@"')
        # As after `uv tool install torch-auto-core`; an environment's own comes before it.
        self._script("torch-auto", f'exec {uvx} -q torch-auto-core "$@"')
        # The pip of the environment that is active, but the newest.
        self._script("pip", f'exec "{pip.executable}" --python "$VIRTUAL_ENV/bin/python" "$@"')
        self._made = 0

    def _script(self, name: str, line: str) -> None:
        path = self._tools / name
        path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def _machine(self, name: str) -> Path:
        path = self._sandbox.root / f"machine-{name}.json"
        path.write_text(json.dumps(getattr(machines, name)()), "utf-8")
        return path

    def _environment(self, folder: Path, machine: str) -> dict[str, str | None]:
        search = [folder / ".venv/bin", self._tools, self._sandbox.environment["PATH"]]
        return {
            "TORCH_AUTO_MACHINE": str(self._machine(machine)),
            "UV_CACHE_DIR": str(self._sandbox.root / f"uv-{machine}"),
            "PIP_CACHE_DIR": str(self._sandbox.root / f"pip-{machine}"),
            "VIRTUAL_ENV": str(folder / ".venv"),
            "UV_PYTHON": None,  # with it, `uv pip install` would go past the environment, into that Python itself
            "PATH": os.pathsep.join(map(str, search)),
            "TORCH_AUTO_INDEX_URL": self._index.whl,
            "GITHUB_ENV": str(folder / "github-env"),
            "GITHUB_PATH": str(folder / "github-path"),
        }

    @lru_cache(maxsize=None)  # noqa: B019  # lives as long as the module's tests
    def _locked(self, kind: str, machine: str) -> Path:
        """A project that has torch-auto and names torch's page, locked on this machine; or one with torch groups."""
        page = f'[tool.uv]\nfind-links = ["{self._index.find_links}"]'
        folder = self._sandbox.project(name=f"{kind.replace(' ', '-')}-{machine}", extra=page)
        env = {**self._environment(folder, machine), "VIRTUAL_ENV": None}
        if kind == "project":
            self._sandbox.run(["uv", "add", "--no-sync", "torch-auto"], cwd=folder, env=env)
        else:
            command = ["uvx", "torch-auto-core", "init", "--portable", "--releases", "2.13.0"]
            self._sandbox.run([*command, "--backends", "cu126,cu129"], cwd=folder, env=env)
            self._sandbox.run(["uv", "lock"], cwd=folder, env=env)
        return folder

    def folder(self, kind: str, machine: str, text: str) -> Path:
        """A new folder: with a project that has torch-auto, with a new project, or empty; and the files it names."""
        self._made += 1
        folder = self._sandbox.root / f"place{self._made}"
        env = self._environment(folder, machine)
        if kind == "new project":
            self._sandbox.project(name=folder.name)
        elif kind == "empty folder":
            folder.mkdir()
        else:
            assert kind in ("project", "portable project"), kind
            shutil.copytree(self._locked(kind, machine), folder, ignore=shutil.ignore_patterns(".venv"))
        (folder / "github-env").touch()
        if kind.endswith("project") and kind != "new project":
            self._sandbox.run(["uv", "sync", "--locked"], cwd=folder, env={**env, "VIRTUAL_ENV": None})
        else:
            self._sandbox.run([self._sandbox.python, "-m", "venv", "--without-pip", folder / ".venv"])
        kinds = [machines.a100_550, machines.h100_580, machines.p100_580, machines.cpu]
        for number, name in enumerate(sorted(set(re.findall(r"(?:--machine |MACHINE=\$PWD/)([\w./-]+\.json)", text)))):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(kinds[number % len(kinds)]()), "utf-8")
        return folder

    def run(self, block: Block) -> frontends.Finished:
        """Run a block's commands, all in one bash that stops at the first that fails."""
        machine = block.marks.get("machine", "cpu")
        text = self.at_home(block.commands)
        folder = self.folder(block.marks.get("run in", "project"), machine, text)
        return self._sandbox.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=self._environment(folder, machine)
        )

    def lock(self, block: Block) -> frontends.Finished:
        """Lock a project with a block of settings."""
        folder = self.folder("empty folder", "cpu", "")
        (folder / "pyproject.toml").write_text(
            '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["torch-auto"]\n'
            * ("[project]" not in block.text)
            + self.at_home(block.text),
            "utf-8",
        )
        return self._sandbox.run(
            ["uv", "lock"], cwd=folder, env={**self._environment(folder, "cpu"), "VIRTUAL_ENV": None}
        )

    def close(self) -> None:
        """Make sure that nothing was installed outside of the folders."""
        code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch_auto') is not None)"
        self._sandbox.run([self._sandbox.python, "-I", "-c", code])

    def at_home(self, text: str) -> str:
        """The text with the tests' index in place of PyTorch's and of the mirror that the docs make up."""
        return re.sub(r"https://(download\.pytorch\.org|mirror\.example/pytorch)/whl", self._index.whl, text)


@pytest.fixture(scope="module")
def place(wheelhouse: Path, dists: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Where blocks run; what one of them has downloaded and built, the next finds in its cache."""
    with TorchIndex(wheelhouse=wheelhouse, dists=dists) as index:
        made = Place(tmp_path_factory.mktemp("docs"), index, frontends.uv(), frontends.pip())
        yield made
        made.close()


# --- commands ----------------------------------------------------------------------------------------------------


@pytest.mark.frontend
@pytest.mark.skipif(sys.platform == "win32", reason="the commands of the docs are written for bash")
@pytest.mark.parametrize(
    "block",
    [pytest.param(block, id=str(block), marks=() if "README.md" in str(block) else pytest.mark.slow) for block in RUN],
)
def test_a_block_of_commands_runs(block: Block, place: Place) -> None:
    """Every block of commands that no mark excuses ends with exit code 0, and prints what it shows."""
    done = place.run(block)
    printed = {line.strip() for line in (done.stdout + done.stderr).splitlines()}
    assert [line for line in block.shown if place.at_home(line) not in printed] == [], done


def test_a_block_that_another_test_runs_names_it() -> None:
    """``run by`` names a test that there is."""
    for block in BLOCKS:
        for name in filter(None, block.marks.get("run by", "").split(", ")):
            path, _, function = name.partition("::")
            assert f"def {function}(" in (ROOT / path).read_text("utf-8"), block


def test_what_is_not_run_says_why() -> None:
    """``not run`` gives its reason, which starts with what is missing here: "needs Docker"."""
    marks = [block.marks["not run"] for block in BLOCKS if "not run" in block.marks]
    assert marks
    assert [mark for mark in marks if not re.match(r"needs \w+", mark)] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no bash")
@pytest.mark.parametrize(
    "block", [b for b in COMMANDS if b not in RUN and b.language in ("console", "sh", "bash")], ids=str
)
def test_what_is_not_run_is_shell_all_the_same(block: Block) -> None:
    """A block that cannot be run here has at least no mistake that bash sees."""
    done = subprocess.run(["bash", "-n"], input=block.commands, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), block


def test_every_language_is_one_that_these_tests_know() -> None:
    """A block in a language that nobody checks is a block that nobody checks."""
    assert [str(block) for block in BLOCKS if block.language not in {*docs.COMMANDS, *docs.DATA}] == []


# --- tables ------------------------------------------------------------------------------------------------------

#: The machines of the table of docs/guides/faq.md.
FAQ_MACHINES = {
    "RTX 5090, driver 575": machines.rtx5090_575(),
    "GTX 1080, driver 550": machines.with_nvidia("550.54.14", machines.GTX1080),
    "V100, driver 580": machines.with_nvidia("580.65.06", machines.V100),
    "A100, driver 470": machines.with_nvidia("470.57.02", machines.A100),
    "A100, driver 525": machines.with_nvidia("525.60.13", machines.A100),
    "K80, driver 470": machines.k80_470(),
}


def test_the_table_of_the_questions_is_what_the_rules_give() -> None:
    """Each GPU that people ask about gets what docs/guides/faq.md says."""
    rows = re.findall(
        r"^\| (.+?) \| `(.+?)` \| (.+?) \| (.+?) \|$", docs.prose(ROOT / "docs/guides/faq.md"), re.MULTILINE
    )
    found = []
    known = catalog.load()
    for name, given in FAQ_MACHINES.items():
        machine = machine_from_json(given)
        newest = newest_usable(machine, Settings(), known)
        assert newest.with_pages
        plan = decide(known.release(newest.with_pages), machine, Settings(), known)
        refused = decide(known.release("2.15.0"), machine, Settings(), known).requirements[0]
        exact = f"{newest.with_pages}+{plan.selection.local_version}"
        found.append((name, *re.findall(r"\+(needs[.\w]+)", refused), exact, newest.without_pages))
    assert rows == found


def test_every_question_names_a_thread() -> None:
    """Each question of docs/guides/faq.md links the public thread in which it was asked."""
    text = (ROOT / "docs/guides/faq.md").read_text("utf-8")
    questions = text.split("\n## ")[1:]
    thread = r"\]\(https://github\.com/[\w.-]+/[\w.-]+/(?:issues|pull)/\d+\)"
    assert [question.splitlines()[0] for question in questions if not re.search(thread, question)] == []


# --- snippets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language in ("toml", "yaml", "json", "python")], ids=str)
def test_a_snippet_parses(block: Block) -> None:
    """TOML, YAML, JSON and Python are what they say they are."""
    readers: dict[str, Callable[[str], object]] = {
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
        "json": json.loads,
        "python": lambda text: compile(text, str(block), "exec"),
    }
    assert readers[block.language](block.text)


def test_a_snippet_of_python_imports_what_there_is() -> None:
    """What a piece of Python takes from torch_auto can be imported from there."""
    trees = [ast.parse(block.text) for block in BLOCKS if block.language == "python"]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = [(str(node.module), name.name) for node in nodes for name in node.names]
    ours = [(module, name) for module, name in names if module.partition(".")[0] == "torch_auto"]
    assert names
    assert [item for item in ours if not hasattr(importlib.import_module(item[0]), item[1])] == []


def is_uv_project(block: Block) -> bool:
    """Whether a block is a piece of a pyproject.toml that uv reads."""
    return block.language == "toml" and "[tool.uv" in block.text and "not run" not in block.marks


@pytest.mark.frontend
@pytest.mark.skipif(sys.platform == "win32", reason="the tools of a place are written for sh")
@pytest.mark.parametrize("block", [block for block in BLOCKS if is_uv_project(block)], ids=str)
def test_uv_takes_a_snippet(block: Block, place: Place) -> None:
    """A piece of a pyproject.toml locks with uv, which knows every key of it."""
    done = place.lock(block)
    assert "warning" not in done.stderr, done


# --- pages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", docs.PAGES, ids=docs.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Files that a page links to exist, and so do the headings."""
    for link in docs.links(path):
        if not re.match(r"https?:", link):
            name, _, anchor = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), link
            assert not anchor or anchor in docs.anchors(target), link


def test_the_index_of_the_docs_is_whole() -> None:
    """docs/README.md has a line for every page."""
    pages = [docs.name(path) for path in docs.PAGES]
    listed = {f"docs/{link}" for link in docs.links(ROOT / "docs/README.md")}
    assert [page for page in pages if page.startswith("docs/") and page not in {"docs/README.md", *listed}] == []


@pytest.mark.parametrize("path", [path for path in docs.PAGES if path.name != "CHANGELOG.md"], ids=docs.name)
def test_a_line_holds_one_sentence(path: Path) -> None:
    """A change of a sentence is a change of a line, in the text of every page; tables have lines of their own."""
    assert docs.crowded(path) == []


@pytest.mark.parametrize("path", docs.PAGES, ids=docs.name)
def test_a_page_names_no_host_and_no_path_of_ours(path: Path) -> None:
    """No registry's host but PyTorch's own index, and no folder of the machine that a page was written on."""
    # A bracket keeps this file itself from naming them. A cache in an image lies below /root.
    words = r"pypi[.]org|python[h]osted|/work[/]|/tmp/[w]|(?<!target=)/root[/]"
    assert re.findall(words, path.read_text("utf-8")) == []


#: Verbs that hand options which they do not know on to uv.
PASS_ON = ("sync", "run", "lock")


def known_options() -> dict[str, set[str]]:
    """The verbs of the command and the options of each."""
    [verbs] = [a for a in command_line()[0]._actions if isinstance(a, argparse._SubParsersAction)]
    return {name: set(verb._option_string_actions) for name, verb in verbs.choices.items()}


@pytest.mark.parametrize("path", docs.PAGES, ids=docs.name)
def test_the_command_has_what_sentences_say_it_has(path: Path) -> None:
    """Verbs and options of torch-auto that stand in a sentence exist."""
    known = known_options()
    for code in docs.inline(path):
        found = re.search(r"(?:^|run |uvx )torch-auto(?:-core)? (--[\w-]+|[\w-]+)(.*)", code)
        if found and found[1].startswith("--"):
            assert found[1] in command_line()[0]._option_string_actions, code
        elif found and not found[1].isupper():
            assert found[1] in known, code
            options = re.findall(r"(?<= )--[\w-]+", found[2].split(" -- ")[0])
            assert found[1] in PASS_ON or set(options) <= known[found[1]], code
