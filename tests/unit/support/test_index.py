"""The tests' own package index serves what the real ones serve."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import re
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from support.cache import REPOSITORY
from support.torch_index import NO_CACHE, TorchIndex
from support.torch_wheels import index_builds, public_builds, releases
from support.wheels import TinyWheel

from unit.data import BUILDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def plain() -> Iterator[TorchIndex]:
    """An index without a wheelhouse, for tests that only read."""
    with TorchIndex() as running:
        yield running


@pytest.fixture
def own() -> Iterator[TorchIndex]:
    """The same for tests that change it."""
    with TorchIndex() as running:
        yield running


class Answer:
    """What an index answers to one request, redirects not followed."""

    def __init__(self, index: TorchIndex, path: str, method: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(index.url).netloc, timeout=10)
        try:
            connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            self.status = response.status
            self.headers = response.headers
            self.body = response.read()
        finally:
            connection.close()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def files(self) -> dict[str, str]:
        """The file names on a page, each with its href."""
        return {name: href for href, name in re.findall(r'<a href="([^"#]*)[^>]*>([^<]*)</a>', self.text)}


def install(content: bytes, into: Path) -> Path:
    """Unpack a wheel into a folder for PYTHONPATH."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(into)  # noqa: S202  # a wheel that was made here
    return into


