"""Sequential training of a run: each task is learned, then all tasks so far are replayed and sampled.

A stage is done if its last file exists: the slice, the record of the replays, or the last sample picture.
"""

import dataclasses
import functools
import gc
import json
import os
from typing import Any, Callable, Optional

import keras
import tensorflow as tf

from pgtf.assembly.accounting import summary
from pgtf.assembly.bank import NetworkBank
from pgtf.assembly.plan_tables import table
from pgtf.assembly.planned_data import coming_data, data_of
from pgtf.config import Config, flagfile, load_config, task_plans
from pgtf.distribution import collectives
from pgtf.distribution.precision import resolved
from pgtf.distribution.strategy import check_batch, strategy
from pgtf.evaluation.collection import refuse_untested
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation, extractor_of, table_path
from pgtf.evaluation.task_evaluator import ClassifierOf, classifier_of
from pgtf.foundation import files, task_names
from pgtf.foundation.errors import Busy
from pgtf.foundation.logger import LOG
from pgtf.foundation.settings import changeable
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.plan import check_plan, planned, size_warning
from pgtf.runs.run import Run, Task
from pgtf.storage import run_paths
from pgtf.storage.ledger import Ledger
from pgtf.training.checkpoints import remove_checkpoints
from pgtf.training.first_task import take_base
from pgtf.training.joint import learn_together, to_learn_together
from pgtf.training.observers import Observer
from pgtf.training.one_task import learn_task
from pgtf.training.replays import check_probes, replayed
from pgtf.training.sampling import remove_sample
from pgtf.training.stored_samples import write_samples
from pgtf.training.workers import announce_busy, announce_task, announce_together, check_alike, follow

KEPT = 4  # Tasks whose networks stay in memory from their replays to their pictures.


