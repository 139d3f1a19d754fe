"""Borrow policy: the earlier tasks that a new one borrows from, parsed from the setting borrow_from."""

import csv
import dataclasses
import io
import re
from collections.abc import Sequence

from pgtf.foundation.settings import refuse

RULE = "all, first, last:N, closest:N or NAME,NAME"


@dataclasses.dataclass(frozen=True)
class BorrowPolicy:
    """The earlier tasks that a task borrows from.

    Args:
      kind: "all", "first", "last", "closest" or "named".
      count: Number of the last or closest tasks.
      names: Names of the named tasks.
    """

    kind: str
    count: int = 0
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "BorrowPolicy":
        """Parses a setting. Raises ValueError if it is malformed."""
        counted = re.fullmatch(r"(last|closest):([0-9]{1,9})", text)
        if counted and int(counted[2]):
            return cls(counted[1], int(counted[2]))
        if text in ("all", "first"):
            return cls(text)
        line = text == text.strip() and not set(text) & set("\0\r\n")  # Other texts do not survive a flagfile.
        names = tuple(next(csv.reader([text]), ())) if line else ()
        odd = ":" in text and not text.startswith('"')  # As in latest:2.
        if not names or not all(names) or odd or len(set(names)) < len(names):
            refuse("borrow_from", RULE, text)
        return cls("named", names=names)

    def check(self, tasks: Sequence[str]) -> None:
        """Raises ValueError if a named task is not one of `tasks`."""
        unknown = [name for name in self.names if name not in tasks]
        if unknown:
            refuse("borrow_from", f"{RULE}, of the tasks {', '.join(tasks)}", ",".join(unknown))

    def among(self, learned: Sequence[str]) -> Sequence[str]:
        """Returns the lenders among the learned tasks, in their order; at least one if there are any.

        The closest tasks are known only with the new task's images. Until then this returns as many tasks as cost the
        most: the first one and the latest.
        """
        if self.kind == "all":
            return learned
        if self.kind == "closest":
            return [*learned[:1], *learned[1:][len(learned) - self.count :]] if self.count < len(learned) else learned
        if self.kind == "last":
            return learned[-self.count :]
        return [name for name in learned if name in self.names] or learned[:1]


def as_names(names: Sequence[str]) -> str:
    """Returns the setting for tasks of these names, quoted, because names may contain commas."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow(names)
    return text.getvalue()
