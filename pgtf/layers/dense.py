"""Dense layers, as 1 × 1 convolutions of a map of one pixel: their kernels, [1, 1, in, out], are made by recipes."""

from typing import Any


def dense(make: Any, name: str, units: int, *, kind: str = "conv", **settings: Any) -> Any:
    """Makes a dense layer, [n, features] -> [n, units].

    Args:
      make: A factory of layers.
      name, **settings: As for its method `kind`.
      units: Number of outputs.
      kind: "conv" or "equalized". Default: "conv".
    """
    convolution = getattr(make, kind)(name, units, 1, **settings)

    def layer(h: Any) -> Any:
        pixel = make.layers.Reshape((1, 1, h.shape[-1]))(h)
        return make.layers.Reshape((units,))(convolution(pixel))

    return layer
