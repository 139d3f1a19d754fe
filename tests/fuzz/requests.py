"""Requests to the studio that no browser sends: each is answered or ended in time, and the next one is answered."""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import os
import re
import socket
import sys
import tempfile
import threading
import time

import numpy as np
from PIL import Image

import pgtf
from pgtf.studio.answers import Answers
from pgtf.studio.server import LINGER, Server
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import TEXTS, changed_bytes, some
from tests.tiny import tiny_run

SECONDS = 1.0  # For a whole request.
PATIENCE = 60.0  # Seconds: more than any answer takes, on a busy machine too.
METHODS = ("HEAD", "PUT", "OPTIONS", "get", "G" * 100)
PATHS = ("/", "/favicon.ico", "//", "/../..", "*", "")
SHAPES = ((8, 8), (16, 32), (1, 1), (1, 4000), (1, 16), (33, 2), (64, 64), (300, 20))
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "PCX")
ANSWERED = (100, 200, 400, 403, 404, 408, 411, 413, 414, 431, 501, 503, 505)


class Recording(Server):
    """A server that keeps the errors that it would print."""

    def __init__(self, *arguments, **settings):
        self.errors: list[BaseException] = []
        super().__init__(*arguments, **settings)

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self.errors.append(error)


def attack(case: Case) -> str:
    """Sends a request and then one that is good."""
    draw, server = case.draw, _server()
    server.errors.clear()
    slow = draw.random() < 0.02
    begun = time.monotonic()
    answer = _sent(draw, server.server_address, _request(draw, server.server_address[1]), slow)
    status = _status(answer)
    if time.monotonic() - begun > PATIENCE:
        raise Finding(f"A request is answered or ended in time. Received: {time.monotonic() - begun:.0f} s")
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=PATIENCE)
    connection.request("GET", "/")
    good = connection.getresponse()
    if good.status != 200 or b"<html" not in good.read():
        raise Finding(f"After any request the page is answered. Received: {good.status}")
    connection.close()
    if server.errors:
        raise Finding(f"A request raises nothing in the server. Received: {server.errors!r}") from server.errors[0]
    return f"{'slow, ' if slow else ''}{status or 'ended'}"


def _status(answer):
    """The status of an answer, 0 of none; a picture is one."""
    if not answer:
        return 0
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    if not found:  # Of a request without a version, as HTTP/0.9 had it.
        return 9
    status = int(found[1])
    if status not in ANSWERED:
        raise Finding(f"A request is answered or refused. Received: {answer[:300]!r}")
    head, _, body = answer.partition(b"\r\n\r\n")
    if status == 200 and b"image/png" in head and body:
        Image.open(io.BytesIO(body)).load()
    return status


def _request(draw, port):
    """A request, most often nearly a good one."""
    if draw.random() < 0.1:
        return draw.bytes(int(draw.integers(1, 3000)))
    usual = some(draw, (("POST", "/answer"), ("POST", "/picture"), ("GET", "/example"), ("GET", "/")))
    method, path = (one if draw.random() < 0.85 else some(draw, odd) for one, odd in zip(usual, (METHODS, PATHS)))
    numbers = (*("0",) * 12, "1", "99", "-1", "٣", "1e3", "%00", "")
    query = "&".join(f"{name}={some(draw, numbers)}" for name in ("task", "way", "number"))
    body = _body(draw) if method == "POST" else b""
    headers = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), "Connection": "close"}
    if draw.random() < 0.2:
        name = some(draw, (*headers, "Origin", "Transfer-Encoding", "Expect", "X" * 200))
        odd = ("", "-1", "0", "7", "99999999999", "1" * 5000, "chunked", "100-continue", "[", "evil.example", *TEXTS)
        headers[name] = str(some(draw, odd))
    lines = [f"{method} {path}?{query} {some(draw, ('HTTP/1.1',) * 17 + ('HTTP/1.0', 'HTTP/9', ''))}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if draw.random() < 0.1:
        count, length = some(draw, ((99, 10), (101, 10), (3000, 10), (1, 65530), (1, 70000), (90, 60000)))
        lines += [f"X-{number}: {'y' * length}" for number in range(count)]
    content = "\r\n".join([*lines, "", ""]).encode(errors="replace") + body
    return changed_bytes(draw, content) if draw.random() < 0.2 else content


def _body(draw):
    """A picture of any shape and format, perhaps broken."""
    if draw.random() < 0.1:
        return draw.bytes(int(draw.integers(0, 5000)))
    content = _picture(some(draw, FORMATS), some(draw, SHAPES))
    return changed_bytes(draw, content) if draw.random() < 0.4 else content


@functools.cache
def _picture(kind, shape):
    pixels = np.random.default_rng(shape[0]).integers(0, 256, [*shape, 3], dtype="uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def _sent(draw, address, content, slow):
    """Returns the answer to some bytes. slow: Sends the last of them one by one, for longer than is allowed."""
    with socket.create_connection(address[:2], timeout=PATIENCE) as connection:
        fast = len(content) - min(len(content), 30) if slow else len(content)
        with contextlib.suppress(ConnectionError):  # A refusal may come before all is sent.
            connection.sendall(content[:fast])
            for place in range(fast, len(content)):
                time.sleep((SECONDS + LINGER) / 20)
                connection.sendall(content[place : place + 1])
        if draw.random() < 0.5:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)


@functools.cache
def _server():
    """A server of one task, for as long as this process lives."""
    run = tiny_run(os.path.join(tempfile.mkdtemp(), "run"), ("maps",))
    server = Recording(Answers(pgtf.load(run)), name="run", seconds=SECONDS)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server
