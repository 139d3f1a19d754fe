"""What a run is: one dataclass and its flagfile; what contradicts a rule or a run is refused."""

import dataclasses
import itertools

from absl.testing import absltest, parameterized

from pgtf.cli import command_line
from pgtf.config import Config, Contradiction
from pgtf.foundation import settings, task_names
from pgtf.methods import METHODS, Factorized, Full, Half, Piggyback
from pgtf.objectives import OBJECTIVES, CycleGAN, Pix2Pix

# For each setting a value that is not its default.
OTHER = dict(
    run_dir="runs/a name with spaces",
    tasks=("maps", "night2day", "a, b"),
    base="runs/first",
    schedule="together",
    seed=17,
    evaluate=True,
    inception="nets/one#pool_3",
    network="resnet",
    width=7,
    blocks=3,
    norm="batch",
    upsampling="resize",
    discriminator_width=9,
    discriminator_layers=2,
    data_dir="/data/it's here",
    direction=("maps:BtoA", "a, b:AtoB"),
    image_size="64x128",
    load_size="70x140",
    drawn_images=19,
    validation=0.25,
    bad_images="skip",
    cache_mb=23,
    epochs=11,
    steps=13,
    batch_size=6,
    accumulate=2,
    learning_rate=1.23456789e-05,
    decay_from=0.75,
    keep="best",
    ema=0.99,
    slice_precision="int8",
    precision="mixed_float16",
    distribute="mirrored",
    override=("maps:epochs=3,batch_size=2", "night2day:learning_rate=1e-05"),
    deterministic=True,
    log_every=29,
    sample_every=31,
    evaluate_every=41,
    evaluate_images=43,
    checkpoint_minutes=0.5,
    steps_per_call=37,
)


def other(kind):
    """A method or an objective of whose settings none has its default."""
    changed = {bool: lambda value: not value, int: lambda value: value + 1, float: lambda value: value / 2}
    changed[str] = {"all": "last:3"}.get  # borrow_from
    values = {}
    for field in settings.settings_of(kind):
        choices, default = field.metadata["choices"], field.default
        others = [choice for choice in choices if choice != default]
        values[field.name] = others[0] if others else changed[type(default)](default)
    return kind(**values)


def otherwise(method, **values):
    """A config of whose settings none has its default, but for those that its method rules out."""
    ruled_out = {"base": "", "distribute": "none"} if method.learns_together else {"schedule": "sequence"}
    return Config(**{**OTHER, **ruled_out, **values}, method=method)


