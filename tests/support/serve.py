"""Serve a PyTorch index and a view of PyPI on 127.0.0.1, with tiny wheels, until interrupted.

python tests/support/serve.py [--dists DIR]... [--wheelhouse] [--port 8000]
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.torch_index import NO_CACHE, PAGES_FOR_TEN_MINUTES, TorchIndex
from support.wheelhouse import wheelhouse


def main() -> None:
    """Start, say where, and wait."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dists", type=Path, action="append", default=[], help="a folder whose files PyPI has")
    parser.add_argument("--wheelhouse", action="store_true", help="download what a build needs, and serve that too")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--unseen", action="store_true", help="serve the builds too that nobody has seen")
    parser.add_argument("--no-cache", action="store_true", help="pages are asked for every time")
    arguments = parser.parse_args()
    control = NO_CACHE if arguments.no_cache else PAGES_FOR_TEN_MINUTES
    index = TorchIndex(
        wheelhouse=wheelhouse() if arguments.wheelhouse else None,
        unseen=arguments.unseen,
        pages_cache_control=control,
        port=arguments.port,
    )
    for folder in arguments.dists:
        index.add(folder)
    with index:
        lines = [index.url, f"PyPI:       {index.pypi}", f"find-links: {index.find_links}"]
        sys.stdout.write("\n".join([*lines, ""]))
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
