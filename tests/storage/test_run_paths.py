"""File and folder names of a run directory are spelled in storage/run_paths.py alone."""

import ast
import os
import pathlib

from absl.testing import absltest

from pgtf.storage import run_paths

ROOT = pathlib.Path(__file__).parent.parent.parent / "pgtf"
# Functions whose arguments are parts of paths.
OF_PATHS = {"join", "inside", "remove", "exists", "open", "isdir", "lexists", "_path", "task_path"}
# Rooms that are below storage; export formats, which have files of their own; the reader, which works by itself.
ELSEWHERE = (
    "storage/run_paths.py",
    "storage/reader.py",
    "config/flagfile.py",
    "foundation/files.py",
    "metrics/",
    "data/",
    "serving/",
)


def spelled(source):
    """The (line, name) of each name of a file or folder that a module spells."""
    names = {value for value in vars(run_paths).values() if isinstance(value, str) and not value.startswith('"')}
    names = {part for name in names for part in name.split(os.sep)} - {run_paths.__doc__, run_paths.__name__}
    distinct = {name for name in names if "." in name or "-" in name}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant):
            if node.value in distinct or node.value == "-input.png":
                yield node.lineno, node.value
        elif isinstance(node, ast.Call):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in OF_PATHS:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and argument.value in names - distinct:
                        yield argument.lineno, argument.value


class RunPathsTest(absltest.TestCase):
    def test_no_other_module_spells_a_name(self):
        found = {}
        for path in ROOT.rglob("*.py"):
            place = str(path.relative_to(ROOT))
            if not place.startswith(ELSEWHERE) and (spells := list(spelled(path.read_text()))):
                found[place] = spells
        self.assertEqual(found, {})

    def test_such_names_are_seen(self):
        for source, name in (
            ('NAME = "slice.json"', "slice.json"),
            ('path = os.path.join(run_dir, "tasks")', "tasks"),
            ('files.remove(run_dir, "samples", name)', "samples"),
            ('path = f"{task}-input.png"', "-input.png"),
            ('path = f"step-{step}"', "step-"),
            ('STAGED = ".adopting"', ".adopting"),
            ('exists(self._path("config.cfg"))', "config.cfg"),
        ):
            self.assertEqual(list(spelled(source)), [(1, name)], source)
        self.assertEmpty(list(spelled('COMMANDS = {"report": "Write a report."}\nsplit = "train"')))


if __name__ == "__main__":
    absltest.main()
