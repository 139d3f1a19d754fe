"""File names of a run directory are spelled in storage/layout.py alone."""

import ast
import pathlib

from absl.testing import absltest

from pgtf.storage import layout

ROOT = pathlib.Path(__file__).parent.parent.parent / "pgtf"


class LayoutTest(absltest.TestCase):
    def test_no_other_module_spells_a_file_name(self):
        names = {value for value in vars(layout).values() if isinstance(value, str) and value.count(".") == 1}
        names = {name for name in names if name.endswith((".json", ".jsonl", ".csv", ".safetensors"))}
        self.assertIn("slice.json", names)
        found = [
            f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
            for path in ROOT.rglob("*.py")
            if path.name != "layout.py"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and node.value in names
        ]
        self.assertEqual(found, [])


if __name__ == "__main__":
    absltest.main()
