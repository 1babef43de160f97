"""Where detection reads: handed in as one frozen value, so that a test can feed all of it."""

from __future__ import annotations

import os
import sys
from types import MappingProxyType

from torch_auto.detect.host import Host, this_host
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Registry(Protocol):
        """The Windows registry below HKEY_LOCAL_MACHINE, as far as it is read here."""

        def keys(self, path: str) -> list[str]:
            """Names of the keys below a path. Raises OSError."""

        def value(self, path: str, name: str) -> str | int | bytes | list[str] | None:
            """A value of the key at a path. Raises OSError."""

        def present(self) -> list[str] | None:
            """Instance ids of the display adapters that are there now; None where that is not known."""


#: Seconds that NVML or nvidia-smi get. Without the persistence daemon, a GPU takes about one to wake up.
DEADLINE = 5.0

#: Absolute paths only: a build never runs what the first folder in PATH happens to hold.
_NVIDIA_SMI = {
    "linux": (
        "/usr/bin/nvidia-smi",
        "/usr/lib/wsl/lib/nvidia-smi",
        "/opt/bin/nvidia-smi",  # Flatcar
        "/usr/local/nvidia/bin/nvidia-smi",  # Container-Optimized OS
        "/run/current-system/sw/bin/nvidia-smi",  # NixOS
    ),
    "win32": (
        "C:\\Windows\\System32\\nvidia-smi.exe",
        "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvidia-smi.exe",
    ),
}


class Sources(Frozen):
    """All that detection looks at.

    ``root`` is the folder that the system's files lie below. ``live`` says that they are those of the running
    system: only then is NVML asked, nvidia-smi started or the registry read. ``module_path`` is where pynvml is
    looked for, None for sys.path. ``deadline`` is in seconds, for NVML and for nvidia-smi each. ``hurried`` says that a
    wedged driver is to cost less where that changes no choice.
    """

    host: Host
    root: str = "/"
    env: Mapping[str, str] = MappingProxyType({})
    live: bool = True
    interpreter: str | None = None
    module_path: tuple[str, ...] | None = None
    nvidia_smi: tuple[str, ...] = ()
    registry: Registry | None = None
    deadline: float = DEADLINE
    hurried: bool = False


def this_system(
    root: str = "/", env: Mapping[str, str] | None = None, interpreter: str | None = None, *, hurried: bool = False
) -> Sources:
    """The sources of the running system, or those of the tree that was captured into ``root``."""
    live = os.path.abspath(root) == os.path.abspath("/")
    registry: Registry | None = None
    if sys.platform == "win32":
        from torch_auto.detect.windows import LocalMachine  # noqa: PLC0415

        registry = LocalMachine()
    return Sources(
        host=this_host(),
        root="/" if live else root,
        env=os.environ if env is None else env,
        live=live,
        interpreter=interpreter or sys.executable or None,
        nvidia_smi=_NVIDIA_SMI.get(sys.platform, ()),
        registry=registry,
        hurried=hurried,
    )
