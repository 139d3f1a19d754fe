"""Classification: predicts the class of an image, learned from labelled images."""

import dataclasses
from typing import Any

import numpy as np

from pgtf.foundation.settings import setting
from pgtf.metrics.classification import answers, label_figures
from pgtf.networks.classifier import HEAD
from pgtf.objectives.base import Objective


@dataclasses.dataclass(frozen=True)
class Classification(Objective):
    """Scores the classes of an image; trained by cross-entropy, without a discriminator.

    Attributes:
      labels: Names of the task's classes, in the order of the scores. They follow from its data, as do `counts`.
      counts: Number of training images of each class.
    """

    makes = "scores"
    batch = "labelled"
    serves = "scores"
    compares_features = False
    own_outputs = True
    any_pixels = False

    solver: str = setting("sgd", "classification: optimizer, SGD with momentum or Adam.", choices=("sgd", "adam"))
    momentum: float = setting(0.9, "classification: momentum of SGD.", least=0, most=0.9999)
    weight_decay: float = setting(
        5e-4, "classification: weight of the L2 penalty; values with a learning rate of their own have none.", least=0
    )
    head_learning_rate: float = setting(
        0.0,
        "classification: learning rate of the last layer, which then takes Adam; it decays like --learning_rate. 0: it "
        "learns like the others.",
        least=0,
    )
    class_balance: bool = setting(
        False, "classification: give each class the same total weight in the loss, however many images it has."
    )
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def architecture(self) -> dict[str, Any]:  # type: ignore[override]
        """The number of scores; two while the classes are unknown."""
        return {"outputs": len(self.labels) or 2}

    def for_data(self, data):
        if self.labels and self.labels != data.labels:
            raise ValueError(
                "A task keeps the classes that it was learned with. Restore its data. "
                f"Received: {data.name!r} with {_first(data.labels)}, learned with {_first(self.labels)}"
            )
        counts = np.bincount(data.train[0].labels, minlength=len(data.labels))
        return dataclasses.replace(self, labels=data.labels, counts=tuple(counts.tolist()))

    def rates(self, networks):
        from pgtf import layers  # Only training needs TensorFlow.

        if not self.head_learning_rate:
            return []
        found = {path: one for network in networks.values() for path, one in layers.variables(network).items()}
        return [(one, self.head_learning_rate) for path, one in found.items() if path.split("/")[1] == HEAD]

    def optimizer(self, schedule, precision, rates=()):
        from pgtf.objectives.optimizers import Decaying, adam  # Only training needs TensorFlow.

        momentum = self.momentum if self.solver == "sgd" else None
        return adam(schedule, precision, rates, Decaying, beta_1=0.9, momentum=momentum, decay=self.weight_decay)

    def distance(self, generators, image, label):
        """Returns the error rate."""
        return float(np.mean(np.argmax(generators["forward"](image, training=False), axis=-1) != label))

    def check_probes(self, inputs, targets, outputs):
        if not inputs.keys() == targets.keys() == outputs.keys() == {"forward"}:
            raise ValueError("probes of other networks than forward, or without labels or scores")
        images, labels, scores = (arrays["forward"] for arrays in (inputs, targets, outputs))
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise ValueError(f"images: {images.dtype} {list(images.shape)}")
        if scores.shape != (len(images), len(self.labels)):
            raise ValueError(f"scores: {list(scores.shape)}, of {len(self.labels)} classes")
        if (
            labels.shape != (len(images),)
            or labels.dtype.kind != "i"
            or not np.isin(labels, range(scores.shape[1])).all()
        ):
            raise ValueError(f"labels: {labels.dtype} {labels[:3].tolist()}")

    def figures(self, evaluator, task, generators, sides):
        """Measures top-1 accuracy, top-5 from ten classes on, and cross-entropy."""
        images, targets = sides
        scores = generators["forward"](evaluator.watched(images))
        evaluator.keep(task, answers(scores, targets.labels, targets.source))
        return label_figures(scores, targets.labels, images.image_set)

    def loss(self, values):
        """Returns the error rate plus a small multiple of the cross-entropy, which decides between equal rates."""
        return 1 - values["Top1"] + 1e-6 * values["CE"]

    def learner(self, generators, discriminators, optimizers, **settings):
        from pgtf.objectives.classification.learner import ClassificationLearner  # Only training needs TensorFlow.

        return ClassificationLearner(generators, discriminators, optimizers, self, **settings)


def _first(labels: tuple[str, ...]) -> str:
    return f"{len(labels)} classes: {', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}"
