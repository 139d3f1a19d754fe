"""ResNet generator of CycleGAN, after Johnson et al."""

import keras
import tensorflow as tf

from pgtf.layers import LayerFactory, ReflectionPadding2D


def resnet(image: tf.Tensor, make: LayerFactory, filters: int = 64, *, blocks: int = 9, outputs: int = 3) -> tf.Tensor:
    """Returns an image [n, h, w, outputs] in [-1, 1] for an image [n, h, w, c]; h and w must be multiples of 4."""

    def block(h, name):
        y = h
        for part in ("a", "b"):
            y = ReflectionPadding2D(1)(y)
            y = make.conv(f"{name}{part}", 4 * filters, 3, padding="valid", level=3)(y)
            y = make.norm(f"{name}{part}_norm")(y)
            if part == "a":
                y = keras.layers.ReLU()(y)
        return keras.layers.Add()([h, y])

    h = ReflectionPadding2D(3)(image)
    h = make.conv("stem", filters, 7, padding="valid", level=1)(h)
    h = keras.layers.ReLU()(make.norm("stem_norm")(h))
    for level in (1, 2):
        h = make.conv(f"down{level}", 2**level * filters, 3, strides=2, level=level)(h)
        h = keras.layers.ReLU()(make.norm(f"down{level}_norm")(h))
    for number in range(1, blocks + 1):
        h = block(h, f"block{number}")
    h = make.up("up2", 2 * filters, 3, level=3)(h)
    h = keras.layers.ReLU()(make.norm("up2_norm")(h))
    h = make.up("up1", filters, 3, task_specific=True)(h)
    h = keras.layers.ReLU()(make.norm("up1_norm")(h))
    h = ReflectionPadding2D(3)(h)
    h = make.conv("output", outputs, 7, padding="valid", task_specific=True)(h)
    return keras.layers.Activation("tanh", dtype="float32")(h)
