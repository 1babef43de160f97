"""The pages of a package index: a project's files as HTML (PEP 503) and JSON (PEP 691, 700), and lists of projects."""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.wheels import File

HTML = "text/html; charset=utf-8"
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Link:
    """A file and the path on this server at which it is."""

    file: File
    path: str

    @property
    def href(self) -> str:
        """The path with + and the like encoded, as PyTorch's index writes it."""
        return quote(self.path)


def project_html(project: str, links: Iterable[Link], *, core_metadata: bool) -> bytes:
    """The page of a project. ``core_metadata`` says whether METADATA can be had beside a wheel (PEP 658)."""
    lines = ["<!DOCTYPE html>", f"<html><head><title>Links for {project}</title></head><body>"]
    for link in links:
        file = link.file
        attributes = ""
        if file.requires_python:
            attributes += f' data-requires-python="{html.escape(file.requires_python)}"'
        if core_metadata and file.metadata is not None:
            digest = metadata_hash(file)
            attributes += f' data-dist-info-metadata="sha256={digest}" data-core-metadata="sha256={digest}"'
        lines.append(f'<a href="{link.href}#sha256={file.sha256}"{attributes}>{html.escape(file.filename)}</a><br/>')
    lines += ["</body></html>", ""]
    return "\n".join(lines).encode()


def project_json(project: str, links: Iterable[Link], *, core_metadata: bool) -> bytes:
    """The same as JSON, with the sizes and upload times that HTML has no place for."""
    files = []
    for link in links:
        file = link.file
        entry: dict[str, Any] = {
            "filename": file.filename,
            "url": link.href,
            "hashes": {"sha256": file.sha256},
            "size": len(file.content),
            "upload-time": file.uploaded,
            "yanked": False,
        }
        if file.requires_python:
            entry["requires-python"] = file.requires_python
        if core_metadata and file.metadata is not None:
            entry["core-metadata"] = {"sha256": metadata_hash(file)}
        files.append(entry)
    versions = sorted({_version_of(link.file.filename) for link in links})
    page = {"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": files}
    return json.dumps(page).encode()


def list_html(names: Iterable[str]) -> bytes:
    """A page that links to a project each."""
    anchors = [f'<a href="{name}/">{name}</a><br/>' for name in names]
    return "\n".join(["<!DOCTYPE html>", "<html><body>", *anchors, "</body></html>", ""]).encode()


def list_json(names: Iterable[str]) -> bytes:
    """The same as JSON."""
    return json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}).encode()


def metadata_hash(file: File) -> str:
    """The hash of a wheel's METADATA, in hexadecimal."""
    return hashlib.sha256(file.metadata or b"").hexdigest()


def _version_of(filename: str) -> str:
    if filename.endswith(".whl"):
        return filename.split("-")[1]
    return filename[: -len(".tar.gz")].rsplit("-", 1)[1]
