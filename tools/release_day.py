"""The day of a torch release in one command, and every other day on which the catalog is behind what is published.

``python tools/release_day.py DIST`` compares the catalog with PyPI and with the PyTorch index. Where something differs
it writes all that is made of the catalog: its files, the core's version, the tables of the docs and of
the README, and a line of the changelog. It makes the core, and the sdist of each new torch release, in DIST. It
prints a report in Markdown: what changed, what a person has to look at, what to do next. It commits and publishes
nothing.

Exit status: 0, whether something differs or not; 2 for an error. Where a page could not be read all is as it was.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import refresh_catalog
from catalog_files import DATA, ROOT, TorchBackend, load
from catalog_http import FetchError
from catalog_offers import python_key
from catalog_update import RefreshError

from torch_auto.catalog.drivers import pair as as_pair
from torch_auto.fleet.representatives import FAMILIES

if TYPE_CHECKING:
    from catalog_files import Record
    from refresh_catalog import Comparison

VERSION = ROOT / "torch_auto" / "__init__.py"
CHANGELOG, MACHINES = ROOT / "CHANGELOG.md", ROOT / "docs" / "reference" / "machines.md"

#: The tools that make a page, or a part of one, of the catalog.
PAGES = ("render_catalog.py", "machine_table.py", "detection_table.py")

_ASSIGNED = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)

#: The projects that an extra brings along.
_EXTRAS = ("torchvision", "torchaudio")


class Made(NamedTuple):
    """What the command made: the new releases, the core's version, the tag to publish, and files with their bytes."""

    releases: list[str]
    version: str
    tag: str
    files: dict[str, int]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is its result."""
    options = _parser().parse_args(arguments)
    start = time.monotonic()
    try:
        comparison = refresh_catalog.compare(options)
        before = _rows(MACHINES.read_text("utf-8"))
        if comparison.lines:
            refresh_catalog.write(options, comparison)
            made = _make(options, comparison)
            text = report(comparison, before, made)
        else:
            text = "# The catalog is up to date\n\nNothing differs, and nothing was written.\n"
            text += _listed("A person has to look at", comparison.notes)
    except (FetchError, RefreshError, RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    text += f"\nMade in {time.monotonic() - start:.0f} s.\n"
    print(text)
    if options.report is not None:
        options.report.write_text(text, encoding="utf-8", newline="\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("dist", type=Path, help="folder for the core and the sdists of new releases")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write the report there, too")
    refresh_catalog.add_options(parser)
    parser.set_defaults(data=DATA)
    return parser


# --- what is made ------------------------------------------------------------------------------------------------


def _make(options: argparse.Namespace, comparison: Comparison) -> Made:
    releases = _new_releases(comparison)
    version = next_version(_version(), comparison.after["releases.json"]["as_of"])
    VERSION.write_text(
        _ASSIGNED.sub(f'__version__ = "{version}"', VERSION.read_text("utf-8")), encoding="utf-8", newline="\n"
    )
    CHANGELOG.write_text(logged(CHANGELOG.read_text("utf-8"), releases), encoding="utf-8", newline="\n")
    for tool in PAGES:  # each in a process of its own, which loads the catalog as it is now
        subprocess.run([sys.executable, str(ROOT / "tools" / tool)], check=True)
    command = [sys.executable, str(ROOT / "tools" / "build_dists.py"), str(options.dist), "core", *releases]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    files = {path.name: path.stat().st_size for path in map(Path, done.stdout.splitlines())}
    return Made(releases, version, releases[-1] if releases else f"core-{version}", files)


def _new_releases(comparison: Comparison) -> list[str]:
    known = {record["release"] for record in comparison.before["releases.json"]["releases"]}
    return [
        record["release"] for record in comparison.after["releases.json"]["releases"] if record["release"] not in known
    ]


def _version() -> str:
    found = _ASSIGNED.search(VERSION.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{VERSION} assigns no __version__")
    return found.group(1)


def next_version(version: str, day: str) -> str:
    """The core's version for a catalog of a day (2026-12-24), after the version that was the last.

    It is "2026.12.24", and from the second catalog of that day on it has a number: "2026.12.24.1".
    """
    of_day = ".".join(str(int(part)) for part in day.split("-"))
    if version == of_day:
        return f"{of_day}.1"
    if version.startswith(f"{of_day}."):
        return f"{of_day}.{int(version.rpartition('.')[2]) + 1}"
    return of_day


def logged(text: str, releases: list[str]) -> str:
    """The changelog with a line for each new release under "Unreleased".

    Raises:
        ValueError: it does not have that heading.
    """
    lines = [line for release in releases if (line := f"- torch {release}.\n") not in text]
    head, heading, rest = text.partition("## Unreleased\n")
    if not heading:
        raise ValueError(f"{CHANGELOG.name} has no heading '## Unreleased'")
    section, separator, older = rest.partition("\n## ")
    before, added, after = section.partition("### Added\n\n")
    if lines and not added:
        before, added = "\n", "### Added\n\n"
        after = "".join(lines) + section
    elif lines:
        after = "".join(lines) + ("" if after.startswith("- ") else "\n") + after
    return head + heading + before + added + after + separator + older


# --- the report --------------------------------------------------------------------------------------------------


def report(comparison: Comparison, before: dict[str, list[str]], made: Made) -> str:
    """What changed, what a person has to look at, and what to do next."""
    named = " and ".join(f"torch {release}" for release in made.releases)
    parts = [f"# {named or 'Builds of torch that are known'}: the catalog is behind\n"]
    parts += [_listed(f"torch {release}", _builds(comparison, release)) for release in made.releases]
    parts.append(_listed("A person has to look at", _to_look_at(comparison, made.releases)))
    parts.append(_changed_answers(before, _rows(MACHINES.read_text("utf-8"))))
    parts.append(_listed("Made", [f"`{name}`, {size:,} bytes" for name, size in made.files.items()]))
    parts.append(
        "\n## Next\n\n"
        "1. Read the difference as text: each record has its source.\n"
        "2. `python3 tools/dev.py test` runs the tests. They hold for a new release by the catalog, so one that\n"
        "   fails names something that a person has to decide.\n"
        f"3. Merge it, and publish a release with the tag `{made.tag}`.\n"
    )
    lines = "\n".join(comparison.lines)
    parts.append(
        f"\n<details><summary>{len(comparison.lines)} differences</summary>\n\n~~~text\n{lines}\n~~~\n\n</details>\n"
    )
    return "".join(parts)


def _listed(title: str, items: list[str]) -> str:
    return f"\n## {title}\n\n" + "".join(f"- {item}\n" for item in items) if items else ""


def _builds(comparison: Comparison, release: str) -> list[str]:
    """A line for each platform of a release: its Pythons, and its builds as docs/reference/catalog.md marks them."""
    places = [place for place in comparison.after["releases.json"]["platforms"] if place["release"] == release]
    builds = [build for build in comparison.after["builds.json"]["builds"] if build["release"] == release]
    found = []
    for place in places:
        here = [build for build in builds if build["platform"] == place["platform"]]
        names = [
            build["torch_backend"] + ("" if build["confidence"] != "unseen" else " (not pinned)") for build in here
        ]
        on_pypi = f"PyPI's is {place['public']}" if place["public"] else "none on PyPI"
        found.append(f"{place['platform']}, Python {', '.join(place['pythons'])}: {', '.join(names)}; {on_pypi}")
    return found


def _to_look_at(comparison: Comparison, releases: list[str]) -> list[str]:
    """What no index tells, and what is new enough that somebody should look."""
    found = list(comparison.notes)
    for release in releases:
        found += _missing(comparison, release)
        found += _pairs(comparison, release)
    found += _new_names(comparison)
    return found


def _missing(comparison: Comparison, release: str) -> list[str]:
    """What the release before had, and a new one does not have."""
    names = [record["release"] for record in comparison.after["releases.json"]["releases"]]
    last = names[names.index(release) - 1] if names.index(release) else None
    kinds: dict[str, dict[str, set[str]]] = {
        name: {"platform": set(), "Python": set(), "CUDA code": set(), "ROCm code": set()}
        for name in (last or "", release)
    }
    for place in comparison.after["releases.json"]["platforms"]:
        if place["release"] in kinds:
            kinds[place["release"]]["platform"].add(place["platform"])
            kinds[place["release"]]["Python"] |= set(place["pythons"])
    for build in comparison.after["builds.json"]["builds"]:
        if build["release"] in kinds:
            kinds[build["release"]]["CUDA code"] |= {f"{n // 10}.{n % 10}" for n in build.get("sm", ())}
            kinds[build["release"]]["ROCm code"] |= set(build.get("gfx", ()))
    return [
        f"torch {release} has no {kind} {name}, and torch {last} had"
        for kind, had in kinds[last or ""].items()
        for name in sorted(had - kinds[release][kind])
    ]


def _pairs(comparison: Comparison, release: str) -> list[str]:
    """Pairs of a new release that are missing or not sure."""
    found = []
    for project in _EXTRAS:
        pairs = [
            pair
            for pair in comparison.after["pairs.json"]["pairs"]
            if (pair["project"], pair["release"]) == (project, release)
        ]
        if not pairs:
            found.append(f"no {project} is known for torch {release}: its extra falls back until there is one")
        texts = comparison.after["sources.json"]["sources"]
        found += [
            f"{project} {pair['version']} is taken for torch {release}: {texts[pair['source']]}"
            for pair in pairs
            if pair["source"] in ("pair-range", "pair-carried")
        ]
    return found


def _new_names(comparison: Comparison) -> list[str]:
    """Compute capabilities, gfx targets, Pythons and local versions that no record had before."""
    found = []
    nvidia = {row["compute_capability"] for row in load(DATA, "nvidia_pci.json")["ranges"]}
    for capability in sorted(_capabilities(comparison.after) - _capabilities(comparison.before), key=float):
        lacks = [] if capability in nvidia else ["no GPU in nvidia_pci.json"]
        lacks += [] if as_pair(capability) in FAMILIES else ["no name in torch_auto/fleet/representatives.py"]
        known = f", and has {' and '.join(lacks)}" if lacks else ""
        found.append(f"compute capability {capability} is new{known}: which machine tests it?")
    found += [
        f"{name} is new: which machine tests it?"
        for name in sorted(_targets(comparison.after) - _targets(comparison.before))
    ]
    pythons = _pythons(comparison.after) - _pythons(comparison.before)
    found += [
        f"Python {python} is new: the tests' Pythons do not have it" for python in sorted(pythons, key=python_key)
    ]
    backends = _backends(comparison.after) - _backends(comparison.before)
    found += [f"{name} is a new torch backend" for name in sorted(backends)]
    return found


def _capabilities(files: dict[str, Record]) -> set[str]:
    return {f"{n // 10}.{n % 10}" for build in files["builds.json"]["builds"] for n in build.get("sm", ())}


def _targets(files: dict[str, Record]) -> set[str]:
    return {target for build in files["builds.json"]["builds"] for target in build.get("gfx", ())}


def _pythons(files: dict[str, Record]) -> set[str]:
    return {python for place in files["releases.json"]["platforms"] for python in place["pythons"]}


def _backends(files: dict[str, Record]) -> set[TorchBackend]:
    return {TorchBackend(build["torch_backend"]) for build in files["builds.json"]["builds"]}


def _rows(text: str) -> dict[str, list[str]]:
    """The answers of the table of machines, by machine."""
    section = text.partition("<!-- machines: begin")[2].partition("<!-- machines: end")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {machine: answers for machine, *answers in rows[2:]}


def _changed_answers(before: dict[str, list[str]], after: dict[str, list[str]]) -> str:
    """What machines get, with what they got before where that is another answer."""
    rows = []
    for machine, answers in after.items():
        said = before.get(machine, answers)
        cells = [new if old == new else f"{old} -> {new}" for old, new in zip(said, answers)]
        rows.append(f"| {' | '.join([machine, *cells])} |\n")
    head = "| machine | PyPI alone | with PyTorch's pages |\n| --- | --- | --- |\n"
    return f"\n## What each machine gets\n\n{head}{''.join(rows)}"


if __name__ == "__main__":
    sys.exit(main())
