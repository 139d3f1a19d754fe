"""The tasks of a run that stays open: a dropped one is gone, one that takes its name answers itself."""

import os

import numpy as np
from absl.testing import absltest

from pgtf.runs.adopt import adopt
from pgtf.runs.drop import drop
from pgtf.runs.pack import load, pack
from pgtf.runs.run import Run
from pgtf.studio.live_run import LiveRun
from tests.tiny import tiny_run


class LiveRunTest(absltest.TestCase):
    def test_a_dropped_task_is_gone_until_it_is_adopted_again(self):
        folder = self.create_tempdir().full_path
        run_dir, path = tiny_run(os.path.join(folder, "run")), os.path.join(folder, "maps.safetensors")
        image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), "uint8")
        live, run = LiveRun(Run(run_dir)), Run(run_dir)
        before = live["maps"](image)
        pack(run, "maps", path)
        drop(run_dir, "maps")
        with self.assertRaisesRegex(ValueError, "Unknown task.*Received: 'maps'"):
            live["maps"]
        np.testing.assert_array_equal(live["facades"](image), run["facades"](image))
        adopt(run_dir, load(path))
        np.testing.assert_array_equal(live["maps"](image), before)


if __name__ == "__main__":
    absltest.main()
