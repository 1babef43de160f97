"""A row of the table of frontends: what the user types, what it takes, and the torch that comes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from support import machines
from support.cache import CACHE, REPOSITORY, key_of, machine_environment, made_once
from support.frontends import Frontend, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from support.frontends import Finished, Tool
    from support.torch_index import TorchIndex

#: The machines that each row is run for, by the name that the table has for them.
MACHINES = {"no GPU": machines.cpu(), "A100, driver 550": machines.a100_550()}
CPU, A100 = "2.15.0+cpu", "2.14.1+cu126"
FAILS = "-"
#: The torch release that a checkout is built of in the rows: the newest one that has a build for both machines.
CHECKOUT_RELEASE = "2.14.1"

SAYS_TORCH = "from importlib.metadata import version; print(version('torch'))"


@dataclass(frozen=True)
class Row:
    """What is run, and what has to come of it on each machine.

    ``command`` names the row. ``cpu`` and ``a100`` are the torch that comes, FAILS for none. ``setting`` is what it
    takes beside PyTorch's pages, "" if nothing. ``sees`` is the line that the user sees where no torch comes.
    """

    frontend: str
    command: str
    cpu: str
    a100: str
    setting: str
    sees: str
    run: Callable[[Kit], str]

    @property
    def outcome(self) -> str:
        if self.cpu == FAILS == self.a100:
            return "does not work"
        if self.sees:
            return "works on some machines"
        return "works with a setting" if self.setting else "works"

    @property
    def note(self) -> str:
        return f"“{self.sees}”" if self.sees else self.setting

    def expected(self, machine: str) -> str:
        """What has to come on a machine of :data:`MACHINES`: a torch, or the line that is seen."""
        torch = dict(zip(MACHINES, (self.cpu, self.a100), strict=True))[machine]
        return self.sees if torch == FAILS else torch


ROWS: dict[str, Row] = {}


def row(
    frontend: str, command: str, *, cpu: str = CPU, a100: str = A100, setting: str = "", sees: str = ""
) -> Callable[[Callable[[Kit], str]], Callable[[Kit], str]]:
    """Make a row of a function that runs it in a kit and returns the torch that came, or the line that is seen."""

    def add(run: Callable[[Kit], str]) -> Callable[[Kit], str]:
        assert command not in ROWS
        ROWS[command] = Row(frontend, command, cpu, a100, setting, sees, run)
        return run

    return add


@dataclass(frozen=True)
class Kit:
    """A sandbox on one machine. ``used`` gathers the version of each tool that is run."""

    sandbox: Sandbox
    variables: dict[str, str]
    used: dict[str, str]
    bare: TorchIndex  # the same PyTorch index, and a PyPI that does not have torch-auto

    @property
    def index(self) -> TorchIndex:
        return self.sandbox.index

    @property
    def has_gpu(self) -> bool:
        return Path(self.variables["TORCH_AUTO_MACHINE"]).read_text("utf-8") != json.dumps(machines.cpu())

    @property
    def root(self) -> Path:
        return self.sandbox.root

    def run(
        self,
        tool: Tool,
        *args: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        check: bool = True,
    ) -> Finished:
        """Run a tool on this machine, with PyTorch's pages in UV_FIND_LINKS and PIP_FIND_LINKS."""
        self.used[tool.name] = tool.version
        env = {**self.variables, **(env or {})}
        return Frontend(tool, self.sandbox).run(args, cwd=cwd, env=env, check=check)

    def without_ours(self) -> Kit:
        """The same, where PyPI has neither torch-auto nor torch-auto-core, for checkouts."""
        variables = {**self.variables, "UV_FIND_LINKS": self.bare.find_links, "PIP_FIND_LINKS": self.bare.find_links}
        variables["TORCH_AUTO_VERSION"] = CHECKOUT_RELEASE
        # Nothing that was built of what is published may be taken.
        variables |= {name: str(self.root / name.lower()) for name in self.variables if name.endswith("_CACHE_DIR")}
        return replace(self, sandbox=replace(self.sandbox, index=self.bare), variables=variables)

    def project(self, *dependencies: str, extra: str = "", requires_python: str = ">=3.11,<3.14") -> Path:
        """A project that depends on torch-auto, or on what is named."""
        return self.sandbox.project(dependencies or ["torch-auto"], extra=extra, requires_python=requires_python)

    def init(self, project: Path, tool: str) -> None:
        """``torch-auto init --for TOOL``, as of this checkout."""
        command = ["-m", "torch_auto", "init", "--for", tool, "--index-url", self.index.whl]
        env = {**self.variables, "PYTHONPATH": str(REPOSITORY)}
        self.sandbox.run([sys.executable, *command], cwd=project, env=env)

    def torch(self, python: Path) -> str:
        """The torch that an environment has."""
        return self.sandbox.run([python, "-c", SAYS_TORCH]).stdout.strip()

    def pinned(self, requirements: str) -> str:
        """The torch that a requirements file pins for this machine."""
        lines = [line.rstrip(" \\") for line in requirements.splitlines() if re.match(r"torch==", line)]
        pins = [Requirement(line) for line in lines]
        held = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
        assert len(held) == 1, requirements
        return str(held[0].specifier).removeprefix("==")


