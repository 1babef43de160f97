"""What starting the command costs: a verb imports what it needs itself, and nothing that another verb needs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import machines
from support.cache import REPOSITORY

from torch_auto.cli import VERBS

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [verb.__name__.rpartition(".")[2] for verb in VERBS]

#: Prints the modules that are imported where the command runs with these arguments.
SCRIPT = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
before = set(sys.modules)
from torch_auto.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""

#: What takes longer to import than most verbs take as a whole.
HEAVY = {
    *("asyncio", "ast", "dataclasses", "difflib", "email", "http", "importlib.metadata", "inspect", "logging"),
    *("multiprocessing", "packaging", "pathlib", "socket", "ssl", "subprocess", "tempfile", "tomllib", "tomli"),
    *("unittest", "urllib", "zipfile", "pynvml", "hatchling"),
}


def modules(*arguments: str) -> set[str]:
    """The modules that the command imports, packages that hold them included."""
    done = subprocess.run(  # -S: what a site's .pth files import is not ours
        [sys.executable, "-I", "-S", "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def below(found: set[str], *packages: str) -> set[str]:
    """Those of the modules that are in one of the packages."""
    return {name for name in found if name.startswith(tuple(f"torch_auto.{item}." for item in packages))}


@pytest.mark.parametrize("verb", ["", *NAMES])
def test_help_imports_the_parsers_alone(verb: str) -> None:
    """--help of any verb imports no rules, no detection, no tool and nothing heavy of Python's own."""
    found = modules(*filter(None, [verb]), "--help")
    assert found & HEAVY == set()
    assert below(found, "select", "pins", "detect", "fleet", "hatch") == set()
    assert below(found, "cli.check", "cli.portable", "cli.render", "cli.tools") == set()
    assert found & {"torch_auto.decide", "torch_auto.record", "torch_auto.backend"} == set()
    assert len(found) <= 100, sorted(found)


@pytest.mark.parametrize("words", [(), ("2.5.1",), ("2.5.1", "2.9.1", "--json"), ("--with", "vision")])
def test_plan_imports_the_rules_alone(words: tuple[str, ...], tmp_path: Path) -> None:
    """plan for a machine in a file imports the rules and what prints them: no detection, no tool, no packaging."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    found = modules("plan", "--machine", str(path), *words)
    assert found & HEAVY == set()
    assert below(found, "detect", "fleet", "hatch", "cli.check", "cli.portable", "cli.tools") == set()
    assert below(found, "cli.project") <= {"torch_auto.cli.project.toml", "torch_auto.cli.project.own"}
    assert below(found, "cli.render") == {"torch_auto.cli.render.plan"}
    assert len(found) <= 125, sorted(found)


def test_info_imports_detection_alone() -> None:
    """info imports what looks at the machine, and no rules but those that say which device counts first."""
    found = modules("info")
    assert below(found, "fleet", "hatch", "pins", "cli.check", "cli.portable", "cli.tools") == set()
    assert found & {"packaging", "importlib.metadata", "torch_auto.decide", "torch_auto.record"} == set()
