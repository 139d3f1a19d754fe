"""The discriminator of both: real or made, patch by patch."""

import keras
import tensorflow as tf

from pgtf.layers import LayerFactory


def patchgan(image: tf.Tensor, make: LayerFactory, filters: int = 64, *, n_layers: int = 3) -> tf.Tensor:
    """Scores [n, h', w', 1], one for each overlapping patch (70 px at n_layers 3) of an image [n, h, w, c]."""
    h = image
    for layer in range(n_layers + 1):
        # Padded by one on every side, as the original: the last two layers then each shrink the map by one.
        h = keras.layers.ZeroPadding2D(1)(h)
        strides = 2 if layer < n_layers else 1
        h = make.conv(f"conv{layer + 1}", filters * min(2**layer, 8), 4, strides=strides, padding="valid")(h)
        if layer > 0:
            h = make.norm(f"conv{layer + 1}_norm")(h)
        h = keras.layers.LeakyReLU(0.2)(h)
    h = keras.layers.ZeroPadding2D(1)(h)
    h = make.conv("scores", 1, 4, padding="valid")(h)
    return keras.layers.Activation("linear", dtype="float32")(h)