def python_of(project: Path) -> Path:
    """The Python of the environment that a tool made in a project."""
    return project / ".venv" / "bin" / "python"


def seen(finished: Finished, line: str) -> str:
    """The line, if the run failed and the user saw it; wrapped and coloured lines count as they read."""
    assert finished.returncode != 0, finished
    return line if line in " ".join(finished.stderr.split()) else str(finished)


def wheels_of(requirement: str) -> Path:
    """A folder with the wheel of a project, from the machine's package index, for tools that install it themselves."""

    def download(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
        subprocess.run(command, check=True, timeout=300, env=machine_environment())

    return made_once(f"wheels-{re.split('[<>=]', requirement)[0]}", key_of([requirement]), download, CACHE)


def requirements_file(folder: Path, lines: Sequence[str], name: str) -> Path:
    """A requirements file with these lines."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


# --- results and the committed table ----------------------------------------------------------------------------

DOCUMENT = REPOSITORY / "docs" / "reference" / "frontends.md"
COLUMNS = ("frontend", "command", "", *MACHINES, "setting, or what is seen")
#: Rows of tools that no test runs, and why.
NOT_RUN = "not run"
WORKS = ("works", "works with a setting")
#: What a tool's name is followed by where a checkout is what it installs.
OF_CHECKOUT = ", a checkout"
CONDA = tuple(
    (name, f"`{command}`", NOT_RUN, FAILS, FAILS, why)
    for name, command, why in (
        ("conda, mamba", "pip install torch-auto, in an environment", "no channel is reached here; pip's row stands"),
    )
)


def cells(one: Row, came: Mapping[str, str]) -> tuple[str, ...]:
    """A row of the table, cell by cell; ``came`` is the torch of each machine, FAILS for none."""
    return (one.frontend, f"`{one.command}`", one.outcome, *(came[machine] for machine in MACHINES), one.note)


def table(rows: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS) -> str:
    """Rows as Markdown."""
    lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|\n" for line in (columns, *rows)]
    lines.insert(1, "|" + "---|" * len(columns) + "\n")
    return "".join(lines)


def in_short(rows: Iterable[Sequence[str]]) -> str:
    """The same as a sentence: of how many of a tool's commands torch comes, with a setting or without."""
    counts: dict[str, Counter[str]] = {}
    for frontend, _, outcome, *_ in rows:
        counts.setdefault(frontend.removesuffix(OF_CHECKOUT).split(" 2")[0], Counter())[outcome] += 1
    ran = {tool: found for tool, found in counts.items() if NOT_RUN not in found}
    works = [f"{tool} {sum(found[outcome] for outcome in WORKS)} of {found.total()}" for tool, found in ran.items()]
    missing = ", ".join(tool for tool in counts if tool not in ran)
    return f"Commands that work, some of them with a setting:\n{', '.join(works)}; not run: {missing}.\n"


def _marked(text: str) -> tuple[str, str, str]:
    head, rest = text.split("<!-- frontends -->\n", 1)
    inside, tail = rest.split("<!-- /frontends -->", 1)
    return head, inside, tail


def between(text: str) -> str:
    """What stands between a document's markers."""
    return _marked(text)[1]


def replaced(text: str, inside: str) -> str:
    """The document with something else between its markers."""
    head, _, tail = _marked(text)
    return f"{head}<!-- frontends -->\n{inside}<!-- /frontends -->{tail}"


def committed() -> dict[str, tuple[str, ...]]:
    """The rows of the table in docs/reference/frontends.md, by their command."""
    found = {}
    for line in between(DOCUMENT.read_text("utf-8")).splitlines():
        parts = tuple(cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|"))
        if len(parts) == len(COLUMNS) and parts[1].startswith("`"):
            found[parts[1].strip("`")] = parts
    return found


def record(folder: Path, one: Row, machine: str, came: str, used: Mapping[str, str]) -> None:
    """Keep what a run came to, for tools/frontend_table.py."""
    result = {"command": one.command, "machine": machine, "came": came, "used": dict(used)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key_of([one.command, machine])}.json").write_text(json.dumps(result), "utf-8")
