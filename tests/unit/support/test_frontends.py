"""Real uv, pip, build and Poetry work on the tests' own indexes, and see nothing of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
from typing import TYPE_CHECKING

import pytest
from support import frontends
from support.lock import read_lock
from support.torch_index import NO_CACHE, TorchIndex
from support.wheelhouse import PYTHONS
from support.wheels import TinyWheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.frontends import Frontend, Sandbox

pytestmark = pytest.mark.frontend

LINUX = ["--python-platform", "x86_64-manylinux_2_28", "--python-version", "3.11"]


# --- hermetic ----------------------------------------------------------------------------------------------------


def test_nothing_is_inherited(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of uv, pip, Poetry and torch-auto that this machine has do not reach a program in the sandbox."""
    names = ("UV_FIND_LINKS", "UV_TORCH_BACKEND", "PIP_FIND_LINKS", "POETRY_HTTP_TIMEOUT", "TORCH_AUTO_BACKEND")
    for name in (*names, "CUDA_VISIBLE_DEVICES", "PYTHONPATH"):
        monkeypatch.setenv(name, "/inherited")
    code = "import os; print([k for k, v in os.environ.items() if '/inherited' in v])"
    assert sandbox.run([sandbox.python, "-c", code]).stdout == "[]\n"


def test_home_and_caches_are_the_tests_own(sandbox: Sandbox) -> None:
    """Home, caches and settings lie below the test's own folder."""
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR", "UV_CACHE_DIR", "PIP_CACHE_DIR", "POETRY_CACHE_DIR")
    assert [name for name in names if not sandbox.environment[name].startswith(str(sandbox.root))] == []


def test_only_the_tests_index_is_reached(uv: Frontend, pip: Frontend, poetry: Frontend) -> None:
    """A program in the sandbox reaches no other host than 127.0.0.1, whatever a test does by mistake."""
    index = uv.sandbox.index
    other_host = index.pypi.replace("127.0.0.1", "localhost")  # what stands for any other host: it would answer
    sources = frontends.poetry_sources(index).replace("127.0.0.1", "localhost")
    project = uv.sandbox.project(["torch==2.5.1"], requires_python=">=3.11,<3.12", extra=sources)
    once = {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "0"}
    runs = [
        uv.run(["lock", "--default-index", other_host], cwd=project, env=once, check=False),
        pip.run(["download", "--trusted-host", "localhost", "--index-url", other_host, "torch"], env=once, check=False),
        poetry.run(["lock"], cwd=project, check=False),
    ]
    assert [run.returncode for run in runs if run.returncode == 0] == []
    assert index.log == ()


def test_env_adds_and_takes_out(sandbox: Sandbox) -> None:
    """A test can set a variable for one run, and take one out."""
    code = "import os; print(os.environ.get('ONE'), os.environ.get('PIP_INDEX_URL'))"
    done = sandbox.run([sandbox.python, "-c", code], env={"ONE": "1", "PIP_INDEX_URL": None})
    assert done.stdout == "1 None\n"


def test_failure_shows_both_streams(sandbox: Sandbox) -> None:
    """A run that fails fails the test, with the exit code and both streams; a test can expect it instead."""
    command = [str(sandbox.python), "-c", "import sys; print('out'); sys.exit('err')"]
    with pytest.raises(AssertionError, match=r"(?s)exit code 1.*out.*err"):
        sandbox.run(command)
    done = sandbox.run(command, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "out\n", "err\n")


