"""A small web server on 127.0.0.1: conditional requests, ranges, a log of what was asked, and faults on request.

It serves what a site answers. Tests read :attr:`WebServer.log` and set :meth:`WebServer.fault`.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import sys
import threading
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


@dataclass(frozen=True)
class Resource:
    """What is at a path. ``modified`` is in seconds since 1970."""

    body: bytes
    content_type: str = "application/octet-stream"
    cache_control: str = ""
    modified: float = 0.0

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


@dataclass(frozen=True)
class Moved:
    """Another path that the client is sent to."""

    path: str


class Site(Protocol):
    """What a server serves."""

    def find(self, path: str, accept: str) -> Resource | Moved | None:
        """What is at a decoded path for a client that accepts these content types, or None."""


@dataclass(frozen=True)
class Request:
    """A request that was answered. ``path`` is decoded, ``size`` the bytes of the body that were sent."""

    method: str
    path: str
    status: int
    size: int
    conditional: bool = False
    ranged: bool = False


@dataclass
class Fault:
    """What goes wrong at a path, ``times`` times or, by default, always.

    ``status`` answers with that status, ``cut_off_after`` closes the connection after so many bytes of the body that
    was promised, ``redirect`` sends the client to another path, and ``delay`` waits so many seconds before the answer.
    """

    status: int | None = None
    cut_off_after: int | None = None
    redirect: str | None = None
    delay: float = 0.0
    times: int | None = None


@dataclass
class _State:
    site: Site
    log: list[Request] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hosts: dict[str, ssl.SSLContext] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    connections: set[socket.socket] = field(default_factory=set)

    def fault_at(self, path: str) -> Fault | None:
        with self.lock:
            fault = self.faults.get(path)
            if fault is not None and fault.times is not None:
                if fault.times <= 0:
                    return None
                fault.times -= 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one piece: no waiting for the other side's delayed acknowledgement
    disable_nagle_algorithm = True
    state: _State

    def setup(self) -> None:
        super().setup()
        with self.state.lock:
            self.state.connections.add(self.connection)
        if self.state.stopping.is_set():  # it was accepted while the others were being closed
            self.connection.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        # A client that goes away, and a server that stops, both end a connection in the middle of something.
        with contextlib.suppress(ConnectionError, OSError):
            super().handle()

    def finish(self) -> None:
        with self.state.lock:
            self.state.connections.discard(self.connection)
        with contextlib.suppress(ConnectionError, OSError):
            super().finish()
        if isinstance(self.connection, ssl.SSLSocket):  # the server closes what it accepted, which is not this
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name in the base class
        """Say nothing: what was asked is in the log that tests read."""

    def do_GET(self) -> None:
        self._respond(body=True)

    def do_HEAD(self) -> None:
        self._respond(body=False)

    def do_CONNECT(self) -> None:
        """A tunnel to a host whose certificate this server has ends here; there is none to any other."""
        context = self.state.hosts.get(self.path)
        if context is None:
            self._send(self.path, HTTPStatus.FORBIDDEN, b"403 Forbidden\n", {"Content-Type": "text/plain"}, body=True)
            return
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        self.wfile.flush()
        super().finish()
        with self.state.lock:
            self.state.connections.discard(self.connection)
        self.request = context.wrap_socket(self.connection, server_side=True)
        self.setup()
        self.close_connection = False

    def _respond(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        fault = self.state.fault_at(path)
        if fault is not None:
            if fault.delay:
                self.state.stopping.wait(fault.delay)
            if fault.status is not None:
                self._send(path, fault.status, f"fault {fault.status}\n".encode(), {}, body=body)
                return
            if fault.redirect is not None:
                self._send(path, HTTPStatus.FOUND, b"", {"Location": quote(fault.redirect, safe="/:")}, body=body)
                return
        found = self.state.site.find(path, self.headers.get("Accept", ""))
        if found is None:
            self._send(path, HTTPStatus.NOT_FOUND, b"404 Not Found\n", {"Content-Type": "text/plain"}, body=body)
        elif isinstance(found, Moved):
            self._send(path, HTTPStatus.MOVED_PERMANENTLY, b"", {"Location": quote(found.path)}, body=body)
        else:
            self._send_resource(path, found, body=body, cut_off_after=fault.cut_off_after if fault else None)

    def _send_resource(self, path: str, found: Resource, *, body: bool, cut_off_after: int | None) -> None:
        headers = {
            "ETag": found.etag,
            "Last-Modified": formatdate(found.modified, usegmt=True),
            "Vary": "Accept",
            "Accept-Ranges": "bytes",
        }
        if found.cache_control:
            headers["Cache-Control"] = found.cache_control
        if self._not_modified(found):
            self._send(path, HTTPStatus.NOT_MODIFIED, b"", headers, body=False)
            return
        headers["Content-Type"] = found.content_type
        asked = self.headers.get("Range")
        if asked is None:
            self._send(path, HTTPStatus.OK, found.body, headers, body=body, cut_off_after=cut_off_after)
            return
        span = _span(asked, len(found.body))
        if span is None:
            headers["Content-Range"] = f"bytes */{len(found.body)}"
            self._send(path, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", headers, body=body)
            return
        first, last = span
        headers["Content-Range"] = f"bytes {first}-{last}/{len(found.body)}"
        part = found.body[first : last + 1]
        self._send(path, HTTPStatus.PARTIAL_CONTENT, part, headers, body=body, cut_off_after=cut_off_after)

    def _not_modified(self, found: Resource) -> bool:
        """Whether the client has it already. If-None-Match decides where both are there (RFC 9110, 13.2.2)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tags.strip() == "*" or found.etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            return int(found.modified) <= parsedate_to_datetime(since).timestamp()
        except ValueError:
            return False

    def _send(  # the parts of an answer
        self,
        path: str,
        status: int,
        content: bytes,
        headers: dict[str, str],
        *,
        body: bool,
        cut_off_after: int | None = None,
    ) -> None:
        sent = content[:cut_off_after] if body else b""
        request = Request(
            self.command,
            path,
            int(status),
            len(sent),
            conditional="If-None-Match" in self.headers or "If-Modified-Since" in self.headers,
            ranged="Range" in self.headers,
        )
        with self.state.lock:  # before it is sent: a client that has its answer can read the log
            self.state.log.append(request)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(sent)
        if len(sent) < len(content) and body:
            self.close_connection = True


