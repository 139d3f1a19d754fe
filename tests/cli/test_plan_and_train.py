"""train.py and plan.py from the command line: help, plans without data, and what a mistake looks like."""

import json
import os
import pathlib
import resource
import subprocess
import sys

from absl.testing import absltest, parameterized

from tests.processes import Script

ROOT = pathlib.Path(__file__).parent.parent.parent


def path_of(name):
    return str(ROOT / "scripts" / f"{name}.py")


def begun(name, *flags):
    """A script that tells as its errors what it imports, too."""
    return subprocess.Popen(
        [sys.executable, "-X", "importtime", path_of(name), *flags],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class ScriptsTest(parameterized.TestCase):
    @parameterized.named_parameters(("train", "train"), ("plan_long", "plan"))
    def test_helpfull_shows_the_flags_and_is_quick(self, name):
        said, imported = begun(name, "--helpfull").communicate()
        for flag in ("--run_dir", "--unconstrained_ratio", "--json", "--dry_run"):
            self.assertIn(f"\n  {flag}", said)
        self.assertIn("The same command resumes an interrupted run.", " ".join(said.split()))
        self.assertNotIn("tensorflow", imported)

    @parameterized.named_parameters(
        (name + "_long" * (name != "translate"), name) for name in ("bench", "export", "list", "translate", "verify")
    )
    def test_help_shows_the_flags_and_is_quick(self, name):
        process = begun(name, "--help")
        said, imported = process.communicate()
        self.assertEqual(process.returncode, 0, imported)
        self.assertIn("\n  --run_dir", said)
        self.assertNotIn("tensorflow", imported)

    def test_plan_takes_a_moment(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = begun("plan", f"--run_dir={self.create_tempdir().full_path}", "--tasks=maps,facades")
        process.communicate()
        self.assertEqual(process.returncode, 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.assertLess(seconds, 1.5)  # Half a second where no one else computes; importing TensorFlow takes 3.

    def test_plan_and_mistakes(self):
        nowhere = os.path.join(self.create_tempdir().full_path, "run")
        asked = f"--flagfile={ROOT}/flags/paired.cfg", f"--run_dir={nowhere}", "--data_dir=/nowhere", "--json"
        plan = begun("plan", *asked)
        outer = begun("plan", *asked, f"--flagfile={ROOT}/flags/outer.cfg")
        typo = begun("train", f"--run_dir={nowhere}", "--unconstrained_ratio=2")
        size = Script(path_of("train"), f"--run_dir={nowhere}", "--image_size=100")
        said, imported = plan.communicate()
        self.assertIn("numpy", imported)
        self.assertNotRegex(imported, "tensorflow|keras")
        facts = json.loads(said)
        self.assertEqual([task["name"] for task in facts["tasks"]], ["cityscapes", "maps", "facades", "edges2handbags"])
        self.assertEqual([task["values"] for task in facts["tasks"]][:2], [54_419_459, 15_519_491])
        tasks = json.loads(outer.communicate()[0])["tasks"]
        self.assertEqual([task["values"] for task in tasks][:2], [54_419_459, 12_271_619])
        for process, says in (
            (typo, "ValueError: --unconstrained_ratio must be in [0, 1]. Received: 2.0"),
            (size, "A U-Net needs images whose shorter side is a power of two"),
        ):
            errors = process.communicate()[1]
            self.assertEqual(process.returncode, 1)
            self.assertIn(says, errors)
            self.assertNotIn("Traceback", errors)
            if process is typo:  # What flags say by themselves is judged at once.
                self.assertNotIn("tensorflow", errors)
        self.assertFalse(os.path.exists(nowhere))


if __name__ == "__main__":
    absltest.main()
