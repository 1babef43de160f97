"""The Markdown of this project as tests see it: blocks of code with their marks, links, headings, inline code.

A mark is an HTML comment above a block; docs/maintaining/docs.md lists them. A block's commands are made into one bash
script here; tests/docs/test_docs.py runs it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *sorted(ROOT.glob("docs/**/*.md")),
)

#: Languages whose blocks hold commands.
COMMANDS = ("console", "sh", "bash", "dockerfile", "yaml", "powershell", "fish")
#: Languages whose blocks hold none. A block without a language is what a program prints.
DATA = ("", "toml", "json", "python", "text", "ini", "diff")

_FENCE = re.compile(r"^ *(```+)(\S*)\s*$")
_MARK = re.compile(r"^ *<!-- ([a-z ]+): (.*?) -->\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block. ``marks`` are the comments right above it: ``not run`` -> ``needs Docker``."""

    path: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]

    def __str__(self) -> str:
        return f"{name(self.path)}:{self.line}"

    @property
    def commands(self) -> str:
        """A bash script of the block's commands.

        Raises:
            ValueError: the block holds something that no script can be made of.
        """
        if self.language == "yaml":
            return "\n".join(_of_yaml(yaml.safe_load(self.text)))
        if self.language == "console":
            return "\n".join(_of_console(self.text))
        return self.text

    @property
    def shown(self) -> list[str]:
        """The lines that the block shows as printed, where its mark says that they are ``printed``."""
        if "printed" not in self.marks:
            return []
        commands = self.commands.splitlines()
        lines = [line.strip() for line in self.text.splitlines() if line.removeprefix("$ ") not in commands]
        return [line for line in lines if line and "..." not in line]


def name(path: Path) -> str:
    """A page's path from the root: ``docs/guides/team.md``."""
    return path.relative_to(ROOT).as_posix()


@lru_cache(maxsize=None)
def blocks(path: Path) -> tuple[Block, ...]:
    """The fenced blocks of a page.

    Raises:
        ValueError: the last one has no end.
    """
    found: list[Block] = []
    marks: dict[str, str] = {}
    lines = iter(enumerate(path.read_text("utf-8").splitlines(), 1))
    for number, line in lines:
        fence, mark = _FENCE.match(line), _MARK.match(line)
        if fence:
            found.append(Block(path, number, fence[2], _body(lines, fence[1], f"{name(path)}:{number}"), marks))
        elif mark:
            marks = {**marks, mark[1]: mark[2]}
        if fence or not (mark or not line.strip()):
            marks = {}
    return tuple(found)


def _body(lines: Iterator[tuple[int, str]], fence: str, where: str) -> str:
    body: list[str] = []
    for _, line in lines:
        if line.strip() == fence:
            return "\n".join([*body, ""])
        body.append(line)
    raise ValueError(f"{where}: this block has no end")


# --- commands ----------------------------------------------------------------------------------------------------


def _of_console(text: str) -> Iterator[str]:
    """All lines, or those after a prompt where there is one, with the lines that a backslash continues."""
    prompts, continued = re.search(r"^\$ ", text, re.MULTILINE), False
    for line in text.splitlines():
        if not prompts or continued or line.startswith("$ "):
            yield line if continued or not prompts else line[2:]
            continued = line.endswith("\\")


def _of_yaml(document: Any) -> Iterator[str]:
    """The steps of GitHub's jobs, the scripts of GitLab's; each job in a shell of its own."""
    yield from _variables(document.get("env") or document.get("variables") or {})
    jobs = document.get("jobs") or {name: job for name, job in document.items() if isinstance(job, dict)}
    found = []
    for job in jobs.values():
        lines = list(_variables(job.get("env") or job.get("variables") or {}))
        for step in job.get("steps", ()):
            if "run" in step:
                lines += ['set -a; . "$GITHUB_ENV"; set +a', *_variables(step.get("env", {})), step["run"].rstrip()]
        lines += [*job.get("before_script", ()), *job.get("script", ())]
        found.append("\n".join(["(", *lines, ":", ")"]))
    if not any("\n" in job for job in found):
        raise ValueError("no job of GitHub's or GitLab's")
    yield from found


def _variables(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f'export {name}="{value}"'


# --- the rest of a page ----------------------------------------------------------------------------------------


@lru_cache(maxsize=None)
def prose(path: Path) -> str:
    """A page without its blocks and comments."""
    text = re.sub(r"^ *(```+)\S*\s*\n.*?^ *\1\s*$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


#: Where a sentence ends and another begins. Many of ours begin with a name in small letters.
_NEXT = re.compile(r"[\w`)\]*][.?!](?:\*\*|[\")])* +(?=[A-Z`\[(]|(?:uv|pip|torch)\b)")


def crowded(path: Path) -> list[str]:
    """The lines of a page's text, without tables, that hold more than one sentence."""
    plain = re.sub(r"`[^`\n]*`", "`code`", re.sub(r"\]\([^)\s]+\)", "](link)", prose(path)))
    lines = [line for line in plain.splitlines() if not line.lstrip().startswith(("|", "#"))]
    return [line for line in lines if _NEXT.search(re.sub(r"^\s*(?:[-*]|\d+\.) ", "", line))]


def links(path: Path) -> list[str]:
    """Where the page's links lead."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(path))


def anchors(path: Path) -> set[str]:
    """The names that a page's headings have as GitHub writes them: small letters, hyphens, no punctuation."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*?)\s*$", prose(path), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = next(n for n in range(99) if (f"{name}-{n}" if n else name) not in found)
        found.add(f"{name}-{number}" if number else name)
    return found


def inline(path: Path) -> list[str]:
    """The code within the page's sentences."""
    return re.findall(r"`([^`\n]+)`", prose(path))
