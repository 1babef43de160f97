"""The rows of uv."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import Marker
from support import frontends
from support.lock import read_lock

from frontends.rows import FAILS, python_of, requirements_file, row, seen

if TYPE_CHECKING:
    from pathlib import Path

    from frontends.rows import Kit

PRINTS_TORCH = ("python", "-c", "import torch; print(torch.__version__)")

#: A project that needs torch to be built: its build backend writes down which one it found.
BACKEND = """
import zipfile
import torch

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "ext-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        wheel.writestr("ext_torch", torch.__version__)
        wheel.writestr("ext-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: ext\\nVersion: 1.0\\n")
        wheel.writestr("ext-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("ext-1.0.dist-info/RECORD", "")
    return name
"""


def extension(kit: Kit) -> Path:
    """A project with torch-auto as a build requirement."""
    folder = kit.root / "ext"
    folder.mkdir()
    (folder / "backend.py").write_text(BACKEND, "utf-8")
    system = 'requires = ["torch-auto"]\nbuild-backend = "backend"\nbackend-path = ["."]'
    (folder / "pyproject.toml").write_text(
        f'[build-system]\n{system}\n[project]\nname = "ext"\nversion = "1.0"\nrequires-python = ">=3.11"\n', "utf-8"
    )
    return folder


def built_with(folder: Path) -> str:
    """The torch that an extension was built with."""
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(folder / "dist" / "ext-1.0-py3-none-any.whl") as wheel:
        return wheel.read("ext_torch").decode()


#: torch-auto brings torch into an environment; the command is torch-auto-core's.
NOT_A_TOOL = "Did you mean `uv tool install torch-auto-core`?"


def planned(kit: Kit, environment: Path) -> str:
    """The torch that the command of an environment plans for this machine."""
    said = kit.sandbox.run([environment / "bin/torch-auto", "plan"], env=kit.variables).stdout
    return said.split(" ", 2)[1]


def new_venv(kit: Kit, name: str = "venv") -> Path:
    """The Python of a venv that uv makes, without pip."""
    kit.run(frontends.uv(), "venv", "--quiet", kit.root / name)
    return kit.root / name / "bin" / "python"


@row("uv", "uv add torch-auto")
def _add(kit: Kit) -> str:
    project = kit.sandbox.project()
    kit.run(frontends.uv(), "add", "torch-auto", cwd=project)
    return kit.torch(python_of(project))


@row("uv", "uv lock")
def _lock(kit: Kit) -> str:
    project = kit.project()
    kit.run(frontends.uv(), "lock", cwd=project)
    here = set()
    for package in read_lock(project)["torch"]:
        if any(Marker(marker).evaluate() for marker in package.markers):
            here.add(package.version)
    return ", ".join(sorted(here))


@row("uv", "uv sync")
def _sync(kit: Kit) -> str:
    project = kit.project()
    kit.run(frontends.uv(), "sync", cwd=project)
    return kit.torch(python_of(project))


@row("uv", "uv run python")
def _run(kit: Kit) -> str:
    return kit.run(frontends.uv(), "run", *PRINTS_TORCH, cwd=kit.project()).stdout.strip()


@row("uv", "uv run --with torch-auto python")
def _run_with(kit: Kit) -> str:
    project = kit.sandbox.project()  # outside of one, what the Python itself has installed counts too
    return kit.run(frontends.uv(), "run", "--with", "torch-auto", *PRINTS_TORCH, cwd=project).stdout.strip()


@row("uv", "uv pip install torch-auto")
def _pip_install(kit: Kit) -> str:
    python = new_venv(kit)
    kit.run(frontends.uv(), "pip", "install", "--python", python, "torch-auto")
    return kit.torch(python)


@row("uv", "uv pip compile --universal")
def _pip_compile(kit: Kit) -> str:
    source = requirements_file(kit.root, ["torch-auto"], "requirements.in")
    return kit.pinned(kit.run(frontends.uv(), "pip", "compile", "--universal", source).stdout)


@row("uv", "uv tool install torch-auto-core, torch-auto plan")
def _tool_install(kit: Kit) -> str:
    kit.run(frontends.uv(), "tool", "install", "torch-auto-core")
    return planned(kit, kit.root / "home/data/uv/tools/torch-auto-core")


@row("uv", "uv tool install torch-auto", cpu=FAILS, a100=FAILS, sees=NOT_A_TOOL)
def _tool_install_torch(kit: Kit) -> str:
    return seen(kit.run(frontends.uv(), "tool", "install", "torch-auto", check=False), NOT_A_TOOL)


@row("uv", "uv export, uv pip install -r")
def _export(kit: Kit) -> str:
    project = kit.project()
    kit.run(frontends.uv(), "export", "--quiet", "--output-file", "out.txt", cwd=project)
    python = new_venv(kit)
    kit.run(frontends.uv(), "pip", "install", "--require-hashes", "--python", python, "-r", project / "out.txt")
    return kit.torch(python)


@row("uv", "uv export --format pylock.toml, uv pip install -r")
def _export_pylock(kit: Kit) -> str:
    project = kit.project()
    kit.run(frontends.uv(), "export", "--quiet", "--format", "pylock.toml", "-o", "pylock.toml", cwd=project)
    python = new_venv(kit)
    command: list[str | Path] = ["pip", "install", "--python", python, "-r", project / "pylock.toml"]
    kit.run(frontends.uv(), *command, env={"UV_FIND_LINKS": None})  # the lock holds the wheel's URL
    return kit.torch(python)


@row("uv", "uv add --script job.py torch-auto, uv run job.py")
def _script(kit: Kit) -> str:
    script = kit.root / "job.py"
    script.write_text("import torch\nprint(torch.__version__)\n", "utf-8")
    kit.run(frontends.uv(), "add", "--script", script, "torch-auto")
    assert "# dependencies = [" in script.read_text("utf-8")
    return kit.run(frontends.uv(), "run", script).stdout.strip()


@row("uv", "uv build, with torch-auto as a build requirement")
def _build(kit: Kit) -> str:
    folder = extension(kit)
    kit.run(frontends.uv(), "build", "--wheel", cwd=folder)
    return built_with(folder)


@row(
    "uv",
    "uv sync --no-build",
    cpu=FAILS,
    a100=FAILS,
    sees="Wheels are required for `torch-auto` because building from source is disabled for all packages",
)
def _no_build(kit: Kit) -> str:
    done = kit.run(frontends.uv(), "sync", "--no-build", cwd=kit.project(), check=False)
    return seen(done, "Wheels are required for `torch-auto` because building from source is disabled for all packages")


@row(
    "uv",
    "uv pip install --only-binary :all: torch-auto",
    setting="`--no-binary torch-auto` after it: torch-auto is published as source alone",
)
def _only_binary(kit: Kit) -> str:
    python = new_venv(kit)
    command: list[str | Path] = [
        "pip",
        "install",
        "--python",
        python,
        "--only-binary",
        ":all:",
        "--no-binary",
        "torch-auto",
    ]
    kit.run(frontends.uv(), *command, "torch-auto")
    return kit.torch(python)


@row(
    "uv",
    "uv pip install --no-build-isolation torch-auto",
    setting="torch-auto-core has to be in the environment: it builds",
)
def _no_isolation(kit: Kit) -> str:
    python = new_venv(kit)
    uv = frontends.uv()
    kit.run(uv, "pip", "install", "--python", python, "torch-auto-core")
    cache = {"UV_CACHE_DIR": str(kit.root / "cache")}  # what was built with isolation would be taken
    kit.run(uv, "pip", "install", "--python", python, "--no-build-isolation", "torch-auto", env=cache)
    return kit.torch(python)


@row("uv", "pip download torch-auto, uv pip install --no-index")
def _from_folder(kit: Kit) -> str:
    kit.run(frontends.pip(), "download", "--dest", kit.root / "files", "torch-auto")
    python = new_venv(kit)
    env = {"UV_FIND_LINKS": None, "UV_CACHE_DIR": str(kit.root / "cache")}
    command: list[str | Path] = ["pip", "install", "--python", python, "--no-index", "--find-links", kit.root / "files"]
    kit.run(frontends.uv(), *command, "torch-auto", env=env)
    return kit.torch(python)


@row("uv", "uvx torch-auto-core plan")
def _core_alone(kit: Kit) -> str:
    said = kit.run(frontends.uv(), "tool", "run", "torch-auto-core", "plan").stdout
    return said.split(" ", 2)[1]
