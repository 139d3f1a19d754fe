"""Batched application of a network to images."""

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from pgtf.data.reading import to_float, to_uint8
from pgtf.foundation import retracing

# Pixels of a batch: 32 images of 64 px. On two cores a U-Net took 22 ms per image with batch 1, 2.7 with batch 32,
# 5 with batch 128.
PIXELS = 2**17


class Generator:
    """Applies a network [n, h, w, 3] -> [n, h, w, 3] in [-1, 1] to uint8 images, in inference mode.

    Args:
      network: A network for any image size, or for this one.
      size: (height, width) of the images.
    """

    def __init__(self, network: Any, size: tuple[int, int]):
        self.batch_size = max(1, PIXELS // (size[0] * size[1]))

        @tf.function(input_signature=[tf.TensorSpec([None, *size, 3], tf.float32)], autograph=False)
        def apply(images):
            return network(images, training=False)

        self._apply = apply

    def __call__(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Translates uint8 images [h, w, 3] to uint8 [n, h, w, 3], batch by batch to save memory."""
        images, made = iter(images), []
        while batch := list(itertools.islice(images, self.batch_size)):
            with retracing.silence_retracing():
                made.append(to_uint8(self._apply(to_float(np.stack(batch)))))
        return np.concatenate(made)
