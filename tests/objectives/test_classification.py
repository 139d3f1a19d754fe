"""The step of classification and its optimizers, against numpy."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.data.finder import Finder
from pgtf.foundation import settings
from pgtf.objectives import OBJECTIVES, Classification
from pgtf.objectives.optimizers import LinearDecay

X = np.random.default_rng(0).normal(size=(6, 2, 2, 3)).astype("float32")
Y = np.array([0, 1, 2, 0, 0, 2], "int32")
OBJECTIVE = Classification(labels=("a", "b", "c"), counts=(6, 2, 4), weight_decay=0.01)


def linear():
    """Scores that are linear in the pixels."""
    input = keras.Input((2, 2, 3))
    dense = keras.layers.Dense(3, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(seed=1))
    return keras.Model(input, dense(keras.layers.Flatten()(input)), name="forward")


def learner_of(objective, rate=0.1, steps=10, rates=()):
    network = linear()
    optimizer = objective.optimizer(LinearDecay(rate, steps, steps), "float32", rates)
    return objective.learner({"forward": network}, {}, {"generators": optimizer}, image_shape=(2, 2, 3))


def gradient(kernel, weights):
    """Returns the gradient of the mean cross-entropy, by hand."""
    flat = X.reshape(6, 12).astype("float64")
    powers = np.exp(flat @ kernel)
    error = powers / powers.sum(1, keepdims=True) - np.eye(3)[Y]
    return flat.T @ (error * weights[:, None]) / 6


class StepTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_sgd_with_momentum_and_decay(self, balance):
        objective = dataclasses.replace(OBJECTIVE, class_balance=balance)
        learner = learner_of(objective)
        (kernel,) = (variable.numpy().astype("float64") for variable in learner.trained("generators"))
        weights = np.array([12 / (3 * count) for count in (6, 2, 4)])[Y] if balance else np.ones(6)
        moment = 0
        for _ in range(3):
            learner.step((X, Y))
            moment = 0.9 * moment + gradient(kernel, weights) + 0.01 * kernel
            kernel -= 0.1 * moment
        self.assertAllClose(learner.trained("generators")[0], kernel, atol=1e-5)

    def test_adam_has_the_penalty_in_its_gradient(self):
        learner = learner_of(dataclasses.replace(OBJECTIVE, solver="adam"))
        (kernel,) = (variable.numpy().astype("float64") for variable in learner.trained("generators"))
        learner.step((X, Y))
        slope = gradient(kernel, np.ones(6)) + 0.01 * kernel
        self.assertAllClose(learner.trained("generators")[0], kernel - 0.1 * slope / (np.abs(slope) + 1e-7), atol=1e-4)

    def test_values_with_a_rate_of_their_own_take_adam_without_decay(self):
        network = linear()
        variable = network.trainable_variables[0]
        optimizer = OBJECTIVE.optimizer(LinearDecay(0.1, 5, 5), "float32", [(variable, 0.01)])
        optimizer.build([variable])
        before, slope = variable.numpy(), np.random.default_rng(1).normal(size=(12, 3)).astype("float32")
        optimizer.apply_gradients([(tf.constant(slope), variable)])
        self.assertAllClose(variable, before - 0.01 * np.sign(slope), atol=1e-5)

    def test_losses_are_those_of_the_batch(self):
        learner = learner_of(OBJECTIVE)
        scores = np.asarray(learner(X))
        reported = learner.step((X, Y))
        powers = np.exp(scores - scores.max(1, keepdims=True))
        picked = (powers / powers.sum(1, keepdims=True))[np.arange(6), Y]
        self.assertAllClose(reported["cross_entropy"], -np.log(picked).mean(), atol=1e-5)
        self.assertAllClose(reported["errors"], (scores.argmax(1) != Y).mean())

    def test_in_parts_the_update_is_the_same(self):
        whole, parts = learner_of(OBJECTIVE), learner_of(OBJECTIVE).with_accumulation(3)
        for learner in (whole, parts):
            learner.step((tf.constant(X), tf.constant(Y)))
        self.assertAllClose(whole.trained("generators")[0], parts.trained("generators")[0], atol=1e-6)


class ObjectiveTest(tf.test.TestCase):
    def test_its_classes_follow_from_data_and_are_facts_but_no_flags(self):
        data = Finder("", "labelled", (16, 16), (16, 16), drawn_images=13)("shapes")
        found = Classification().for_data(data)
        self.assertEqual((found.labels, found.counts), (data.labels, (3, 2, 2, 2, 2, 2)))
        self.assertEqual(found.architecture, {"outputs": 6})
        facts = settings.as_facts("classification", found)
        facts["labels"] = list(facts["labels"])  # As in JSON.
        self.assertEqual(settings.from_facts(OBJECTIVES, facts), found)
        self.assertNotIn("labels", {field.name for field in settings.settings_of(Classification)})

    def test_other_classes_are_refused(self):
        data = Finder("", "labelled", (16, 16), (16, 16), drawn_images=13)("digits")
        with self.assertRaisesRegex(
            ValueError, "keeps the classes.*'digits' with 10 classes: 0, 1.*learned with 3 classes"
        ):
            OBJECTIVE.for_data(data)

    def test_the_distance_is_the_share_of_wrong_answers(self):
        network = linear()
        right = np.asarray(network(X)).argmax(1)
        self.assertEqual(OBJECTIVE.distance({"forward": network}, X, right), 0)
        self.assertAllClose(OBJECTIVE.distance({"forward": network}, X, [(right[0] + 1) % 3, *right[1:]]), 1 / 6)

    def test_probes_of_another_kind_are_refused(self):
        good = dict(
            inputs={"forward": np.zeros([2, 4, 4, 3], "uint8")},
            targets={"forward": np.array([0, 2], "int32")},
            outputs={"forward": np.zeros([2, 3], "float32")},
        )
        OBJECTIVE.check_probes(**good)
        for part, value in (
            ("inputs", np.zeros([2, 4, 4, 3], "float32")),
            ("targets", np.array([0, 3], "int32")),
            ("targets", np.array([0.0, 1.0], "float32")),
            ("outputs", np.zeros([2, 4], "float32")),
        ):
            with self.assertRaises(ValueError):
                OBJECTIVE.check_probes(**{**good, part: {"forward": value}})
        with self.assertRaises(ValueError):
            OBJECTIVE.check_probes(**{**good, "targets": {}})


if __name__ == "__main__":
    tf.test.main()