class SequentialTrainer:
    """Trains the tasks of a run in order.

    Args:
      config: The settings of the run.
      observer: Hooks that are called during training. Default: none.
      classifier_of: As for an `EvaluationConfig`. Default: the classifier of the run's tasks.
    """

    def __init__(
        self, config: Config, observer: Optional[Observer] = None, classifier_of: ClassifierOf = classifier_of
    ):
        self.observer, self.classifier_of = observer or Observer(), classifier_of
        self.strategy = strategy(config.distribute)
        self.config = config = dataclasses.replace(config, precision=resolved(config.precision))
        self.plans = task_plans(config)
        check_plan(self.plans)
        self.log = self._path(run_paths.LOG)
        self.bank = NetworkBank(folder=self._path(run_paths.TASKS))
        self._at: Optional[Callable[[int, int], Task]] = None

    def run(self) -> None:
        """Runs the missing stages of each task. Workers other than the chief train along."""
        replicas = self.strategy.num_replicas_in_sync
        for plan in self.plans:
            check_batch(plan.name, plan.training.batch_size, plan.training.accumulate, replicas)
        if self.config.deterministic:
            keras.utils.set_random_seed(self.config.seed)
            tf.config.experimental.enable_op_determinism()
        with self.strategy.scope():
            chief, several = collectives.is_chief(), collectives.worker_count() > 1
        try:
            check_alike(vars(self.config), self.strategy)
            if chief:
                try:
                    self._lead(replicas)
                except Busy:
                    announce_busy(self.strategy)
                    raise
            else:
                follow(self.plans, self.strategy)
        except tf.errors.OpError as error:  # A full disk, no memory, or a worker that is gone.
            if several:
                # Without the places in the code, before and after.
                reason = error.message.rpartition("\n\n")[2].partition("\n")[0].rpartition("}} ")[2]
                raise OSError(
                    f"A worker was lost. Run the same command on all workers again to resume. Received: {reason}"
                ) from error
            raise OSError(
                "TensorFlow stopped with an error. Run the same command again to resume from the last checkpoint. "
                f"Received: {error.message}"
            ) from error

    def _lead(self, replicas: int) -> None:
        """Runs the stages as the chief. A single process is the chief."""
        config = self.config
        with files.locked(config.run_dir):
            files.sweep(config.run_dir)
            self.bank = NetworkBank.open(self._path(run_paths.TASKS))
            self.ledger = Ledger.read(config.run_dir).checked(self.bank)
            self._check_bank()
            check_probes(config.run_dir, self.bank)
            take_base(self.plans[0], self.bank, *self.plans[1:2])
            if not any(self._missing(index, name) for index, name in enumerate(config.tasks)):
                self._finish()
                return
            where = f" on {replicas} devices" if replicas > 1 else ""
            LOG.info(f"Networks compute in {config.precision}{where} while they learn")
            planned(self.plans)  # Refuses a budget that holds no choice before anything is learned.
            if large := size_warning(self.plans):
                LOG.warning(large)
            # All of them now, so that a long run doesn't fail at its third task; a learned one needs its data no more.
            together = to_learn_together(self.plans, self.bank)
            learned = set(self.bank.names) - set(together)
            self._data = {plan.name: data_of(plan) for plan in self.plans if plan.name not in learned}
            for index, (task, data) in enumerate(self._data.items(), len(learned)):
                if not os.path.exists(os.path.join(self.bank.place(index, task), run_paths.BEGUN)):
                    data.refuse_single_images()
            if config.evaluate or (config.evaluate_every and not config.validation):
                refuse_untested(self._data)
            self._say_what_is_shown()
            flagfile.save(config)
            self.ledger.write(config.run_dir)
            if self._data and not config.data_dir:
                LOG.info("Drawn images stand in for real ones. For those: --data_dir=DIR, with DIR/TASK/train/*.jpg")
            if together:
                found = [self._data[name] for name in together]
                announce_together(self.strategy)
                learn_together(self.plans, self.bank, found, self.log, self.observer, self.classifier_of)
                self._note_learned()
            self._tasks()
            LOG.info(f"\n{self._stored()}")
            if config.evaluate:
                with open(
                    table_path(config.run_dir, len(self.bank) - 1, self.bank.names[-1]), encoding="utf-8"
                ) as file:
                    LOG.info(f"\n{file.read()}")
            self.observer.on_run_end(config.run_dir)
            announce_task(self.strategy, None)

    def _say_what_is_shown(self) -> None:
        """Prints the files that are left out, and the split of sample pictures if it is not test."""
        for task, data in self._data.items():
            if unread := data.unread():
                LOG.info(f"{task}: {unread}")
        splits: dict[str, list[str]] = {}
        for task, data in self._data.items():
            splits.setdefault(data.shown_split, []).append(task)
        for split, tasks in splits.items():
            if split == "train":
                LOG.info(
                    f"{', '.join(tasks)}: no test images, so pictures are of training images; put others into test, or "
                    "give --validation=0.1"
                )
            elif split != "test":
                LOG.info(f"{', '.join(tasks)}: pictures are of {split} images")

    def _stored(self) -> str:
        """Returns the bytes of each task: as planned, or as measured if they depend on training."""
        facts = [self.bank.slice(index).facts for index in range(len(self.bank))]
        if any(one.shares or one.compressed for one in facts):
            return "\n".join(row_lines(rows(self.config.run_dir)))
        totals = summary(planned(self.plans))
        return table(totals["tasks"], totals["total"])

    def _tasks(self) -> None:
        for index, name in enumerate(self.config.tasks):
            self._task(index, name)

    def _finish(self) -> None:
        """Prints in one line that the run is finished, since when, and from which images the tasks learned."""
        config, recorded = self.config, load_config(self.config.run_dir)
        # Nothing is learned from another data_dir, so the run keeps the one that it learned from.
        flagfile.save(dataclasses.replace(config, data_dir=recorded.data_dir) if recorded else config)
        self.ledger.write(config.run_dir)
        self._tasks()  # Clears up after a process that was killed at its end.
        facts = [self.bank.slice(index).facts for index in range(len(self.bank))]
        folders = {os.path.dirname(one.data) for one in facts if one.data not in ("", "drawn")}
        drawn = ["drawn images"] if any(one.data == "drawn" for one in facts) else []
        sources = " and ".join([*drawn, *sorted(folders)]) or "unknown images"
        count = f"all {len(facts)} tasks are" if len(facts) > 1 else "the one task is"
        since = max(one.learnt for one in facts)[:16].replace("T", " ")
        line = f"{config.run_dir}: {count} learned, from {sources}; done since {since}."
        if config.data_dir and os.path.abspath(config.data_dir) not in map(os.path.abspath, folders):
            line += f" Nothing is learned from {config.data_dir}. A new run: --run_dir=DIR"
        LOG.info(task_names.escaped(line))
        announce_task(self.strategy, None)

    def _missing(self, index: int, name: str) -> list[Callable[[int, str], None]]:
        """Returns the stages of a task that are not done."""
        folder, config = self._path(run_paths.TASKS, os.path.basename(self.bank.place(index, name))), self.config
        latest = index + 1 >= len(self.bank)  # Figures of a run that went on past this task come with its last one.
        evaluated = ((table_path(config.run_dir, index, name), self._evaluate),) if config.evaluate and latest else ()
        stages = (
            (os.path.join(folder, run_paths.SLICE), self._learn),
            (os.path.join(folder, run_paths.REPLAYS), self._replay),
            (self._path(run_paths.SAMPLES, run_paths.example(name)), self._sample),
            *evaluated,
        )
        return [stage for artefact, stage in stages if not os.path.exists(artefact)]

    def _task(self, index: int, name: str) -> None:
        folder = self._path(run_paths.TASKS, os.path.basename(self.bank.place(index, name)))
        files.inside(folder, run_paths.CHECKPOINTS)
        missing = self._missing(index, name)
        self._at = None
        for stage in missing:
            stage(index, name)
        remove_checkpoints(os.path.join(folder, run_paths.CHECKPOINTS))
        remove_sample(folder)
        if missing and name != self.config.tasks[-1]:  # After the last one, at the end of all.
            self.observer.on_task_end(self.config.run_dir)

    def _learn(self, index: int, name: str) -> None:
        keras.backend.clear_session()
        gc.collect()  # The networks of the task before refer to one another in circles, and may fill a GPU.
        announce_task(self.strategy, index)
        learn_task(self.plans[index], self.bank, self._data[name], self.log, self.observer, self.classifier_of)
        self._note_learned()

    def _replay(self, index: int, after: str) -> None:
        """Replays every task so far from disk, to prove that the stored tasks are unchanged."""
        record, changed = replayed(self._reread, index, after, self.log)
        self._note(changed=changed)
        if changed:
            raise ValueError(
                "Learned tasks have changed. Nothing is trained or served until they are restored; `pgtf verify` shows "
                f"details. Received: other outputs than recorded: {', '.join(changed)}"
            )
        files.write(
            os.path.join(self.bank.place(index, after), run_paths.REPLAYS), json.dumps(record, indent=1).encode()
        )

    def _sample(self, index: int, after: str) -> None:
        """Writes sample pictures after a new task."""
        write_samples(self._reread, index, after, self.config.objective, self.config.run_dir)

    def _reread(self, index: int, latest: int) -> Task:
        """Opens a task from disk, as it answers after the latest task."""
        if self._at is None:
            self._at = functools.lru_cache(KEPT)(Run(self.config.run_dir).at)
        return self._at(index, latest)

    def _evaluate(self, index: int, after: str) -> None:
        """Measures every task so far."""
        config = self.config
        coming = {plan.name: coming_data(plan.name, plan) for plan in self.plans[index + 1 :]}
        extractor = extractor_of(config.inception)
        measured = EvaluationConfig(extractor, data_dir=config.data_dir, classifier_of=self.classifier_of)
        RunEvaluation(Run(config.run_dir), measured, coming=coming).measure()

    def _note_learned(self) -> None:
        self._note(learnt=self.bank.entries())

    def _note(self, **changes: Any) -> None:
        self.ledger = dataclasses.replace(self.ledger, **changes)
        self.ledger.write(self.config.run_dir)

    def _check_bank(self) -> None:
        """Raises ValueError if the flags disagree with the stored tasks. Also works without config.cfg."""
        config, names = self.config, tuple(self.bank.names)
        if config.tasks[: len(names)] != names:
            raise ValueError(
                "--tasks must begin with the run's learned tasks; new ones go to the end. "
                f"Received: --tasks={','.join(config.tasks)}, where {config.run_dir} has learned {','.join(names)}"
            )
        if not names:
            return
        # Of the first: later ones may be wider, and have been learned with other values of what may change.
        learned = self.bank.slice(0).facts
        # Channels follow from data; the plan refuses other ones where a method needs equal ones.
        requested = config.architecture.with_channels(learned.architecture.inputs, learned.architecture.outputs)
        learned.refuse_another(requested, config.method, config.objective, config.run_dir)
        if not config.first_task_from and not os.path.exists(self._path(run_paths.CONFIG)):
            own = config.for_task(names[0])
            fixed = {name: value for name, value in own.flat().items() if name not in changeable(own)}
            learned.refuse_other_settings(names[0], fixed)

    def _path(self, *parts: str) -> str:
        return files.inside(self.config.run_dir, *parts)
