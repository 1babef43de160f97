"""A fake libnvidia-ml.so.1, compiled from nvml.c, that real pynvml loads. The environment says what it reports.

The loader finds it through LD_LIBRARY_PATH, before a real one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.cache import CACHE, made_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE = Path(__file__).with_name("nvml.c")
LIBRARY = "libnvidia-ml.so.1"

#: What nvmlReturn_t means (NVML API reference): the codes that tests use.
ERROR_NOT_SUPPORTED = 3
ERROR_NO_PERMISSION = 4
ERROR_INSUFFICIENT_SIZE = 7
ERROR_DRIVER_NOT_LOADED = 9
ERROR_TIMEOUT = 10
ERROR_GPU_IS_LOST = 15
ERROR_LIB_RM_VERSION_MISMATCH = 18
ERROR_UNKNOWN = 999


def why_not() -> str | None:
    """Why the library cannot be built here, or None where it can."""
    if not sys.platform.startswith("linux"):
        return "the fake NVML is a Linux library"
    if shutil.which("cc") is None:
        return "the fake NVML needs a C compiler, and PATH has no cc"
    return None


def build(root: Path = CACHE) -> Path:
    """The folder that holds the library; compiled once for each text of nvml.c.

    Raises:
        RuntimeError: it does not compile; what cc said is in it.
    """
    return made_once("fake-nvml", hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16], _compile, root)


def _compile(folder: Path) -> None:
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
    command += [f"-Wl,-soname,{LIBRARY}", "-o", str(folder / LIBRARY), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")


def env(
    driver: str = "550.54.14",
    cuda: str = "12.4",
    devices: Sequence[tuple[str, str] | tuple[str, str, int] | tuple[str, str, int, str]] = (
        ("NVIDIA A100-SXM4-80GB", "8.0"),
    ),
    errors: Mapping[str, int] | None = None,
    hang: str | None = None,
) -> dict[str, str]:
    """The variables under which a program finds the library and it reports this.

    ``cuda`` is the CUDA driver version, ``devices`` are (name, compute capability), or with the number of MIG
    devices as a third where MIG mode is on, and the PCI id ("102d") as a fourth. ``errors`` maps a function to the
    nvmlReturn_t that it returns (``nvmlDeviceGetHandleByIndex_v2@1`` for the second device alone), ``hang`` names a
    function that does not return.
    """
    major, minor = cuda.split(".")
    path = os.pathsep.join(filter(None, [str(build()), os.environ.get("LD_LIBRARY_PATH", "")]))
    variables = {
        "LD_LIBRARY_PATH": path,
        "FAKE_NVML_DRIVER": driver,
        "FAKE_NVML_CUDA": str(int(major) * 1000 + int(minor) * 10),
        "FAKE_NVML_DEVICES": ";".join("|".join(str(part) for part in device) for device in devices),
        "FAKE_NVML_ERROR": ";".join(f"{function}={code}" for function, code in (errors or {}).items()),
    }
    if hang is not None:
        variables["FAKE_NVML_HANG"] = hang
    return variables
