"""The moving average of the generators, against numpy."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.objectives.ema import Average
from tests.objectives import test_cyclegan_learner, test_pix2pix_learner
from tests.training import test_loop

RNG = np.random.default_rng(0)


def averaged(values, decay):
    """a ← d a + (1 - d) v of the values after the first, d = min(decay, (1 + n) / (10 + n))."""
    average = np.float64(values[0])
    for n, value in enumerate(values[1:]):
        d = min(decay, (1 + n) / (10 + n))
        average = d * average + (1 - d) * value
    return average


class AverageTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(0.05, 0.5, 0.999)
    def test_is_numpys(self, decay):
        values = RNG.normal(size=(15, 2, 3))
        variable = tf.Variable(values[0], dtype=tf.float32)
        average = Average([variable], decay)
        for value in values[1:]:
            variable.assign(value)
            average.update()
        self.assertAllClose(average.values[0], averaged(values, decay), atol=1e-6)
        self.assertAllClose(variable, values[-1])

    def test_each_variable_has_its_own(self):
        variables = [tf.Variable([1.0, 2.0]), tf.Variable([[3.0]])]
        average = Average(variables, 0.999)
        variables[1].assign([[13.0]])
        average.update()
        self.assertAllClose(average.values[0], [1.0, 2.0])
        self.assertAllClose(average.values[1], [[12.0]])  # d = 1 / 10 in the first step.

    def test_begins_anew(self):
        variable = tf.Variable(1.0)
        average = Average([variable], 0.999)
        for value in (2.0, 5.0):
            variable.assign(value)
            average.update()
        average.begin()
        self.assertAllClose(average.values[0], 5.0)
        variable.assign(15.0)
        average.update()
        self.assertAllClose(average.values[0], 14.0)

    def test_is_shown_for_a_while_or_taken_for_good(self):
        variable = tf.Variable([1.0, 1.0])
        average = Average([variable], 0.999)
        variable.assign([11.0, 21.0])
        average.update()
        with average.shown():
            self.assertAllClose(variable, [10.0, 19.0])
        self.assertAllEqual(variable, [11.0, 21.0])
        with self.assertRaises(KeyboardInterrupt), average.shown():
            raise KeyboardInterrupt
        self.assertAllEqual(variable, [11.0, 21.0])
        average.take()
        self.assertAllClose(variable, [10.0, 19.0])


class LearnerTest(tf.test.TestCase):
    def assertAveraged(self, learner, batch):
        learner.with_ema(0.3)
        variables = learner.trained("generators")
        values = [[variable.numpy() for variable in variables]]
        for _ in range(5):
            learner.train_step(batch)
            values.append([variable.numpy() for variable in variables])
        self.assertEqual(learner.traced_step.experimental_get_tracing_count(), 1)
        self.assertGreater(max(np.abs(a - b).max() for a, b in zip(values[-1], values[-2])), 1e-3)
        with learner.final_weights():
            for variable, *history in zip(variables, *values):
                self.assertAllClose(variable, averaged(history, 0.3), atol=1e-5)
        for variable, value in zip(variables, values[-1]):
            self.assertAllEqual(variable, value)

    def test_of_pix2pix(self):
        sgd = keras.optimizers.SGD
        self.assertAveraged(test_pix2pix_learner.learner(sgd(0.1), sgd(0.1)), test_pix2pix_learner.batch(0, 1))

    def test_of_cyclegans_two_generators(self):
        learner = test_cyclegan_learner.learner()
        self.assertAveraged(learner, test_cyclegan_learner.batch(0, 1))
        self.assertLen(learner.average.values, len(learner.generators["forward"].trainable_variables) * 2)

    def test_goes_into_the_checkpoint(self):
        learner = test_loop.Toy(test_loop.adam).with_ema(0.9)
        learner.generators["forward"].layers[0].kernel.assign_add(tf.ones([1, 1, 3, 2]))
        learner.average.update()
        path = tf.train.Checkpoint(learner=learner).write(self.create_tempfile("state").full_path)
        again = test_loop.Toy(test_loop.adam).with_ema(0.9)
        tf.train.Checkpoint(learner=again).read(path).assert_consumed()
        self.assertAllEqual(again.average.values[0], learner.average.values[0])
        self.assertEqual(int(again.average.count), 1)

    def test_none_unless_told(self):
        learner = test_loop.Toy(test_loop.adam)
        self.assertIsNone(learner.average)
        kernel = learner.generators["forward"].layers[0].kernel
        with learner.final_weights():
            self.assertAllEqual(kernel, np.ones([1, 1, 3, 2]))


if __name__ == "__main__":
    tf.test.main()
