"""Pictures of the command in a terminal, as SVG, made of what it really prints: docs/pictures/*.svg.

Run it with ``python3 tools/dev.py run python tools/pictures.py``. The commands run in a pseudo-terminal, with real uv
and a PyTorch index on this machine whose wheels are tiny; tests/docs/test_pictures.py holds that they are current.
"""

from __future__ import annotations

import fcntl
import html
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import fake_nvml, frontends, machines, pytorch_org  # noqa: E402
from support.dists import dists  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PICTURES = ROOT / "docs" / "pictures"

#: Columns of the pictures in the docs, which are read on telephones too.
COLUMNS = 88

_SGR = re.compile(r"\033\[([\d;]*)m")
_OTHER_CONTROL = re.compile(r"\033\[[\d;?]*[A-Za-ln-z]|\033\][^\a]*\a")

#: ANSI colours on a dark and on a light background, each with a contrast of 4.5 to 1 and more (WCAG 2.1, 1.4.3).
_COLOURS = {
    "31": ("#ff7b72", "#b31d28"),
    "32": ("#56d364", "#116329"),
    "33": ("#e3b341", "#7d4e00"),
    "34": ("#79c0ff", "#0550ae"),
    "35": ("#d2a8ff", "#6639ba"),
    "36": ("#76e3ea", "#0a5e66"),
    "90": ("#9198a1", "#59636e"),
}
_DARK, _LIGHT = ("#0d1117", "#e6edf3"), ("#f6f8fa", "#1f2328")
_CHARACTER, _LINE, _SIZE, _MARGIN, _TOP = 8.4, 20, 14, 16, 40


class Shot(NamedTuple):
    """A command as it is typed, and what it printed."""

    typed: str
    printed: str


class Stage:
    """A folder with a home, a project and an index of its own, in which commands are typed."""

    def __init__(self, folder: Path, index: TorchIndex, columns: int = COLUMNS) -> None:
        self._sandbox = frontends.Sandbox(folder, index)
        self._columns = columns
        self._pytorch_org = pytorch_org.stand_in(index, pytorch_org.certificate(folder))
        self._machine: dict[str, str] = {}
        self.project = folder / "home" / "app"
        self.project.mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        for name in ("uv", "uvx"):
            (programs / name).symlink_to(frontends.uv().executable.parent / name)
        self._programs = programs

    def on(self, driver: str, name: str, compute_capability: str) -> None:
        """From now on commands run on a machine with this GPU: its NVML says so, and detection is real."""
        self._machine = fake_nvml.env(driver, machines.DRIVERS[driver], [(name, compute_capability)])

    def run(self, typed: str, columns: int | None = None) -> Shot:
        """Type a command; what it prints, in colours."""
        environment = {name: value for name, value in self._sandbox.environment.items() if name != "NO_COLOR"}
        environment |= {**self._pytorch_org, **self._machine, "TERM": "xterm-256color"}
        environment["PATH"] = f"{self._programs}:{environment['PATH']}"
        printed = recorded(["bash", "-c", typed], self.project, environment, columns or self._columns)
        return Shot(typed, self._at_home(printed))

    def _at_home(self, printed: str) -> str:
        """What is not the same on the next day, or on another machine, as it is to be shown."""
        for path, shown in ((str(self.project), "~/app"), (str(self.project.parent), "~")):
            printed = printed.replace(path, shown)
        printed = re.sub(r"in (?:\d+\.\d+s|\d+ms)\b", "", printed)
        printed = re.sub(r", as of ([\d-]+) \((?:today|yesterday|\d+ days\s+ago)\)", r", as of \1", printed)
        chatter = ("Using CPython", "Creating virtual", "Prepared", "Audited", "Building", "Built")
        lines = printed.split("\n")
        return "\n".join(line for line in lines if not _SGR.sub("", line).strip().startswith(chatter))


