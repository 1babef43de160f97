"""The command line's words."""

from __future__ import annotations

import argparse
from typing import List, Sequence, Tuple

from torch_auto.cli.env import CHOICES

_EXAMPLES = """\
examples:
  torch-auto plan                        what plain `uv add torch-auto` comes to here, and why
  torch-auto init                        write the hint into the project: exact builds from now on
  torch-auto check                       do machine, environment, lock and hint agree?
  torch-auto refresh                     the driver, the GPU or the machine changed: look again
  eval "$(torch-auto env)"               the hint for this shell alone
  torch-auto sync                        a project with one lock for every machine: this machine's torch from it
  torch-auto info --json > node7.json    describe this machine; plan --machine node7.json uses it elsewhere

torch-auto VERB --help has more of them.
"""

_PLAN = """\
examples:
  torch-auto plan                       the newest release that this machine can use
  torch-auto plan 2.5.1 2.9.1           what two releases come to
  torch-auto plan --machine node7.json  the same for another machine
  torch-auto plan --machine node1.json --machine node2.json
                                        one torch that runs on all of them, or the fewest torch backends
"""

_INIT = """\
examples:
  torch-auto init                       for the tool that manages this project
  torch-auto init --dry-run             show the change, write nothing
  torch-auto init --for pip             into requirements.txt, or else the environment's pip.conf
  torch-auto init --pin exact           and never take PyPI's build in place of the exact one (uv 0.13 and newer)
  torch-auto init --index-url https://mirror.example/pytorch/whl
  torch-auto init --portable            one uv.lock for every machine: a dependency group for each torch backend
  torch-auto init --portable --backends cu126,cu130 --with vision
  torch-auto init --portable --releases 2.9.1,2.7.1
  torch-auto init --portable --machine node1.json --machine node2.json
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

_GROUP = """\
examples:
  torch-auto group                      torch-cu126, for scripts: uv export --group $(torch-auto group) ...
  torch-auto group --why                and why, on stderr
  torch-auto group --json               for programs: the other groups and the reasons are in it
"""

_SYNC = """\
Words that are not listed here go to uv; behind -- all of them do.

examples:
  torch-auto sync                       uv sync with this machine's torch group
  torch-auto sync --locked              the same, and fail where the lock is out of date
  torch-auto sync -- --no-dev --extra train
  uvx -C backend=none torch-auto sync   in a fresh clone
"""

_RUN = """\
Words that are not listed here go to uv, and so does all from the command on.

examples:
  torch-auto run python train.py        uv run with this machine's torch group
  torch-auto run --locked -- pytest -q
"""

_LOCK = """\
examples:
  torch-auto lock --portable            from uv's torch groups, or from the project's requirements
  torch-auto lock --portable --backends cu126,rocm7.2 --with vision
  torch-auto lock --portable -- --extra train
  torch-auto sync                       install this machine's, with uv or pip
