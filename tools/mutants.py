"""Whether the tests notice when a rule is changed: mutation testing of the packages that decide.

    python3 tools/dev.py run python tools/mutants.py select --sample 100 --seed 1

A mutant is the tree with one place changed: another comparison, a number more by one, a condition the other way round.
It is killed when a test fails. The tests are collected once, in a copy of the tree; each mutant is a fork of that
process, in which the function's code is replaced, and only the tests run that reach the changed line, the fastest
first, until one fails. What lives is shown as a diff, with the reason from tools/mutants_that_live.json if it has one.
Exit status 1: some live without a reason.

Texts with a blank in them are not changed: they are messages. mutmut and cosmic-ray were tried first: with the one, the
first run of the tests alone took minutes, since each call of a function goes through a detour that looks at the stack;
the other starts a Python per mutant, and runs all tests in it.
"""

from __future__ import annotations

import argparse
import ast
import collections
import contextlib
import difflib
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
RULES = ["tests/unit/select", "tests/unit/pins", "tests/unit/test_decide.py", "tests/unit/test_metadata.py"]
CLI = [f"tests/unit/cli/test_{name}.py" for name in ("check", "situations", "two_machines", "takeover", "pylock")]
#: What can be asked for: the sources, and the tests that have to notice.
PACKAGES = {
    "select": ("torch_auto/select", [*RULES, "tests/unit/fleet", "tests/unit/cli/test_plan.py"]),
    "pins": ("torch_auto/pins", [*RULES, "tests/unit/test_record.py"]),
    "settings": ("torch_auto/settings.py", ["tests/unit/test_settings.py", "tests/unit/test_decide.py"]),
    "detect": ("torch_auto/detect", ["tests/unit/detect"]),
    "check": ("torch_auto/cli/check", CLI),
}
OTHERS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in", ast.And: "or", ast.Or: "and", ast.Add: "-", ast.Sub: "+",
    ast.Mult: "//", ast.FloorDiv: "*", ast.BitOr: "&", ast.BitAnd: "|",
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list", "reversed": "list"}
NAMES |= {"startswith": "endswith", "endswith": "startswith", "partition": "rpartition", "rpartition": "partition"}

#: Seconds of processor time after which a test is left out: each mutant that lives would pay for it.
LONGEST = 4
#: The exit status of a mutant that could not be tried.
BROKEN = 99


@dataclass(frozen=True)
class Mutant:
    """One place changed: the file, its line, the text as it becomes, and the function that it is in, if any."""

    path: str
    line: int
    text: str
    function: tuple[str, ...]

    def lines(self, original: str) -> tuple[str, str]:
        """What is taken away and what is put there, without the indent: what a reason is found by."""
        diff = [line for line in difflib.ndiff(original.splitlines(), self.text.splitlines()) if line[0] in "+-"]
        return tuple(" ".join(line[2:].strip() for line in diff if line[0] == sign) for sign in "-+")  # type: ignore[return-value]


# --- what is changed -----------------------------------------------------------------------------------------------


def mutants_of(path: Path) -> Iterator[Mutant]:
    """All mutants of a file, in its order."""
    data = path.read_bytes()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    seen = set()
    for node, function in _nodes(ast.parse(data), (), fixed=False):
        for start, end, new in _changes(node, data, starts):
            text = (data[:start] + new.encode() + data[end:]).decode()
            with contextlib.suppress(SyntaxError):
                ast.parse(text)
                if text not in seen:
                    seen.add(text)
                    yield Mutant(str(path.relative_to(ROOT)), data.count(b"\n", 0, start) + 1, text, function)


