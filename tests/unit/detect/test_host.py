"""The running Python and its system are named as the wheels that it takes are."""

from __future__ import annotations

import subprocess
import sys

import pytest
from packaging import tags

from torch_auto.detect.host import Host, architecture_of, libc_of, libc_of_tags, system_of, this_host
from torch_auto.machine import PLATFORMS, Machine


def _host(sys_platform: str, machine: str, bits: int = 64) -> Host:
    return Host(sys_platform, machine, bits, "3.12")


@pytest.mark.parametrize(
    ("host", "platform"),
    [
        (_host("linux", "x86_64"), "linux_x86_64"),
        (_host("linux", "amd64"), "linux_x86_64"),
        (_host("linux", "aarch64"), "linux_aarch64"),
        (_host("linux", "arm64"), "linux_aarch64"),
        (_host("win32", "amd64"), "win_amd64"),
        (_host("win32", "arm64"), "win_arm64"),
        (_host("darwin", "arm64"), "macos_arm64"),
        (_host("darwin", "x86_64"), "macos_x86_64"),
        (_host("linux", "x86_64", 32), None),
        (_host("linux", "aarch64", 32), None),
        (_host("win32", "win32", 32), None),
        (_host("win32", "amd64", 32), None),
        (_host("linux", "riscv64"), None),
        (_host("cygwin", "x86_64"), None),
        (_host("linux", ""), None),
        (_host("linux", "aarch64").replace(android=True), None),
        (_host("android", "aarch64"), None),
    ],
    ids=lambda value: f"{value.sys_platform}-{value.machine}-{value.pointer_bits}" if isinstance(value, Host) else None,
)
def test_a_python_has_the_platform_of_its_wheels(host: Host, platform: str | None) -> None:
    """Names of every system are those of the catalog, and a 32-bit Python has none of its platforms."""
    assert PLATFORMS.get((system_of(host), architecture_of(host))) == platform


@pytest.mark.parametrize(
    ("host", "architecture"),
    [
        (_host("linux", "x86_64", 32), "i686"),
        (_host("linux", "aarch64", 32), "armv7l"),
        (_host("linux", "amd64", 32), "i686"),
        (_host("linux", "arm64", 32), "armv7l"),
        (_host("win32", "win32", 32), "x86"),
        (_host("linux", "s390x"), "s390x"),
    ],
)
def test_a_python_without_wheels_has_an_architecture_of_its_own(host: Host, architecture: str) -> None:
    """What has no torch is named as what it is, so that a reason can say it."""
    assert architecture_of(host) == architecture


def test_the_running_python_is_what_its_standard_library_says() -> None:
    """The facts of this process are those of sys, and make a machine that can be described."""
    host = this_host()
    assert host.python.rstrip("t") == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert host.python.endswith("t") == ("t" in getattr(sys, "abiflags", ""))
    assert Machine(system_of(host), architecture_of(host), host.python, host.libc).system in sys.platform


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has more than one libc")
def test_the_libc_is_the_one_that_packaging_has_tags_for() -> None:
    """Our quick way comes to what packaging's own tags say of this machine."""
    assert this_host().libc == libc_of_tags(tags.platform_tags())
    assert this_host().libc is not None


def test_a_musl_is_read_from_packagings_tags() -> None:
    """Where glibc does not tell itself, the best tag names the libc; legacy names do not hide it."""
    assert libc_of_tags(["musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "linux_x86_64"]) == "musl 1.2"
    assert libc_of_tags(["manylinux2014_x86_64", "manylinux_2_17_x86_64"]) == "glibc 2.17"
    assert libc_of_tags(["linux_x86_64"]) is None
    assert libc_of_tags([]) is None


@pytest.mark.parametrize(
    ("version", "libc"),
    [
        ("2.36", "glibc 2.36"),
        ("2.28.9000", "glibc 2.28"),
        ("2.05", "glibc 2.5"),
        ("2", None),
        ("", None),
        ("2.x", None),
        ("99999.1", None),
        ("9999.9999", "glibc 9999.9999"),
        ("²٣.1", None),
    ],
)
def test_a_version_of_a_libc_is_two_numbers_or_nothing(version: str, libc: str | None) -> None:
    """What is no version of a libc is not taken for one."""
    assert libc_of("glibc", version) == libc


def test_the_libc_costs_no_import_where_glibc_tells_itself() -> None:
    """On glibc nothing of packaging is imported, nor sysconfig: a build would compile them each time."""
    code = (
        "import sys; from torch_auto.detect.host import this_host; "
        "sys.exit(this_host().libc.startswith('glibc') and not {'packaging', 'sysconfig'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


def test_a_python_that_was_built_for_android_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """sys.getandroidapilevel is there on Android alone (docs.python.org, sys), whatever sys.platform says."""
    assert not this_host().android
    monkeypatch.setattr(sys, "getandroidapilevel", lambda: 24, raising=False)
    assert system_of(this_host()) == "android"


def test_windows_python_is_what_its_build_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows names the architecture in sysconfig, and has no libc of these and no abiflags."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("sysconfig.get_platform", lambda: "win-arm64")
    monkeypatch.delattr(sys, "abiflags", raising=False)
    for flag, ending in ((1, "t"), (0, "")):
        monkeypatch.setattr("sysconfig.get_config_var", {"Py_GIL_DISABLED": flag}.get)
        host = this_host()
        assert host.python == f"{sys.version_info[0]}.{sys.version_info[1]}{ending}"
    assert (host.sys_platform, host.machine, host.kernel, host.libc) == ("win32", "arm64", "", None)


@pytest.mark.parametrize(("flags", "free"), [("", False), ("t", True), ("td", True), ("d", False)])
def test_a_python_without_the_lock_says_so_in_its_flags(
    monkeypatch: pytest.MonkeyPatch, flags: str, free: bool
) -> None:
    """PEP 703: "t" among sys.abiflags."""
    monkeypatch.setattr(sys, "abiflags", flags, raising=False)
    assert this_host().python.endswith("t") is free


def test_the_size_of_a_pointer_is_the_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """sys.maxsize tells it, whatever the kernel is (docs.python.org, platform.architecture)."""
    assert (this_host().pointer_bits, this_host().implementation) == (64, sys.implementation.name)
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert this_host().pointer_bits == 32


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has more than one libc")
@pytest.mark.parametrize("answer", [None, "musl 1.2.5", ValueError("unrecognized configuration name")])
def test_the_libc_is_that_of_the_wheels_where_glibc_does_not_tell_itself(
    monkeypatch: pytest.MonkeyPatch, answer: str | ValueError | None
) -> None:
    """musl knows no such name: os.confstr gives nothing, or raises."""

    def confstr(name: str) -> str | None:
        assert name == "CS_GNU_LIBC_VERSION"
        if isinstance(answer, ValueError):
            raise answer
        return answer

    monkeypatch.setattr("os.confstr", confstr)
    monkeypatch.setattr("packaging.tags.platform_tags", lambda: iter(["musllinux_1_2_x86_64"]))
    assert this_host().libc == "musl 1.2"