"""

#: Our options of the verbs that hand other words on to a tool.
_OWN = {
    "sync": ("-h", "--help", "--dry-run", "--backend", "--machine", "--project", "--venv"),
    "run": ("-h", "--help", "--dry-run", "--backend", "--machine", "--project"),
    "lock": ("-h", "--help", "--portable", "--force", "--project", "--backends", "--releases", "--with", "--index-url"),
}
_WITHOUT_VALUE = ("-h", "--help", "--dry-run", "--portable", "--force")

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


def _portable(init: argparse.ArgumentParser) -> None:
    init.add_argument("--portable", action="store_true", help="uv: groups that one lock holds for every machine")
    portable = init.add_argument_group("with --portable")
    portable.add_argument("--backends", metavar="X,Y", help="torch backends; default: the fewest for all machines")
    portable.add_argument("--releases", metavar="R,S", help="torch releases, of which each group takes the newest")
    portable.add_argument("--default", metavar="HOW", help="default groups: cpu (default), or all, for UV_NO_GROUP")
    portable.add_argument("--machine", action="append", metavar="FILE", help="the fewest torch backends for these")


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", metavar="FILE", help="go by the machine in this file instead of this one")
    parser.add_argument("--venv", metavar="DIR", help="the environment to look at; default: the one that has torch")
    parser.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")


def split(arguments: Sequence[str]) -> Tuple[List[str], List[str]]:
    """The words of the command line as (ours, those that a tool gets).

    A tool gets what follows ``--`` and what follows the first word that is no option; and options that are not ours.
    `run` hands ``--`` on too: a command is behind it.
    """
    if not arguments or arguments[0] not in _OWN:
        return list(arguments), []
    verb, words = arguments[0], list(arguments[1:])
    own, others = [verb], []
    while words and words[0] != "--" and words[0].startswith("-"):
        word = words.pop(0)
        name, equals, _ = word.partition("=")
        if name not in _OWN[verb]:
            others.append(word)
            continue
        own.append(word)
        if name not in _WITHOUT_VALUE and not equals and words:
            own.append(words.pop(0))
    if words and words[0] == "--" and verb != "run":
        del words[0]
    return own, [*others, *words]


def _group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backend", metavar="X", help="the group of this torch backend instead of this machine's")
    parser.add_argument("--machine", metavar="FILE", help="go by the machine in this file instead of this one")
    parser.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")


def _portable_verbs(verbs: _Verbs) -> None:
    """The verbs of a project with one lock for every machine."""
    group = verbs.add("group", "the name of this machine's torch group", _GROUP)
    _group(group)
    group.add_argument("--json", action="store_true", help="print it with the reasons as JSON")
    group.add_argument("--why", action="store_true", help="say why on stderr")
    sync = verbs.add("sync", "install this machine's torch from the lock that all machines share", _SYNC)
    _group(sync)
    sync.add_argument("--venv", metavar="DIR", help="with lock files: the environment to install into")
    sync.add_argument("--dry-run", action="store_true", help="print the command and run nothing")
    run = verbs.add("run", "run a command with this machine's torch", _RUN)
    _group(run)
    run.add_argument("--dry-run", action="store_true", help="print the command and run nothing")
    lock = verbs.add("lock", "write a lock file for each torch backend (PEP 751)", _LOCK)
    lock.add_argument("--portable", action="store_true", help="say that this is what you want; there is no other way")
    lock.add_argument("--backends", metavar="X,Y", help="torch backends; default: the fewest for all machines")
    lock.add_argument("--releases", metavar="R,S", help="torch releases, of which each file takes the newest")
    lock.add_argument("--with", dest="family", metavar="P,Q", help="vision, audio: pinned in the files too")
    lock.add_argument("--force", action="store_true", help="replace files that this command did not write")
    lock.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")
    _index_url(lock)


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
    text = "plan for the machine in this file; of several, what serves them all"
    plan.add_argument("--machine", action="append", metavar="FILE", help=text)
    plan.add_argument("--backend", metavar="X", help="auto, a torch backend such as cu126, pypi, or none")
    plan.add_argument("--pin", metavar="HOW", help="prefer (default) or exact")
    plan.add_argument("--with", dest="family", metavar="P,Q", help="vision, audio: with these extras of torch-auto")
    _index_url(plan)
    plan.add_argument("--json", action="store_true", help="print the plans as JSON")
    init = verbs.add("init", "write the hint where the project's tool reads it", _INIT)
    init.add_argument("--for", dest="tool", choices=TOOLS, help="the tool; default: the one that the project uses")
    init.add_argument("--pin", choices=("prefer", "exact"), help="exact: uv's setting for it as well")
    init.add_argument("--dry-run", action="store_true", help="show the change and write nothing")
    init.add_argument("--force", action="store_true", help="write although torch has an index of its own already")
    init.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")
    text = "vision, audio: their pages too, as for the extras in the project; with --portable pinned in the groups"
    init.add_argument("--with", dest="family", metavar="P,Q", help=text)
    _index_url(init)
    _portable(init)
    check = verbs.add("check", "whether the machine, the environment, the lock and the hint agree", _CHECK)
    _where(check)
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    refresh = verbs.add("refresh", "make the project's tool look at this machine again", _REFRESH)
    _where(refresh)
    refresh.add_argument("--dry-run", action="store_true", help="print the commands and run none")
    _portable_verbs(verbs)
    env = verbs.add("env", "the hint as variables, for a shell, a Dockerfile or a CI file", _ENV)
    env.add_argument("--hint", action="store_true", help="the hint, also in a project that has torch groups")
    text = "vision, audio: their pages too, as for the extras in the project"
    env.add_argument("--with", dest="family", metavar="P,Q", help=text)
    env.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")
    env.add_argument("--shell", choices=CHOICES, metavar="FORM", help=", ".join(CHOICES) + "; default: your shell")
    _index_url(env)
    return top
