"""The shortcut by which tests build networks gives the shapes and types that Keras itself finds."""

from unittest import mock

import keras
from absl.testing import absltest

from tests import known_shapes

MAKE = {
    "Activation": lambda dtype: keras.layers.Activation("tanh", dtype=dtype),
    "Conv2D": lambda dtype: keras.layers.Conv2D(5, 3, 2, dtype=dtype),
    "Conv2DTranspose": lambda dtype: keras.layers.Conv2DTranspose(5, 4, 2, "same", dtype=dtype),
    "Dense": lambda dtype: keras.layers.Dense(7, dtype=dtype),
}


class KnownShapesTest(absltest.TestCase):
    def test_they_are_those_of_keras(self):
        quick = getattr(keras.layers.Layer, "_infer_output_signature", None)
        if not hasattr(quick, "traced"):
            self.skipTest("Keras 3 has no such method")
        for kind in known_shapes.LAYERS:
            for dtype in ("float32", "mixed_bfloat16"):
                for size in ((8, 6), (None, None)):
                    make = MAKE.get(kind.__name__, lambda dtype, kind=kind: kind(dtype=dtype))
                    image = keras.Input((*size, 3), dtype="float32")
                    given = [image, image] if kind in (keras.layers.Add, keras.layers.Concatenate) else image
                    one, other = make(dtype), make(dtype)
                    found = one(given)
                    with mock.patch.object(keras.layers.Layer, "_infer_output_signature", quick.traced):
                        expected = other(given)
                    self.assertEqual((found.shape, found.dtype), (expected.shape, expected.dtype), kind)
                    names = [[weight.name.split("/")[-1] for weight in layer.weights] for layer in (one, other)]
                    self.assertEqual(*names)


if __name__ == "__main__":
    absltest.main()
