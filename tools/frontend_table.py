"""Write the table of frontends from a run of their tests: docs/reference/frontends.md.

    python3 tools/dev.py run python tools/frontend_table.py [-n 2] [-k EXPRESSION]

All arguments go to pytest. Each test of tests/frontends holds what its tool does against the committed row, so a
table that is older than the tools fails there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from frontends import all_rows  # noqa: E402  # the tests' folder has to be in the path first
from frontends.rows import CONDA, DOCUMENT, ROWS, cells, in_short, replaced, table  # noqa: E402


def _run(arguments: list[str], folder: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "tests/frontends", "-k", "test_a_row", *arguments]
    if subprocess.run([*command, f"--frontend-results={folder}"], cwd=ROOT, check=False).returncode != 0:
        sys.exit("no table is written: a test failed")


def write(folder: Path) -> int:
    """Write the table and the sentence above it from the results in a folder; returns how many rows it has."""
    all_rows()
    came: dict[str, dict[str, str]] = {}
    versions: dict[str, str] = {}
    for path in folder.glob("*.json"):
        result = json.loads(path.read_text("utf-8"))
        came.setdefault(result["command"], {})[result["machine"]] = result["came"]
        versions.update(result["used"])
    rows = [cells(row, came[command]) for command, row in ROWS.items()] + list(CONDA)
    ran = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    text = f"{in_short(rows)}\n{table(rows)}\nRun with {ran}.\n"
    DOCUMENT.write_text(replaced(DOCUMENT.read_text("utf-8"), text), "utf-8")
    return len(rows)


def main(arguments: list[str]) -> None:
    """Run, gather, write."""
    with tempfile.TemporaryDirectory() as folder:
        _run(arguments, folder)
        print(f"{write(Path(folder))} rows written.")


if __name__ == "__main__":
    main(sys.argv[1:])
