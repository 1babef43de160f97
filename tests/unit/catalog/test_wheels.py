"""Reading wheels by range requests."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from catalog_http import FetchError
from catalog_wheels import Architectures, find_architectures, read_architectures, read_targets, read_wheel
from hypothesis import given
from hypothesis import strategies as st
from support.web import Fault, Resource, WebServer
from support.wheels import TinyWheel

from unit.catalog.indexes import LIBRARY, LINUX, torch_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Files:
    """A site of files by path."""

    files: dict[str, bytes] = field(default_factory=dict)

    def find(self, path: str, accept: str) -> Resource | None:  # noqa: ARG002  # files are of one type
        return Resource(self.files[path]) if path in self.files else None


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def server(files: Files) -> Iterator[WebServer]:
    with WebServer(files) as running:
        yield running


def test_a_few_kilobytes_of_a_large_wheel(files: Files, server: WebServer) -> None:
    """What a wheel says of itself is read without the libraries in it."""
    noise = random.Random(1).randbytes(6 << 20).hex()  # noqa: S311  # the same bytes in every run
    wheel = torch_wheel("2.6.0", LINUX, "2.6.0+cu126", requires=("filelock", "numpy<3; extra == 'numpy'"))
    large = TinyWheel(
        "torch",
        "2.6.0",
        wheel.tag,
        requires=wheel.requires,
        modules=((LIBRARY, noise), *wheel.modules, ("z.so", noise)),
    )
    files.files["/torch.whl"] = large.content
    read = read_wheel(f"{server.url}/torch.whl")
    assert read == ("2.6.0", "2.6.0+cu126", ("filelock", "numpy<3; extra == 'numpy'"))
    assert sum(request.size for request in server.log) < len(large.content) / 8
    assert all(request.ranged for request in server.log)


def test_a_wheel_of_another_project(files: Files, server: WebServer) -> None:
    """A wheel without a version.py of its own says its version and requirements, and nothing of a build."""
    files.files["/v.whl"] = TinyWheel("torchvision", "0.21.0", requires=("torch==2.6.0",)).content
    assert read_wheel(f"{server.url}/v.whl") == ("0.21.0", None, ("torch==2.6.0",))
    modules = (
        ("torchvision/version.py", "__version__ = '0.29.2+cu132'\n"),
        ("torch/version.py", "__version__ = '1'\n"),
    )
    files.files["/w.whl"] = TinyWheel("torchvision", "0.29.2", modules=modules).content
    assert read_wheel(f"{server.url}/w.whl").own_version == "0.29.2+cu132"
    assert read_architectures(f"{server.url}/v.whl") is None


@pytest.mark.parametrize("member", ["torch/lib/libtorch_python.so", "torch/lib/torch_python.dll"])
def test_architectures_of_a_wheel(files: Files, server: WebServer, member: str) -> None:
    """GPU architectures are the string that torch.cuda.get_arch_list() returns, on Linux and on Windows."""
    text = "sm_9 \0sm_50\0 sm_37 sm_90 sm_100 compute_37\0trailing"
    files.files["/torch.whl"] = TinyWheel("torch", "2.6.0", modules=((member, text),)).content
    assert read_architectures(f"{server.url}/torch.whl") == Architectures((37, 90, 100), (37,))


@pytest.mark.parametrize("text", [b"", b"sm_90 without an end", b"\0compute_90\0", b"\0smart sm_x\0"])
def test_no_architectures(text: bytes) -> None:
    """A library without such a string has no architectures, rather than wrong ones."""
    assert find_architectures(io.BytesIO(text)) is None


@given(st.integers(-80, 80))
def test_architectures_wherever_they_stand(offset: int) -> None:
    """The string is found whole where the library is read in blocks and one ends within it."""
    library = b"x" * ((1 << 20) + offset) + b"\0sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90 compute_90\0"
    assert find_architectures(io.BytesIO(library)) == Architectures((50, 60, 70, 75, 80, 86, 90), (90,))


FLAGS = "gfx900 gfx906 gfx908 gfx90a gfx942 gfx1030 gfx1100 gfx1200 gfx950 gfx1151"


def rocm_wheel(strings: str, rocblas: tuple[str, ...] = ()) -> TinyWheel:
    """A wheel of torch with strings in its library, and with the files of rocBLAS for some targets."""
    files = [(f"torch/lib/rocblas/library/TensileLibrary_lazy_{target}.dat", "x") for target in rocblas]
    files += [("torch/lib/rocblas/library/Kernels.so-000-gfx803.hsaco", "x")] if rocblas else []
    return TinyWheel("torch", "2.13.0", modules=((LIBRARY, strings), *files))


def test_targets_of_a_wheel(files: Files, server: WebServer) -> None:
    """The gfx targets are the string that torch.cuda.get_arch_list() returns, in the catalog's order."""
    strings = f"gfx90\0see gfx1030 gfx1031\0gfx1100\0{FLAGS}\0libgfx908 gfx90a gfx942 gfx950 gfx1030 gfx1100\0gfx1"
    files.files["/torch.whl"] = rocm_wheel(strings).content
    assert read_targets(f"{server.url}/torch.whl") == (
        "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100", "gfx1151", "gfx1200",
    )  # fmt: skip


