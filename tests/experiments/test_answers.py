"""Benchmarks of inference: their runs, and the section that says which goals are met."""

import tensorflow as tf

from pgtf.config import Config, task_plans
from pgtf.experiments.speed import answers
from pgtf.experiments.speed.answers_page import section

TINY = task_plans(Config(image_size="16", load_size="16", width=4))[0]


class AnswersTest(tf.test.TestCase):
    def test_no_two_tasks_of_a_run_are_the_same(self):
        run = answers.Run(answers.run_of(TINY, 4, self.create_tempdir().full_path, "outer"))
        self.assertLen({task.slice.sha256 for task in run}, 4)

    def test_goals_met_and_missed(self):
        sides = {"same": 0.03, "again": 0.04, "new": 0.089, "built": 0.59}
        figures = {side: {"seconds": seconds, "ratio": seconds / 0.03} for side, seconds in sides.items()}
        steady = {"1": {"float32": {"seconds": 0.02, "ratio": 1.0}, "PyTorch": {"seconds": 0.03, "ratio": 1.5}}}
        started = {"import": 3.0, "opened": 3.2, "answer": 4.5}
        found = [
            ({"benchmark": "swap", "kind": "low_rank"}, figures),
            ({"benchmark": "steady", "peers": ["torch"]}, steady),
            ({"benchmark": "opened", "tasks": 3}, {"mib": [300, 400, 410, 429], "slices_mib": 20.0}),
            ({"benchmark": "start"}, {side: {"seconds": s, "ratio": s / 3} for side, s in started.items()}),
            ({"benchmark": "combined"}, {"combined": {"seconds": 1, "ratio": 1.6}}),
        ]
        text = section(found, TINY, 3, ["swap", "steady"])
        self.assertIn("| low rank 16, int8 | 30 | 40 | 89 | – | – | 590 | 0.15 |", text)
        papers = section(found, task_plans(Config())[0], 3, ["swap"])
        self.assertIn("| low rank 16, int8 | 30 | 40 | 89 | ≤ 60 more | yes | 590 | 0.15 |", papers)
        slower = {**figures, "new": {"seconds": 0.091, "ratio": 3.0}}
        papers = section([({"benchmark": "swap", "kind": "low_rank"}, slower)], task_plans(Config())[0], 3, ["swap"])
        self.assertIn("| 91 | ≤ 60 more | no |", papers)
        self.assertIn("## Answers, 256x256 px, width 64", papers)
        self.assertIn("`pgtf bench --only=swap,steady --image_size=16 --load_size=16 --width=4 --bench_rounds=3", text)
        self.assertIn("- an answer in float32 ÷ PyTorch's best, batch 1: 0.67, asked ≤ 0.8: met", text)
        self.assertIn(
            "- 3 open tasks (all have answered): 429 MiB; one: 400; TensorFlow alone: 300; the slices: 20", text
        )
        self.assertIn("- 3 open tasks ÷ (two open and all slices): 1.00, asked ≤ 1.1: met", text)
        self.assertIn("÷ `import tensorflow`: 1.50, asked ≤ 1.3: not met", text)
        self.assertIn("import 3.0; pgtf's imports and the run 0.2; flags, building, tracing and running the", text)
        self.assertIn("- a task of a combined SavedModel ÷ one on its own: 1.60, asked ≤ 1.5: not met", text)


if __name__ == "__main__":
    tf.test.main()
