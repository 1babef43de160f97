"""NVML, the authority on NVIDIA GPUs, asked through pynvml in an interpreter of its own with a deadline."""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder

from torch_auto.detect.nvidia_files import is_driver_version
from torch_auto.detect.process import Output, run
from torch_auto.detect.sources import Sources
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Callable

#: nvmlReturn_t of nvml.h: the codes that mean something of their own here.
LIBRARY_NOT_FOUND = 12
LIB_RM_VERSION_MISMATCH = 18

#: Where this package is installed, and pynvml beside it.
_BESIDE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class NvmlDevice(Frozen):
    """A GPU as NVML lists it. ``pci_id`` is asked for only where the compute capability could not be told."""

    name: str = ""
    compute_capability: tuple[int, int] | None = None
    pci_id: str | None = None
    mig: bool = False


class NvmlReport(Frozen):
    """What NVML said before it ended, or hung.

    ``asked`` is False where there was no way to ask; ``began`` says that nvmlInit succeeded, and ``hung`` that NVML did
    not end within the deadline.
    ``gpus`` is how many GPUs NVML says there are, those it failed on among them. ``errors`` are (step, NVML's code
    or None, text); what a step said that is not a value of its kind is among them.
    """

    asked: bool = True
    hung: bool = False
    began: bool = False
    driver_version: str | None = None
    cuda_driver_version: tuple[int, int] | None = None
    gpus: int | None = None
    devices: tuple[NvmlDevice, ...] = ()
    errors: tuple[tuple[str, int | None, str], ...] = ()

    @property
    def answered(self) -> bool:
        """Whether NVML could be asked at all. Where it could, nvidia-smi, which asks it too, knows no better."""
        return self.hung or self.began or self.code("nvmlInit") not in (None, LIBRARY_NOT_FOUND)

    def code(self, step: str) -> int | None:
        """NVML's code for a step that failed; None where it did not, or failed without one."""
        return next((code for name, code, _ in self.errors if name == step), None)


def find_pynvml(module_path: Sequence[str] | None) -> str | None:
    """The folder (or zip) that holds pynvml, without importing it; None where it cannot be imported."""
    try:
        spec = PathFinder.find_spec("pynvml", _module_path() if module_path is None else list(module_path))
    except (ImportError, OSError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    folder = os.path.dirname(os.path.abspath(spec.origin))
    # The deprecated distribution pynvml 11 is a package, nvidia-ml-py is a module.
    return os.path.dirname(folder) if spec.submodule_search_locations else folder


def _module_path() -> list[str]:
    """sys.path without the current folder, which ``python -m`` and ``python -c`` put first, whoever's it is."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it is gone
        here = ""
    return [_BESIDE, *(path for path in sys.path if os.path.isabs(path) and os.path.realpath(path) != here)]


def ask(sources: Sources, libraries: Sequence[str] = ()) -> NvmlReport:
    """What NVML says. ``libraries`` are the paths of libnvidia-ml.so.1 to try; Windows needs none."""
    folder = find_pynvml(sources.module_path)
    if folder is None:
        return _not_asked("pynvml is not installed beside this Python (it comes with nvidia-ml-py)")
    if not sources.interpreter:
        return _not_asked("there is no interpreter to ask it in")
    words = ["nvml", str(sources.deadline), folder, *libraries]
    try:
        output = run(sources.interpreter, words, sources.env, sources.deadline)
    except (OSError, ValueError) as error:
        return _not_asked(f"{sources.interpreter} could not be started: {error}")
    return parse(output)


def _not_asked(why: str) -> NvmlReport:
    return NvmlReport(asked=False, errors=(("start", None, why),))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            items = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the last line of a child that was killed while it wrote
        if isinstance(items, dict):
            yield items


def parse(output: Output) -> NvmlReport:
    """The report in the lines that the child printed. Each fact counts for itself; nonsense is an error."""
    facts: dict[str, Any] = {}
    devices: list[NvmlDevice] = []
    errors: list[tuple[str, int | None, str]] = []
    for items in _objects(output.text):
        if "error" in items:
            errors.append((str(items["error"]), _number(items.get("code")), str(items.get("text"))))
        elif "device" in items:
            devices.append(_device(items, len(devices), errors))
        else:
            facts.update(items)
    done = facts.get("done") is True
    if not done and output.exit_code is not None:
        errors.append(("end", None, f"the process that asked ended with exit code {output.exit_code}"))

    def fact(key: str, read: Callable[[object], Any], step: str, what: str) -> Any:
        said = facts.get(key)
        value = None if said is None else read(said)
        if value is None and said is not None:
            errors.append((step, None, f"{_shown(said)} is not {what}"))
        return value

    return NvmlReport(
        hung=not done and output.exit_code is None,
        began="driver" in facts,
        driver_version=fact("driver", _driver, "nvmlSystemGetDriverVersion", "a driver version"),
        cuda_driver_version=fact("cuda", _cuda, "nvmlSystemGetCudaDriverVersion", "a CUDA version"),
        gpus=fact("count", _count, "nvmlDeviceGetCount", "a number of GPUs"),
        devices=tuple(devices),
        errors=tuple(errors),
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None


def _driver(value: object) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text if is_driver_version(text) else None


def _cuda(value: object) -> tuple[int, int] | None:
    """12040 as (12, 4): nvml.h's NVML_CUDA_DRIVER_VERSION_MAJOR and _MINOR."""
    number = _number(value)
    if number is None or not 1000 <= number < 100_000:  # noqa: PLR2004  # (1, 0) to (99, 99)
        return None
    return number // 1000, number % 1000 // 10


def _device(items: dict[str, Any], index: int, errors: list[tuple[str, int | None, str]]) -> NvmlDevice:
    capability = items.get("capability")
    pair: tuple[int, int] | None = None
    if isinstance(capability, list) and len(capability) == 2:  # noqa: PLR2004
        major, minor = (_number(part) for part in capability)
        if major is not None and minor is not None and 0 < major < 100 and 0 <= minor < 100:  # noqa: PLR2004
            pair = major, minor
    if pair is None and capability is not None:
        step = f"compute capability of device {index}"
        errors.append((step, None, f"{_shown(capability)} is not a compute capability"))
    name, pci_id = items.get("name"), items.get("pci")
    return NvmlDevice(
        name=name if isinstance(name, str) else "",
        compute_capability=pair,
        pci_id=pci_id if isinstance(pci_id, str) else None,
        mig=items.get("mig") is True,
    )
