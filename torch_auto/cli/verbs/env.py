"""``torch-auto env``: PyTorch's pages or this machine's group, as variables for a shell, a Dockerfile or a CI file."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from torch_auto.cli.options import Verbs
    from torch_auto.cli.project.project import Project

_EXAMPLES = """\
examples:
  eval "$(torch-auto env)"
  torch-auto env --shell dockerfile >> Dockerfile
  torch-auto env --shell powershell | Invoke-Expression
"""

#: uv splits UV_FIND_LINKS at commas, pip splits PIP_FIND_LINKS at spaces.
_SEPARATORS = (("UV_FIND_LINKS", ","), ("PIP_FIND_LINKS", " "))

#: Each kind of file or shell: what comes before the lines, and a line. No value holds a quote: URLs have none.
FORMS: dict[str, tuple[str, str]] = {
    "sh": ("", 'export {name}="{value}"'),
    "fish": ("", 'set -gx {name} "{value}"'),
    "powershell": ("", '$env:{name} = "{value}"'),
    "cmd": ("", 'set "{name}={value}"'),
    "dockerfile": ("", 'ENV {name}="{value}"'),
    "github": ("env:", '  {name}: "{value}"'),
    "gitlab": ("variables:", '  {name}: "{value}"'),
    "dotenv": ("", '{name}="{value}"'),
}
_ALIASES = {"bash": "sh", "zsh": "sh", "dash": "sh", "ksh": "sh", "pwsh": "powershell", "docker": "dockerfile"}

CHOICES = (*FORMS, *_ALIASES)


def default_form(variables: Mapping[str, str], system: str) -> str:
    """The form of the user's own shell."""
    shell = variables.get("SHELL", "").rpartition("/")[2]
    if shell in CHOICES:
        return shell
    return "powershell" if system == "win32" else "sh"


def lines(form: str, pages: tuple[str, ...]) -> list[str]:
    """The lines for a form or one of its other names."""
    return written(form, [(name, separator.join(pages)) for name, separator in _SEPARATORS])


def written(form: str, values: Sequence[tuple[str, str]]) -> list[str]:
    """The lines for variables, each (name, value)."""
    head, line = FORMS[_ALIASES.get(form, form)]
    return [*([head] if head else []), *(line.format(name=name, value=value) for name, value in values)]


def add(verbs: Verbs) -> None:
    """Its parser."""
    env = verbs.add(
        "env", execute, "print PyTorch's pages as variables for a shell, a Dockerfile or a CI file", _EXAMPLES
    )
    env.add_argument("--pages", action="store_true", help="PyTorch's pages, also in a project that has torch groups")
    shared.extras(env, "vision, audio: their pages too, as for the extras in the project")
    shared.project(env)
    env.add_argument("--shell", choices=CHOICES, metavar="FORM", help=", ".join(CHOICES) + "; default: your shell")
    shared.index_url(env)


def execute(options: argparse.Namespace) -> int:
    """Print the lines.

    Raises:
        UserError, SettingsError, OSError: see :func:`torch_auto.cli.portable.here.this_machine`.
    """
    from torch_auto.cli.project import extras
    from torch_auto.cli.project.project import find
    from torch_auto.cli.project.toml import NotTomlError
    from torch_auto.cli.tools.pages import pages_here

    form = options.shell or default_form(os.environ, sys.platform)
    named = shared.named_extras(options)
    try:
        project = find(options.project)
        if not options.pages and options.index_url is None and _show_group(form, project):
            return 0
        named = tuple(dict.fromkeys([*extras.of_project(project), *named]))
    except NotTomlError:
        pass  # the pages need no project; what does says what is wrong with it
    pages = pages_here(shared.settings(options, "index-url"), named)
    sys.stdout.write("\n".join(lines(form, pages)) + "\n")
    return 0


def _show_group(form: str, project: Project) -> bool:
    """Print the variables of a project with torch groups; False where it has none that uv takes."""
    from torch_auto import catalog
    from torch_auto.cli.portable import groups, here, variables

    found = groups.find(project, catalog.load())
    if found is None or found.pylocks:
        return False
    answer = here.this_machine(project, found, {}, os.environ)
    values, comment = variables.values_of(answer, os.environ)
    # For this project alone: a group that another project does not have is an error there.
    print(f"# {answer.line}\n# {comment}. It belongs to this project, not to a profile.", file=sys.stderr)
    if values:
        sys.stdout.write("\n".join(written(form, values)) + "\n")
    return True
