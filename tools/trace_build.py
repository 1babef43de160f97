"""What a build of torch-auto executes, reads and writes, as strace sees it: ``python tools/trace_build.py``.

Traces ``uv add torch-auto`` in a project of its own, against the tests' package index on 127.0.0.1, on this machine as
it is (``--nvidia``: with the tests' NVML library in the loader's path), and then ``uv add`` of an empty hatchling
sdist, so that what any such build touches can be told from what is ours. "The build" is every process that uv starts
for our hooks, and every process that these start. Linux, with strace; nothing is fetched but the tests' wheels, once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import empty_sdists  # noqa: E402
from support import fake_nvml, frontends  # noqa: E402
from support.dists import dists  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASE = "2.5.1"

#: Names of hooks in the program text that uv hands to Python with -c.
_HOOK = re.compile(r"get_requires_for_build|prepare_metadata_for_build|build_wheel")
#: Our backend, and that of the empty sdist, in the same text.
_BACKEND = re.compile(r"torch_auto\.backend as backend|hatchling\.build as backend")
#: ``openat(AT_FDCWD</cwd>, "/path", O_RDONLY) = 3</path>``
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<([^>]*)>")
_STARTS = frozenset({"clone", "clone3", "fork", "vfork"})
#: Calls that change a file system, beside an open for writing. Of two paths the last is what is made.
_CHANGES = re.compile(r"(mkdir|mknod|rename|unlink|rmdir|symlink|link|f?chmod|[fl]?chown|truncate|utime)")
#: Names that uv and Python make up.
_RANDOM = re.compile(r"\.tmp\w{6}|\btmp\w{8}")
#: The calls of strace's class %network.
_NETWORK = re.compile(r"socket|connect|bind|listen|accept|send(to|m)|recv|shutdown|[gs]etsock|getpeer")
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")


@dataclass
class Process:
    """One process, or one thread: what strace wrote of it."""

    number: int
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    cwd: str = ""

    @property
    def command(self) -> list[str]:
        """Program and arguments of the last successful execve; empty for a thread and a fork that runs on."""
        for name, text, result in reversed(self.calls):
            if name == "execve" and result == 0:
                return [text.encode().decode("unicode_escape") for text in _QUOTED.findall(text.split("], ", 1)[0])][1:]
        return []

    @property
    def started(self) -> list[int]:
        """Numbers of the processes and threads that it started."""
        return [result for name, _, result in self.calls if name in _STARTS and result > 0]

    def paths(self) -> Iterator[tuple[str, str, str, bool]]:
        """(call, absolute path, arguments, success) of every call that names a file."""
        cwd = self.cwd
        for name, text, result in self.calls:
            quoted = _QUOTED.findall(text if name != "execve" else text.split(", ", 1)[0])
            if not quoted or name in ("socket", "connect"):
                continue
            if name in ("readlink", "readlinkat"):
                quoted = quoted[:1]
            for part in quoted[-1:] if _CHANGES.match(name) else quoted[:1]:
                if not part:
                    continue  # of an open file, which was named before
                where = _FOLDER.search(text)
                path = os.path.normpath(os.path.join(where.group(1) if where else cwd, part))
                yield name, path, text, result >= 0
                if name == "chdir" and result == 0:
                    cwd = path


def read_trace(folder: Path) -> dict[int, Process]:
    """What ``strace -ff -y`` wrote: a file for each process, by its number."""
    found: dict[int, Process] = {}
    for file in sorted(folder.iterdir(), key=lambda path: int(path.suffix[1:])):
        process = found[int(file.suffix[1:])] = Process(int(file.suffix[1:]))
        for line in file.read_text("utf-8", "replace").splitlines():
            if match := _CALL.match(line):
                process.calls.append((match[1], match[2], -1 if match[3] == "?" else int(match[3])))
    for process in found.values():
        for child in process.started:
            if child in found:
                found[child].cwd = process.cwd
    return found


def build_processes(processes: dict[int, Process]) -> dict[int, str]:
    """Numbers of what belongs to the build, each with its hook, or with the process that started it."""
    found: dict[int, str] = {}
    for number, process in processes.items():
        hook = _HOOK.search(process.command[2]) if process.command[1:2] == ["-c"] else None
        if hook is not None and _BACKEND.search(process.command[2]):
            found[number] = hook.group()
    waiting = list(found)
    while waiting:
        number = waiting.pop()
        for child in processes[number].started:
            if child in processes and child not in found:
                found[child] = found[number]
                waiting.append(child)
    return found


@dataclass(frozen=True)
class Places:
    """The folders that paths are told apart by, and named by in a report."""

    names: tuple[tuple[str, str], ...]

    def name(self, path: str) -> tuple[str, str]:
        """The place that a path is in, and the path with the place's name for its folder."""
        for name, folder in self.names:
            if path == folder or path.startswith(folder + "/"):
                return name, f"{{{name}}}{path[len(folder) :]}"
        return "machine", path


