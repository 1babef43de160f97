"""pip: requirements files, and the configuration of an environment."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from torch_auto.cli.errors import RefusedError
from torch_auto.cli.output import shown
from torch_auto.cli.processes import Step, answer
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.files import Text
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml.document import NoPlaceError
from torch_auto.cli.tools import pip_places, uv_places, uv_program
from torch_auto.cli.tools.pages import is_pytorchs, same_page
from torch_auto.cli.tools.pip_places import line_of, lines_of
from torch_auto.cli.tools.places import ASIDE
from torch_auto.cli.tools.takeover import found_among, is_ours
from torch_auto.cli.tools.tool import Adding, Target, Tool, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.places import NamedPage
    from torch_auto.cli.tools.takeover import Found

REQUIREMENTS = "requirements.txt"


class Pip(Tool):
    """``pip install``: nothing but requirements.txt is a project's own."""

    name = "pip"
    adding = "pip install torch-auto"
    removing = "pip uninstall torch-auto"
    by_commands = True

    def requires(self, project: Project) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The lines of requirements.txt."""
        path = project.file(REQUIREMENTS)
        return _requirements(path) if path is not None else iter(())

    def named(self, project: Project, variables: Mapping[str, str], installed: Environment) -> Iterator[NamedPage]:
        """In variables, in pip's configuration and in requirements.txt; of uv's where the environment has no pip."""
        requirements = project.file(REQUIREMENTS)
        own = pip_places.places(requirements, variables, installed.prefix)
        if installed.distribution("pip") is not None:
            return iter(own)
        listed = pip_places.in_requirements(requirements, variables)
        aside = [replace(page, kind=ASIDE) for page in own if page not in listed]
        return iter([*uv_places.places(project, variables, pip=True, listed=listed), *aside])

    def asks_in_order(self, project: Project, variables: Mapping[str, str], installed: Environment) -> bool:
        """It does not; uv does, which installs where the environment has no pip."""
        return installed.distribution("pip") is None and uv_places.in_order(project, variables, pip=True)

    def file(self, project: Project, variables: Mapping[str, str]) -> str:
        """requirements.txt or, without one, the configuration of the environment."""
        path = project.file(REQUIREMENTS)
        if path is not None:
            return path
        found = environments.find(project.root, variables)
        if not environments.is_the_users(found.prefix):
            raise RefusedError(
                "there is no requirements.txt here, and no virtual environment; make one of them, or use the "
                "variable: torch-auto env"
            )
        return os.path.join(found.prefix, "pip.ini" if os.name == "nt" else "pip.conf")

    def write(self, project: Project, text: Text, wish: Wish) -> None:
        """Lines of requirements, or an option in [global]."""
        if text.path.endswith(".txt"):
            _write_requirements(text, wish.pages)
        else:
            _write_configuration(text, wish.pages)

    def remove(self, text: Text, index_url: str) -> None:
        """The lines and values that name PyTorch's pages as find-links."""
        if text.path.endswith(".txt"):
            text.after = _without_lines(text.after, lambda line: _is_link(line, index_url))
        elif text.before is not None:
            _unwrite_configuration(text, index_url)

    def by_hand(self, wish: Wish) -> list[str]:
        """Lines of requirements.txt."""
        return [f"--find-links {page}" for page in wish.pages]

    def next(self, project: Project, path: str) -> str:
        """With requirements that name torch-auto, these are installed."""
        if not path.endswith(".txt"):
            return super().next(project, path)
        has_it = any(name == "torch-auto" for name, _ in _requirements(path))
        return f"pip install -r {os.path.basename(path)}" if has_it else self.adding

    # --- torch-auto in place of torch ---

    def found(self, project: Project) -> Found:
        """The lines of requirements.txt; hashes belong to one build, and so stand against a choice."""
        path = project.file(REQUIREMENTS)
        lines = [line.text for line in lines_of(path, os.environ)] if path is not None else []
        hashed = any("--hash" in line for line in lines)
        return found_among(
            [line.partition(" --hash")[0].rstrip("\\ ") for line in lines],
            [f"{REQUIREMENTS} has hashes, which belong to one build of torch"] if hashed else [],
        )

    def take_over(self, project: Project, change: Change, index_url: str) -> None:
        """The lines of torch, torchvision and torchaudio, and those that name PyTorch's indexes."""
        path = project.file(REQUIREMENTS)
        if path is not None:
            text = change.text(path)
            text.after = _without_lines(text.after, lambda line: is_ours(line) or _is_index(line, index_url))

    def add_lines(self, project: Project, change: Change, adding: Adding) -> None:
        """The requirements, as lines of requirements.txt where there is one."""
        path = project.file(REQUIREMENTS)
        if path is None:
            return
        text = change.text(path)
        newline = _newline(text.after)
        text.after = _without_lines(text.after, lambda line: _name_of(line) == "torch-auto")
        start = text.after if not text.after or text.after.endswith("\n") else text.after + newline
        text.after = start + "".join(f"{item}{newline}" for item in (adding.requirement, *adding.packages))

    def adds(self, adding: Adding) -> list[Step]:
        """Install requirements.txt, or what is added; with uv's pip where the environment has none of its own."""
        python, listed = adding.environment.interpreter, os.path.isfile(REQUIREMENTS)
        what = ("-r", REQUIREMENTS) if listed else (adding.requirement, *adding.packages)
        if adding.environment.distribution("pip") is None:
            return [uv_program.CLEAN, Step(("uv", "pip", "install", "--python", python, *what))]
        pip = (python, "-m", "pip")
        return [Step((*pip, "cache", "remove", "torch_auto"), may_fail=True), Step((*pip, "install", *what))]

    def steps(self, environment: Environment, version: str | None, at_least: str | None = None) -> list[Step]:
        """Pip takes the METADATA of what is installed; so that is made anew first, whatever it then requires."""
        pip = _pip(environment)
        steps = [Step((*pip, "cache", "remove", "torch_auto"), may_fail=True)]
        if version is not None:
            steps.append(Step((*pip, "install", "--force-reinstall", "--no-deps", f"torch-auto=={version}")))
        return [*steps, Step((*pip, "install", "--upgrade", "torch-auto", "torch"))]

    def install(self, environment: Environment, target: Target) -> list[Step]:
        """As :meth:`steps`, and nothing is left to what is newest: torchvision and others go with a release of torch.

        pip builds a requirement with the settings of the same command, and takes what it has built from its cache.
        """
        pip = _pip(environment)
        pages = [word for page in target.pages for word in ("--find-links", page)]
        settings = [word for item in target.settings for word in ("--config-settings", item)]
        return [
            Step((*pip, "cache", "remove", "torch_auto"), may_fail=True),
            Step((*pip, "install", "--force-reinstall", "--no-deps", *settings, target.requirement)),
            Step((*pip, "install", "--upgrade", *pages, *settings, target.requirement, *target.projects)),
        ]

    def newer_core(self, environment: Environment) -> tuple[str, ...]:
        """With the pip of the environment that was looked at."""
        return (shown((*_pip(environment), "install", "--upgrade", "torch-auto-core")),)


