"""Tasks adopted, dropped and verified in a run with foreign files and links in it, killed at random changes."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile

import keras

from pgtf.config import flagfile, load_config
from pgtf.foundation import files
from pgtf.methods import Piggyback
from pgtf.runs.adopt import adopt
from pgtf.runs.drop import drop
from pgtf.runs.listing import row_lines, rows, unfinished
from pgtf.runs.run import Run
from pgtf.runs.verify import conclusion, record_changes, verdicts
from pgtf.storage.ledger import Ledger
from tests.fuzz.case import Case, Finding
from tests.fuzz.death import dead_from
from tests.fuzz.mutation import some

TASKS = ("facades", "maps", "streets")
NAMES = (*TASKS, "roads", "old maps", "é")
FOLDERS = ("", "tasks", "samples", "evaluation", "report", "tasks/01-facades", "tasks/02-maps", "tasks/03-streets")
MINE = ("notes.txt", "old/a", "backup/slice.safetensors", "train.txt", ".hidden", "07-x/probes.safetensors")
# Where pgtf writes: only links are put there, which may go, and whose targets must stay.
LINKS = (
    *("evaluation", "samples", ".lock", "ledger.json", "tasks/.adopting", "tasks/02-maps/train", "tasks/04-maps"),
    *("tasks/03-streets", "tasks/03-roads", "samples/maps-input.png", "evaluation/matrix.json", "config.cfg"),
)
CHANGES = 25  # About as many as adopting a task makes.


def attack(case: Case) -> str:
    """Does a few commands, each perhaps killed and then done again, with litter put into the run between them."""
    return Sequence(case).run()


class Sequence:
    """A run, what its tasks must be, and what of it is the user's."""

    def __init__(self, case: Case):
        self.draw, self.folder = case.draw, case.path("run")
        self.outside = case.path("outside")
        shutil.copytree(_source(), self.folder)
        for name in TASKS[int(self.draw.integers(1, 4)) :]:
            shutil.rmtree(next(self._places(name)))
        self.names = Run(self.folder).names
        self.origins = {name: name for name in TASKS}
        Ledger().checked(Run(self.folder).bank).write(self.folder)
        flagfile.save(load_config(self.folder).having_learned(self.names))
        for name in ("file", "folder/replays.json", "folder/01-maps.txt", "folder/maps-input.png"):
            files.write(os.path.join(self.outside, name), b"theirs")
        self.theirs, self.mine, self.links, self.done = _listed(self.outside), {}, set(), []

    def run(self) -> str:
        """Does the commands; the word says how many there were."""
        kinds = (self._adopt, self._adopt, self._drop, self._litter, self._litter, self._forget, self._verify)
        for _ in range(int(self.draw.integers(6))):
            self._litter()
        count = int(self.draw.integers(3, 9))
        for _ in range(count):
            kinds[int(self.draw.integers(len(kinds)))]()
            self._check()
        self._tidy()
        self._verify()
        return f"{count} commands"

    def _places(self, name):
        folder = os.path.join(self.folder, "tasks")
        return (os.path.join(folder, one) for one in sorted(os.listdir(folder)) if one.partition("-")[2] == name)

    def _adopt(self):
        task, name = some(self.draw, TASKS[1:]), some(self.draw, ("", "", *NAMES[3:]))
        called = name or task
        expected = [*self.names, *([] if called in self.names else [called])]

        def work():
            adopt(self.folder, Run(_source()), [task], name)

        if called in self.names and self.origins[called] != task:
            self._going_on(lambda: self._refused(work, "another one of"))
            return
        self.origins[called] = task
        self._command(work, f"adopt {task} as {called}", expected)

    def _drop(self):
        if len(self.names) < 2:
            return
        name = some(self.draw, self.names)
        if name == TASKS[0]:  # Others borrow from it.
            self._going_on(lambda: self._refused(lambda: drop(self.folder, name), "borrow"))
            return
        expected = [one for one in self.names if one != name]
        self._command(lambda: drop(self.folder, name), f"drop {name}", expected)

    def _litter(self):
        """A file, a folder or a link of the user's; sometimes a link where pgtf writes."""
        link = self.draw.random() < 0.7
        place = some(self.draw, LINKS if link else FOLDERS)
        path = os.path.join(self.folder, place, *([] if link else [some(self.draw, MINE)]))
        if os.path.lexists(path) or any(map(os.path.islink, _above(path, self.folder))):
            return
        if not os.path.isdir(os.path.dirname(path)) and link:
            return
        self.done.append(f"litter {os.path.relpath(path, self.folder)}")
        target = some(self.draw, ("file", "folder", "folder", "nowhere"))
        if link:
            os.symlink(os.path.join(self.outside, target), path)
            self.links.add(path)
        elif self.draw.random() < 0.5:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(os.path.join(self.outside, target), path)
            self.mine[path] = os.readlink(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(b"mine")
            self.mine[path] = b"mine"

    def _forget(self):
        path = os.path.join(self.folder, "ledger.json")
        if os.path.lexists(path):
            os.unlink(path)
            self.links.discard(path)
            self.done.append("forget")

    def _verify(self):
        """Verifies as the command does: all tasks hold, or a link in the way is named."""
        self.done.append("verify")
        self._going_on(self._verified)

    def _verified(self):
        keras.backend.clear_session()
        found = list(verdicts(self.folder))
        try:
            record_changes(self.folder, found)
        except (OSError, ValueError):
            if not self.links:
                raise
        if [verdict.name for verdict in found] != self.names or not all(verdict.holds for verdict in found):
            raise self._finding(f"Tasks that none changed hold. Received: {conclusion(found)}")

    def _command(self, work, what, expected):
        """Does a command, perhaps killed before; whatever lies in its way it names, and without that it is done."""
        self.done.append(what)
        keras.backend.clear_session()
        if self.draw.random() < 0.5:
            change = int(self.draw.integers(1, CHANGES))
            self.done[-1] += f", killed at change {change}"
            try:
                with dead_from(change, self.folder):
                    work()
            except (ValueError, OSError) as error:
                self._check_refusal(error)
            names = Run(self.folder).names if not self.links else None
            if names is not None and names not in (self.names, expected):
                raise self._finding(f"A killed command is done or not. Received: {names}")
            if names is not None:
                self.names = names
            self._check()
        self._going_on(work)
        self.names = expected

    def _going_on(self, work):
        """Does what may be refused for a link, as often as links are in the way; each is removed once it was named."""
        while True:
            try:
                return work()
            except (ValueError, OSError) as error:
                path = self._check_refusal(error)
                os.unlink(path)
                for place in _above(path, self.folder):
                    if os.listdir(place):
                        break
                    os.rmdir(place)
                self.links.discard(path)
                self.mine.pop(path, None)
                self.done.append(f"removed {os.path.relpath(path, self.folder)}")

    def _check_refusal(self, error):
        """The link or file that a refusal names; a finding where it names none."""
        text = str(error)
        named = [path for path in (*self.links, *self.mine) if path in text]
        above = [path for path in self.mine for place in _above(path, self.folder) if f"{place}\n" in f"{text}\n"]
        if ("Received" not in text and not isinstance(error, OSError)) or not [*named, *above]:
            raise self._finding(f"What is refused names what is in the way. Received: {error!r}") from error
        return max([*named, *above], key=len)

    def _refused(self, work, reason):
        """Checks that a command is refused for a reason."""
        try:
            work()
        except ValueError as error:
            if reason in str(error).partition("Received")[2]:
                return
            raise
        raise self._finding(f"A command is refused for {reason!r}. Received: it was done")

    def _tidy(self):
        """Removes all links where pgtf writes, as a user would who was told of them."""
        for path in self.links:
            if os.path.islink(path):
                os.unlink(path)
        self.links = set()

    def _check(self):
        """Checks that all outside the run and all of the user's is there, and that the run can be listed."""
        if _listed(self.outside) != self.theirs:
            raise self._finding(f"What lies outside a run stays. Received: {_listed(self.outside)}")
        for path, content in self.mine.items():
            found = os.readlink(path) if os.path.islink(path) else _content(path)
            if found != content:
                raise self._finding(f"What the user put there stays. Received: {found!r} at {path}")
        if any(os.path.basename(path) == "ledger.json" or "tasks" in path for path in self.links):
            return
        found = rows(self.folder)
        list(row_lines(found)), unfinished(self.folder)
        if [row["task"] for row in found] != self.names:
            raise self._finding(f"A run has the tasks {self.names}. Received: {[row['task'] for row in found]}")
        problems = Ledger.read(self.folder).problems(Run(self.folder).bank)
        if problems:
            raise self._finding(f"A ledger is of its run. Received: {problems}")

    def _finding(self, text):
        return Finding(f"{text}\nCommands: {'; '.join(self.done)}")


def _above(path, folder):
    """The folders above a path, up to one."""
    while (path := os.path.dirname(path)) != folder and len(path) > len(folder):
        yield path


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _listed(folder):
    return {
        os.path.join(place, name): _content(os.path.join(place, name))
        for place, _, names in os.walk(folder)
        for name in names
    }


@functools.cache
def _source():
    """A run of three tasks, of which the later ones borrow from the first alone."""
    from tests.tiny import tiny_run

    folder = tiny_run(os.path.join(tempfile.mkdtemp(), "run"), TASKS, method=Piggyback(borrow_from="first"))
    Ledger().checked(Run(folder).bank).write(folder)
    return folder
