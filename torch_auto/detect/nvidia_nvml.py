"""NVML, the authority on NVIDIA GPUs, asked through pynvml in an interpreter of its own with a deadline."""

from __future__ import annotations

import json
import os
from importlib.machinery import PathFinder

from torch_auto.detect.process import Output, run
from torch_auto.detect.sources import Sources
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

#: nvmlReturn_t of nvml.h: the codes that mean something of their own here.
LIBRARY_NOT_FOUND = 12
LIB_RM_VERSION_MISMATCH = 18

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nvml_child.py")


class NvmlDevice(Frozen):
    """A GPU as NVML lists it. ``pci_id`` is asked for only where the compute capability could not be told."""

    name: str = ""
    compute_capability: tuple[int, int] | None = None
    pci_id: str | None = None
    mig: bool = False


class NvmlReport(Frozen):
    """What NVML said before it ended, or hung.

    ``asked`` is False where there was no way to ask; ``hung`` is True where it did not end within the deadline.
    ``gpus`` is how many GPUs NVML says there are, those it failed on among them. ``errors`` are (step, NVML's code
    or None, text).
    """

    asked: bool = True
    hung: bool = False
    driver_version: str | None = None
    cuda_driver_version: tuple[int, int] | None = None
    gpus: int | None = None
    devices: tuple[NvmlDevice, ...] = ()
    errors: tuple[tuple[str, int | None, str], ...] = ()

    @property
    def answered(self) -> bool:
        """Whether NVML could be asked at all. Where it could, nvidia-smi, which asks it too, knows no better."""
        return self.hung or self.code("nvmlInit") not in (None, LIBRARY_NOT_FOUND)

    def code(self, step: str) -> int | None:
        """NVML's code for a step that failed; None where it did not, or failed without one."""
        return next((code for name, code, _ in self.errors if name == step), None)


def find_pynvml(module_path: Sequence[str] | None) -> str | None:
    """The folder (or zip) that holds pynvml, without importing it; None where it cannot be imported."""
    try:
        spec = PathFinder.find_spec("pynvml", None if module_path is None else list(module_path))
    except (ImportError, OSError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    folder = os.path.dirname(os.path.abspath(spec.origin))
    # The deprecated distribution pynvml 11 is a package, nvidia-ml-py is a module.
    return os.path.dirname(folder) if spec.submodule_search_locations else folder


def ask(sources: Sources, library: str | None = None) -> NvmlReport:
    """What NVML says. ``library`` is the path of a libnvidia-ml.so.1 that the loader would not find by itself."""
    folder = find_pynvml(sources.module_path)
    if folder is None:
        return _not_asked("pynvml is not installed beside this Python (it comes with nvidia-ml-py)")
    if not sources.interpreter:
        return _not_asked("there is no interpreter to ask it in")
    command = [sources.interpreter, "-I", "-S", "-B", _CHILD, folder]
    try:
        output = run(command + ([library] if library else []), sources.env, sources.deadline)
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
    """The report in the lines that the child printed; what is not of their form is passed over."""
    facts: dict[str, Any] = {}
    devices: list[NvmlDevice] = []
    errors: list[tuple[str, int | None, str]] = []
    for items in _objects(output.text):
        if "error" in items:
            errors.append((str(items["error"]), _number(items.get("code")), str(items.get("text"))))
        elif "device" in items:
            devices.append(_device(items))
        else:
            facts.update(items)
    driver = facts.get("driver")
    done = facts.get("done") is True
    if not done and output.exit_code is not None:
        errors.append(("end", None, f"the process that asked ended with exit code {output.exit_code}"))
    return NvmlReport(
        hung=not done and output.exit_code is None,
        driver_version=driver if isinstance(driver, str) else None,
        cuda_driver_version=_cuda(facts.get("cuda")),
        gpus=_number(facts.get("count")),
        devices=tuple(devices),
        errors=tuple(errors),
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cuda(value: object) -> tuple[int, int] | None:
    """12040 as (12, 4): nvml.h's NVML_CUDA_DRIVER_VERSION_MAJOR and _MINOR."""
    number = _number(value)
    if number is None or not 1000 <= number < 10_000_000:  # noqa: PLR2004  # (1, 0) to (9999, 99)
        return None
    return number // 1000, number % 1000 // 10


def _device(items: dict[str, Any]) -> NvmlDevice:
    capability = items.get("capability")
    pair: tuple[int, int] | None = None
    if isinstance(capability, list) and len(capability) == 2:  # noqa: PLR2004
        major, minor = (_number(part) for part in capability)
        if major is not None and minor is not None and 0 < major < 1000 and 0 <= minor < 1000:  # noqa: PLR2004
            pair = major, minor
    name, pci_id = items.get("name"), items.get("pci")
    return NvmlDevice(
        name=name if isinstance(name, str) else "",
        compute_capability=pair,
        pci_id=pci_id if isinstance(pci_id, str) else None,
        mig=items.get("mig") is True,
    )
