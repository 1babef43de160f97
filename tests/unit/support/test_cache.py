"""What the tests make once is made once, whole, and by one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import cache, interpreters
from support.dists import fingerprint

SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from support.cache import made_once
def make(folder):
    time.sleep(0.2)
    (folder / "file").write_text("whole")
    with (Path(sys.argv[1]) / "calls").open("a") as log:
        log.write("made\\n")
print((made_once("thing", "key", make, Path(sys.argv[1])) / "file").read_text())
"""


def test_parallel_processes_make_it_once(tmp_path: Path) -> None:
    """Four processes that want the same thing at once get it whole, and one of them makes it."""
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), tests]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["whole\n"] * 4
    assert (tmp_path / "calls").read_text() == "made\n"


def test_what_was_cut_short_is_made_again(tmp_path: Path) -> None:
    """A folder whose making failed is not taken for the finished one, and nothing of it is left."""

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        cache.made_once("thing", "key", fail, tmp_path)
    folder = cache.made_once("thing", "key", lambda at: (at / "whole").touch(), tmp_path)
    assert os.listdir(folder) == ["whole"]


def test_old_folders_go(tmp_path: Path) -> None:
    """Of the states of a thing that changes often, the last few are kept, and other things are left alone."""
    for number, key in enumerate("abcd"):
        cache.made_once("thing", key, lambda at: (at / "file").touch(), tmp_path)
        os.utime(tmp_path / f"thing-{key}.made", (number, number))
    cache.made_once("other", "a", lambda at: (at / "file").touch(), tmp_path)
    cache.prune("thing", 2, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["other-a", "thing-c", "thing-d"]


def test_download_environment_holds_no_local_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads for the tests heed the index and certificate of the environment, not its constraints and folders."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "/folder")
    monkeypatch.setenv("PIP_CONSTRAINT", "/constraints.txt")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("PIP_CERT", "/cert.pem")
    environment = cache.machine_environment()
    assert {k: v for k, v in environment.items() if k.startswith("PIP_") and k != "PIP_DEFAULT_TIMEOUT"} == {
        "PIP_CERT": "/cert.pem",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_NO_INPUT": "1",
    }


def test_index_of_pips_configuration_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where only pip's configuration file names the index, that is the one that is used, and its constraint is not."""
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://index.example/simple\nconstraint = /constraints.txt\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    environment = cache.machine_environment()
    assert environment["PIP_INDEX_URL"] == "https://index.example/simple"
    assert "PIP_CONSTRAINT" not in environment


def test_own_interpreter_is_found() -> None:
    """The running Python is found by its version, outside of any venv."""
    found = interpreters.find(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert found is not None
    code = "import sys; print(sys.prefix == sys.base_prefix, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([str(found), "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"True {sys.version_info[0]}.{sys.version_info[1]}\n"


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13"])
def test_other_interpreters_are_what_they_are_called(version: str) -> None:
    """A Python that is found for a version is of that version; a missing one is None, not an error."""
    found = interpreters.find(version)
    if found is None:
        pytest.skip(f"this machine has no Python {version}")
    done = subprocess.run([str(found), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Python {version}.")


def test_python_that_does_not_exist() -> None:
    """A version that nobody has is None."""
    assert interpreters.find("3.99") is None


def test_shim_that_fails_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A version manager's shim that starts no Python is not taken for one."""
    shim = tmp_path / "python3.98"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreters.find("3.98") is None


def test_fingerprint_follows_the_sources(tmp_path: Path) -> None:
    """What is published is made anew when a source changes, is added or goes, and not for compiled files."""
    (tmp_path / "torch_auto" / "__pycache__").mkdir(parents=True)
    (tmp_path / "torch_auto" / "one.py").write_text("1")
    (tmp_path / "LICENSE").write_text("2")
    seen = [fingerprint(tmp_path)]
    (tmp_path / "torch_auto" / "__pycache__" / "one.pyc").write_text("3")
    assert fingerprint(tmp_path) == seen[0]
    (tmp_path / "torch_auto" / "one.py").write_text("4")
    seen.append(fingerprint(tmp_path))
    (tmp_path / "torch_auto" / "two.py").write_text("5")
    seen.append(fingerprint(tmp_path))
    (tmp_path / "LICENSE").unlink()
    seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == 4


PROMISED = 'def test_a():\n    """It holds."""\n'
SILENT = "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_b(x):\n    pass\n"
LONG = 'def test_c():\n    """It holds.\n\n    And more.\n    """\n'


@pytest.mark.parametrize(("tests", "code"), [(PROMISED, 0), (PROMISED + SILENT, 4), (PROMISED + LONG, 4)])
def test_tests_need_a_docstring(tmp_path: Path, tests: str, code: int) -> None:
    """A test run ends with a usage error that names each test without a one-line docstring."""
    (tmp_path / "test_it.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.docstrings", "-p", "no:cacheprovider", "test_it.py"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    named = [name for name in ("test_a", "test_b", "test_c") if f"test_it.py::{name}" in done.stderr]
    assert named == [name for name in ("test_b", "test_c") if name in tests]