def _nodes(node: ast.AST, function: tuple[str, ...], *, fixed: bool) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """Each node that a change makes sense for, and the path of the function whose code it is; () on import."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            typing = isinstance(child, (ast.If, ast.Assign)) and "TYPE_CHECKING" in ast.unparse(child).split("\n")[0]
            if not isinstance(child, ast.AST) or docstring or typing or isinstance(child, ast.JoinedStr):
                continue
            if name in ("annotation", "returns"):
                continue
            inside, hold = function, fixed
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not fixed and name == "body":
                inside, hold = (*function, node.name), isinstance(node, ast.FunctionDef)
            yield child, inside if hold else ()
            yield from _nodes(child, inside, fixed=hold)


def _changes(node: Any, data: bytes, starts: list[int]) -> Iterator[tuple[int, int, str]]:
    """What a node becomes: (start, end, new text), in bytes of the file."""

    def at(other: Any) -> tuple[int, int]:
        return starts[other.lineno - 1] + other.col_offset, starts[other.end_lineno - 1] + other.end_col_offset

    def between(left: Any, right: Any, operator: ast.AST) -> Iterator[tuple[int, int, str]]:
        start, end = at(left)[1], at(right)[0]
        gap, word = data[start:end].decode(), OTHERS.get(type(operator))
        found = re.search(r"is\s+not|not\s+in|\b(is|in|and|or)\b|[<>=!]=|//|[<>+*|&-]", gap)
        if word and found:
            yield start + found.start(), start + found.end(), word

    if isinstance(node, ast.Compare):
        for operator, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators):
            yield from between(left, right, operator)
    elif isinstance(node, ast.BoolOp):
        for left, right in zip(node.values, node.values[1:]):
            yield from between(left, right, node.op)
    elif isinstance(node, ast.BinOp):
        yield from between(node.left, node.right, node.op)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield at(node)[0], at(node.operand)[0], ""
    elif isinstance(node, ast.Constant):
        start, end = at(node)
        if isinstance(node.value, bool):
            yield start, end, str(not node.value)
        elif isinstance(node.value, (int, float)):
            yield start, end, str(node.value + 1)
        elif isinstance(node.value, str) and not re.search(r"\s", node.value):
            yield start, end, repr("XX" + node.value)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        word = node.id if isinstance(node, ast.Name) else node.attr
        if word in NAMES:
            yield at(node)[1] - len(word), at(node)[1], NAMES[word]
    elif isinstance(node, ast.Continue):
        yield (*at(node), "break")
    elif isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield (*at(node), "pass")
    elif isinstance(node, ast.keyword) and node.arg in ("key", "default", "reverse"):
        yield (*at(node), "")
    tests = [getattr(node, "test", None), *getattr(node, "ifs", ())]
    for test in tests:
        if isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.NamedExpr)):
            start, end = at(test)
            yield start, end, f"not ({data[start:end].decode()})"


# --- whether the tests notice --------------------------------------------------------------------------------------


def _replace(mutant: Mutant) -> bool:
    """Put the mutant's code in the place of the function's, in a process that has the module; whether that is all."""
    module = sys.modules.get(mutant.path[: -len(".py")].replace("/", ".").removesuffix(".__init__"))
    if module is None:
        return True  # it is read from the file when a test needs it
    for name, other in list(sys.modules.items()):
        if name.startswith("torch_auto"):
            for value in list(vars(other).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    code = compile(mutant.text, mutant.path, "exec")
    target: Any = module
    for name in mutant.function:
        code = next(item for item in code.co_consts if isinstance(item, CodeType) and item.co_name == name)
        target = vars(target)[name]
        target = getattr(target, "fget", None) or getattr(target, "__func__", None) or target
        target = getattr(target, "__wrapped__", None) or target
    if not isinstance(target, FunctionType) or target.__code__.co_freevars != code.co_freevars:
        return False  # also where the change takes super() away
    target.__code__ = code
    return True


def _too_long(*_: object) -> None:
    raise TimeoutError("it takes too long")


class Runner:
    """A plugin of pytest that runs the collected tests against each mutant."""

    def __init__(self, folder: Path, mutants: list[Mutant]) -> None:
        self.folder, self.mutants = folder, mutants
        self.killed: dict[Mutant, str] = {}
        self.ended = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own."""
        import hypothesis  # noqa: PLC0415  # pytest has to import it first, to see into its assertions

        # Reproducible, and a failure is enough: nobody reads the smallest example.
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile("mutants", deadline=None, database=None, derandomize=True, phases=phases)
        hypothesis.settings.load_profile("mutants")
        began = time.monotonic()
        reached, took = self._first_run(session)
        items = sorted((item for item in session.items if item.nodeid in took), key=lambda item: took[item.nodeid])
        if not items:
            raise RuntimeError("no test passes without a mutant")
        print(f"{len(items)} tests, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        for number, mutant in enumerate(self.mutants, 1):
            lines = reached.get(mutant.path, {})
            tests = set(lines.get(mutant.line, ())) if mutant.function else set()
            # A line that no test reaches in this process may be run in another one, or on import.
            tests = tests or set().union(*lines.values()) or set(took)
            chosen = [item for item in items if item.nodeid in tests]
            limit = sum(took[item.nodeid] for item in chosen)
            file, original = self.folder / mutant.path, (self.folder / mutant.path).read_text("utf-8")
            file.write_text(mutant.text, "utf-8")  # for the processes that tests start
            began = time.monotonic()
            try:
                status = self._status(chosen, mutant, limit)
            finally:
                file.write_text(original, "utf-8")
            if status == BROKEN:
                raise RuntimeError(f"{mutant.path}:{mutant.line} could not be tried")
            if status:
                self.killed[mutant] = "a test fails" if status == 1 else "too long, or the process ends"
            print(
                f"{number}/{len(self.mutants)} {'killed' if status else 'LIVES '} {len(chosen)} tests, "
                f"{time.monotonic() - began:.1f} s {mutant.path}:{mutant.line}",
                file=sys.stderr,
                flush=True,
            )
        self.ended = True
        return True

    def _first_run(self, session: pytest.Session) -> tuple[dict[str, dict[int, list[str]]], dict[str, float]]:
        """Which tests reach which line, and how long each takes; in a fork, so that no cache is filled here."""
        result = self.folder / "first.json"
        if os.fork() == 0:
            measured = coverage.Coverage(data_file=None, source=[str(self.folder / "torch_auto")], config_file=False)
            measured.start()
            took = {}
            signal.signal(signal.SIGPROF, _too_long)
            for item, following in zip(session.items, [*session.items[1:], None]):
                measured.switch_context(item.nodeid)
                began = time.process_time()
                signal.setitimer(signal.ITIMER_PROF, LONGEST)
                reports = runtestprotocol(item, nextitem=following, log=False)
                signal.setitimer(signal.ITIMER_PROF, 0)
                if any(report.failed for report in reports):
                    print(f"fails without a mutant, or takes too long, left out: {item.nodeid}", file=sys.stderr)
                elif not any(report.skipped for report in reports):
                    took[item.nodeid] = time.process_time() - began
            measured.stop()
            data, reached = measured.get_data(), {}
            for file in data.measured_files():
                lines = {line: [name for name in by if name in took] for line, by in data.contexts_by_lineno(file).items()}
                reached[os.path.relpath(file, self.folder)] = lines
            result.write_text(json.dumps([reached, took]), "utf-8")
            sys.stderr.flush()
            os._exit(0)
        os.wait()
        reached, took = json.loads(result.read_text("utf-8"))
        return {file: {int(line): by for line, by in lines.items()} for file, lines in reached.items()}, took

    def _status(self, chosen: list[pytest.Item], mutant: Mutant, limit: float) -> int:
        """0 where all tests pass."""
        child = os.fork()
        if child:
            return _wait(child, 120 + 30 * limit)
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (int(20 + 5 * limit),) * 2)
            if not _replace(mutant):  # it is decided when the module is imported: a new process
                command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
                command += [item.nodeid for item in chosen]
                command[:0] = ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh"]
                os.execvp("sh", command)  # noqa: S606, S607  # pytest's own names, and a shell for what it prints
            for item, following in zip(chosen, [*chosen[1:], None]):
                if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
                    os._exit(1)
            os._exit(0)
        except BaseException:  # noqa: BLE001  # this copy of the process ends here, whatever happens
            traceback.print_exc()
            os._exit(BROKEN)


