"""Compare the catalog with what PyPI and the PyTorch index offer, print the difference, and write it.

Every page is read before anything is changed. A page that is cut off, is answered with an error or a redirect, or
has another shape than the one that is known ends the run with an error that names it, and the catalog stays as it is.

Exit status: 0 where nothing differs, or where the difference was written; 1 where something differs and --check was
given; 2 for an error.
"""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import sys
from pathlib import Path
from typing import NamedTuple

from catalog_diff import difference
from catalog_family import update_family
from catalog_files import DATA, Record, dump, load, save
from catalog_http import FetchError, fetch_size
from catalog_offers import Key, Offer, offers
from catalog_pages import default_index, project_files
from catalog_update import MAX_REMOVALS, Readers, RefreshError, Update
from catalog_wheels import read_architectures, read_targets, read_wheel

FILES = ("releases.json", "builds.json", "nvidia.json", "pairs.json", "sources.json")
FAMILY = ("torchvision", "torchaudio")
INDEX = "https://download.pytorch.org/whl"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is its result."""
    options = _parser().parse_args(arguments)
    try:
        return _refresh(options)
    except (FetchError, RefreshError, RuntimeError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        print("The catalog is unchanged.", file=sys.stderr)
        return 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is read."""
    parser.add_argument(
        "--side", choices=("both", "pypi", "index"), default="both", help="what is read (default: both)"
    )
    parser.add_argument("--pypi", metavar="URL", help="package index that stands for PyPI (default: pip's)")
    parser.add_argument("--index", metavar="URL", default=INDEX, help=f"base of the PyTorch index (default: {INDEX})")
    parser.add_argument("--family", metavar="PROJECT", nargs="*", default=list(FAMILY), help="projects beside torch")
    parser.add_argument("--read-all", action="store_true", help="read the public wheel of every release and platform")
    parser.add_argument("--max-removals", metavar="N", type=int, default=MAX_REMOVALS, help="builds that may be gone")
    parser.add_argument("--date", default=dt.datetime.now(tz=dt.timezone.utc).date().isoformat())
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=60)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where something differs")
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, default=DATA, help="the catalog (default: the package's)"
    )
    add_options(parser)
    return parser


def _refresh(options: argparse.Namespace) -> int:
    comparison = compare(options)
    for line in comparison.lines:
        print(line)
    for note in comparison.notes:
        print(f"note: {note}")
    print(f"{len(comparison.lines)} differences" if comparison.lines else "no difference")
    if options.check:
        return 1 if comparison.lines else 0
    write(options, comparison)
    return 0


class Comparison(NamedTuple):
    """A catalog as it is and as the indexes say that it should be, with the difference and notes for a maintainer."""

    before: dict[str, Record]
    after: dict[str, Record]
    lines: list[str]
    notes: list[str]


def compare(options: argparse.Namespace) -> Comparison:
    """Compare the catalog with what the indexes offer.

    Raises:
        FetchError: a page or a wheel cannot be read.
        RefreshError: what the indexes offer does not fit together.
    """
    before = {name: load(options.data, name) for name in FILES}
    bases = {
        "pypi": None if options.side == "index" else options.pypi or default_index(),
        "index": None if options.side == "pypi" else options.index,
    }
    read = {
        side: {project: _offers(base, project, options.timeout) for project in ("torch", *options.family)}
        for side, base in bases.items()
        if base is not None
    }
    update = _updated(before, read, options)
    return Comparison(before, update.files, difference(before, update.files), update.notes)


def write(options: argparse.Namespace, comparison: Comparison) -> None:
    """Write the catalog as it should be, with the day where both indexes were read.

    Raises:
        OSError: a file cannot be written.
    """
    if options.side == "both":
        comparison.after["releases.json"]["as_of"] = options.date
    changed = {name: value for name, value in comparison.after.items() if dump(value) != dump(comparison.before[name])}
    save(options.data, changed)


def _offers(base: str, project: str, timeout: float) -> dict[Key, Offer]:
    return offers(project_files(base, project, timeout=timeout))


def _updated(
    before: dict[str, Record], read: dict[str, dict[str, dict[Key, Offer]]], options: argparse.Namespace
) -> Update:
    readers = Readers(
        lambda url: read_wheel(url, timeout=options.timeout),
        lambda url: read_architectures(url, timeout=options.timeout),
        lambda url: read_targets(url, timeout=options.timeout),
        lambda url: fetch_size(url, timeout=options.timeout),
    )
    update = Update(copy.deepcopy(before), readers, options.date)
    if "pypi" in read:
        update.public_side(read["pypi"]["torch"], read_all=options.read_all)
    if "index" in read:
        update.index_side(read["index"]["torch"], max_removals=options.max_removals)
    for project in options.family:
        update_family(update, project, read.get("pypi", {}).get(project), read.get("index", {}).get(project))
    update.finish()
    return update


if __name__ == "__main__":
    sys.exit(main())