METHODS_OTHERWISE = [other(kind) for kind in METHODS.values()]
OBJECTIVES_OTHERWISE = [other(kind) for kind in OBJECTIVES.values()]
# {flag: value} that is refused, what the rule says of the first of them
REFUSED = [
    (dict(unconstrained_ratio=-0.01), r"in \[0, 1\]"),
    (dict(unconstrained_ratio=1.01), r"in \[0, 1\]"),
    (dict(unconstrained_ratio=float("nan")), r"in \[0, 1\]"),
    (dict(decay_from=1.5), r"in \[0, 1\]"),
    (dict(tasks=()), "at least one"),
    (dict(tasks=("maps", "")), "names"),
    (dict(tasks=("maps", "../facades")), "folder"),
    (dict(tasks=("maps", "a\nb")), "folder"),
    (dict(tasks=("maps ", "facades")), "without spaces around them"),
    (dict(tasks=("maps", "\u2003facades")), "without spaces around them"),
    (dict(data_dir="data "), "without spaces around it"),
    (dict(data_dir="\tdata"), "without spaces around it"),
    (dict(data_dir="a\nb"), "a line of UTF-8"),
    (dict(run_dir="a\rb"), "a line of UTF-8"),
    (dict(run_dir="\udc80"), "a line of UTF-8"),
    (dict(override=("maps:epochs=2 ",)), "without spaces around it"),
    (dict(tasks=("maps", "é" * (task_names.LONGEST // 2 + 1))), f"at most {task_names.LONGEST} bytes"),
    (dict(tasks=("maps", "facades", "maps")), "each task once"),
    (dict(direction=("maps",)), "BtoA"),
    (dict(direction=("maps:B2A",)), "BtoA"),
    (dict(direction=("night2day:BtoA",)), "one of the tasks"),
    (dict(direction=("maps:AtoB", "maps:BtoA")), "one for each task"),
    (dict(method="magic"), ", ".join(METHODS)),
    (dict(objective="gan"), "pix2pix, cyclegan"),
    (dict(network="vit"), "unet, resnet"),
    (dict(start="zero"), "first_task, previous_task, random"),
    (dict(norm="layer"), "instance, batch"),
    (dict(upsampling="shuffle"), "transpose, resize"),
    (dict(precision="float16"), "mixed_float16"),
    (dict(distribute="everywhere"), "none, mirrored"),
    (dict(accumulate=3, batch_size=4), "a divisor of --batch_size=4"),
    (dict(bad_images="ignore"), "refuse, skip"),
    (dict(image_size="large"), "256x512"),
    (dict(image_size="-64"), "256x512"),
    (dict(image_size="64x"), "256x512"),
    (dict(image_size="256" + "0" * 400), "at most 5 digits"),
    (dict(image_size="256" + "0" * 5000), "at most 5 digits"),
    (dict(load_size="255"), "at least the image size"),
    (dict(load_size="300x200"), "at least the image size"),
    (dict(schedule="together"), "sequence with any other --method than width_wise, layer_wise"),
    (dict(schedule="together", method="width_wise", base="runs/one"), "sequence where a run begins with a --base"),
    (dict(schedule="together", method="width_wise", distribute="mirrored"), "sequence where a run is distributed"),
    (dict(schedule="at once"), "sequence, together"),
    (dict(steps=-1), "0 or more"),
    (dict(seed=-1), r"in \[0, "),
    (dict(seed=2**31), r"in \[0, "),
    (dict(pool_size=-1, objective="cyclegan"), "0 or more"),
    (dict(cache_mb=-1), "0 or more"),
    (dict(l1_weight=-1.0), "0 or more"),
    (dict(l1_weight=float("inf")), "finite"),
    (dict(most_grown=17.0, method="cpg"), r"in \[0, 16\]"),
    (dict(grow_by=1e30, method="cpg"), "more than 0 and at most 16"),
    (dict(ema=1.0), r"in \[0, 0.99999\]"),
    (dict(ema=-0.1), r"in \[0, 0.99999\]"),
    (dict(keep="first"), "last, best"),
    (dict(keep="best"), "last where --evaluate_every measures no points"),
    (dict(evaluate_every=-1), "0 or more"),
    (dict(evaluate_images=1), "2 or more"),
    (dict(evaluate_every=5, tasks=("maps",), objective="cyclegan"), "0 where one unpaired task has no --inception"),
    (dict(cycle_weight=-1.0, objective="cyclegan"), "0 or more"),
    (dict(identity_weight=-1.0, objective="cyclegan"), "0 or more"),
    (dict(checkpoint_minutes=-1.0), "0 or more"),
    (dict(learning_rate=0.0), "more than 0"),
    (dict(learning_rate=float("nan")), "more than 0"),
    *(
        ({name: 0}, "more than 0")
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


class RulesTest(parameterized.TestCase):
    @parameterized.parameters(*REFUSED)
    def test_every_rule(self, values, rule):
        name, *_ = values
        with self.assertRaisesRegex(ValueError, rf"^--{name} must be .*{rule}.* Received: "):
            Config.from_flat(values)

    def test_edges_that_are_allowed(self):
        for values in (
            dict(unconstrained_ratio=0.0),
            dict(unconstrained_ratio=1.0),
            dict(decay_from=0.0, steps=0, seed=0),
            dict(seed=2**31 - 1),
            dict(image_size="64", load_size="64"),
            dict(l1_weight=0.0, checkpoint_minutes=0.0),
            dict(objective="cyclegan", identity_weight=0.0, pool_size=0),
            dict(tasks=("é" * (task_names.LONGEST // 2),)),
            dict(ema=0.0, evaluate_every=0, evaluate_images=2),
            dict(evaluate_every=5, tasks=("maps",)),
            dict(evaluate_every=5, tasks=("maps",), objective="cyclegan", inception="nets/one"),
        ):
            Config.from_flat(values)


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


class FlatTest(parameterized.TestCase):
    def test_every_setting_is_in_this_test(self):
        fields = {field.name: field for field in settings.settings_of(Config)}
        self.assertCountEqual(OTHER, fields)
        for name, value in OTHER.items():
            self.assertNotEqual(value, fields[name].default, name)

    def test_nothing_said_is_the_default(self):
        self.assertEqual(Config.from_flat({}), Config())
        self.assertEqual(Config.from_flat(dict.fromkeys(Config().flat())), Config())
        self.assertEqual((Config().method, Config().objective), (Piggyback(0.25), Pix2Pix(100.0)))

    def test_flat_and_back(self):
        for method, objective in itertools.product(METHODS_OTHERWISE, OBJECTIVES_OTHERWISE):
            config = otherwise(method=method, objective=objective)
            self.assertEqual(Config.from_flat(config.flat()), config)
        self.assertEqual(Config(method=Half()).flat()["method"], "half")
        self.assertNotIn("unconstrained_ratio", Config(method=Half()).flat())
        self.assertNotIn("unconstrained_ratio", Config(method=Factorized()).flat())
        self.assertEqual(Config(method=Piggyback(0.5)).flat()["unconstrained_ratio"], 0.5)

    def test_what_does_not_apply_is_ignored(self):
        asked = Config.from_flat(dict(method="full", unconstrained_ratio=0.5, pool_size=3))
        self.assertEqual(asked, Config(method=Full()))


class FlagfileTest(absltest.TestCase):
    def test_what_is_saved_is_loaded(self):
        for method, objective in itertools.product(METHODS_OTHERWISE, OBJECTIVES_OTHERWISE):
            run_dir = self.create_tempdir().full_path
            saved = otherwise(run_dir=run_dir, method=method, objective=objective)
            saved.save()
            self.assertEqual(command_line.load_config(run_dir), saved)

    def test_of_defaults_too(self):
        run_dir = self.create_tempdir().full_path
        Config(run_dir=run_dir).save()
        self.assertEqual(command_line.load_config(run_dir), Config(run_dir=run_dir))

    def test_the_file_says_how_to_use_it(self):
        self.assertIn("pgtf train --flagfile", Config().flagfile().splitlines()[0])


class OverrideTest(parameterized.TestCase):
    def test_a_task_has_settings_of_its_own(self):
        config = Config(
            tasks=("maps", "facades"),
            objective=CycleGAN(pool_size=7),
            override=("facades:steps=5,learning_rate=1e-3,load_size=300x400,cycle_weight=2.5",),
        )
        self.assertEqual(config.for_task("maps"), dataclasses.replace(config, override=()))
        self.assertEqual(
            config.for_task("facades"),
            dataclasses.replace(
                config,
                override=(),
                steps=5,
                learning_rate=1e-3,
                load_size="300x400",
                objective=CycleGAN(pool_size=7, cycle_weight=2.5),
            ),
        )

    def test_a_task_has_a_start_of_its_own(self):
        config = Config(tasks=("maps", "facades"), override=("facades:start=random",))
        self.assertEqual(config.for_task("facades").method, Piggyback(start="random"))
        self.assertEqual(config.for_task("maps").method, Piggyback())

    @parameterized.parameters(
        ("facades", "TASK:NAME=VALUE"),
        ("facades:", "TASK:NAME=VALUE"),
        ("facades:steps", "TASK:NAME=VALUE"),
        ("facades:=5", "TASK:NAME=VALUE"),
        ("facades:steps=5,", "TASK:NAME=VALUE"),
        ("night2day:steps=5", "for one of the tasks .*, once"),
        ("facades:width=5", "of the settings .*epochs"),
        ("facades:unconstrained_ratio=0.5", "of the settings"),
        ("facades:precision=float32", "of the settings"),
        ("facades:pool_size=3", "of the settings .*l1_weight"),
    )
    def test_what_is_no_setting_of_a_task(self, text, rule):
        with self.assertRaisesRegex(ValueError, f"^--override must be {rule}.* Received: '{text}'"):
            Config(override=(text,))

    def test_its_values_have_the_same_bounds(self):
        for text, rule in (
            ("facades:steps=-1", "--steps must be 0 or more. Received: -1"),
            ("facades:steps=few", "--steps must be a whole number. Received: 'few'"),
            ("facades:learning_rate=fast", "--learning_rate must be a float. Received: 'fast'"),
            ("facades:load_size=20", "--load_size must be at least the image size, 256. Received: '20'"),
            ("facades:l1_weight=-1", "--l1_weight must be 0 or more. Received: -1"),
        ):
            with self.assertRaisesRegex(ValueError, f"^{rule}"):
                Config(override=(text,))
        with self.assertRaisesRegex(ValueError, "for one of the tasks .*, once"):
            Config(override=("facades:steps=5", "facades:epochs=5"))


class ResumedTest(absltest.TestCase):
    RUN = Config(
        run_dir="runs/one", tasks=("maps", "edges"), direction=("edges:BtoA",), image_size="64", width=8, steps=5
    )

    def resumed(self, learnt=("maps", "edges"), **changes):
        asked = dataclasses.replace(self.RUN, **changes)
        self.assertEqual(self.RUN.resumed(asked, learnt), asked)

    def refused(self, rule, learnt=("maps", "edges"), **changes):
        with self.assertRaisesRegex(ValueError, rule):
            self.RUN.resumed(dataclasses.replace(self.RUN, **changes), learnt)

    def test_the_same_again(self):
        self.resumed()

    def test_a_contradiction_is_refused_with_both_values(self):
        self.refused("Received: --width=9, where runs/one has 8", width=9)
        self.refused("Received: --method='full', where runs/one has 'piggyback'", method=Full())
        self.refused("Received: --unconstrained_ratio=0.5, where runs/one has 0.25", method=Piggyback(0.5))
        self.refused("Received: --objective='cyclegan', where runs/one has 'pix2pix'", objective=CycleGAN())
        self.refused("Received: --l1_weight=3.0, where runs/one has 100.0", objective=Pix2Pix(3.0))

    def test_also_where_it_is_the_default(self):
        self.refused("--width=64, .* has 8", width=64)

    def test_another_setting_for_a_coming_task_names_the_way_out(self):
        new = dict(tasks=("maps", "edges", "facades"))
        self.refused("with --override=facades:steps=20; another --run_dir.* --steps=20, where .* 5", steps=20, **new)
        self.refused("--override=facades:steps=9,ema=0.5; .* has 5, 0.0", steps=9, ema=0.5, **new)
        for changes in (dict(steps=20), dict(width=9, **new), dict(steps=9, width=9, **new)):
            with self.assertRaises(Contradiction) as caught:
                self.RUN.resumed(dataclasses.replace(self.RUN, **changes), ("maps", "edges"))
            self.assertNotIn("--override", str(caught.exception))

    def test_habits_may_change(self):
        self.resumed(log_every=7, bad_images="skip", steps_per_call=3, run_dir="runs/moved", data_dir="/data/moved")

    def test_new_tasks_go_to_the_end(self):
        self.resumed(tasks=("maps", "edges", "facades"), direction=("edges:BtoA", "facades:BtoA"))
        for tasks in (("edges", "maps"), ("maps",), ("maps", "facades", "edges")):
            self.refused("new ones go to the end. .*has learnt maps,edges", tasks=tasks, direction=())

    def test_a_task_that_is_not_learnt_may_still_change(self):
        for tasks in (("maps",), ("maps", "facades", "edges"), ("maps", "facades")):
            self.resumed(learnt=("maps",), tasks=tasks, direction=())

    def test_a_direction_stays(self):
        for direction in (("maps:BtoA", "edges:BtoA"), ("edges:AtoB",), ()):
            self.refused("keeps its direction", direction=direction)
        self.resumed(learnt=("maps",), direction=())


if __name__ == "__main__":
    absltest.main()
