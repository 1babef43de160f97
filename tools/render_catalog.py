"""Write docs/reference/catalog.md from the catalog: what is known of each build, and how sure it is.

``--check`` writes nothing and exits with 1 where the file is not up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

from catalog_files import DATA, PLATFORMS, Record, TorchBackend, load, release_key

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "reference" / "catalog.md"

_INTRODUCTION = """\
# The catalog

What torch-auto knows about PyTorch's builds on {as_of}.
`tools/render_catalog.py` makes this page from `torch_auto/catalog/data/`.
Every record there names its source, and `sources.json` says where to look it up.

| confidence | what it means | pinned |
|---|---|---|
| verified | read out of the wheel, or seen on a page of an index, file by file | yes |
| published | PyTorch's own release matrix or documents say so | yes |
| inferred | follows from the neighbouring releases, or from what PyPI has | yes |
| unseen | not seen on PyTorch's index on this day, or its GPUs or drivers are unknown; it may exist, so a pin of \
PyPI's build excludes it by name | never |

The facts about GPUs have their own confidence, `arch_confidence`.

| arch_confidence | where it is from |
|---|---|
| verified | the string in the wheel's own library that `torch.cuda.get_arch_list()` returns |
| script | the build script of that release |
| table | PyTorch's table in the wheel or in RELEASE.md |
| reported | users who printed `torch.cuda.get_arch_list()` |
| inferred | the neighbouring releases |
| doubtful | sources that contradict each other; another build is preferred |
| unknown | nowhere; such a build is never pinned |

`size` is the size of the wheel for Python 3.12, or for the first Python that has one, in bytes.
`torch-auto plan` prints sizes, and `torch-auto plan --why` the confidence and the source of each fact.

`tools/refresh_catalog.py` compares the catalog with PyPI and with the PyTorch index, prints what differs and writes it.
It reads parts of wheels: what a build is, which GPUs it has code for, which triton it requires, and whether it needs
ROCm's packages from another index.
If a torchvision requires a range of torch, it is the pair of the release in that range that had none.
Facts that no index has are written by hand: drivers, and pairs that are not sure.
A build for a CUDA major version without a known driver is not pinned until a person adds the driver.
"""

_FORMAT = """\
## Why JSON

