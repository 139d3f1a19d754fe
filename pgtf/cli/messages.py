"""Prints the log messages of pgtf as plain lines on standard output."""

import logging

from pgtf.foundation.logger import LOG


class Lines(logging.Handler):
    """Prints each message. A warning begins with "warning: "."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints one message."""
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        print(f"{prefix}{record.getMessage()}", flush=True)


def show_messages() -> None:
    """Prints all messages of pgtf from now on."""
    if not any(isinstance(handler, Lines) for handler in LOG.handlers):
        LOG.addHandler(Lines())
    LOG.setLevel(logging.INFO)
    LOG.propagate = False  # absl and TensorFlow have handlers of their own.
