"""What torch calls on ``import torch`` (entry point group ``torch.backends``, torch 2.5 and newer).

It says, in two lines, that the installed torch is not the one that torch-auto's wheel was built to require on this
machine. An exception here would break ``import torch``, and every import pays for what happens here. So: nothing is
imported that Python and torch have not loaded already, one file is read, and everything is caught. What is only
needed where torch is not the very build that was asked for is in :mod:`torch_auto.complaint`: without bytecode (uv
compiles none unless told to), a module's length is what its import costs.
"""

from __future__ import annotations

import os
import sys


class TorchAutoWarning(UserWarning):
    """The installed torch does not satisfy what torch-auto requires on this machine."""


def warn_if_wrong() -> None:
    """The entry point. Never raises."""
    try:
        if os.environ.get("TORCH_AUTO_WARN") == "0" or _another_process_says_it():
            return
        import json  # noqa: PLC0415  # torch has loaded it

        with open(os.path.join(os.path.dirname(__file__), "selection.json"), "rb") as file:
            record = json.loads(file.read())
        torch, plan = sys.modules["torch"], record["plan"]
        wanted = plan["local_version"] or plan["torch_backend"]
        python = "{}.{}".format(*sys.version_info[:2])
        if torch.__version__ == f"{plan['release']}+{wanted}" and record["machine"]["python"] == python:
            return
        from torch_auto.complaint import complaint  # noqa: PLC0415  # see above

        text = complaint(torch, plan)
        if text is not None:
            _warn(text)
    except Exception:  # noqa: BLE001, S110  # an editable install has no record; and `import torch` must go on anyway
        pass


def _another_process_says_it() -> bool:
    """Whether this is a worker of multiprocessing, or one of torchrun's local ranks but the first."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        return True
    return os.environ.get("LOCAL_RANK", "0") != "0"


def _warn(text: str) -> None:
    import warnings  # noqa: PLC0415  # Python itself has loaded it

    try:
        # A file name that is none keeps a line of our own source out of the message.
        warnings.warn_explicit(text, TorchAutoWarning, "torch-auto", 1)
    except TorchAutoWarning:  # warnings are errors here (python -W error), and the import must go on all the same
        sys.stderr.write(f"torch-auto: {text}\n")
