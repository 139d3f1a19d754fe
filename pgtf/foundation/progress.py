"""Progress bar: a line that is redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import IO


class Bar:
    """A progress bar that shows items done, speed and time left.

    Without a terminal it prints a line every 30 seconds and at each quarter.

    Args:
      title: Text at the start of the line.
      total: Number of items.
      unit: Name of an item, for the speed ("step": "3.2 step/s").
      done: Number of items that are done at the start. They do not count for the speed. Default: 0.
      out: Stream to print to. Default: standard output.
      silent: Seconds before the first line is printed. Default: 0.
    """

    def __init__(
        self, title: str, total: int, unit: str, done: int = 0, out: IO[str] | None = None, silent: float = 0.0
    ):
        self.title, self.total, self.unit, self.first = title, total, unit, done
        self.done, self.silent = done, silent
        self.out = out or sys.stdout
        self.live = self.out.isatty()
        self.begun = self.shown = time.monotonic()

    def show(self, done: int, details: str = "") -> None:
        """Redraws the line if it is due: at most every 0.5 s on a terminal, and always at the end."""
        quarter = not self.live and 4 * done // self.total > 4 * self.done // self.total
        self.done, now = done, time.monotonic()
        if now - self.begun < self.silent:
            return
        if now - self.shown < (0.5 if self.live else 30) and done < self.total and not quarter:
            return
        self.shown = now
        rate = (done - self.first) / max(now - self.begun, 1e-9)
        left = clock((self.total - done) / rate if rate else math.inf)
        speed = f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"
        text = f"{self.title}  {done}/{self.total}  {speed} {self.unit}/s  {left} left  {details}".rstrip()
        if self.live:
            full = int(20 * done / self.total)
            text = self._renewed(f"{'█' * full}{'·' * (20 - full)} {text}")
        print(text, end="\n" if not self.live or done >= self.total else "", file=self.out, flush=True)

    def say(self, text: str) -> None:
        """Prints a line that stays, above the progress bar."""
        print(self._renewed("") + f"\r{text}" if self.live else text, file=self.out, flush=True)

    def _renewed(self, text):
        columns = os.get_terminal_size(self.out.fileno()).columns or 80
        return f"\r{text}"[:columns].ljust(columns)


def clock(seconds: float) -> str:
    """Formats seconds as h:mm:ss or m:ss, such as 1:02:03 and 4:05; "?" if not finite."""
    if not math.isfinite(seconds):
        return "?"
    minutes, second = divmod(int(seconds + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
