"""The studio's server: what it answers, and what it refuses."""

import http.client
import io
import os
import socket
import threading
import time

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from PIL import Image

import pgtf
from pgtf.assembly.swapping import SwappedNetworks
from pgtf.runs.pack import pack
from pgtf.runs.run import Run
from pgtf.storage.ledger import Ledger
from pgtf.studio.answers import Answers
from pgtf.studio.server import AT_ONCE, BYTES, CANVAS, Server
from pgtf.studio.uploads import png
from tests.tiny import tiny_run

TASKS = tuple(f"task {number} <b>" for number in range(3))


def picture(height=16, width=32):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype="uint8")


class WarmUpTest(tf.test.TestCase):
    def warmed(self, **memory):
        """The keys of kernels in memory after a warm-up, and after each task was called."""
        compiled = SwappedNetworks(**memory)
        answers = Answers(Run(tiny_run(os.path.join(self.create_tempdir().full_path, "run"), TASKS), compiled))
        answers.warm_up()
        before = set(compiled.cache)
        for number in range(len(TASKS)):
            answers(number, 0, picture())
        return before, set(compiled.cache)

    def test_no_kernel_is_left_to_be_composed(self):
        before, after = self.warmed()
        self.assertNotEmpty(before)
        self.assertEqual(before, after)

    def test_it_stops_where_memory_for_kernels_ends(self):
        before, after = self.warmed(most_bytes=60_000)  # The first task's kernels take half of it.
        self.assertNotEmpty(before)
        self.assertNotEqual(before, after)


class ServerTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = tiny_run(os.path.join(self.create_tempdir().full_path, "run"), TASKS)
        self.answers = Answers(Run(self.run_dir))
        self.serve()

    def serve(self, **settings):
        """Asks another server from now on."""
        self.server = Server(self.answers, name="run", **settings)
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def connection(self, *said):
        """A connection on which a request has begun with these lines."""
        connection = socket.create_connection(self.server.server_address, timeout=60)
        self.addCleanup(connection.close)
        host = f"Host: 127.0.0.1:{self.server.server_address[1]}"
        connection.sendall("".join(f"{line}\r\n" for line in (said[0], host, *said[1:])).encode())
        return connection

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body) of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=60)
        connection.putrequest(method, path, skip_host="Host" in headers)
        if body is not None and "Content-Length" not in headers:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        found = answer.status, answer.headers, answer.read()
        connection.close()
        return found

    def answer(self, task, body, way=0):
        return self.ask("POST", f"/answer?task={task}&way={way}", body)

    def assertRefused(self, status, why, found):
        self.assertEqual(found[0], status, found[2])
        self.assertEqual(found[1]["Content-Type"], "text/plain; charset=utf-8")
        self.assertRegex(found[2].decode(), why)

    def test_answers_are_those_of_the_run(self):
        run = pgtf.load(self.run_dir)
        for _ in range(2):  # The first one's values are no longer in the network when the last has answered.
            for number in range(len(TASKS)):
                status, headers, content = self.answer(number, png(picture()))
                self.assertEqual((status, headers["Content-Type"]), (200, "image/png"))
                self.assertAllEqual(np.asarray(Image.open(io.BytesIO(content))), run[TASKS[number]](picture()))

    def test_warmed_up_nothing_is_traced_for_the_first_visitor(self):
        self.answers.warm_up()
        (compiled,) = self.answers._live.run.compiled.compiled
        self.assertEqual(compiled.traces, 1)
        self.answer(2, png(picture(8, 8)))
        self.assertEqual(compiled.traces, 1)

    def test_the_page_and_what_may_run_in_it(self):
        status, headers, content = self.ask("GET", "/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b"task 0 &lt;b&gt;", content)
        self.assertNotIn(b"0 <b>", content)
        self.assertRegex(headers["Content-Security-Policy"], "default-src 'none'; script-src 'sha256-[^ ]+';")
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])

    def test_examples_are_the_probes(self):
        probes = pgtf.load(self.run_dir)[TASKS[1]].probes.inputs["forward"]
        for number in range(2):
            _, _, content = self.ask("GET", f"/example?task=1&way=0&number={number}")
            self.assertAllEqual(np.asarray(Image.open(io.BytesIO(content))), probes[number])

    def test_a_picture_comes_back_at_the_scale_of_the_task(self):
        _, _, content = self.ask("POST", "/picture?task=0&way=0", png(picture(64, 128)))
        self.assertEqual(Image.open(io.BytesIO(content)).size, (16, 8))

    def test_foreign_hosts_and_origins(self):
        own = f"127.0.0.1:{self.server.server_address[1]}"
        for host in (own, "localhost:1", "[::1]:9000"):
            self.assertEqual(self.ask("GET", "/", Host=host)[0], 200, host)
        for host in (
            "evil.example",
            f"evil.example:{own[10:]}",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "192.168.0.7",
            "",
        ):
            self.assertRefused(403, "does not name this server", self.ask("GET", "/", Host=host))
        self.assertEqual(self.ask("GET", "/", Origin=f"http://{own}")[0], 200)
        for origin in ("http://evil.example", f"https://{own}", "null", "http://localhost"):
            self.assertRefused(
                403, "from another site", self.ask("POST", "/answer?task=0&way=0", png(picture()), Origin=origin)
            )

    def test_a_request_names_no_file(self):
        for path in (
            "/etc/passwd",
            "/../../etc/passwd",
            "/%2e%2e/config.cfg",
            "//etc/passwd",
            "/config.cfg",
            "/answer",
        ):
            self.assertRefused(404, "No such page", self.ask("GET", path))
        for query in (
            "",
            "task=0",
            "task=9&way=0",
            "task=-1&way=0",
            "task=0&way=1",
            "task=../0&way=0",
            "task=%D9%A3&way=0",
        ):
            self.assertRefused(400, "must be a number from 0 to", self.ask("POST", f"/answer?{query}", b""))
        self.assertRefused(
            400, "number must be a number from 0 to 1", self.ask("GET", "/example?task=0&way=0&number=2")
        )
        self.assertEqual(self.ask("DELETE", "/")[0], 501)

    def test_what_is_no_picture_or_too_large(self):
        self.assertRefused(400, "can't be read as an image", self.answer(0, b"<html>"))
        self.assertRefused(400, f"than {CANVAS:,} pixels", self.answer(0, png(np.zeros([1025, 1024, 3], "uint8"))))
        path = "/answer?task=0&way=0"
        self.assertRefused(413, "at most", self.ask("POST", path, b"", **{"Content-Length": str(BYTES + 1)}))
        self.assertRefused(411, "Content-Length", self.ask("POST", path))
        self.assertRefused(411, "Content-Length", self.ask("POST", path, b"", **{"Content-Length": "-1"}))
        self.assertRefused(
            411, "Content-Length", self.ask("POST", path, b"0\r\n\r\n", **{"Transfer-Encoding": "chunked"})
        )

    def test_a_task_that_changed_is_not_shown(self):
        Ledger(changed=(TASKS[0],)).write(self.run_dir)
        self.assertRefused(400, "so it is not served", self.answer(0, png(picture())))
        self.assertEqual(self.answer(1, png(picture()))[0], 200)

    def test_a_task_that_changes_meanwhile_is_no_longer_shown(self):
        self.assertEqual(self.answer(0, png(picture()))[0], 200)
        Ledger(changed=(TASKS[0],)).write(self.run_dir)
        self.assertRefused(400, "so it is not served", self.answer(0, png(picture())))
        self.assertEqual(self.answer(1, png(picture()))[0], 200)
        Ledger().write(self.run_dir)  # Whole again.
        self.assertEqual(self.answer(0, png(picture()))[0], 200)

    def test_a_picture_is_scaled_as_asked_and_the_page_learns_of_it(self):
        for full, size in (("0", (16, 8)), ("1", (128, 64))):
            _, headers, content = self.ask("POST", f"/picture?task=0&way=0&full={full}", png(picture(64, 128)))
            self.assertEqual((Image.open(io.BytesIO(content)).size, headers["Picture-Size"]), (size, "128 x 64"))
        _, headers, content = self.ask("POST", "/picture?task=0&way=0&full=1", png(picture(900, 2000)))
        width, height = Image.open(io.BytesIO(content)).size
        self.assertBetween(width * height, CANVAS * 0.99, CANVAS)

    def test_a_picture_that_is_a_thread(self):
        for height, width in ((1, 1 << 20), (4000, 200)):
            thread = png(np.zeros([height, width, 3], "uint8"))
            for path in ("/answer?task=0&way=0", "/picture?task=0&way=0", "/picture?task=0&way=0&full=1"):
                self.assertRefused(400, f"more than 16 times .* {width} x {height}", self.ask("POST", path, thread))

    def test_what_is_no_address(self):
        for line in ("GET http://[ HTTP/1.1", "GET //[ HTTP/1.1", "POST /answer?[ HTTP/1.1"):
            connection = self.connection(line, "Content-Length: 0", "")
            self.assertRegex(connection.recv(100), b"^HTTP/1.1 40[04] ", line)
        self.assertRefused(403, "does not name this server", self.ask("GET", "/", Host="["))

    def test_a_request_has_an_end_however_slowly_it_comes(self):
        self.serve(seconds=0.5)
        for lines in (("GET / HTTP/1.1",), ("POST /answer?task=0&way=0 HTTP/1.1", "Content-Length: 1000", "")):
            connection, begun, answer = self.connection(*lines), time.monotonic(), b""
            for _ in range(100):  # A byte each 0.1 s, which is no silence.
                try:
                    connection.sendall(b"x")
                    connection.settimeout(0.1)
                    received = connection.recv(1000)
                except socket.timeout:
                    continue
                except OSError:
                    break
                answer += received
                if not received:
                    break
            self.assertLess(time.monotonic() - begun, 8, lines)
            self.assertStartsWith(answer, b"HTTP/1.1 408 " if len(lines) > 1 else b"")
        self.assertEqual(self.ask("GET", "/")[0], 200)

    def test_only_so_many_pictures_are_worked_on_at_once(self):
        length, path = len(png(picture())), "POST /answer?task=0&way=0 HTTP/1.1"
        waiting = [self.connection(path, f"Content-Length: {length}", "") for _ in range(AT_ONCE)]
        for _ in range(500):  # Until all of them have their place.
            found = self.answer(0, b"")
            if found[0] == 503:
                break
            time.sleep(0.02)
        self.assertRefused(503, f"busy with {AT_ONCE} images", found)
        self.assertEqual(found[1]["Retry-After"], "1")
        # A refusal is heard although the picture was not read.
        self.assertRefused(503, "busy", self.answer(0, bytes(8 << 20)))
        self.assertEqual(self.ask("GET", "/")[0], 200)
        for connection in waiting:
            connection.sendall(png(picture()))
            self.assertStartsWith(connection.recv(1000), b"HTTP/1.1 200 ")
        self.assertEqual(self.answer(0, png(picture()))[0], 200)

    def test_a_port_that_is_taken(self):
        port = self.server.server_address[1]
        with self.assertRaisesRegex(ValueError, f"port is in use. --port=0 chooses a free one. .*--port={port}"):
            Server(self.answers, port=port)

    def test_a_server_for_others_knows_addresses_but_no_foreign_names(self):
        with Server(self.answers, "0.0.0.0") as server:
            for host in ("192.168.0.7:1", "[fe80::1]", "localhost", socket.gethostname()):
                self.assertTrue(server.knows(host), host)
            self.assertFalse(server.knows("evil.example"))
            self.assertStartsWith(server.url, "http://127.0.0.1:")
        self.assertFalse(self.server.knows("192.168.0.7"))

    def test_a_pack(self):
        path = os.path.join(self.create_tempdir().full_path, "one.safetensors")
        pack(Run(self.run_dir), TASKS[1], path)
        answers = Answers(pgtf.load(path))
        self.assertEqual([task.name for task in answers.tasks], list(TASKS[:2]))
        self.assertAllEqual(answers(1, 0, picture()), pgtf.load(self.run_dir)[TASKS[1]](picture()))

    def test_both_ways(self):
        run_dir = tiny_run(os.path.join(self.create_tempdir().full_path, "both"), TASKS[:1], objective="cyclegan")
        answers, task = Answers(Run(run_dir)), pgtf.load(run_dir)[TASKS[0]]
        self.assertEqual([way.title for way in answers.tasks[0].ways], ["A to B", "B to A"])
        self.assertAllEqual(answers(0, 0, picture()), task(picture()))
        self.assertAllEqual(answers(0, 1, picture()), task(picture(), backward=True))


if __name__ == "__main__":
    absltest.main()
