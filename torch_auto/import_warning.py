"""What is wrong with the installed torch, as said at ``import torch``; see :mod:`torch_auto.import_check`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def warning(torch: ModuleType, version: str, record: dict[str, Any]) -> str | None:
    """The warning's two lines, or None where the record says nothing of this Python.

    ``version`` is that of the installed torch's METADATA, ``record`` what torch-auto's wheel carries.

    Raises:
        Exception: the record is not what a build writes.
    """
    inside = str(getattr(torch, "__version__", version))
    shown = version if "+" in version or version == inside else f"{version} ({inside} inside)"
    if record["version"] != 2:  # noqa: PLR2004  # as in import_check
        return (
            f"torch {shown} is installed, and torch-auto's record of what this machine needs is of a newer format.\n"
            f"{_remedy()}"
        )
    decided = record["decided"]
    accepted = record["accepted"].get("{}.{}".format(*sys.version_info[:2]))
    if accepted is None and decided["needs"] is None:
        return None  # the release is not known to come for this Python, and it runs all the same
    release, is_repair, _ = version.partition("+")[0].partition(".post")
    if is_repair and release in (accepted or ()):
        return None  # a repair of PyPI's build that came after the record: METADATA's pins admit it
    if version not in (accepted or ()):
        what = f"this machine needs {_needed(decided)}"
    else:
        what = f"it does not use this machine's GPU{_why(inside.partition('+')[2], decided)}"
    return f"torch {shown} is installed, and {what}.\n{_remedy()}"


def _remedy() -> str:
    """What to type: `check` alone knows the project, its tool and what else is there."""
    from torch_auto.cli.project.own import typed  # noqa: PLC0415  # only where something is wrong

    ours = typed(os.environ)
    return f"  Fix: `{ours} check --fix`. Why: `{ours} check`. TORCH_AUTO_WARN=0 turns this off."


def warning_of_others(version: str, torch_backend: str, others: dict[str, str], known: dict[str, Any]) -> str | None:
    """The warning of a torchvision or torchaudio that was built for another torch, or None where nothing is known.

    ``version`` and ``torch_backend`` are the installed torch's ("pypi" for PyPI's build), ``others`` the versions of
    what is beside it, ``known`` what the record says of them.

    Raises:
        Exception: the record is not what a build writes.
    """
    faults = []
    for project, installed in sorted(others.items(), reverse=True):
        text = _of_other(project, installed, torch_backend, known[project]) if project in known else None
        if text is not None:
            faults.append(text)
    if not faults:
        return None
    return f"torch {version} is installed. {' '.join(faults)}\n{_remedy()}"


def _of_other(project: str, installed: str, torch_backend: str, known: dict[str, Any]) -> str | None:
    """What is wrong with a torchvision or torchaudio beside torch, or None."""
    release, _, local = installed.partition("+")
    if release not in known["versions"]:
        if known["newer"] and _numbers(release) > _numbers(known["versions"][-1]):
            return None
        return f"It goes with {project} {known['version']}, and {project} {installed} is installed."
    fits = known["fits"].get(torch_backend)
    same = f"{known['version']}+{local}" if local else known["version"]
    if fits is None or same in fits:
        return None
    built_for = local or known["pypi"]
    if built_for == "cpu":
        return f"{project} {installed} is built for the CPU: it can be imported, but its operators do not use the GPU."
    return f"{project} {installed} is built for {built_for}, which is another torch backend than torch's."


def _numbers(version: str) -> tuple[int, ...]:
    """0.29.1 as (0, 29, 1)."""
    return tuple(int(part) for part in version.split(".")[:3])


def _why(torch_backend: str, decided: dict[str, Any]) -> str:
    """Why a build leaves the GPU unused, as the end of a sentence; nothing where the record does not say it."""
    from torch_auto.select.reasons import reason_from_json  # noqa: PLC0415  # only where something is wrong
    from torch_auto.select.words import sentence  # noqa: PLC0415

    for item in decided["rejected"]:
        if item["torch_backend"] == torch_backend:
            return f": {sentence(reason_from_json(item['reason']))}"
    return ""


def _needed(decided: dict[str, Any]) -> str:
    """What is needed in place of what is installed."""
    if decided["needs"] is not None:
        from torch_auto.select.needs import Needs  # noqa: PLC0415  # as above
        from torch_auto.select.words import needs_in_words  # noqa: PLC0415

        return f"another release: torch {decided['release']} needs {needs_in_words(Needs(decided['needs']))}"
    group = f" (group {decided['group']})" if decided["group"] else ""
    return f"torch {decided['torch']}{group}"
