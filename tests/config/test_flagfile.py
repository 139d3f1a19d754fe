"""A config comes back from its flagfile, also from one of an earlier pgtf, without absl."""

import itertools
import os
import pathlib

from absl.testing import absltest, parameterized

import pgtf
from pgtf.config import Config, flagfile, load_config
from pgtf.methods import Piggyback
from tests.config.test_config import METHODS_OTHERWISE, OBJECTIVES_OTHERWISE, otherwise

SCORES = {"classify.cfg", "masks.cfg", "cifar100.cfg"}  # Flagfiles of classifiers.
FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


class FlagfileTest(absltest.TestCase):
    def test_every_packaged_flagfile_is_a_config(self):
        folder = os.path.join(os.path.dirname(pgtf.__file__), "flags")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found = Config.from_flat(flagfile.parsed(file))
            self.assertEqual(found.objective.makes, "scores" if name in SCORES else "images", name)

    def test_what_is_saved_is_loaded(self):
        for method, objective in itertools.product(METHODS_OTHERWISE, OBJECTIVES_OTHERWISE):
            run_dir = self.create_tempdir().full_path
            saved = otherwise(run_dir=run_dir, method=method, objective=objective)
            flagfile.save(saved)
            self.assertEqual(load_config(run_dir), saved)

    def test_of_defaults_too(self):
        run_dir = self.create_tempdir().full_path
        flagfile.save(Config(run_dir=run_dir))
        self.assertEqual(load_config(run_dir), Config(run_dir=run_dir))

    def test_the_file_says_how_to_use_it(self):
        self.assertIn("pgtf train --flagfile", flagfile.text(Config()).splitlines()[0])

    def test_tasks_that_were_adopted_since_come_first(self):
        run_dir = self.create_tempdir().full_path
        flagfile.save(Config(run_dir=run_dir, tasks=("maps", "facades")))
        self.assertEqual(load_config(run_dir, ("maps", "streets")).tasks, ("maps", "streets", "facades"))

    def test_the_file_of_an_earlier_version(self):
        for folder, tasks in (
            ("format1", ("maps", "facades")),
            ("format1-shared", ("photo2monet", "photo2ukiyoe")),
            ("keras2", ("maps", "facades")),
            ("keras3", ("maps", "facades")),
        ):
            config = load_config(str(FIXTURES / folder))
            self.assertEqual(config.tasks, tasks)
            self.assertIsInstance(config.method, Piggyback)


class ParsedTest(parameterized.TestCase):
    def parsed(self, *lines):
        return flagfile.parsed([f"{line}\n" for line in lines])

    def test_every_form_of_a_line(self):
        found = self.parsed(
            "# a comment", "", "// another", "--width=7", "-blocks=3", "  --ema=0.5 ", "--evaluate",
            "--nodeterministic", "--share_bank=false", "--method=full", '--tasks="a, b",c', "--direction=",
            "--width=8", "--override=a:steps=1,ema=0.5", "--override=b:steps=2",
        )  # fmt: skip
        expected = dict(
            width=8, blocks=3, ema=0.5, evaluate=True, deterministic=False, share_bank=False, method="full",
            tasks=("a, b", "c"), direction=(), override=("a:steps=1,ema=0.5", "b:steps=2"),
        )  # fmt: skip
        self.assertEqual(found, expected)

    def test_earlier_names(self):
        self.assertEqual(self.parsed("--keep=last", "--base="), dict(keep_weights="last", first_task_from=""))
        config = Config(tasks=("maps",), evaluate_every=5, override=("maps:keep=best",))
        self.assertEqual(config.for_task("maps").keep_weights, "best")

    @parameterized.parameters(
        ("width=8", "--NAME=VALUE. Received: 'width=8'"),
        ("--width", "--NAME=VALUE. Received"),
        ("--nowidth", "--NAME=VALUE. Received"),
        ("--widht=8", "a flag of `pgtf train`. Received: '--widht=8'"),
        ("--width=wide", "--width must be a whole number. Received: 'wide'"),
        ("--evaluate=perhaps", "--evaluate must be true or false"),
        ('--tasks="a', "--tasks must be a list with commas"),
    )
    def test_lines_that_are_refused(self, line, error):
        with self.assertRaisesRegex(ValueError, error):
            self.parsed(line)

    def test_where_the_file_is_named(self):
        run_dir = self.create_tempdir().full_path
        path = os.path.join(run_dir, "config.cfg")
        for content in (b"--width=wide", b"--width=-8", b"\xff"):
            pathlib.Path(path).write_bytes(content)
            with self.assertRaisesRegex(ValueError, f"The run's flags can't be read.* Received: {path}"):
                load_config(run_dir)


if __name__ == "__main__":
    absltest.main()
