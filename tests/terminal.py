"""A terminal to print to, and what was printed there."""

import contextlib
import os


class Terminal:
    """`with Terminal() as terminal`: print to terminal.out; afterwards terminal.text is what it was sent."""

    def __enter__(self):
        self._reader, slave = os.openpty()
        self.out = os.fdopen(slave, "w")
        return self

    def __exit__(self, *error):
        self.out.close()
        pieces = []
        with contextlib.suppress(OSError):  # Linux tells the end of a terminal as an error.
            while piece := os.read(self._reader, 10_000):  # What was sent comes in pieces.
                pieces.append(piece)
        os.close(self._reader)
        self.text = b"".join(pieces).decode()
