"""The settings of a run: their rules, their groups and their flat form."""

import dataclasses
import itertools
import subprocess
import sys

from absl.testing import absltest, parameterized

from pgtf.config import GROUPS, Config, DataSettings, TrainingSettings
from pgtf.foundation import settings, task_names
from pgtf.methods import METHODS, Factorized, Full, Half, Layered, Piggyback
from pgtf.objectives import OBJECTIVES, Classification, Pix2Pix

# For each setting a value that is not its default.
OTHER = dict(
    run_dir="runs/a name with spaces",
    tasks=("maps", "night2day", "a, b"),
    first_task_from="runs/first",
    schedule="together",
    seed=17,
    evaluate=True,
    inception="nets/one#pool_3",
    network="resnet",
    width=7,
    options=(("blocks", 3),),
    norm="batch",
    upsampling="resize",
    discriminator_width=9,
    discriminator_layers=2,
    data_dir="/data/it's here",
    direction=("maps:BtoA", "a, b:AtoB"),
    image_size="64x128",
    load_size="70x140",
    padding=5,
    flip=False,
    drawn_images=19,
    input_channels=4,
    output_channels=2,
    input_range="0:1000",
    output_range="measured",
    validation=0.25,
    bad_images="skip",
    cache_mb=23,
    epochs=11,
    steps=13,
    batch_size=6,
    accumulate=2,
    learning_rate=1.23456789e-05,
    decay_from=0.75,
    keep_weights="best",
    ema=0.99,
    keep_norms=True,
    slice_precision="int8",
    probes=2,
    compress_to="2%",
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
    changed = {bool: lambda value: not value, int: lambda value: value + 1, float: lambda value: value / 2 or 0.5}
    texts = {"all": "last:3", Layered.layers: "outer2:free,inner:frozen"}  # borrow_from and layers
    changed[str] = texts.__getitem__
    values = {}
    for field in settings.settings_of(kind):
        choices, default = field.metadata["choices"], field.default
        others = [choice for choice in choices if choice != default]
        values[field.name] = others[0] if others else changed[type(default)](default)
    return kind(**values)


def otherwise(method, **values):
    """A config of whose settings none has its default, but for those that its method rules out."""
    ruled_out = {"first_task_from": "", "distribute": "none"} if method.learns_together else {"schedule": "sequence"}
    if method.learns_together or not method.compressible or hasattr(method, "borrow_from"):
        ruled_out["compress_to"] = ""
    return Config(**{**OTHER, **ruled_out, **values}, method=method)


METHODS_OTHERWISE = [other(kind) for kind in METHODS.values() if kind.needs != "latents"]
OBJECTIVES_OTHERWISE = [other(kind) for kind in OBJECTIVES.values() if kind.serves == "images"]
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
    (dict(data_dir="data "), "without outer spaces"),
    (dict(data_dir="\tdata"), "without outer spaces"),
    (dict(data_dir="a\nb"), "one line of UTF-8"),
    (dict(run_dir="a\rb"), "one line of UTF-8"),
    (dict(run_dir="\udc80"), "one line of UTF-8"),
    (dict(override=("maps:epochs=2 ",)), "without outer spaces"),
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
    (dict(schedule="together"), "--method=width_wise or --method=layer_wise or --method=mapping_only"),
    (dict(schedule="together", method="width_wise", first_task_from="runs/one"), "--first_task_from"),
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
    (dict(keep_weights="first"), "last, best"),
    (dict(keep_weights="best"), "--evaluate_every=N"),
    (dict(evaluate_every=-1), "0 or more"),
    (dict(evaluate_images=1), "2 or more"),
    (dict(evaluate_every=5, tasks=("maps",), objective="cyclegan"), "--inception for a single unpaired task"),
    (dict(cycle_weight=-1.0, objective="cyclegan"), "0 or more"),
    (dict(identity_weight=-1.0, objective="cyclegan"), "0 or more"),
    *(
        (dict(compress_to=text, method="full"), "a percentage of a full network, such as 2%")
        for text in ("2", "0.02", "0%", "101%", "nan%", "two%", "%", "-1%")
    ),
    (dict(compress_to="2%", method="packnet"), "a --method of full, piggyback, .*layered"),
    (dict(compress_to="2%", method="width_wise", schedule="together"), "--schedule=sequence"),
    (dict(compress_to="2%", unconstrained_ratio=1.0), "later tasks that borrow from the first one alone"),
    (dict(compress_to="2%", borrow_from="closest:1"), "later tasks that borrow from the first one alone"),
    (dict(compress_to="2%", borrow_from="last:1"), "later tasks that borrow from the first one alone"),
    (dict(checkpoint_minutes=-1.0), "0 or more"),
    (dict(learning_rate=0.0), "more than 0"),
    (dict(learning_rate=float("nan")), "more than 0"),
    *(
        (
            {name: value, "objective": objective, "network": network, "method": "full"},
            f"left out with --objective={objective}, .*RGB of 8 bits; convert others first",
        )
        for name, value in (
            ("input_channels", 1),
            ("output_channels", 6),
            ("input_range", "0:9"),
            ("output_range", "measured"),
        )
        for objective, network in (("classification", "resnet18"), ("unconditional", "stylegan2"))
    ),
    (dict(blocks=0, network="resnet"), "more than 0"),
    (dict(stages=5, network="resnet18", objective="pix2pix"), r"in \[1, 4\]"),
    *(
        ({name: 0}, "more than 0")
        for name in [
            "width",
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
        with self.assertRaisesRegex(ValueError, rf"^--{name}(=\S+)? (must be|needs|excludes) .*{rule}.* Received: "):
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
            dict(compress_to="2%", borrow_from="first"),
            dict(compress_to="0.5%", borrow_from="cityscapes"),
            dict(compress_to="100%", method="full"),
            dict(compress_to="2%", method="mask"),
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
        self.assertEqual(Config(image_size="64", padding=4).load, (64, 64))
        self.assertEqual(Config(image_size="64", padding=4, load_size="70").load, (70, 70))

    def test_directions(self):
        asked = Config(tasks=("maps", "facades"), direction=("maps:BtoA", "facades:AtoB"))
        self.assertTrue(asked.flipped("maps"))
        self.assertFalse(asked.flipped("facades"))


class FlatTest(parameterized.TestCase):
    def test_every_setting_is_in_this_test(self):
        fields = {field.name: field for field in settings.settings_of(Config)}
        self.assertCountEqual(OTHER, [*fields, "options"])
        for name, field in fields.items():
            self.assertNotEqual(OTHER[name], field.default, name)

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

    def test_settings_of_the_network_are_its_rows(self):
        config = Config(network="resnet", options=(("blocks", 6),))
        self.assertEqual(config.flat()["blocks"], 6)
        self.assertEqual(Config.from_flat(config.flat()), config)
        self.assertEqual((config.architecture.blocks, config.architecture.options), (6, ()))
        self.assertEqual(Config(network="resnet").flat()["blocks"], 9)
        self.assertNotIn("blocks", Config().flat())
        self.assertEqual(Config.from_flat(dict(network="resnet", blocks=9)), Config(network="resnet"))
        with self.assertRaisesRegex(ValueError, "--network must be one with the setting blocks. Received: 'unet'"):
            Config(options=(("blocks", 6),))

    def test_a_unet_of_an_older_run_does_not_depend_on_its_blocks(self):
        older = dataclasses.replace(Config().architecture, blocks=6)
        self.assertTrue(older.is_same(Config().architecture))
        self.assertFalse(older.is_same(Config(width=8).architecture))
        six = Config(network="resnet", options=(("blocks", 6),)).architecture
        self.assertFalse(six.is_same(Config(network="resnet").architecture))

    def test_flat_and_back_with_an_objective_of_scores(self):
        scores = other(Classification)
        config = Config(objective=scores, network="resnet18", norm="batch", options=(("stages", 2),))
        self.assertEqual(Config.from_flat(config.flat()), config)

    def test_what_does_not_apply_is_ignored(self):
        asked = Config.from_flat(dict(method="full", unconstrained_ratio=0.5, pool_size=3))
        self.assertEqual(asked, Config(method=Full()))


class GroupsTest(absltest.TestCase):
    def test_a_config_is_the_union_of_its_groups(self):
        config = otherwise(METHODS_OTHERWISE[0])
        groups = config.run, config.networks, config.data, config.training, config.monitoring
        self.assertEqual([type(group) for group in groups], list(GROUPS.values()))
        values = {name: value for group in groups for name, value in vars(group).items()}
        self.assertEqual(Config(**values, method=config.method, objective=config.objective), config)

    def test_a_group_alone_has_the_same_rules(self):
        self.assertEqual(DataSettings(image_size="64x128").load, (72, 143))
        for kind, values in ((TrainingSettings, dict(batch_size=4, accumulate=3)), (DataSettings, dict(load_size="9"))):
            with self.assertRaisesRegex(ValueError, f"^--{list(values)[-1]} must be"):
                kind(**values)

    def test_config_needs_no_tensorflow_and_no_absl(self):
        code = "import sys, pgtf.config; print({'absl', 'keras', 'tensorflow'} & set(sys.modules))"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        self.assertEqual(found, "set()\n")


if __name__ == "__main__":
    absltest.main()
