"""Tasks whose images have other channels, depths and ranges than RGB: learned, resumed, exported and adopted."""

import contextlib
import dataclasses
import io
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly.accounting import summary
from pgtf.config import Config, task_plans
from pgtf.data import writing
from pgtf.data.drawn import draw
from pgtf.data.finder import DRAWN_TEST, DRAWN_TESTS
from pgtf.data.pixels import to_picture
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation
from pgtf.methods import METHODS
from pgtf.objectives import CycleGAN
from pgtf.report.write import report
from pgtf.runs.adopt import adopt
from pgtf.runs.plan import channels_of_tasks, planned
from pgtf.runs.run import Run
from pgtf.serving.export import export
from pgtf.serving.saved_model import SavedModel
from pgtf.serving.tflite import TFLite
from pgtf.storage.ledger import Ledger
from pgtf.studio.answers import Answers
from pgtf.training.sequence import SequentialTrainer

pytestmark = pytest.mark.usefixtures("step_by_step")

SIZE = 16


def quietly(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


class AnyChannelsTestCase(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def put(self, task, **sides):
        """Writes six pairs of a task; sides: (channels, type, factor of the values) of trainA and trainB."""
        draw = np.random.default_rng(sum(map(ord, task)))
        for side, (channels, dtype, factor) in sides.items():
            for number in range(6):
                values = draw.random((SIZE, SIZE, channels)) * factor
                image = values.astype("float32") if dtype == "float32" else np.rint(values).astype(dtype)
                ending = writing.ending_for(channels, dtype)
                path = os.path.join(self.folder, "data", task, side, f"{number}{ending}")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(writing.content(image, ending))

    def config(self, *tasks, run="run", **settings):
        small = dict(width=4, discriminator_width=4, discriminator_layers=1, steps=2, checkpoint_minutes=0)
        small["data_dir"] = os.path.join(self.folder, "data")
        return Config(
            run_dir=os.path.join(self.folder, run),
            tasks=tasks,
            image_size=str(SIZE),
            load_size=str(SIZE),
            method=METHODS["piggyback"](),
            **{**small, **settings},
        )


class WholeTest(AnyChannelsTestCase):
    @parameterized.named_parameters(
        ("both", (4, "uint16", 65535), (4, "float32", 300)),
        ("inputs_long", (1, "uint16", 65535), (3, "uint8", 255)),
        ("targets_long", (3, "uint8", 255), (1, "uint16", 65535)),
        ("bands_long", (6, "uint8", 255), (3, "uint8", 255)),
    )
    def test_a_task_is_learned_resumed_exported_and_adopted(self, given, made):
        self.put("first", trainA=(3, "uint8", 255), trainB=(3, "uint8", 255))
        self.put("any", trainA=given, trainB=made)
        asked = dict(input_channels=given[0]) if given[1] == "uint8" else {}
        quietly(SequentialTrainer(self.config("first")).run)
        other = os.path.join(self.folder, "other")
        shutil.copytree(os.path.join(self.folder, "run"), other)
        quietly(SequentialTrainer(self.config("first", "any", **asked)).run)
        run = Run(os.path.join(self.folder, "run"))
        task, first = run["any"], run["first"]
        self.assertTrue(task.replay().bit_equal and first.replay().bit_equal)
        self.assertEqual(first.slice.facts.pixels, {})

        facts = task.facts
        self.assertEqual((facts.input_pixels.channels, facts.input_pixels.dtype), given[:2])
        self.assertEqual((facts.target_pixels.channels, facts.target_pixels.dtype), made[:2])
        image = np.zeros((20, 24, given[0]), given[1])
        answer = task(image)
        self.assertEqual((answer.shape, answer.dtype), ((20, 24, made[0]), np.dtype(made[1])))

        # The layer that reads the image is the task's own where its channels differ; the plan counts it.
        shapes = task.slice.shapes
        own = given[0] != 3
        self.assertEqual("forward/down1/mixing" in shapes, not own)
        self.assertEqual(shapes["forward/down1/unconstrained"][2:], (given[0], 4 if own else 1))
        costs = summary(planned(task_plans(self.config("first", "any"))))["tasks"]
        self.assertEqual(costs[1]["values"], task.slice.size)

        place = os.path.join(self.folder, "exports")
        quietly(export, run, place, [SavedModel(), TFLite()], ["any"])  # Each is read back and compared.
        loaded = tf.saved_model.load(os.path.join(place, "any", "1")).signatures["serving_default"]
        whole = np.zeros((1, 20, 24, given[0]), given[1])
        np.testing.assert_allclose(loaded(images=tf.constant(whole))["images"][0], answer, rtol=1e-3, atol=1)

        Ledger().checked(Run(other).bank).write(other)
        self.assertEqual(quietly(adopt, other, run, ["any"]), ["any"])
        np.testing.assert_array_equal(Run(other)["any"](image), answer)

    @pytest.mark.long
    def test_a_killed_task_goes_on_with_its_range(self):
        self.put("any", trainA=(1, "float32", 300), trainB=(2, "uint16", 9000))
        whole = self.config("any", run="whole", output_range="measured", steps=4, sample_every=2)
        quietly(SequentialTrainer(whole).run)
        killed = dataclasses.replace(whole, run_dir=os.path.join(self.folder, "killed"))

        class Killed(BaseException):
            pass

        trainer = SequentialTrainer(killed)
        trainer.observer.on_samples = lambda run_dir: (_ for _ in ()).throw(Killed)
        with self.assertRaises(Killed):
            quietly(trainer.run)
        quietly(SequentialTrainer(killed).run)
        one, other = (Run(config.run_dir)["any"].slice for config in (whole, killed))
        self.assertEqual(one.sha256, other.sha256)
        self.assertEqual(one.facts.pixels, other.facts.pixels)
        self.assertLess(one.facts.target_pixels.high, 9001)
        self.assertLess(one.facts.input_pixels.low, 10)


class UnpairedTest(AnyChannelsTestCase):
    def test_cyclegan_goes_from_one_channel_to_three_and_back(self):
        self.put("any", trainA=(1, "uint16", 65535), trainB=(3, "uint8", 255))
        config = self.config("any", objective=CycleGAN(pool_size=2), steps=1)
        quietly(SequentialTrainer(config).run)
        task = Run(config.run_dir)["any"]
        self.assertTrue(task.replay().bit_equal)
        made = task(np.zeros((16, 20, 1), "uint16"))
        self.assertEqual((made.shape, made.dtype), ((16, 20, 3), np.uint8))
        back = task(made, backward=True)
        self.assertEqual((back.shape, back.dtype), ((16, 20, 1), np.uint16))

    def test_a_shared_bank_needs_equal_channels(self):
        self.put("any", trainA=(1, "uint16", 65535), trainB=(3, "uint8", 255))
        config = self.config("any", objective=CycleGAN())
        plans = task_plans(dataclasses.replace(config, method=METHODS["piggyback"](share_bank=True)))
        with self.assertRaisesRegex(ValueError, "--share_bank needs .* Received: any with 1 and 3"):
            channels_of_tasks(plans)


class ShownTest(AnyChannelsTestCase):
    @pytest.mark.long
    def test_a_drawn_run_is_measured_reported_and_shown(self):
        tasks = "depth2relief", "satellite2map"
        config = self.config(*tasks, drawn_images=6, steps=1, data_dir="")
        quietly(SequentialTrainer(config).run)
        run = Run(config.run_dir)
        self.assertEqual(run["satellite2map"].facts.input_pixels.high, 20_000)

        without = EvaluationConfig(classifier_of=lambda folder, tasks: None)  # Training one takes half a minute.
        matrix = quietly(RunEvaluation(run, without).measure)
        made, targets = run["depth2relief"].networks["forward"], []
        inputs = []
        for number in range(DRAWN_TESTS):
            given, target = draw("depth2relief", DRAWN_TEST + number, SIZE)
            inputs.append(given / 32767.5 - 1)
            targets.append(target / 127.5 - 1)
        outputs = np.rint((made(np.array(inputs, "float32"), training=False).numpy() + 1) * 127.5) / 127.5 - 1
        np.testing.assert_allclose(matrix.values["L1"][0][0], np.abs(outputs - targets).mean(), atol=1e-3)

        with open(quietly(report, config.run_dir), encoding="utf-8") as file:
            self.assertIn("1 channel, uint16, 0 to 65535", file.read())
        answers = Answers(Run(config.run_dir))
        self.assertEqual([offered.name for offered in answers.tasks], ["depth2relief"])  # Six bands can't be drawn.
        example = answers.tasks[0].ways[0].examples[0]
        answer = answers(0, 0, example)
        self.assertEqual((answer.shape, answer.dtype), ((SIZE, SIZE, 3), np.uint8))
        exact = to_picture(run["depth2relief"].probes.outputs["forward"][0])
        self.assertLess(np.abs(answer.astype(int) - exact).max(), 12)  # The example has 8 bits of 16.


class RefusedTest(AnyChannelsTestCase):
    @parameterized.parameters("finetune", "packnet", "progressive")
    def test_methods_that_need_equal_channels_say_so(self, method):
        self.put("first", trainA=(3, "uint8", 255), trainB=(3, "uint8", 255))
        self.put("any", trainA=(1, "uint16", 255), trainB=(3, "uint8", 255))
        plans = task_plans(dataclasses.replace(self.config("first", "any"), method=METHODS[method]()))
        with self.assertRaisesRegex(ValueError, r"first task's channels.* any with \(1, 3\)"):
            channels_of_tasks(plans)

    def test_a_method_that_needs_equal_channels_may_have_one(self):
        self.put("any", trainA=(1, "uint16", 65535), trainB=(1, "uint16", 65535))
        config = dataclasses.replace(self.config("any", steps=1), method=METHODS["finetune"]())
        for _ in range(2):  # The second time it is finished, and opened again.
            quietly(SequentialTrainer(config).run)
        self.assertEqual(Run(config.run_dir)["any"].facts.input_pixels.channels, 1)

    def test_a_file_of_another_type_is_named(self):
        self.put("any", trainA=(1, "uint16", 65535), trainB=(3, "uint8", 255))
        path = os.path.join(self.folder, "data", "any", "trainA", "3.png")
        with open(path, "wb") as file:
            file.write(writing.content(np.zeros((SIZE, SIZE, 3), "uint16"), ".png"))
        with self.assertRaisesRegex(ValueError, "3.png' .it has 3 channels, where 1 are wanted"):
            quietly(SequentialTrainer(self.config("any")).run)


class PlanTest(AnyChannelsTestCase):
    @parameterized.parameters("piggyback", "full", "low_rank", "mask", "frozen", "layer_wise", "layered")
    def test_every_other_method_counts_a_free_first_layer(self, method):
        self.put("first", trainA=(3, "uint8", 255), trainB=(3, "uint8", 255))
        self.put("any", trainA=(1, "uint16", 255), trainB=(2, "uint16", 255))
        plans = task_plans(dataclasses.replace(self.config("first", "any"), method=METHODS[method]()))
        self.assertEqual(channels_of_tasks(plans), {"first": (3, 3), "any": (1, 2)})
        costs = {cost.path: cost for cost in planned(plans) if cost.task == "any"}
        self.assertEqual(costs["forward/down1"].kernels, 4 * 4 * 1 * 4)
        self.assertEqual(costs["forward/output"].kernels, 4 * 4 * 8 * 2)


class StartTest(tf.test.TestCase):
    def test_a_first_layer_starts_as_the_mean_over_channels(self):
        from pgtf import layers
        from pgtf.assembly import build
        from pgtf.networks import Architecture

        shape = Architecture(size=(8, 8), width=4)
        first = build.generators(shape, METHODS["full"](), ("forward",), seed=1)["forward"]
        gray = build.generators(shape.with_channels(1, 3), METHODS["full"](), ("forward",), seed=2)["forward"]
        layers.copy_matching(gray, layers.state(first))
        image = np.random.default_rng(0).random((1, 8, 8, 1)).astype("float32")
        np.testing.assert_allclose(gray(image), first(image.repeat(3, -1)), atol=1e-6)


if __name__ == "__main__":
    tf.test.main()
