"""Imports point strictly down the tiers, and each heavy dependency has one door."""

import ast
import pathlib

from absl.testing import absltest

ROOT = pathlib.Path(__file__).parent.parent
# A module's tier is that of its longest prefix here. It may import only from lower tiers, and from its own package.
TIERS = {
    "pgtf.files": 0,
    "pgtf.seeds": 0,
    "pgtf.recipes": 0,
    "pgtf.bank": 0,
    "pgtf.config": 0,
    "pgtf.progress": 0,
    "pgtf.layers": 1,
    "pgtf.networks": 2,
    "pgtf.methods": 3,
    "pgtf.objectives": 4,
    "pgtf.data": 4,
    "pgtf.training": 5,
    "pgtf.evaluation": 6,
    "pgtf.translation": 6,
    "pgtf.file_translation": 6,
    "pgtf.run": 7,
    "pgtf.inspection": 8,
    "pgtf.signatures": 7,
    "pgtf.export": 8,
    "pgtf.report": 8,
    "pgtf.experiment": 8,
    "pgtf.benchmarks": 9,
}
DOORS = {
    "tensorflow_addons": {"pgtf/layers/norm.py"},
    "tensorflow_gan": {"pgtf/objectives/losses.py", "pgtf/evaluation/distances.py"},
    "absl": {"pgtf/config.py"},
}
FLAT = {"pgtf.files"}  # What its own tier may import too.


def imported(path):
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home(module):
    return max((name for name in TIERS if (module + ".").startswith(name + ".")), key=len, default=None)


class ImportsTest(absltest.TestCase):
    def test_tiers(self):
        for path in sorted((ROOT / "pgtf").rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module == "pgtf.__init__":  # The door, from outside.
                continue
            self.assertIsNotNone(home(module), f"{module} has no tier")
            for other in imported(path):
                there = home(other)
                if there is None or there == home(module) or there in FLAT:
                    continue
                self.assertLess(TIERS[there], TIERS[home(module)], f"{module} imports {other}")

    def test_doors(self):
        for path in sorted((ROOT / "pgtf").rglob("*.py")):
            for other in imported(path):
                allowed = DOORS.get(other.split(".")[0])
                where = path.relative_to(ROOT).as_posix()
                self.assertTrue(allowed is None or where in allowed, f"{where} imports {other}")

    def test_networks_and_training_are_told_their_collaborators(self):
        for folder, forbidden in (
            ("networks", "pgtf.recipes"),
            ("training", "pgtf.methods"),
            ("objectives", "pgtf.recipes"),
        ):
            for path in (ROOT / "pgtf" / folder).glob("*.py"):
                self.assertNotIn(forbidden, {home(other) for other in imported(path)}, path)


if __name__ == "__main__":
    absltest.main()
