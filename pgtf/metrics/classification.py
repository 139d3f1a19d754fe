"""Figures of scores against labels: top-k accuracy, cross-entropy and the confusion matrix."""

import numpy as np

from pgtf.metrics.measurements import ImageSet, Measurement

TOP5_FROM = 10  # Classes; with fewer, five guesses say little.


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the number of classes that score at least as high as each image's own, itself left out: 0 is right."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return np.asarray((scores >= own).sum(axis=1) - 1)


def cross_entropies(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns log Σ exp(s) - s[label] of each image, in float64."""
    scores = np.asarray(scores, "float64")
    highest = scores.max(axis=1, keepdims=True)
    totals = np.log(np.exp(scores - highest).sum(axis=1)) + highest[:, 0]
    return np.asarray(totals - np.take_along_axis(scores, labels[:, None], axis=1)[:, 0])


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Returns the softmax of scores [n, classes], in float64."""
    scores = np.asarray(scores, "float64")
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def confusion(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the confusion matrix, int64 [classes, classes]: at [i, j] the number of images of class i taken for j."""
    count = scores.shape[1]
    return np.bincount(labels * count + scores.argmax(axis=1), minlength=count**2).reshape(count, count)


def label_figures(scores: np.ndarray, labels: np.ndarray, image_set: ImageSet) -> dict[str, Measurement]:
    """Measures scores, float32 [n, classes], against labels [n]. Returns {name: Measurement}."""
    found = ranks(scores, labels)
    values = {"Top1": found < 1, "CE": cross_entropies(scores, labels)}
    if scores.shape[1] >= TOP5_FROM:
        values["Top5"] = found < 5
    return {name: _figure(name, np.asarray(each, "float64"), image_set) for name, each in values.items()}


def _figure(name, each, image_set):
    error = float(each.std(ddof=1) / len(each) ** 0.5) if len(each) > 1 else None
    return Measurement(name, float(each.mean()), standard_error=error, generated=image_set)
