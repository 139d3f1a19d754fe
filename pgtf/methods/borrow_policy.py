"""Which earlier tasks a new one borrows from: what the setting borrow_from says."""

import csv
import dataclasses
import io
import re
from collections.abc import Sequence

from pgtf.foundation.settings import refuse

RULE = "all, first, last:N, closest:N or NAME,NAME"


@dataclasses.dataclass(frozen=True)
class BorrowPolicy:
    """The earlier tasks that are lent from.

    kind: "all", "first", "last", "closest" or "named". count: Of the last or closest. names: Of the named.
    """

    kind: str
    count: int = 0
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "BorrowPolicy":
        """What a setting says; an error where it says nothing."""
        counted = re.fullmatch(r"(last|closest):([0-9]{1,9})", text)
        if counted and int(counted[2]):
            return cls(counted[1], int(counted[2]))
        if text in ("all", "first"):
            return cls(text)
        line = text == text.strip() and not set(text) & set("\0\r\n")  # Else a flagfile does not give it back.
        names = tuple(next(csv.reader([text]), ())) if line else ()
        odd = ":" in text and not text.startswith('"')  # As in latest:2.
        if not names or not all(names) or odd or len(set(names)) < len(names):
            refuse("borrow_from", RULE, text)
        return cls("named", names=names)

    def check(self, tasks: Sequence[str]) -> None:
        """Refuses names of tasks that are none of these."""
        unknown = [name for name in self.names if name not in tasks]
        if unknown:
            refuse("borrow_from", f"{RULE}, of the tasks {', '.join(tasks)}", ",".join(unknown))

    def among(self, learnt: Sequence[str]) -> Sequence[str]:
        """The lenders among the tasks that are learnt, in their order; at least one where there are any.

        Which are the closest is known only once a task's images are: these are the ones that cost most, the first among
        them.
        """
        if self.kind == "all":
            return learnt
        if self.kind == "closest":
            return [*learnt[:1], *learnt[1:][len(learnt) - self.count :]] if self.count < len(learnt) else learnt
        if self.kind == "last":
            return learnt[-self.count :]
        return [name for name in learnt if name in self.names] or learnt[:1]


def as_names(names: Sequence[str]) -> str:
    """The setting that means tasks of these names, whatever they are."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow(names)
    return text.getvalue()
