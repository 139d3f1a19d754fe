"""Shapes of layers without weights, against those that Keras's layers compute."""

import keras
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import planned_shapes, weightless
from pgtf.layers.planned_shapes import Shape

MAP, OTHER = (None, 8, 12, 6), (None, 8, 12, 5)
CASES = {
    "Activation": (("tanh",), MAP),
    "AveragePooling2D": ((2,), MAP),
    "Doubled": ((), MAP),
    "LeakyReLU": ((0.2,), MAP),
    "MaxPooling2D": ((2,), MAP),
    "ReLU": ((), MAP),
    "ReflectionPadding2D": ((1,), MAP),
    "Rescaling": ((2.0,), MAP),
    "Smooth": (((1, 1),), MAP),
    "UnitNormalization": ((), MAP),
    "UpSampling2D": ((2,), MAP),
    "ZeroPadding2D": ((1,), MAP),
    "Add": ((), [MAP, MAP]),
    "Concatenate": ((), [MAP, OTHER]),
    "GlobalAveragePooling2D": ((), MAP),
    "Ones": ((), (None, 7)),
    "RepeatVector": ((3,), (None, 7)),
    "Reshape": (((1, 1, 7),), (None, 7)),
    "Row": ((1,), (None, 3, 7)),
}
# Layers that are not listed, which Keras is asked for.
OTHERS = {"Cropping2D": ((1,), MAP), "MinibatchStdDev": ((), MAP), "Multiply": ((), [MAP, MAP])}


class ShapesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters((name, name, *case) for name, case in {**CASES, **OTHERS}.items())
    def test_it_is_that_of_the_layer_with_unknown_height_and_width(self, name, arguments, given):
        inputs = [keras.Input(one[1:]) for one in given] if isinstance(given, list) else keras.Input(given[1:])
        output = getattr(weightless, name)(*arguments)(inputs)
        planned = [Shape(one) for one in given] if isinstance(given, list) else Shape(given)
        found = getattr(planned_shapes, name)(*arguments)(planned).shape
        self.assertLen(found, len(output.shape))
        self.assertEqual(found[-1], output.shape[-1])
        for length, expected in zip(found, output.shape):
            self.assertIn(length, (None, expected))

    def test_every_listed_layer_is_tried(self):
        listed = {name for name, value in vars(planned_shapes).items() if name[0].isupper() and callable(value)}
        self.assertEqual(listed - {"Shape", "Any", "Callable", "Sequence"}, CASES.keys())


if __name__ == "__main__":
    tf.test.main()
