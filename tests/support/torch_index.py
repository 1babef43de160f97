"""A PyTorch index and a view of PyPI on 127.0.0.1, as the frontends see them.

==============================  ==================================================================================
``/whl/``                       the projects of the index and its torch backends
``/whl/<project>/``             all files of a project, of every torch backend: the page for ``--find-links``
``/whl/<torch backend>/``       the projects of a torch backend
``/whl/<backend>/<project>/``   the files of a project for a torch backend: the page of ``--index-url``
``/whl/<backend>/<file>``       a file
``/pypi/simple/<project>/``     public builds, our sdists, the wheelhouse
``/pypi/files/<file>``          a file
==============================  ==================================================================================

Wherever there is a wheel, its METADATA lies beside it (PEP 658). The index has an old numpy, PyPI the current one,
as it is with the real ones: that is what makes an extra index a trap.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from support import pages
from support.torch_wheels import index_builds, public_builds, triton_wheels
from support.web import Fault, Moved, Request, Resource, WebServer
from support.wheels import TinyWheel, files_in, normalized, project_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from support.wheels import File

#: Both real indexes: pages may be kept for ten minutes (PyPI's header; pytorch/test-infra@00b05fc2,
#: s3_management/manage_v2.py), files for ever.
PAGES_FOR_TEN_MINUTES = "max-age=600, public, must-revalidate"
NO_CACHE = "no-cache"
_FILES_FOR_EVER = "max-age=365000000, immutable, public"

TORCH_PROJECTS = ("torch", "torchvision", "torchaudio")
OLD_NUMPY = TinyWheel(
    "numpy",
    "1.26.3",
    modules=(("numpy/__init__.py", "__version__ = '1.26.3'\n"),),
    uploaded="2024-01-02T00:00:00Z",
)
NUMPY = TinyWheel(
    "numpy",
    "2.3.5",
    modules=(("numpy/__init__.py", "__version__ = '2.3.5'\n"),),
    uploaded="2025-11-16T00:00:00Z",
)


class TorchIndex:
    """Both indexes, running while the object is entered.

    ``sdists`` and ``wheelhouse`` are folders whose files PyPI has; more can be added at any time. ``unseen`` serves
    the builds too that nobody has seen on the real index. ``core_metadata`` off is an index without PEP 658.
    """

    def __init__(  # each is a switch of its own
        self,
        *,
        dists: Path | None = None,
        wheelhouse: Path | None = None,
        unseen: bool = False,
        core_metadata: bool = True,
        pages_cache_control: str = PAGES_FOR_TEN_MINUTES,
        port: int = 0,
    ) -> None:
        self._site = _Site(unseen=unseen, core_metadata=core_metadata, pages_cache_control=pages_cache_control)
        for folder in (dists, wheelhouse):
            if folder is not None:
                self.add(folder)
        for torch_backend, wheel in triton_wheels():
            self._site.add([wheel], torch_backend)
        self._server = WebServer(self._site, port)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, traceback)

    # --- where things are ---

    @property
    def url(self) -> str:
        """The server, without a slash at the end."""
        return self._server.url

    @property
    def pypi(self) -> str:
        """The view of PyPI, for --default-index and --index-url."""
        return f"{self.url}/pypi/simple/"

    @property
    def whl(self) -> str:
        """The base of the PyTorch index, as the setting index-url has it."""
        return f"{self.url}/whl"

    @property
    def find_links(self) -> str:
        """PyTorch's page of torch, which lists every file of it."""
        return f"{self.whl}/torch/"

    def of_backend(self, torch_backend: str) -> str:
        """The index of one torch backend."""
        return f"{self.whl}/{torch_backend}"

    # --- what is there ---

    def add(self, path: Path) -> None:
        """Put the wheels and sdists of a folder, or one file, on PyPI."""
        self._site.add(files_in(path))

    def add_wheel(self, wheel: TinyWheel, torch_backend: str | None = None) -> None:
        """Put a wheel on PyPI, or on the index of a torch backend."""
        self._site.add([wheel], torch_backend)

    # --- what happened, and what shall go wrong ---

    @property
    def log(self) -> tuple[Request, ...]:
        """The requests since the start or the last :meth:`reset_log`, oldest first."""
        return self._server.log

    def reset_log(self) -> None:
        self._server.reset_log()

    def speak_as(self, host: str, context: ssl.SSLContext) -> None:
        """See :meth:`support.web.WebServer.speak_as`."""
        self._server.speak_as(host, context)

    def fault(self, path: str, **fault: Any) -> None:
        """Something goes wrong at a path; the arguments are those of :class:`support.web.Fault`."""
        self._server.fault(path, Fault(**fault))

    def clear_faults(self) -> None:
        self._server.clear_faults()


