"""Label-recovery score of label → photo tasks: a segmentation network predicts the label image of a generated photo.

The network is trained on real pairs (photo, label image) of the training split. Its score on real held-out photos is
the reference: generated photos with that score are as good as real ones by this measure.
"""

import dataclasses
from typing import Any, Callable

import keras
import numpy as np

from pgtf.metrics import cache
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.hashes import arrays_sha256
from pgtf.metrics.image_checks import checked, checked_pairs
from pgtf.metrics.label_recovery import Recovery, classes, palette, recovery
from pgtf.metrics.measurements import ImageSet, Measurement

SIZE, WIDTH, BATCH, STEPS, RATE = 64, 16, 16, 400, 3e-3

Pairs = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class LabelNetwork:
    """A learned segmentation of photos.

    Args:
      colours: uint8 [classes, 3], the palette of the label images.
      extractor: Photos to classes, as float32 [n, 64 × 64].
      held_out: {"accuracy", "mean_iou"} on real held-out photos.
    """

    colours: np.ndarray
    extractor: Extractor
    held_out: dict

    def classes(self, photos: np.ndarray) -> np.ndarray:
        """Returns the classes uint8 [n, 64, 64] of photos uint8 [n, h, w, 3]."""
        return self.extractor(photos).astype("uint8").reshape([-1, SIZE, SIZE])

    def recovery(self, photos: np.ndarray, labels: np.ndarray) -> Recovery:
        """Compares the classes found in photos with those of label images, both uint8 [n, h, w, 3]."""
        photos, labels = checked_pairs(photos, labels)
        return recovery(self.classes(photos), classes(labels, self.colours, (SIZE, SIZE)), len(self.colours))


def label_network(
    folder: str,
    images: Any,
    read: Callable[[], tuple[Pairs, Pairs]],
    *,
    steps: int = STEPS,
    seed: int = 0,
    width: int = WIDTH,
) -> LabelNetwork:
    """Trains a network on real pairs, or reads a stored one.

    Args:
      folder: Folder of stored networks.
      images: Facts that identify the images, as JSON data. If a network of these facts is stored, no image is read.
      read: Returns two (photos, label images), each uint8 [n, h, w, 3]: for training, and held out.
      steps: Number of training steps with a batch of 16.
      seed: Seed of the initial weights and the order of images.
      width: Filters of the outermost level. Default: 16.
    """
    facts = dict(label_recovery=images, steps=steps, seed=seed, size=SIZE, width=width, batch=BATCH, rate=RATE)
    arrays = dict(cache.load_or_compute(folder, facts, lambda: _made(*read(), steps, seed, width)))
    held_out = dict(zip(("accuracy", "mean_iou"), arrays.pop("held_out").tolist()))
    return dataclasses.replace(_network(arrays, seed, width), held_out=held_out)


def recovery_figures(found: LabelNetwork, photos: np.ndarray, labels: np.ndarray, image_set: ImageSet) -> dict:
    """Measures mean pixel accuracy and mean IoU of generated photos. Returns {name: Measurement}."""
    image_set.check(checked(photos))
    score = found.recovery(photos, labels)
    error = float(score.pixel_accuracy.std(ddof=1) / len(photos) ** 0.5) if len(photos) > 1 else None

    def figure(name, value, real, **settings):
        note = f"real held-out photos have {real:.3f}"
        return Measurement(name, value, generated=image_set, extractor=found.extractor.facts, notes=(note,), **settings)

    return {
        "label accuracy": figure("label accuracy", score.accuracy, found.held_out["accuracy"], standard_error=error),
        "label IoU": figure("label IoU", score.mean_iou, found.held_out["mean_iou"]),
    }


def _made(train, held_out, steps, seed, width):
    """Trains a network. Returns {name: array} of its palette, its weights and its scores on held-out photos."""
    (photos, labels), held_out = checked_pairs(*train), checked_pairs(*held_out)
    colours = palette(labels)
    body = _learned(photos, classes(labels, colours, (SIZE, SIZE)), len(colours), steps, seed, width)
    arrays = {"colours": colours, **{f"body/{i:02d}": value for i, value in enumerate(body.get_weights())}}
    score = _network(arrays, seed, width).recovery(*held_out)
    return {**arrays, "held_out": np.array([score.accuracy, score.mean_iou])}


def _network(arrays, seed, width):
    """Builds a network from its arrays."""
    body = _body(len(arrays["colours"]), seed, width)
    body.set_weights([arrays[f"body/{index:02d}"] for index in range(len(body.get_weights()))])
    return LabelNetwork(arrays["colours"], _extractor(body, arrays_sha256(arrays)), {})


def _extractor(body, sha256):
    def found(images):
        logits = np.asarray(body(images, training=False))
        return np.argmax(logits, axis=-1).reshape([-1, SIZE * SIZE]).astype("float32")

    return Extractor(
        name="segmentation into label colours",
        sha256=sha256,
        network=found,
        dimensions=SIZE * SIZE,
        space="labels",
        size=(SIZE, SIZE),
        antialias=True,
    )


def _body(count, seed, width):
    """A U-Net: [n, 64, 64, 3] in [-1, 1] to logits [n, 64, 64, count]; float32 under every precision policy."""
    seeds = iter(range(seed, seed + 100))

    def conv(x, filters, size=3, strides=1):
        start = keras.initializers.HeNormal(seed=next(seeds))
        common = dict(strides=strides, padding="same", kernel_initializer=start, dtype="float32")
        return keras.layers.Conv2D(filters, size, **common)(x)

    def block(x, filters, strides=1):
        x = conv(x, filters, strides=strides)
        x = keras.layers.BatchNormalization(momentum=0.9, dtype="float32")(x)
        return keras.layers.ReLU(dtype="float32")(x)

    inputs = keras.Input((SIZE, SIZE, 3))
    levels = [block(inputs, width)]
    for factor in (2, 3, 4, 4):
        levels.append(block(block(levels[-1], factor * width, strides=2), factor * width))
    x = levels.pop()
    for factor, level in zip((4, 3, 2, 1), reversed(levels)):
        x = keras.layers.UpSampling2D(dtype="float32")(x)
        x = block(keras.layers.Concatenate(dtype="float32")([x, level]), factor * width)
    return keras.Model(inputs, conv(x, count, size=1))


def _learned(photos, true, count, steps, seed, width):
    """Trains a network with random horizontal flips."""
    body, rng = _body(count, seed, width), np.random.default_rng(seed)
    schedule = keras.optimizers.schedules.CosineDecay(RATE, max(steps, 1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    body.compile(keras.optimizers.Adam(schedule), loss, jit_compile=False)  # Keras 3 would use XLA.
    prepared = _extractor(body, "").prepared
    for _ in range(steps):
        picked, mirrored = rng.integers(len(photos), size=BATCH), rng.integers(2, size=BATCH) == 1
        inputs, targets = np.array(prepared(photos[picked])), true[picked]
        inputs[mirrored], targets[mirrored] = inputs[mirrored, :, ::-1], targets[mirrored, :, ::-1]
        body.train_on_batch(inputs, targets)
    return body
