"""Bootstrap confidence intervals of means and of KID: over images, seeds and tasks, and of paired differences.

A row of results is {seed: {task: Sample}}. Its value is the mean over tasks of the mean over seeds of each sample's
value. Each resample draws, with replacement,

- images: once for each task, the same for all seeds, since every seed is tested on the same images;
- for KID, real images too, once for each task;
- seeds: once, the same for all tasks, since one run learns all of them.

Tasks are not resampled: the interval is for these tasks. The interval lies between two quantiles of the resampled
values.

Of n images or seeds, n - 1 are drawn: the variance of a resampled mean is then s²/n, unbiased, where n draws would
give (n - 1)/n of that, half for two seeds (Rao and Wu, JASA 1988). With few seeds the interval is still too narrow,
as it cannot leave the range of their values: where seeds differ by much more than images do, it covers the true
mean in 50 % of cases with two seeds, 75 % with three, 87 % with five, 92 % with ten. One seed shows no spread, so
the interval is over images alone. `Interval.note` states both. For two equal distributions KID's interval is wide:
it covers 0 in 99 %.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Optional, Protocol

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
FEW_SEEDS = 10
FEWEST_IMAGES = 10  # For KID: every resample needs two different images.


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value and its confidence interval.

    Args:
      value: The estimate from all images and seeds.
      low, high: The bounds.
      note: A limitation of the interval that readers must know. Default: none.
    """

    value: float
    low: float
    high: float
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Values:
    """Measures of single images, such as SSIM: float [n]. The sample's value is their mean."""

    values: np.ndarray

    def __post_init__(self) -> None:
        values = np.asarray(self.values, "float64")
        if values.ndim != 1 or not values.size or not np.isfinite(values).all():
            raise ValueError(f"Values must be finite numbers [n], n at least 1. Received: shape {list(values.shape)}")
        object.__setattr__(self, "values", values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of images."""
        return (len(self.values),)

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Computes means [resamples] under weights [resamples, n]."""
        return weights @ self.values / weights.sum(axis=1)


@dataclasses.dataclass(frozen=True)
class Kernels:
    """Kernel matrices k(x, y) of real and generated images. The sample's value is KID, the unbiased squared MMD.

    `metrics.frechet_kernel.kernel_distance` averages this value over ten blocks of a shuffled set. The expectation is
    the same, and the variance of all pairs is at most that of blocks.

    Args:
      real: float [m, m]. generated: float [n, n]. cross: float [m, n].
    """

    real: np.ndarray
    generated: np.ndarray
    cross: np.ndarray

    def __post_init__(self) -> None:
        m, n = self.sizes
        if (self.real.shape, self.generated.shape, self.cross.shape) != ((m, m), (n, n), (m, n)):
            raise ValueError(
                "Kernel matrices must be [m, m] for real, [n, n] for generated and [m, n] for both. "
                f"Received: {list(self.real.shape)}, {list(self.generated.shape)}, {list(self.cross.shape)}"
            )
        if min(m, n) < FEWEST_IMAGES:
            raise ValueError(f"KID's interval needs {FEWEST_IMAGES} images per side. Received: {m} real, {n} generated")

    @classmethod
    def from_features(cls, real: npt.ArrayLike, generated: npt.ArrayLike) -> "Kernels":
        """Computes k(x, y) = (xᵀy / d + 1)³ of features [m, d] and [n, d], in float64."""
        real, generated = np.asarray(real, "float64"), np.asarray(generated, "float64")
        return cls(*((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((real, real), (generated,) * 2, (real, generated))))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of real and of generated images."""
        return len(self.real), len(self.generated)

    def weighted(self, real: np.ndarray, generated: np.ndarray) -> np.ndarray:
        """Computes KID [resamples] under weights [resamples, m] and [resamples, n]."""
        cross = ((real @ self.cross) * generated).sum(axis=1) / (real.sum(axis=1) * generated.sum(axis=1))
        return _within(self.real, real) + _within(self.generated, generated) - 2 * cross


class Sample(Protocol):
    """A measure of the images of one task."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of images, one for each set of images."""

    def weighted(self, *weights: Any) -> np.ndarray:
        """Computes values [resamples] under weights [resamples, n] of each set."""


Row = Mapping[int, Mapping[str, Sample]]


def interval(row: Row, other: Optional[Row] = None, *, resamples: int = 1000, seed: int = 0) -> Interval:
    """Computes the interval of a row's value, or of its difference to another row, paired by image and seed.

    Args:
      row: {seed: {task: Sample}}. Image i of a task is the same for all seeds.
      other: A row to subtract, with the same seeds, tasks and images. Each resample draws the same for both rows.
      resamples: Number of resamples.
      seed: Random seed. The same seed gives the same interval.
    """
    sizes = _sizes(row)
    if other is not None and _sizes(other) != sizes:
        raise ValueError(
            "Paired rows must have the same seeds, tasks and numbers of images. "
            f"Received: {sizes} and {_sizes(other)} for seeds {list(row)} and {list(other)}"
        )
    seeds, images = sizes
    rng = np.random.default_rng(seed)
    drawn_seeds = _drawn(rng, len(seeds), resamples)
    drawn = {task: [_drawn(rng, n, resamples) for n in images[task]] for task in images}
    values = _values(row, drawn_seeds, drawn)
    if other is not None:
        values = values - _values(other, drawn_seeds, drawn)
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values[0]), float(low), float(high), _note(len(seeds)))


def _drawn(rng, n, resamples):
    """Draws weights [1 + resamples, n]: the first are all 1, each other counts n - 1 draws."""
    places = rng.integers(n, size=[resamples, max(n - 1, 1)]) + n * np.arange(resamples)[:, None]
    counts = np.bincount(places.ravel(), minlength=n * resamples).reshape([resamples, n])
    return np.concatenate([np.ones([1, n]), counts])


def _values(row, drawn_seeds, drawn):
    """Computes the values of a row [1 + resamples]."""
    of_seeds = [
        np.mean([sample.weighted(*drawn[task]) for task, sample in sorted(samples.items())], axis=0)
        for _, samples in sorted(row.items())
    ]
    return (drawn_seeds * np.stack(of_seeds, axis=1)).sum(axis=1) / drawn_seeds.sum(axis=1)


def _within(kernel, weights):
    """Computes the mean of k over pairs of different images, under weights.

    A resample has an image several times. Its pairs with itself are left out: counted, they would raise KID's mean.
    """
    others = kernel - np.diag(np.diag(kernel))
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    return ((weights @ others) * weights).sum(axis=1) / pairs


def _sizes(row):
    """Returns the seeds in order, and {task: numbers of images}."""
    found = [
        {task: (type(sample).__name__, *sample.sizes) for task, sample in sorted(row[seed].items())}
        for seed in sorted(row)
    ]
    if not found or not found[0] or any(sizes != found[0] for sizes in found):
        raise ValueError(
            f"All seeds of a row must have the same tasks, measures and numbers of images. Received: {found}"
        )
    return sorted(row), {task: numbers for task, (_, *numbers) in found[0].items()}


def _note(seeds):
    if seeds == 1:
        return "one seed: over images only, the spread between seeds is not seen"
    return f"{seeds} seeds: too narrow where seeds differ by more than images do" if seeds < FEW_SEEDS else ""
