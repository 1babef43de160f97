"""Files that the tests' package index serves: tiny wheels made in memory, and real files from a folder."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile
import zipfile
from dataclasses import dataclass, field
from email.parser import HeaderParser
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol


class File(Protocol):
    """A file as a project's page lists it."""

    @property
    def filename(self) -> str:
        """The name, its + not yet encoded."""

    @property
    def requires_python(self) -> str | None:
        """What the page says of it in data-requires-python."""

    @property
    def metadata(self) -> bytes | None:
        """A wheel's METADATA, which PEP 658 serves beside it; None for an sdist."""

    @property
    def uploaded(self) -> str:
        """When it was uploaded, as PEP 700 writes it."""

    @property
    def content(self) -> bytes:
        """All of it."""

    @property
    def sha256(self) -> str:
        """The hash of the content, in hexadecimal."""


def normalized(name: str) -> str:
    """A project's name as pages are called (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project_of(filename: str) -> str:
    """The normalized name of the project that a wheel or an sdist belongs to."""
    if filename.endswith(".whl"):
        return normalized(filename.split("-", 1)[0])
    return normalized(filename[: -len(".tar.gz")].rsplit("-", 1)[0])


@dataclass(frozen=True)
class TinyWheel:
    """A wheel of a few hundred bytes: the same fields give the same bytes, on any day.

    ``modules`` are (path, text) pairs, and ``requires`` are Requires-Dist lines.
    """

    name: str
    version: str
    tag: str = "py3-none-any"
    build: str = ""
    requires_python: str | None = ">=3.8"
    requires: tuple[str, ...] = ()
    modules: tuple[tuple[str, str], ...] = ()
    entry_points: str = ""
    uploaded: str = "2026-01-01T00:00:00Z"
    extra_metadata: tuple[str, ...] = field(default=())

    @property
    def filename(self) -> str:
        build = f"-{self.build}" if self.build else ""
        return f"{self.name.replace('-', '_')}-{self.version}{build}-{self.tag}.whl"

    @cached_property
    def metadata(self) -> bytes:
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        if self.requires_python:
            lines.append(f"Requires-Python: {self.requires_python}")
        lines += [f"Requires-Dist: {requirement}" for requirement in self.requires]
        lines += self.extra_metadata
        return "\n".join([*lines, ""]).encode()

    @cached_property
    def content(self) -> bytes:
        info = f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        interpreters, abi, platforms = self.tag.split("-")
        tags = [f"{i}-{abi}-{p}" for i in interpreters.split(".") for p in platforms.split(".")]
        pure = "true" if self.tag.endswith("-any") else "false"
        wheel = ["Wheel-Version: 1.0", "Generator: tiny", f"Root-Is-Purelib: {pure}", *(f"Tag: {t}" for t in tags)]
        if self.build:
            wheel.append(f"Build: {self.build}")
        members = [(path, text.encode()) for path, text in self.modules]
        members.append((f"{info}/METADATA", self.metadata))
        members.append((f"{info}/WHEEL", "\n".join([*wheel, ""]).encode()))
        if self.entry_points:
            members.append((f"{info}/entry_points.txt", self.entry_points.encode()))
        record = [f"{path},sha256={_record_hash(data)},{len(data)}" for path, data in members]
        members.append((f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]).encode()))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for path, data in members:
                archive.writestr(zipfile.ZipInfo(path), data)  # ZipInfo without a date is of 1980-01-01
        return buffer.getvalue()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class DiskFile:
    """A wheel or an sdist in a folder."""

    path: Path
    uploaded: str = "2026-01-01T00:00:00Z"

    @property
    def filename(self) -> str:
        return self.path.name

    @cached_property
    def content(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def metadata(self) -> bytes | None:
        if not self.filename.endswith(".whl"):
            return None
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            [name] = [n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
            return archive.read(name)

    @cached_property
    def requires_python(self) -> str | None:
        return HeaderParser().parsestr((self.metadata or self._pkg_info()).decode())["Requires-Python"]

    def _pkg_info(self) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(self.content)) as archive:
            for member in archive:
                if re.fullmatch(r"[^/]+/PKG-INFO", member.name):
                    file = archive.extractfile(member)
                    if file is not None:
                        return file.read()
        raise ValueError(f"{self.path} holds no PKG-INFO, so it is no sdist")


def files_in(path: Path) -> tuple[DiskFile, ...]:
    """The wheels and sdists in a folder, by name; or the one that ``path`` is."""
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in candidates if file.name.endswith((".whl", ".tar.gz"))]
    return tuple(_disk_file(file, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


@lru_cache(maxsize=None)
def _disk_file(path: Path, modified: int, size: int) -> DiskFile:  # noqa: ARG001  # both tell one text from the next
    """One object for a file as it is now, so that its hash is worked out once for all indexes of a test run."""
    return DiskFile(path)
