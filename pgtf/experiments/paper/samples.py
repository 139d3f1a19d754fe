"""Measures of single test images of a learned task, for confidence intervals."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Callable

import numpy as np

from pgtf.assembly.recorded_data import recorded_data
from pgtf.data.pixels import to_picture
from pgtf.data.task_data import TaskData
from pgtf.evaluation.collection import Collection, sides
from pgtf.evaluation.generator import Generator
from pgtf.evaluation.label_recovery import LabelNetwork, label_network
from pgtf.evaluation.task_evaluator import generated_activations
from pgtf.metrics import cache, pairs
from pgtf.metrics.activations import kept_activations
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.frechet_kernel import distances
from pgtf.metrics.influences import Influences, influences
from pgtf.metrics.intervals import Kernels, Sample, Values
from pgtf.objectives.unconditional import Unconditional
from pgtf.objectives.unconditional.latents import latents
from pgtf.runs.run import Run, Task

FROM_LABELS = ("cityscapes", "facades")  # Paired tasks whose inputs are label images.
KID, LABELS = "KID", "label accuracy"


@dataclasses.dataclass(frozen=True)
class SampleReader:
    """Measures tasks on one split.

    Args:
      extractor: Extractor of KID's features.
      split: "test", "validation" or "train".
      folder: Cache of generated images, of features and of label networks.
      data_dir: Folder of the data, if it has moved since training.
      learn_labels: Function that trains or reads a network that finds label images in photos.
    """

    extractor: Extractor
    split: str
    folder: str
    data_dir: str = ""
    learn_labels: Callable[..., LabelNetwork] = label_network

    def __call__(self, run: Run, task: str) -> dict[str, Sample]:
        """Returns {measure: Sample} of a task of a run: of its pairs, or of images that it generates."""
        one = run[task]
        if isinstance(one.facts.objective, Unconditional):
            return self._generated(one, task, one.facts.objective.generated)
        data = recorded_data(task, one.facts, self.data_dir)
        inputs, targets = sides(data, self.split, flipped=one.facts.direction == "BtoA")
        made, wanted = self._made(one, inputs), targets.images()
        found: dict[str, Sample] = {
            KID: Kernels.from_features(self._features(targets), self._features(inputs, made, one)),
            "L1": Values(pairs.l1(made, wanted)),
            "SSIM": Values(pairs.ssim(made, wanted)),
        }
        if (one.facts.learnt_as or task) in FROM_LABELS:
            labels = inputs.images()
            found[LABELS] = Values(self._label_network(data, one).recovery(made, labels).pixel_accuracy)
        return found

    def _generated(self, task: Task, name: str, number: int) -> dict[str, Sample]:
        """Returns FID and KID of generated images to all real ones, with the influence of each image."""
        _, real = sides(recorded_data(name, task.facts, self.data_dir), self.split)
        facts = {**self._identity(task, real), "extractor": self.extractor.facts, "influences of generated": number}

        def make() -> dict[str, np.ndarray]:
            shape = task.facts.architecture
            generate = Generator(task.network(), shape.size, shape.input)
            made = generate(latents(range(number), shape.input[0]))
            folder = self._cache("activations")
            targets = kept_activations(folder, self.extractor, lambda: map(to_picture, real), real.image_set)
            features = generated_activations(folder, self.extractor, made)
            return {
                f"{measure.split('-')[0]} {field.name}": np.asarray(getattr(found, field.name))
                for measure, found in influences(targets, features, distances(targets, features)).items()
                for field in dataclasses.fields(Influences)
            }

        arrays = cache.load_or_compute(self._cache("generated"), facts, make)
        return {
            measure: Influences(*(arrays[f"{measure} {field.name}"] for field in dataclasses.fields(Influences)))
            for measure in ("FID", KID)
            if f"{measure} value" in arrays
        }

    def _made(self, task: Task, inputs: Collection) -> np.ndarray:
        """Returns the generated images, uint8 [n, h, w, 3]."""

        def make() -> dict[str, np.ndarray]:
            return {"images": Generator(task.network(), task.facts.architecture.size)(inputs)}

        return cache.load_or_compute(self._cache("generated"), self._identity(task, inputs), make)["images"]

    def _features(self, side: Collection, made: np.ndarray | None = None, task: Task | None = None) -> np.ndarray:
        """Returns the features of images, or of those that a task made of them."""
        if made is None or task is None:
            kept = kept_activations(self._cache("activations"), self.extractor, lambda: side, side.image_set)
            return kept.features
        facts = {**self._identity(task, side), "extractor": self.extractor.facts}
        make = lambda: {"features": self.extractor(made)}  # noqa: E731
        return cache.load_or_compute(self._cache("generated"), facts, make)["features"]

    def _label_network(self, data: TaskData, task: Task) -> LabelNetwork:
        """Returns the network that finds label images in photos. It learns from the task's training images."""
        flipped = task.facts.direction == "BtoA"

        def read() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
            train, held_out = (sides(data, split, flipped=flipped) for split in ("train", self.split))
            return (train[1].images(), train[0].images()), (held_out[1].images(), held_out[0].images())

        facts = {"images": data.manifest.summary(), "flipped": flipped, "held out": self.split}
        return self.learn_labels(self._cache("label networks"), facts, read)

    def _identity(self, task: Task, inputs: Collection) -> dict[str, Any]:
        stored = task.slice
        hashes = [stored.sha256, *(borrowed.sha256 for borrowed in stored.borrows)]
        return {"player": hashes, "images": dataclasses.asdict(inputs.image_set)}

    def _cache(self, name: str) -> str:
        return os.path.join(self.folder, name)
