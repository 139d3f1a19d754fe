"""The version of a release stands in several files, and the machines that check it call what exists."""

import pathlib
import re

from absl.testing import absltest

from pgtf import __version__

ROOT = pathlib.Path(__file__).parent.parent


class ReleaseTest(absltest.TestCase):
    def test_files_name_this_version(self):
        self.assertIn(f"\nversion: {__version__}\n", (ROOT / "CITATION.cff").read_text())
        self.assertIn(f"\n## {__version__} (20", (ROOT / "CHANGELOG.md").read_text())

    def test_machines_call_targets_and_files_that_exist(self):
        targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
        for path, count in ((".ci/run", 5), (".github/workflows/test.yml", 4)):
            calls = re.findall(r"(?m)^(?: *- run: )?make (.+)$", (ROOT / path).read_text())
            named = [word for call in calls for word in call.split() if "=" not in word]
            self.assertLen(named, count)
            self.assertEqual(set(named) - targets, set(), path)
        for path in ("Dockerfile", ".github/workflows/test.yml"):
            for name in re.findall(r"constraints[a-z-]*\.txt", (ROOT / path).read_text()):
                self.assertTrue((ROOT / name).exists(), f"{path}: {name}")


if __name__ == "__main__":
    absltest.main()