def _span(text: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that a Range header of one range asks for, or None where there is nothing to send."""
    unit, _, spec = text.partition("=")
    first_text, dash, last_text = spec.strip().partition("-")
    if unit.strip() != "bytes" or not dash or not (first_text + last_text).isdigit():
        return None
    if first_text:
        first, last = int(first_text), int(last_text) if last_text else size - 1
    else:
        first, last = max(0, size - int(last_text)), size - 1
    last = min(last, size - 1)
    return (first, last) if first <= last else None


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for them, so no socket outlives a test
    request_queue_size = 128  # uv opens up to 50 connections at once

    def handle_error(self, request: object, client_address: object) -> None:
        """Raise nothing for a client that went away; everything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class WebServer:
    """A running server. Its faults and its log are its own."""

    def __init__(self, site: Site, port: int = 0) -> None:
        self._state = _State(site)
        handler = type("_BoundHandler", (_Handler,), {"state": self._state})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._state.stopping.set()
        self._server.shutdown()
        with self._state.lock:
            connections = list(self._state.connections)
        for connection in connections:  # those that clients keep alive
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    @property
    def log(self) -> tuple[Request, ...]:
        """What was asked since the start or the last :meth:`reset_log`, oldest first."""
        with self._state.lock:
            return tuple(self._state.log)

    def reset_log(self) -> None:
        with self._state.lock:
            self._state.log.clear()

    def speak_as(self, host: str, context: ssl.SSLContext) -> None:
        """To who takes this server for a proxy, it is ``host``, "download.pytorch.org:443", with that certificate."""
        self._state.hosts[host] = context

    def fault(self, path: str, fault: Fault) -> None:
        """From now on, something goes wrong at a path (decoded, with its leading slash)."""
        with self._state.lock:
            self._state.faults[path] = fault

    def clear_faults(self) -> None:
        with self._state.lock:
            self._state.faults.clear()