def python(code: str, path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that sees the folder."""
    environment = {"PYTHONPATH": str(path), **env}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


# --- names -------------------------------------------------------------------------------------------------------

# Names on the page of torch on PyPI, some of each kind.
PUBLIC_NAMES = [
    "torch-2.0.0-cp38-cp38-manylinux1_x86_64.whl",
    "torch-2.0.0-1-cp311-cp311-manylinux2014_aarch64.whl",
    "torch-2.0.0-cp310-none-macosx_10_9_x86_64.whl",
    "torch-2.2.2-cp312-none-macosx_10_9_x86_64.whl",
    "torch-2.5.1-cp313-cp313-manylinux1_x86_64.whl",
    "torch-2.5.1-cp312-cp312-manylinux2014_aarch64.whl",
    "torch-2.5.1-cp312-cp312-win_amd64.whl",
    "torch-2.5.1-cp39-none-macosx_11_0_arm64.whl",
    "torch-2.6.0-cp39-cp39-manylinux_2_28_aarch64.whl",
    "torch-2.7.0-cp313-cp313t-macosx_14_0_arm64.whl",
    "torch-2.7.0-cp313-none-macosx_11_0_arm64.whl",
    "torch-2.9.1-cp314-cp314t-macosx_11_0_arm64.whl",
    "torch-2.9.1-cp314-cp314-macosx_11_0_arm64.whl",
    "torch-2.10.0-3-cp314-cp314t-manylinux_2_28_x86_64.whl",
    "torch-2.10.0-2-cp313-none-macosx_11_0_arm64.whl",
    "torch-2.10.0-cp314-cp314-macosx_14_0_arm64.whl",
    "torch-2.11.0-cp310-cp310-macosx_11_0_arm64.whl",
    "torch-2.15.0-cp315-cp315t-macosx_14_0_arm64.whl",
    "torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl",
]

# Names under download.pytorch.org/whl that lock files and build recipes in public repositories hold.
INDEX_NAMES = [
    "torch-2.5.1+cu124-cp311-cp311-linux_x86_64.whl",
    "torch-2.5.1+cpu-cp39-cp39-win_amd64.whl",
    "torch-2.5.1-cp312-cp312-manylinux2014_aarch64.whl",
    "torch-2.6.0+xpu-cp312-cp312-linux_x86_64.whl",
    "torch-2.6.0+rocm6.2.4-cp312-cp312-manylinux_2_28_x86_64.whl",
    "torch-2.6.0+cu126-cp312-cp312-linux_aarch64.whl",
    "torch-2.7.0-cp310-none-macosx_11_0_arm64.whl",
    "torch-2.7.0+cu128-cp310-cp310-manylinux_2_28_aarch64.whl",
    "torch-2.7.0+cu128-cp310-cp310-manylinux_2_28_x86_64.whl",
]


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_names(plain: TorchIndex, name: str) -> None:
    """The view of PyPI lists public builds under their real file names."""
    assert name in Answer(plain, "/pypi/simple/torch/").files


@pytest.mark.parametrize("name", INDEX_NAMES)
def test_index_names(plain: TorchIndex, name: str) -> None:
    """The page for find-links lists the builds of every torch backend under their real file names."""
    assert name in Answer(plain, "/whl/torch/").files


def test_pypi_has_no_local_version(plain: TorchIndex) -> None:
    """No file on the view of PyPI has a local version, as PyPI refuses them."""
    pages = [Answer(plain, f"/pypi/simple/{name}/").files for name in ("torch", "torchvision", "torchaudio")]
    assert [name for page in pages for name in page if "+" in name] == []
    assert all(pages)


def test_every_release_is_on_both(plain: TorchIndex) -> None:
    """Every release of the catalog is on both indexes, and nothing else is."""
    for path in ("/pypi/simple/torch/", "/whl/torch/"):
        found = {name.split("-")[1].partition("+")[0] for name in Answer(plain, path).files}
        assert found == set(releases())


def test_backend_page_holds_that_backend_only(plain: TorchIndex) -> None:
    """A torch backend's page lists that backend's builds and no others."""
    files = Answer(plain, "/whl/cu124/torch/").files
    assert {name.split("-")[1] for name in files} == {
        f"{r}+cu124" for r in ("2.4.0", "2.4.1", "2.5.0", "2.5.1", "2.6.0")
    }


def test_cpu_page_holds_what_has_no_local_version(plain: TorchIndex) -> None:
    """macOS and old aarch64 wheels, which have no local version, are with cpu."""
    names = Answer(plain, "/whl/cpu/torch/").files
    bare = {name.rsplit("-", 1)[1] for name in names if "+" not in name}
    expected = {"manylinux2014_aarch64.whl", "macosx_10_9_x86_64.whl", "macosx_11_0_arm64.whl", "macosx_14_0_arm64.whl"}
    assert bare == expected


def test_plus_is_encoded(plain: TorchIndex) -> None:
    """The + of a local version is %2B in links, as on the real index."""
    href = Answer(plain, "/whl/torch/").files["torch-2.5.1+cu124-cp311-cp311-linux_x86_64.whl"]
    assert href == "/whl/cu124/torch-2.5.1%2Bcu124-cp311-cp311-linux_x86_64.whl"


def test_unseen_builds_are_left_out(plain: TorchIndex) -> None:
    """A build that nobody has seen is served only where a test asks for it."""
    rows = [row for row in BUILDS["builds"] if row["confidence"] == "unseen" and row["local"]]
    if not rows:
        pytest.skip("every build of the catalog was seen")
    unseen = rows[-1]
    [name] = {
        file.filename
        for build in index_builds("torch", unseen=True)
        for file in build.files
        if file.filename.startswith(f"torch-{unseen['release']}+{unseen['local']}-cp311-")
        and file.filename.removesuffix(".whl").endswith(unseen["platform"].removeprefix("linux_"))
    }
    with TorchIndex(unseen=True) as all_of_them:
        assert name in Answer(all_of_them, "/whl/torch/").files
    assert name not in Answer(plain, "/whl/torch/").files


def test_lists_of_projects(plain: TorchIndex) -> None:
    """The root lists projects and torch backends, a torch backend its projects."""
    root = Answer(plain, "/whl/").files
    assert {"torch", "numpy", "cpu", "cu124", "rocm6.4", "xpu"} <= set(root)
    xpu = ["numpy", "pytorch-triton-xpu", "torch", "torchaudio", "torchvision", "triton-xpu"]
    assert list(Answer(plain, "/whl/xpu/").files) == xpu
    assert set(Answer(plain, "/pypi/simple/").files) == {"numpy", "torch", "torchaudio", "torchvision"}


def test_numpy_of_the_index_is_old(plain: TorchIndex) -> None:
    """The PyTorch index has a numpy that is older than PyPI's: what an extra index shadows."""
    assert list(Answer(plain, "/whl/cu124/numpy/").files) == ["numpy-1.26.3-py3-none-any.whl"]
    assert list(Answer(plain, "/whl/numpy/").files) == ["numpy-1.26.3-py3-none-any.whl"]
    assert list(Answer(plain, "/pypi/simple/numpy/").files) == ["numpy-2.3.5-py3-none-any.whl"]


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/whl/torch/", "/whl/cu124/torchvision/", "/pypi/simple/torchaudio/"])
def test_links_lead_to_files(plain: TorchIndex, page: str) -> None:
    """A link leads to a wheel of the hash that it names, with the METADATA that lies beside it."""
    html = Answer(plain, page).text
    found = re.findall(r'<a href="([^"#]*)#sha256=(\w+)"[^>]* data-core-metadata="sha256=(\w+)">', html)
    assert len(found) == html.count("<a ")
    for href, digest, metadata_digest in found[:: len(found) // 7]:
        wheel, metadata = Answer(plain, href).body, Answer(plain, f"{href}.metadata").body
        assert hashlib.sha256(wheel).hexdigest() == digest
        assert hashlib.sha256(metadata).hexdigest() == metadata_digest
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            assert archive.read(name) == metadata


def test_wheels_are_the_same_every_time() -> None:
    """A wheel has the same bytes whenever it is made."""
    wheel = index_builds("torch")[0].files[0]
    again = replace(wheel)
    assert again is not wheel
    assert again.content == wheel.content


def test_record_names_every_member() -> None:
    """A wheel's RECORD lists all its members, with the hashes that they have."""
    wheel = index_builds("torch")[-1].files[0]
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        [record] = [name for name in archive.namelist() if name.endswith("RECORD")]
        rows = [line.split(",") for line in archive.read(record).decode().splitlines()]
        assert [row[0] for row in rows] == archive.namelist()
        assert [int(row[2]) for row in rows[:-1]] == [len(archive.read(row[0])) for row in rows[:-1]]


def test_page_says_requires_python(plain: TorchIndex) -> None:
    """A page says of each file which Pythons it takes, < and > escaped."""
    html = Answer(plain, "/pypi/simple/torch/").text
    [attributes] = re.findall(r"<a ([^>]*)>torch-2.15.0-cp311-cp311-win_amd64.whl</a>", html)
    assert 'data-requires-python="&gt;=3.11"' in attributes


def test_index_without_core_metadata() -> None:
    """An index can be one that knows no PEP 658."""
    with TorchIndex(core_metadata=False) as index:
        page = Answer(index, "/whl/cu124/torch/")
        assert "metadata" not in page.text
        assert Answer(index, next(iter(page.files.values())) + ".metadata").status == 404


def test_json_page_says_the_same_as_html(plain: TorchIndex) -> None:
    """PyPI's JSON page lists the files of its HTML page, with sizes and upload times."""
    html = Answer(plain, "/pypi/simple/torch/")
    page = Answer(plain, "/pypi/simple/torch/", Accept="application/vnd.pypi.simple.v1+json, text/html;q=0.1")
    assert page.headers["Content-Type"] == "application/vnd.pypi.simple.v1+json"
    files = {entry["filename"]: entry for entry in json.loads(page.text)["files"]}
    assert {name: entry["url"] for name, entry in files.items()} == html.files
    entry = files["torch-2.5.1-cp311-cp311-manylinux1_x86_64.whl"]
    assert entry["upload-time"] == "2024-10-29T18:00:00Z"
    assert entry["size"] == len(Answer(plain, entry["url"]).body)
    assert entry["requires-python"] == ">=3.8.0"
    assert json.loads(Answer(plain, "/pypi/simple/", Accept="application/vnd.pypi.simple.v1+json").text)["projects"]


def test_sdists_that_are_added(own: TorchIndex, tmp_path: Path) -> None:
    """A folder of dists that is added appears on PyPI with its Requires-Python and its content."""
    path = make_sdist(tmp_path / "torch_auto-2.5.1.tar.gz", "Requires-Python: >=3.8")
    before = Answer(own, "/pypi/simple/torch-auto/")
    own.add(tmp_path)
    page = Answer(own, "/pypi/simple/torch-auto/")
    assert before.status == 404
    assert 'data-requires-python="&gt;=3.8"' in page.text
    assert Answer(own, page.files[path.name]).body == path.read_bytes()
    assert "metadata" not in page.text
    assert "torch-auto" in Answer(own, "/pypi/simple/").files


def make_sdist(path: Path, *headers: str) -> Path:
    """An sdist that holds its PKG-INFO and nothing else."""
    lines = ["Metadata-Version: 2.2", "Name: torch-auto", "Version: 2.5.1", *headers, ""]
    data = "\n".join(lines).encode()
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return path


def test_wheels_that_are_added(own: TorchIndex) -> None:
    """A wheel can be added to PyPI, and to a torch backend that the index did not have."""
    wheel = TinyWheel("torch", "9.0.0+cu199", requires_python=None)
    own.add_wheel(wheel, "cu199")
    own.add_wheel(TinyWheel("needs-torch", "1.0", requires=("torch==2.8.0",)))
    assert list(Answer(own, "/whl/cu199/torch/").files) == [wheel.filename]
    assert wheel.filename in Answer(own, "/whl/torch/").files
    href = Answer(own, "/pypi/simple/needs-torch/").files["needs_torch-1.0-py3-none-any.whl"]
    assert "Requires-Dist: torch==2.8.0" in Answer(own, f"{href}.metadata").text


# --- what is inside ----------------------------------------------------------------------------------------------


def wheel_named(name: str) -> bytes:
    """The content of a wheel of torch, from either index."""
    builds = [*index_builds("torch"), *public_builds("torch")]
    return next(file.content for build in builds for file in build.files if file.filename == name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torch-2.5.1+cu124-cp311-cp311-linux_x86_64.whl", "2.5.1+cu124 12.4 None"),
        ("torch-2.5.1-cp311-cp311-manylinux1_x86_64.whl", "2.5.1+cu124 12.4 None"),
        ("torch-2.15.0-cp311-cp311-manylinux_2_28_aarch64.whl", "2.15.0+cu132 13.2 None"),
        ("torch-2.0.0-cp311-cp311-manylinux1_x86_64.whl", "2.0.0+cu117 11.7 None"),
        ("torch-2.13.0-cp311-cp311-win_amd64.whl", "2.13.0+cpu None None"),
        ("torch-2.13.0-cp311-cp311-macosx_14_0_arm64.whl", "2.13.0 None None"),
        ("torch-2.6.0+rocm6.2.4-cp312-cp312-manylinux_2_28_x86_64.whl", "2.6.0+rocm6.2.4 None 6.2.4"),
    ],
)
def test_torch_says_what_it_is(name: str, said: str, tmp_path: Path) -> None:
    """torch imports, and says the version, CUDA and HIP that the real one says; a public one's has its local part."""
    path = install(wheel_named(name), tmp_path)
    done = python("import torch; print(torch.__version__, torch.version.cuda, torch.version.hip)", path)
    assert (done.stdout.strip(), done.stderr) == (said, "")


def test_metadata_of_a_public_build_has_no_local_version() -> None:
    """METADATA of a public build says the release alone, that of a local build the local version."""
    public = public_builds("torch")[-1].files[0].metadata.decode()
    local = next(build for build in index_builds("torch") if build.torch_backend == "cu124").files[0].metadata.decode()
    assert f"Version: {releases()[-1]}\n" in public
    assert "Version: 2.4.0+cu124\n" in local


def test_torchvision_requires_its_torch() -> None:
    """torchvision requires the torch that it was made for; the last torchaudio requires none."""
    [vision] = {
        file.metadata
        for build in public_builds("torchvision")
        for file in build.files
        if "0.20.1-cp39-cp39-w" in file.filename
    }
    [audio] = {
        file.metadata
        for build in public_builds("torchaudio")
        for file in build.files
        if "2.11.0-cp310-cp310-w" in file.filename
    }
    assert b"Requires-Dist: torch==2.5.1\n" in vision
    assert b"Requires-Dist" not in audio


def with_backend(path: Path, body: str) -> Path:
    """Beside torch, a distribution with an entry point of the group torch.backends."""
    entry_points = "[torch.backends]\nprobe = probe:load\n"
    wheel = TinyWheel("probe", "1.0", modules=(("probe.py", f"def load():\n    {body}\n"),), entry_points=entry_points)
    return install(wheel.content, path)


def test_new_torch_loads_device_backends(tmp_path: Path) -> None:
    """torch from 2.5 on calls the entry points of torch.backends, unless it is told not to."""
    path = with_backend(
        install(wheel_named("torch-2.5.0+cpu-cp311-cp311-linux_x86_64.whl"), tmp_path), "print('called')"
    )
    assert python("import torch", path).stdout == "called\n"
    assert python("import torch", path, TORCH_DEVICE_BACKEND_AUTOLOAD="0").stdout == ""


def test_old_torch_loads_no_device_backends(tmp_path: Path) -> None:
    """torch before 2.5 knows no such entry points."""
    path = with_backend(
        install(wheel_named("torch-2.4.1+cpu-cp311-cp311-linux_x86_64.whl"), tmp_path), "print('called')"
    )
    done = python("import torch; print('imported')", path)
    assert done.stdout == "imported\n"


def test_what_a_device_backend_raises_ends_the_import(tmp_path: Path) -> None:
    """An exception in such an entry point ends import torch, as it does with the real one."""
    path = with_backend(
        install(wheel_named("torch-2.5.0+cpu-cp311-cp311-linux_x86_64.whl"), tmp_path), "raise OSError('no')"
    )
    done = python("import torch", path)
    assert done.returncode == 1
    assert "RuntimeError: Failed to load the backend extension: probe" in done.stderr


# --- protocol ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/whl/cu124/nothing/",
        "/whl/nothing/",
        "/whl/cu124/torch/more/",
        "/whl/cu121/torch-2.5.1%2Bcu124-cp311-cp311-linux_x86_64.whl",
        "/pypi/simple/nothing/",
        "/pypi/files/torch-9.9.9-py3-none-any.whl",
        "/pypi/files/numpy-2.3.5-py3-none-any.whl.metadata.metadata",
    ],
)
def test_what_is_not_there_is_404(plain: TorchIndex, path: str) -> None:
    """What an index does not have is 404, never an empty page."""
    assert Answer(plain, path).status == 404


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/pypi/simple/torch", "/pypi/simple/torch/"),
        ("/pypi/simple/Torch_Auto/", "/pypi/simple/torch-auto/"),
        ("/whl/cu124", "/whl/cu124/"),
    ],
)
def test_other_spellings_are_redirected(plain: TorchIndex, path: str, target: str) -> None:
    """A path without its last slash, and a name that is not normalized, lead to the page."""
    answer = Answer(plain, path)
    assert (answer.status, answer.headers["Location"]) == (301, target)


