"""Lock what a release installs, with hashes: ``python tools/lock_release.py``, with a uv in PATH or as ``--uv UV``.

.github/locks/ gets a file for the job that builds and one for the job that checks, of pyproject.toml's groups of these
names. Neither names an index: a hash says what a file is, wherever it comes from.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / ".github" / "locks"
GROUPS = ("build", "release")

#: The Python of the workflow's jobs.
PYTHON = "3.13"


def main() -> None:
    """Write the locks anew, with the newest versions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--uv", default="uv", help="the program")
    uv = parser.parse_args().uv
    LOCKS.mkdir(exist_ok=True)
    for group in GROUPS:
        command = [uv, "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--universal"]
        command += ["--python-version", PYTHON, "--no-annotate", "--group", group]
        command += ["--custom-compile-command", "python tools/lock_release.py"]
        subprocess.run([*command, "--output-file", str(LOCKS / f"{group}.txt")], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
