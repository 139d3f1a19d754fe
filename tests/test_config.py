"""One dataclass, its flags and its flagfile; what contradicts a rule or a run is refused."""

import dataclasses
import os

from absl import flags
from absl.testing import absltest, parameterized

from pgtf import config
from pgtf.config import Config

FIELDS = {field.name: field for field in dataclasses.fields(Config)}
# For each field a value that is not its default.
OTHER = dict(
    run_dir="runs/a name with spaces",
    data_dir="/data/it's here",
    tasks=("maps", "night2day", "facades"),
    direction=("maps:BtoA", "facades:AtoB"),
    objective="cyclegan",
    network="resnet",
    method="half",
    unconstrained_ratio=0.1,
    start="random",
    share_bank=True,
    image_size="64x128",
    load_size="70x140",
    width=7,
    blocks=3,
    norm="batch",
    upsampling="resize",
    discriminator_width=9,
    discriminator_layers=2,
    epochs=11,
    steps=13,
    batch_size=5,
    learning_rate=1.23456789e-05,
    decay_from=0.75,
    l1_weight=12.5,
    cycle_weight=3.5,
    identity_weight=0.0,
    pool_size=0,
    seed=17,
    precision="mixed_float16",
    deterministic=True,
    drawn_images=19,
    bad_images="skip",
    cache_mb=23,
    log_every=29,
    sample_every=31,
    checkpoint_minutes=0.5,
    steps_per_call=37,
)
# name: (a value that is refused, a word of the rule)
REFUSED = [
    ("unconstrained_ratio", -0.01, r"in \[0, 1\]"),
    ("unconstrained_ratio", 1.01, r"in \[0, 1\]"),
    ("unconstrained_ratio", float("nan"), r"in \[0, 1\]"),
    ("decay_from", 1.5, r"in \[0, 1\]"),
    ("tasks", (), "at least one"),
    ("tasks", ("maps", ""), "names"),
    ("tasks", ("maps", "../facades"), "folder"),
    ("tasks", ("maps", "facades", "maps"), "each task once"),
    ("direction", ("maps",), "BtoA"),
    ("direction", ("maps:B2A",), "BtoA"),
    ("direction", ("night2day:BtoA",), "one of the tasks"),
    ("objective", "gan", "pix2pix, cyclegan"),
    ("network", "vit", "unet, resnet"),
    ("start", "zero", "first_task, random"),
    ("norm", "layer", "instance, batch"),
    ("upsampling", "shuffle", "transpose, resize"),
    ("precision", "float16", "mixed_float16"),
    ("bad_images", "ignore", "refuse, skip"),
    ("image_size", "large", "256x512"),
    ("image_size", "-64", "256x512"),
    ("image_size", "64x", "256x512"),
    ("load_size", "255", "at least the image size"),
    ("load_size", "300x200", "at least the image size"),
    ("steps", -1, "0"),
    ("seed", -1, "0 or more"),
    ("pool_size", -1, "0 or more"),
    ("cache_mb", -1, "0 or more"),
    ("l1_weight", -1.0, "0 or more"),
    ("cycle_weight", -1.0, "0 or more"),
    ("identity_weight", -1.0, "0 or more"),
    ("checkpoint_minutes", -1.0, "0 or more"),
    ("learning_rate", 0.0, "more than 0"),
    ("learning_rate", float("nan"), "more than 0"),
    *(
        (name, 0, "more than 0")
        for name in [
            "width",
            "blocks",
            "discriminator_width",
            "discriminator_layers",
            "epochs",
            "batch_size",
            "drawn_images",
            "log_every",
            "sample_every",
            "steps_per_call",
        ]
    ),
]


def parsed(*arguments):
    """Flags of their own, as if these were the command line."""
    values = flags.FlagValues()
    config.define(values)
    values(["train.py", *arguments])
    return values


class FieldsTest(parameterized.TestCase):
    def test_every_field_is_in_this_test(self):
        self.assertCountEqual(OTHER, FIELDS)
        for name, value in OTHER.items():
            self.assertNotEqual(value, FIELDS[name].default, name)

    @parameterized.parameters(*FIELDS)
    def test_help_teaches(self, name):
        text = FIELDS[name].metadata["help"]
        self.assertGreater(len(text), 20)
        self.assertEqual(text[-1], ".")
        self.assertEndsWith(parsed()[name].help, text)

    def test_without_flags_the_defaults(self):
        self.assertEqual(config._from_flags(parsed()), Config())

    @parameterized.parameters(*((name, value) for name, value in OTHER.items()))
    def test_one_flag_sets_one_field(self, name, value):
        text = ",".join(value) if isinstance(value, tuple) else value
        more = {"direction": dict(tasks=OTHER["tasks"]), "load_size": dict(image_size="64")}.get(name, {})
        more_flags = [f"--{key}={','.join(v) if isinstance(v, tuple) else v}" for key, v in more.items()]
        asked = config._from_flags(parsed(f"--{name}={text}", *more_flags))
        self.assertEqual(asked, dataclasses.replace(Config(), **more, **{name: value}))
        self.assertIs(type(getattr(asked, name)), type(getattr(Config(), name)))

    @parameterized.parameters(*REFUSED)
    def test_every_rule(self, name, value, rule):
        with self.assertRaisesRegex(ValueError, rf"^--{name} must be .*{rule}.* Received: "):
            Config(**{name: value})

    def test_edges_that_are_allowed(self):
        Config(unconstrained_ratio=0.0), Config(unconstrained_ratio=1.0), Config(decay_from=0.0, steps=0, seed=0)
        Config(image_size="64", load_size="64"), Config(l1_weight=0.0, identity_weight=0.0, checkpoint_minutes=0.0)