People can review it as text, and every Python can read it.
TOML has a reader in Python 3.11 and newer alone.
"""

_MARKS = {"verified": "", "published": "°", "inferred": "?"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is its result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where the file is not up to date"
    )
    options = parser.parse_args(arguments)
    text = render(DATA)
    if options.check:
        current = DOCUMENT.is_file() and DOCUMENT.read_text(encoding="utf-8") == text
        print("up to date" if current else f"{DOCUMENT.name} is not up to date: run tools/render_catalog.py")
        return 0 if current else 1
    DOCUMENT.write_text(text, encoding="utf-8", newline="\n")
    return 0


def render(data: Path) -> str:
    """The text of the document for the catalog in a folder."""
    files = {name: load(data, f"{name}.json") for name in ("releases", "builds", "nvidia", "pairs")}
    known = [record["release"] for record in files["releases"]["releases"]]
    sections = [
        _INTRODUCTION.format(as_of=files["releases"]["as_of"]),
        _summary(files),
        _builds(files),
        _others(files["builds"].get("other_locals", []), known),
        _architectures(files["builds"]["builds"], known),
        _drivers(files["nvidia"]),
        _pairs(files["pairs"]["pairs"]),
        _FORMAT,
    ]
    return "\n".join(sections)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _summary(files: dict[str, Record]) -> str:
    kinds = {
        "PyPI's builds (release and platform)": [p for p in files["releases"]["platforms"] if p["public"] is not None],
        "builds of the PyTorch index": files["builds"]["builds"],
        "local versions that are only left out by name": files["builds"].get("other_locals", []),
        "drivers": files["nvidia"]["toolkit_floors"] + files["nvidia"]["paired_drivers"],
        "pairs": files["pairs"]["pairs"],
    }
    names = ["verified", "published", "inferred", "unseen"]
    rows = []
    for kind, records in kinds.items():
        count = Counter(record["confidence"] for record in records)
        rows.append([kind, *(str(count[name]) for name in names)])
    return "## How sure\n\n" + _table(["records", *names], rows)


def _builds(files: dict[str, Record]) -> str:
    public = {(p["release"], p["platform"]): p["public"] for p in files["releases"]["platforms"]}
    cells: dict[tuple[str, str], list[str]] = {}
    for build in files["builds"]["builds"]:
        place = (build["release"], build["platform"])
        name = build["torch_backend"]
        name = f"**{name}**" if public.get(place) == name else name
        mark = _MARKS.get(build["confidence"])
        cells.setdefault(place, []).append(f"~~{name}~~" if mark is None else name + mark)
    rows = [
        [release["release"], *(" ".join(cells.get((release["release"], platform), ["-"])) for platform in PLATFORMS)]
        for release in reversed(files["releases"]["releases"])
    ]
    legend = (
        "PyPI's own build is **bold**.\nNo mark: verified; °: published; ?: inferred; ~~struck out~~: never pinned.\n"
    )
    return f"## Builds\n\n{legend}\n" + _table(["release", *PLATFORMS], rows)


def _others(others: list[Record], known: list[str]) -> str:
    rows = []
    for local, records in groupby(
        sorted(others, key=lambda r: (r["local"], r["confidence"])), lambda r: (r["local"], r["confidence"])
    ):
        same = list(records)
        places = sorted({platform for record in same for platform in record["platforms"]}, key=PLATFORMS.index)
        rows.append([local[0], _spans([record["release"] for record in same], known), ", ".join(places), local[1]])
    text = (
        "PyTorch's pages list more local versions, and its build matrix had more of them in the nightly and test "
        "channels of a release's cycle.\nA pin of PyPI's build leaves all of them out.\n"
    )
    return f"## Only left out by name\n\n{text}\n" + _table(
        ["local version", "releases", "platforms", "confidence"], rows
    )


def _architectures(builds: list[Record], known: list[str]) -> str:
    rows: dict[tuple[str, ...], list[str]] = {}
    for build in sorted(
        builds, key=lambda build: (TorchBackend(build["torch_backend"]).key, PLATFORMS.index(build["platform"]))
    ):
        if build["torch_backend"] in ("cpu", "xpu"):
            continue
        gpus = " ".join([*build.get("gfx", ()), *(f"{number // 10}.{number % 10}" for number in build.get("sm", ()))])
        ptx = " ".join(f"{number // 10}.{number % 10}" for number in build.get("ptx", [])) or "-"
        key = (build["torch_backend"], build["platform"], gpus or "not known", ptx, build["arch_confidence"])
        rows.setdefault(key, []).append(build["release"])
    table = [[key[0], key[1], _spans(releases, known), *key[2:]] for key, releases in rows.items()]
    return "## GPUs\n\n" + _table(["torch backend", "platform", "releases", "GPUs", "PTX", "arch_confidence"], table)


def _spans(releases: list[str], known: list[str]) -> str:
    """Releases as runs of successive ones: "2.0.0 to 2.6.0, 2.8.0"."""
    runs: list[list[str]] = [[]]
    for release in known:
        if release in releases:
            runs[-1].append(release)
        elif runs[-1]:
            runs.append([])
    return ", ".join(run[0] if run[0] == run[-1] else f"{run[0]} to {run[-1]}" for run in runs if run)


def _drivers(nvidia: Record) -> str:
    floors = [[f"{f['toolkit_major']}.x", f["linux"], f["windows"], f["confidence"]] for f in nvidia["toolkit_floors"]]
    paired = [
        [
            row["cuda"],
            row["linux"] + _MARKS.get(row["confidence"], "").replace("°", ""),
            (row.get("windows") or "-") + ("?" if row.get("windows_confidence") == "inferred" else ""),
        ]
        for row in nvidia["paired_drivers"]
    ]
    return (
        "## NVIDIA drivers\n\nThe oldest driver that runs any toolkit of a major version:\n\n"
        + _table(["toolkit", "Linux", "Windows", "confidence"], floors)
        + "\nThe driver that came with a toolkit: from it on, the toolkit is supported natively (?: inferred):\n\n"
        + _table(["toolkit", "Linux", "Windows"], paired)
    )


def _pairs(pairs: list[Record]) -> str:
    projects = list(dict.fromkeys(pair["project"] for pair in pairs))
    cells: dict[tuple[str, str], str] = {}
    for pair in pairs:
        mark = _MARKS.get(pair["confidence"])
        version = f"~~{pair['version']}~~" if mark is None else pair["version"] + mark
        cells[pair["release"], pair["project"]] = version
    releases = sorted({pair["release"] for pair in pairs}, key=release_key, reverse=True)
    rows = [[release, *(cells.get((release, project), "-") for project in projects)] for release in releases]
    return "## The family\n\n" + _table(["torch", *projects], rows)


if __name__ == "__main__":
    sys.exit(main())
