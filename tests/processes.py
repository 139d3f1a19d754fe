"""Scripts in processes of their own that need not import TensorFlow first: they fork from one that has."""

import contextlib
import multiprocessing
import os
import pathlib
import runpy
import signal
import sys
import tempfile

from tests.known_shapes import compute_known_shapes

SAID = "output", "errors"  # The names of the files that hold them.

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["pgtf.training.sequence", "pgtf.evaluation.run_evaluation", "pgtf.runs.translate"])


def keep_graphs():
    """Graphs run as they are traced: to rewrite one takes a fifth of a tiny run, and pays in none.

    What the fuzzing kills runs as users have it.
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@contextlib.contextmanager
def interrupted_when(condition):
    """Interrupts a block, as Ctrl-C does, once a condition holds."""

    def look(*_):
        if condition():
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, 0.02)

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Fork:
    """A function that runs; to be waited for like a subprocess.Popen."""

    def __init__(self, function, *arguments):
        self._folder = tempfile.TemporaryDirectory()
        given = self._folder.name, function, arguments
        self._process = _server.Process(target=_run, args=given, daemon=True)
        self._process.start()

    @property
    def returncode(self):
        """Its exit status, or minus the number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self):
        """As `returncode`."""
        return self.returncode

    def communicate(self, timeout=None):
        """(output, errors), once it has ended."""
        self._process.join(timeout)
        return tuple(pathlib.Path(self._folder.name, name).read_text() for name in SAID)

    def said(self):
        """Its output so far."""
        path = pathlib.Path(self._folder.name, SAID[0])
        return path.read_text() if path.exists() else ""

    def wait(self):
        """Its exit status, once it has ended."""
        self._process.join()
        return self.returncode

    def terminate(self):
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number):
        """Sends it a signal."""
        os.kill(self._process.pid, number)

    def kill(self):
        """Kills it, if it still runs."""
        self._process.kill()


class Script(Fork):
    """A script that runs, with flags; before: a function that is called first, where it runs."""

    def __init__(self, path, *flags, before=None):
        super().__init__(_scripted, [str(path), *map(str, flags)], before)


def _scripted(arguments, before):
    sys.argv = arguments
    sys.path.insert(0, os.path.dirname(arguments[0]))  # As Python itself does.
    if before:
        before()
    runpy.run_path(arguments[0], run_name="__main__")


def _run(folder, function, arguments):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for descriptor, name in enumerate(SAID, 1):
        os.dup2(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1) for number in (1, 2))
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    keep_graphs()
    compute_known_shapes()
    function(*arguments)
