"""Write what each machine gets, from the catalog: the table of docs/reference/machines.md, and the README's short one.

``python tools/machine_table.py`` rewrites what stands between their markers; with ``--check`` it writes nothing and
exits with 1 where that is not what it would write.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import machines  # noqa: E402

from torch_auto import catalog  # noqa: E402
from torch_auto.catalog.origins import sizes  # noqa: E402
from torch_auto.machine_file import machine_from_json  # noqa: E402
from torch_auto.newest import newest_usable  # noqa: E402
from torch_auto.record import runs_on_gpu  # noqa: E402
from torch_auto.select.build import select  # noqa: E402
from torch_auto.settings import Settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_auto.catalog import Catalog
    from torch_auto.machine import Machine

README, PAGE = ROOT / "README.md", ROOT / "docs" / "reference" / "machines.md"
BEGIN, END = "<!-- machines: begin, made by tools/machine_table.py -->", "<!-- machines: end -->"

PYTHONS = ("3.11", "3.12", "3.13")

#: The machine of each row.
ROWS: dict[str, Callable[..., dict[str, Any]]] = {
    "no GPU": machines.cpu,
    "H100, driver 580": machines.h100_580,
    "A100, driver 550": machines.a100_550,
    "P100, driver 580": machines.p100_580,
    "RTX 5090, driver 575": machines.rtx5090_575,
    "V100, driver 470": machines.v100_470,
    "AMD MI300": machines.mi300,
    "Intel Arc B580": machines.arc_b580,
    "Windows, RTX 4090, driver 560": machines.windows_rtx4090,
    "Mac, Apple silicon": machines.macos_arm64,
    "Mac, Intel, Python up to 3.12": machines.macos_x86_64,
}

#: The rows of the README, which shows what plain torch would be there.
IN_SHORT = ("no GPU", "A100, driver 550", "AMD MI300", "Windows, RTX 4090, driver 560")

#: NVIDIA's wheels for these are no builds of PyTorch's, so no version can be named.
JETSON = ("Jetson with JetPack 6 or older", "a CPU build, and a pointer to NVIDIA's own wheels", "the same")


def pythons(row: str) -> tuple[str, ...]:
    """The Pythons that a row speaks of."""
    last = row.rpartition("Python up to ")[2] if "Python up to " in row else PYTHONS[-1]
    return PYTHONS[: PYTHONS.index(last) + 1]


def answer(row: str, python: str, known: Catalog) -> tuple[str, str]:
    """What a row's machine gets on a Python, with PyPI alone and with PyTorch's pages."""
    machine = machine_from_json(ROWS[row](python=python))
    newest = newest_usable(machine, Settings(), known)
    alone = _alone(machine, newest.without_pages, known, ", which cannot use the GPU and says so")
    return alone, _with_pages(machine, newest.with_pages, known)


def plain(row: str, known: Catalog) -> str:
    """What ``uv add torch`` installs on a row's machine: PyPI's newest, whatever the machine is."""
    machine = machine_from_json(ROWS[row](python=PYTHONS[-1]))
    here = [item.version for item in known.releases if machine.python in item.platforms[machine.platform or ""].pythons]
    return _alone(machine, here[-1], known, ", which cannot use the GPU")


def _alone(machine: Machine, release: str | None, known: Catalog, idle: str) -> str:
    if release is None:
        return "nothing"
    public = known.release(release).platforms[machine.platform or ""].public
    if public is None:
        return release
    if machine.accelerators and release not in runs_on_gpu(release, machine, known):
        return release + idle
    if not machine.accelerators and public.torch_backend.vendor is not None:
        size = sizes(release, machine.platform, public.torch_backend).pypi
        return f"{release} (the {public.torch_backend} build{_megabytes(', {}', size)}, and GPU libraries beside it)"
    return release


def _with_pages(machine: Machine, release: str | None, known: Catalog) -> str:
    if release is None:
        return "nothing"
    selection = select(machine, known.release(release), known)
    if selection.torch_backend != "cpu" or selection.local_version is None:
        return selection.version
    return selection.version + _megabytes(" ({})", sizes(release, machine.platform, "cpu").index)


def _megabytes(text: str, size: int | None) -> str:
    return text.format(f"{size / 1e6:,.0f} MB") if size is not None else ""


def _cell(found: dict[str, str]) -> str:
    """One answer of all Pythons, or each with the Pythons that have it: "2.0.1 on Python 3.11; 2.7.1 from 3.12 on"."""
    runs = [(text, list(group)) for text, group in groupby(found, key=lambda python: found[python])]
    if len(runs) == 1:
        return runs[0][0]
    named = [f"{text} on Python {' and '.join(group)}" for text, group in runs[:-1]]
    text, group = runs[-1]
    version, comma, rest = text.partition(",")
    return "; ".join([*named, f"{version} from Python {group[0]} on{comma}{rest}"])


def rows(known: Catalog) -> list[tuple[str, str, str]]:
    """The rows: a machine, what it gets with PyPI alone, and with PyTorch's pages."""
    found = []
    for row in ROWS:
        answers = {python: answer(row, python, known) for python in pythons(row)}
        alone, pages = ({python: both[side] for python, both in answers.items()} for side in (0, 1))
        found.append((row, _cell(alone), _cell(pages)))
    return [*found, JETSON]


def _markdown(head: tuple[str, str, str], found: list[tuple[str, str, str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ("---",) * 3, *found))


def in_short(known: Catalog) -> str:
    """The table of the README."""
    found = [(row, plain(row, known), answer(row, PYTHONS[-1], known)[1]) for row in IN_SHORT]
    return _markdown(("machine", "`uv add torch`", "`uvx torch-auto-core add`"), found)


def table(known: Catalog) -> str:
    """The table, and the line above it that says of which day it is."""
    lines = _markdown(("machine", "PyPI alone", "with PyTorch's pages"), rows(known))
    days = f"Newest release on {known.as_of}, Python {PYTHONS[0]} to {PYTHONS[-1]}, Linux x86_64 unless said."
    return f"{days}\nEvery row is a test.\n\n{lines}"


def filled(text: str, part: str) -> str:
    """A text with ``part`` between the markers.

    Raises:
        ValueError: a marker is not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{BEGIN} and {END} do not both stand in it")
    return f"{before}{begin}\n\n{part}\n\n{end}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Write the tables, or compare them."""
    code, known = 0, catalog.load()
    for path, part in ((README, in_short(known)), (PAGE, table(known))):
        text = path.read_text("utf-8")
        made = filled(text, part)
        if "--check" not in (sys.argv[1:] if arguments is None else arguments):
            path.write_text(made, "utf-8", newline="\n")
        elif made != text:
            print(f"{path.name} is not what tools/machine_table.py writes: run it", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
