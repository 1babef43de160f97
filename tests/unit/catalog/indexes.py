"""A PyPI and a PyTorch index of a few tiny wheels, and a catalog that agrees with them: torch 2.5.1 alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog_files import Record, save
from catalog_update import SOURCES
from support import pages
from support.web import Moved, Resource
from support.wheels import TinyWheel, project_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What torch.cuda.get_arch_list() is made of, as it stands among the other strings of a library.
LIBRARY = "torch/lib/libtorch_python.so"
STRINGS = "\0sm_\0a list of sm_90 only\0{}\0compute\0"

LINUX, WINDOWS, MACOS = "manylinux1_x86_64", "win_amd64", "macosx_11_0_arm64"


def torch_wheel(release: str, tag: str, inside: str, *, local: str = "", archs: str = "", **rest: Any) -> TinyWheel:
    """A wheel of torch for Python 3.12 that calls itself ``inside``, with GPU architectures where they are given."""
    modules = [("torch/version.py", f"__all__ = []\n__version__: str = {inside!r}\ncuda = None\n")]
    if archs:
        modules.append((LIBRARY, STRINGS.format(archs)))
    version = f"{release}+{local}" if local else release
    return TinyWheel("torch", version, f"cp312-cp312-{tag}", modules=tuple(modules), **rest)


@dataclass
class Indexes:
    """What both serve: ``pypi`` and ``whl`` are their wheels. ``raw`` are answers of another shape, by path."""

    json: bool = True
    pypi: list[TinyWheel] = field(default_factory=list)
    whl: list[TinyWheel] = field(default_factory=list)
    raw: dict[str, Resource] = field(default_factory=dict)

    def find(self, path: str, accept: str) -> Resource | Moved | None:
        """A page of ``/pypi/<project>/`` or ``/whl/<project>/``, or a file beside it."""
        if path in self.raw:
            return self.raw[path]
        side, project, *rest = path.strip("/").split("/")
        wheels = [wheel for wheel in self._side(side) if project_of(wheel.filename) == project]
        links = [pages.Link(wheel, f"/{side}/{project}/{wheel.filename}") for wheel in wheels]
        if rest:
            return next((Resource(link.file.content) for link in links if link.path == path), None)
        if not links:
            return None
        if self.json and side == "pypi" and pages.JSON in accept:
            return Resource(pages.project_json(project, links, core_metadata=False), pages.JSON)
        return Resource(pages.project_html(project, links, core_metadata=False), pages.HTML)

    def _side(self, side: str) -> Iterable[TinyWheel]:
        return {"pypi": self.pypi, "whl": self.whl}.get(side, [])


def agreeing() -> Indexes:
    """Indexes with just what :func:`catalog` says."""
    return Indexes(
        pypi=[
            torch_wheel("2.5.1", LINUX, "2.5.1+cu124", archs="sm_50 sm_90"),
            torch_wheel("2.5.1", WINDOWS, "2.5.1+cpu"),
            torch_wheel("2.5.1", MACOS, "2.5.1"),
            TinyWheel("torchvision", "0.20.1", f"cp312-cp312-{LINUX}", requires=("torch==2.5.1",)),
        ],
        whl=[
            torch_wheel("2.5.1", "linux_x86_64", "2.5.1+cpu", local="cpu"),
            torch_wheel("2.5.1", "linux_x86_64", "2.5.1+cu124", local="cu124"),
            torch_wheel("2.5.1", WINDOWS, "2.5.1+cpu", local="cpu"),
            torch_wheel("2.5.1", MACOS, "2.5.1"),
            TinyWheel("torchvision", "0.20.1+cpu", "cp312-cp312-linux_x86_64"),
            TinyWheel("torchvision", "0.20.1+cu124", "cp312-cp312-linux_x86_64"),
        ],
    )


def catalog(folder: Path) -> Path:
    """A catalog in a folder, which it returns."""
    save(folder, _files())
    return folder


def _files() -> dict[str, Record]:
    known = {"confidence": "verified", "source": "index-page"}
    by_hand = {"confidence": "verified", "source": "by-hand"}
    tags = {"linux_x86_64": LINUX, "win_amd64": WINDOWS, "macos_arm64": MACOS}
    public = {"linux_x86_64": "cu124", "win_amd64": "cpu", "macos_arm64": "cpu"}
    served = agreeing()
    sizes = {wheel.filename: {"size": len(wheel.content)} for wheel in (*served.pypi, *served.whl)}
    platforms = [
        {"release": "2.5.1", "platform": name, "public": public[name], "pythons": ["3.12"], "tags": [tag]}
        | sizes[f"torch-2.5.1-cp312-cp312-{tag}.whl"]
        | {"confidence": "verified", "source": "pypi-wheel"}
        for name, tag in tags.items()
    ]
    linux = {"release": "2.5.1", "platform": "linux_x86_64"}
    own = {"tags": ["linux_x86_64"]}
    gpus = {"sm": [50, 90], "ptx": [], "arch_confidence": "script", "arch_source": "by-hand"}
    local = "torch-2.5.1+{}-cp312-cp312"
    builds = [
        {
            **linux,
            "torch_backend": "cpu",
            "local": "cpu",
            **own,
            **sizes[f"{local.format('cpu')}-linux_x86_64.whl"],
            **known,
        },
        {
            **linux,
            "torch_backend": "cu124",
            "local": "cu124",
            **own,
            **gpus,
            **sizes[f"{local.format('cu124')}-linux_x86_64.whl"],
            **known,
        },
        {
            "release": "2.5.1",
            "platform": "win_amd64",
            "torch_backend": "cpu",
            "local": "cpu",
            **sizes[f"{local.format('cpu')}-{WINDOWS}.whl"],
            **known,
        },
        {"release": "2.5.1", "platform": "macos_arm64", "torch_backend": "cpu", "local": None, **known},
    ]
    release = {"release": "2.5.1", "released": "2024-10-29", "requires_python": ">=3.8", "source": "pypi"}
    pair = {"project": "torchvision", "version": "0.20.1", "release": "2.5.1"}
    local_versions = {"linux_x86_64": ["cpu", "cu124"]}
    used = {name: SOURCES[name] for name in ("index-page", "pypi", "pypi-wheel")}
    return {
        "releases.json": {"version": 1, "as_of": "2026-01-01", "releases": [release], "platforms": platforms},
        "builds.json": {"version": 1, "builds": builds, "other_locals": []},
        "nvidia.json": {
            "version": 1,
            "toolkit_floors": [{"toolkit_major": major, "linux": "1", "windows": "1", **by_hand} for major in (11, 12)],
            "paired_drivers": [{"cuda": cuda, "linux": "1", **by_hand} for cuda in ("11.8", "12.1", "12.4", "12.6")],
        },
        "pairs.json": {"version": 1, "pairs": [{**pair, "local_versions": local_versions, **known}]},
        "sources.json": {"version": 1, "sources": {"by-hand": "written by hand, and kept", **used}},
    }
