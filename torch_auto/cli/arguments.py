"""The command line's words."""

from __future__ import annotations

import argparse

from torch_auto.cli.env import CHOICES

_EXAMPLES = """\
examples:
  torch-auto plan                        what plain `uv add torch-auto` comes to here, and why
  torch-auto init                        write the hint into the project: exact builds from now on
  torch-auto check                       do machine, environment, lock and hint agree?
  torch-auto refresh                     the driver, the GPU or the machine changed: look again
  eval "$(torch-auto env)"               the hint for this shell alone
  torch-auto info --json > node7.json    describe this machine; plan --machine node7.json uses it elsewhere

torch-auto VERB --help has more of them.
"""

_PLAN = """\
examples:
  torch-auto plan                       the newest release that this machine can use
  torch-auto plan 2.5.1 2.9.1           what two releases come to
  torch-auto plan --machine node7.json  the same for another machine
"""

_INIT = """\
examples:
  torch-auto init                       for the tool that manages this project
  torch-auto init --dry-run             show the change, write nothing
  torch-auto init --for pip             into requirements.txt, or else the environment's pip.conf
  torch-auto init --pin exact           and never take PyPI's build in place of the exact one (uv 0.13 and newer)
  torch-auto init --index-url https://mirror.example/pytorch/whl
"""

_CHECK = """\
exit status: 0 where nothing fails, 1 where something does, 2 for a mistake on the command line or in a setting

examples:
  torch-auto check                      the project, and the environment that has its torch
  torch-auto check --json               for programs: commands that mend are in it
  uvx -C backend=none torch-auto check  without torch-auto in the project
"""

_REFRESH = """\
examples:
  torch-auto refresh --dry-run          print the commands, run none
  torch-auto refresh                    run them in the project's folder
"""

_ENV = """\
examples:
  eval "$(torch-auto env)"
  torch-auto env --shell dockerfile >> Dockerfile
  torch-auto env --shell powershell | Invoke-Expression
"""

TOOLS = ("uv", "pip", "poetry", "pdm", "pixi")


class _Verbs:
    """The sub-commands; each has its examples below its options."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(self, name: str, text: str, examples: str = "") -> argparse.ArgumentParser:
        formatter = argparse.RawDescriptionHelpFormatter
        capital = text[0].upper() + text[1:] + "."
        return self._verbs.add_parser(name, help=text, description=capital, epilog=examples, formatter_class=formatter)


def _index_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index-url", metavar="URL", help="base of the PyTorch index or of a mirror of it")


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", metavar="FILE", help="go by the machine in this file instead of this one")
    parser.add_argument("--venv", metavar="DIR", help="the environment to look at; default: the one that has torch")
    parser.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    top = argparse.ArgumentParser(
        prog="torch-auto",
        description="The PyTorch build that fits this machine, and why.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = _Verbs(top)
    info = verbs.add("info", "what is in this machine, and what was looked at to find it")
    info.add_argument("--json", action="store_true", help="print the machine file that --machine takes")
    info.add_argument("--root", metavar="DIR", default="/", help="read a captured tree instead of this system's files")
    plan = verbs.add("plan", "which build a release comes to, and why", _PLAN)
    plan.add_argument("release", nargs="*", metavar="RELEASE", help="a torch release; default: the newest one usable")
    plan.add_argument("--machine", metavar="FILE", help="plan for the machine in this file instead of this one")
    plan.add_argument("--backend", metavar="X", help="auto, a torch backend such as cu126, pypi, or none")
    plan.add_argument("--pin", metavar="HOW", help="prefer (default) or exact")
    _index_url(plan)
    plan.add_argument("--json", action="store_true", help="print the plans as JSON")
    init = verbs.add("init", "write the hint where the project's tool reads it", _INIT)
    init.add_argument("--for", dest="tool", choices=TOOLS, help="the tool; default: the one that the project uses")
    init.add_argument("--pin", choices=("prefer", "exact"), help="exact: uv's setting for it as well")
    init.add_argument("--dry-run", action="store_true", help="show the change and write nothing")
    init.add_argument("--force", action="store_true", help="write although torch has an index of its own already")
    init.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")
    _index_url(init)
    check = verbs.add("check", "whether the machine, the environment, the lock and the hint agree", _CHECK)
    _where(check)
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    refresh = verbs.add("refresh", "make the project's tool look at this machine again", _REFRESH)
    _where(refresh)
    refresh.add_argument("--dry-run", action="store_true", help="print the commands and run none")
    env = verbs.add("env", "the hint as variables, for a shell, a Dockerfile or a CI file", _ENV)
    env.add_argument("--shell", choices=CHOICES, metavar="FORM", help=", ".join(CHOICES) + "; default: your shell")
    _index_url(env)
    return top
