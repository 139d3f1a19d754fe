"""A number and everything that it depends on."""

import dataclasses
import math
from typing import Optional

# What the name of a figure ends in that is of the way back, or of the inputs as they are.
BACKWARD, UNTOUCHED = "-backward", "-untouched"


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Which images a figure is of.

    Args:
      split: the split, e.g. "test".
      n: how many images.
      size: (height, width) of the images.
      part: what of each file is meant, e.g. "right half", so that input and target of one pair differ.
      sha256: of the file list (`hashes.files_sha256`), or of the images where there are no files (`images_sha256`).
    """

    split: str
    n: int
    size: tuple
    part: str
    sha256: str

    def __post_init__(self):
        if self.n < 1:
            raise ValueError(f"A split holds at least one image. Received: {self.split!r} with {self.n}")
        object.__setattr__(self, "size", tuple(self.size))

    def check(self, images):
        """Refuses images [n, h, w, 3] of another count or size."""
        if (len(images), images.shape[1:3]) != (self.n, self.size):
            raise ValueError(
                f"A figure is of all {self.n} images of its set, of {self.size}. "
                f"Received: {len(images)} of {images.shape[1:3]}"
            )


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One number: a finite value, or None with the reason, and what it was measured on and with.

    Args:
      name: the metric, e.g. "FID-768".
      value: the number, or None.
      reason: why there is no value; empty where there is one.
      standard_error: of the value, or None.
      real, generated: the images of both sides.
      extractor: `Extractor.facts` of the network that made the features; None for a metric of pixels.
      notes: what a reader must know to compare this number with another.
    """

    name: str
    value: Optional[float]
    reason: str = ""
    standard_error: Optional[float] = None
    real: Optional[ImageSet] = None
    generated: Optional[ImageSet] = None
    extractor: Optional[dict] = None
    notes: tuple = ()

    def __post_init__(self):
        if (self.value is None) != bool(self.reason):
            raise ValueError(
                f"A figure has a value or the reason why not. Received: {self.name}, {self.value}, {self.reason!r}"
            )
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"A figure is finite, or None. Received: {self.name}, {self.value}")

    @property
    def facts(self) -> dict:
        """The figure as plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_facts(cls, facts: dict) -> "Measurement":
        """The figure that `facts` described, also after JSON; raises ValueError, KeyError or TypeError for others."""
        network, error, notes = facts["extractor"], facts["standard_error"], facts["notes"]
        texts = [facts["name"], facts["reason"], *notes]
        if network is not None:
            texts += [network["name"], network["sha256"]]
        if not isinstance(notes, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"A figure's names, reasons and notes are texts. Received: {texts}")
        if error is not None and not math.isfinite(error):
            raise ValueError(f"A standard error is finite, or None. Received: {error}")
        found = {side: facts[side] for side in ("real", "generated")}
        sides = {side: None if images is None else ImageSet(**images) for side, images in found.items()}
        return cls(**{**facts, **sides, "notes": tuple(facts["notes"])})

    def __str__(self):
        if self.value is None:
            return f"{self.name} – ({self.reason})"
        error = "" if self.standard_error is None else f" ± {self.standard_error:.2g}"
        sides = [f"{side.n} {kind}" for side, kind in ((self.real, "real"), (self.generated, "generated")) if side]
        return f"{self.name} {self.value:.5g}{error} ({'; '.join([*sides, *self.notes])})"
