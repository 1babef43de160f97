"""The pages of a package index: PEP 691 JSON or PEP 503 HTML, whichever the server has, as a list of files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from catalog_http import FetchError, Page, fetch_page

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
_ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.01"

#: How close to its end an HTML page must be closed: the PyTorch index writes a time stamp behind it.
_END = 400

_PIP_DEFAULT = re.compile(r"--index-url\s+<url>.*?\(default\s+(\S+?)\)", re.DOTALL)


class File(NamedTuple):
    """One file of a project's page. ``uploaded`` is a date (ISO 8601), ``size`` in bytes; HTML pages tell neither."""

    name: str
    url: str
    requires_python: str | None
    yanked: bool
    uploaded: str | None
    size: int | None = None


def project_files(base: str, project: str, *, timeout: float = 60) -> list[File]:
    """The files of a project on an index, ``base`` being the index's URL without the project.

    Raises:
        FetchError: the page cannot be read whole, or is of a shape that is not known.
    """
    url = f"{base.rstrip('/')}/{project}/"
    page = fetch_page(url, _ACCEPT, timeout=timeout)
    files = _from_json(page) if page.media_type == _JSON else _from_html(page)
    wheel = re.compile(rf"{project.replace('-', '_')}-[^-]+-.+\.whl", re.IGNORECASE)
    if not any(wheel.fullmatch(file.name) for file in files):
        raise FetchError(url, f"has changed its shape: it lists no wheel of {project}")
    return files


def default_index() -> str:
    """The package index that pip is configured for here.

    Raises:
        RuntimeError: pip does not run, or does not tell.
    """
    # pip's help shows the value that its files and environment variables set.
    command = [sys.executable, "-m", "pip", "download", "--help"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(f"pip does not say which index it uses, pass --pypi: {error}") from error
    found = _PIP_DEFAULT.search(answer.stdout)
    if found is None:
        raise RuntimeError("pip does not say which index it uses, pass --pypi")
    return found.group(1)


def _from_json(page: Page) -> list[File]:
    try:
        value = json.loads(page.body)
    except ValueError as error:
        raise FetchError(page.url, f"is cut off, or no JSON: {error}") from error
    try:
        version = value["meta"]["api-version"]
        if version.split(".")[0] != "1":
            raise FetchError(page.url, f"has changed its shape: api-version {version}")
        return [_json_file(page.url, item) for item in value["files"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise FetchError(page.url, f"has changed its shape: {error!r}") from error


def _json_file(page_url: str, item: dict[str, Any]) -> File:
    name, url, size = item["filename"], item["url"], item.get("size")
    requires, uploaded = item.get("requires-python"), item.get("upload-time")
    texts = all(isinstance(text, str) for text in (name, url, requires or ""))
    if not texts or not isinstance(size or 0, int):
        raise TypeError(name)
    # PEP 592: the value may be a reason, and an empty reason is a reason too.
    yanked = item.get("yanked", False) is not False
    return File(name, urljoin(page_url, url), requires, yanked, str(uploaded)[:10] if uploaded else None, size)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[dict[str, str | None], str]] = []
        self._open: dict[str, str | None] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._open, self._text = dict(attrs), ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            self.links.append((self._open, self._text.strip()))
            self._open = None


def _from_html(page: Page) -> list[File]:
    if page.media_type not in _HTML:
        raise FetchError(page.url, f"has changed its shape: it is of type {page.media_type}")
    try:
        text = page.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FetchError(page.url, f"is no UTF-8: {error}") from error
    if "</html>" not in text[-_END:].lower():
        raise FetchError(page.url, "is cut off, or has changed its shape: it ends without </html>")
    parser = _Links()
    parser.feed(text)
    parser.close()
    files = []
    for attributes, name in parser.links:
        address, _ = urldefrag(urljoin(page.url, attributes.get("href") or ""))
        if unquote(address).rpartition("/")[2] != name:
            raise FetchError(page.url, f"has changed its shape: the link {name!r} goes to {address}")
        requires = attributes.get("data-requires-python")
        files.append(File(name, address, requires, "data-yanked" in attributes, None))
    return files
