"""``torch-auto env``: variables for a shell, a Dockerfile or a CI file: the hint, or this machine's torch group."""

from __future__ import annotations

import sys
from typing import Dict, List, Mapping, Sequence, Tuple

#: uv splits UV_FIND_LINKS at commas, pip splits PIP_FIND_LINKS at spaces.
_SEPARATORS = (("UV_FIND_LINKS", ","), ("PIP_FIND_LINKS", " "))

#: Each kind of file or shell: what comes before the lines, and a line. No value holds a quote: URLs have none.
FORMS: Dict[str, Tuple[str, str]] = {
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


def lines(form: str, pages: Tuple[str, ...]) -> List[str]:
    """The lines for a form or one of its other names."""
    return written(form, [(name, separator.join(pages)) for name, separator in _SEPARATORS])


def written(form: str, values: Sequence[Tuple[str, str]]) -> List[str]:
    """The lines for variables, each (name, value)."""
    head, line = FORMS[_ALIASES.get(form, form)]
    return [*([head] if head else []), *(line.format(name=name, value=value) for name, value in values)]


def run(form: str, pages: Tuple[str, ...]) -> int:
    """Print the lines."""
    sys.stdout.write("\n".join(lines(form, pages)) + "\n")
    return 0