def test_not_modified_by_etag(plain: TorchIndex) -> None:
    """A client that has the page gets 304 and no body, by the ETag."""
    etag = Answer(plain, "/whl/torch/").headers["ETag"]
    answer = Answer(plain, "/whl/torch/", If_None_Match=f'"other", {etag}')
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)


def test_not_modified_by_date(plain: TorchIndex) -> None:
    """A client that has the page gets 304 by its date."""
    date = Answer(plain, "/whl/torch/").headers["Last-Modified"]
    assert Answer(plain, "/whl/torch/", If_Modified_Since=date).status == 304
    assert Answer(plain, "/whl/torch/", If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT").status == 200


def test_etag_decides_over_date(plain: TorchIndex) -> None:
    """Where a client sends both, the ETag decides."""
    date = Answer(plain, "/whl/torch/").headers["Last-Modified"]
    assert Answer(plain, "/whl/torch/", If_None_Match='"other"', If_Modified_Since=date).status == 200


def test_page_changes_with_what_is_added(own: TorchIndex) -> None:
    """A page that a new file is on is another page: its ETag no longer matches."""
    etag = Answer(own, "/pypi/simple/torch/").headers["ETag"]
    own.add_wheel(TinyWheel("torch", "9.0.0"))
    assert Answer(own, "/pypi/simple/torch/", If_None_Match=etag).status == 200


def test_cache_control(plain: TorchIndex) -> None:
    """Pages may be kept for ten minutes, as the real ones, and files for ever; a test can forbid the former."""
    page = Answer(plain, "/whl/cu124/torch/")
    assert page.headers["Cache-Control"] == "max-age=600, public, must-revalidate"
    assert "immutable" in Answer(plain, next(iter(page.files.values()))).headers["Cache-Control"]
    with TorchIndex(pages_cache_control=NO_CACHE) as index:
        assert Answer(index, "/pypi/simple/torch/").headers["Cache-Control"] == "no-cache"


WHEEL = "/whl/cu124/torch-2.5.1%2Bcu124-cp311-cp311-linux_x86_64.whl"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, None), ("bytes=-22", -22, None), ("bytes=5-99999999", 5, None)],
)
def test_ranges(plain: TorchIndex, asked: str, start: int, stop: int | None) -> None:
    """A range of a wheel is 206 and those bytes."""
    whole = Answer(plain, WHEEL)
    part = Answer(plain, WHEEL, Range=asked)
    expected = whole.body[start:stop]
    first = whole.body.find(expected)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert (part.status, part.body) == (206, expected)
    assert part.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole.body)}"


