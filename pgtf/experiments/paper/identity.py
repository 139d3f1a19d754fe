"""The data and the judges that figures come from. Figures of other data or judges can't be compared."""

from __future__ import annotations

import collections
import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

from pgtf.data.finder import Finder
from pgtf.experiments.paper.experiment import Experiment
from pgtf.foundation import files

DRAWN = "drawn"
CLASSIFIER = "classifier of the tasks"

Identity = Mapping[str, str]  # {"images of maps": …, "judge of distances": …, "judge of Acc": …}
JUDGE, ACC_JUDGE = "judge of distances", "judge of Acc"


def images_identity(data: str, summary: Mapping[str, Any]) -> str:
    """Identity of a task's images: "drawn", or the hash of their manifest's summary, wherever they lie.

    data: "drawn", or the folder, as a slice's facts have it.
    """
    if data == DRAWN:
        return DRAWN
    parts = {part: {key: value for key, value in facts.items() if key != "folder"} for part, facts in summary.items()}
    return files.sha256(json.dumps(parts, sort_keys=True).encode())[:16]


def judge_identity(extractor: Mapping[str, Any]) -> str:
    """Identity of an extractor from its facts: its name and the start of its hash."""
    return f"{extractor['name']} ({extractor['sha256'][:12]})"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The data and the judge that results must come from.

    data_dir: Folder of the images; "" for drawn images, None for any. judge: Start of the identity of the judge of
    distances. Default: any.
    """

    data_dir: str | None = None
    judge: str = ""

    def difference(self, piece: Experiment, found: Identity) -> str:
        """Returns why a result of this identity is not wanted; empty if it is wanted."""
        if self.data_dir is not None:
            for task in piece.tasks:
                there = _images(self.data_dir, task, not piece.unpaired)
                if found[f"images of {task}"] != there:
                    return f"images of {task} are {found[f'images of {task}']}, not {there}"
        judge = found.get(JUDGE, "")
        if self.judge and judge and not judge.startswith(self.judge):
            return f"{JUDGE} is {judge}, not {self.judge}"
        return ""


def usual(found: Mapping[Experiment, Identity]) -> dict[Any, str]:
    """Returns the most frequent identity of each part, by part_key. Real images win a tie with drawn ones."""
    counts: dict[Any, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for piece, identity in found.items():
        for part, value in identity.items():
            counts[part_key(piece, part)][value] += 1
    return {
        key: max((count, value != DRAWN, value) for value, count in each.items())[-1] for key, each in counts.items()
    }


def part_key(piece: Experiment, part: str) -> Any:
    """Returns the key under which pieces share a part of their identity.

    The judge of Acc learns from the images of its classes, and unpaired images may be others than the pairs.
    """
    return part if part == JUDGE else (part, piece.unpaired, piece.classes if part == ACC_JUDGE else ())


@functools.cache
def _images(data_dir: str, task: str, paired: bool) -> str:
    if not data_dir:
        return DRAWN
    try:
        return images_identity(
            data_dir, Finder(data_dir, paired, (1, 1), (1, 1), cache_bytes=0)(task).manifest.summary()
        )
    except (OSError, ValueError):
        return "in the data folder"
