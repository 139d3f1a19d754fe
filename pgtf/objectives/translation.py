"""Translation: the base class of objectives that translate images, with their probes, pictures and figures."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pgtf.data.pixels import to_picture
from pgtf.data.rgb_images import to_input
from pgtf.metrics.measurements import BACKWARD, UNTOUCHED, Measurement
from pgtf.objectives.base import Objective, outputs_of


@dataclasses.dataclass(frozen=True)
class Translation(Objective):
    """Base class of objectives whose networks translate images to images of the same size."""

    def check_probes(self, inputs, targets, outputs):
        for images, is_made in ((inputs, False), (targets, False), (outputs, True)):
            for prefix, values in images.items():
                is_rgb = values.dtype == np.uint8 and values.shape[-1] == 3 and not is_made
                if values.ndim != 4 or not (is_rgb or values.dtype == np.float32):
                    raise ValueError(f"{prefix}: {values.dtype} {list(values.shape)}")
                if values.shape[:3] != inputs[prefix].shape[:3]:
                    raise ValueError(f"{prefix}: {list(values.shape)}, of other images than its inputs")

    def figures(self, evaluator, task, generators, sides):
        """Measures a task. Names of the backward direction end in -backward, the unchanged inputs' in -untouched."""
        inputs, targets = sides
        made = generators["forward"](evaluator.watched(inputs))
        found = {
            **self.pair_figures(made, targets),
            **evaluator.distances(targets, made, inputs.image_set),
            "Acc": evaluator.accuracy(task, made, inputs.image_set),
        }
        if "backward" in generators:
            made = generators["backward"](evaluator.watched(targets))
            found.update(_renamed(BACKWARD, evaluator.distances(inputs, made, targets.image_set)))
        found.update(_renamed(UNTOUCHED, evaluator.identity_baseline(targets, inputs)))
        return found

    def pair_figures(self, made: np.ndarray, targets: Any) -> dict[str, Measurement]:
        """Returns the figures of images against their own targets. Default: none, as there are no pairs."""
        return {}

    def loss(self, values):
        """Returns the Fréchet distance, summed over both directions, or else L1."""
        distances = [value for name, value in values.items() if name.startswith("F") and not name.endswith(UNTOUCHED)]
        return sum(distances) if distances else values["L1"]


def _renamed(suffix: str, figures: Mapping[str, Measurement]) -> dict[str, Measurement]:
    return {name + suffix: dataclasses.replace(found, name=name + suffix) for name, found in figures.items()}


def floats(images: np.ndarray) -> list[np.ndarray]:
    """Returns images, uint8 RGB or float32 [n, h, w, c], as a list of [h, w, c] in [-1, 1]."""
    return [to_input(image) for image in images]


def apply_network(network: Any, images: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Applies a network to images of one size, in one batch."""
    return list(outputs_of(network, list(images)))


def grid(rows: Iterable[Iterable[np.ndarray]]) -> np.ndarray:
    """Joins rows of images in [-1, 1] to one picture, uint8 [h, w, 3]."""
    return np.concatenate([np.concatenate([to_picture(image) for image in row], axis=1) for row in rows], axis=0)
