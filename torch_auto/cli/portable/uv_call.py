"""The calls of uv, and of what installs lock files, that give a project with torch groups this machine's torch."""

from __future__ import annotations

import os
import sys
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from torch_auto.cli.portable import pylock_install
from torch_auto.cli.portable.here import environment_of
from torch_auto.cli.processes import Step, required
from torch_auto.cli.project import environment as environments
from torch_auto.cli.tools import uv_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.cli.portable.here import Here
    from torch_auto.cli.project.environment import Environment

#: Sets UV_NO_SYNC for what `uv run` runs, and not for that uv itself.
NO_SYNC_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "no_sync.env")

_REINSTALL = ("--reinstall-package", "torch-auto")


class Call(NamedTuple):
    """A command with its whole environment; ``before`` is to be run before it."""

    command: tuple[str, ...]
    variables: Mapping[str, str]
    before: tuple[Step, ...] = ()


def _options(verb: str, words: Sequence[str]) -> list[str]:
    """The words that are uv's options for certain: those of `run` before the first word that may be a command."""
    return [*takewhile(lambda word: word.startswith("-") and word != "--", words)] if verb == "run" else list(words)


def uv_call(verb: str, found: Here, words: Sequence[str], variables: Mapping[str, str], start: str = ".") -> Call:
    """The call of uv with this machine's group and without the others.

    What `uv run` runs must not undo the choice if it calls uv in turn: where every group is default, UV_NO_GROUP holds
    it, and where torch-cpu is, UV_NO_SYNC keeps the environment as it is.

    Raises:
        UserError: there is no uv.
    """
    environment: dict[str, str] = dict(variables)
    groups = list(found.options(variables))
    options = _options(verb, words)
    if any(word.startswith(("--only-group", "--only-dev")) for word in options):
        groups = groups[:-2]  # uv takes no --group beside them
    groups += _own_build(found)
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


def _own_build(found: Here) -> tuple[str, ...]:
    """A config setting that keeps torch-auto's build for this group apart in uv's cache, which nodes may share."""
    if "backend" in [name for name, _, _ in found.settings.given]:
        return ("--config-settings-package", f"torch-auto:backend={found.settings.backend}")
    return ("--config-settings-package", f"torch-auto:group={found.chosen.group.name}")


def _leave_own_environment(found: Here, environment: dict[str, str]) -> None:
    """Take a VIRTUAL_ENV out that is this command's own and not the project's: uv would warn of it."""
    active = environment.get("VIRTUAL_ENV", "")
    own = os.path.join(found.project.root, environment.get("UV_PROJECT_ENVIRONMENT") or ".venv")
    if active and os.path.realpath(active) == os.path.realpath(sys.prefix) != os.path.realpath(own):
        del environment["VIRTUAL_ENV"]


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


class Asked(NamedTuple):
    """What the command line asks for: the verb, the words for the tool, our settings, a folder and an environment."""

    verb: str
    words: Sequence[str]
    given: Mapping[str, str]
    start: str
    venv: str | None = None


def call(found: Here, asked: Asked) -> Call:
    """What `torch-auto sync` and `torch-auto run` run.

    Raises:
        UserError: there is no uv, no environment, or nothing that installs lock files.
        NotADirectoryError: what is named is not a virtual environment.
    """
    # What is asked for here counts in torch-auto's own build as well: its wheel then knows the same group.
    variables = {**os.environ, **{f"TORCH_AUTO_{name.upper()}": value for name, value in asked.given.items()}}
    words = asked.words
    if found.torch_groups.pylocks:
        return Call(pylock_install.install_command(found, words, variables, asked.venv), variables)
    if "--no-sync" in _options(asked.verb, words) or not _record_is_stale(found, variables):
        return uv_call(asked.verb, found, words, variables, asked.start)
    made = uv_call(asked.verb, found, [*_REINSTALL, *words], variables, asked.start)
    return made._replace(before=(uv_program.unlocked(uv_program.CLEAN, variables),))


def installed_into(
    found: Here, words: Sequence[str], variables: Mapping[str, str], venv: str | None
) -> Environment | None:
    """The environment that `torch-auto sync` has installed into; None where it cannot be told.

    Raises:
        NotADirectoryError: ``venv`` is not a virtual environment.
    """
    if found.torch_groups.pylocks:
        environment = pylock_install.target(found.project, variables, venv)
        return environment if environment is not None and environments.is_one(environment.prefix) else None
    if "--active" in words:
        return environments.at(variables.get("VIRTUAL_ENV", "") or os.devnull)
    return environment_of(found.project, variables)


def steps(here: Here, environment: Environment, *, stale: bool) -> list[Step]:
    """What fixes a project with torch groups: as ``torch-auto sync`` does it, and leaving what is beside the lock.

    The lock is all machines', so it stays. ``stale``: the installed torch-auto was built for another group.
    """
    if here.torch_groups.pylocks:
        return [Step((sys.executable, "-m", "torch_auto", "sync", "--venv", environment.prefix))]
    sync = ("uv", "sync", "--inexact", *here.options({}), *_own_build(here))
    return [uv_program.CLEAN, Step((*sync, *_REINSTALL))] if stale else [Step(sync)]
