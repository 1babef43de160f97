"""What is in this machine: :func:`detect` names the accelerators, with the evidence for them."""

from __future__ import annotations

from torch_auto.detect.host import architecture_of, note_host, system_of
from torch_auto.detect.log import Log
from torch_auto.detect.sources import Sources, this_system
from torch_auto.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Sources", "detect", "detect_from"]

#: They pick GPUs for one process. An install outlives it, so they are noted and change nothing.
_VISIBILITY = (
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "ONEAPI_DEVICE_SELECTOR",
)


def detect(
    root: str = "/", *, env: Mapping[str, str] | None = None, interpreter: str | None = None, hurried: bool = False
) -> Machine:
    """The machine that this process runs on, or the one whose files were captured into ``root``. Never raises.

    ``env`` is the environment to go by, os.environ by default. NVML is asked in ``interpreter``, this Python by
    default. A captured tree is of a Linux machine, and then nothing is started and no library is loaded. ``hurried`` is
    for builds, one of many: names are not waited for.
    """
    return detect_from(this_system(root, env, interpreter, hurried=hurried))


def detect_from(sources: Sources) -> Machine:
    """The machine that ``sources`` show. Never raises: what goes wrong is evidence."""
    log = Log()
    host = sources.host
    system = system_of(host) if sources.live else "linux"
    note_host(host, log)
    if not sources.live:
        log.found(sources.root, "a captured tree; Python, libc and architecture are those of who reads it")
    for name in _VISIBILITY:
        if name in sources.env:
            log.found(f"${name}", f"{sources.env[name]!r}, which does not change the choice")
    version: str | None = None
    try:
        if system == "linux":
            from torch_auto.detect.linux import accelerators  # noqa: PLC0415

            found = accelerators(sources, log)
        elif system == "windows":
            from torch_auto.detect import windows  # noqa: PLC0415

            found = windows.accelerators(sources, log)
        elif system == "macos":
            from torch_auto.detect.macos import note_mac  # noqa: PLC0415

            version = note_mac(sources, log)
            found = ()
        else:
            found = ()
    except Exception as error:  # noqa: BLE001  # the last net: a fault of ours must not end a build
        log.unreadable("detection", f"{type(error).__name__}: {error}; please report this")
        found = ()
    return Machine(
        system,
        architecture_of(host),
        host.python,
        host.libc,
        found,
        log.evidence,
        version,
        host.implementation,
    )
