"""Machines that are named on the command line: files, patterns, folders, and ``-`` for what comes on stdin."""

from __future__ import annotations

import glob
import json
import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from torch_auto.machine_file import MachineError, machine_from_json
from torch_auto.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_auto.machine import Machine

STDIN = "-"

#: Bytes of a file, and of stdin, that are read: a machine is some 5 kB.
_LARGEST = 64 << 20

_SPACE = re.compile(r"\s*")
#: What `pdsh`, `clush` and `parallel --tag` put before each line: the name of the node.
_NODE = re.compile(r"([\w.-]+)(?::[ \t]*|\t)(?=\{)")


class _Found(NamedTuple):
    """A JSON value where a machine should be: its label, and where it stands for a message about it."""

    label: str
    where: str
    value: Any


def is_one_file(words: Sequence[str]) -> bool:
    """Whether the words name one machine, as its one file: what is not there counts as such a file."""
    if len(words) != 1 or words[0] == STDIN or os.path.isdir(words[0]):
        return False
    if not os.path.isfile(words[0]):  # a pipe can be read once
        return os.path.exists(words[0]) or not glob.has_magic(words[0])
    try:
        text = _text(words[0])
        return not [*_values(text)][text.lstrip().startswith("{") :]
    except (OSError, MachineError):
        return True  # what is wrong with it is said by what reads it


def read_all(words: Sequence[str], faults: list[str]) -> list[tuple[str, Machine]]:
    """The machines with a label each; what is wrong with any of them is added to the faults."""
    paths = [path for word in words for path in _paths(word, faults)]
    labels = _labels(paths)
    found = []
    for path in paths:
        for item in _documents(path, labels[path], faults):
            try:
                found.append((item.label, machine_from_json(item.value)))
            except MachineError as error:
                faults.extend(f"--machine: {item.where}: {fault}" for fault in error.faults)
    return found


def _paths(word: str, faults: list[str]) -> list[str]:
    """The files that a word stands for. A file whose name looks like a pattern is that file."""
    if word == STDIN or os.path.isfile(word):
        return [word]
    if os.path.isdir(word):
        found = sorted(glob.glob(os.path.join(glob.escape(word), "*.json")))
        what = "is a folder without a *.json file"
    elif glob.has_magic(word) and not os.path.exists(word):
        found = sorted(path for path in glob.glob(word, recursive=True) if not os.path.isdir(path))
        what = "matches no file"
    else:
        return [word]  # reading it says why it cannot be read
    if not found:
        faults.append(f"--machine: {word!r} {what}")
    return found


def _labels(paths: Sequence[str]) -> dict[str, str]:
    """The files' names, or as much of their paths as tells them apart."""
    names = {path: os.path.basename(path) for path in paths}
    count = Counter(names.values())
    return {path: name if count[name] == 1 else path for path, name in names.items()}


def _text(path: str) -> str:
    """What a file or stdin holds.

    Raises:
        OSError: it cannot be read.
        MachineError: it is too large, or no text.
    """
    data = sys.stdin.buffer.read(_LARGEST + 1) if path == STDIN else read_regular(path, _LARGEST)
    if len(data) > _LARGEST:
        raise MachineError([f"it is larger than {_LARGEST >> 20} MB, so it does not hold machines"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MachineError([f"it is not UTF-8 text: {error}"]) from error


def _documents(path: str, label: str, faults: list[str]) -> list[_Found]:
    """The JSON values in a file, each with a label: of several its number, or the name of its node."""
    name = "stdin" if path == STDIN else repr(path)
    try:
        found = [*_values(_text(path))]
    except OSError as error:
        faults.append(f"--machine: {name} cannot be read: {error.strerror or error}")
        return []
    except MachineError as error:
        faults.extend(f"--machine: {name}: {fault}" for fault in error.faults)
        return []
    if not found:
        faults.append(f"--machine: {name} is empty")
    if len(found) == 1:
        node, value = found[0]
        return [_Found(node or ("stdin" if path == STDIN else label), name, value)]
    return [
        _Found(node or f"{'stdin' if path == STDIN else label}:{number}", f"{name}, machine {number}", value)
        for number, (node, value) in enumerate(found, 1)
    ]


def _values(text: str) -> Iterator[tuple[str, Any]]:
    """JSON values one after the other, and those of arrays, each with the name of its node, or "".

    Raises:
        MachineError: the text is not JSON from some line on.
    """
    decoder, at = json.JSONDecoder(), _after_space(text, 0)
    while at < len(text):
        node = _NODE.match(text, at)
        try:
            value, end = decoder.raw_decode(text, node.end() if node is not None else at)
        except (ValueError, RecursionError) as error:
            line = f" from line {text.count(chr(10), 0, at) + 1} on" if at else ""
            raise MachineError([f"it is not JSON{line}: {error}"]) from error
        name = node[1] if node is not None else ""
        yield from ((name, item) for item in (value if isinstance(value, list) else [value]))
        at = _after_space(text, end)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at
