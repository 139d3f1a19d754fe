"""Benchmarks of reading: their runs, and their section of BENCH.md."""

from unittest import mock

import pytest
import tensorflow as tf

from pgtf.config import Config, task_plans
from pgtf.experiments.speed import inputs
from pgtf.experiments.speed.inputs_page import section

pytestmark = pytest.mark.usefixtures("step_by_step")
TINY = task_plans(
    Config(image_size="16", load_size="16", width=2, discriminator_width=2, discriminator_layers=1, drawn_images=2)
)[0]


class InputsTest(tf.test.TestCase):
    def test_formats_are_read_and_compared_with_a_step(self):
        some = {name: inputs.FORMATS[name] for name in ("JPEG in a .zip", "TIFF of 16 bits")}
        with mock.patch.multiple(inputs, FORMATS=some, PAIRS=2):
            found = inputs.reading(TINY, 1)
        self.assertEqual(set(found), {*some, "step"})
        self.assertEqual(found["step"]["ratio"], 1.0)
        self.assertGreater(min(one["seconds"] for one in found.values()), 0)

    def test_folders_and_archives_of_many_files_are_opened(self):
        found = inputs.many_files(TINY, 1, 20)
        self.assertEqual(set(found), {"folder", ".zip", ".tar", ".tar.gz"})

    def test_the_section_says_what_is_met(self):
        reading = {
            name: {"seconds": seconds, "ratio": seconds / 0.5}
            for name, seconds in (("PNG", 0.01), (".npy", 0.04), ("step", 0.5))
        }
        found = [
            ({"benchmark": "reading"}, reading),
            ({"benchmark": "many_files", "count": 100_000}, {"folder": {"seconds": 2.0, "mib": 46.0}}),
        ]
        text = section(found, TINY, 3, ["input"])
        self.assertIn("`pgtf bench --only=input --image_size=16x16 --width=2 --bench_rounds=3`", text)
        self.assertIn("| PNG | 10.0 | 100 | 0.020 | ≤ 0.05 | yes | 0.5 |", text)
        self.assertIn("| .npy | 40.0 | 25 | 0.080 | ≤ 0.05 | no | 2.0 |", text)
        self.assertIn("| 100,000 pairs in a | CPU seconds", text)
        self.assertIn("| folder | 2.0 | 46 | ≤ 10 s | yes |", text)


if __name__ == "__main__":
    tf.test.main()
