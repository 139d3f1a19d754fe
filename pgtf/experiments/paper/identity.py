"""Identity of the data and of the feature extractors behind a result. Results are comparable only if both are equal."""

from __future__ import annotations

import collections
import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

from pgtf.data.finder import Finder
from pgtf.experiments.paper.experiment import KINDS, Experiment
from pgtf.foundation import files

DRAWN = "drawn"
CLASSIFIER = "classifier of the tasks"

Identity = Mapping[str, str]  # {"images of maps": …, "extractor of distances": …, "classifier of Acc": …}
DISTANCE_EXTRACTOR, ACC_CLASSIFIER = "extractor of distances", "classifier of Acc"


def images_identity(data: str, summary: Mapping[str, Any]) -> str:
    """Returns the identity of a task's images: "drawn", or a hash of their manifest's summary without its folders.

    data: "drawn", or the folder, as recorded in a slice's facts.
    """
    if data == DRAWN:
        return DRAWN
    parts = {part: {key: value for key, value in facts.items() if key != "folder"} for part, facts in summary.items()}
    return files.sha256(json.dumps(parts, sort_keys=True).encode())[:16]


def extractor_identity(extractor: Mapping[str, Any]) -> str:
    """Returns the identity of a feature extractor: its name and the start of its hash."""
    return f"{extractor['name']} ({extractor['sha256'][:12]})"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The data and the feature extractor that results must come from.

    Attributes:
      data_dir: Folder of the images; "" for drawn images, None for any.
      extractor: Start of the identity of the extractor of distances. Default: any.
      kinds: The kinds of images that are compared. Default: all.
    """

    data_dir: str | None = None
    extractor: str = ""
    kinds: tuple[str, ...] = KINDS

    def difference(self, experiment: Experiment, found: Identity) -> str:
        """Returns the reason why a result of this identity can't be used; empty if it can."""
        if experiment.kind not in self.kinds:
            return ""
        if self.data_dir is not None:
            for task in experiment.with_images:
                there = _images(self.data_dir, task, experiment.kind, experiment.validation)
                if found[f"images of {task}"] != there:
                    return f"images of {task} are {found[f'images of {task}']}, not {there}"
        extractor = found.get(DISTANCE_EXTRACTOR, "")
        if self.extractor and extractor and not extractor.startswith(self.extractor):
            return f"{DISTANCE_EXTRACTOR} is {extractor}, not {self.extractor}"
        return ""


def usual(found: Mapping[Experiment, Identity]) -> dict[Any, str]:
    """Returns the most frequent identity of each part, by `part_key`. In a tie, real images win over drawn ones."""
    counts: dict[Any, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for experiment, identity in found.items():
        for part, value in identity.items():
            counts[part_key(experiment, part)][value] += 1
    return {
        key: max((count, value != DRAWN, value) for value, count in each.items())[-1] for key, each in counts.items()
    }


def part_key(experiment: Experiment, part: str) -> Any:
    """Returns the key under which experiments must share a part of their identity.

    The classifier of Acc depends on the images of its classes. Unpaired images may differ from the paired ones.
    """
    return (
        part
        if part == DISTANCE_EXTRACTOR
        else (part, experiment.kind, experiment.classes if part == ACC_CLASSIFIER else ())
    )


@functools.cache
def _images(data_dir: str, task: str, kind: str, validation: float) -> str:
    if not data_dir:
        return DRAWN
    try:
        batch = "pairs" if kind == "paired" else kind
        find = Finder(data_dir, batch, (1, 1), (1, 1), cache_bytes=0, validation=validation)
        return images_identity(data_dir, find(task).manifest.summary())
    except (OSError, ValueError):
        return "in the data folder"
