"""Quantization-aware training: low-bit quantization in the forward pass, with a straight-through gradient."""

import math
from typing import Optional

import tensorflow as tf

from pgtf.recipes.low_bit import FRACTIONS, group_ends, levels_of


def fake_quantize(values: tf.Tensor, bits: float, group: Optional[int] = None) -> tf.Tensor:
    """Returns `dequantize(*quantize(values, bits, group), bits)`; the gradient is that of the identity.

    The forward pass matches the codec bit for bit. Scales are sums in float64, rounded to float32. The order of
    summation matters only where a sum lies within 1e-15 of the middle of two float32 numbers, about one scale in 10⁷.

    Args:
      values: A float tensor [..., filters] of known shape. Computed in float32, returned in the tensor's dtype.
      bits: A key of `low_bit.LEVELS`.
      group: The most values that share a scale. Default: all values of a filter.
    """
    levels = levels_of(bits)

    @tf.custom_gradient
    def quantized(values):
        made = _dequantized(tf.cast(values, tf.float32), levels, group)
        return tf.cast(made, values.dtype), lambda upstream: upstream

    return quantized(tf.convert_to_tensor(values))


def _dequantized(array, levels, group):
    values = tf.reshape(array, [-1, array.shape[-1]])
    count = values.shape[0]
    groups = math.ceil(count / (group or count))
    group_of = tf.searchsorted(group_ends(count, groups), tf.range(count, dtype=tf.int64), side="right")

    def steps(scales):
        scales = tf.gather(scales, group_of)
        places = values / tf.where(scales > 0, scales, tf.ones_like(scales)) + levels / 2
        return tf.clip_by_value(tf.floor(places), 0, levels - 1) - (levels - 1) / 2

    def summed(products):
        return tf.math.segment_sum(products, group_of)

    def better(so_far, outermost):
        """Returns, for each scale, the better of the best (gain, scale) so far and the candidate's."""
        found = tf.cast(steps(largest * outermost), tf.float64)
        product, norm = summed(found * tf.cast(values, tf.float64)), summed(found**2)
        fitted = product / tf.maximum(norm, tf.constant(0.25, tf.float64))
        return tuple(
            tf.where(product * fitted > so_far[0], new, old) for new, old in zip((product * fitted, fitted), so_far)
        )

    largest = tf.math.segment_max(tf.abs(values), group_of)
    nothing = tf.zeros_like(largest, tf.float64)
    candidates = tf.constant([2 * fraction / (levels - 1) for fraction in FRACTIONS], tf.float32)
    _, scales = tf.foldl(better, candidates, (nothing, nothing), parallel_iterations=1)
    scales = tf.cast(scales, tf.float32)
    return tf.reshape(steps(scales) * tf.gather(scales, group_of), array.shape)