class SizesTest(absltest.TestCase):
    def test_one_number_is_a_square_and_two_are_height_and_width(self):
        self.assertEqual(Config(image_size="64").size, (64, 64))
        self.assertEqual(Config(image_size="64x128").size, (64, 128))

    def test_images_are_loaded_a_little_larger(self):
        self.assertEqual(Config(image_size="256").load, (286, 286))
        self.assertEqual(Config(image_size="64x128").load, (72, 143))
        self.assertEqual(Config(image_size="64", load_size="80x70").load, (80, 70))

    def test_directions(self):
        asked = Config(tasks=("maps", "facades"), direction=("maps:BtoA", "facades:AtoB"))
        self.assertTrue(asked.flipped("maps"))
        self.assertFalse(asked.flipped("facades"))


class FlagfileTest(absltest.TestCase):
    def test_what_is_saved_is_loaded(self):
        for values in (OTHER, {}):
            run_dir = self.create_tempdir().full_path
            saved = Config(**{**values, "run_dir": run_dir})
            saved.save()
            self.assertEqual(config.load(run_dir), saved)

    def test_a_run_may_have_moved(self):
        run_dir = self.create_tempdir().full_path
        Config(run_dir=run_dir, width=7).save()
        moved = self.create_tempdir().full_path
        os.rename(os.path.join(run_dir, "config.cfg"), os.path.join(moved, "config.cfg"))
        self.assertEqual(config.load(moved), Config(run_dir=moved, width=7))

    def test_no_run(self):
        self.assertIsNone(config.load(self.create_tempdir().full_path))

    def test_the_file_says_how_to_use_it(self):
        text = Config(**OTHER).flagfile()
        self.assertIn("python scripts/train.py --flagfile", text.splitlines()[0])
        self.assertEqual(config._from_flags(parsed(*text.splitlines()[1:])), Config(**OTHER))


class ResumedTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = self.create_tempdir().full_path
        self.run = Config(
            run_dir=self.run_dir, tasks=("maps", "edges"), direction=("edges:BtoA",), image_size="64", width=8, steps=5
        )
        self.run.save()
        os.makedirs(os.path.join(self.run_dir, "tasks"))

    def asked(self, *arguments, run_dir=None):
        before = config.flags.FLAGS
        config.flags.FLAGS = parsed(f"--run_dir={run_dir or self.run_dir}", *arguments)
        try:
            return config.from_flags()
        finally:
            config.flags.FLAGS = before

    def test_the_same_again_and_nothing_but_the_folder(self):
        self.assertEqual(self.asked(), self.run)
        self.assertEqual(self.asked("--width=8", "--image_size=64", "--tasks=maps,edges"), self.run)

    def test_a_contradiction_is_refused_with_both_values(self):
        for given, says in (("--width=9", "width=9, .* has 8"), ("--method=full", "method='full', .* has 'piggyback'")):
            with self.assertRaisesRegex(ValueError, f"Received: --{says}"):
                self.asked(given)

    def test_also_where_it_is_the_default(self):
        with self.assertRaisesRegex(ValueError, "--width=64, .* has 8"):
            self.asked("--width=64")

    def test_habits_may_change(self):
        asked = self.asked("--log_every=7", "--bad_images=skip", "--steps_per_call=3")
        self.assertEqual(asked, dataclasses.replace(self.run, log_every=7, bad_images="skip", steps_per_call=3))

    def test_new_tasks_go_to_the_end(self):
        asked = self.asked("--tasks=maps,edges,facades", "--direction=edges:BtoA,facades:BtoA")
        self.assertEqual(asked.tasks, ("maps", "edges", "facades"))
        for tasks in ("edges,maps", "maps", "maps,facades,edges"):
            with self.assertRaisesRegex(ValueError, "new ones go to the end. .*has maps,edges"):
                self.asked(f"--tasks={tasks}", "--direction=")

    def test_a_direction_stays(self):
        for direction in ("maps:BtoA,edges:BtoA", "edges:AtoB", ""):
            with self.assertRaisesRegex(ValueError, "keeps its direction"):
                self.asked(f"--direction={direction}")

    def test_flags_are_judged_together_with_the_runs_own(self):
        # Of other tasks than the default ones, at another size than the default one.
        self.assertEqual(self.asked("--direction=edges:BtoA"), self.run)
        with self.assertRaisesRegex(ValueError, "--load_size='70', .* has ''"):
            self.asked("--load_size=70")

    def test_before_anything_is_learnt_nothing_is_fixed(self):
        run_dir = self.create_tempdir().full_path
        dataclasses.replace(self.run, run_dir=run_dir).save()
        self.assertEqual(self.asked("--width=9", run_dir=run_dir), Config(run_dir=run_dir, width=9))

    def test_another_folder_is_another_run(self):
        run_dir = os.path.join(self.run_dir, "none")
        self.assertEqual(self.asked("--width=9", run_dir=run_dir), Config(run_dir=run_dir, width=9))


if __name__ == "__main__":
    absltest.main()
