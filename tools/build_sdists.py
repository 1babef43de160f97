"""Make the sdists of torch-auto, one per torch release: ``python tools/build_sdists.py DIR [RELEASE ...]``.

Without a RELEASE it makes all that the catalog knows. Needs hatchling; nothing is fetched.
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
    parser.add_argument("release", nargs="*", help="a release, or a repair of it such as 2.5.1.post1; default: all")
    options = parser.parse_args(arguments)
    known = catalog.load()
    versions = options.release or [release.version for release in known.releases]
    for version in versions:
        try:
            known.release(torch_release(version))
        except catalog.UnknownReleaseError as error:
            parser.error(str(error))
    directory = options.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)  # PEP 517: the source tree is the current directory
    for version in versions:
        print(build(directory, version))
    return 0


if __name__ == "__main__":
    sys.exit(main())
