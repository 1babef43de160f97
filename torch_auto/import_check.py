"""What torch calls on ``import torch`` (entry point group ``torch.backends``, torch 2.5 and newer).

It says, in two lines, that the installed torch does not use the machine's GPU, or is of another release than
torch-auto's wheel was built to require, or that a torchvision or torchaudio beside it was built for another torch. An
exception here would break ``import torch``, and every import pays for what happens here. So: nothing is imported that
Python and torch have not loaded already, one folder is listed and one file read, and everything is caught. What is only
needed where something is wrong is in :mod:`torch_auto.import_warning`: without bytecode (uv compiles none unless told
to), a module's length is what its import costs.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

#: The file that a wheel of torch-auto has in its dist-info folder, :data:`torch_auto.record.FILE`.
_FILE = "torch_auto.json"


class TorchAutoWarning(UserWarning):
    """The installed torch is not what this machine needs, or what is beside it was built for another torch."""


def warn_if_wrong() -> None:
    """The entry point. Never raises."""
    try:
        if os.environ.get("TORCH_AUTO_WARN") == "0" or _another_process_says_it():
            return
        text = _warning(sys.modules["torch"])
        if text is not None:
            _warn(text)
    except Exception:  # noqa: BLE001, S110  # the command alone has no record; and `import torch` must go on anyway
        pass


def _warning(torch: ModuleType) -> str | None:
    """The warning's two lines, or None where all is well, or nothing is known.

    Raises:
        Exception: the record is not what a build writes, or torch is not what torch is.
    """
    version, found, others = _versions(torch)
    if found is None:
        return None
    import json  # noqa: PLC0415  # torch has loaded it

    with open(found, "rb") as file:
        record: dict[str, Any] = json.loads(file.read())
    if record["version"] == 2:  # noqa: PLR2004  # the format that is read below; others are met with a sentence
        accepted = record["accepted"].get("{}.{}".format(*sys.version_info[:2]), ())
        runs, decided = record["runs_on_gpu"], record["decided"]
        # Where the first of them does not use the GPU, that is what was asked for, or the best of the groups; and
        # where no build uses it, each of the release's runs on the CPU: a machine without a GPU may have any lock.
        if (
            version in runs
            or (version in accepted and accepted[0] not in runs)
            or (not runs and decided["needs"] is None and version.partition("+")[0] == decided["release"])
        ):
            known = record.get("beside") or {}  # a record of an older core does not have it
            torch_backend = version.partition("+")[2] or "pypi"
            if all(item in known.get(name, {}).get("fits", {}).get(torch_backend, ()) for name, item in others.items()):
                return None
            from torch_auto.import_warning import warning_of_others  # noqa: PLC0415  # see above

            return warning_of_others(version, torch_backend, others, known)
    from torch_auto.import_warning import warning  # noqa: PLC0415  # see above

    return warning(torch, version, record)


def _versions(torch: ModuleType) -> tuple[str, str | None, dict[str, str]]:
    """The version in the installed torch's METADATA, the path of the record, and the versions of what is beside torch.

    Versions are those in the names of dist-info folders. ``torch.__version__`` is another one: PyPI's torch 2.5.1 calls
    itself 2.5.1+cu124 inside. torch-auto is beside torch, or else beside this package.
    """
    inside = str(torch.__version__)
    sites = dict.fromkeys(
        os.path.dirname(os.path.dirname(os.path.abspath(str(file)))) for file in (torch.__file__, __file__)
    )
    version = found = None
    others: dict[str, str] = {}
    for site in sites:
        for name in os.listdir(site):
            if not name.startswith("torch") or not name.endswith(".dist-info"):
                continue
            project, _, its_version = name[: -len(".dist-info")].partition("-")
            if project == "torch" and version is None:
                version = its_version
            elif project == "torch_auto":
                found = os.path.join(site, name, _FILE)
            elif project in ("torchvision", "torchaudio"):
                others.setdefault(project, its_version)
        if found is not None:
            break
    return version or inside, found, others  # conda and a build tree have no dist-info of torch


def _another_process_says_it() -> bool:
    """Whether this is a worker of multiprocessing, or one of torchrun's local ranks but the first."""
    process = sys.modules.get("multiprocessing.process")
    # A worker that was spawned imports the main module, and torch with it, before it has a parent process.
    if process is not None and (process.parent_process() or hasattr(process.current_process(), "_inheriting")):
        return True
    return os.environ.get("LOCAL_RANK", "0") != "0"


def _warn(text: str) -> None:
    import warnings  # noqa: PLC0415  # Python itself has loaded it

    # Names of GPUs are other people's text, and a terminal obeys control characters.
    text = "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
    try:
        # A file name that is none keeps a line of our own source out of the message.
        warnings.warn_explicit(text, TorchAutoWarning, "torch-auto", 1)
    except TorchAutoWarning:  # warnings are errors here (python -W error), and the import must go on all the same
        sys.stderr.write(f"torch-auto: {text}\n")