def test_range_beyond_the_end(plain: TorchIndex) -> None:
    """A range that a wheel does not reach is 416."""
    assert Answer(plain, WHEEL, Range="bytes=99999999-").status == 416


def test_head(plain: TorchIndex) -> None:
    """HEAD says how long a wheel is and sends none of it."""
    answer = Answer(plain, WHEEL, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(Answer(plain, WHEEL).body))


def test_connection_is_kept(plain: TorchIndex) -> None:
    """One connection takes several requests."""
    connection = http.client.HTTPConnection(urlsplit(plain.url).netloc, timeout=10)
    connection.request("GET", "/whl/")
    first = connection.getresponse()
    first.read()
    socket = connection.sock
    connection.request("GET", "/nothing")
    second = connection.getresponse()
    second.read()
    assert (first.status, second.status, connection.sock is socket) == (200, 404, True)
    connection.close()


def test_log(own: TorchIndex) -> None:
    """The log says what was asked, how it was answered and with how many bytes, until it is reset."""
    page = Answer(own, "/whl/cu124/torch/")
    Answer(own, "/whl/cu124/torch/", If_None_Match=page.headers["ETag"])
    Answer(own, WHEEL, method="HEAD", Range="bytes=0-1")
    rows = [(r.method, r.path, r.status, r.size, r.conditional, r.ranged) for r in own.log]
    assert rows == [
        ("GET", "/whl/cu124/torch/", 200, len(page.body), False, False),
        ("GET", "/whl/cu124/torch/", 304, 0, True, False),
        ("HEAD", unquote(WHEEL), 206, 0, False, True),
    ]
    own.reset_log()
    assert own.log == ()


