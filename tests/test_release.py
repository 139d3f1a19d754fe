"""The version of a release stands in several files."""

import pathlib

from absl.testing import absltest

from pgtf import __version__

ROOT = pathlib.Path(__file__).parent.parent


class ReleaseTest(absltest.TestCase):
    def test_files_name_this_version(self):
        self.assertIn(f"\nversion: {__version__}\n", (ROOT / "CITATION.cff").read_text())
        self.assertIn(f"\n## {__version__} (20", (ROOT / "CHANGELOG.md").read_text())


if __name__ == "__main__":
    absltest.main()
