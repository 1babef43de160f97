"""``torch-auto group``, ``sync`` and ``run``: this machine's torch group, and the user's uv with it."""

from __future__ import annotations

import json
import os
import sys
from itertools import takewhile
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from torch_auto.cli import environment as environments
from torch_auto.cli import pylock_install
from torch_auto.cli.check import shown
from torch_auto.cli.errors import UserError
from torch_auto.cli.groups import Here, environment_of, here
from torch_auto.cli.mend import Step
from torch_auto.cli.programs import hand_over, required
from torch_auto.cli.refresh import run_step, unlocked
from torch_auto.plan import FORMAT_VERSION

#: Sets UV_NO_SYNC for what `uv run` runs, and not for that uv itself.
NO_SYNC_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "no_sync.env")


REINSTALL = ("--reinstall-package", "torch-auto")


class Call(NamedTuple):
    """A command with its whole environment."""

    command: Tuple[str, ...]
    variables: Mapping[str, str]


def _options(verb: str, words: Sequence[str]) -> List[str]:
    """The words that are uv's options for certain: those of `run` before the first word that may be a command."""
    return [*takewhile(lambda word: word.startswith("-") and word != "--", words)] if verb == "run" else list(words)


def uv_call(verb: str, found: Here, words: Sequence[str], variables: Mapping[str, str], start: str = ".") -> Call:
    """The call of uv with this machine's group and without the others.

    What `uv run` runs must not undo the choice if it calls uv in turn: where every group is default, UV_NO_GROUP holds
    it, and where torch-cpu is, UV_NO_SYNC keeps the environment as it is.

    Raises:
        UserError: there is no uv.
    """
    environment: Dict[str, str] = dict(variables)
    groups = list(found.options(variables))
    options = _options(verb, words)
    if any(word.startswith(("--only-group", "--only-dev")) for word in options):
        groups = groups[:-2]  # uv takes no --group beside them
    environment.pop("UV_NO_GROUP", None)
    left_out = [*found.left_out_anyway(variables), *(found.others if found.torch_groups.all_default else ())]
    if left_out:
        environment["UV_NO_GROUP"] = " ".join(left_out)
    if verb == "run":
        # What `torch-auto env` sets keeps a bare `uv run` off; this one is meant to install.
        environment.pop("UV_NO_SYNC", None)
        if not found.torch_groups.all_default and found.chosen.group.name not in found.torch_groups.default:
            for name in (*environment.get("UV_ENV_FILE", "").split(), NO_SYNC_FILE):
                groups += ["--env-file", name]
    if "--active" not in options:
        _leave_own_environment(found, environment)
    project = () if start == "." else ("--project", os.path.abspath(start))
    return Call((required("uv", variables), verb, *project, *groups, *words), environment)


def _leave_own_environment(found: Here, environment: Dict[str, str]) -> None:
    """Take a VIRTUAL_ENV out that is this command's own and not the project's: uv would warn of it."""
    active = environment.get("VIRTUAL_ENV", "")
    own = os.path.join(found.project.root, environment.get("UV_PROJECT_ENVIRONMENT") or ".venv")
    if active and os.path.realpath(active) == os.path.realpath(sys.prefix) != os.path.realpath(own):
        del environment["VIRTUAL_ENV"]


def group(start: str, given: Mapping[str, str], *, as_json: bool, why: bool) -> int:
    """Print the name of this machine's group; the reasons go to stderr where they are asked for.

    Raises:
        UserError, SettingsError, NotTomlError, NoTomlReaderError, OSError: see :func:`torch_auto.cli.groups.here`.
    """
    found = here(start, given, os.environ)
    chosen = found.chosen
    if why:
        print("\n".join(chosen.reasons), file=sys.stderr)
    if not as_json:
        print(chosen.group.name)
        return 0
    document = {
        "version": FORMAT_VERSION,
        "group": chosen.group.name,
        "torch": found.torch,
        "torch_backend": chosen.group.torch_backend,
        "others": list(found.others),
        "default": list(found.torch_groups.default),
        "reasons": list(chosen.reasons),
        "rejected": [
            {"torch_backend": item.torch_backend, "reason": item.reason} for item in chosen.selection.rejected
        ],
    }
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


def _record_is_stale(found: Here, variables: Mapping[str, str]) -> bool:
    """Whether the torch-auto in the project's environment was built for another group, or another release of it.

    It would go on to ask for that one at import; uv keeps what it built when the machine changes, and keeps a
    torch-auto of the same version installed when the groups do.
    """
    environment = environment_of(found.project, variables)
    if environment is None:
        return False
    built_for = found.built_for(environments.record(environment))
    return built_for is not None and built_for != found.chosen.group


class Where(NamedTuple):
    """The project's folder, the settings of the command line, and an environment by name."""

    start: str
    given: Mapping[str, str]
    venv: Optional[str] = None


def run(verb: str, where: Where, words: Sequence[str], *, dry_run: bool) -> int:
    """Run uv, or install from this machine's lock file; returns the tool's exit status.

    Raises:
        UserError, SettingsError, NotTomlError, NoTomlReaderError, OSError: see :func:`torch_auto.cli.groups.here`.
    """
    found = here(where.start, where.given, os.environ)
    if verb == "run" and found.torch_groups.pylocks:
        raise UserError(
            "`torch-auto run` needs torch groups in uv's project; with lock files, `torch-auto sync` is all"
        )
    print(f"torch-auto: {found.why}", file=sys.stderr)
    # What is asked for here counts in torch-auto's own build as well: its wheel then knows the same group.
    asked = {f"TORCH_AUTO_{name.upper()}": value for name, value in where.given.items()}
    variables = {**os.environ, **asked}
    if found.torch_groups.pylocks:
        call = Call(pylock_install.install_command(found, words, variables, where.venv), variables)
    else:
        stale = "--no-sync" not in _options(verb, words) and _record_is_stale(found, variables)
        call = uv_call(verb, found, [*(REINSTALL if stale else ()), *words], variables, where.start)
        clean = unlocked(Step(("uv", "cache", "clean", "torch-auto")), variables)
        if stale and dry_run:
            print(shown(clean.command))
        elif stale:
            run_step(clean, found.project.root, variables)
    if dry_run:
        print(shown(call.command))
        return 0
    return hand_over(call.command, call.variables)