def _wait(child: int, limit: float) -> int:
    """A child's exit status; what it leaves behind is ended."""
    end = time.monotonic() + limit
    status = None
    while status is None:
        found, status = os.waitpid(child, os.WNOHANG)
        if not found:
            status = None
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
            time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    """Try a sample of a package's mutants."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("package", choices=PACKAGES)
    parser.add_argument("--sample", type=int, default=100, help="how many mutants; 0 is all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which of them (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose PATH:LINE has this in it")
    options = parser.parse_args()
    source, tests = PACKAGES[options.package]
    files = sorted((ROOT / source).rglob("*.py")) if (ROOT / source).is_dir() else [ROOT / source]
    every = [mutant for file in files for mutant in mutants_of(file) if options.only in f"{mutant.path}:{mutant.line}"]
    chosen = every
    if 0 < options.sample < len(every):
        chosen = random.Random(options.seed).sample(every, options.sample)  # noqa: S311  # not a secret
    with tempfile.TemporaryDirectory(prefix="torch-auto-mutants-") as name:
        folder = Path(name).resolve()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for file in filter(None, listed.split("\0")):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file, follow_symlinks=False)
        os.chdir(folder)
        # Two states of a file can have one size and one second: compiled files would be the other one's.
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        sys.path[:1] = [str(folder)]
        importlib.invalidate_caches()
        runner = Runner(folder, chosen)
        marks = ["-m", "not slow and not frontend", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", "--no-header"]
        pytest.main([*marks, f"--basetemp={folder / 'tmp'}", *tests], plugins=[runner])
        os.chdir(ROOT)
    if not runner.ended:
        return 2
    return _report(options, len(every), runner)


def _report(options: argparse.Namespace, every: int, runner: Runner) -> int:
    listed = json.loads((ROOT / "tools" / "mutants_that_live.json").read_text("utf-8"))
    reasons = {(row["path"], row["before"], row["after"]): row["reason"] for row in listed}
    living = [mutant for mutant in runner.mutants if mutant not in runner.killed]
    without = 0
    for mutant in sorted(living, key=lambda item: (item.path, item.line)):
        original = (ROOT / mutant.path).read_text("utf-8")
        reason = reasons.get((mutant.path, *mutant.lines(original)))
        without += reason is None
        print(f"\n# {mutant.path}:{mutant.line}: {reason or 'NO REASON'}")
        before, after = original.splitlines(), mutant.text.splitlines()
        print("\n".join(line for line in difflib.unified_diff(before, after, lineterm="", n=1) if line[:2] not in ("--", "++", "@@")))
    tried = len(runner.mutants)
    how = collections.Counter(runner.killed.values())
    print(
        f"\n{options.package}: {len(runner.killed)} of {tried} mutants killed ({len(runner.killed) / max(tried, 1):.1%}), "
        f"seed {options.seed}, of {every} that there are; {len(living)} live, {without} of them without a reason. "
        + ", ".join(f"{word}: {count}" for word, count in how.items())
    )
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
