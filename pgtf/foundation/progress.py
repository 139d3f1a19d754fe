"""How far some work is: one line that renews itself, or without a terminal plain lines."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import IO


class Bar:
    """Done, speed and time left of `total` things; begins at `done` of them, and shows nothing for `silent` seconds.

    Without a terminal it prints a line every 30 seconds, and at each quarter.
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
        """Renews the line, if it is time."""
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
        """A line that stays, above the one that renews itself."""
        print(self._renewed("") + f"\r{text}" if self.live else text, file=self.out, flush=True)

    def _renewed(self, text):
        columns = os.get_terminal_size(self.out.fileno()).columns or 80
        return f"\r{text}"[:columns].ljust(columns)


def clock(seconds: float) -> str:
    """Seconds as people read them: 1:02:03, 4:05."""
    if not math.isfinite(seconds):
        return "?"
    minutes, second = divmod(int(seconds + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
