"""Collects the content of a report from a run directory."""

import inspect
import os
from typing import Optional

import numpy as np

from pgtf.assembly.parameters import full_values
from pgtf.config import flagfile, load_config
from pgtf.data.pixels import to_picture
from pgtf.data.rgb_images import resized
from pgtf.foundation.errors import BankError
from pgtf.foundation.files import sha256_of
from pgtf.foundation.settings import name_in
from pgtf.methods import METHODS
from pgtf.report.answer_cache import AnswerCache
from pgtf.report.classes import answers_of
from pgtf.report.content import Direction, InputThroughTasks, Later, ReportedRun, ReportedTask
from pgtf.report.page_cache import PageCache
from pgtf.runs import listing
from pgtf.runs.describe import described, measured
from pgtf.runs.run import Run, labels_of
from pgtf.storage import log, run_paths
from pgtf.storage.bank import FilterBank, none_learned
from pgtf.storage.ledger import Ledger
from pgtf.storage.probes import Probes
from pgtf.training.task_record import begun_split

# Test pictures of each task, in a run of at most so many tasks, and in a longer one.
FEW, PICTURES, FEWER_PICTURES = 6, 4, 2
INPUTS = 3  # That go through all tasks.


class Collector:
    """Collects the content of a run's report, also during training.

    Args:
      run_dir: The run's folder.
      cache: Cache for the outputs of networks.
    """

    def __init__(self, run_dir: str, cache: Optional[PageCache] = None):
        self.folder, self.config = run_dir, load_config(run_dir)
        self.bank = FilterBank.open(os.path.join(run_dir, run_paths.TASKS))
        self.unfinished = listing.unfinished(run_dir) if os.path.isdir(os.path.join(run_dir, run_paths.TASKS)) else []
        if not len(self.bank) and not self.unfinished:
            raise none_learned(run_dir)
        self.cache = AnswerCache(Run(run_dir), cache or PageCache()) if len(self.bank) else None
        self.shown = PICTURES if len(self.bank) + len(self.unfinished) <= FEW else FEWER_PICTURES
        self._curves, self._measured_by = log.curves(run_dir), log.measured_by(run_dir)
        self._changed = Ledger.read(run_dir).changed
        self._problems: dict[int, str] = {}
        found = {index: probes for index in range(len(self.bank)) if (probes := self._read_probes(index))}
        self._probes = {index: probes for index, probes in found.items() if self._serves(index) == "images"}
        self._generated = {index: probes for index, probes in found.items() if self._serves(index) == "latents"}

    def run(self, through: bool = True) -> ReportedRun:
        """Collects all content. through: Also translate one input with all tasks, for which networks are built."""
        later, through_all = self._later(), self._through() if through else ()
        figures, unmeasured = measured(self.folder, self.bank)
        tasks = [self._learned(index, later.get(index, ())) for index in range(len(self.bank))]
        tasks += [self._unfinished(folder) for folder in self.unfinished]
        known = [task.name for task in tasks]
        method = self.config.method if self.config else self.bank.slice(0).facts.method if len(self.bank) else None
        return ReportedRun(
            name=os.path.basename(os.path.abspath(self.folder)),
            folder=self.folder,
            method=name_in(METHODS, method) if method else "",
            meaning=(inspect.getdoc(type(method)) or "").splitlines()[0] if method else "",
            tasks=tuple(tasks),
            to_come=tuple(name for name in (self.config.tasks if self.config else ()) if name not in known),
            command=flagfile.command(self.config) if self.config else "",
            stored_bytes=sum(self.bank.slice(index).stored_bytes for index in self._needed()),
            through=through_all,
            measured=figures,
            unmeasured=unmeasured,
        )

    def inputs(self, index: int) -> list:
        """Returns a task's test images of its first direction; none if its probes are missing."""
        return list(self._probes[index].inputs["forward"][: self.shown]) if index in self._probes else []

    def targets(self, index: int) -> list:
        """Returns the targets of the test images; none if they are unknown."""
        return list(self._probes[index].targets.get("forward", [])[: self.shown]) if index in self._probes else []

    def answers(self, index: int, pictures: list) -> list:
        """Translates images with task `index` as it answers now. For its own inputs the outputs are recorded.

        Returns None for each if the slices have changed. The task's section shows the reason.
        """
        assert self.cache
        last, own = len(self.bank) - 1, self.inputs(index)[: len(pictures)]
        if self._answering(index, last) == index and np.array_equal(own, pictures):
            return self._recorded(index)[: len(pictures)]
        size = self.bank.slice(index).facts.architecture.size
        return self._answered(index, [resized(picture, *size) for picture in pictures], last)

    def _answered(self, index: int, pictures: list, latest: int) -> list:
        assert self.cache
        if any(picture.shape[-1] != self.bank.slice(index).facts.architecture.inputs for picture in pictures):
            return [None] * len(pictures)  # Images of another task, with other channels.
        try:
            return self.cache.outputs(index, pictures, latest=latest)
        except BankError as error:
            self._problems[index] = str(error)
            return [None] * len(pictures)

    def _recorded(self, index: int) -> list:
        """Returns a task's recorded outputs for its inputs."""
        return list(to_picture(self._probes[index].outputs["forward"][: self.shown]))

    def _answering(self, index: int, latest: int) -> int:
        return self.bank.slice(index).facts.method.network_for(index, latest)

    def _needed(self) -> set[int]:
        """Returns the tasks whose slices are needed for all tasks."""
        last, needed = len(self.bank) - 1, set()
        for answering in {self._answering(index, last) for index in range(len(self.bank))}:
            borrowed = [self.bank.names.index(one.task) for one in self.bank.slice(answering).borrows]
            needed |= {answering, *borrowed}
        return needed

    def _read_probes(self, index: int) -> Optional[Probes]:
        assert self.cache
        task = self.cache.run.at(index, index)
        try:
            return task.probes
        except ValueError as error:
            self._problems[index] = str(error)
            return None

    def _serves(self, index: int) -> str:
        return str(self.bank.slice(index).facts.objective.serves)

    def _learned(self, index: int, later: tuple[Later, ...]) -> ReportedTask:
        own = self.bank.slice(index)
        facts = own.facts
        return ReportedTask(
            name=own.name,
            number=index + 1,
            learned=True,
            step=facts.steps,
            facts=described(own),
            ways=self._ways(self._probes.get(index)),
            generated=generated(self._generated.get(index)),
            later=later,
            curves=self._curves.get(own.name, {}),
            measured_by=self._measured_by.get(own.name, {}),
            stored_bytes=own.stored_bytes,
            full_bytes=4 * (facts.full_values or full_values(facts.architecture, facts.generators)),
            problem=self._problems.get(index, ""),
            size=facts.architecture.size,
            drawn=facts.data == "drawn",
            changed=own.name in self._changed,
            split=facts.shown_split,
            has_test=facts.test_split != "train",
            answers=answers_of(os.path.join(self.folder, run_paths.answers_file(index, own.name)), labels_of(facts)),
        )

    def _unfinished(self, folder: str) -> ReportedTask:
        number, name = folder.split("-", 1)
        curves = self._curves.get(name, {})
        path = os.path.join(self.folder, run_paths.TASKS, folder, run_paths.SAMPLE)
        try:
            sample = Probes.read(path, sha256_of(path))
        except (FileNotFoundError, ValueError):  # None yet, or the next one is taking its place.
            sample = None
        return ReportedTask(
            name=name,
            number=int(number),
            learned=False,
            step=max((steps[-1] for steps, _ in curves.values()), default=0),
            ways=self._ways(sample),
            generated=generated(sample),
            curves=curves,
            measured_by=self._measured_by.get(name, {}),
            split=begun_split(os.path.join(self.folder, run_paths.TASKS, folder)),
            problem="" if sample else "It shows pictures from its first sample on (--sample_every).",
        )

    def _ways(self, probes: Optional[Probes]) -> tuple[Direction, ...]:
        if probes is None:
            return ()
        titles = {"forward": "From A to B", "backward": "From B to A"} if len(probes.inputs) > 1 else {}
        return tuple(
            Direction(
                prefix,
                list(to_picture(images[: self.shown])),
                list(to_picture(probes.outputs[prefix][: self.shown])),
                list(to_picture(probes.targets[prefix][: self.shown])) if prefix in probes.targets else None,
                titles.get(prefix, ""),
            )
            for prefix, images in sorted(probes.inputs.items(), reverse=True)  # Forward first.
            if images.ndim == 4 and probes.outputs[prefix].shape[:3] == images.shape[:3]  # Scores are no pictures.
        )

    def _later(self) -> dict[int, tuple[Later, ...]]:
        """Returns each task's outputs after each later task, in order of time, so that each network is built once."""
        found: dict[int, tuple[Later, ...]] = {}
        for time, after in enumerate(self.bank.names):
            replays = log.replays(self.bank.place(time, after))
            for index in range(time):
                if index not in self._probes:
                    continue
                replay = replays.get(self.bank.names[index])
                own = self._answering(index, time) == index and (replay is None or replay.holds)
                outputs = self._recorded(index) if own else self._answered(index, self.inputs(index), time)
                found[index] = (*found.get(index, ()), Later(after, outputs, replay))
        return found

    def _through(self) -> tuple[InputThroughTasks, ...]:
        sources = [index for index in range(len(self.bank)) if index in self._probes][:INPUTS]
        pictures = {index: self.inputs(index)[0] for index in sources}
        outputs: dict[int, dict] = {index: {} for index in sources}
        for player in range(len(self.bank)):
            for index in sources:
                outputs[index][self.bank.names[player]] = self.answers(player, [pictures[index]])[0]
        return tuple(
            InputThroughTasks(self.bank.names[index], to_picture(pictures[index]), outputs[index]) for index in sources
        )


def generated(probes: Optional[Probes]) -> tuple[np.ndarray, ...]:
    """Returns the images of latents; none if the inputs of probes are images."""
    if probes is None or probes.inputs["forward"].ndim != 2 or probes.outputs["forward"].ndim != 4:
        return ()
    return tuple(to_picture(probes.outputs["forward"]))
