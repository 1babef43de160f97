"""uv's flag ``--torch-backend``, of which uv tells a build nothing (measured, uv 0.13.9).

With it, uv takes torch from that torch backend's index alone, so pins for another one cannot be met there. A build
does not follow the flag: uv would serve what was built so to the next command, which has no flag. It ends with what
to type instead. On Linux a process can read how its parent was called; elsewhere nothing is known of the flag.
"""

from __future__ import annotations

import os

from torch_auto.settings import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.decide import Plan

FLAG = "--torch-backend"
#: Bytes that are read of the parent's command line.
_MOST = 1 << 16


def flag_of(arguments: Sequence[str]) -> str | None:
    """The flag's value in uv's own command line; None where it has none, or is not that of a uv that takes it."""
    if os.path.basename(arguments[0]) != "uv" or not ({"pip", "install"} & set(arguments)):
        return None  # "uv pip" and "uv tool install"; what follows "uv tool run" may be another program's
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == FLAG:
            return value if equals else "".join(arguments[number + 1 : number + 2])
    return None


def flag_of_process(process: int) -> str | None:
    """The flag's value for a process, by its id; None where nothing is known."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            line = file.read(_MOST)
    except OSError:
        return None
    return flag_of(line.decode("utf-8", "replace").split("\0"))


def refuse_another(plan: Plan) -> None:
    """End a build whose pins uv's own flag, given to the process that started the build, keeps from being met.

    Raises:
        SettingsError: the flag names another torch backend than the pins of this plan; it says what to type.
    """
    asked, pinned = flag_of_process(os.getppid()), plan.selection.torch_backend
    if not asked or asked in ("auto", pinned) or pinned is None or plan.group is not None:
        return
    fault = (
        f"{FLAG}={asked}: uv takes torch from the {asked} index alone then, and torch-auto pins {pinned} here. uv does "
        "not pass that flag to a build; give it to torch-auto as well: "
        f"--config-settings-package torch-auto:backend={asked}"
    )
    raise SettingsError([fault])