class _Site:
    """Pages and files by path. What is added later changes the pages' ETag and their date."""

    def __init__(self, *, unseen: bool, core_metadata: bool, pages_cache_control: str) -> None:
        self._unseen = unseen
        self._core_metadata = core_metadata
        self._pages_cache_control = pages_cache_control
        self._added: dict[str | None, list[File]] = defaultdict(list)  # torch backend, or None for PyPI
        self._added[None].append(NUMPY)
        self._modified = int(time.time()) - 86400
        self._links: dict[str, tuple[pages.Link, ...]] = {}
        self._resources: dict[tuple[str, bool], Resource] = {}

    def add(self, files: Iterable[File], torch_backend: str | None = None) -> None:
        self._added[torch_backend].extend(files)
        self._modified = int(time.time())
        self._links = {}
        self._resources = {}

    def find(self, path: str, accept: str) -> Resource | Moved | None:
        wants_json = pages.JSON in accept
        key = (path, wants_json)
        found = self._resources.get(key)
        if found is not None:
            return found
        answer = self._find(path, wants_json=wants_json)
        if isinstance(answer, Resource):
            self._resources[key] = answer  # two threads that make the same page at once make equal ones
        return answer

    def _find(self, path: str, *, wants_json: bool) -> Resource | Moved | None:
        parts = path.strip("/").split("/")
        if parts[:2] == ["pypi", "simple"]:
            return self._pypi_page(path, parts[2:], wants_json=wants_json)
        if parts[:2] == ["pypi", "files"] and len(parts) == 3:
            return self._file(path, self._pypi_links(project_of(parts[2].removesuffix(".metadata"))))
        if parts[0] == "whl":
            return self._index(path, parts[1:])
        return None

    # --- PyPI ---

    def _pypi_page(self, path: str, rest: list[str], *, wants_json: bool) -> Resource | Moved | None:
        if not path.endswith("/"):
            return Moved(path + "/")
        if not rest:
            names = sorted({*TORCH_PROJECTS, *(project_of(file.filename) for file in self._added[None])})
            if wants_json:
                return self._page(pages.list_json(names), pages.JSON)
            return self._page(pages.list_html(names))
        if len(rest) > 1:
            return None
        [name] = rest
        if name != normalized(name):
            return Moved(f"/pypi/simple/{normalized(name)}/")
        links = self._pypi_links(name)
        if not links:
            return None
        if wants_json:
            return self._page(pages.project_json(name, links, core_metadata=self._core_metadata), pages.JSON)
        return self._page(pages.project_html(name, links, core_metadata=self._core_metadata))

    def _pypi_links(self, project: str) -> tuple[pages.Link, ...]:
        key = f"pypi/{project}"
        if key not in self._links:
            files: list[File] = []
            if project in TORCH_PROJECTS:
                files += [file for build in public_builds(project) for file in build.files]
            files += [file for file in self._added[None] if project_of(file.filename) == project]
            self._links[key] = tuple(pages.Link(file, f"/pypi/files/{file.filename}") for file in _once(files))
        return self._links[key]

    # --- the PyTorch index ---

    def _index(self, path: str, rest: list[str]) -> Resource | Moved | None:
        backends = self._torch_backends()
        if len(rest) == 2 and rest[0] in backends and rest[1].removesuffix(".metadata").endswith(".whl"):
            return self._file(path, self._index_links(project_of(rest[1].removesuffix(".metadata")), rest[0]))
        if not path.endswith("/"):
            return Moved(path + "/")
        if not rest:
            return self._page(pages.list_html([*self._index_projects(None), *backends]))
        if rest[0] in backends:
            if len(rest) == 1:
                return self._page(pages.list_html(self._index_projects(rest[0])))
            return self._index_page(rest[1:], rest[0])
        return self._index_page(rest, None)

    def _index_page(self, rest: list[str], torch_backend: str | None) -> Resource | None:
        if len(rest) != 1:
            return None
        links = self._index_links(rest[0], torch_backend)
        if not links:
            return None
        return self._page(pages.project_html(rest[0], links, core_metadata=self._core_metadata))

    def _index_links(self, project: str, torch_backend: str | None) -> tuple[pages.Link, ...]:
        """The files of a project for one torch backend, or for all of them."""
        key = f"whl/{torch_backend or ''}/{project}"
        if key not in self._links:
            links = []
            for backend in self._torch_backends() if torch_backend is None else (torch_backend,):
                files: list[File] = []
                if project in TORCH_PROJECTS:
                    builds = index_builds(project, unseen=self._unseen)
                    files += [file for build in builds if build.torch_backend == backend for file in build.files]
                if project == "numpy":
                    files.append(OLD_NUMPY)
                files += [file for file in self._added[backend] if project_of(file.filename) == project]
                links += [pages.Link(file, f"/whl/{backend}/{file.filename}") for file in _once(files)]
                if project == "numpy" and torch_backend is None:
                    break  # the page that lists all has one copy
            self._links[key] = tuple(links)
        return self._links[key]

    def _torch_backends(self) -> tuple[str, ...]:
        known = {build.torch_backend for build in index_builds("torch", unseen=self._unseen)}
        return tuple(sorted(name for name in {*known, *self._added} if name is not None))

    def _index_projects(self, torch_backend: str | None) -> list[str]:
        added = [files for backend, files in self._added.items() if backend == torch_backend and backend is not None]
        return sorted({*TORCH_PROJECTS, "numpy", *(project_of(file.filename) for files in added for file in files)})

    # --- both ---

    def _file(self, path: str, links: tuple[pages.Link, ...]) -> Resource | None:
        for link in links:
            if link.path == path:
                return Resource(link.file.content, cache_control=_FILES_FOR_EVER, modified=self._modified)
            if self._core_metadata and f"{link.path}.metadata" == path and link.file.metadata is not None:
                return Resource(link.file.metadata, cache_control=_FILES_FOR_EVER, modified=self._modified)
        return None

    def _page(self, body: bytes, content_type: str = pages.HTML) -> Resource:
        return Resource(body, content_type, self._pages_cache_control, self._modified)


def _once(files: list[File]) -> list[File]:
    """The files without those whose name a later one has: what is added replaces what was there."""
    return list({file.filename: file for file in files}.values())
