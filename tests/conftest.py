"""What all tests share: package indexes, frontends, interpreters and a fake NVML, each a fixture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import pytest
from support import fake_nvml as fake
from support import frontends, interpreters
from support.dists import core as unpack_core
from support.dists import dists as make_dists
from support.torch_index import TorchIndex
from support.wheelhouse import wheelhouse as download_wheelhouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.frontends import Frontend, Sandbox

pytest_plugins = ["support.docstrings", "support.groups"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--uv", metavar="VERSION", help="run the tests with this version of uv instead of the newest")
    parser.addoption(
        "--frontend-results", metavar="DIR", help="keep what each frontend came to; tools/frontend_table.py"
    )


def pytest_configure(config: pytest.Config) -> None:
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR"):
        os.environ.pop(name, None)  # what is printed depends on them; pytest-xdist sets COLUMNS
    config.addinivalue_line("markers", "frontend: runs uv, pip, build or Poetry as a user does")
    # How long an example takes is the machine's affair, and a busy one is no fault of the code's.
    # The same examples in each run: a new one is found by whoever looks for it (long: CONTRIBUTING.md), not by whoever
    # changed something else.
    hypothesis.settings.register_profile("torch-auto", deadline=None, derandomize=True, database=None)
    hypothesis.settings.register_profile("long", deadline=None, print_blob=True)
    hypothesis.settings.load_profile(config.getoption("--hypothesis-profile", None) or "torch-auto")


# --- package indexes ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheelhouse() -> Path:
    """The folder of wheels that a build takes, from the machine's package index."""
    return download_wheelhouse()


@pytest.fixture(scope="session")
def dists() -> Path:
    """The folder of what we publish: an sdist per torch release, and torch-auto-core's sdist and wheel."""
    return make_dists()


@pytest.fixture(scope="session")
def core() -> Path:
    """A folder for sys.path that holds torch-auto-core as it is installed."""
    return unpack_core()


@pytest.fixture
def index(wheelhouse: Path) -> Iterator[TorchIndex]:
    """A PyTorch index and a view of PyPI of the test's own, the latter with the wheelhouse and without torch-auto."""
    with TorchIndex(wheelhouse=wheelhouse) as running:
        yield running


@pytest.fixture
def published(index: TorchIndex, dists: Path) -> TorchIndex:
    """The same, with what we publish."""
    index.add(dists)
    return index


# --- frontends ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path, index: TorchIndex) -> Sandbox:
    """A home, caches and settings of the test's own, with ``index`` as the package index."""
    return frontends.Sandbox(tmp_path, index)


@pytest.fixture
def uv(sandbox: Sandbox, request: pytest.FixtureRequest) -> Frontend:
    """The newest uv, or the one that --uv names."""
    return frontends.Frontend(frontends.uv(request.config.getoption("--uv")), sandbox)


@pytest.fixture
def oldest_uv(sandbox: Sandbox) -> Frontend:
    """The oldest uv that we support."""
    return frontends.Frontend(frontends.uv(frontends.OLDEST_UV), sandbox)


@pytest.fixture(params=["newest", pytest.param("oldest", marks=pytest.mark.slow)])
def any_uv(sandbox: Sandbox, request: pytest.FixtureRequest) -> Frontend:
    """The newest uv, then the oldest."""
    tool = frontends.uv() if request.param == "newest" else frontends.uv(frontends.OLDEST_UV)
    return frontends.Frontend(tool, sandbox)


@pytest.fixture
def pip(sandbox: Sandbox) -> Frontend:
    """The newest pip."""
    return frontends.Frontend(frontends.pip(), sandbox)


@pytest.fixture
def old_pip(sandbox: Sandbox) -> Frontend:
    """pip 23.2."""
    return frontends.Frontend(frontends.pip(frontends.OLD_PIP), sandbox)


@pytest.fixture(params=["newest", pytest.param("old", marks=pytest.mark.slow)])
def any_pip(sandbox: Sandbox, request: pytest.FixtureRequest) -> Frontend:
    """The newest pip, then 23.2."""
    tool = frontends.pip() if request.param == "newest" else frontends.pip(frontends.OLD_PIP)
    return frontends.Frontend(tool, sandbox)


@pytest.fixture
def pyproject_build(sandbox: Sandbox) -> Frontend:
    """pypa/build, ``python -m build``."""
    return frontends.Frontend(frontends.pyproject_build(), sandbox)


@pytest.fixture
def poetry(sandbox: Sandbox) -> Frontend:
    """Poetry 2."""
    return frontends.Frontend(frontends.poetry(), sandbox)


@pytest.fixture(scope="session")
def interpreter() -> Callable[[str], Path]:
    """``interpreter("3.8")`` is that Python's executable; where there is none, the test is skipped."""

    def find(version: str) -> Path:
        found = interpreters.find(version)
        if found is None:
            pytest.skip(f"this machine has no Python {version}, neither in PATH nor beside the running one")
        return found

    return find


# --- machines ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def fake_nvml() -> Callable[..., dict[str, str]]:
    """``fake_nvml(driver, cuda, devices, errors, hang)``: the variables under which NVML reports that."""
    reason = fake.why_not()
    if reason is not None:
        pytest.skip(reason)
    fake.build()
    return fake.env
