"""Checks a run's log and its records of replays."""

import json
import os

from absl.testing import absltest

from pgtf.storage import log
from pgtf.storage.probes import Replay


class LogTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def write(self, *lines):
        with open(os.path.join(self.folder, "log.jsonl"), "w") as file:
            file.write("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))

    def test_curves_of_each_task(self):
        self.write(
            {"task": "task 1/2 maps", "step": 2, "l1": 0.5, "learning_rate": 1e-4, "steps_per_second": 3.0},
            {"task": "task 1/2 maps", "step": 4, "l1": 0.4, "generator": 2},
            {"after": "maps", "replayed": "maps", "difference": 0.0, "bit_equal": True},
            {"task": "task 2/2 a task 1/2 b", "step": 2, "l1": 0.3},
        )
        wanted = {
            "maps": {"l1": ([2, 4], [0.5, 0.4]), "generator": ([4], [2])},
            "a task 1/2 b": {"l1": ([2], [0.3])},
        }
        self.assertEqual(log.curves(self.folder), wanted)

    def test_what_was_measured_at_a_step_stands_beside_its_losses(self):
        first = {"task": "task 1/1 maps", "step": 2}
        self.write({**first, "l1": 0.5}, {**first, "evaluation": {"FCD": 7.0, "Acc": None}})
        self.assertEqual(log.curves(self.folder), {"maps": {"l1": ([2], [0.5]), "FCD": ([2], [7.0])}})

    def test_extractors_of_each_task_in_order(self):
        of_maps = [{"task": "task 1/1 maps", "step": step} for step in (2, 4, 6)]
        self.write(
            {**of_maps[0], "evaluation": {"FCD": 7.0, "L1": 1.0}, "measured_by": {"FCD": "a (12)"}},
            {**of_maps[1], "evaluation": {"FCD": 6.0}, "measured_by": {"FCD": "a (12)"}},
            {**of_maps[2], "evaluation": {"FCD": 9.0}, "measured_by": {"FCD": "b (34)"}},
            {"task": "tasks 1-2/2 x, y", "step": 2, "measured_by": {"x/Acc": "c (56)", "y/Acc": "c (56)"}},
            {**of_maps[0], "measured_by": ["FCD"]},
        )
        wanted = {"maps": {"FCD": ["a (12)", "b (34)"]}, "x": {"Acc": ["c (56)"]}, "y": {"Acc": ["c (56)"]}}
        self.assertEqual(log.measured_by(self.folder), wanted)

    def test_a_run_that_went_back_to_a_checkpoint(self):
        steps = [2, 4, 6, 4, 6, 8]
        self.write(*({"task": "task 1/1 maps", "step": step, "l1": place} for place, step in enumerate(steps)))
        self.assertEqual(log.curves(self.folder), {"maps": {"l1": ([2, 4, 6, 8], [0, 3, 4, 5])}})

    def test_lines_that_are_none(self):
        self.write(
            '{"task": "task 1/1 ma', "[1]", '"x"', "", {"task": 3, "step": 2}, {"task": "task 1/1 maps", "step": "2"}
        )
        self.assertEqual(log.curves(self.folder), {})

    def test_no_log(self):
        self.assertEqual(log.curves(self.folder), {})

    def test_replays(self):
        self.assertEqual(log.replays(self.folder), {})
        path = os.path.join(self.folder, "replays.json")
        for content, wanted in (
            ('{"maps": {"difference": 0.5, "bit_equal": false}}', {"maps": Replay(0.5, False)}),
            ('{"maps": {"difference": 0.5}}', {}),
            ('{"maps": ', {}),
            ('{"maps": {"difference": "far", "bit_equal": false}}', {}),
            ("[]", {}),
            ("[" * 100_000, {}),
        ):
            with open(path, "w") as file:
                file.write(content)
            self.assertEqual(log.replays(self.folder), wanted)


if __name__ == "__main__":
    absltest.main()
