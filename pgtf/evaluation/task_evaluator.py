"""Measurement of all metrics of one task."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf

from pgtf.data.pixels import to_picture
from pgtf.data.sources import Source, Subset
from pgtf.data.task_data import TaskData
from pgtf.evaluation.collection import Collection, choice, has_test, sides_of
from pgtf.foundation.errors import ImageError
from pgtf.foundation.progress import Bar
from pgtf.metrics.accuracy import SIZE, TaskClassifier, accuracy_figure, classifier, unclassified
from pgtf.metrics.activations import Activations, activations, kept_activations
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.frechet_kernel import distances
from pgtf.metrics.hashes import images_sha256
from pgtf.metrics.influences import with_intervals
from pgtf.metrics.measurements import ImageSet, Measurement
from pgtf.objectives import Objective
from pgtf.storage import run_paths
from pgtf.storage.task_slice import TaskSlice

# Maximum numbers of images of a task for training and for testing the classifier.
LEARNT_FROM, HELD_OUT = 2000, 500
MOMENT = 2.0  # Seconds of work without a progress bar.
ClassifierOf = Callable[[str, Mapping[str, TaskData]], Optional[TaskClassifier]]


@dataclasses.dataclass(frozen=True)
class TaskEvaluator:
    """Measures generated images. Features are those of `to_picture`: any image is converted to 8-bit RGB.

    Attributes:
      folder: Cache for features of real images.
      extractor: Extractor for distances. Default: the classifier's features.
      classifier: Classifier for Acc; None if there is only one task.
      watched: Function that wraps an iterable of images, to count them for the progress bar.
      classes: {task: its class in the classifier}. Default: its name.
      keeps_features: Whether features of generated images are stored, too, for intervals of whole rows of results.
      keep: Called with a task's name and {name: array} of answers, which a report shows.
    """

    folder: str
    extractor: Optional[Extractor] = None
    classifier: Optional[TaskClassifier] = None
    watched: Callable[[Iterable], Iterable] = iter
    classes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    keeps_features: bool = False
    keep: Callable[[str, dict[str, np.ndarray]], None] = lambda task, arrays: None

    def distances(
        self, real: Collection, made: np.ndarray, made_from: ImageSet, *, intervals: bool = False
    ) -> dict[str, Measurement]:
        """Measures the distances of generated images to real ones. Returns {name: Measurement}.

        intervals: Whether to compute bootstrap intervals over the images of both sides.
        """
        extractor = self._extractor()
        if not extractor:
            return {name: figure for name, figure in unclassified(made_from).items() if name != "Acc"}
        seen, target = lambda: map(to_picture, self.watched(made)), self._kept(extractor, real)
        if self.keeps_features and intervals:
            features = generated_activations(self._folder, extractor, made, seen)
            features = dataclasses.replace(features, images=made_from)
        else:
            features = activations(extractor, seen(), made_from)
        found = distances(target, features)
        return with_intervals(target, features, found) if intervals else found

    def identity_baseline(self, real: Collection, inputs: Collection) -> dict[str, Measurement]:
        """Measures the Fréchet distance of the inputs themselves to real targets: the score of doing nothing."""
        extractor = self._extractor()
        if not extractor:
            return {}
        frechet, _ = distances(self._kept(extractor, real), self._kept(extractor, inputs)).values()
        return {frechet.name: frechet}

    def accuracy(self, task: str, made: np.ndarray, made_from: ImageSet) -> Measurement:
        """Measures Acc of a task's generated images."""
        if not self.classifier:
            return unclassified(made_from)["Acc"]
        return accuracy_figure(self.classifier, self.classes.get(task, task), to_picture(made), made_from)

    def figures(
        self, task: str, generators: Mapping[str, Callable], sides: tuple[Collection, Collection], objective: Objective
    ) -> dict[str, Measurement]:
        """Measures all metrics of one task.

        Args:
          task: Name of the task.
          generators: {"forward": …} and optionally "backward". Each translates images; see `Generator`.
          sides: The inputs and the targets.
          objective: The task's objective.

        Returns:
          {name: Measurement}. Names of the backward direction end in -backward, the baseline of the unchanged inputs
          in -untouched.
        """
        return objective.figures(self, task, generators, sides)

    def _extractor(self) -> Optional[Extractor]:
        return self.extractor or (self.classifier.extractor if self.classifier else None)

    def _kept(self, extractor: Extractor, side: Collection) -> Activations:
        """Returns the features of images on disk, from the cache if possible."""
        return kept_activations(self._folder, extractor, lambda: map(to_picture, side), side.image_set)

    @property
    def _folder(self) -> str:
        return os.path.join(self.folder, run_paths.ACTIVATIONS)


