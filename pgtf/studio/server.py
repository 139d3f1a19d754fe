"""The studio's server: Python's own, for one person on one machine."""

import base64
import contextlib
import errno
import hashlib
import http.server
import io
import ipaddress
import socket
import sys
import threading
import time
import urllib.parse
from typing import Any, Callable

from pgtf.studio.answers import Answers
from pgtf.studio.page import SCRIPT, STYLE, page
from pgtf.studio.uploads import BYTES, fitted, png, received

CANVAS = 1024 * 1024  # Pixels of a picture that is answered.
SECONDS = 60  # For a whole request to come in, and for its answer to be taken.
AT_ONCE = 8  # Pictures that are worked on, or wait for that.
LINGER = 2  # Seconds in which the rest of a refused request is read, so that the refusal is seen.
TEXT, HTML, PNG = "text/plain; charset=utf-8", "text/html; charset=utf-8", "image/png"
EVERYWHERE = ("", "0.0.0.0", "::")


class Refused(Exception):
    """A request that is not answered: its HTTP status, and why."""


class Server(http.server.ThreadingHTTPServer):
    """Serves a run's tasks to a browser.

    Args:
      answers: The tasks.
      host: Where to listen; anywhere but on this machine itself, others can use it.
      port: 0 takes a free one.
      name: Of the run.
      seconds: For a whole request to come in.
    """

    daemon_threads = True

    def __init__(
        self, answers: Answers, host: str = "127.0.0.1", port: int = 0, name: str = "", *, seconds: float = SECONDS
    ):
        self.answers, self.given_host, self.seconds = answers, host, seconds
        self.page = page(name, answers.tasks).encode()
        self.places = threading.BoundedSemaphore(AT_ONCE)
        self.decoding = threading.Lock()  # A photo of 49 megapixels takes 0.5 GB while it is read.
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ValueError(f"Port {port} is taken; --port=0 takes a free one. Received: --port={port}") from error

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = "127.0.0.1" if self.given_host in EVERYWHERE else self.given_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server: a page of another site, whose name leads here, names that site."""
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:  # "[", for one.
            return False
        if name in ("127.0.0.1", "localhost", "::1", self.given_host.lower()):
            return True
        if self.given_host not in EVERYWHERE:
            return False
        with contextlib.suppress(ValueError):
            return bool(ipaddress.ip_address(name))  # No site can make an address lead elsewhere.
        return name == socket.gethostname().lower()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says what went wrong, unless it is that a browser no longer waits."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class WithDeadline(io.RawIOBase):
    """Reads from a connection until a moment, however slowly bytes come in.

    end: That moment, in seconds of time.monotonic().
    """

    def __init__(self, connection: socket.socket):
        self.connection, self.end = connection, 0.0

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads what is there; raises socket.timeout at the end."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise socket.timeout("a request took too long")
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers requests; none of them names a file."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "pgtf", ""
    server: Server

    def setup(self) -> None:
        """Gives each request a deadline."""
        super().setup()
        self.rfile.close()
        self.incoming = WithDeadline(self.connection)
        self.rfile = io.BufferedReader(self.incoming)

    def handle_one_request(self) -> None:
        """Reads a request and answers it; one that does not come in whole in time ends the connection."""
        self.incoming.end = time.monotonic() + self.server.seconds
        super().handle_one_request()

    def do_GET(self) -> None:
        """The page, and test pictures to start from."""
        self._answer({"/": self._page, "/example": self._example})

    def do_POST(self) -> None:
        """A picture made ready to draw on, and what a task makes of one."""
        if not self.server.places.acquire(blocking=False):
            self._refuse(503, f"The studio works on {AT_ONCE} pictures already; try again in a moment.")
            return
        try:
            self._answer({"/picture": self._picture, "/answer": self._task_answer})
        finally:
            self.server.places.release()

    def _answer(self, routes: dict[str, Callable[[], tuple]]) -> None:
        path, _, query = self.path.partition("?")
        try:
            self._check_origin()
            self.query = dict(urllib.parse.parse_qsl(query))
            if path not in routes:
                raise Refused(404, "There is no such page.")
            self._send(200, *routes[path]())
        except Refused as refused:
            self._refuse(*refused.args)
        except ValueError as error:
            self._refuse(400, str(error))

    def _check_origin(self) -> None:
        hosts, origin = self.headers.get_all("Host", []), self.headers.get("Origin")
        if len(hosts) != 1 or not self.server.knows(hosts[0]):
            raise Refused(403, f"This server answers under its own address. Received: {', '.join(hosts) or 'no Host'}")
        if origin is not None and origin != f"http://{hosts[0]}":
            raise Refused(403, f"This server answers its own page. Received: a request of {origin}")

    def _page(self) -> tuple[str, bytes]:
        return HTML, self.server.page

    def _example(self) -> tuple[str, bytes]:
        task, way = self._task_and_way()
        examples = self.server.answers.tasks[task].ways[way].examples
        return PNG, png(examples[self._number("number", len(examples))])

    def _picture(self) -> tuple[str, bytes, tuple[str, str]]:
        task, _ = self._task_and_way()
        size = None if self.query.get("full") == "1" else self.server.answers.tasks[task].size
        content = self._body()
        with self.server.decoding:
            picture = received(content)
            height, width = picture.shape[:2]
            picture = fitted(picture, size, CANVAS)
        return PNG, png(picture), ("Picture-Size", f"{width} x {height}")

    def _task_answer(self) -> tuple[str, bytes]:
        task, way = self._task_and_way()
        return PNG, png(self.server.answers(task, way, received(self._body(), CANVAS)))

    def _task_and_way(self) -> tuple[int, int]:
        tasks = self.server.answers.tasks
        task = self._number("task", len(tasks))
        return task, self._number("way", len(tasks[task].ways))

    def _number(self, name: str, end: int) -> int:
        text = self.query.get(name, "")
        if not (text.isascii() and text.isdecimal() and len(text) < 5 and int(text) < end):
            raise Refused(400, f"{name} is a number from 0 to {end - 1}. Received: {text!r}")
        return int(text)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise Refused(411, "A request says how many bytes it has.")
        if len(length) > 12 or int(length) > BYTES:
            raise Refused(413, f"A picture's file has at most {BYTES:,} bytes. Received: {length}")
        try:
            return self.rfile.read(int(length))
        except socket.timeout as error:
            raise Refused(408, f"A request comes in within {self.server.seconds:g} seconds.") from error

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True
        self._send(status, TEXT, why.encode(), *([("Retry-After", "1")] if status == 503 else ()))
        # A connection that is closed on bytes that were not read is reset, and the refusal lost.
        self.incoming.end = time.monotonic() + LINGER
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read1(1 << 16):
                pass

    def _send(self, status: int, kind: str, content: bytes, *more: tuple[str, str]) -> None:
        self.connection.settimeout(self.server.seconds)
        self.send_response(status)
        for name, value in (*HEADERS, *more, ("Content-Type", kind), ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: what is drawn here is nobody's business."""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = (
    (
        "Content-Security-Policy",
        f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)
