"""Imports TensorFlow without the notes that it prints about the machine."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Lines of TensorFlow's C++ log, of severity information and warning, and the line that announces them.
_NOTE = re.compile(rb"WARNING: All log messages before absl::InitializeLog|[IW]\d{4} [\d:. ]+\S+:\d+\]")


def import_tensorflow() -> None:
    """Imports TensorFlow and lists its devices. Drops the notes that it prints; passes on all else.

    From TensorFlow 2.17 on, some notes come before TF_CPP_MIN_LOG_LEVEL has an effect. Shows them if that is below 3.
    """
    if "tensorflow" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
        return
    with _without_notes():
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def _without_notes() -> Iterator[None]:
    """Drops lines that match _NOTE from what is written to standard error inside the block, by C++ too."""
    with tempfile.TemporaryFile() as written:
        try:
            stderr = os.dup(2)
        except OSError:  # It is closed.
            yield
            return
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            for line in written:
                if not _NOTE.match(line):
                    os.write(2, line)
