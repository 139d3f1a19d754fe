"""Two generations' steps are compared round by round, and BENCH.md's other parts stay."""

import pathlib
import subprocess
import sys

from absl.testing import absltest

from pgtf.config import Config, task_plans
from pgtf.experiments.speed import versions

PIECE = {"benchmark": "step", "network": "unet", "batch": 1, "task": 2}


# A process of the benchmark `step`: it notes whose turn it is, and says the next of its seconds.
PROCESS = """
import json, sys
keras, order, *seconds = sys.argv[1:]
print("A note of a library")
for said, _ in zip(seconds, sys.stdin):
    with open(order, "a") as file:
        file.write(keras[0])
    print("CPU seconds:", said, flush=True)
print(json.dumps({"keras": keras, "tensorflow": "2"}))
"""


class VersionsTest(absltest.TestCase):
    def found(self, there):
        """Figures of three rounds: here Keras 3 takes 2, 3 and 9 s, in the other Python Keras 2 takes `there`."""
        order = self.create_tempfile().full_path
        arguments = {"here": ("3.15.1", order, 50, 50, 2, 3, 9), "there": ("2.15.0", order, 0.1, 0.1, *there)}

        def start(python):
            command = [sys.executable, "-c", PROCESS, *map(str, arguments[python])]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        found = versions.by_turns(start, ("here", "there"), 3)
        self.assertEqual(pathlib.Path(order).read_text(), "2332233223")
        return found

    def test_the_ratio_is_of_the_newer_to_the_older_round_by_round(self):
        found = self.found([1.0, 3.0, 6.0])
        self.assertEqual(found["versions"], ["TensorFlow 2, Keras 2.15.0", "TensorFlow 2, Keras 3.15.1"])
        self.assertEqual((found["cpu_seconds"], found["ratio"]), ([3.0, 3.0], 1.5))  # Of 2, 1 and 1.5.

    def test_a_process_that_ends_too_soon_is_told(self):
        with self.assertRaisesRegex(ValueError, r"A measurement failed\. Received: exit status 0 of"):
            self.found([1.0])

    def test_a_section_says_whether_the_goal_is_met(self):
        plan = task_plans(Config())[0]
        for there, row in (
            ([1.0, 3.0, 6.0], "3.000 | 3.000 | 1.50 | ≤ 1.1 | no"),
            ([2.0, 3.0, 9.0], "1.00 | ≤ 1.1 | yes"),
        ):
            self.assertIn(row, versions.section([(PIECE, self.found(there))], plan, 3))

    def test_either_part_of_the_page_is_written_and_the_other_kept(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "BENCH.md"
        for given, content in (
            (dict(page="# Speed\n\n1\n"), "# Speed\n\n1\n"),
            (dict(own=f"{versions.TITLE}\n2\n"), f"# Speed\n\n1\n\n{versions.TITLE}\n2\n"),
            (dict(page="# Speed\n\n3\n"), f"# Speed\n\n3\n\n{versions.TITLE}\n2\n"),
            (dict(own=f"{versions.TITLE}\n4\n"), f"# Speed\n\n3\n\n{versions.TITLE}\n4\n"),
        ):
            versions.write(str(path), **given)
            self.assertEqual(path.read_text(), content)


if __name__ == "__main__":
    absltest.main()
