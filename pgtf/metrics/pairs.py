"""Distances of generated images to their own targets, for paired tasks.

Images are uint8 RGB [n, h, w, 3], or float32 [n, h, w, c] in [-1, 1], which is the range of their values. They are
measured on the scale of 0 to 255, so that figures of all ranges can be compared.
"""

import functools

import numpy as np

from pgtf.metrics.image_checks import checked_pairs
from pgtf.metrics.measurements import ImageSet, Measurement

WINDOW = 11  # Height and width of SSIM's windows, px.


def l1(generated, targets) -> np.ndarray:
    """Computes mean |a - b| on the scale of [-1, 1], float64 [n]."""
    return np.array([np.abs(a - b).mean() for a, b in _float_pairs(generated, targets)]) / 127.5


def psnr(generated, targets) -> np.ndarray:
    """Computes 10 log10(255² / mean (a - b)²) in dB, float64 [n].

    Equal images give infinity.
    """
    errors = np.array([((a - b) ** 2).mean() for a, b in _float_pairs(generated, targets)])
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255**2 / errors)


def ssim(generated, targets) -> np.ndarray:
    """Computes structural similarity: the mean of l(a, b) cs(a, b) over windows and channels.

    l = (2 μa μb + C1) / (μa² + μb² + C1), cs = (2 σab + C2) / (σa² + σb² + C2) (Wang et al. 2004); Gaussian windows of
    11 px with σ = 1.5 that lie inside the image, C1 = (0.01 · 255)², C2 = (0.03 · 255)².

    Args:
      generated, targets: Images.

    Returns:
      float64 [n].
    """
    # In float64: tf.image.ssim uses float32, where the variance of an even area has large errors (result 7e-5 off).
    generated, targets = checked_pairs(generated, targets)
    if min(targets.shape[1:3]) < WINDOW:
        raise ValueError(f"SSIM needs images of at least {WINDOW} px. Received: images of {targets.shape[1:3]}")
    return np.array([_ssim(a, b) for a, b in _float_pairs(generated, targets)])


def _ssim(a, b):
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = _windowed(a), _windowed(b)
    variances = _windowed(a * a) - mean_a**2 + _windowed(b * b) - mean_b**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * (_windowed(a * b) - mean_a * mean_b) + c2) / (variances + c2)
    return np.mean(luminance * structure)


def _windowed(image):
    """Computes the weighted mean of each window: [h, w, 3] to [h - 10, w - 10, 3]."""
    weights = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    rows = np.lib.stride_tricks.sliding_window_view(image, WINDOW, axis=0) @ weights
    return np.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=1) @ weights


def pair_figures(generated, targets, image_set: ImageSet) -> dict:
    """Measures the means of L1, PSNR and SSIM over a set of images. Returns {name: Measurement}."""
    generated, targets = checked_pairs(generated, targets)
    image_set.check(targets)
    figure = functools.partial(Measurement, real=image_set, generated=image_set)
    figures = {
        "L1": _mean("L1", l1(generated, targets), figure),
        "PSNR": _mean("PSNR", psnr(generated, targets), figure),
    }
    if min(image_set.size) < WINDOW:
        reason = f"SSIM needs images of at least {WINDOW} px; they are {image_set.size[0]} x {image_set.size[1]}"
        return {**figures, "SSIM": figure("SSIM", None, reason)}
    return {**figures, "SSIM": _mean("SSIM", ssim(generated, targets), figure)}


def _mean(name, values, figure):
    equal = int(np.isinf(values).sum())
    if equal:
        return figure(name, None, f"it is infinite for {equal} images that equal their targets")
    error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
    return figure(name, float(values.mean()), standard_error=error)


def _float_pairs(generated, targets):
    """Yields pairs as float64, one at a time to save memory."""
    for a, b in zip(*checked_pairs(generated, targets)):
        yield _levels(a), _levels(b)


def _levels(image):
    """Converts an image to float64 in [0, 255]."""
    values = image.astype("float64")
    return values if image.dtype == np.uint8 else (values + 1) * 127.5
