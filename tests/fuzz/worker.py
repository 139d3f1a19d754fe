"""A process of its own that does cases: one that hangs, or ends it, is a finding too and ends no other."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import tempfile
from multiprocessing.connection import Connection

from tests.fuzz.case import Case, Kind, Outcome, outcome

ADDRESSES = 16 * 2**30  # Bytes of address space, most of it TensorFlow's; who asks for more gets a MemoryError.
ERRORS = "errors.txt"
TIRED = 2 * 2**30  # Bytes of memory after which another process takes over: TensorFlow frees little.


class Worker:
    """Does cases, one after the other, in a process of its own; after one that ended, in another."""

    def __init__(self, kinds: dict[str, Kind], folder: str):
        self.kinds, self.folder = kinds, folder
        self._process = None

    def outcome(self, case: Case) -> Outcome:
        """Runs a case in the worker process and returns its outcome."""
        self.begin()
        self._pipe.send(case)
        wait = self.kinds[case.kind].wait
        if not self._pipe.poll(wait) and not self._pipe.poll(wait * _load()):
            self.end()
            return Outcome("hung", f"A case ends. Received: still at it after more than {wait:g} s")
        try:
            result = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self.end()
            how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            return Outcome("died", f"A case leaves its process alive. Received: {how}\n{self._said()}")
        if result.peak > TIRED:
            self.end()
        return result

    def end(self) -> None:
        """Ends the process; the next case begins another."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _said(self) -> str:
        """The end of what the process has written of its errors."""
        with open(os.path.join(self.folder, ERRORS), errors="replace") as file:
            return file.read()[-2000:]

    def begin(self) -> None:
        """Begins the process, if none is there, and waits until it is ready."""
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self.kinds, self.folder), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.recv()


def _load() -> float:
    """Returns the processes per core that wait to run. A case takes longer by this factor."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def _work(pipe: Connection, kinds: dict[str, Kind], folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who waits for this process.
    errors = os.open(os.path.join(folder, ERRORS), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(errors, 2)  # libtiff has much to say.
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for kind in kinds.values():
        kind.attack  # noqa: B018  (imports it: no case's time)
    with contextlib.suppress(EOFError):
        pipe.send("ready")
        while True:
            case = pipe.recv()
            pipe.send(outcome(kinds[case.kind], case))
