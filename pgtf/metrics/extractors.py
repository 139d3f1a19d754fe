"""Feature extractors: functions from images to features."""

import dataclasses
from typing import Callable, Optional

import numpy as np
import tensorflow as tf

from pgtf.metrics.image_checks import checked


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A function from uint8 images [n, h, w, 3] to float32 features [n, d].

    Args:
      name: Name of the network and of its output.
      sha256: Hash of the network.
      network: Function from float32 [n, h, w, 3] in `value_range` to float32 [n, d].
      dimensions: d.
      space: Name of the distances after F (Fréchet) or K (kernel), such as "ID-768".
      size: (height, width) that images are resized to, bilinearly. Default: no resizing.
      antialias: Whether the resizing filters when it shrinks. The reference network of FID does not.
      inside: Description of the resizing inside the network.
      value_range: Values of black and white, 0 and 255.
      batch_size: Number of images in a batch.
    """

    name: str
    sha256: str
    network: Callable
    dimensions: int
    space: str
    size: Optional[tuple] = None
    antialias: bool = False
    inside: str = ""
    value_range: tuple = (-1.0, 1.0)
    batch_size: int = 25

    def __post_init__(self):
        low, high = self.value_range
        if not low < high or self.batch_size < 1:
            raise ValueError(
                "value_range must rise from black to white, and batch_size must be at least 1. "
                f"Received: {self.value_range}, {self.batch_size}"
            )

    def __call__(self, images) -> np.ndarray:
        images = checked(images)
        batches = [
            np.asarray(self.network(self.prepared(images[first : first + self.batch_size])))
            for first in range(0, len(images), self.batch_size)
        ]
        features = np.concatenate(batches)
        if features.shape != (len(images), self.dimensions) or not np.isfinite(features).all():
            raise ValueError(
                f"The extractor must return {self.dimensions} finite features per image. "
                f"Received: {list(features.shape)} from {self.name} for {len(images)} images"
            )
        return features

    def prepared(self, images) -> tf.Tensor:
        """Converts uint8 [n, h, w, 3] to the network's input: scales the values and resizes."""
        low, high = self.value_range
        images = tf.constant(images.astype("float32") / np.float32(255 / (high - low)) + np.float32(low))
        return images if self.size is None else tf.image.resize(images, self.size, antialias=self.antialias)

    @property
    def resize(self) -> str:
        """Description of the resizing before and inside the network."""
        if self.size is None:
            return self.inside or "none"
        how = f"bilinear, {'with' if self.antialias else 'without'} antialias, to {self.size[0]} x {self.size[1]}"
        return f"{how}; {self.inside}" if self.inside else how

    @property
    def facts(self) -> dict:
        """All facts that the features depend on, as JSON data."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "space": self.space,
            "resize": self.resize,
            "value_range": list(self.value_range),
        }
