"""All set-up in one command, with python3 and PyPI alone.

    python3 tools/dev.py demo          the main job, end to end, against a small PyTorch index of its own
    python3 tools/dev.py test [ARG …]  the quick tests, in 4 minutes; ARG go to pytest, and a path names its own
    python3 tools/dev.py test --all    all tests, which walk back with pip and run every frontend
    python3 tools/dev.py test clusters Ray, Slurm and images for real: installs Ray; needs Slurm, buildah and root
    python3 tools/dev.py test gpu      those for a real NVIDIA machine, with this Python as it is, without PyPI
    python3 tools/dev.py lint          ruff and mypy
    python3 tools/dev.py docs          the docs as a site, in site/
    python3 tools/dev.py run CMD …     a command in the environment of these

The environment lies in .cache/dev-*, one per Python, and is made anew when the groups of pyproject.toml change. `docs`
has one of its own, .cache/docs-*, of the group `docs`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 10)
_PYTHON = "Scripts/python.exe" if os.name == "nt" else "bin/python"

sys.path.insert(0, str(ROOT / "tests"))

from support.cache import key_of, made_once  # noqa: E402


def _environment(kind: str) -> Path:
    """The Python of the environment of a group, `dev` or `docs`, which is made if there is none."""
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    groups = settings.split("[dependency-groups]", 1)[1].split("\n[", 1)[0]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # The Python below a venv, so that each venv that calls this does not get an environment of its own.
    key = key_of([groups, sys.base_prefix])
    return made_once(f"{kind}-{version}", key, lambda folder: _make(folder, kind)) / _PYTHON


def _make(folder: Path, group: str) -> None:
    print(f"Making .cache/{folder.name} (once) ...", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(folder / _PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, "--group", group], cwd=ROOT, check=True)


def _tests(python: str, words: list[str]) -> list[str]:
    """The pytest for these words. The tests of a cluster share it, so they are one process."""
    if words[:1] == ["clusters"]:
        return [python, "-m", "pytest", "tests/clusters", *words[1:]]
    return [python, "-m", "pytest", "-n", str(min(os.cpu_count() or 1, 8)), *words]


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit status."""
    if sys.version_info < OLDEST:
        print(f"Development needs Python {OLDEST[0]}.{OLDEST[1]} or newer.", file=sys.stderr)
        return 2
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb not in ("demo", "test", "lint", "docs", "run") or (verb == "run" and not rest):
        print(__doc__, file=sys.stderr)
        return 2
    if [verb, *rest] == ["test", "gpu"]:
        command = [sys.executable, "-m", "unittest", "-v", "tests.gpu.test_gpu"]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    python = str(_environment("docs" if verb == "docs" else "dev"))
    commands = {
        "demo": [[python, "tools/demo.py", *rest]],
        "test": [_tests(python, rest)],
        "lint": [[python, "-m", "ruff", "check"], [python, "-m", "ruff", "format", "--check"], [python, "-m", "mypy"]],
        "docs": [[python, "tools/build_site.py", *rest]],
        "run": [[python if rest[:1] == ["python"] else rest[0] if rest else "", *rest[1:]]],
    }[verb]
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])
    codes = [
        subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode
        for command in commands
    ]
    return max(codes, key=abs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
