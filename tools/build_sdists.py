"""Make the sdists of torch-auto, one per torch release: ``python tools/build_sdists.py DIR [RELEASE ...]``.

Without a RELEASE it makes all that the catalog knows. Needs hatchling; nothing is fetched.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from torch_auto import catalog  # noqa: E402
from torch_auto.plan import torch_release  # noqa: E402

# A process of its own per sdist: hatchling reads the version once per process.
_BUILD = (
    "import sys; sys.path.insert(0, '.'); from torch_auto.build import build_sdist; print(build_sdist(sys.argv[1]))"
)


def build(directory: Path, version: str) -> Path:
    """Make the sdist of one version.

    Raises:
        subprocess.CalledProcessError: the build failed; its output went to stderr.
    """
    environment = {**os.environ, "TORCH_AUTO_VERSION": version}
    done = subprocess.run(  # noqa: S603  # this interpreter, our own code
        [sys.executable, "-c", _BUILD, str(directory)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return directory / done.stdout.split()[-1]


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
    for version in versions:
        print(build(directory, version))
    return 0


if __name__ == "__main__":
    sys.exit(main())
