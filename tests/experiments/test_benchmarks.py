"""Benchmarks of `make bench` run, on a network of a few filters; not those that take long to export."""

import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.config import Config, task_plans
from pgtf.experiments.speed.benchmarks import BENCHMARKS
from pgtf.experiments.speed.operations import multiply_adds, of_operation

pytestmark = pytest.mark.usefixtures("step_by_step")
TINY = task_plans(
    Config(image_size="8x16", load_size="8x16", width=2, discriminator_width=2, discriminator_layers=1, drawn_images=2)
)[0]


class BenchmarksTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("pipeline", "pipeline", {}),
        ("first_step", "first_step", {"task": 2}),
        ("serving", "serving", {}),
        ("xla_long", "xla", {"task": 2}),
    )
    def test_it_runs(self, name, what):
        self.assertNotEmpty(BENCHMARKS[name](TINY, 1, **what))

    def test_a_steps_sides_are_compared_with_the_full_one(self):
        found = BENCHMARKS["steps"](TINY, 1, task=3)
        self.assertEqual(found["full"]["ratio"], 1.0)
        self.assertEqual(set(found), {"full", "chosen", "composed", "spent"})

    def test_multiply_adds_are_those_counted_by_hand(self):
        @tf.function
        def learnt(x, down, up, matrix):
            with tf.GradientTape() as tape:
                tape.watch([x, down, up, matrix])
                y = tf.nn.conv2d(x, down, 2, "SAME")  # [2, 4, 4, 5]
                y = tf.nn.conv2d_transpose(y, up, [2, 8, 8, 7], 2)
                y = tf.matmul(y, tf.tile(matrix[None, None], [2, 8, 1, 1]))  # 16 products of [8, 7] and [7, 11].
            return tape.gradient(y, [x, down, up, matrix])

        shapes = [2, 8, 8, 3], [4, 4, 3, 5], [4, 4, 7, 5], [7, 11]
        graph = learnt.get_concrete_function(*map(tf.TensorSpec, shapes)).graph
        once = 2 * 4 * 4 * (4 * 4 * 3 * 5) + 2 * 4 * 4 * (4 * 4 * 7 * 5) + 2 * 8 * 8 * 7 * 11
        self.assertEqual(sum(map(of_operation, graph.get_operations())), 3 * once)

    def test_products_that_nothing_uses_are_not_counted(self):
        class Stub:
            @tf.function
            def traced_step(self, batch):
                tf.matmul(batch, batch)
                return tf.matmul(batch, batch[:, :3], transpose_a=True)

        self.assertEqual(multiply_adds(Stub(), tf.ones([5, 5])), 5 * 5 * 3)


if __name__ == "__main__":
    tf.test.main()
