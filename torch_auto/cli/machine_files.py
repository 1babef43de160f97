"""Machine files that are named on the command line, several at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto.machine_file import MachineError, read_machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_auto.machine import Machine


def _labels(paths: Sequence[str]) -> list[str]:
    """The files' names, or as much of their paths as tells them apart."""
    names = [os.path.basename(path) for path in paths]
    return [name if names.count(name) == 1 else path for name, path in zip(names, paths)]


def read_all(paths: Sequence[str], faults: list[str]) -> list[tuple[str, Machine]]:
    """The machines with a label each; what is wrong with a file is added to the faults."""
    found = []
    for label, path in zip(_labels(paths), paths):
        try:
            found.append((label, read_machine(path)))
        except OSError as error:
            faults.append(f"--machine: {path!r} cannot be read: {error.strerror or error}")
        except MachineError as error:
            faults.extend(f"--machine: {path!r}: {fault}" for fault in error.faults)
    return found
