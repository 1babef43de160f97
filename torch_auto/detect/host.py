"""What the running Python and its system are: raw facts, and what they mean for the wheels it can use."""

from __future__ import annotations

import os
import sys

from torch_auto.detect.log import Log
from torch_auto.frozen import Frozen


class Host(Frozen):
    """What the standard library says of this process, not yet interpreted.

    ``machine`` is that of ``os.uname()``, on Windows the last part of ``sysconfig.get_platform()`` ("amd64",
    "arm64", "win32"): it names what the *Python* was built for there. ``kernel`` is ``os.uname().version``.
    ``android``: it was built for Android, where ``sys.platform`` is "linux" before Python 3.13 (Termux).
    """

    sys_platform: str
    machine: str
    pointer_bits: int
    python: str
    libc: str | None = None
    kernel: str = ""
    implementation: str = "cpython"
    android: bool = False


def this_host() -> Host:
    """The facts of the running process."""
    if sys.platform == "win32":
        import sysconfig  # noqa: PLC0415  # costs time that only Windows has to spend

        machine, kernel = sysconfig.get_platform().rpartition("-")[2], ""
    else:
        uname = os.uname()
        machine, kernel = uname.machine, uname.version
    return Host(
        sys_platform=sys.platform,
        machine=machine,
        pointer_bits=64 if sys.maxsize > 2**32 else 32,
        python=_python(),
        libc=_libc() if sys.platform == "linux" else None,
        kernel=kernel,
        implementation=sys.implementation.name,
        android=hasattr(sys, "getandroidapilevel"),
    )


def _python() -> str:
    """Gives "3.13", or "3.13t" for a free-threaded build: the flag is in abiflags, which Windows does not have."""
    flags = getattr(sys, "abiflags", None)
    if flags is None:
        import sysconfig  # noqa: PLC0415

        free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    else:
        free_threaded = "t" in flags
    return f"{sys.version_info[0]}.{sys.version_info[1]}" + ("t" if free_threaded else "")


def _libc() -> str | None:
    """Gives "glibc 2.36" or "musl 1.2"; None where neither is known.

    glibc tells its own version, in microseconds; packaging asks it the same way. musl does not know the name, and
    packaging's tags know which musl there is.
    """
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        name = version = ""
    if name == "glibc":
        return libc_of("glibc", version)
    try:
        from packaging.tags import platform_tags  # noqa: PLC0415  # 20 ms and more that glibc does not need
    except ImportError:
        return None
    return libc_of_tags(platform_tags())


def libc_of(family: str, version: str) -> str | None:
    """Gives "glibc 2.36" of ("glibc", "2.36.9000"); None where the version is none."""
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts[:2]):  # noqa: PLR2004
        return None
    return f"{family} {int(parts[0])}.{int(parts[1])}"


def libc_of_tags(tags: object) -> str | None:
    """The libc that the best of a Linux's wheel tags names: "musl 1.2" of ["musllinux_1_2_x86_64", ...]."""
    if not hasattr(tags, "__iter__"):
        return None
    for tag in tags:
        parts = str(tag).split("_")
        for prefix, family in (("manylinux", "glibc"), ("musllinux", "musl")):
            if parts[0] == prefix and len(parts) > 3:  # noqa: PLR2004
                return libc_of(family, f"{parts[1]}.{parts[2]}")
    return None


def system_of(host: Host) -> str:
    """Gives "linux", "windows", "macos", or sys.platform of any other system."""
    if host.android:
        return "android"
    return {"win32": "windows", "darwin": "macos"}.get(host.sys_platform, host.sys_platform)


#: What a 64-bit kernel's machine is to a 32-bit Python on it, and what Windows calls its 32-bit Python.
_NARROW = {
    "linux": {"x86_64": "i686", "amd64": "i686", "aarch64": "armv7l", "arm64": "armv7l"},
    "windows": {"win32": "x86"},
}
_WIDE = {
    "linux": {"amd64": "x86_64", "arm64": "aarch64"},
    "windows": {"amd64": "x86_64"},
}


def architecture_of(host: Host) -> str:
    """The architecture of the wheels that the running Python takes, as :data:`torch_auto.machine.PLATFORMS` has it."""
    machine = host.machine.lower() or "unknown"
    names = _WIDE if host.pointer_bits == 64 else _NARROW  # noqa: PLR2004
    return names.get(system_of(host), {}).get(machine, machine)


def note_host(host: Host, log: Log) -> None:
    """Note what a person may not expect of the Python that is asked."""
    bits = f", {host.pointer_bits}-bit" if host.pointer_bits != 64 else ""  # noqa: PLR2004
    libc = f", {host.libc}" if host.libc else ""
    log.found("python", f"{host.implementation} {host.python}{bits} on {host.machine}{libc}")
    if host.implementation != "cpython":
        log.unreadable("python", f"torch has no wheels for {host.implementation}")
