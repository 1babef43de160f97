"""tools/release_day.py on a fabricated day, on a copy of the tree: what it makes, what it says, and that it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from catalog_files import DATA, ROOT, load
from release_day import logged, next_version
from support.torch_index import TorchIndex

from unit.catalog import fabricated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What the command reads and writes, and what its tools are made of.
TREE = ("torch_auto", "tools", "tests", "docs", "core", "stubs")
FILES = ("README.md", "CHANGELOG.md", "LICENSE", "hatch_build.py", "pyproject.toml")

#: Tests that hold for a catalog as it comes, in the copy: what it is, and what is made of it.
HOLD = (
    "tests/unit/catalog/test_invariants.py",
    "tests/unit/catalog/test_document.py",
    "tests/docs/test_machines.py::test_the_table_is_up_to_date",
    "tests/docs/test_machines.py::test_the_table_is_what_the_rules_give",
)


class Day:
    """The tree, a day of a torch release, and what the command said."""

    def __init__(self, tree: Path, index: TorchIndex) -> None:
        self.tree = tree
        self._where = ["--pypi", index.pypi, "--index", index.whl, "--date", fabricated.DAY]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.tree,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def come(self) -> subprocess.CompletedProcess[str]:
        return self.run("tools/release_day.py", "dist", "--report", "report.md", *self._where)

    def text(self, name: str) -> str:
        return (self.tree / name).read_text("utf-8")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A copy of the tree, and the next release of torch on both indexes."""
    tree = tmp_path_factory.mktemp("release-day")
    for name in TREE:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copyfile(ROOT / name, tree / name)
    with TorchIndex() as index:
        fabricated.publish(index)
        yield Day(tree, index)


@pytest.mark.slow
def test_the_day_of_a_release(day: Day) -> None:
    """One command writes all that is made of the catalog, makes what is published, and says what a person looks at."""
    done = day.come()
    assert (done.returncode, done.stderr) == (0, "")
    report = day.text("report.md")
    release, major = fabricated.RELEASE, fabricated.MAJOR
    assert report.startswith(f"# torch {release}: ")
    look_at = report.split("## A person has to look at")[1].split("\n## ")[0]
    for text in (
        f"nvidia.json has no driver for CUDA {major}.x: builds for it are not pinned",
        f"torchvision {fabricated.TORCHVISION} is taken for torch {release}",
        f"torchaudio 2.11.0 is taken for torch {release}",
        f"compute capability {fabricated.CAPABILITY / 10} is new",
        f"cu{major}10 is a new torch backend",
    ):
        assert f"- {text}" in look_at
    unpinned = f"cu{major}0 (not pinned), cu{major}10 (not pinned)"
    assert f"cu130, cu132, {unpinned}, rocm7.14, rocm10.0, xpu; PyPI's is cu132\n" in report
    [answers] = [line for line in report.splitlines() if line.startswith("| H100, driver 580 |")]
    assert answers.endswith(f" -> {release}+cu130 |")
    assert f"with the tag `{release}`" in report
    # What is made of the catalog.
    version = ".".join(str(int(part)) for part in fabricated.DAY.split("-"))
    assert f'\n__version__ = "{version}"\n' in day.text("torch_auto/__init__.py")
    assert f"\n- torch {release}.\n" in day.text("CHANGELOG.md")
    assert f"| H100, driver 580 | {release} | {release}+cu130 |" in day.text("docs/reference/machines.md")
    row = f"| {release} | cpu cu130 **cu132** ~~cu{major}0~~ ~~cu{major}10~~ rocm7.14 rocm10.0 xpu |"
    assert row in day.text("docs/reference/catalog.md")
    assert load(day.tree / "torch_auto/catalog/data", "releases.json")["as_of"] == fabricated.DAY
    # What is published.
    made = {path.name: path for path in (day.tree / "dist").iterdir()}
    core, sdist = f"torch_auto_core-{version}", f"torch_auto-{release}"
    assert set(made) == {f"{core}.tar.gz", f"{core}-py3-none-any.whl", f"{sdist}.tar.gz"}
    with tarfile.open(made[f"{sdist}.tar.gz"]) as archive:
        member = archive.extractfile(f"{sdist}/pyproject.toml")
        assert member is not None
        settings = member.read().decode()
    assert f'requires = ["torch-auto-core>={version}"]' in settings
    assert 'requires-python = ">=3.11"' in settings
    # Again, it is quiet; and what holds for the catalog as it is holds for this one.
    again = day.come()
    assert (again.returncode, again.stderr) == (0, "")
    assert day.text("report.md").startswith("# The catalog is up to date\n")
    assert f'\n__version__ = "{version}"\n' in day.text("torch_auto/__init__.py")
    tests = day.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *HOLD)
    assert tests.returncode == 0, tests.stdout


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2026.11.22", "2026.12.4"),
        ("2026.11.22.3", "2026.12.4"),
        ("2026.12.4", "2026.12.4.1"),
        ("2026.12.4.9", "2026.12.4.10"),
        ("2026.12.40", "2026.12.4"),
    ],
)
def test_the_next_version_of_the_core(version: str, expected: str) -> None:
    """The day of its catalog, and a number from the second catalog of a day on."""
    assert next_version(version, "2026-12-04") == expected


def test_the_changelog() -> None:
    """A line for each release, once, in the section that is not released; the section is made where there is none."""
    text = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Other.\n\n## 2026.1.1\n\n### Added\n\n- First.\n"
    once = logged(text, ["2.16.0", "2.16.1"])
    assert once == text.replace("- Other.", "- torch 2.16.0.\n- torch 2.16.1.\n- Other.")
    assert logged(once, ["2.16.0"]) == once
    by_subject = text.replace("- Other.", "Projects\n\n- Other.")
    assert logged(by_subject, ["2.16.0"]) == by_subject.replace("Projects", "- torch 2.16.0.\n\nProjects")
    fresh = "# Changelog\n\n## Unreleased\n\n## 2026.1.1\n\n### Added\n\n- First.\n"
    assert logged(fresh, ["2.16.0"]) == fresh.replace(
        "## Unreleased\n", "## Unreleased\n\n### Added\n\n- torch 2.16.0.\n"
    )
    with pytest.raises(ValueError, match="no heading"):
        logged("# Changelog\n", ["2.16.0"])


def test_an_error_leaves_everything_as_it_is(tmp_path: Path) -> None:
    """Where a page cannot be read the command ends with an error that names it."""
    with TorchIndex() as index:
        index.fault("/whl/torch/", status=503)
        command = [sys.executable, str(ROOT / "tools" / "release_day.py"), str(tmp_path / "dist")]
        command += ["--pypi", index.pypi, "--index", index.whl]
        before = {path: path.read_bytes() for path in DATA.iterdir()}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2
        assert f"error: {index.whl}/torch/ answered 503" in done.stderr
    assert {path: path.read_bytes() for path in DATA.iterdir()} == before
    assert not (tmp_path / "dist").exists()
