"""nvidia-smi, where NVML could not be asked: an absolute path, a deadline, and nothing believed of its words."""

from __future__ import annotations

import os
import re
import time

from torch_auto.detect.log import Log
from torch_auto.detect.nvidia_files import is_driver_version
from torch_auto.detect.process import Output, run
from torch_auto.detect.sources import Sources
from torch_auto.frozen import Frozen

_QUERY = ("--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader")
#: Drivers before R470 or so do not know compute_cap, and refuse the whole query. PCI ids tell it of those GPUs.
_OLD_QUERY = ("--query-gpu=name,driver_version,pci.device_id", "--format=csv,noheader")

_CAPABILITY = re.compile(r"([1-9]\d?)\.(\d{1,2})", re.ASCII)
#: "| NVIDIA-SMI 550.54.14  Driver Version: 550.54.14  CUDA Version: 12.4  |"; from 610 on "KMD" and "CUDA UMD Version".
_HEADER_CUDA = re.compile(r"CUDA (?:UMD )?Version: ?([1-9]\d?)\.(\d{1,2})", re.ASCII)
#: "CUDA Version: N/A" is what it says where there is no libcuda.
_NO_CUDA = re.compile(r"CUDA (?:UMD )?Version: ?N/A", re.ASCII)
#: The device in the upper half, the vendor in the lower: "0x102D10DE".
_PCI_ID = re.compile(r"0x([0-9A-F]{4})([0-9A-F]{4})", re.ASCII | re.IGNORECASE)
_HEADER_DRIVER = re.compile(r"(?:Driver|KMD) Version: ?(\d{1,6}(?:\.\d{1,6}){1,3})", re.ASCII)
_MOST_DEVICES = 64


class SmiReport(Frozen):
    """What nvidia-smi said: a (name, compute capability or None, PCI id or None) for every GPU.

    ``lacks_cuda`` says that it found no libcuda.
    """

    driver_version: str | None = None
    cuda_driver_version: tuple[int, int] | None = None
    devices: tuple[tuple[str, tuple[int, int] | None, str | None], ...] = ()
    lacks_cuda: bool = False


def ask(sources: Sources, log: Log) -> SmiReport | None:
    """The report of the first nvidia-smi that says something; None where there is none, or none says anything.

    The deadline is for all that is asked: what hung once would hang again.
    """
    until = time.monotonic() + sources.deadline
    for path in sources.nvidia_smi:
        report = _query(path, sources, until, log)
        if report is not None or time.monotonic() >= until:
            return report
    return None


def _run(path: str, arguments: tuple[str, ...], sources: Sources, until: float, log: Log) -> Output | None:
    """What it says when called so; None where it cannot be started, or did not end in time."""
    if not os.path.exists(path):
        log.absent(path)
        return None
    if not sources.interpreter:
        log.unreadable(path, "there is no interpreter to start it from")
        return None
    try:
        output = run(sources.interpreter, ("run", path, *arguments), sources.env, max(0.0, until - time.monotonic()))
    except (OSError, ValueError) as error:
        log.unreadable(path, str(error))
        return None
    if output.exit_code is None:
        log.unreadable(path, f"no answer within {sources.deadline:g} s")
        return None
    return output


def _query(path: str, sources: Sources, until: float, log: Log) -> SmiReport | None:
    report = SmiReport()
    for arguments in (_QUERY, _OLD_QUERY):
        output = _run(path, arguments, sources, until, log)
        if output is None:
            return None
        if output.exit_code == 0:
            report = parse_query(output.text, log, path)
            break
        log.unreadable(path, f"exit code {output.exit_code} for {arguments[0]}: {output.text}")
    if report.driver_version is not None:
        log.found(path, f"driver {report.driver_version}, {len(report.devices)} GPU(s)")
    # The table of NVIDIA's pairs is exact for the drivers that it knows: the banner is for the others only.
    banner = _run(path, (), sources, until, log)
    if banner is not None and banner.exit_code == 0:
        driver, cuda = parse_banner(banner.text)
        if cuda is not None:
            log.found(path, f"CUDA driver version {cuda[0]}.{cuda[1]}")
        lacks = driver is not None and lacks_cuda(banner.text)  # where it says N/A of everything, that is no fact
        return SmiReport(report.driver_version or driver, cuda, report.devices, lacks)
    return report if report.driver_version is not None or report.devices else None


def parse_query(text: str, log: Log | None = None, path: str = "nvidia-smi") -> SmiReport:
    """A report of lines such as ``NVIDIA A100-SXM4-40GB, 550.54.14, 8.0``; other lines are passed over.

    The last column is the compute capability or, of an older nvidia-smi, the PCI id: ``Tesla K80, 440.33.01,
    0x102D10DE``. A name may hold a comma. A line that tells one of the two tells a GPU; what it says else is taken for
    itself, and goes into ``log`` where it is nonsense.
    """
    driver: str | None = None
    devices: list[tuple[str, tuple[int, int] | None, str | None]] = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.rsplit(",", 2)]
        if len(parts) != 3 or len(devices) >= _MOST_DEVICES:  # noqa: PLR2004
            continue
        name, version, last = parts
        found, pci = _CAPABILITY.fullmatch(last), _PCI_ID.fullmatch(last)
        if is_driver_version(version):
            driver = driver or version
            if not (found or pci) and log is not None:
                log.unreadable(path, f"{last!r} of {name!r} is neither a compute capability nor a PCI id")
        elif not (found or pci):
            continue
        elif log is not None:
            log.unreadable(path, f"{version!r} is not a driver version")
        devices.append(
            (
                name,
                (int(found.group(1)), int(found.group(2))) if found else None,
                f"{pci.group(2)}:{pci.group(1)}".lower() if pci else None,
            )
        )
    return SmiReport(driver, None, tuple(devices))


def lacks_cuda(banner: str) -> bool:
    """Whether plain ``nvidia-smi`` says that there is no libcuda: "CUDA Version: N/A"."""
    return _NO_CUDA.search(banner) is not None


def parse_banner(text: str) -> tuple[str | None, tuple[int, int] | None]:
    """The driver version and the CUDA driver version in the banner that plain ``nvidia-smi`` prints."""
    driver, cuda = _HEADER_DRIVER.search(text), _HEADER_CUDA.search(text)
    return (
        driver.group(1) if driver else None,
        (int(cuda.group(1)), int(cuda.group(2))) if cuda else None,
    )