def recorded(command: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int) -> str:
    """What a command writes to a terminal of so many columns.

    Raises:
        OSError: it does not start.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(command, cwd=folder, env=dict(environment), stdin=slave, stdout=slave, stderr=slave) as child:
        os.close(slave)
        data = b"".join(_read(master))
        child.wait()
    os.close(master)
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    # A progress line is written over by what comes after it.
    return "\n".join(_OTHER_CONTROL.sub("", line.rpartition("\r")[2]) for line in text.rstrip("\n").split("\n"))


def _read(master: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # Linux: everybody has closed the other end
            return
        if not data:
            return
        yield data


# --- drawing ---------------------------------------------------------------------------------------------------------


def runs(line: str, codes: tuple[str, ...] = ()) -> tuple[list[tuple[str, tuple[str, ...]]], tuple[str, ...]]:
    """A line as texts with the ANSI codes that they have, and the codes at its end."""
    found: list[tuple[str, tuple[str, ...]]] = []
    at = 0
    for match in _SGR.finditer(line):
        if match.start() > at:
            found.append((line[at : match.start()], codes))
        for code in match[1].split(";"):
            codes = () if code in ("", "0", "39") else (*codes, code)
        at = match.end()
    return [*found, *([(line[at:], codes)] if line[at:] else [])], codes


def svg(shots: Sequence[Shot], columns: int = COLUMNS) -> str:
    """A picture of a terminal, in the colours that its reader prefers, dark or light."""
    lines: list[str] = []
    for shot in shots:
        lines += [*([""] if lines else []), f"\033[32m$\033[0m \033[1m{shot.typed}\033[0m", *shot.printed.split("\n")]
    columns = max([columns, *(len(_SGR.sub("", line)) for line in lines)])
    width, height = columns * _CHARACTER + 2 * _MARGIN, len(lines) * _LINE + _TOP + _MARGIN
    texts: list[str] = []
    codes: tuple[str, ...] = ()
    for number, line in enumerate(lines):
        at = 0
        parts, codes = runs(line, codes)
        for text, own in parts:
            if text.strip():
                texts.append(_text(text, own, at, number))
            at += len(text)
    label = html.escape("; ".join(shot.typed for shot in shots))
    dots = "".join(f'<circle cx="{20 + 18 * at}" cy="20" r="5" class="dot"/>' for at in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="{label}">\n'
        f"<style>\n{_style()}\n</style>\n"
        f'<rect width="100%" height="100%" rx="8" class="page"/>{dots}\n' + "\n".join(texts) + "\n</svg>\n"
    )


def _style() -> str:
    font = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
    rules = [f"text{{font:{_SIZE}px {font};white-space:pre}}", ".b{font-weight:bold}", ".d{opacity:.7}"]

    def coloured(shade: int, page: str, text: str) -> list[str]:
        own = [f".page{{fill:{page}}}", f"text{{fill:{text}}}", f".dot{{fill:{_COLOURS['90'][shade]};opacity:.5}}"]
        return own + [f".c{code}{{fill:{both[shade]}}}" for code, both in _COLOURS.items()]

    dark = "".join(coloured(0, *_DARK))
    return "\n".join([*rules, *coloured(1, *_LIGHT), f"@media (prefers-color-scheme: dark){{{dark}}}"])


def _text(text: str, codes: Sequence[str], column: int, line: int) -> str:
    names = [f"c{code}" for code in codes if code in _COLOURS]
    names += [name for code, name in (("1", "b"), ("2", "d")) if code in codes]
    start = len(text) - len(text.lstrip(" "))
    shown = text.strip(" ")
    x, y = (column + start) * _CHARACTER + _MARGIN, line * _LINE + _TOP + _SIZE
    own = f' class="{" ".join(names)}"' if names else ""
    length = f'textLength="{len(shown) * _CHARACTER:.1f}"'
    return f'<text x="{x:.1f}" y="{y}" {length}{own}>{html.escape(shown, quote=False)}</text>'


# --- what is shown ---------------------------------------------------------------------------------------------------


def docs_pictures(index: TorchIndex) -> dict[str, str]:
    """The pictures of the docs by name: a project gets its torch, and then has another machine."""
    # Paths are as long each time, wherever temporary folders are: texts that hold one wrap by it.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        return _docs_pictures(Stage(Path(folder), index))


def _docs_pictures(stage: Stage) -> dict[str, str]:
    stage.on("550.54.14", *machines.A100)
    stage.run("uvx torch-auto-core --version")  # fetches the command, which is no part of the picture
    added = [stage.run("uvx torch-auto-core add vision")]
    planned = [stage.run("uv run torch-auto plan")]
    stage.on("575.51.03", *machines.RTX5090)
    checked = [stage.run("uv run --no-sync torch-auto check")]
    return {"add": svg(added), "plan": svg(planned), "check": svg(checked)}


#: Every verb, in an order in which each has something to say; the machine changes in between.
_EVERY_VERB = (
    "uvx torch-auto-core",
    "uvx torch-auto-core --version",
    "uvx torch-auto-core chekc",
    "uvx torch-auto-core add --dry-run",
    "uvx torch-auto-core add vision",
    "uv run torch-auto plan",
    "uv run torch-auto plan '>=2.5,<2.8' latest",
    "uv run torch-auto plan 2.15 --why",
    "uv run torch-auto plan --machine ../nodes",
    "uv run torch-auto info",
    "uv run torch-auto check",
    "uv run torch-auto env",
    "uv run torch-auto init --dry-run",
    "OTHER MACHINE",
    "uv run --no-sync torch-auto check",
    "uv run --no-sync torch-auto refresh --dry-run",
    "uv run --no-sync torch-auto refresh --yes",
    "uv run torch-auto init --portable",
    "uv lock -q",
    "uvx torch-auto-core group --why",
    "uvx torch-auto-core sync",
    "uvx torch-auto-core run python -c 'import torch'",
    "uvx torch-auto-core lock --portable",
    "uvx torch-auto-core init --remove",
)


def _of_every_verb(index: TorchIndex, columns: int) -> list[Shot]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        stage = Stage(Path(folder), index, columns)
        nodes = stage.project.parent / "nodes"
        nodes.mkdir()
        for name in ("cpu", "a100-550", "h100-580", "p100-580", "v100-470"):
            (nodes / f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        stage.on("550.54.14", *machines.A100)
        stage.run("uvx torch-auto-core --version")
        shots = []
        for typed in _EVERY_VERB:
            if typed == "OTHER MACHINE":
                stage.on("575.51.03", *machines.RTX5090)
            else:
                shots.append(stage.run(typed))
        return shots


def _show(index: TorchIndex, folder: Path) -> None:
    """A page for each width, with every verb: for a person to look at, dark or light."""
    folder.mkdir(parents=True, exist_ok=True)
    for columns in (60, 80, 120):
        pictures = "\n".join(f"<p>{svg([shot], columns)}</p>" for shot in _of_every_verb(index, columns))
        page = (
            f'<html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><body>{pictures}</body></html>'
        )
        (folder / f"{columns}.html").write_text(page, "utf-8")


def main() -> int:
    """Write the pictures, or with ``--show FOLDER`` pages of every verb; returns the exit status."""
    if sys.argv[1:2] == ["--show"]:
        with TorchIndex(wheelhouse=wheelhouse(), dists=dists()) as index:
            _show(index, Path(sys.argv[2]))
        return 0
    with TorchIndex(wheelhouse=wheelhouse(), dists=dists()) as index:
        made = docs_pictures(index)
    PICTURES.mkdir(exist_ok=True)
    for name, picture in made.items():
        (PICTURES / f"{name}.svg").write_text(picture, "utf-8")
        print(PICTURES / f"{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
