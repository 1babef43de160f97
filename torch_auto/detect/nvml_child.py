"""Asks NVML through pynvml and prints what it says, a JSON object a line, as soon as it is known.

Run by its path, in an interpreter of its own (``-I -S -B``), since a wedged driver hangs NVML for good: whoever
started it takes the lines that came before the deadline and leaves.

    nvml_child.py <folder that holds pynvml> [<libnvidia-ml.so.1 outside the loader's path>]

Lines: ``{"error": step, "code": n, "text": ...}``, ``{"driver": "550.54.14"}``, ``{"cuda": 12040}``, ``{"count": 1}``,
``{"device": 0, "name": ..., "capability": [8, 0], "mig": true}``, with ``"pci": "10de:20b0"`` where there is no
capability, and ``{"done": true}`` at the end.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # this script's start is waited for, and typing is not free
    from typing import Any, Callable

#: More GPUs than any machine has; a driver gone mad may report any number.
_MOST_DEVICES = 64


def _text(value: Any) -> str:
    """Releases of pynvml before 11.5 return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _Report:
    """Prints lines, and turns what NVML raises into lines."""

    def __init__(self) -> None:
        # The driver's libraries may print: the report gets a descriptor of its own, and theirs goes nowhere.
        self._stream = os.fdopen(os.dup(1), "w", encoding="ascii")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def say(self, **items: Any) -> None:
        self._stream.write(json.dumps(items) + "\n")
        self._stream.flush()

    def attempt(self, step: str, call: Callable[[], Any]) -> Any:
        """What ``call`` returns, or None and a line that says which step failed."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001  # whatever another's module raises is a fact to report
            kind = "" if type(error).__name__.startswith("NVMLError") else type(error).__name__ + ": "
            self.say(error=step, code=getattr(error, "value", None), text=kind + str(error))
        return None


def _load(folder: str, library: str | None) -> Any:
    sys.path.append(folder)  # at the end: nothing beside pynvml may shadow the standard library
    if library:
        import ctypes  # noqa: PLC0415

        # Loaded first under its own name, so that pynvml's plain "libnvidia-ml.so.1" finds it.
        ctypes.CDLL(library)
    import pynvml  # type: ignore[import-untyped]  # noqa: PLC0415

    return pynvml


def _cuda(pynvml: Any) -> int:
    """The second version of the call asks the library that is there; older drivers know the first only."""
    try:
        return int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
    except Exception:  # noqa: BLE001
        return int(pynvml.nvmlSystemGetCudaDriverVersion())


def _mig(pynvml: Any, handle: Any) -> bool:
    try:
        return bool(pynvml.nvmlDeviceGetMigMode(handle)[0] == 1)
    except Exception:  # noqa: BLE001  # most GPUs and older drivers know nothing of it
        return False


def _device(pynvml: Any, index: int, report: _Report) -> dict[str, Any] | None:
    handle = report.attempt(f"device {index}", lambda: pynvml.nvmlDeviceGetHandleByIndex(index))
    if handle is None:
        return None
    items: dict[str, Any] = {"device": index}
    name = report.attempt(f"name of device {index}", lambda: _text(pynvml.nvmlDeviceGetName(handle)))
    if name is not None:
        items["name"] = name
    capability = report.attempt(
        f"compute capability of device {index}", lambda: list(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
    )
    if capability is not None:
        items["capability"] = capability
    else:
        # The device's id stands in the upper half, the vendor's in the lower.
        number = report.attempt(f"PCI id of device {index}", lambda: pynvml.nvmlDeviceGetPciInfo(handle).pciDeviceId)
        if number is not None:
            items["pci"] = f"{number & 0xFFFF:04x}:{number >> 16 & 0xFFFF:04x}"
    items["mig"] = _mig(pynvml, handle)
    return items


def main(arguments: list[str]) -> None:
    """Print the report. There is no exit code to look at, since the lines say what went wrong."""
    report = _Report()
    pynvml = report.attempt("import", lambda: _load(arguments[0], arguments[1] if len(arguments) > 1 else None))
    if pynvml is not None and report.attempt("nvmlInit", lambda: pynvml.nvmlInit() or True):
        driver = report.attempt("nvmlSystemGetDriverVersion", lambda: _text(pynvml.nvmlSystemGetDriverVersion()))
        report.say(driver=driver)
        report.say(cuda=report.attempt("nvmlSystemGetCudaDriverVersion", lambda: _cuda(pynvml)))
        count = report.attempt("nvmlDeviceGetCount", lambda: int(pynvml.nvmlDeviceGetCount()))
        report.say(count=count)
        for index in range(min(count or 0, _MOST_DEVICES)):
            items = _device(pynvml, index, report)
            if items is not None:
                report.say(**items)
    report.say(done=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    finally:
        # Without the driver library's own farewell, which can hang too.
        os._exit(0)
