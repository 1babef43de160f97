"""macOS: Apple's GPUs need no detection, since the arm64 wheels serve them all. What counts is which Python runs."""

from __future__ import annotations

import re

from torch_auto.detect.host import architecture_of
from torch_auto.detect.log import Log
from torch_auto.detect.sources import Sources
from torch_auto.detect.tree import Tree

VERSION_FILE = "/System/Library/CoreServices/SystemVersion.plist"
_VERSION = re.compile(r"<key>ProductVersion</key>\s*<string>(\d{1,3}(?:\.\d{1,3}){0,2})</string>", re.ASCII)


def note_mac(sources: Sources, log: Log) -> str | None:
    """The system's version, which wheels ask for. An Intel Python on an Apple chip is noted: it gets Intel's wheels."""
    version = None
    text = Tree(sources.root).read(VERSION_FILE, log)
    if text is not None:
        version = system_version(text)
        if version is None:
            log.unreadable(VERSION_FILE, "no ProductVersion in it")
        else:
            log.found(VERSION_FILE, f"macOS {version}")
    if architecture_of(sources.host) == "x86_64" and is_apple_chip(sources.host.kernel):
        log.found(
            "Rosetta", "this x86_64 Python runs on an Apple chip; an arm64 Python would get current torch with MPS"
        )
    return version


def system_version(text: str) -> str | None:
    """ProductVersion in the text of SystemVersion.plist: "15.6.1"."""
    found = _VERSION.search(text)
    return found.group(1) if found else None


def is_apple_chip(kernel: str) -> bool:
    """Whether the kernel's version names an ARM kernel, which it does under Rosetta too.

    ``Darwin Kernel Version 24.6.0: ...; root:xnu-11417.140.69~1/RELEASE_ARM64_T6000``, where the processor
    of the process is said to be x86_64.
    """
    return "RELEASE_ARM64" in kernel
