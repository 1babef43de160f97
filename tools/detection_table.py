"""Write the tables of every kind of machine: what detection finds, and what uv and others would take.

They are in docs/reference/kinds.md and docs/explanation/comparison.md. All that detection says of each kind, which
`torch-auto info` shows, is in tests/unit/detect/evidence.txt: read what changes there.

    python tools/detection_table.py          rewrite what stands between their markers
    python tools/detection_table.py --check  exit 1 where it is not what would be written

Every kind is fed for real: its files, the stand-in for NVML, its nvidia-smi. uv's column is a model of its rules
(tests/unit/detect/uv_model.py) on the same input.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from unit.detect import uv_model  # noqa: E402
from unit.detect.feeding import EVIDENCE, describe, feed, present_ids, told  # noqa: E402
from unit.detect.kinds import KINDS, Kind  # noqa: E402
from unit.detect.peers import INPUTS, NAMES  # noqa: E402

from torch_auto import catalog, settings  # noqa: E402
from torch_auto.decide import decide  # noqa: E402
from torch_auto.newest import newest_usable  # noqa: E402

if TYPE_CHECKING:
    from torch_auto.machine import Machine

DOCUMENT, COMPARISON = (REPOSITORY / "docs" / name for name in ("reference/kinds.md", "explanation/comparison.md"))
BEGIN, END = "<!-- {}: begin, made by tools/detection_table.py -->", "<!-- {}: end -->"


def answer(machine: Machine) -> tuple[str, str]:
    """The newest torch that a machine can use with PyTorch's page, and its torch backend; "nothing" for both."""
    known = catalog.load()
    chosen = settings.read(known, {}, {})
    newest = newest_usable(machine, chosen, known)
    if newest.with_pages is None:
        return "nothing", "nothing"
    plan = decide(known.release(newest.with_pages), machine, chosen, known)
    local = plan.selection.local_version
    return (
        f"{plan.release}+{local}" if local else f"{plan.release} of PyPI",
        plan.selection.torch_backend or local or "cpu",
    )


class Row:
    """A kind of machine, with what we and uv make of it."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        machine = feed(kind, folder)
        self.told = told(kind, machine, folder)
        self.kind = kind
        self.found = describe(machine)
        self.torch, self.torch_backend = answer(machine)
        ids = present_ids(kind)
        self.uv = uv_model.auto(folder / "tree", machine.system, kind.smi_lines, kind.rocm, ids)

    @property
    def differs(self) -> bool:
        """Whether uv asks another torch backend first than the one that we take."""
        return self.uv != self.torch_backend


def rows() -> list[Row]:
    """All kinds, fed."""
    found = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            found.append(Row(kind, Path(folder)))
    return found


def _table(head: list[str], lines: list[list[str]]) -> str:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [head, *lines]]
    body.insert(1, "|" + " --- |" * len(head))
    return "\n".join(body)


def _verdicts(said: list[tuple[str, str]], head: str) -> str:
    """Who is right, by verdict: the names that it is said of, the verdict that is said most often first."""
    names: dict[str, list[str]] = {}
    for name, verdict in said:
        names.setdefault(verdict, []).append(name)
    lines = [[", ".join(of), verdict] for verdict, of in sorted(names.items(), key=lambda item: -len(item[1]))]
    return _table([head, "who is right"], lines)


def tables(found: list[Row]) -> dict[str, str]:
    """The tables by the names of their markers."""
    kinds = [
        [str(number), row.kind.name, row.kind.fed, row.found, row.torch, row.uv] for number, row in enumerate(found, 1)
    ]
    against = [(str(number), row.kind.why) for number, row in enumerate(found, 1) if row.differs]
    differ = sum(answer(item.machine)[1] != item.theirs for item in INPUTS)
    return {
        "kinds": _table(["", "machine", "what is fed", "what detection finds", "torch-auto", "uv"], kinds),
        "uv": f"On {len(against)} of the {len(found)} kinds of machine the two take different torch backends:\n\n"
        + _verdicts(against, "kinds, by their numbers"),
        "peers": f"{len(INPUTS)} inputs; on {differ} the torch backends differ. "
        f"light-the-torch has {len(NAMES)} inputs more, names of torch backends.\n\n"
        + _verdicts([(f"{item.peer}: {item.name}", item.why) for item in INPUTS], "inputs"),
    }


def filled(text: str, parts: dict[str, str]) -> str:
    """The document with ``parts`` between their markers.

    Raises:
        ValueError: a marker is not there.
    """
    for name, part in parts.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{begin} and {end} do not both stand in the document")
        text = f"{before}{begin}\n\n{part}\n\n{end}{after}"
    return text


def main() -> int:
    """Write the tables, or compare them."""
    code, found = 0, rows()
    made, files = tables(found), {EVIDENCE: "\n\n".join(row.told for row in found) + "\n"}
    for path, names in ((DOCUMENT, ("kinds",)), (COMPARISON, ("uv", "peers"))):
        files[path] = filled(path.read_text(encoding="utf-8"), {name: made[name] for name in names})
    for path, new in files.items():
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if "--check" not in sys.argv[1:]:
            path.write_text(new, encoding="utf-8", newline="\n")
        elif new != text:
            print(f"{path.name} is not what tools/detection_table.py writes: run it", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
