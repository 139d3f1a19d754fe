"""Imports point strictly down the tiers, and each heavy dependency has one door."""

import ast
import functools
import pathlib
import re
import subprocess
import sys

from absl.testing import absltest

ROOT = pathlib.Path(__file__).parent.parent
# The rooms of pgtf from the ground up. A module imports from its own room and from rooms of lower tiers.
TIERS = (
    ("foundation",),
    ("distribution",),
    ("data", "metrics", "recipes"),
    ("layers",),
    ("networks",),
    ("methods",),
    ("objectives",),
    ("config",),
    ("storage",),
    ("assembly",),
    ("compression",),
    ("runs",),
    ("evaluation",),
    ("training", "serving"),
    ("report",),
    ("experiments", "studio"),
    ("cli",),
    ("__main__",),
)
DOORS = {
    "absl": {"pgtf.cli"},
    "matplotlib": {"pgtf.experiments.speed.plot", "pgtf.report.plots"},
    "tensorflow_addons": {"pgtf.layers.norm"},
    "tensorflow_gan": {"pgtf.metrics.frechet_kernel", "pgtf.objectives.losses"},
    "tensorflow_hub": {"pgtf.metrics.pretrained"},
}

# Rooms and modules without TensorFlow, so that `list`, `plan` and every --help answer at once; HEAVY: exceptions.
LIGHT = (
    *("pgtf.foundation", "pgtf.config", "pgtf.storage", "pgtf.methods", "pgtf.networks"),
    *("pgtf.assembly.plan", "pgtf.runs.plan", "pgtf.runs.listing", "pgtf.cli.main", "pgtf.cli.list"),
)
HEAVY = ("pgtf.foundation.keras_versions", "pgtf.foundation.retracing", "pgtf.foundation.seeds")


