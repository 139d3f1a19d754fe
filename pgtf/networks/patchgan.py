"""PatchGAN, the discriminator of pix2pix and CycleGAN: scores each patch of an image as real or generated."""

import keras
import tensorflow as tf

from pgtf.layers import LayerFactory


def patchgan(image: tf.Tensor, make: LayerFactory, filters: int = 64, *, n_layers: int = 3) -> tf.Tensor:
    """Returns scores [n, h', w', 1], one per overlapping patch (70 px at n_layers=3) of an image [n, h, w, c]."""
    h = image
    for layer in range(n_layers + 1):
        # Padded by 1 on every side, as in the original, so each of the last two layers shrinks the map by 1.
        h = keras.layers.ZeroPadding2D(1)(h)
        strides = 2 if layer < n_layers else 1
        h = make.conv(f"conv{layer + 1}", filters * min(2**layer, 8), 4, strides=strides, padding="valid")(h)
        if layer > 0:
            h = make.norm(f"conv{layer + 1}_norm")(h)
        h = keras.layers.LeakyReLU(0.2)(h)
    h = keras.layers.ZeroPadding2D(1)(h)
    h = make.conv("scores", 1, 4, padding="valid")(h)
    return keras.layers.Activation("linear", dtype="float32")(h)
