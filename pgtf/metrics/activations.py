"""Features of sets of images, with a cache on disk for real images."""

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Callable

import numpy as np

from pgtf.metrics import cache
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.measurements import ImageSet


@dataclasses.dataclass(frozen=True)
class Activations:
    """Features of a set of images: float32 [n, d], the images, and `Extractor.facts` of the network."""

    features: np.ndarray
    images: ImageSet
    extractor: dict

    def __post_init__(self):
        if self.features.ndim != 2 or len(self.features) != self.images.n:
            raise ValueError(
                f"Activations must be [n, d], with n of the image set. Received: {list(self.features.shape)} for "
                f"{self.images.n} images"
            )


def activations(extractor: Extractor, images: Iterable, image_set: ImageSet) -> Activations:
    """Computes the features of uint8 images [h, w, 3], batch by batch. All must have the size of the image set."""
    images, features = iter(images), []
    while batch := list(itertools.islice(images, extractor.batch_size)):
        sizes = sorted({np.shape(image)[:2] for image in batch})
        if sizes != [image_set.size]:
            raise ValueError(
                f"Images must be of the set's size, {image_set.size}. Received: {', '.join(map(str, sizes))}"
            )
        features.append(extractor(batch))
    found = np.concatenate(features) if features else np.zeros((0, extractor.dimensions), "float32")
    return Activations(found, image_set, extractor.facts)


def kept_activations(
    folder: str, extractor: Extractor, read: Callable[[], Iterable], image_set: ImageSet
) -> Activations:
    """Computes `activations` of the images that `read` returns, or reads them from a cache folder."""
    facts = {"images": dataclasses.asdict(image_set), "extractor": extractor.facts}
    arrays = cache.load_or_compute(
        folder, facts, lambda: {"features": activations(extractor, read(), image_set).features}
    )
    return Activations(arrays["features"], image_set, extractor.facts)
