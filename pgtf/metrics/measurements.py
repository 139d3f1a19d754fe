"""Measurements: numbers with the facts that they depend on."""

import dataclasses
import math
from typing import Optional

from pgtf.foundation import settings

# Suffixes of names: backward direction, and baseline of the unchanged inputs.
BACKWARD, UNTOUCHED = "-backward", "-untouched"


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """The identity of a set of images.

    Args:
      split: Name of the split, such as "test".
      n: Number of images.
      size: (height, width) of the images.
      part: The used part of each file, such as "right half". It distinguishes input and target of one pair.
      sha256: Hash of the list of files (`hashes.files_sha256`), or of images without files (`images_sha256`).
    """

    split: str
    n: int
    size: tuple
    part: str
    sha256: str

    def __post_init__(self):
        if self.n < 1:
            raise ValueError(f"A split must hold at least one image. Received: {self.split!r} with {self.n}")
        object.__setattr__(self, "size", tuple(self.size))

    def check(self, images):
        """Raises ValueError if images [n, h, w, 3] have another number or size."""
        if (len(images), images.shape[1:3]) != (self.n, self.size):
            raise ValueError(
                f"The images must be all {self.n} images of the set, of size {self.size}. "
                f"Received: {len(images)} of {images.shape[1:3]}"
            )


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A value of a metric, with the images and the extractor that it was measured with.

    Args:
      name: Name of the metric, such as "FID-768".
      value: A finite number, or None.
      reason: Reason for a missing value. Empty if there is a value.
      standard_error: Standard error of the value, or None.
      interval: Bounds of the 95 % bootstrap interval over the images of both sides, or None.
      real, generated: The images of both sides.
      extractor: `Extractor.facts` of the network that computed the features. None for a metric of pixels.
      notes: Limits of comparing this value with others.
    """

    name: str
    value: Optional[float]
    reason: str = ""
    standard_error: Optional[float] = None
    real: Optional[ImageSet] = None
    generated: Optional[ImageSet] = None
    extractor: Optional[dict] = None
    notes: tuple = ()
    interval: Optional[tuple[float, float]] = None

    def __post_init__(self):
        if (self.value is None) != bool(self.reason):
            raise ValueError(
                f"A measurement needs either a value or a reason. Received: {self.name}, {self.value}, {self.reason!r}"
            )
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"A measurement must be finite or None. Received: {self.name}, {self.value}")

    @property
    def facts(self) -> dict:
        """The measurement as data for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_facts(cls, facts: dict) -> "Measurement":
        """Builds a measurement from `facts`. Raises ValueError, KeyError or TypeError if they are not valid."""
        network, error, notes = facts["extractor"], facts["standard_error"], facts["notes"]
        texts = [facts["name"], facts["reason"], *notes]
        if network is not None:
            texts += [network["name"], network["sha256"]]
        if not isinstance(notes, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"Names, reasons and notes must be strings. Received: {texts}")
        if error is not None and not math.isfinite(error):
            raise ValueError(f"A standard error must be finite or None. Received: {error}")
        bounds = facts.get("interval")  # Older measurements have none.
        if bounds is not None:
            low, high = bounds
            if not -math.inf < low <= high < math.inf:
                raise ValueError(f"An interval must have two finite bounds in order. Received: {bounds}")
            bounds = low, high
        found = {side: facts[side] for side in ("real", "generated")}
        sides = {side: None if images is None else ImageSet(**images) for side, images in found.items()}
        for image_set in filter(None, sides.values()):
            settings.check_types(image_set)
        return cls(**{**facts, **sides, "notes": tuple(facts["notes"]), "interval": bounds})

    @property
    def measured_by(self) -> str:
        """The extractor as NAME (HASH); "" for a metric of pixels."""
        return f"{self.extractor['name']} ({self.extractor['sha256'][:8]})" if self.extractor else ""

    def __str__(self):
        if self.value is None:
            return f"{self.name} – ({self.reason})"
        error = "" if self.standard_error is None else f" ± {self.standard_error:.2g}"
        error = f" [{self.interval[0]:.5g}, {self.interval[1]:.5g}]" if self.interval else error
        sides = [f"{side.n} {kind}" for side, kind in ((self.real, "real"), (self.generated, "generated")) if side]
        return f"{self.name} {self.value:.5g}{error} ({'; '.join([*sides, *self.notes])})"
