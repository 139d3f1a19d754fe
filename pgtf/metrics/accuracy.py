"""The paper's Acc: the share of generated images that a classifier, trained on real ones, assigns to their task."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Callable, Optional

import keras
import numpy as np

from pgtf.metrics import cache
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.hashes import arrays_sha256
from pgtf.metrics.image_checks import checked
from pgtf.metrics.measurements import ImageSet, Measurement

SIZE, FEATURES, BATCH = 64, 64, 32
NAMED = 6  # Maximum number of tasks listed in a classifier's name.
ONE_TASK = "a classifier needs two tasks to tell apart"


@dataclasses.dataclass(frozen=True)
class TaskClassifier:
    """A classifier of target images by task, on top of its own feature extractor.

    Args:
      tasks: Names of the tasks, by label.
      extractor: The penultimate features. Distances between them are called FCD and KCD.
      kernel, bias: [d, tasks] and [tasks], from features to logits.
      held_out_accuracy: {task: share of its held-out real images that are labelled correctly}.
    """

    tasks: tuple
    extractor: Extractor
    kernel: np.ndarray
    bias: np.ndarray
    held_out_accuracy: dict

    def labels(self, images) -> np.ndarray:
        """Classifies images uint8 [n, h, w, 3]. Returns labels [n]."""
        return np.argmax(self.extractor(images) @ self.kernel + self.bias, axis=1)

    def accuracy(self, images, task: str) -> float:
        """Returns the share of images that are labelled as this task."""
        if task not in self.tasks:
            raise ValueError(f"The classifier has no such class, only {', '.join(self.tasks)}. Received: {task!r}")
        return float(np.mean(self.labels(images) == self.tasks.index(task)))


def classifier(
    folder: str, images: Mapping[str, Any], read: Callable[[], tuple[dict, dict]], *, steps: int = 400, seed: int = 0
) -> Optional[TaskClassifier]:
    """Trains a classifier on real target images, or reads a stored one. Returns None for a single task.

    Args:
      folder: Folder of stored classifiers.
      images: {task: facts that identify its images, as JSON data}. If a classifier of these facts is stored, no image
        is read.
      read: Returns two {task: uint8 [n, h, w, 3]}: training images (all files or a random subset, because
        neighbouring files are alike) and held-out images.
      steps: Number of training steps with a batch of 32, the same number of images of each task.
      seed: Random seed.
    """
    if len(images) < 2:
        return None
    common = dict(steps=steps, seed=seed, size=SIZE, features=FEATURES, batch=BATCH)
    facts = dict(images=[[task, what] for task, what in images.items()], **common)
    arrays = cache.load_or_compute(folder, facts, lambda: _made(tuple(images), *read(), steps, seed))
    return _of(tuple(images), arrays, seed)


def _made(tasks, train, held_out, steps, seed):
    """Trains a classifier. Returns {name: array} of its weights and its accuracy on held-out images."""
    if not tuple(train) == tuple(held_out) == tasks:
        raise ValueError(
            "Each task needs training images and held-out ones. "
            f"Received: {', '.join(train)} and {', '.join(held_out)}, for {', '.join(tasks)}"
        )
    for images in (*train.values(), *held_out.values()):
        checked(images)
    arrays = {**_trained(train, steps, seed), "held_out": np.zeros(len(tasks))}
    found = _of(tasks, arrays, seed)
    return {**arrays, "held_out": np.array([found.accuracy(images, task) for task, images in held_out.items()])}


def _of(tasks, arrays, seed):
    """Builds a classifier from its arrays."""
    body, weights = _body(seed), {name: array for name, array in arrays.items() if name != "held_out"}
    body.set_weights([arrays[f"body/{index:02d}"] for index in range(len(body.get_weights()))])
    known = dict(zip(tasks, arrays["held_out"].tolist()))
    return TaskClassifier(
        tasks, _extractor(body, arrays_sha256(weights), tasks), arrays["kernel"], arrays["bias"], known
    )


def accuracy_figure(found: TaskClassifier, task: str, generated, image_set: ImageSet) -> Measurement:
    """Measures Acc of a task's generated images, in [0, 1]."""
    generated = checked(generated)
    image_set.check(generated)
    real = ", ".join(f"{name} {share:.1%}" for name, share in found.held_out_accuracy.items())
    return Measurement(
        "Acc",
        found.accuracy(generated, task),
        generated=image_set,
        extractor=found.extractor.facts,
        notes=(f"of held-out real images the classifier knows {real}",),
    )


def unclassified(image_set: ImageSet) -> dict:
    """Returns {name: Measurement} without values for Acc, FCD and KCD, which need a classifier."""
    return {name: Measurement(name, None, ONE_TASK, generated=image_set) for name in ("Acc", "FCD", "KCD")}


def _body(seed):
    """Builds the network [n, 64, 64, 3] in [-1, 1] to features [n, 64], in float32 under every precision policy."""
    layers = [keras.Input((SIZE, SIZE, 3))]
    common = dict(activation="relu", dtype="float32")
    for index, filters in enumerate((16, 32, 64, 64)):
        start = keras.initializers.HeNormal(seed=seed + index)
        layers.append(keras.layers.Conv2D(filters, 3, strides=2, padding="same", kernel_initializer=start, **common))
    layers.append(keras.layers.GlobalAveragePooling2D(dtype="float32"))
    start = keras.initializers.HeNormal(seed=seed + len(layers))
    layers.append(keras.layers.Dense(FEATURES, kernel_initializer=start, **common))
    return keras.Sequential(layers)


def _extractor(body, sha256, tasks):
    more = f" and {len(tasks) - NAMED} more" if len(tasks) > NAMED else ""
    return Extractor(
        name=f"classifier of {', '.join(tasks[:NAMED])}{more}",
        sha256=sha256,
        network=lambda images: body(images, training=False),
        dimensions=FEATURES,
        space="CD",
        size=(SIZE, SIZE),
        antialias=True,
        batch_size=100,
    )


def _trained(train, steps, seed):
    """Trains with random horizontal flips. Returns the weights as {name: array}."""
    body, rng = _body(seed), np.random.default_rng(seed)
    start = keras.initializers.GlorotUniform(seed=seed)
    head = keras.layers.Dense(len(train), kernel_initializer=start, dtype="float32")
    model = keras.Sequential([body, head])
    model.build((None, SIZE, SIZE, 3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)  # Keras 3 would use XLA.
    prepared = _extractor(body, "", tuple(train)).prepared
    each = -(-BATCH // len(train))
    labels = np.repeat(np.arange(len(train)), each)
    for _ in range(steps):
        picked = [prepared(images[rng.integers(len(images), size=each)]) for images in train.values()]
        batch, mirrored = np.concatenate(picked), rng.integers(2, size=len(labels)) == 1
        batch[mirrored] = batch[mirrored, :, ::-1]
        model.train_on_batch(batch, labels)
    kernel, bias = head.get_weights()
    return {**{f"body/{i:02d}": value for i, value in enumerate(body.get_weights())}, "kernel": kernel, "bias": bias}
