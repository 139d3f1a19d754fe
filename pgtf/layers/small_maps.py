"""Convolutions of small maps with large kernels, computed as matrix products.

TensorFlow transposes the kernel for each of a convolution's three uses in a training step. For a map of few positions
that takes several times as long as the products. A matrix product needs no transposition. All shapes must be static.
"""

import math

import tensorflow as tf


def suits(positions: int, c_in: int, *, transposed: bool, learns: bool = True) -> bool:
    """Returns whether matrix products are faster on a CPU. The thresholds were measured on a U-Net's layers.

    Args:
      positions: Number of positions at which the kernel is applied, over the batch: those of the output, or of a
        transposed convolution's input.
      c_in: Number of input channels.
      transposed: Whether the convolution is transposed.
      learns: Whether gradients are computed too. Default: yes.
    """
    return positions <= c_in // (8 if not transposed else 4 if learns else 1)


def convolved(x: tf.Tensor, kernel: tf.Tensor, strides: tuple[int, int], padding: str) -> tf.Tensor:
    """Computes tf.nn.conv2d of x [n, h, w, c_in] and kernel [h, w, c_in, c_out]; padding: "same" or "valid"."""
    (n, *lengths, c_in), (*sizes, _, c_out) = x.shape, kernel.shape
    margins, outputs = [], []
    for length, size, stride in zip(lengths, sizes, strides):
        outputs.append(math.ceil(length / stride) if padding == "same" else (length - size) // stride + 1)
        margin = max((outputs[-1] - 1) * stride + size - length, 0)
        margins.append([margin // 2, margin - margin // 2])
    padded = tf.pad(x, [[0, 0], *margins, [0, 0]])
    rows, columns = (
        [slice(place, place + stride * (output - 1) + 1, stride) for place in range(size)]
        for size, stride, output in zip(sizes, strides, outputs)
    )
    seen = tf.concat([padded[:, row, column] for row in rows for column in columns], -1)
    made = tf.matmul(tf.reshape(seen, [-1, math.prod(sizes) * c_in]), tf.reshape(kernel, [-1, c_out]))
    return tf.reshape(made, [n, *outputs, c_out])


def transposed(
    x: tf.Tensor,
    kernel: tf.Tensor,
    strides: tuple[int, int],
    lengths: tuple[int, int],
    *,
    outputs_first: bool = False,
) -> tf.Tensor:
    """Computes tf.nn.conv2d_transpose of x [n, h, w, c_in] and kernel [h, w, c_in, c_out].

    Args:
      x: Input.
      kernel: Kernel.
      strides: Strides.
      lengths: (height, width) of the output.
      outputs_first: Whether the kernel is [h, w, c_out, c_in], as Keras stores it. Default: False.
    """
    (n, h, w, c_in), (rows, columns, *channels) = x.shape, kernel.shape
    c_out = channels[0 if outputs_first else 1]
    matrices = tf.reshape(kernel, [rows * columns, *channels])
    made = tf.matmul(tf.reshape(x, [1, -1, c_in]), matrices, transpose_b=outputs_first)
    made = tf.cast(made, tf.float32)  # Each output sums several products.
    tall = _spread(tf.reshape(made, [rows, columns * n, h, w * c_out]), strides[0], lengths[0])
    y = _spread(tf.reshape(tall, [columns, n * lengths[0], w, c_out]), strides[1], lengths[1])
    return tf.cast(tf.reshape(y, [n, *lengths, c_out]), x.dtype)


def _spread(made: tf.Tensor, stride: int, length: int) -> tf.Tensor:
    """Sums [size, a, i, b] to [a, length, b]: made[k, :, i] is added at stride·i + k, minus the margin."""
    size, a, positions, b = made.shape
    reach = math.ceil(size / stride)
    steps = tf.reshape(tf.pad(made, [[0, reach * stride - size], [0, 0], [0, 0], [0, 0]]), [reach, stride, a, -1, b])
    total = tf.add_n(
        [tf.pad(step, [[0, 0], [0, 0], [q, reach - 1 - q], [0, 0]]) for q, step in enumerate(tf.unstack(steps))]
    )
    places = tf.reshape(tf.transpose(total, [1, 2, 0, 3]), [a, -1, b])
    margin = max((positions - 1) * stride + size - length, 0) // 2
    return places[:, margin : margin + length]
