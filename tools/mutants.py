"""Whether the tests notice when a rule is changed: mutation testing of the packages that decide.

    python3 tools/dev.py run python tools/mutants.py select --sample 100 --seed 1

A mutant is the tree with one place changed: another comparison, a number more by one, a condition the other way round.
It is killed when a test fails. The tests are collected once, in a copy of the tree; each mutant is a fork of that
process, in which the function's code is replaced, and only the tests run that reach the changed line, the fastest
first, until one fails. What lives is shown as a diff, with the reason from tools/mutants_that_live.json if it has one.
Exit status 1: some live without a reason.

mutmut and cosmic-ray were looked at first. With mutmut the first run of the tests took more than four minutes where
they take one, since each call goes through a function that looks at the stack; it leaves decorated functions and
constants alone, and puts itself into modules that have to import little. cosmic-ray has one command for the tests of
all mutants: a new Python for each, and no choice of the tests that reach the line.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import difflib
import importlib
import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol
from mutations import Mutant, mutants_of

ROOT = Path(__file__).resolve().parent.parent
RULES = ["tests/unit/select", "tests/unit/pins", "tests/unit/test_decide.py", "tests/unit/test_metadata.py"]
RULES += ["tests/unit/test_any_input.py"]
CLI = [f"tests/unit/cli/test_{name}.py" for name in ("check", "check_by_files", "situations", "groups", "advice")]
#: What can be asked for: the sources, and the tests that have to notice.
PACKAGES = {
    "select": ("torch_auto/select", RULES),
    "pins": ("torch_auto/pins", [*RULES, "tests/unit/test_record.py"]),
    "settings": ("torch_auto/settings.py", ["tests/unit/test_settings.py", "tests/unit/test_decide.py"]),
    "detect": ("torch_auto/detect", ["tests/unit/detect"]),
    "check": ("torch_auto/cli/check", CLI),
}
#: Tests of all releases or machines, which take long: of those by release, two are enough.
THROUGH_ALL = (
    "every_pin_names", "rules_are_those_of_the_data", "every_label", "label_leads", "every_reason", "how_a_best_build",
    "every_code", "reach_is_that", "what_is_said_holds", "gpu_is_used_if_any", "all_that_is_admitted", "no_machine",
    "one_pin_of_the_pair", "an_extra_comes_to", "requirement_of_a_group_holds", "pins_of_a_group_are", "lead_every",
    "do_not_depend_on_the_python", "public_setting_is_one", "with_all_of_a_release", "what_the_reasons_say",
    "choice_is_the_rules_own",
)  # fmt: skip
#: Seconds of processor time after which a test is left out, and after which all tests of one mutant are: each that
#: lives would pay for them. The quick tests are to notice.
LONGEST, ENOUGH = 2, 8
#: The exit status of a mutant that could not be tried.
BROKEN = 99


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
            sums = itertools.accumulate(took[item.nodeid] for item in chosen)
            chosen = [item for item, seconds in zip(chosen, sums) if seconds < ENOUGH]
            file = self.folder / mutant.path
            file.write_text(mutant.text, "utf-8")  # for the processes that tests start
            began = time.monotonic()
            try:
                status = self._status(chosen, mutant)
            finally:
                file.write_text(mutant.original, "utf-8")
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
        child = os.fork()
        if child == 0:
            try:
                self._measure(session.items, result)
            finally:
                os._exit(0)
        _wait(child, 3600)
        reached, took = json.loads(result.read_text("utf-8"))
        return {file: {int(line): by for line, by in lines.items()} for file, lines in reached.items()}, took

    def _measure(self, items: list[pytest.Item], result: Path) -> None:
        measured = coverage.Coverage(data_file=None, source=[str(self.folder / "torch_auto")], config_file=False)
        measured.start()
        took = {}
        for item, following in zip(items, [*items[1:], None]):
            measured.switch_context(item.nodeid)
            began = time.process_time()
            reports = runtestprotocol(item, nextitem=following, log=False)
            seconds = time.process_time() - began
            if any(report.failed for report in reports):
                print(f"left out, it fails without a mutant: {item.nodeid}", file=sys.stderr, flush=True)
            elif seconds > LONGEST:
                print(f"left out, it takes {seconds:.1f} s: {item.nodeid}", file=sys.stderr, flush=True)
            elif not any(report.skipped for report in reports):
                took[item.nodeid] = seconds
        measured.stop()
        data, reached = measured.get_data(), {}
        for file in data.measured_files():
            lines = {line: [name for name in by if name in took] for line, by in data.contexts_by_lineno(file).items()}
            reached[os.path.relpath(file, self.folder)] = {line: by for line, by in lines.items() if by}
        result.write_text(json.dumps([reached, took]), "utf-8")

    def _status(self, chosen: list[pytest.Item], mutant: Mutant) -> int:
        """0 where all tests pass."""
        child = os.fork()
        if child:
            return _wait(child, 60 * ENOUGH)
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (5 * ENOUGH,) * 2)
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
    files = [file for file in files if file.name != "words.py"]  # nothing but messages
    every = [
        mutant for file in files for mutant in mutants_of(file, ROOT) if options.only in f"{mutant.path}:{mutant.line}"
    ]
    chosen = every
    if 0 < options.sample < len(every):
        chosen = random.Random(options.seed).sample(every, options.sample)  # noqa: S311  # not a secret
    with tempfile.TemporaryDirectory(prefix="torch-auto-mutants-") as name:
        folder = Path(name).resolve()
        command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
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
        marks += ["-k", f"not ({' or '.join(THROUGH_ALL)}) or [2.5.1 or [2.14.1"]
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
        reason = reasons.get((mutant.path, *mutant.lines()))
        without += reason is None
        print(f"\n# {mutant.path}:{mutant.line}: {reason or 'NO REASON'}")
        lines = difflib.unified_diff(mutant.original.splitlines(), mutant.text.splitlines(), lineterm="", n=1)
        print("\n".join(line for line in lines if line[:2] not in ("--", "++", "@@")))
    tried = len(runner.mutants)
    how = collections.Counter(runner.killed.values())
    share = len(runner.killed) / max(tried, 1)
    print(f"\n{options.package}: {len(runner.killed)} of {tried} mutants killed ({share:.1%}), {dict(how)};")
    print(f"{len(living)} live, {without} of them without a reason; seed {options.seed}, of {every} that there are.")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
