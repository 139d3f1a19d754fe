"""HTTP server of the studio, from the standard library, for one user on one machine."""

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
from collections.abc import Iterator
from typing import Any, Callable, Union

from pgtf.studio import domains_page, page
from pgtf.studio.answers import Answers
from pgtf.studio.domains import DIRECTIONS, Domains
from pgtf.studio.page import STYLE
from pgtf.studio.uploads import BYTES, fitted, png, received

CANVAS = 1024 * 1024  # Maximum number of pixels of a translated image.
SECONDS = 60  # Timeout for receiving a whole request, and for sending its response.
SEEDS = 10**9
LARGEST = 10  # Standard deviations that a style moves at most.
AT_ONCE = 8  # Maximum number of images in progress or waiting.
LINGER = 2  # Seconds for which the rest of a refused request is read, so that the client sees the refusal.
TEXT, HTML, PNG = "text/plain; charset=utf-8", "text/html; charset=utf-8", "image/png"
EVERYWHERE = ("", "0.0.0.0", "::")


class Refused(Exception):
    """Raised to refuse a request. Arguments: HTTP status, reason."""


class Server(http.server.ThreadingHTTPServer):
    """Serves a run's tasks to a browser.

    Args:
      answers: The run's tasks: translations, or generators of images.
      host: Address to listen on. Default: 127.0.0.1. With any address but this machine's loopback, others can connect.
      port: Port to listen on. 0 chooses a free one.
      name: Name of the run.
      seconds: Timeout for receiving a whole request.
    """

    daemon_threads = True

    def __init__(
        self,
        answers: Union[Answers, Domains],
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "",
        *,
        seconds: float = SECONDS,
    ):
        self.answers: Any = answers
        self.given_host, self.seconds = host, seconds
        generates = isinstance(answers, Domains)
        pages = domains_page if generates else page
        self.page, self.headers = pages.page(name, answers.tasks).encode(), _headers(pages.SCRIPT)
        self.gets: Routes = {"/generated": Handler.generated} if generates else {"/example": Handler.example}
        self.posts: Routes = {} if generates else {"/picture": Handler.picture, "/answer": Handler.task_answer}
        self.places = threading.BoundedSemaphore(AT_ONCE)
        self.decoding = threading.Lock()  # A photo of 49 megapixels takes 0.5 GB while it is read.
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ValueError(f"The port is in use. --port=0 chooses a free one. Received: --port={port}") from error

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        host = "127.0.0.1" if self.given_host in EVERYWHERE else self.given_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"

    def knows(self, host: str) -> bool:
        """Returns whether a Host header names this server.

        Guards against DNS rebinding: a page of another site whose name resolves to this machine sends that site's name.
        """
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:  # For example "[".
            return False
        if name in ("127.0.0.1", "localhost", "::1", self.given_host.lower()):
            return True
        if self.given_host not in EVERYWHERE:
            return False
        with contextlib.suppress(ValueError):
            return bool(ipaddress.ip_address(name))  # An IP address cannot be rebound by a site.
        return name == socket.gethostname().lower()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints an error, except a lost connection or a timeout."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class WithDeadline(io.RawIOBase):
    """Reads from a connection, but not beyond a deadline.

    end: The deadline, in seconds of time.monotonic().
    """

    def __init__(self, connection: socket.socket):
        self.connection, self.end = connection, 0.0

    def readable(self) -> bool:
        """Returns True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads the bytes that have arrived. Raises socket.timeout after the deadline."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise socket.timeout("The request took too long")
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class Handler(http.server.BaseHTTPRequestHandler):
    """Handles requests. No request can name a file."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "pgtf", ""
    server: Server

    def setup(self) -> None:
        """Wraps the connection, so that each request has a deadline."""
        super().setup()
        self.rfile.close()
        self.incoming = WithDeadline(self.connection)
        self.rfile = io.BufferedReader(self.incoming)

    def handle_one_request(self) -> None:
        """Handles one request. Closes the connection if the request is not complete in time."""
        self.incoming.end = time.monotonic() + self.server.seconds
        super().handle_one_request()

    def do_GET(self) -> None:
        """Sends the page or a test image to start from."""
        self._answer({"/": Handler.whole_page, **self.server.gets})

    def do_POST(self) -> None:
        """Sends an uploaded image scaled for the canvas, or a task's output for one."""
        self._answer(self.server.posts)

    def _answer(self, routes: "Routes") -> None:
        path, _, query = self.path.partition("?")
        try:
            self._check_origin()
            self.query = dict(urllib.parse.parse_qsl(query))
            if path not in routes:
                raise Refused(404, "No such page.")
            with self._place() if routes[path] in MAKING else contextlib.nullcontext():
                self._send(200, *routes[path](self))
        except Refused as refused:
            self._refuse(*refused.args)
        except ValueError as error:
            self._refuse(400, str(error))

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Takes one of the places for images in progress. Raises Refused if there is none."""
        if not self.server.places.acquire(blocking=False):
            raise Refused(503, f"The studio is busy with {AT_ONCE} images. Try again in a moment.")
        try:
            yield
        finally:
            self.server.places.release()

    def _check_origin(self) -> None:
        hosts, origin = self.headers.get_all("Host", []), self.headers.get("Origin")
        if len(hosts) != 1 or not self.server.knows(hosts[0]):
            raise Refused(
                403,
                "The Host header does not name this server. Open the address that the studio printed. "
                f"Received: {', '.join(hosts) or 'no Host'}",
            )
        if origin is not None and origin != f"http://{hosts[0]}":
            raise Refused(
                403, f"The request comes from another site. Only the studio's page may send it. Received: {origin}"
            )

    def whole_page(self) -> tuple[str, bytes]:
        """Returns the page."""
        return HTML, self.server.page

    def example(self) -> tuple[str, bytes]:
        """Returns a test image to start from."""
        task, way = self._task_and_way()
        examples = self.server.answers.tasks[task].ways[way].examples
        return PNG, png(examples[self._number("number", len(examples))])

    def picture(self) -> tuple[str, bytes, tuple[str, str]]:
        """Returns an uploaded image, scaled for the canvas."""
        task, _ = self._task_and_way()
        size = None if self.query.get("full") == "1" else self.server.answers.tasks[task].size
        content = self._body()
        with self.server.decoding:
            picture = received(content)
            height, width = picture.shape[:2]
            picture = fitted(picture, size, CANVAS)
        return PNG, png(picture), ("Picture-Size", f"{width} x {height}")

    def generated(self) -> tuple[str, bytes]:
        """Returns a generated image."""
        domains = self.server.answers
        task, seed = self._number("task", len(domains.tasks)), self._number("seed", SEEDS)
        (truncation,) = self._reals("truncation", 1)
        return PNG, png(domains(task, seed, truncation, self._reals("amounts", DIRECTIONS)))

    def task_answer(self) -> tuple[str, bytes]:
        """Returns a task's output for an uploaded image."""
        task, way = self._task_and_way()
        return PNG, png(self.server.answers(task, way, received(self._body(), CANVAS)))

    def _task_and_way(self) -> tuple[int, int]:
        tasks = self.server.answers.tasks
        task = self._number("task", len(tasks))
        return task, self._number("way", len(tasks[task].ways))

    def _number(self, name: str, end: int) -> int:
        text = self.query.get(name, "")
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < end):
            raise Refused(400, f"{name} must be a number from 0 to {end - 1}. Received: {text!r}")
        return int(text)

    def _reals(self, name: str, count: int) -> list[float]:
        text = self.query.get(name, "")
        try:
            found = [float(part) for part in text[:200].split(",")]
        except ValueError:
            found = []
        if len(found) != count or not all(abs(value) <= LARGEST for value in found):
            raise Refused(
                400, f"{name} must be {count} of the numbers from -{LARGEST} to {LARGEST}. Received: {text!r}"
            )
        return found

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise Refused(411, "The request needs a Content-Length header.")
        if len(length) > 12 or int(length) > BYTES:
            raise Refused(413, f"The image file is too large. It may have at most {BYTES:,} bytes. Received: {length}")
        try:
            return self.rfile.read(int(length))
        except socket.timeout as error:
            raise Refused(408, f"The request took longer than {self.server.seconds:g} seconds.") from error

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True
        self._send(status, TEXT, why.encode(), *([("Retry-After", "1")] if status == 503 else ()))
        # Closing a connection with unread bytes resets it, and the client would not see the refusal.
        self.incoming.end = time.monotonic() + LINGER
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read1(1 << 16):
                pass

    def _send(self, status: int, kind: str, content: bytes, *more: tuple[str, str]) -> None:
        self.connection.settimeout(self.server.seconds)
        self.send_response(status)
        for name, value in (*self.server.headers, *more, ("Content-Type", kind), ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing, for the user's privacy."""


Routes = dict[str, Callable[[Handler], tuple]]
MAKING = Handler.picture, Handler.task_answer, Handler.generated  # Their requests take one of AT_ONCE places.


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _headers(script: str) -> tuple[tuple[str, str], ...]:
    """Returns the headers of all responses. Only this script may run."""
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(STYLE)}; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    )
