"""HTTP for the catalog's tools: a page whole or not at all, and ranges of large files. Every error names the URL."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from email.message import Message

#: Nothing that is read here is larger: the longest page so far has 2 MB.
MAX_PAGE = 64 << 20

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)


class FetchError(Exception):
    """A page or a file that could not be read; the message names its URL."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} {reason}")
        self.url = url
        self.reason = reason


class Page(NamedTuple):
    """The body of a page, with its media type in lower case ("text/html")."""

    url: str
    media_type: str
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect becomes an error: a page that has moved is not the page that was asked for."""

    def redirect_request(  # noqa: PLR0913, PLR0917  # the signature is urllib's
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: Message,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
_FAILURES = (urllib.error.URLError, http.client.HTTPException, OSError, ValueError)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        target = error.headers.get("Location")
        return f"answered {error.code}" + (f", a redirect to {target}" if target else "")
    if isinstance(error, http.client.IncompleteRead):
        return f"was cut off after {len(error.partial)} bytes"
    return f"cannot be read: {getattr(error, 'reason', None) or error}"


def fetch_page(url: str, accept: str, *, timeout: float = 60) -> Page:
    """A page, whole.

    Raises:
        FetchError: any answer but a 200, a redirect among them; a body that is cut off, or is larger than MAX_PAGE.
    """
    try:
        request = urllib.request.Request(url, headers={"Accept": accept, "Accept-Encoding": "identity"})  # noqa: S310
        with _OPENER.open(request, timeout=timeout) as answer:
            body = answer.read(MAX_PAGE + 1)
            if answer.status != http.client.OK:
                raise FetchError(url, f"answered {answer.status}")
            length = answer.headers.get("Content-Length")
            media_type = answer.headers.get_content_type().lower()
    except _FAILURES as error:
        raise FetchError(url, _reason(error)) from error
    if len(body) > MAX_PAGE:
        raise FetchError(url, f"is larger than {MAX_PAGE >> 20} MiB")
    # read(n) gives what came before the connection broke, without an error.
    if length is not None and length.isdigit() and int(length) != len(body):
        raise FetchError(url, f"was cut off after {len(body)} of {length} bytes")
    return Page(url, media_type, body)


def fetch_size(url: str, *, timeout: float = 60) -> int | None:
    """The size of a file in bytes, by its Content-Length, or None where the server does not tell.

    Raises:
        FetchError: the server has no such file, or does not answer.
    """
    try:
        request = urllib.request.Request(url, method="HEAD", headers={"Accept-Encoding": "identity"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            length = answer.headers.get("Content-Length", "")
    except _FAILURES as error:
        raise FetchError(url, _reason(error)) from error
    return int(length) if length.isascii() and length.isdigit() else None


def fetch_range(url: str, first: int, last: int, *, timeout: float = 60) -> tuple[bytes, int]:
    """The bytes ``first`` to ``last`` (both included) of a file, and the size of the file in bytes.

    Raises:
        FetchError: the file cannot be read, or the server would send all of it.
    """
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={first}-{last}"})  # noqa: S310
        # Files may be redirected to where they are stored: the page that named them is what was asked for.
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            if answer.status != http.client.PARTIAL_CONTENT:
                raise FetchError(url, "is served whole only, without ranges")
            match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            body = answer.read(last - first + 2)
    except _FAILURES as error:
        raise FetchError(url, _reason(error)) from error
    if match is None or int(match.group(1)) != first or len(body) != last - first + 1:
        raise FetchError(url, f"gave other bytes than the range {first}-{last} that was asked for")
    return body, int(match.group(3))
