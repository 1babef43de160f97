"""What docs/explanation/security.md says of a build, against what strace sees of a real ``uv add torch-auto``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from support.cache import REPOSITORY as ROOT
from support.cache import locked

TEXT = (ROOT / "docs" / "explanation" / "security.md").read_text("utf-8")

pytestmark = [pytest.mark.frontend, pytest.mark.slow]


@pytest.fixture(scope="session", params=["as it is", "with NVML"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tools/trace_build.py reports, of this machine as it is and with a driver library that lists an A100.

    Traced once for all of pytest-xdist's workers, whose temporary folders lie in one.
    """
    if Path("/dev/nvidiactl").exists():
        pytest.skip("a real NVIDIA driver library does things of its own, which the docs do not list")
    nvidia = request.param == "with NVML"
    base = tmp_path_factory.getbasetemp()
    file = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"trace-{nvidia:d}.json"
    with locked(file.with_suffix(".lock")):
        if not file.exists():
            command = [sys.executable, str(ROOT / "tools" / "trace_build.py"), "--json", *["--nvidia"][:nvidia]]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode == 2 and done.stderr.startswith("Nothing was traced: "):
                pytest.skip(done.stderr.strip())
            assert done.returncode == 0, done.stderr
            file.write_text(done.stdout, "utf-8")
    return {**json.loads(file.read_text("utf-8")), "nvidia": nvidia}


def patterns(title: str) -> list[str]:
    """The lines of the block below a heading of docs/explanation/security.md, without what follows two spaces."""
    section = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line.split("  ")[0] for line in re.findall(r"```text\n(.*?)```", section, re.DOTALL)[0].splitlines()]


def unexpected(paths: dict[str, str], allowed: list[str]) -> list[str]:
    """The paths that no pattern allows."""
    return [path for path in paths if not any(fnmatchcase(path, pattern) for pattern in allowed)]


def test_a_build_opens_no_socket(found: dict[str, Any]) -> None:
    """No process of the build so much as makes a socket, while uv's own connections are seen."""
    assert found["sockets"] == []
    assert found["uv"]["connects to"] == ["127.0.0.1"]


def test_a_build_starts_nothing_but_python_for_nvml(found: dict[str, Any]) -> None:
    """uv starts Python three times for our hooks; the first that decides asks NVML, once, in the same Python."""
    hooks = [item["hook"] for item in found["processes"] if item["command"][1:2] == ["-c"]]
    others = [item["command"] for item in found["processes"] if item["command"][1:2] != ["-c"]]
    assert sorted(hooks) == ["build_wheel", "get_requires_for_build", "prepare_metadata_for_build"]
    child = "{build environment}/*/lib/python*/site-packages/torch_auto/detect/child.py"
    for command in others:
        assert command[1:4] == ["-I", "-S", "-B"]
        assert fnmatchcase(command[4], child)
        assert command[5] == "nvml"
        assert {command[0]} == {item["command"][0] for item in found["processes"]}
    assert len(others) == (1 if found["nvidia"] else 0)


def test_a_build_writes_where_the_installer_told_it_and_nowhere_else(found: dict[str, Any]) -> None:
    """The wheel and its METADATA, one temporary file, and what Python compiles in the build's own folders."""
    assert unexpected(found["written"], patterns("What it writes")) == []
    assert any(path.endswith(".whl") for path in found["written"])
    assert set(found["compiled"]) <= {"sdist", "build environment"}


def test_a_build_reads_of_the_machine_what_the_docs_list(found: dict[str, Any]) -> None:
    """Outside of Python, the sdist and the installer's folders, a build looks at the paths of the list alone."""
    assert unexpected(found["machine"], patterns("What it reads of the machine")) == []
    assert "/sys/bus/pci/devices" in found["machine"]
    assert ("tests' NVML" in found["places"]) == found["nvidia"]
