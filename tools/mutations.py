"""Mutants of a Python file: the file with one place changed. :mod:`mutants` says whether the tests notice.

Texts with a blank in them are not changed: they are messages. Nor are empty ones, annotations, docstrings, and parts of
f-strings.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    #: Where a change starts and ends, in bytes of the file, and the new text.
    Change = tuple[int, int, str]

OTHERS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in", ast.And: "or", ast.Or: "and", ast.Add: "-", ast.Sub: "+",
    ast.Mult: "//", ast.FloorDiv: "*", ast.BitOr: "&", ast.BitAnd: "|",
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list", "reversed": "list"}
NAMES |= {"startswith": "endswith", "endswith": "startswith", "partition": "rpartition", "rpartition": "partition"}
_OPERATOR = re.compile(r"is\s+not|not\s+in|\b(is|in|and|or)\b|[<>=!]=|//|[<>+*|&-]")


@dataclass(frozen=True)
class Mutant:
    """One place changed: the file, its line, its text before and after, and the function that it is in, if any."""

    path: str
    line: int
    original: str
    text: str
    function: tuple[str, ...]

    def lines(self) -> tuple[str, str]:
        """What is taken away and what is put there, without the indent: what a reason is found by."""
        diff = [line for line in difflib.ndiff(self.original.splitlines(), self.text.splitlines()) if line[0] in "+-"]
        return tuple(" ".join(line[2:].strip() for line in diff if line[0] == sign) for sign in "-+")  # type: ignore[return-value]


def mutants_of(path: Path, root: Path) -> Iterator[Mutant]:
    """All mutants of a file, in its order."""
    data = path.read_bytes()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    seen = set()
    for node, function in _nodes(ast.parse(data), (), fixed=False):
        for start, end, new in _changes(node, data, starts):
            text = (data[:start] + new.encode() + data[end:]).decode()
            with contextlib.suppress(SyntaxError):
                ast.parse(text)
                if text not in seen:
                    seen.add(text)
                    yield Mutant(
                        str(path.relative_to(root)), data.count(b"\n", 0, start) + 1, data.decode(), text, function
                    )


def _nodes(node: ast.AST, function: tuple[str, ...], *, fixed: bool) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """Each node that a change makes sense for, and the path of the function whose code it is; () on import."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            typing = isinstance(child, (ast.If, ast.Assign)) and "TYPE_CHECKING" in ast.unparse(child).split("\n")[0]
            if not isinstance(child, ast.AST) or docstring or typing or isinstance(child, ast.JoinedStr):
                continue
            if name in ("annotation", "returns"):
                continue
            inside, hold = function, fixed
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not fixed and name == "body":
                inside, hold = (*function, node.name), isinstance(node, ast.FunctionDef)
            yield child, inside if hold else ()
            yield from _nodes(child, inside, fixed=hold)


def _changes(node: Any, data: bytes, starts: list[int]) -> Iterator[Change]:  # noqa: C901  # one part for each kind
    """What a node becomes."""

    def at(other: Any) -> tuple[int, int]:
        return starts[other.lineno - 1] + other.col_offset, starts[other.end_lineno - 1] + other.end_col_offset

    def between(left: Any, right: Any, operator: ast.AST) -> Iterator[Change]:
        start, end = at(left)[1], at(right)[0]
        word, found = OTHERS.get(type(operator)), _OPERATOR.search(data[start:end].decode())
        if word and found:
            yield start + found.start(), start + found.end(), word

    if isinstance(node, ast.Compare):
        for operator, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators):
            yield from between(left, right, operator)
    elif isinstance(node, ast.BoolOp):
        for left, right in zip(node.values, node.values[1:]):
            yield from between(left, right, node.op)
    elif isinstance(node, ast.BinOp):
        yield from between(node.left, node.right, node.op)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield at(node)[0], at(node.operand)[0], ""
    elif hasattr(node, "end_col_offset"):
        new = _other(node)
        if new is not None:
            yield (*at(node), new)
    for test in [getattr(node, "test", None), *getattr(node, "ifs", ())]:
        if isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.NamedExpr)):
            start, end = at(test)
            yield start, end, f"not ({data[start:end].decode()})"


def _other(node: ast.AST) -> str | None:
    """The text of a node that stands for itself, when it is another one; None where it stays."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            return str(not node.value)
        if isinstance(node.value, (int, float)):
            return str(node.value + 1)
        if isinstance(node.value, str) and node.value and not re.search(r"\s", node.value):
            return repr("XX" + node.value)
    elif isinstance(node, ast.Name) and node.id in NAMES:
        return NAMES[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        return f"{ast.unparse(node.value)}.{NAMES[node.attr]}"
    elif isinstance(node, ast.Continue):
        return "break"
    elif isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return "pass"
    elif isinstance(node, ast.keyword) and node.arg in ("key", "default", "reverse"):
        return ""
    return None
