"""What the rows share: one index, and the caches of each machine, for the whole session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import pytorch_org
from support.frontends import Sandbox
from support.torch_index import TorchIndex

from frontends.rows import MACHINES, Kit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def shared_index(wheelhouse: Path, dists: Path) -> Iterator[TorchIndex]:
    """Both indexes, with our sdists."""
    with TorchIndex(wheelhouse=wheelhouse, dists=dists) as running:
        yield running


@pytest.fixture(scope="session")
def bare_index(wheelhouse: Path) -> Iterator[TorchIndex]:
    """Both indexes, without torch-auto and its core."""
    with TorchIndex(wheelhouse=wheelhouse) as running:
        yield running


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what tools keep. Each machine has its own: nobody's build may be served to another."""
    return tmp_path_factory.mktemp("caches")


@pytest.fixture
def kit(tmp_path: Path, shared_index: TorchIndex, bare_index: TorchIndex, caches: Path) -> Callable[[str], Kit]:
    """``kit(machine)``: a home and settings of the test's own on a machine of ``MACHINES``."""

    def make(machine: str) -> Kit:
        file = tmp_path / "machine.json"
        file.write_text(json.dumps(MACHINES[machine]), "utf-8")
        kept = caches / str(list(MACHINES).index(machine))
        names = ("UV_CACHE_DIR", "PIP_CACHE_DIR", "PIP_TOOLS_CACHE_DIR", "POETRY_CACHE_DIR", "PDM_CACHE_DIR")
        variables = {name: str(kept / name.lower()) for name in names}
        variables["PIPX_SHARED_LIBS"] = str(caches / "pipx")
        variables["TORCH_AUTO_MACHINE"] = str(file)
        variables["UV_FIND_LINKS"] = variables["PIP_FIND_LINKS"] = shared_index.find_links
        return Kit(Sandbox(tmp_path, shared_index), variables, {}, bare_index)

    return make


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for download.pytorch.org, and its key."""
    reason = pytorch_org.why_not()
    if reason is not None:
        pytest.skip(reason)
    return pytorch_org.certificate(tmp_path_factory.mktemp("pytorch-org"))
