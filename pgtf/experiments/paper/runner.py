"""Runs missing experiments in subprocesses, resumes interrupted ones, and stores the results of finished ones."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from pgtf.data import tree
from pgtf.evaluation.run_evaluation import extractor_of
from pgtf.experiments.paper.experiment import KINDS, Experiment, with_bases
from pgtf.experiments.paper.presets import Preset
from pgtf.experiments.paper.results import Results, seconds_of
from pgtf.foundation import files
from pgtf.foundation.errors import Busy
from pgtf.foundation.logger import LOG
from pgtf.foundation.progress import clock
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank

PGTF = sys.executable, "-m", "pgtf"
PATIENCE = 10.0


class ExperimentRunner:
    """Trains and evaluates experiments.

    Args:
      preset: The preset of the settings.
      results: Folder of results.
      runs: Folder for the run directories.
      data_dir, inception: The flags of `pgtf train` and `pgtf evaluate`.
      weights: File of the backbone that some experiments start from.
      pgtf: The command line that starts pgtf.
      patience: Seconds between checks whether another process has finished an experiment. Default: 10.
    """

    def __init__(
        self,
        preset: Preset,
        results: Results,
        runs: str,
        *,
        data_dir: str = "",
        inception: str = "",
        weights: str = "",
        pgtf: Sequence[str] = PGTF,
        patience: float = PATIENCE,
    ):
        self.preset, self.results, self.runs = preset, results, runs
        self.data_dir, self.inception, self.weights = data_dir, inception, weights
        self.pgtf, self.patience = pgtf, patience

    def folder(self, experiment: Experiment) -> str:
        """Returns the path of an experiment's run directory."""
        return os.path.join(self.runs, experiment.run_name)

    def missing(self, experiments: Sequence[Experiment]) -> list[Experiment]:
        """Lists the experiments without results, each once, with their bases before them."""
        return with_bases([experiment for experiment in experiments if not self.results.read(experiment)])

    def plan(self, experiments: Sequence[Experiment]) -> str:
        """Returns a table of the missing experiments with estimates of their time."""
        lines, total = [], 0.0
        for experiment, seconds in self.estimates(experiments).items():
            total += seconds
            lines.append(f"{experiment.name:<48} {'+'.join(experiment.learned):<40} about {clock(seconds)}")
        return "\n".join([*lines, f"{len(lines)} runs, about {clock(total)}"])

    def estimates(self, experiments: Sequence[Experiment]) -> dict[Experiment, float]:
        """Estimates the seconds of each missing experiment.

        Takes the median time per task of finished experiments of the same kind, or else the preset's pace.
        """
        took: dict[str, list[float]] = {}
        for experiment in experiments:
            if found := self.results.read(experiment):
                took.setdefault(experiment.kind, []).append(found.seconds / len(experiment.learned))
        return {
            experiment: self._estimate(experiment, took.get(experiment.kind, []))
            for experiment in self.missing(experiments)
        }

    def _estimate(self, experiment: Experiment, took: Sequence[float]) -> float:
        if os.path.exists(os.path.join(self.folder(experiment), run_paths.EVALUATION, run_paths.MATRIX)):
            return 0.0
        flags = dict(experiment.flags)
        steps = int(flags.get("steps", 0)) or 400 * int(flags["epochs"])  # Assumes 400 images per task.
        a_task = statistics.median(took) if took else steps / self.preset.pace[KINDS.index(experiment.kind)]
        return len(experiment.learned) * a_task

    def run(self, experiments: Sequence[Experiment]) -> None:
        """Trains and evaluates the missing experiments. Resumes interrupted ones. A failure does not stop the others.

        Several processes may share the work: each takes experiments that no other works on, and waits for bases.

        Raises:
          ValueError: At the end, if an experiment failed.
        """
        tried: list[Experiment] = []
        failed: list[str] = []
        while left := {one: each for one, each in self.estimates(experiments).items() if one not in tried}:
            remaining = f"{len(left)} left, about {clock(sum(left.values()))}"
            one = next(
                (
                    experiment
                    for experiment in left
                    if experiment.base not in left and self._try(experiment, remaining, failed)
                ),
                None,
            )
            if one:
                tried.append(one)
            else:
                time.sleep(self.patience)
        if failed:
            raise ValueError(
                f"{len(failed)} experiments failed. Run the command again to retry them. Received: {', '.join(failed)}"
            )

    def check_inputs(self, experiments: Sequence[Experiment]) -> None:
        """Checks before any training that images and the network of FID exist and that no result would be overwritten.

        Raises:
          ValueError: If results of other data or another feature extractor exist.
          FileNotFoundError: If images are missing.
        """
        missing = self.missing(experiments)
        others = [
            f"{self.results.path(experiment)} ({why})"
            for experiment in missing
            if (why := self.results.other(experiment))
        ]
        if others:
            raise ValueError(
                f"{len(others)} results come from other data or another feature extractor. To keep them, choose other "
                f"folders with --results and --runs. Received: {others[0]}"
            )
        if missing:
            extractor_of(self.inception)
        if any(experiment.from_file for experiment in missing) and not os.path.isfile(self.weights):
            raise FileNotFoundError(
                "The selected tables need a backbone: a file of weights (.npz, .safetensors or .h5). "
                f"Received: --first_task_from={self.weights}"
            )
        tasks = sorted({task for experiment in missing for task in (*experiment.with_images, *experiment.classes)})
        lacking = [task for task in tasks if not tree.task_folder(self.data_dir, task)]
        if self.data_dir and lacking:
            raise FileNotFoundError(
                "Images of tasks of the selected tables are missing. They belong in DATA_DIR/TASK. "
                f"Received: --data_dir={self.data_dir} without {', '.join(lacking)}"
            )

    def _try(self, experiment: Experiment, remaining: str, failed: list[str]) -> bool:
        """Runs an experiment and prints its outcome. Returns False if another process works on it."""
        try:
            with files.locked(os.path.join(self.runs, "taken", experiment.run_name), "runs an experiment"):
                LOG.info(f"\n{experiment.name}  ({remaining})")
                self._piece(experiment)
        except Busy:
            return False
        except subprocess.CalledProcessError as error:
            failed.append(experiment.name)
            LOG.info(f"{experiment.name}: failed with exit status {error.returncode}; its table lacks it")
        except ValueError as error:
            failed.append(experiment.name)
            LOG.info(f"{experiment.name}: {error}")
        return True

    def _piece(self, experiment: Experiment) -> None:
        run_dir = self.folder(experiment)
        flags = [f"--{name}={value}" for name, value in experiment.flags]
        start = self.folder(experiment.base) if experiment.base else self.weights if experiment.from_file else ""
        base = [f"--first_task_from={start}"] if start else []
        data = [f"--data_dir={self.data_dir}"] if self.data_dir else []
        common = [f"--run_dir={run_dir}", *data]
        at_once = experiment.kind == "labelled" and experiment.split == "test"  # Scores need no extractor.
        evaluate = ["--evaluate"] if at_once else []
        settings = [*flags, *base, *evaluate, f"--tasks={','.join(experiment.tasks)}", f"--seed={experiment.seed}"]
        with _counted(os.path.join(run_dir, "seconds")):
            self._run("train", *common, *settings)
            self._compress(experiment, run_dir)
            if not at_once and not self.results.read(experiment):
                judged = [f"--kept={os.path.join(self.runs, 'kept')}", f"--classes={','.join(experiment.classes)}"]
                inception = [f"--inception={self.inception}"] if self.inception else []
                self._run("evaluate", *common, *judged, *inception, f"--split={experiment.split}")
        if not self.results.read(experiment):
            self.results.write(experiment, run_dir)

    def _compress(self, experiment: Experiment, run_dir: str) -> None:
        """Adds the compressed copies of the later tasks that the run does not have yet."""
        if not experiment.compressed:
            return
        learned = FilterBank.open(os.path.join(run_dir, run_paths.TASKS)).names
        for task in experiment.learned:
            if (name := experiment.name_in_run(task)) not in learned:
                given = f"--task={task}", f"--to={experiment.compressed}", f"--as={name}", f"--data_dir={self.data_dir}"
                self._run("compress", f"--run_dir={run_dir}", *given)

    def _run(self, name: str, *flags: str) -> None:
        command = [*self.pgtf, name, *flags]
        process = subprocess.Popen(command, start_new_session=True)  # Only this process receives Ctrl-C.
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()  # The process saves its state first.
            raise
        if code:
            raise subprocess.CalledProcessError(code, command)


@contextlib.contextmanager
def _counted(path: str) -> Iterator[None]:
    """Adds the seconds of a block to a file, also when interrupted: an experiment may take several attempts."""
    begun = time.monotonic()
    try:
        yield
    finally:
        files.write(path, str(seconds_of(path) + time.monotonic() - begun).encode())
