"""Settings for single tasks."""

import dataclasses

from absl.testing import absltest, parameterized

from pgtf.config import Config
from pgtf.methods import Piggyback
from pgtf.objectives import CycleGAN


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


if __name__ == "__main__":
    absltest.main()
