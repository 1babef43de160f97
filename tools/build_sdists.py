"""Make the sdists of torch-auto, one per torch release: ``python tools/build_sdists.py DIR [VERSION ...]``.

A VERSION is a release (2.5.1), a repair of torch-auto for it (2.5.1.post1), ``all`` releases that the catalog knows,
which is the default, or a repair for all of them (``all.post1``). Needs hatchling; nothing is fetched.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from torch_auto import catalog  # noqa: E402
from torch_auto.build import build_sdist  # noqa: E402
from torch_auto.plan import torch_release  # noqa: E402


def build(directory: Path, version: str) -> Path:
    """Make the sdist of one version.

    hatchling reads the tree anew each time, with the version that TORCH_AUTO_VERSION names.
    """
    os.environ["TORCH_AUTO_VERSION"] = version
    return directory / build_sdist(str(directory))


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description="Make torch-auto's sdists, one per torch release.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("version", nargs="*", help="2.5.1, 2.5.1.post1, all (the default) or all.post1")
    parser.add_argument("--list", action="store_true", help="say what would be made, and make nothing")
    options = parser.parse_args(arguments)
    known = catalog.load()
    versions: list[str] = []
    for name in options.version or ["all"]:
        head, dot, repair = name.partition(".")
        everything = [release.version + dot + repair for release in known.releases]
        versions += everything if head == "all" else [name]
    for version in versions:
        try:
            known.release(torch_release(version))
        except catalog.UnknownReleaseError as error:
            parser.error(str(error))
    if options.list:
        print("\n".join(f"torch_auto-{version}.tar.gz" for version in versions))
        return 0
    directory = options.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)  # PEP 517: the source tree is the current directory
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # the same tree gives the same bytes, whoever makes them and when
    for version in versions:
        print(build(directory, version))
    return 0


if __name__ == "__main__":
    sys.exit(main())
