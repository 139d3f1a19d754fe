"""TensorFlow's warnings come through, but for the one."""

import tensorflow as tf

from pgtf.foundation import retracing


class GraphsTest(tf.test.TestCase):
    def said(self, logs):
        return [record.getMessage() for record in logs.records]

    def test_one_graph_a_task_is_no_warning(self):
        with self.assertLogs(tf.get_logger(), "WARNING") as logs, retracing.silence_retracing():
            for _ in range(6):
                tf.function(lambda: tf.zeros([]))()
            tf.get_logger().warning("another")
        self.assertEqual(self.said(logs), ["another"])

    def test_elsewhere_it_is(self):
        with retracing.silence_retracing():
            pass
        with self.assertLogs(tf.get_logger(), "WARNING") as logs:
            for _ in range(6):  # TensorFlow warns of each place twice at most: not by a function that both tests call.
                tf.function(lambda: tf.zeros([]))()
        self.assertIn("triggered tf.function retracing", self.said(logs)[0])


if __name__ == "__main__":
    tf.test.main()
