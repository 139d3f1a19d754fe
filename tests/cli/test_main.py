"""The door of all commands: help of methods, and files that the package brings along."""

import contextlib
import io
import os
import pathlib
import tempfile
import unittest

from absl import flags

import pgtf
from pgtf.cli import help_text, main
from pgtf.methods import METHODS

PACKAGED = os.path.join(os.path.dirname(pgtf.__file__), "flags", "paired.cfg")


def printed(*arguments):
    """Returns what `pgtf` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main.main(arguments)
    return out.getvalue()


class HelpTest(unittest.TestCase):
    def test_methods(self):
        lines = printed("help", "methods").splitlines()
        self.assertEqual([line.split()[0] for line in lines if line.startswith("  ")], list(METHODS))

    def test_a_method_with_its_settings(self):
        text = printed("help", "low_rank")
        self.assertTrue(text.startswith("--method=low_rank\n\n"))
        self.assertIn("\n  --rank\n", text)
        self.assertIn("Default: 4.", text)
        self.assertIn("It has no settings.", printed("help", "half"))

    def test_flags_are_described_without_what_absl_adds(self):
        values = flags.FlagValues()
        flags.DEFINE_multi_enum("table", None, ["1", "2"], "Table. Repeat it for several.", flag_values=values)
        found = help_text._flag_lines(values["table"])
        self.assertEqual(found, ["  --table (1|2)", "      Table. Repeat it for several."])

    def test_no_method_hides_a_command(self):
        self.assertFalse({"methods", *METHODS} & set(main.COMMANDS))


class PackagedTest(unittest.TestCase):
    def in_a_folder(self, *paths):
        """Goes to a folder that holds these files."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        for path in paths:
            file = pathlib.Path(folder.name, path)
            file.parent.mkdir()
            file.touch()
        os.chdir(folder.name)

    def test_one_of_the_package_is_found_anywhere(self):
        self.in_a_folder()
        for given in (["--flagfile=flags/paired.cfg"], ["--flagfile", "flags/paired.cfg"]):
            self.assertEqual(main.as_flags(given, ()), [f"--flagfile={PACKAGED}"])

    def test_one_that_is_here_comes_first_and_others_stay(self):
        self.in_a_folder("flags/paired.cfg")
        others = "--flagfile=flags/none.cfg", "--data_dir=flags/demo.cfg", "--flagfile=samples/facade.png"
        for given in ("--flagfile=flags/paired.cfg", *others):
            self.assertEqual(main.as_flags([given], ()), [given])

    def test_samples_are_read_but_not_written(self):
        self.in_a_folder()
        given = ["samples/drawn.safetensors", "facades", "samples/facade.png", "-o", "samples/facade.png"]
        folder = os.path.join(os.path.dirname(pgtf.__file__), "samples")
        expected = [
            f"--run_dir={folder}/drawn.safetensors",
            "--task=facades",
            f"--input={folder}/facade.png",
            "--output=samples/facade.png",
        ]
        self.assertEqual(main.as_flags(given, ("run_dir", "task", "input")), expected)


if __name__ == "__main__":
    unittest.main()