def test_targets_that_rocblas_does_not_have(files: Files, server: WebServer) -> None:
    """Where the wheel brings rocBLAS, a target without kernels in it is none: gfx900 and gfx906 since ROCm 6.4."""
    served = ("gfx803", "gfx908", "gfx90a", "gfx1030", "gfx1100")
    files.files["/torch.whl"] = rocm_wheel(f"\0{FLAGS}\0", served).content
    assert read_targets(f"{server.url}/torch.whl") == ("gfx908", "gfx90a", "gfx1030", "gfx1100")


@pytest.mark.parametrize("strings", ["", "\0sm_90\0", "a list of gfx908 gfx90a that goes on"])
def test_no_targets(files: Files, server: WebServer, strings: str) -> None:
    """A library that names no targets has none, and neither has a wheel without it."""
    files.files["/torch.whl"] = rocm_wheel(strings).content
    files.files["/v.whl"] = TinyWheel("torchvision", "0.28.0").content
    assert read_targets(f"{server.url}/torch.whl") is None
    assert read_targets(f"{server.url}/v.whl") is None


BROKEN = {
    "no zip": (b"x" * 5000, "is no wheel that can be read"),
    "too short": (b"x", "is too short for a wheel"),
    "no METADATA": (TinyWheel("torch", "2.6.0").content.replace(b"METADATA", b"METADATB"), "has 0 METADATA files"),
    "no version": (
        TinyWheel("torch", "2.6.0").content.replace(b"Version: 2", b"Varsion: 2"),
        "is no wheel that can be read",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_wheel(files: Files, server: WebServer, case: str) -> None:
    """A file that is no whole wheel is an error that names it."""
    content, reason = BROKEN[case]
    files.files["/torch.whl"] = content
    with pytest.raises(FetchError, match=reason) as caught:
        read_wheel(f"{server.url}/torch.whl")
    assert str(caught.value).startswith(f"{server.url}/torch.whl ")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault(status=403), "answered 403"), (Fault(cut_off_after=0), "gave other bytes than the range 0-0")],
)
def test_a_refused_wheel(files: Files, server: WebServer, fault: Fault, reason: str) -> None:
    """A wheel that is refused or cut off is an error that names it."""
    files.files["/torch.whl"] = TinyWheel("torch", "2.6.0").content
    server.fault("/torch.whl", fault)
    with pytest.raises(FetchError, match=reason):
        read_wheel(f"{server.url}/torch.whl")


def test_files_may_be_moved(files: Files, server: WebServer) -> None:
    """A file may be redirected to where it is stored; only pages may not."""
    files.files["/stored.whl"] = TinyWheel("torch", "2.6.0").content
    server.fault("/torch.whl", Fault(redirect="/stored.whl"))
    assert read_wheel(f"{server.url}/torch.whl").version == "2.6.0"


class _Whole(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = TinyWheel("torch", "2.6.0").content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the base class
        """Say nothing."""


def test_a_server_without_ranges() -> None:
    """A server that would send all of the wheel is refused: half a gigabyte is not read for a few lines."""
    with HTTPServer(("127.0.0.1", 0), _Whole) as plain:
        thread = Thread(target=plain.serve_forever, args=(0.02,))
        thread.start()
        try:
            with pytest.raises(FetchError, match="is served whole only, without ranges"):
                read_wheel(f"http://127.0.0.1:{plain.server_port}/torch.whl")
        finally:
            plain.shutdown()
            thread.join()
