"""Outputs are recorded and replayed on the processor, wherever the caller computes."""

import numpy as np
import tensorflow as tf

from pgtf.assembly.replay import outputs
from pgtf.foundation import files
from pgtf.storage.probes import Probes


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

    def test_recorded_outputs_are_finite(self):
        images = np.zeros((1, 4, 4, 3), "uint8")
        probes = Probes({"forward": images}, {}, {"forward": np.full(images.shape, np.nan, "float32")})
        path = self.create_tempfile(content=probes.content()).full_path
        with self.assertRaisesRegex(ValueError, "outputs that are not finite"):
            Probes.read(path, files.sha256(probes.content()))


if __name__ == "__main__":
    tf.test.main()