@dataclass
class Report:
    """What one build did."""

    processes: list[dict[str, Any]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    places: dict[str, Counter[str]] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    compiled: Counter[str] = field(default_factory=Counter)
    sockets: list[str] = field(default_factory=list)
    uv: dict[str, Any] = field(default_factory=dict)


def _how(name: str, text: str, *, success: bool) -> str:
    if not success:
        return "absent"
    if name.startswith("open"):
        return "listed" if "O_DIRECTORY" in text else "read"
    return "executed" if name == "execve" else "looked at"


_RANK = ("absent", "looked at", "listed", "read", "executed")


def report_of(processes: dict[int, Process], places: Places) -> Report:
    """Sum up a trace."""
    report = Report()
    build = build_processes(processes)
    seen: dict[str, str] = {}
    for number, hook in build.items():
        process = processes[number]
        report.calls.update(name for name, _, _ in process.calls)
        if process.command:
            shown = [_RANDOM.sub("*", places.name(part)[1]) if part[:1] == "/" else part for part in process.command]
            own = process.command[1:2] == ["-c"]
            report.processes.append({"hook": hook, "command": shown[:2] if own else shown})
        for name, path, text, success in process.paths():
            place, shown_path = places.name(path)
            changes = bool(_CHANGES.match(name)) or (
                name.startswith(("open", "creat")) and any(flag in text for flag in _WRITING)
            )
            if path == os.devnull:
                continue
            if changes and success:
                if "/__pycache__" in path:
                    report.compiled[place] += path.endswith(".pyc")
                else:
                    report.written[_RANDOM.sub("*", shown_path)] = place
                continue
            how = _how(name, text, success=success)
            if _RANK.index(how) >= _RANK.index(seen.get(path, "absent")):
                seen[path] = how
        report.sockets += [f"{name}({text})" for name, text, _ in process.calls if _NETWORK.match(name)]
    for path, how in seen.items():
        place, _ = places.name(path)
        report.places.setdefault(place, Counter())[how] += 1
        if place == "machine":
            report.machine[path] = how
    others = [process for number, process in processes.items() if number not in build]
    connects = [text for process in others for name, text, _ in process.calls if name == "connect"]
    report.uv = {
        "processes": [places.name(process.command[0])[1] for process in others if process.command],
        "connects to": sorted({match for text in connects for match in re.findall(r'inet_addr\("([^"]+)"\)', text)}),
    }
    return report


def why_not() -> str | None:
    """Why nothing can be traced here, or None where it can."""
    if not sys.platform.startswith("linux"):
        return "strace is a Linux program"
    strace = shutil.which("strace")
    if strace is None:
        return "PATH has no strace"
    command = [strace, "-qq", "-o", os.devnull, sys.executable, "-c", ""]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"strace may not trace here: {done.stderr.strip()}"


def trace(index: TorchIndex, root: Path, package: str, env: dict[str, str]) -> Report:
    """``uv add`` a package under strace, in a sandbox below ``root``."""
    root.mkdir()
    sandbox = frontends.Sandbox(root, index)
    project = sandbox.project(requires_python=">=3.11")
    output = root / "trace"
    output.mkdir()
    strace = ["strace", "-ff", "-qq", "-y", "-s", "4096", "-e", "trace=%file,%process,%network", "-o"]
    sandbox.run([*strace, output / "of", frontends.uv().executable, "add", package], cwd=project, env=env)
    cache = root / "uv-cache"
    places = [("sdist", str(path)) for path in cache.glob("sdists-*/**/src")]
    places += [("build environment", str(path)) for path in cache.glob("builds-*")]
    places += [("uv cache", str(cache)), ("project", str(project)), ("temporary", str(root / "tmp"))]
    places += [("sandbox", str(root)), ("Python", str(sandbox.python.parent.parent))]
    places += [("tests' NVML", folder) for folder in filter(None, [env.get("LD_LIBRARY_PATH")])]
    return report_of(read_trace(output), Places(tuple(places)))


def both(env: dict[str, str]) -> tuple[Report, Report]:
    """The trace of torch-auto and that of the empty sdist."""
    with tempfile.TemporaryDirectory() as folder, TorchIndex(wheelhouse=wheelhouse()) as index:
        root = Path(folder).resolve()
        index.add(dists())
        index.add(empty_sdists(root / "empty-sdists", "{release}"))
        ours = trace(index, root / "ours", f"torch-auto=={RELEASE}", env)
        return ours, trace(index, root / "empty", f"empty-probe=={RELEASE}", env)


def as_json(ours: Report, empty: Report) -> dict[str, Any]:
    """What --json prints. ``machine`` leaves out what the empty build touches too; ``shared`` is that."""
    return {
        "processes": ours.processes,
        "calls": dict(sorted(ours.calls.items())),
        "places": {name: dict(counts) for name, counts in sorted(ours.places.items())},
        "machine": {path: how for path, how in sorted(ours.machine.items()) if path not in empty.machine},
        "shared": {path: how for path, how in sorted(ours.machine.items()) if path in empty.machine},
        "written": dict(sorted(ours.written.items())),
        "compiled": dict(ours.compiled),
        "sockets": ours.sockets,
        "uv": ours.uv,
    }


def as_text(found: dict[str, Any]) -> str:
    """The same to read."""
    lines = ["Processes of the build:"]
    lines += [f"  {item['hook']}: {' '.join(item['command'])}" for item in found["processes"]]
    lines += [f"Sockets of the build: {len(found['sockets'])}", *(f"  {text}" for text in found["sockets"])]
    lines.append("System calls: " + ", ".join(f"{count} {name}" for name, count in found["calls"].items()))
    lines.append("Files, by place:")
    for place, counts in found["places"].items():
        lines.append(f"  {place}: " + ", ".join(f"{count} {how}" for how, count in sorted(counts.items())))
    for title, key in (("ours alone", "machine"), ("an empty hatchling build too", "shared")):
        lines.append(f"Of the machine, {title}:")
        lines += [f"  {how:9} {path}" for path, how in found[key].items()]
    compiled = ", ".join(f"{count} in {place}" for place, count in found["compiled"].items())
    lines.append(f"Written: compiled modules, {compiled}; and")
    lines += [f"  {path}" for path in found["written"]]
    lines.append(f"uv itself: {len(found['uv']['processes'])} processes, connects to {found['uv']['connects to']}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Trace and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--nvidia", action="store_true", help="with the tests' NVML library, as on an A100")
    options = parser.parse_args(arguments)
    reason = why_not() or (fake_nvml.why_not() if options.nvidia else None)
    if reason is not None:
        print(f"Nothing was traced: {reason}.", file=sys.stderr)
        return 2
    found = as_json(*both(fake_nvml.env() if options.nvidia else {}))
    print(json.dumps(found, indent=1) if options.json else as_text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
