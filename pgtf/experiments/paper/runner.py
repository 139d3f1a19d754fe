"""Doing what is missing: each piece a subprocess of the scripts, resumable, its figures kept when it is done."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from pgtf.evaluation.evaluation import extractor_of
from pgtf.experiments.paper.experiment import Experiment, with_bases
from pgtf.experiments.paper.presets import Preset
from pgtf.experiments.paper.results import Results, seconds_of
from pgtf.foundation import files
from pgtf.foundation.progress import clock

PATIENCE = 10.0  # Seconds until it is asked again whether another process is done with a piece.


class ExperimentRunner:
    """Learns and measures pieces.

    Args:
      preset: Of their setting.
      results: Where their figures are kept.
      runs: Folder for their run directories.
      data_dir, inception: As train.py and evaluate.py have them.
      scripts: The folder of those.
    """

    def __init__(
        self, preset: Preset, results: Results, runs: str, *, data_dir: str = "", inception: str = "", scripts: str
    ):
        self.preset, self.results, self.runs = preset, results, runs
        self.data_dir, self.inception, self.scripts = data_dir, inception, scripts

    def missing(self, pieces: Sequence[Experiment]) -> list[Experiment]:
        """Those without results, each once, and before them the bases that they need."""
        return with_bases([piece for piece in pieces if not self.results.read(piece)])

    def plan(self, pieces: Sequence[Experiment]) -> str:
        """What would be learnt, and about how long it takes."""
        lines, total = [], 0.0
        for piece, seconds in self.estimates(pieces).items():
            total += seconds
            lines.append(f"{piece.name:<48} {'+'.join(piece.learnt):<40} about {clock(seconds)}")
        return "\n".join([*lines, f"{len(lines)} runs, about {clock(total)}"])

    def estimates(self, pieces: Sequence[Experiment]) -> dict[Experiment, float]:
        """Seconds that each missing piece takes: as many a task as finished ones of its kind took, else by the pace."""
        took: dict[bool, list[float]] = {}
        for piece in pieces:
            if found := self.results.read(piece):
                took.setdefault(piece.unpaired, []).append(found.seconds / len(piece.learnt))
        return {piece: self._estimate(piece, took.get(piece.unpaired, [])) for piece in self.missing(pieces)}

    def _estimate(self, piece: Experiment, took: Sequence[float]) -> float:
        if os.path.exists(os.path.join(self.runs, piece.name, "evaluation", "matrix.json")):
            return 0.0
        flags = dict(piece.flags)
        steps = int(flags.get("steps", 0)) or 400 * int(flags["epochs"])  # Some hundreds of images a task.
        a_task = statistics.median(took) if took else steps / self.preset.pace[piece.unpaired]
        return len(piece.learnt) * a_task

    def do(self, pieces: Sequence[Experiment]) -> None:
        """Learns and measures what is missing. What was begun goes on; what fails is told, and the rest is done.

        Several processes may do so at once: each takes what no other is at, and a base is waited for.
        """
        tried: list[Experiment] = []
        failed: list[str] = []
        while left := {one: each for one, each in self.estimates(pieces).items() if one not in tried}:
            told = f"{len(left)} left, about {clock(sum(left.values()))}"
            one = next((piece for piece in left if piece.base not in left and self._tried(piece, told, failed)), None)
            if one:
                tried.append(one)
            else:
                time.sleep(PATIENCE)
        if failed:
            raise ValueError(f"Every piece ends well. Received: {len(failed)} that did not: {', '.join(failed)}")

    def refuse_what_would_fail(self, pieces: Sequence[Experiment]) -> None:
        """Finds out now, not when a network has been learnt, that images or the network of FID are not there.

        No result is overwritten by one of other data or another judge.
        """
        missing = self.missing(pieces)
        others = [f"{self.results.path(piece)} ({why})" for piece in missing if (why := self.results.other(piece))]
        if others:
            raise ValueError(
                f"{len(others)} results have other data or another judge. Keep them: give other folders, --results "
                f"and --runs. Received: {others[0]}"
            )
        if missing:
            extractor_of(self.inception)
        tasks = sorted({task for piece in missing for task in (*piece.tasks, *piece.classes)})
        lacking = [task for task in tasks if not os.path.isdir(os.path.join(self.data_dir, task))]
        if self.data_dir and lacking:
            raise FileNotFoundError(
                "The images of each task of the tables that are asked for lie in DATA_DIR/TASK. "
                f"Received: --data_dir={self.data_dir} without {', '.join(lacking)}"
            )

    def _tried(self, piece: Experiment, told: str, failed: list[str]) -> bool:
        """Whether a piece was tried, with what is told of those that are left; not where another process is at it."""
        try:
            with files.locked(os.path.join(self.runs, "taken", piece.name), "learns a piece"):
                print(f"\n{piece.name}  ({told})", flush=True)
                self._piece(piece)
        except files.Busy:
            return False
        except subprocess.CalledProcessError as error:
            failed.append(piece.name)
            print(f"{piece.name}: stopped with exit status {error.returncode}; its table has a hole", flush=True)
        except ValueError as error:
            failed.append(piece.name)
            print(f"{piece.name}: {error}", flush=True)
        return True

    def _piece(self, piece: Experiment) -> None:
        run_dir = os.path.join(self.runs, piece.name)
        flags = [f"--{name}={value}" for name, value in piece.flags]
        base = [f"--base={os.path.join(self.runs, piece.base.name)}"] if piece.base else []
        data = [f"--data_dir={self.data_dir}"] if self.data_dir else []
        common = [f"--run_dir={run_dir}", *data]
        with _counted(os.path.join(run_dir, "seconds")):
            self._run("train.py", *common, *flags, *base, f"--tasks={','.join(piece.tasks)}", f"--seed={piece.seed}")
            if not self.results.read(piece):
                judged = [f"--kept={os.path.join(self.runs, 'kept')}", f"--classes={','.join(piece.classes)}"]
                inception = [f"--inception={self.inception}"] if self.inception else []
                self._run("evaluate.py", *common, *judged, *inception)
        if not self.results.read(piece):
            self.results.write(piece, run_dir)

    def _run(self, script: str, *flags: str) -> None:
        command = [sys.executable, os.path.join(self.scripts, script), *flags]
        process = subprocess.Popen(command, start_new_session=True)  # A terminal's Ctrl-C comes here alone.
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()  # Until it has saved its state.
            raise
        if code:
            raise subprocess.CalledProcessError(code, command)


@contextlib.contextmanager
def _counted(path: str) -> Iterator[None]:
    """Adds the seconds that a block takes to a file, also where it is interrupted: a piece may take several goes."""
    begun = time.monotonic()
    try:
        yield
    finally:
        files.write(path, str(seconds_of(path) + time.monotonic() - begun).encode())