TOOL = Pip()


def _pip(environment: Environment) -> tuple[str, ...]:
    """The environment's own pip or, where it was left out as in many images, the one in PATH for that environment."""
    if environment.distribution("pip") is not None:
        return (environment.interpreter, "-m", "pip")
    return ("pip", "--python", environment.interpreter)


def version_of(python: str, variables: Mapping[str, str]) -> tuple[int, ...]:
    """The version of an environment's pip, (26, 1), or () where it has none."""
    match = re.match(r"pip (\d+)\.(\d+)", answer([python, "-m", "pip", "--version"], variables))
    return (int(match.group(1)), int(match.group(2))) if match is not None else ()


# --- what is there -------------------------------------------------------------------------------------------------


def _requirements(path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for found in filter(None, (requirement(line.text) for line in lines_of(path, os.environ))):
        yield canonicalize_name(found.name), tuple(found.extras)


# --- what is written -----------------------------------------------------------------------------------------------


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _write_requirements(text: Text, pages: tuple[str, ...]) -> None:
    """A line ``--find-links PAGE`` for each page that none names, before the first line that says something."""
    found = re.findall(r"(?m)^[ \t]*(?:-f|--find-links)[ \t=]+([^\s#]+)", text.after)
    newline = _newline(text.after)
    lines = [f"--find-links {page}{newline}" for page in pages if not any(same_page(item, page) for item in found)]
    first = re.search(r"(?m)^[ \t]*[^#\s]", text.after)
    at = first.start() if first is not None else len(text.after)
    before = text.after[:at]
    if before and not before.endswith("\n"):
        before += newline
    if lines:
        text.after = before + "".join(lines) + text.after[at:]


def _without_lines(text: str, unwanted: Callable[[str], bool]) -> str:
    """The text without some lines, each of which is told without its comment."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not unwanted(line.split(" #", 1)[0].strip()))


def _is_link(line: str, index_url: str) -> bool:
    found = line_of(line, os.environ).options
    return bool(found) and all(name == "find-links" and is_pytorchs(url, index_url) for name, url in found)


def _is_index(line: str, index_url: str) -> bool:
    found = line_of(line, os.environ)
    return found.options == found.places != () and all(is_pytorchs(url, index_url) for _, url in found.places)


def _name_of(line: str) -> str:
    found = requirement(line)
    return canonicalize_name(found.name) if found is not None else ""


def _unwrite_configuration(text: Text, index_url: str) -> None:
    """The values of ``find-links`` in [global] that are PyTorch's pages, and what is then empty."""
    wanted = _read(text.after)
    links = wanted.get("global", "find-links", fallback="").split()
    left = [link for link in links if not is_pytorchs(link, index_url)]
    if left == links:
        return
    option = re.compile(r"(?mi)^find-links[ \t]*[=:][^\n]*(?:\n[ \t]+[^\n]*)*(?:\n|\Z)")
    newline = _newline(text.after)
    new = f"find-links = {f'{newline}    '.join(left)}{newline}" if left else ""
    text.after = option.sub(lambda _: new, text.after, count=1)
    found = _read(text.after)
    if not left and found.has_section("global") and not found.options("global"):
        text.after = re.sub(r"(?m)^\[global\][ \t]*(?:\r?\n|\Z)", "", text.after, count=1)
    if found.get("global", "find-links", fallback="").split() != left:
        raise NoPlaceError("find-links in [global] is written in a form that torch-auto cannot edit")


def _read(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise NoPlaceError(f"pip cannot read it: {str(error).splitlines()[0]}") from error
    return parser


def _write_configuration(text: Text, pages: tuple[str, ...]) -> None:
    """``find-links`` in the section [global]."""
    parser = _read(text.after)
    for page in pages:
        before = parser.get("global", "find-links", fallback="").split()
        if any(same_page(item, page) for item in before):
            continue
        newline = _newline(text.after)
        if not parser.has_section("global"):
            start = text.after if not text.after or text.after.endswith("\n") else text.after + newline
            text.after = f"{start}[global]{newline}find-links = {page}{newline}"
        elif not parser.has_option("global", "find-links"):
            text.after = re.sub(
                r"(?m)^\[global\][^\n]*(?:\n|\Z)",
                lambda match: f"{match.group().rstrip()}{newline}find-links = {page}{newline}",  # noqa: B023  # used at once
                text.after,
                count=1,
            )
        else:
            text.after = re.sub(
                r"(?mi)^(find-links[ \t]*[=:][ \t]*)",
                lambda match: f"{match.group()}{page}{newline}    ",  # noqa: B023  # used at once
                text.after,
                count=1,
            )
        parser = _read(text.after)
        if sorted(parser.get("global", "find-links", fallback="").split()) != sorted([*before, page]):
            raise NoPlaceError("there is no place for find-links in [global]")