# --- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 500, 503])
def test_fault_status(own: TorchIndex, status: int) -> None:
    """A path can be told to fail with a status, until the faults are cleared."""
    own.fault("/whl/torch/", status=status)
    assert Answer(own, "/whl/torch/").status == status
    assert Answer(own, "/whl/cu124/torch/").status == 200
    own.clear_faults()
    assert Answer(own, "/whl/torch/").status == 200


def test_fault_times(own: TorchIndex) -> None:
    """A fault can pass after a number of times."""
    own.fault("/whl/torch/", status=500, times=2)
    assert [Answer(own, "/whl/torch/").status for _ in range(3)] == [500, 500, 200]


def test_fault_cut_off(own: TorchIndex) -> None:
    """A body can end before the length that was promised."""
    own.fault(unquote(WHEEL), cut_off_after=100)
    with pytest.raises(http.client.IncompleteRead) as caught:
        Answer(own, WHEEL)
    assert len(caught.value.partial) == 100


def test_fault_redirect(own: TorchIndex) -> None:
    """A path can send the client elsewhere."""
    own.fault("/whl/torch/", redirect="/whl/cu124/torch/")
    answer = Answer(own, "/whl/torch/")
    assert (answer.status, answer.headers["Location"]) == (302, "/whl/cu124/torch/")
    with urllib.request.urlopen(urljoin(own.url, "/whl/torch/")) as response:  # noqa: S310  # on 127.0.0.1
        assert response.url == own.of_backend("cu124") + "/torch/"


def test_fault_delay(own: TorchIndex) -> None:
    """An answer can be late."""
    own.fault("/whl/", delay=0.3)
    start = time.perf_counter()
    assert Answer(own, "/whl/").status == 200
    assert time.perf_counter() - start >= 0.3


def test_stop_does_not_wait_for_a_delay() -> None:
    """An index stops at once, whatever answers are still due and whatever connections are open."""
    with TorchIndex() as index:
        index.fault("/whl/", delay=60)
        connection = http.client.HTTPConnection(urlsplit(index.url).netloc, timeout=10)
        connection.request("GET", "/whl/")
        idle = http.client.HTTPConnection(urlsplit(index.url).netloc, timeout=10)
        idle.connect()
        start = time.perf_counter()
    assert time.perf_counter() - start < 5
    connection.close()
    idle.close()


def test_command(tmp_path: Path) -> None:
    """serve.py says where it serves in its first line, and has the dists that it was given."""
    make_sdist(tmp_path / "torch_auto-2.5.1.tar.gz")
    command = [sys.executable, "tests/support/serve.py", "--dists", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{url}/pypi/simple/torch-auto/") as response:  # noqa: S310
                assert b"torch_auto-2.5.1.tar.gz" in response.read()
        finally:
            process.terminate()
