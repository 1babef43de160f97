"""How keys and values are written in TOML, by us and by people."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    #: The keys from the root down to a table or a value.
    Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_PLAIN = r"[+\-\w.:]+(?: [\d:.]+(?:Z|[+-][\d:]+)?)?"  # a number, a date or a time, which have many spellings
_SPACE = r"(?:\s|#[^\n]*\n)*"  # between the elements of an array


# --- by us ---------------------------------------------------------------------------------------------------------


def string(value: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def key(part: str) -> str:
    """A key, quoted where it has to be."""
    return part if _BARE.fullmatch(part) else string(part)


def dotted(path: Sequence[str | int]) -> str:
    """A dotted key."""
    return ".".join(key(str(part)) for part in path)


def nested(path: Path, value: str) -> str:
    """A value inside of an inline table for each key."""
    for part in reversed(path):
        value = f"{{ {key(part)} = {value} }}"
    return value


def inline(value: object) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key(name)} = {inline(item)}' for name, item in value.items())} }}"
    if isinstance(value, str):
        return string(value)
    if isinstance(value, (bool, int)):
        return json.dumps(value)
    # A float's repr is TOML's spelling too, nan and inf among them; a date or a time says its own.
    return repr(value) if isinstance(value, float) else value.isoformat()  # type: ignore[attr-defined]


def lines(elements: Sequence[str], indent: str = "    ") -> str:
    """An array with one element to a line; the elements, which are TOML, may stand over lines themselves."""
    inside = "".join(indent + element.replace("\n", "\n" + indent) + ",\n" for element in elements)
    return f"[\n{inside}]"


def element(value: object) -> str:
    """An element of an array: an array in it stands over lines, all else on one."""
    return lines(list(map(inline, value))) if isinstance(value, list) else inline(value)


def one_line(text: str) -> str:
    """An array that stands over lines, on one; its strings hold no line ends."""
    for pattern, plain in ((r"\[\n\s*", "["), (r",?\n\s*\]", "]"), (r"\n\s*", " ")):
        text = re.sub(pattern, plain, text)
    return text


def line_end(text: str) -> str:
    """How a text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


# --- by people -----------------------------------------------------------------------------------------------------


_APART = re.compile(
    r"""(?P<quotes>\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5})|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)


@lru_cache(maxsize=4)
def without_prose(text: str) -> str:
    """A TOML text with something else in place of each letter of comments and of strings over several lines.

    What looks like a header or a key there is none. Places are the same as in the text itself.
    """

    def blank(found: re.Match[str]) -> str:
        if found.group("comment"):
            return "#" + re.sub(r"[^\r]", "\0", found.group()[1:])
        return re.sub(r"[^\r\n]", "\0", found.group()) if found.group("quotes") else found.group()

    return _APART.sub(blank, text)


def key_pattern(path: Sequence[str]) -> str:
    """A pattern of a dotted key in any spelling."""
    return r"[ \t]*\.[ \t]*".join(rf"[\"']?{re.escape(part)}[\"']?" for part in path)


def value_pattern(value: object) -> str:
    """A pattern of a value as people write it: over lines or not, with comments, in either kind of quotes."""
    if isinstance(value, str):
        literal = f"'{value}'"
        return f"(?:{re.escape(string(value))}|{re.escape(literal)})"
    if isinstance(value, list):
        inner = rf"{_SPACE},{_SPACE}".join(map(value_pattern, value))
        return rf"\[{_SPACE}{inner}{_SPACE},?{_SPACE}\]"
    if isinstance(value, dict):
        pairs = (rf"{key_pattern((name,))}[ \t]*=[ \t]*{value_pattern(it)}" for name, it in value.items())
        inner = r"[ \t]*,[ \t]*".join(pairs)
        return rf"\{{[ \t]*{inner}[ \t]*\}}"
    return _PLAIN if not isinstance(value, bool) else json.dumps(value)
