"""Outputs are recorded and replayed on the processor, wherever the caller computes."""

import numpy as np
import tensorflow as tf

from pgtf.evaluation.replay import outputs


class ReplayTest(tf.test.TestCase):
    def test_outputs_are_computed_on_the_processor(self):
        devices = []

        def network(image, training):
            made = tf.identity(image)
            devices.append(made.device)
            return made

        soft = tf.config.get_soft_device_placement()
        tf.config.set_soft_device_placement(False)  # Else an unknown device is replaced without a word.
        try:
            with tf.device("CPU:7"):
                made = outputs(network, np.full((2, 4, 4, 3), 255, "uint8"))
        finally:
            tf.config.set_soft_device_placement(soft)
        self.assertAllEqual(made, np.ones((2, 4, 4, 3), "float32"))
        self.assertLen(devices, 2)
        self.assertTrue(all(device.endswith("CPU:0") for device in devices), devices)


if __name__ == "__main__":
    tf.test.main()
