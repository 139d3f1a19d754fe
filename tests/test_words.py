"""Docstrings begin with a verb or a noun, not with a question word, and use the field's terms for mechanisms."""

import ast
import functools
import pathlib
import re
import unittest

TESTS = pathlib.Path(__file__).parent
ROOT = TESTS.parent / "pgtf"
RIDDLE = re.compile(r"(What|Of|Whose|How|Where)\b")
# Personal verbs for mechanisms, and words with a plainer form.
BANNED = re.compile(r"\b(learnt|told|tells|plays|played|asks|judges|anew)\b", re.IGNORECASE)
ON_DISK = re.compile(r"^\s*learnt: |`learnt`", re.MULTILINE)  # Names of facts.


@functools.cache
def docstrings(source: str) -> list[str]:
    """Returns the docstrings in Python source."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


def riddles(source: str) -> list[str]:
    """Returns the first lines of docstrings in Python source that begin with What, Of, Whose, How or Where."""
    return [text.splitlines()[0] for text in docstrings(source) if RIDDLE.match(text)]


def banned(source: str) -> list[str]:
    """Returns the banned words in the docstrings of Python source."""
    return [word for text in docstrings(source) for word in BANNED.findall(ON_DISK.sub("", text))]


class WordsTest(unittest.TestCase):
    def test_finds_riddles(self):
        self.assertEqual(riddles('"""Whose it is.\n\nMore."""\ndef f():\n    """Offers it."""\n'), ["Whose it is."])

    def test_finds_banned_words(self):
        self.assertEqual(banned('"""Plays what was learnt.\n\nlearnt: when."""\n# told\n'), ["Plays", "learnt"])

    def test_no_docstring_is_a_riddle_or_has_a_banned_word(self):
        found = {}
        for path in sorted(ROOT.rglob("*.py")):
            wrong = [*riddles(path.read_text()), *banned(path.read_text())]
            if wrong:
                found[str(path)] = wrong
        self.assertEqual(found, {})

    def test_no_docstring_of_a_test_is_a_riddle(self):
        found = {path.name: riddles(path.read_text()) for path in sorted(TESTS.rglob("*.py"))}
        self.assertEqual({name: wrong for name, wrong in found.items() if wrong}, {})


if __name__ == "__main__":
    unittest.main()
