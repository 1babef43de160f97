"""Reads a few members out of a wheel on a server, by range requests: kilobytes instead of the whole wheel.

A torch wheel for CUDA is 500 MB and more. What the catalog wants of it is in ``torch/version.py`` (which build it
is), in METADATA (what it requires) and in one string of ``libtorch_python.so`` (the GPU architectures).

The string is what ``torch._C._cuda_getArchFlags()`` returns, and so ``torch.cuda.get_arch_list()``: for ROCm too, with
gfx targets in it. The code objects themselves say the same in the headers of the bundles in ``.hip_fatbin``
(clang.llvm.org/docs/ClangOffloadBundler.html), but they have been compressed since 2.7 (pytorch/pytorch PR 147761).
"""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple

from catalog_http import FetchError, fetch_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

#: One request brings this much: a torch wheel's central directory (1 MB and more) in a few requests.
_BLOCK = 1 << 19

_VERSION = re.compile(r"^__version__\s*(?::\s*[^=]+)?=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)

#: What ``torch.cuda.get_arch_list()`` returns, as the build put it into the library: "sm_75 sm_80 compute_120".
_ARCH_FLAGS = re.compile(rb"(?:(?:sm|compute)_\d{2,3}[af]? )*(?:sm|compute)_\d{2,3}[af]?(?=\0)")
_ARCH = re.compile(r"(sm|compute)_(\d{2,3})[af]?")
_ARCH_MEMBERS = ("torch/lib/libtorch_python.so", "torch/lib/torch_python.dll")

#: The same string of a build for ROCm: "gfx908 gfx90a gfx1030".
_TARGET_FLAGS = re.compile(rb"(?<![\w-])(?:gfx[0-9a-f]{3,4} )*gfx[0-9a-f]{3,4}(?=\0)")

#: Kernels of the rocBLAS that a wheel brings along, one file and more for each target.
_ROCBLAS = re.compile(r"torch/lib/rocblas/library/TensileLibrary(?:_lazy)?_(gfx[0-9a-f]{3,4})\.(?:dat|co|hsaco)")


class Wheel(NamedTuple):
    """What a wheel says about itself.

    ``version`` is METADATA's, ``own_version`` that of ``version.py`` in the package of the project's name
    ("2.5.1+cu124"), or None where the wheel has no such file. ``requires`` are the Requires-Dist lines.
    """

    version: str
    own_version: str | None
    requires: tuple[str, ...]


class Architectures(NamedTuple):
    """Compute capabilities as the catalog writes them: 86 for 8.6, 120 for 12.0."""

    sm: tuple[int, ...]
    ptx: tuple[int, ...]


class RemoteFile(io.RawIOBase):
    """A file on a server, read by ranges; seekable, so that zipfile can read it."""

    def __init__(self, url: str, *, timeout: float) -> None:
        super().__init__()
        self._url = url
        self._timeout = timeout
        self._position = 0
        self._blocks: dict[int, bytes] = {}
        first, self._size = fetch_range(url, 0, 0, timeout=timeout)
        if self._size <= len(first):
            raise FetchError(url, "is too short for a wheel")
        self.bytes_read = len(first)

    def seekable(self) -> bool:  # noqa: D102  # io.RawIOBase says what it does
        return True

    def readable(self) -> bool:  # noqa: D102  # io.RawIOBase says what it does
        return True

    def tell(self) -> int:  # noqa: D102  # io.RawIOBase says what it does
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:  # noqa: D102  # io.RawIOBase says what it does
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:  # noqa: D102  # io.RawIOBase says what it does
        view = memoryview(buffer).cast("B")
        number, offset = divmod(self._position, _BLOCK)
        end = min(self._size, self._position + len(view))
        part = self._block(number)[offset : offset + end - self._position] if self._position < end else b""
        view[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * _BLOCK
            block, _ = fetch_range(self._url, start, min(start + _BLOCK, self._size) - 1, timeout=self._timeout)
            self.bytes_read += len(block)
            if len(self._blocks) > 8:  # noqa: PLR2004  # the directory of a wheel fits; a 200 MB library need not stay
                self._blocks.clear()
            self._blocks[number] = block
        return self._blocks[number]


@contextlib.contextmanager
def _opened(url: str, timeout: float) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(io.BufferedReader(RemoteFile(url, timeout=timeout), _BLOCK)) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, KeyError, EOFError, zlib.error) as error:
        raise FetchError(url, f"is no wheel that can be read: {error}") from error


def read_wheel(url: str, *, timeout: float = 60) -> Wheel:
    """What the wheel at a URL says about itself.

    Raises:
        FetchError: it cannot be read, or the server does not serve ranges.
    """
    with _opened(url, timeout) as archive:
        names = archive.namelist()
        metadata = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
        if len(metadata) != 1:
            raise FetchError(url, f"has {len(metadata)} METADATA files")
        headers = archive.read(metadata[0]).decode("utf-8", "replace").splitlines()
        if "" in headers:
            headers = headers[: headers.index("")]
        versions = [line.partition(":")[2].strip() for line in headers if line.startswith("Version:")]
        if len(versions) != 1:
            raise FetchError(url, "has a METADATA without a version")
        requires = tuple(line.partition(":")[2].strip() for line in headers if line.startswith("Requires-Dist:"))
        own = None
        module = f"{metadata[0].partition('-')[0]}/version.py"
        if module in names:
            found = _VERSION.search(archive.read(module).decode("utf-8", "replace"))
            own = found.group(1) if found else None
    return Wheel(versions[0], own, requires)


def read_architectures(url: str, *, timeout: float = 60) -> Architectures | None:
    """The GPU architectures of the torch wheel at a URL, or None where its library does not name them.

    This reads the library as far as the string: tens of megabytes.

    Raises:
        FetchError: the wheel cannot be read, or the server does not serve ranges.
    """
    with _opened(url, timeout) as archive:
        for member in _ARCH_MEMBERS:
            if member in archive.namelist():
                with archive.open(member) as library:
                    return find_architectures(library)
    return None


def read_targets(url: str, *, timeout: float = 60) -> tuple[str, ...] | None:
    """The gfx targets that the torch wheel at a URL computes on, or None where its library does not name them.

    Where the wheel brings rocBLAS along, a target that rocBLAS has no kernels for does not count: the first matrix
    product ends the process (pytorch/pytorch issue 179865), although torch itself was compiled for it.

    Raises:
        FetchError: the wheel cannot be read, or the server does not serve ranges.
    """
    with _opened(url, timeout) as archive:
        names = archive.namelist()
        if _ARCH_MEMBERS[0] not in names:
            return None
        with archive.open(_ARCH_MEMBERS[0]) as library:
            flags = _longest(library, _TARGET_FLAGS).decode("ascii").split()
    served = {match.group(1) for match in map(_ROCBLAS.fullmatch, names) if match}
    found = {target for target in flags if not served or target in served}
    return tuple(sorted(found, key=target_key)) or None


def target_key(target: str) -> tuple[int, str]:
    """A key that puts gfx90a before gfx942, and both before gfx1030."""
    return len(target), target


def find_architectures(library: IO[bytes]) -> Architectures | None:
    """The longest list of architectures among the strings of a library, or None where it has none."""
    best = _longest(library, _ARCH_FLAGS)
    if b"sm_" not in best:
        return None
    pairs = _ARCH.findall(best.decode("ascii"))
    return Architectures(
        tuple(sorted(int(number) for kind, number in pairs if kind == "sm")),
        tuple(sorted(int(number) for kind, number in pairs if kind == "compute")),
    )


def _longest(library: IO[bytes], pattern: re.Pattern[bytes]) -> bytes:
    """The longest string of a library that a pattern finds, which is no longer than 512 bytes."""
    best = tail = b""
    while block := library.read(1 << 20):
        window = tail + block
        for found in pattern.findall(window):
            if len(found) > len(best):
                best = found
        tail = window[-512:]
    return best
