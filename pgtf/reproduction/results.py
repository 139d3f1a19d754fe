"""What is kept of a piece: a small file of figures, enough to redraw every table without learning anything anew."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import re
from typing import Any

from pgtf import __version__, files
from pgtf.evaluation import matrix_text
from pgtf.evaluation.figures import BACKWARD, UNTOUCHED
from pgtf.evaluation.matrix import Matrix
from pgtf.reproduction.pieces import Piece
from pgtf.runs.bank import FilterBank

ASIDE = (BACKWARD, UNTOUCHED)  # What a figure's name ends in that is not of the way forth.


@dataclasses.dataclass(frozen=True)
class Result:
    """The figures of a piece.

    stored: {task: bytes}. full: what a full network takes, in bytes. seconds: what learning and measuring took. images:
    {task: the hash of its images}. beside: n, splits, extractors, versions.
    """

    matrix: Matrix
    stored: dict[str, int]
    full: int
    seconds: float
    images: dict[str, str]
    beside: dict[str, Any]

    @property
    def metrics(self) -> list[str]:
        """The names of its figures."""
        return list(self.matrix.values)

    def figure(self, kind: str, task: str = "") -> float | None:
        """A metric at the end, as "FID" or "Acc": of one task, or the mean of all. None where it is not known."""
        names = self._named(kind)
        if not names:
            return None
        last = self.matrix.tasks[-1]
        return self.matrix.value(names[0], task, last) if task else self.matrix.average(names[0])

    def forgetting(self, kind: str) -> float | None:
        """How much worse earlier tasks are at the end than they were at best."""
        names = self._named(kind)
        return self.matrix.forgetting(names[0]) if names else None

    def untouched(self, task: str) -> float | None:
        """The Fréchet distance of a task's inputs as they are; None where it is not known."""
        names = [name for name in self.metrics if name[0] == "F" and name.endswith(UNTOUCHED)]
        return self.matrix.value(names[0], task, task) if names else None

    def _named(self, kind: str) -> list[str]:
        """The metrics of a kind that are of the way forth."""
        return [name for name in self.metrics if name.split("-")[0] == kind and not name.endswith(ASIDE)]

    def share(self, task: str) -> float:
        """What a task stores, as a share of a full network."""
        return self.stored[task] / self.full


class Results:
    """A folder with a file for each piece."""

    def __init__(self, folder: str):
        self.folder = folder

    def path(self, piece: Piece) -> str:
        """Where a piece's file lies."""
        return os.path.join(self.folder, f"{piece.name}.json")

    def seeds(self) -> set[int]:
        """The seeds of all pieces that are kept, whatever their settings."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return {int(found.group(1)) for name in names if (found := re.fullmatch(r".*-(\d+)-\w{10}\.json", name))}

    def read(self, piece: Piece) -> Result | None:
        """What is kept of a piece; None where nothing is, or it is not of this piece."""
        try:
            with open(self.path(piece), encoding="utf-8") as file:
                plain = json.load(file)
            if plain["piece"] != piece.facts:
                return None
            matrix = Matrix(tuple(plain["tasks"]), tuple(plain["slices"]), plain["values"])
            fields = {name: plain[name] for name in ("stored", "full", "seconds", "images", "beside")}
            return Result(matrix, **fields)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"A file of results must be as it was written; without it, its piece is learnt anew. "
                f"Received: {self.path(piece)} ({error})"
            ) from error

    def write(self, piece: Piece, run_dir: str) -> Result:
        """Keeps what was measured of a run."""
        with open(os.path.join(run_dir, "evaluation", "matrix.json"), encoding="utf-8") as file:
            text = file.read()
        matrix, bank = matrix_text.from_json(text), FilterBank.open(os.path.join(run_dir, "tasks"))
        slices = [bank.slice(index) for index in range(len(bank))]
        plain = {
            "piece": piece.facts,
            "tasks": list(matrix.tasks),
            "slices": list(matrix.slices),
            "values": matrix.values,
            "stored": {each.name: int(each.stored_bytes) for each in slices},
            "full": 4 * slices[-1].facts.full_values,
            "seconds": round(seconds_of(os.path.join(run_dir, "seconds"))),
            "images": {each.name: _images(each.facts.images) for each in slices},
            "beside": _beside(json.loads(text)["figures"]),
        }
        files.write(self.path(piece), json.dumps(plain, indent=1).encode())
        found = self.read(piece)
        assert found
        return found


def seconds_of(path: str) -> float:
    """The seconds that a file tells of; 0 where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return float(file.read())
    except (FileNotFoundError, ValueError):
        return 0.0


def _images(summary: dict[str, Any]) -> str:
    """A hash of a task's images, wherever they lie."""
    parts = {part: {key: value for key, value in facts.items() if key != "folder"} for part, facts in summary.items()}
    return files.sha256(json.dumps(parts, sort_keys=True).encode())[:16]


def _beside(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """What figures are of, and by what they were measured."""
    extractors = {one["name"]: one["extractor"] for one in figures if one["extractor"]}
    forth = [one for one in figures if not one["name"].endswith(ASIDE)]
    return {
        "n": {one["task"]: one["generated"]["n"] for one in forth if one["generated"]},
        "split": sorted({one["generated"]["split"] for one in figures if one["generated"]}),
        "extractors": {name: f"{facts['name']} ({facts['sha256'][:12]})" for name, facts in extractors.items()},
        "notes": sorted({note for one in figures for note in one["notes"]}),
        "versions": {"pgtf": __version__, "tensorflow": importlib.metadata.version("tensorflow")},
    }
