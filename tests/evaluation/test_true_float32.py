"""Outputs are recorded and replayed without TF32, whatever else runs with it."""

import numpy as np
import tensorflow as tf

from pgtf.evaluation.replay import outputs

enabled = tf.config.experimental.tensor_float_32_execution_enabled


class TrueFloat32Test(tf.test.TestCase):
    def test_outputs(self):
        seen = []

        def network(image, training):
            seen.append(enabled())
            if len(seen) == 2:
                raise ArithmeticError
            return tf.constant(image)

        before = enabled()
        try:
            for allowed in (True, False):
                tf.config.experimental.enable_tensor_float_32_execution(allowed)
                seen.clear()
                outputs(network, np.zeros((1, 4, 4, 3), "uint8"))
                self.assertEqual(enabled(), allowed)
                with self.assertRaises(ArithmeticError):
                    outputs(network, np.zeros((1, 4, 4, 3), "uint8"))
                self.assertEqual(enabled(), allowed)
                self.assertEqual(seen, [False, False])
        finally:
            tf.config.experimental.enable_tensor_float_32_execution(before)


if __name__ == "__main__":
    tf.test.main()
