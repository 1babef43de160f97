"""How the bytes of a user's file are text: UTF-8, but for the files of pip, which reads them in its own ways."""

from __future__ import annotations

import codecs
import locale
import os
import re
import sys
from typing import NamedTuple

from torch_auto.cli.errors import UserError

_UTF_8 = "utf-8"

#: PowerShell's `>` writes UTF-16 with such a mark. UTF-32's little one starts as UTF-16's does, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, _UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: A comment in the first two lines (PEP 263), as pip reads it.
_DECLARED = re.compile(rb"#.*?coding[:=]\s*([-\w.]+)")

_PIPS_SETTINGS = ("pip.conf", "pip.ini")


class Decoded(NamedTuple):
    """A text, its encoding, and the byte order mark before it."""

    text: str
    encoding: str = _UTF_8
    mark: bytes = b""

    def encoded(self, text: str) -> bytes:
        """Another text in the same encoding."""
        return self.mark + text.encode(self.encoding)


class NotTextError(UserError):
    """A file is not text in the encoding that it should have; the message says where."""


def decoded(path: str, data: bytes) -> Decoded:
    """The text of a file.

    Raises:
        NotTextError: it is in another encoding.
    """
    mark, encoding = _encoding(path, data)
    try:
        return Decoded(data[len(mark) :].decode(encoding), encoding, mark)
    except UnicodeDecodeError as error:
        raise NotTextError(f"{path}: {fault(error)}") from error
    except (LookupError, UnicodeError) as error:  # a name that no encoding has, or one of something else than text
        raise NotTextError(f"{path}: its first lines name the encoding {encoding!r}, which cannot be read") from error


def seen(path: str, data: bytes) -> str:
    """The text of a file as far as it can be read, for who looks into a file that may be nobody's."""
    try:
        return decoded(path, data).text
    except NotTextError:
        return data.decode(_UTF_8, "replace")


def of_toml(data: bytes) -> str:
    """The text of a TOML file, which is UTF-8. A byte order mark is not part of it.

    Raises:
        ValueError: it is in another encoding.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(fault(error)) from error


def fault(error: UnicodeDecodeError) -> str:
    """What is wrong with the bytes of a text, and where."""
    data, start = error.object, error.start
    other = next((name for mark, name in _MARKS[1:] if data.startswith(mark)), None)
    if other is not None and error.encoding.startswith(_UTF_8):
        return f"it is {other[: -len('-le')].upper()}, and has to be UTF-8: save it as that"
    line, column = data.count(b"\n", 0, start) + 1, start - data.rfind(b"\n", 0, start)
    name = "UTF-8" if error.encoding.startswith(_UTF_8) else error.encoding
    return f"line {line}, column {column}: the byte 0x{data[start]:02x} is not {name}"


def _encoding(path: str, data: bytes) -> tuple[bytes, str]:
    """The byte order mark of a file, and the encoding of what follows.

    Sources: pip/_internal/req/req_file.py, _decode_req_file; pip/_internal/configuration.py, _construct_parser.
    """
    if os.path.basename(path) in _PIPS_SETTINGS:
        return b"", _UTF_8 if sys.flags.utf8_mode else _of_locale()
    found = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), None)
    if not path.endswith(".txt"):
        return found if found is not None and found[1] == _UTF_8 else (b"", _UTF_8)
    if found is not None:
        return found
    for line in data.split(b"\n")[:2]:
        declared = _DECLARED.match(line)
        if declared is not None:
            return b"", declared.group(1).decode("ascii")
    try:
        data.decode(_UTF_8)
    except UnicodeDecodeError:
        return b"", _of_locale()
    return b"", _UTF_8


def _of_locale() -> str:
    """The encoding of the user's locale, whether Python is in UTF-8 mode or not."""
    if sys.version_info >= (3, 11):
        return locale.getencoding()
    return locale.getpreferredencoding(False)  # noqa: FBT003  # it has no name
