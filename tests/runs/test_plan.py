"""Plans of all combinations of methods, networks and objectives, without TensorFlow."""

import pathlib
import subprocess
import sys

from absl.testing import absltest

ROOT = pathlib.Path(__file__).parent.parent.parent
CODE = """
import itertools, sys
from pgtf.config import Config, task_plans
from pgtf.config.combinations import refusal
from pgtf.methods import METHODS
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES
from pgtf.runs.plan import plan_text

met = set()
for method, network, objective in itertools.product(METHODS, NETWORKS, OBJECTIVES):
    kind = NETWORKS[network]
    if not refusal(METHODS[method](), OBJECTIVES[objective](), kind):
        tasks = ("shapes", "textures") if objective == "classification" else ("maps", "facades", "depth2relief")
        settings = dict(run_dir="none", tasks=tasks, image_size="32", width=16, norm=kind.norms[0], rank=1)
        if METHODS[method].fixed_channels:
            settings["tasks"] = tasks[:2]
        chosen = dict(method=method, network=network, objective=objective)
        plan = plan_text(task_plans(Config.from_flat({**settings, **chosen})), ())
        assert all(f"\\n{task} " in plan for task in settings["tasks"]), plan
        met |= set(chosen.values())
assert met == {*METHODS, *NETWORKS, *OBJECTIVES}, met
print(*{"keras", "tensorflow"} & sys.modules.keys())
"""


class PlanTest(absltest.TestCase):
    def test_no_combination_imports_tensorflow(self):
        done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("\n", ""))


if __name__ == "__main__":
    absltest.main()