def modules(root):
    """{module: file} of the package."""
    found = {}
    for path in sorted((root / "pgtf").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def nodes(path):
    """The nodes of a file's syntax tree."""
    return _nodes_of(path.read_text())


@functools.cache
def _nodes_of(source):
    return list(ast.walk(ast.parse(source)))


def imported(module, path):
    """The full names of what a file imports, wherever in it; of `import pgtf`, what it takes from there."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = [*above, *filter(None, [node.module])]
            yield from (".".join([*source, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pgtf":
            yield f"pgtf.{node.attr}"


def upward(root):
    """Lists the imports that point up or to no room, as "MODULE imports NAME", in order."""
    tier_of = {room: tier for tier, rooms in enumerate(TIERS) for room in rooms}
    found = []
    for module, path in modules(root).items():
        if module == "pgtf":  # The door, from outside.
            continue
        own = module.split(".")[1]
        for name in imported(module, path):
            package, room, *_ = *name.split("."), ""
            if package != "pgtf" or room in (own, "__version__", "__file__", ""):
                continue
            # Other names of the door itself, as `load`, have no tier.
            if room not in tier_of or tier_of[room] >= tier_of[own]:
                found.append(f"{module} imports {name}")
    return found


class ImportsTest(absltest.TestCase):
    def test_every_room_has_a_tier_and_every_tier_its_rooms(self):
        rooms = {module.split(".")[1] for module in modules(ROOT) if module != "pgtf"}
        self.assertCountEqual([room for tier in TIERS for room in tier], rooms)

    def test_imports_point_down(self):
        self.assertEqual(upward(ROOT), [])

    def test_each_heavy_dependency_comes_through_its_door(self):
        found = {package: set() for package in DOORS}
        for module, path in modules(ROOT).items():
            for name in imported(module, path):
                package = name.split(".")[0]
                if package in DOORS:
                    found[package].add("pgtf.cli" if package == "absl" and module.startswith("pgtf.cli.") else module)
        self.assertEqual(found, DOORS)

    def test_light_rooms_and_modules_import_no_tensorflow(self):
        light = [name for name in modules(ROOT) if name.startswith(LIGHT) and name not in HEAVY]
        self.assertLessEqual({"pgtf.storage.probes", "pgtf.assembly.planned_data"}, set(light))
        code = (
            "import importlib, sys\n"
            "for name in sys.argv[1:]:\n"
            "    importlib.import_module(name)\n"
            "    if 'tensorflow' in sys.modules: sys.exit(name)"
        )
        done = subprocess.run([sys.executable, "-c", code, *light], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_only_the_command_and_the_run_to_learn_take_a_whole_config(self):
        for module, path in modules(ROOT).items():
            if not module.startswith(("pgtf.config", "pgtf.cli")):
                takes = [
                    f"{node.name}({argument.arg})"
                    for node in nodes(path)
                    if isinstance(node, ast.FunctionDef)
                    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                    # By its type, or by its name where it has none.
                    for kind in [ast.unparse(argument.annotation) if argument.annotation else argument.arg.title()]
                    if "Config" in re.findall(r"\w+", kind)
                ]
                self.assertEqual(takes, ["__init__(config)"] if module == "pgtf.training.sequence" else [], module)

    def test_only_the_command_line_and_its_progress_bar_print(self):
        for module, path in modules(ROOT).items():
            if not module.startswith("pgtf.cli") and module != "pgtf.foundation.progress":
                calls = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
                self.assertNotIn("print", [getattr(function, "id", "") for function in calls], module)

    def test_networks_objectives_and_training_know_no_method(self):
        for module, path in modules(ROOT).items():
            if module.split(".")[1:2] in (["networks"], ["objectives"], ["training"]):
                kinds = {name for name in imported(module, path) if name.startswith(("pgtf.recipes", "pgtf.methods"))}
                allowed = {"pgtf.methods.Phase", "pgtf.methods.Bank"}
                self.assertLessEqual(kinds, allowed, module)

    def test_only_objectives_and_data_know_what_a_batch_is(self):
        inner = {"paired", "dropout"}
        for module, path in modules(ROOT).items():
            if module.split(".")[1:2] in (["objectives"], ["data"]):
                continue
            for node in nodes(path):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("objective"):
                    self.assertNotIn(node.attr, inner, module)
                self.assertFalse(isinstance(node, ast.Compare) and ast.unparse(node).count("objective.batch"), module)


class UpwardTest(absltest.TestCase):
    """The test above finds what it looks for, in a package made up for it."""

    def found(self, **sources):
        """Returns `upward` of a package of these modules; __ stands for a dot."""
        root = pathlib.Path(self.create_tempdir().full_path)
        for name, source in sources.items():
            path = root.joinpath("pgtf", *name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(source)
        return upward(root)

    def test_down_and_beside_in_the_same_room(self):
        self.assertEqual(
            self.found(
                runs__bank="import os\nfrom pgtf import foundation, layers\nfrom pgtf.runs.slices import TaskSlice\n"
                "import pgtf.methods.base as base\nfrom . import slices\nfrom .slices import TaskSlice\n"
                "from .. import methods\nfrom ..methods.base import Method",
                config="from pgtf.objectives import OBJECTIVES",
            ),
            [],
        )

    def test_up(self):
        for line, name in (
            ("import pgtf.runs", "pgtf.runs"),
            ("import pgtf.runs.bank as bank", "pgtf.runs.bank"),
            ("from pgtf import runs", "pgtf.runs"),
            ("from pgtf.runs import bank", "pgtf.runs.bank"),
            ("from pgtf.runs.bank import FilterBank", "pgtf.runs.bank.FilterBank"),
            ("from ..runs import bank", "pgtf.runs.bank"),
            ("from ..runs.bank import FilterBank", "pgtf.runs.bank.FilterBank"),
            ("from .. import runs", "pgtf.runs"),
            ("def late():\n    from ..runs import bank", "pgtf.runs.bank"),
        ):
            self.assertEqual(self.found(methods__base=line), [f"pgtf.methods.base imports {name}"], line)

    def test_up_from_a_package_itself(self):
        root = pathlib.Path(self.create_tempdir().full_path)
        (root / "pgtf" / "methods").mkdir(parents=True)
        (root / "pgtf" / "methods" / "__init__.py").write_text("from .base import Method\nfrom ..runs import bank")
        self.assertEqual(upward(root), ["pgtf.methods imports pgtf.runs.bank"])

    def test_to_a_room_of_the_same_tier(self):
        self.assertEqual(self.found(metrics="from .data import finder"), ["pgtf.metrics imports pgtf.data.finder"])

    def test_the_door_and_rooms_that_have_no_tier(self):
        self.assertEqual(
            self.found(
                runs__bank="import pgtf\nfrom pgtf import load\nfrom pgtf.utils import more",
                runs__slices="import pgtf\nprint(pgtf.__version__)\npgtf.open()",
            ),
            [
                "pgtf.runs.bank imports pgtf.load",
                "pgtf.runs.bank imports pgtf.utils.more",
                "pgtf.runs.slices imports pgtf.open",
            ],
        )


if __name__ == "__main__":
    absltest.main()
