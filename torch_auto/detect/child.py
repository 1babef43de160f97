"""What detection starts, run by its path in an interpreter of its own (``-I -S -B``). It ends with whoever started it.

    child.py nvml SECONDS FOLDER [LIBRARY ...]     ask NVML through the pynvml in a folder
    child.py run PROGRAM [ARGUMENT ...]            run a program, and say what it says

A wedged driver hangs NVML for good: whoever started it takes the lines that came before the deadline and leaves. The
first of the libraries that loads is asked. Without any, pynvml looks in Windows' own folders.

Of NVML it prints a JSON object a line, as soon as it is known: ``{"error": step, "code": n, "text": ...}``,
``{"driver": "550.54.14"}``, ``{"cuda": 12040}``, ``{"count": 1}``, ``{"device": 0, "name": ..., "capability": [8, 0],
"mig": true}``, with ``"pci": "10de:20b0"`` where there is no capability of use, and ``{"done": true}`` at the end.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # this script's start is waited for, and typing is not free
    import subprocess
    from typing import Any, Callable

#: More GPUs than any machine has; a driver gone mad may report any number.
_MOST_DEVICES = 64
#: nvml.h: NVML_ERROR_LIBRARY_NOT_FOUND.
_LIBRARY_NOT_FOUND = 12
#: Seconds past the deadline after which the system itself ends whoever asks NVML.
_GRACE = 2

_programs: list[subprocess.Popen[bytes]] = []


def _end_with_parent() -> None:
    """Wait for the end of standard input, whose other end the parent alone holds; then end all that is here.

    It is the one way that works on every system, however the parent ended, and when it ended before this began.
    """
    try:
        while os.read(0, 1):
            pass
    except OSError:
        pass
    for program in _programs:
        program.kill()
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # with it goes what the program, or the driver's library, has started
    os._exit(1)


def _text(value: Any) -> str:
    """Releases of pynvml before 11.5 return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _Report:
    """Prints lines, and turns what NVML raises into lines."""

    def __init__(self) -> None:
        from json import dumps  # noqa: PLC0415  # a program that is run needs none of it

        self._dumps = dumps
        # The driver's libraries may print: the report gets a descriptor of its own, and theirs goes nowhere.
        self._stream = os.fdopen(os.dup(1), "w", encoding="ascii")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def say(self, **items: Any) -> None:
        self._stream.write(self._dumps(items) + "\n")
        self._stream.flush()

    def attempt(self, step: str, call: Callable[[], Any]) -> Any:
        """What ``call`` returns, or None and a line that says which step failed."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001  # whatever another's module raises is a fact to report
            kind = "" if type(error).__name__.startswith("NVMLError") else type(error).__name__ + ": "
            self.say(error=step, code=getattr(error, "value", None), text=kind + str(error))
        return None


def _import(folder: str) -> Any:
    sys.path.append(folder)  # at the end: nothing beside pynvml may shadow the standard library
    import pynvml  # type: ignore[import-untyped]  # noqa: PLC0415

    return pynvml


def _load(pynvml: Any, libraries: list[str], report: _Report) -> bool:
    """Whether pynvml has a library to ask: the first that loads, by its path.

    By its name alone, the loader would look in LD_LIBRARY_PATH, and take a library of an empty part of it, which is the
    current folder. One of another architecture does not load, and the loader passes it over too.
    """
    if not libraries:
        return True
    import ctypes  # noqa: PLC0415

    why = ""
    for path in libraries:
        try:
            pynvml.nvmlLib = ctypes.CDLL(path)
        except OSError as error:
            why = why or str(error)
        else:
            return True
    report.say(error="nvmlInit", code=_LIBRARY_NOT_FOUND, text=why)
    return False


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
    if capability is None or not (0 < capability[0] < 100 and 0 <= capability[1] < 100):  # noqa: PLR2004
        # The device's id stands in the upper half, the vendor's in the lower.
        number = report.attempt(f"PCI id of device {index}", lambda: pynvml.nvmlDeviceGetPciInfo(handle).pciDeviceId)
        if number is not None:
            items["pci"] = f"{number & 0xFFFF:04x}:{number >> 16 & 0xFFFF:04x}"
    items["mig"] = _mig(pynvml, handle)
    return items


def ask_nvml(seconds: float, folder: str, libraries: list[str]) -> None:
    """Print the report. There is no exit code to look at, since the lines say what went wrong."""
    if os.name == "posix":
        # The last net, for a library that keeps Python's lock so that nothing else here runs.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds) + _GRACE)
    report = _Report()
    pynvml = report.attempt("import", lambda: _import(folder))
    if (
        pynvml is not None
        and _load(pynvml, libraries, report)
        and report.attempt("nvmlInit", lambda: pynvml.nvmlInit() or True)
    ):
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


def run(command: list[str]) -> int:
    """Run a program, which says what it says on this standard output; returns its exit code."""
    import subprocess  # noqa: PLC0415  # NVML needs none of it

    try:
        program = subprocess.Popen(  # noqa: S603  # an absolute path, and no shell
            command, stdin=subprocess.DEVNULL, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
        )
    except (OSError, ValueError) as error:
        os.write(1, f"{getattr(error, 'strerror', None) or error}".encode())
        return 126  # as a shell says that something cannot be run
    _programs.append(program)
    return program.wait() & 0xFF


if __name__ == "__main__":
    _code = 0
    try:
        _thread.start_new_thread(_end_with_parent, ())
        if sys.argv[1] == "run":
            _code = run(sys.argv[2:])
        else:
            ask_nvml(float(sys.argv[2]), sys.argv[3], sys.argv[4:])
    finally:
        # Without the driver library's own farewell, which can hang too.
        os._exit(_code)
