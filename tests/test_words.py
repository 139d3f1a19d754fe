"""Docstrings begin with a verb or a noun, not with a question word."""

import ast
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).parent.parent / "pgtf"
RIDDLE = re.compile(r"(What|Of|Whose|How|Where)\b")


def riddles(source: str) -> list[str]:
    """Returns the first lines of docstrings in Python source that begin with What, Of, Whose, How or Where."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return [text.splitlines()[0] for text in texts if RIDDLE.match(text)]


class WordsTest(unittest.TestCase):
    def test_finds_riddles(self):
        self.assertEqual(riddles('"""Whose it is.\n\nMore."""\ndef f():\n    """Offers it."""\n'), ["Whose it is."])

    def test_no_docstring_is_a_riddle(self):
        found = {}
        for path in sorted(ROOT.rglob("*.py")):
            first_lines = riddles(path.read_text())
            if first_lines:
                found[str(path)] = first_lines
        self.assertEqual(found, {})


if __name__ == "__main__":
    unittest.main()