def generated_activations(
    folder: str, extractor: Extractor, made: np.ndarray, read: Optional[Callable[[], Iterable]] = None
) -> Activations:
    """Computes the features of generated images, or reads them from a cache folder. The pixels identify the images.

    read: Function that returns the images. Default: those of `made`.
    """
    image_set = ImageSet("generated", len(made), made.shape[1:3], "whole", images_sha256(made))
    return kept_activations(folder, extractor, read or (lambda: map(to_picture, made)), image_set)


def classifier_of(folder: str, tasks: Mapping[str, TaskData], **settings: Any) -> Optional[TaskClassifier]:
    """Trains the classifier of these tasks on a random subset of their training targets, or reads a stored one.

    If a task has no test images, a fifth of that subset is held out instead.

    Args:
      folder: Folder of the run's measurements.
      tasks: {task: data}.
      **settings: As for `metrics.accuracy.classifier`.
    """
    tasks = dict(sorted(tasks.items()))  # The same classifier for every order of the tasks.
    sources = {name: _parts(data) for name, data in tasks.items()}

    def images():
        bar = Bar("reading", sum(len(part) for parts in sources.values() for part in parts), "images", silent=MOMENT)
        train, held_out = ({name: _small(parts[side], bar) for name, parts in sources.items()} for side in (0, 1))
        return train, held_out

    return classifier(os.path.join(folder, run_paths.CLASSIFIERS), classifier_facts(tasks), images, **settings)


def class_names(slices: Iterable[TaskSlice]) -> dict[str, str]:
    """Returns {task: its class}: the first task with the same images. A compressed copy has no class of its own."""
    found: dict[tuple, str] = {}
    return {
        each.name: found.setdefault(
            (each.facts.data, each.facts.learnt_as or each.name, each.facts.direction), each.name
        )
        for each in slices
        if each.facts.data  # A backbone from elsewhere has no images.
    }


def classifier_facts(tasks: Mapping[str, TaskData]) -> dict:
    """Returns {task: facts that identify its images}, without reading an image."""
    return {
        name: {
            "images": {part: {**facts, "folder": ""} for part, facts in data.manifest.summary().items()},
            "size": [sides_of(data, "test")[1].height, sides_of(data, "test")[1].width],
            "at_most": [LEARNT_FROM, HELD_OUT],
        }
        for name, data in sorted(tasks.items())
    }


def _parts(data: TaskData) -> tuple[Source, Source]:
    """Returns the targets for training the classifier and those for testing it."""
    train, test = sides_of(data, "train")[1], sides_of(data, data.choosing_split)[1]
    chosen = choice(len(train), LEARNT_FROM)
    if has_test(data) or data.choosing_split == "validation":
        return Subset(train, chosen), Subset(test, choice(len(test), HELD_OUT))
    return Subset(train, [place for place in chosen if place % 5]), Subset(train, [p for p in chosen if p % 5 == 0])


def _small(source: Source, bar: Bar) -> np.ndarray:
    """Reads images as uint8 [n, h, w, 3], shrunk to the classifier's size: 2000 images of 256 px would take 400 MB."""
    images = []
    for index in range(len(source)):
        try:
            image = to_picture(source[index][0])
        except ImageError:
            continue  # Training of the task reports unreadable images.
        if min(image.shape[:2]) > SIZE:
            image = np.rint(tf.image.resize(image, (SIZE, SIZE), antialias=True)).astype("uint8")
        images.append(image)
        bar.show(bar.done + 1)
    return np.stack(images)
