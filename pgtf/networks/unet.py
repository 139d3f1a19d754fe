"""U-Net generator of pix2pix."""

import keras
import tensorflow as tf

from pgtf.layers import LayerFactory


def unet(
    image: tf.Tensor, make: LayerFactory, filters: int = 64, *, levels: int, outputs: int = 3, dropout: bool = True
) -> tf.Tensor:
    """Returns an image [n, h, w, outputs] in [-1, 1] for an image [n, h, w, c]; h, w must be multiples of 2**levels.

    The encoder halves the image `levels` times (8 at 256 px). Each decoder block also sees the output of the encoder
    block of its size.
    """
    widths = [filters * min(2**level, 8) for level in range(levels)]
    h, skips = image, []
    for level, width in enumerate(widths, 1):
        if level > 1:
            h = keras.layers.LeakyReLU(0.2)(h)
        h = make.conv(f"down{level}", width, 4, strides=2, level=level)(h)
        # Instance norm of a single pixel is zero, so the innermost block has no norm.
        if 1 < level < levels:
            h = make.norm(f"down{level}_norm")(h)
        skips.append(h)
    h = skips.pop()
    for level in range(levels, 1, -1):
        h = keras.layers.ReLU()(h)
        h = make.up(f"up{level}", widths[level - 2], 4, inputs=1 if level == levels else 2, level=level + 1)(h)
        h = make.norm(f"up{level}_norm")(h)
        if dropout and 5 <= level < levels:  # Three blocks at 256 px.
            h = make.dropout(f"up{level}_dropout", 0.5)(h)
        h = keras.layers.Concatenate()([h, skips.pop()])
    h = keras.layers.ReLU()(h)
    h = make.up("output", outputs, 4, task_specific=True)(h)
    return keras.layers.Activation("tanh", dtype="float32")(h)
