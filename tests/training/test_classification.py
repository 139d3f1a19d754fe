"""A run of two classifiers on drawn images: planned, learned, replayed, listed, measured, resumed."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import summary
from pgtf.assembly.bank import NetworkBank
from pgtf.assembly.planned_data import data_of, with_data
from pgtf.config import Config, load_config, task_plans
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation
from pgtf.methods import METHODS
from pgtf.objectives import Classification
from pgtf.runs.listing import row_lines, rows
from pgtf.runs.plan import planned
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.training.observers import Observer
from pgtf.training.sequence import SequentialTrainer
from tests.tiny import tiny_run

pytestmark = pytest.mark.usefixtures("step_by_step")


def config_of(method="mask", **settings):
    settings = dict(
        tasks=("shapes", "digits"),
        network="resnet18",
        options=(("stages", 1),),
        norm="batch",
        image_size="16",
        width=2,
        batch_size=4,
        steps=4,
        learning_rate=0.05,
        drawn_images=20,
        log_every=2,
        ema=0.9,
    ) | settings  # fmt: skip
    return Config(run_dir=tempfile.mkdtemp(), method=METHODS[method](), objective=Classification(), **settings)


def learn(config):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        SequentialTrainer(config).run()
    return printed.getvalue()


@functools.cache
def learned():
    """The config of a run, and what was printed as it was learned."""
    config = config_of(evaluate_every=2, keep_weights="best")
    tf.config.run_functions_eagerly(False)  # The other runs are not traced.
    try:
        return config, learn(config)
    finally:
        tf.config.run_functions_eagerly(True)


class Interrupted(Observer):
    """Interrupts a run at its first sample."""

    def on_samples(self, run_dir):
        raise KeyboardInterrupt


class RunTest(tf.test.TestCase):
    def test_the_plan_is_what_is_stored(self):
        config, _ = learned()
        plan = summary(planned(task_plans(config_of())))["tasks"]  # Before anything is learned.
        for index, classes in enumerate((6, 10)):
            slice_ = Run(config.run_dir).bank.slice(index)
            self.assertEqual(slice_.facts.architecture.outputs, classes)
            self.assertEqual(slice_.stored_bytes, plan[index]["bytes"])

    def test_tasks_replay_to_the_bit(self):
        config, printed = learned()
        self.assertIn("after digits: shapes replays bit-equal", printed)
        self.assertEqual([verdict.replay.bit_equal for verdict in verdicts(config.run_dir)], [True, True])

    def test_probes_are_images_labels_and_scores(self):
        config, _ = learned()
        probes, facts = Run(config.run_dir)["digits"].probes, Run(config.run_dir)["digits"].facts
        self.assertEqual(facts.objective.labels, tuple("0123456789"))
        self.assertEqual(probes.targets["forward"].tolist(), [0, 1, 2, 3])
        self.assertEqual(probes.outputs["forward"].shape, (4, 10))

    def test_it_is_listed_and_its_config_is_read_again(self):
        config, _ = learned()
        self.assertIn("digits", "\n".join(row_lines(rows(config.run_dir))))
        self.assertEqual(load_config(config.run_dir).objective, Classification())

    def test_the_best_point_of_the_curve_is_kept(self):
        config, printed = learned()
        self.assertRegex(printed, "keeps step 4, the best point")
        with open(os.path.join(config.run_dir, "log.jsonl")) as file:
            points = [line["evaluation"] for line in map(json.loads, file) if "evaluation" in line]
        self.assertEqual([set(point) for point in points], [{"Top1", "CE"}, {"Top1", "CE", "Top5"}])

    def test_it_is_measured_and_nothing_is_forgotten(self):
        config, _ = learned()
        evaluation = RunEvaluation(Run(config.run_dir), EvaluationConfig(limit=20), say=lambda text: None)
        matrix = evaluation.measure()
        self.assertEqual(set(matrix.values), {"Top1", "CE", "Top5"})
        self.assertEqual(matrix.forgetting("Top1"), 0)
        self.assertIn("Top1 ↑", evaluation.table())
        self.assertFalse(os.path.exists(os.path.join(config.run_dir, "evaluation", "classifiers")))

    def test_finetuning_forgets_but_keeps_each_head(self):
        run = Run(tiny_run(tempfile.mkdtemp(), ("shapes", "digits"), "resnet18", "classification", method="finetune"))
        self.assertFalse(run.at(0, 1).replay().holds)
        self.assertTrue(run.at(0, 0).replay().bit_equal)
        values = run.at(0, 1).slice.values
        self.assertAllEqual(values["forward/scores/bias"], run.bank.slice(0).values["forward/scores/bias"])
        self.assertAllEqual(
            values["forward/stem/unconstrained"], run.bank.slice(1).values["forward/stem/unconstrained"]
        )

    def test_it_goes_on_to_the_same_end(self):
        config = config_of("finetune", tasks=("shapes",), sample_every=2, steps_per_call=1)
        stopping = dataclasses.replace(config, run_dir=tempfile.mkdtemp())
        learn(config)
        with self.assertRaises(KeyboardInterrupt):
            SequentialTrainer(stopping, Interrupted()).run()
        learn(stopping)
        one, other = (Run(each.run_dir).bank.slice(0).values for each in (config, stopping))
        for path in one:
            self.assertAllEqual(one[path], other[path], path)

    @pytest.mark.long
    def test_it_computes_in_16_bits_and_stores_and_scores_in_32(self):
        config = config_of("full", tasks=("shapes",), precision="mixed_bfloat16", steps=8)
        learn(config)
        task = Run(config.run_dir)["shapes"]
        self.assertEqual({value.dtype for value in task.slice.values.values()}, {np.dtype("float32")})
        self.assertEqual(task.probes.outputs["forward"].dtype, np.float32)
        self.assertTrue(task.replay().bit_equal)
        exact = dataclasses.replace(config, run_dir=tempfile.mkdtemp(), precision="float32")
        learn(exact)
        one, other = (Run(each.run_dir).bank.slice(0).values for each in (config, exact))
        path = "forward/stem/unconstrained"
        self.assertNotAllEqual(one[path], other[path])
        self.assertAllClose(one[path], other[path], atol=0.1)  # Kernels start at about 0.3.

    def test_the_last_layer_may_learn_at_a_rate_of_its_own(self):
        objective = Classification(head_learning_rate=0.02)
        config = dataclasses.replace(config_of("full", tasks=("shapes",), learning_rate=0.001), objective=objective)
        plan = task_plans(config)[0]
        plan = with_data(plan, data_of(plan))
        learner = build.learner(plan, NetworkBank(), steps=10)
        network = learner.generators["forward"]
        before = layers.state(network)
        learner.step(
            (np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype("float32"), np.arange(4, dtype="int32"))
        )
        moved = {path: np.abs(value - before[path]).max() for path, value in layers.state(network).items()}
        for part in ("unconstrained", "bias"):  # Adam's first step is its rate.
            self.assertAllClose(moved[f"forward/scores/{part}"], 0.02, rtol=1e-3)
        self.assertBetween(moved["forward/stem/unconstrained"], 1e-6, 0.005)

    def test_methods_that_compare_outputs_are_refused(self):
        with self.assertRaisesRegex(ValueError, "compares outputs of two tasks' networks"):
            config_of("distilled")

    def test_networks_of_images_are_refused(self):
        with self.assertRaisesRegex(ValueError, "learns scores, and the network makes images"):
            config_of(network="unet", options=())


if __name__ == "__main__":
    tf.test.main()
