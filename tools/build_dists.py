"""Make what is published: ``python tools/build_dists.py DIR [NAME ...]``.

With ``--tag TAG`` it makes what a release of that tag publishes, in DIR/core and DIR/release: ``core-2026.12.1`` the
core alone, ``2.16.0`` the core and that release.

A NAME is ``core``, a release (2.5.1), a repair of its sdist (2.5.1.post1), or ``all``, the default: the core's sdist
and wheel, and an sdist of torch-auto per release that the catalog knows. Needs hatchling; nothing is fetched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from torch_auto import __version__  # noqa: E402
from torch_auto.catalog import UnknownReleaseError, load  # noqa: E402
from torch_auto.decide import torch_release  # noqa: E402

CORE, ALL = "core", "all"

#: Makes a distribution of the tree that it runs in, by the backend that the tree names: hatchling, in each case.
_MAKE = "import sys; from hatchling import build; print(getattr(build, sys.argv[1])(sys.argv[2]))"


def core_tree(folder: Path) -> None:
    """Lay out torch-auto-core's source tree in an empty folder."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / "core" / name, folder / name)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    shutil.copytree(ROOT / "torch_auto", folder / "torch_auto", ignore=shutil.ignore_patterns("__pycache__"))


def release_tree(folder: Path, version: str) -> None:
    """Lay out the source tree of a version of torch-auto in an empty folder.

    Raises:
        UnknownReleaseError: the catalog does not know its torch release.
    """
    release = load().release(torch_release(version))
    text = (ROOT / "stubs" / "pyproject.toml").read_text("utf-8")
    filled = text.format(core=__version__, version=version, requires_python=release.requires_python)
    (folder / "pyproject.toml").write_text(filled, "utf-8", newline="\n")
    for path in (ROOT / "stubs" / "README.md", ROOT / "LICENSE", ROOT / "hatch_build.py"):
        shutil.copyfile(path, folder / path.name)


def _make(hook: str, tree: Path, directory: Path) -> Path:
    """Have hatchling make a distribution of a tree; returns its path.

    The same tree gives the same bytes, whoever makes them and when: SOURCE_DATE_EPOCH does not reach it.
    """
    environment = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-c", _MAKE, hook, str(directory)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{hook} in {tree} failed:\n{done.stdout}{done.stderr}")
    return directory / done.stdout.splitlines()[-1]


def build(directory: Path, name: str) -> list[Path]:
    """Make what a NAME stands for; returns the paths.

    Raises:
        UnknownReleaseError: the catalog does not know the release.
        RuntimeError: hatchling failed; what it said is in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        if name == CORE:
            core_tree(tree)
            return [_make("build_sdist", tree, directory), _make("build_wheel", tree, directory)]
        release_tree(tree, name)
        return [_make("build_sdist", tree, directory)]


def file_names(name: str) -> list[str]:
    """The names of the files that a NAME stands for."""
    if name == CORE:
        return [f"torch_auto_core-{__version__}.tar.gz", f"torch_auto_core-{__version__}-py3-none-any.whl"]
    return [f"torch_auto-{name}.tar.gz"]


def of_tag(tag: str) -> dict[str, str]:
    """The folder of each NAME that a release of a tag publishes, the core's first.

    Raises:
        ValueError: the tag names another core than this tree's.
    """
    if not tag.startswith("core-"):
        return {CORE: "core", tag: "release"}
    if tag != f"core-{__version__}":
        raise ValueError(f"{tag}: the core of this tree is core-{__version__}")
    return {CORE: "core"}


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description="Make what is published of torch-auto.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("name", nargs="*", help="core, 2.5.1, 2.5.1.post1 or all (the default)")
    parser.add_argument("--tag", help="make what a release of this tag publishes")
    parser.add_argument("--list", action="store_true", help="say what would be made, and make nothing")
    options = parser.parse_args(arguments)
    known = load()
    folders: dict[str, str] = {}
    try:
        folders = of_tag(options.tag) if options.tag else {}
    except ValueError as error:
        parser.error(str(error))
    names: list[str] = list(folders)
    for name in options.name or ([] if options.tag else [ALL]):
        names += [CORE, *(release.version for release in known.releases)] if name == ALL else [name]
    for name in names:
        try:
            if name != CORE:
                known.release(torch_release(name))
        except UnknownReleaseError as error:
            parser.error(str(error))
    if options.list:
        print("\n".join(file for name in names for file in file_names(name)))
        return 0
    for name in names:
        directory = options.directory.resolve() / folders.get(name, "")
        directory.mkdir(parents=True, exist_ok=True)
        for path in build(directory, name):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
