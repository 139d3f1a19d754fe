"""Metrics of classification: top-k accuracy, cross-entropy, and confusions."""

from collections.abc import Sequence

import numpy as np

from pgtf.metrics.measurements import ImageSet, Measurement

TOP5_FROM = 10  # Classes; with fewer, five guesses say little.
MISTAKES = 12  # Images of mistakes that are kept.


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns, for each image, the number of wrong classes that score at least as high as the right one. 0: correct."""
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


def confusions(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns sorted rows (class, predicted class, number of images > 0), int32."""
    pairs, counts = np.unique(np.stack([labels, scores.argmax(axis=1)], axis=1), axis=0, return_counts=True)
    return np.column_stack([pairs, counts]).astype("int32")


def answers(scores: np.ndarray, labels: np.ndarray, images: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the confusions and the images of the most confident mistakes, for a report.

    Args:
      scores: float32 [n, classes].
      labels: int32 [n].
      images: n stacks, uint8 [1, h, w, 3].

    Returns:
      {"confusions": see `confusions`; "images": uint8 [m, h, w, 3]; "labels", "answers": int32 [m]}. Without mistakes,
      "confusions" alone.
    """
    taken = scores.argmax(axis=1)
    order = np.argsort(-probabilities(scores).max(axis=1), kind="stable")
    wrong = [int(place) for place in order if taken[place] != labels[place]][:MISTAKES]
    found = {"confusions": confusions(scores, labels)}
    if wrong:
        found["images"] = np.stack([images[place][0] for place in wrong])
        found.update(labels=labels[wrong].astype("int32"), answers=taken[wrong].astype("int32"))
    return found


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
