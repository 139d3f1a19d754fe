"""Quantization-aware training: low-bit quantization in the forward pass, with a straight-through gradient."""

import tensorflow as tf

from pgtf.recipes.low_bit import SMALLEST, largest_scale, levels_of

# The best scale of normal values, as a multiple of the mean of |x|. It is exact for one bit, whatever the values.
SCALE_OVER_MEAN = {1: 2.0, 1.58: 1.534, 2: 1.248, 3: 0.7344, 4: 0.4201, 8: 0.0386}


def fake_quantize(values: tf.Tensor, bits: float) -> tf.Tensor:
    """Rounds values to the levels of `low_bit`, with a scale per filter; the gradient is that of the identity.

    The scale follows from the mean of |x|, in one pass: a search, as `low_bit.quantize` makes it, would cost as much as
    the step itself. `low_bit.quantize` finds the codes and scales of the result again, to the bit.

    Args:
      values: A float32 tensor [..., filters].
      bits: A key of `low_bit.LEVELS`.
    """
    levels = levels_of(bits)

    @tf.custom_gradient
    def quantized(values):
        sizes, axes = tf.abs(values), list(range(len(values.shape) - 1))
        scales = tf.minimum(
            tf.reduce_mean(sizes, axes) * SCALE_OVER_MEAN[bits],
            tf.reduce_max(sizes, axes) * float(largest_scale(1, levels)) if levels > 2 else float("inf"),
        )
        scales = tf.cast(tf.cast(scales, tf.bfloat16), tf.float32)
        scales = tf.where(scales < SMALLEST, tf.zeros_like(scales), scales)
        places = values / tf.where(scales > 0, scales, tf.ones_like(scales)) + levels / 2
        made = (tf.clip_by_value(tf.floor(places), 0, levels - 1) - (levels - 1) / 2) * scales
        return made, lambda upstream: upstream

    return quantized(tf.convert_to_tensor(values))
