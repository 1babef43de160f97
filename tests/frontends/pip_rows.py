"""The rows of pip, pip-tools and pipx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import frontends

from frontends.rows import FAILS, requirements_file, row, seen, wheels_of
from frontends.uv_rows import PRINTS_TORCH, new_venv, planned

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Finished

    from frontends.rows import FAILS, Kit

#: No index: everything comes from a folder.
FROM_FOLDER = {"PIP_FIND_LINKS": None, "PIP_NO_INDEX": "1"}


def install(kit: Kit, python: Path, *args: str | Path, **options: object) -> Finished:
    return kit.run(frontends.pip(), "--python", python, "install", *args, **options)  # type: ignore[arg-type]


@row("pip", "pip install torch-auto")
def _install(kit: Kit) -> str:
    python = new_venv(kit)
    install(kit, python, "torch-auto")
    return kit.torch(python)


@row("pip 23.2", "pip install torch-auto (pip 23.2)")
def _old_install(kit: Kit) -> str:
    python = new_venv(kit)
    kit.run(frontends.pip(frontends.OLD_PIP), "--python", python, "install", "torch-auto")
    return kit.torch(python)


@row("pip", "pip lock torch-auto, pip install -r pylock.toml")
def _lock(kit: Kit) -> str:
    kit.run(frontends.pip(), "lock", "torch-auto", "--output", kit.root / "pylock.toml")
    python = new_venv(kit)
    install(kit, python, "-r", kit.root / "pylock.toml", env={"PIP_FIND_LINKS": None})  # it holds the wheel's URL
    return kit.torch(python)


@row("pip", "pip wheel torch-auto, pip install --no-index")
def _wheel(kit: Kit) -> str:
    kit.run(frontends.pip(), "wheel", "--wheel-dir", kit.root / "wheels", "torch-auto")
    python = new_venv(kit)
    install(kit, python, "--find-links", kit.root / "wheels", "torch-auto", env=FROM_FOLDER)
    return kit.torch(python)


@row("pip", "pip download torch-auto, pip install --no-index")
def _download(kit: Kit) -> str:
    kit.run(frontends.pip(), "download", "--dest", kit.root / "files", "torch-auto")
    python = new_venv(kit)
    install(kit, python, "--find-links", kit.root / "files", "torch-auto", env=FROM_FOLDER)
    return kit.torch(python)


@row(
    "pip",
    "pip install --only-binary :all: torch-auto",
    cpu=FAILS,
    a100=FAILS,
    sees="No matching distribution found for torch-auto",
)
def _only_binary(kit: Kit) -> str:
    done = install(kit, new_venv(kit), "--only-binary", ":all:", "torch-auto", check=False)
    return seen(done, "No matching distribution found for torch-auto")


@row(
    "pip",
    "pip install --only-binary :all: --no-binary torch-auto torch-auto",
    setting="`--no-binary torch-auto` after it: torch-auto is published as source alone",
)
def _only_others_binary(kit: Kit) -> str:
    python = new_venv(kit)
    # Its build requirements are held to the same: all are wheels.
    install(kit, python, "--only-binary", ":all:", "--no-binary", "torch-auto", "torch-auto")
    return kit.torch(python)


@row(
    "pip",
    "pip install --no-build-isolation torch-auto",
    setting="torch-auto-core has to be in the environment: it builds",
)
def _no_isolation(kit: Kit) -> str:
    python = new_venv(kit)
    install(kit, python, "torch-auto-core")
    install(kit, python, "--no-build-isolation", "--no-cache-dir", "torch-auto")
    return kit.torch(python)


@row("pip-tools", "pip-compile, pip-sync")
def _pip_tools(kit: Kit) -> str:
    requirements_file(kit.root, ["torch-auto"], "requirements.in")
    tool = frontends.pip_tools()
    kit.run(tool, "--quiet", "--strip-extras", cwd=kit.root)
    kit.sandbox.run([kit.sandbox.python, "-m", "venv", kit.root / "venv"])  # pip-sync runs the pip that is in it
    python = kit.root / "venv/bin/python"
    command: list[str | Path] = [tool.executable.with_name("pip-sync"), "--python-executable", python]
    kit.sandbox.run(command, cwd=kit.root, env=kit.variables)
    return kit.torch(python)


#: torch-auto brings torch into an environment; the command is torch-auto-core's.
NO_APPS = "No apps associated with package torch-auto."


def pipx(kit: Kit, backend: str, *args: str | Path, check: bool = True) -> Finished:
    variables = {"PIPX_DEFAULT_BACKEND": backend}
    variables["PATH"] = f"{frontends.uv().executable.parent}:{kit.sandbox.environment['PATH']}"
    return kit.run(frontends.pipx(), *args, env=variables, check=check)


@row("pipx", "pipx install --backend pip torch-auto-core, torch-auto plan")
def _pipx_pip(kit: Kit) -> str:
    kit.index.add(wheels_of("pip"))  # pipx installs the newest pip for itself first
    pipx(kit, "pip", "install", "torch-auto-core")
    return planned(kit, kit.root / "home/pipx/venvs/torch-auto-core")


@row("pipx", "pipx install --backend uv torch-auto-core, torch-auto plan")
def _pipx_uv(kit: Kit) -> str:
    pipx(kit, "uv", "install", "torch-auto-core")
    return planned(kit, kit.root / "home/pipx/venvs/torch-auto-core")


@row("pipx", "pipx install torch-auto", cpu=FAILS, a100=FAILS, sees=NO_APPS)
def _pipx_torch(kit: Kit) -> str:
    return seen(pipx(kit, "uv", "install", "torch-auto", check=False), NO_APPS)


@row("pipx", "pipx run torch-auto-core plan")
def _pipx_core(kit: Kit) -> str:
    return pipx(kit, "uv", "run", "torch-auto-core", "plan").stdout.split(" ", 2)[1]


@row("pipx", "pipx run job.py, with inline metadata")
def _pipx_run(kit: Kit) -> str:
    script = kit.root / "job.py"
    script.write_text(f'# /// script\n# dependencies = ["torch-auto"]\n# ///\n{PRINTS_TORCH[-1]}\n', "utf-8")
    return pipx(kit, "uv", "run", script).stdout.strip()
