"""Adam with a share of the learning rate for some variables is Adam at another learning rate for those."""

import keras
import numpy as np
import tensorflow as tf

from pgtf.objectives.optimizers import Adam, Decaying, LinearDecay, adam


def moved(optimizer, variables, steps=4):
    """Applies some steps of known gradients and returns the variables."""
    draw = np.random.default_rng(0)
    optimizer.build(variables)
    for _ in range(steps):
        optimizer.apply_gradients([(tf.constant(draw.normal(size=3).astype("float32")), v) for v in variables])
    return [variable.numpy() for variable in variables]


class AdamTest(tf.test.TestCase):
    def test_each_goes_at_its_own_rate(self):
        one, two = (tf.Variable([1.0, 2, 3]) for _ in range(2))
        run = moved(adam(LinearDecay(2e-3, 2, 5), rates=[(two, 1e-4)]), [one, two])
        for place, rate in enumerate((2e-3, 1e-4)):
            stock = [tf.Variable([1.0, 2, 3]) for _ in range(2)]
            expected = moved(keras.optimizers.Adam(LinearDecay(rate, 2, 5), beta_1=0.5), stock)[place]
            self.assertAllClose(run[place] - [1, 2, 3], expected - [1, 2, 3], atol=1e-6)
            self.assertGreater(np.abs(run[place] - [1, 2, 3]).max(), rate)

    def test_it_is_keras_own_compiled_or_not_dense_or_not(self):
        found = []
        for make in (
            lambda: adam(LinearDecay(2e-2, 2, 9)),
            lambda: keras.optimizers.Adam(LinearDecay(2e-2, 2, 9), 0.5),  # Keras 3's is wrong where rows repeat.
        ):
            for wrapped in (tf.function, lambda function: function):
                matrix, optimizer = tf.Variable([[1.0, -2], [3, 4], [5, 6]]), make()
                optimizer.build([matrix])

                @wrapped
                def step(factor, matrix=matrix, optimizer=optimizer):
                    with tf.GradientTape() as tape:  # Its gradient is of some rows only.
                        loss = tf.reduce_sum(factor * tf.gather(matrix, [2, 0, 2]) ** 2)
                    gradient = tape.gradient(loss, matrix)
                    if type(optimizer) is keras.optimizers.Adam:
                        gradient = tf.convert_to_tensor(gradient)
                    optimizer.apply_gradients([(gradient, matrix)])

                for factor in (1.0, -3.0, 0.5, 2.0, 0.1):
                    step(tf.constant(factor))
                found.append([matrix, *optimizer.variables])
        for values in found[:-1]:
            self.assertLen(values, len(found[-1]))
            for value, expected in zip(values, found[-1]):
                self.assertAllClose(value, expected, rtol=1e-4, atol=1e-7)  # 1 - 0.999 is rounded.
        self.assertNotAllClose(found[0][0], [[1.0, -2], [3, 4], [5, 6]], atol=1e-2)

    def test_the_schedule_is_computed_once_for_all_variables(self):
        class Counting(LinearDecay):
            calls = 0

            def __call__(self, step):
                Counting.calls += 1
                return super().__call__(step)

        def calls(count):
            variables = [tf.Variable([1.0, 2, 3]) for _ in range(count)]
            for kind, settings in ((Adam, {}), (Decaying, {"momentum": 0.9})):
                optimizer = adam(Counting(2e-3, 2, 5), kind=kind, **settings)
                optimizer.build(variables)
                Counting.calls = 0
                optimizer.apply_gradients([(tf.ones(3), variable) for variable in variables])
                yield Counting.calls

        self.assertEqual(list(calls(4)), list(calls(1)))

    def test_a_scaled_loss_that_overflows_moves_neither(self):
        one, two = tf.Variable([1.0, 2, 3]), tf.Variable([1.0, 2, 3])
        optimizer = adam(LinearDecay(2e-3, 2, 5), "mixed_float16", [(two, 1e-4)])
        optimizer.build([one, two])
        optimizer.apply_gradients([(tf.ones(3), one), (tf.constant([1.0, np.inf, 1]), two)])
        self.assertAllEqual([one, two], [[1, 2, 3]] * 2)
        optimizer.apply_gradients([(tf.ones(3), one), (tf.ones(3), two)])
        far = np.asarray([1, 2, 3]) - one.numpy()
        self.assertAllGreater(far, 1e-3)
        self.assertAllClose(np.asarray([1, 2, 3]) - two.numpy(), far / 20, atol=1e-6)


if __name__ == "__main__":
    tf.test.main()
