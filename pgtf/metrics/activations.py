"""The features of a set of images; of real images they are kept on disk."""

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
    """float32 features [n, d], of which images, and `Extractor.facts` of the network that made them."""

    features: np.ndarray
    images: ImageSet
    extractor: dict

    def __post_init__(self):
        if self.features.ndim != 2 or len(self.features) != self.images.n:
            raise ValueError(
                f"Activations are [n, d], with n of the image set. Received: {list(self.features.shape)} for "
                f"{self.images.n} images"
            )


def activations(extractor: Extractor, images: Iterable, image_set: ImageSet) -> Activations:
    """The features of uint8 images [h, w, 3] of the set's size; never more than a batch of them is held here."""
    images, features = iter(images), []
    while batch := list(itertools.islice(images, extractor.batch_size)):
        sizes = sorted({np.shape(image)[:2] for image in batch})
        if sizes != [image_set.size]:
            raise ValueError(f"Images are of the set's size, {image_set.size}. Received: {', '.join(map(str, sizes))}")
        features.append(extractor(batch))
    found = np.concatenate(features) if features else np.zeros((0, extractor.dimensions), "float32")
    return Activations(found, image_set, extractor.facts)


def kept_activations(
    folder: str, extractor: Extractor, read: Callable[[], Iterable], image_set: ImageSet
) -> Activations:
    """`activations` of the images that `read` gives, kept in a folder by the hashes of the set and the extractor."""
    facts = {"images": dataclasses.asdict(image_set), "extractor": extractor.facts}
    arrays = cache.load_or_compute(
        folder, facts, lambda: {"features": activations(extractor, read(), image_set).features}
    )
    return Activations(arrays["features"], image_set, extractor.facts)
