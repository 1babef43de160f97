"""What is wrong with the installed torch, as told at ``import torch``; see :mod:`torch_auto.autoload`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is not among what is loaded already
    from types import ModuleType
    from typing import Any

#: How the reasons start by which builds were rejected that would have run.
RUNS_TOO = ("it runs on this machine too", "its wheels require packages that")


def complaint(torch: ModuleType, plan: dict[str, Any]) -> str | None:
    """The warning's two lines, or None where all is well. ``plan`` is that of a wheel's selection.json.

    Raises:
        Exception: the plan is not what a build writes.
    """
    version = installed_version(torch)
    inside = str(getattr(torch, "__version__", version))
    shown = version if "+" in version or version == inside else f"{version} ({inside} inside)"
    if not satisfied(version, plan["requirements"]):
        what = f"this machine needs {_needed(plan)}"
        how = f"`torch-auto {'sync' if plan.get('group') else 'refresh'}` mends it"
    else:
        reason = gpu_unused(inside, plan)
        if reason is None:
            return None
        what = f"it does not use this machine's GPU: {reason}"
        how = "`torch-auto init` and `torch-auto refresh` mend it"
    return (
        f"torch {shown} is installed, and {what}.\n"
        f"  {how}, `torch-auto check` says why, TORCH_AUTO_WARN=0 turns this off."
    )


def gpu_unused(inside: str, plan: dict[str, Any]) -> str | None:
    """Why a torch that the pins allow leaves the GPU unused, or None where it does not.

    Where no release's public build runs on a machine's GPU, the pins allow the public build all the same.
    """
    if not plan["accelerated"]:
        return None
    torch_backend = inside.partition("+")[2]
    for item in plan["rejected"]:
        if item["torch_backend"] == torch_backend and not item["reason"].startswith(RUNS_TOO):
            return str(item["reason"])
    return None


def installed_version(torch: ModuleType) -> str:
    """The version in the installed torch's METADATA, told by its dist-info folder's name.

    ``torch.__version__`` is not it: PyPI's torch 2.5.1 calls itself 2.5.1+cu124 inside.
    """
    inside = str(torch.__version__)
    site = os.path.dirname(os.path.dirname(os.path.abspath(str(torch.__file__))))
    for version in (inside, inside.partition("+")[0]):
        if os.path.isdir(os.path.join(site, f"torch-{version}.dist-info")):
            return version
    for name in os.listdir(site):
        if name.startswith("torch-") and name.endswith(".dist-info"):
            return name[len("torch-") : -len(".dist-info")]
    return inside  # a build tree, or conda's layout


def satisfied(version: str, requirements: list[str]) -> bool:
    """Whether a version of torch satisfies those of torch-auto's requirements that are for this system and Python.

    They are the few forms that :mod:`torch_auto.requirements` writes: ``==R.*`` with local versions left out by
    name, ``==R+local``, markers of three variables. packaging knows all forms, and its import alone takes too long.
    """
    for requirement in requirements:
        specifier, _, marker = requirement.partition(";")
        if specifier[: len("torch=")] not in ("torch=", "torch!"):
            continue  # of another project
        if marker.strip() and not is_true(marker):
            continue
        for clause in specifier[len("torch") :].split(","):
            if not _matches(version, clause.strip()):
                return False
    return True


def _matches(version: str, clause: str) -> bool:
    operator, wanted = clause[:2], clause[2:].strip()
    if wanted.endswith(".*"):
        public = version.partition("+")[0]
        equal = public == wanted[:-2] or public.startswith(wanted[:-1])
    else:
        equal = version == wanted
    return equal if operator == "==" else not equal


def is_true(marker: str) -> bool:
    """Whether a marker of ``sys_platform``, ``platform_machine`` and ``python_version`` is true here.

    Raises:
        ValueError, KeyError, IndexError: it is another kind of marker.
    """
    # packaging puts a space between all tokens but brackets; compiling a pattern takes longer than all the rest.
    value, rest = _either(marker.replace("(", " ( ").replace(")", " ) ").split())
    if rest:
        raise ValueError(marker)
    return value


def _either(tokens: list[str]) -> tuple[bool, list[str]]:
    value, tokens = _both(tokens)
    while tokens and tokens[0] == "or":
        other, tokens = _both(tokens[1:])
        value = value or other
    return value, tokens


def _both(tokens: list[str]) -> tuple[bool, list[str]]:
    value, tokens = _one(tokens)
    while tokens and tokens[0] == "and":
        other, tokens = _one(tokens[1:])
        value = value and other
    return value, tokens


def _one(tokens: list[str]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        value, rest = _either(tokens[1:])
        return value, rest[1:]
    name, operator, quoted = tokens[:3]
    return _compare(name, operator, quoted[1:-1]), tokens[3:]


def _compare(name: str, operator: str, value: str) -> bool:
    if name == "python_version":
        here, there = sys.version_info[:2], tuple(int(part) for part in value.split("."))
        return {"<": here < there, ">=": here >= there}[operator]
    text = {"sys_platform": sys.platform, "platform_machine": _machine()}[name]
    return {"==": text == value, "!=": text != value}[operator]


def _machine() -> str:
    """platform.machine(), without that module where there is a way round it."""
    if hasattr(os, "uname"):
        return os.uname().machine
    import platform  # noqa: PLC0415

    return platform.machine()


def _needed(plan: dict[str, Any]) -> str:
    local = plan["local_version"]
    if local is None:
        return f"torch {plan['release']}"
    if local.startswith("needs."):
        return f"another release than {plan['release']}, which {local.replace('.', ' ', 1)}"
    return f"torch {plan['release']}+{local}" + (f" (group {plan['group']})" if plan.get("group") else "")