def test_what_hangs_is_ended(sandbox: Sandbox) -> None:
    """A run that does not end in time is ended, with all that it started."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    start = time.perf_counter()
    with pytest.raises(AssertionError, match="not finished after 2"):
        sandbox.run([sandbox.python, "-c", code], timeout=2)
    assert time.perf_counter() - start < 30
    child = int((sandbox.root / "child").read_text())
    for _ in range(50):  # the kernel may take a moment
        if not alive(child):
            break
        time.sleep(0.1)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- what is installed -------------------------------------------------------------------------------------------


def test_tools_are_what_they_are_called() -> None:
    """Each tool reports the version that it was installed as."""
    tools = [frontends.uv(), frontends.uv(frontends.OLDEST_UV), frontends.pip(), frontends.pip(frontends.OLD_PIP)]
    tools += [frontends.pyproject_build(), frontends.poetry()]
    for tool in tools:
        done = subprocess.run([str(tool.executable), "--version"], capture_output=True, text=True, check=True)
        assert tool.version in done.stdout
    assert [tool.version for tool in tools[1::2]][:2] == [frontends.OLDEST_UV, frontends.OLD_PIP]
    assert tools[-1].version.startswith("2.")


@pytest.mark.parametrize("version", PYTHONS)
def test_wheelhouse_is_complete(uv: Frontend, interpreter: Callable[[str], Path], version: str) -> None:
    """The wheelhouse has all that building and installing takes, on each Python."""
    wanted = uv.sandbox.root / "wanted.in"
    wanted.write_text("hatchling>=1.27\npackaging>=24.2\nnvidia-ml-py>=12\neditables\n")
    done = uv.run(["pip", "compile", "--no-header", "--no-annotate", "--python", interpreter(version), wanted])
    names = [line.partition("==")[0] for line in done.stdout.splitlines()]
    assert {"hatchling", "packaging", "nvidia-ml-py", "editables", "pathspec", "pluggy"} <= set(names)
    assert ("tomli" in names) == (version in ("3.8", "3.9", "3.10"))


# --- uv ----------------------------------------------------------------------------------------------------------


def test_compile_without_the_page(any_uv: Frontend) -> None:
    """Without PyTorch's page, torch is PyPI's build."""
    done = any_uv.run(["pip", "compile", "--no-header", "--no-annotate", *LINUX, asked(any_uv, "torch==2.5.1")])
    assert done.stdout == "torch==2.5.1\n"


def test_compile_with_the_page(any_uv: Frontend) -> None:
    """With the page for find-links, it is the highest local version."""
    page = ["--find-links", any_uv.sandbox.index.find_links]
    exact = asked(any_uv, "torch==2.5.1,!=2.5.1+xpu,!=2.5.1+rocm6.1,!=2.5.1+rocm6.2")
    done = any_uv.run(["pip", "compile", "--no-header", "--no-annotate", *LINUX, *page, exact])
    assert "torch==2.5.1+cu124\n" in done.stdout


def asked(frontend: Frontend, *requirements: str) -> Path:
    """A file with requirements."""
    path = frontend.sandbox.root / "asked.in"
    path.write_text("\n".join([*requirements, ""]))
    return path


def test_lock_with_the_page(any_uv: Frontend) -> None:
    """uv lock takes a local version from the page for find-links where the project names that page."""
    sandbox = any_uv.sandbox
    page = f'[tool.uv]\nfind-links = ["{sandbox.index.find_links}"]'
    project = sandbox.project(["torch==2.5.1+cu124 ; sys_platform == 'linux'"], extra=page)
    any_uv.run(["lock"], cwd=project)
    [torch] = read_lock(project)["torch"]
    assert torch.version == "2.5.1+cu124"
    assert torch.source == sandbox.index.find_links
    assert "torch-2.5.1+cu124-cp311-cp311-linux_x86_64.whl" in torch.files


def test_page_hides_public_files_from_a_lock(uv: Frontend) -> None:
    """Where the page for find-links lists a bare version for any platform, uv lock takes that version from it alone."""
    # macOS's wheels have no local version, so they are such files: PyPI's Windows wheels are not in the lock then.
    sandbox, page = uv.sandbox, f'[tool.uv]\nfind-links = ["{uv.sandbox.index.find_links}"]'
    torch = "torch==2.13.0.*,!=2.13.0+cpu,!=2.13.0+cu126,!=2.13.0+cu130,!=2.13.0+cu132,!=2.13.0+xpu"
    found = []
    for name, extra in (("with", page), ("without", "")):
        project = sandbox.project([f"{torch} ; sys_platform == 'win32'"], name=name, extra=extra)
        uv.run(["lock"], cwd=project)
        found += read_lock(project)["torch"]
    assert [(entry.version, entry.source) for entry in found] == [
        ("2.13.0", sandbox.index.find_links),
        ("2.13.0", sandbox.index.pypi),
    ]
    assert [entry.serves("win_amd64") for entry in found] == [False, True]


def test_second_lock_asks_whether_pages_changed(wheelhouse: Path, uv: Frontend, tmp_path: Path) -> None:
    """Where pages may not be kept, the second uv lock asks for each again and is told 304."""
    with TorchIndex(wheelhouse=wheelhouse, pages_cache_control=NO_CACHE) as index:
        inside = frontends.Frontend(uv.tool, frontends.Sandbox(tmp_path / "own", index))
        project = inside.sandbox.project(
            ["torch==2.5.1+cu124", "numpy"], extra=f'[tool.uv]\nfind-links = ["{index.find_links}"]'
        )
        inside.run(["lock"], cwd=project)
        first = index.log
        index.reset_log()
        (project / "uv.lock").unlink()
        inside.run(["lock"], cwd=project)
        pages = {request.path for request in first if request.path.endswith("/")}
        assert pages == {"/pypi/simple/torch/", "/pypi/simple/numpy/", "/whl/torch/"}
        assert {request.path: (request.status, request.size) for request in index.log} == dict.fromkeys(pages, (304, 0))


def test_lock_within_ten_minutes_asks_nothing(uv: Frontend) -> None:
    """Where pages may be kept, as the real ones, the second uv lock asks for none."""
    index = uv.sandbox.index
    project = uv.sandbox.project(["torch==2.5.1+cu124"], extra=f'[tool.uv]\nfind-links = ["{index.find_links}"]')
    uv.run(["lock"], cwd=project)
    index.reset_log()
    (project / "uv.lock").unlink()
    uv.run(["lock"], cwd=project)
    assert index.log == ()


def test_extra_index_shadows_numpy(any_uv: Frontend) -> None:
    """An ordinary extra index shadows PyPI: numpy comes from the PyTorch index, years old. find-links does not."""
    index = any_uv.sandbox.index
    command: list[str | Path] = ["pip", "compile", "--no-header", "--no-annotate", *LINUX]
    command.append(asked(any_uv, "numpy", "torch==2.5.1"))
    shadowed = any_uv.run([*command, "--index", index.of_backend("cu124")]).stdout
    with_page = any_uv.run([*command, "--find-links", index.find_links]).stdout
    assert "numpy==1.26.3\n" in shadowed
    assert "numpy==2.3.5\n" in with_page


def test_sync_installs_a_torch_that_imports(any_uv: Frontend) -> None:
    """uv sync installs a tiny torch, which imports."""
    project = any_uv.sandbox.project(["torch==2.13.0"])
    any_uv.run(["sync"], cwd=project)
    done = any_uv.run(["run", "--no-sync", "python", "-c", "import torch; print(torch.__version__)"], cwd=project)
    assert done.stdout == "2.13.0+cu130\n"


# --- pip, build, Poetry ------------------------------------------------------------------------------------------


def test_pip_installs_a_torch_that_imports(any_pip: Frontend) -> None:
    """pip installs PyPI's build, or a local version with PyTorch's page, and either imports."""
    index = any_pip.sandbox.index
    found = []
    pages: list[tuple[str, list[str]]] = [("2.13.0", []), ("2.13.0+cpu", ["--find-links", index.find_links])]
    for version, page in pages:
        python = any_pip.sandbox.venv(name=version)
        any_pip.run(["--python", python, "install", f"torch=={version}", *page])
        code = "import torch, importlib.metadata as m; print(m.version('torch'), torch.__version__)"
        found.append(any_pip.sandbox.run([python, "-c", code]).stdout.split())
    assert found[0] == ["2.13.0", "2.13.0+cu130"]
    assert found[1] == ["2.13.0+cpu", "2.13.0+cpu"]


SDIST = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "sample"
version = "1.0"
requires-python = ">=3.8"
dependencies = ["torch==2.5.1"]
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A project that hatchling builds."""
    folder = tmp_path / "sample-source"
    (folder / "sample").mkdir(parents=True)
    (folder / "sample" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(SDIST)
    return folder


def test_build_makes_an_sdist(pyproject_build: Frontend, sample: Path) -> None:
    """python -m build fetches what it needs from the wheelhouse and makes sdist and wheel."""
    pyproject_build.run([sample], cwd=sample)
    assert sorted(path.name for path in (sample / "dist").iterdir()) == [
        "sample-1.0-py3-none-any.whl",
        "sample-1.0.tar.gz",
    ]
    with tarfile.open(sample / "dist" / "sample-1.0.tar.gz") as archive:
        assert "sample-1.0/PKG-INFO" in archive.getnames()


def test_frontends_build_an_sdist(
    pyproject_build: Frontend, any_uv: Frontend, pip: Frontend, poetry: Frontend, sample: Path
) -> None:
    """uv, pip and Poetry build an sdist of ours from the view of PyPI, with nothing but the wheelhouse to build it."""
    sandbox = any_uv.sandbox
    pyproject_build.run(["--sdist", sample], cwd=sample)
    sandbox.index.add(sample / "dist")
    project = sandbox.project(["sample"])
    any_uv.run(["lock"], cwd=project)
    assert [entry.version for entry in read_lock(project)["torch"]] == ["2.5.1"]
    python = sandbox.venv()
    pip.run(["--python", python, "install", "sample"])
    assert sandbox.run([python, "-c", "import sample, torch; print(torch.__version__)"]).stdout == "2.5.1+cu124\n"
    locked = sandbox.project(
        ["sample"], name="with-poetry", requires_python=">=3.11,<3.13", extra=frontends.poetry_sources(sandbox.index)
    )
    poetry.run(["lock"], cwd=locked)
    assert [entry.version for entry in read_lock(locked, "poetry.lock")["torch"]] == ["2.5.1"]


def test_poetry_installs_a_torch_that_imports(poetry: Frontend) -> None:
    """Poetry locks and installs a tiny torch, from PyPI or from the index of a torch backend."""
    sandbox = poetry.sandbox
    sources = frontends.poetry_sources(sandbox.index, "cu124")
    project = sandbox.project(["torch==2.5.1+cu124"], requires_python=">=3.11,<3.12", extra=sources)
    poetry.run(["lock"], cwd=project)
    poetry.run(["sync"], cwd=project)
    code = "import torch; print(torch.__version__)"
    assert poetry.run(["run", "python", "-c", code], cwd=project).stdout == "2.5.1+cu124\n"


def test_other_pythons(any_uv: Frontend, interpreter: Callable[[str], Path]) -> None:
    """A tiny torch for an old Python imports there."""
    sandbox = any_uv.sandbox
    python = sandbox.venv(interpreter("3.8"))
    any_uv.run(["pip", "install", "--python", python, "torch"])
    done = sandbox.run([python, "-c", "import torch; print(torch.__version__)"])
    assert done.stdout == "2.4.1+cu121\n"


def test_a_wheel_of_the_tests_own(any_uv: Frontend) -> None:
    """A test can put a distribution of its own beside torch and resolve both."""
    any_uv.sandbox.index.add_wheel(TinyWheel("needs-torch", "1.0", requires=("torch==2.8.0",)))
    done = any_uv.run(["pip", "compile", "--no-header", "--no-annotate", *LINUX, asked(any_uv, "needs-torch")])
    assert done.stdout == "needs-torch==1.0\ntorch==2.8.0\n"


def test_default_python(sandbox: Sandbox) -> None:
    """The sandbox's Python is that of the tests, without what the tests' venv has."""
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix == sys.base_prefix)"
    done = sandbox.run([sandbox.python, "-c", code])
    assert done.stdout == f"{sys.version_info[0]}.{sys.version_info[1]} True\n"
