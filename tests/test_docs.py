"""Documentation names what exists: files, commands, flags and flagfiles; each method has a page."""

import ast
import functools
import importlib.util
import math
import pathlib
import posixpath
import re
import types

from absl.testing import absltest, parameterized

from pgtf.cli.main import COMMANDS
from pgtf.config import EARLIER_NAMES, Config, flagfile
from pgtf.foundation.settings import settings_of
from pgtf.methods import METHODS
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES

ROOT = pathlib.Path(__file__).parent.parent
GENERATED = {"docs/reference/commands.md"}  # By docs/site_hooks.py.
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/**/*.md"))),
]
ABSL = {"help", "helpfull", "flagfile", "verbosity", "version"}
TRAINING = {"train", "plan", "bench", "demo"}  # Commands that take all settings.
SETTINGS = {"method", "objective", "network", *EARLIER_NAMES} | {
    field.name
    for kind in (Config, *METHODS.values(), *OBJECTIVES.values(), *NETWORKS.values())
    for field in settings_of(kind)
}
# Settings that some methods, objectives or networks have.
INNER = {
    field.name for table in (METHODS, OBJECTIVES, NETWORKS) for row in table.values() for field in settings_of(row)
}
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
CODE = re.compile(r"(?s)^ *```.*?^ *```|`[^`]+`", re.M)
RUN = re.compile(r"(?<![\w/.\"'-])(?:pgtf (\w+)|python scripts/(\w+)\.py)((?: +[^\s;|&#)]+)*)")
NAMED = re.compile(r"(?<![\w/.-])(?:tests|pgtf|scripts|flags|docs|results)/[\w/.-]*\.(?:py|cfg|md|png|svg)\b")


def text_of(page):
    return (ROOT / page).read_text()


def code_of(page):
    """Returns the page's code, blocks and spans, with continued lines joined. Blocks of Python are left out."""
    found = [code.strip(" `") for code in CODE.findall(text_of(page))]
    return "\n".join(re.sub(r"\\\n *", "", code) for code in found if not code.startswith("python\n"))


def calls(code):
    """Yields (command, words) for each call of a command. Names in capitals stand for any."""
    for command, script, words in RUN.findall(code):
        yield command or script, words.split()


@functools.cache
def constants(command):
    """Returns the flags of a command's module and the most positional arguments, read without importing it."""
    tree = ast.parse((ROOT / "pgtf" / "cli" / f"{command}.py").read_text())
    defined = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "").startswith("DEFINE_")
    }
    given = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    most = math.inf if "REPEATED" in given else len(given["ARGUMENTS"].elts) if "ARGUMENTS" in given else 0
    return defined, most


def flags_of(command):
    """Returns the flags that a command takes."""
    own = constants("train")[0] if command in ("plan", "demo") else constants(command)[0]
    return own | ABSL | (SETTINGS if command in TRAINING else set())


def config_of(words):
    """Returns the config of `pgtf train` with these words, and the names of the flags among them."""
    lines, typed = [], []
    for word in words:
        if word.startswith("--flagfile="):
            lines += (ROOT / "pgtf" / word.partition("=")[2]).read_text().splitlines()
        elif word.startswith("--") and re.sub(r"=.*", "", word[2:]) not in (*ABSL, "dry_run", "json"):
            typed.append(word)
    return Config.from_flat(flagfile.parsed([*lines, *typed])), [re.sub(r"^--|=.*", "", word) for word in typed]


def unknown(flags, known):
    names = [re.sub(r"=.*", "", flag.lstrip("-")) for flag in flags]
    return [name for name in names if name not in known and name.removeprefix("no") not in known]


class CallsTest(absltest.TestCase):
    def test_reads_calls(self):
        code = "TF_CONFIG='{}' pgtf train --tasks=a --x=1 # pgtf no\n"
        code += "pgtf translate runs/demo a b -o c; python scripts/list.py"
        expected = [("train", ["--tasks=a", "--x=1"]), ("translate", ["runs/demo", "a", "b", "-o", "c"]), ("list", [])]
        self.assertEqual([call for call in calls(code) if call[0] != "no"], expected)

    def test_knows_flags(self):
        self.assertEqual(unknown(["--expect=a", "--run_dir=b", "--rank=3"], flags_of("verify")), ["rank"])
        self.assertEqual(unknown(["--noevaluate", "--rank=3", "--dry_run", "--keep=last"], flags_of("train")), [])


class HooksTest(absltest.TestCase):
    """The hooks of docs/site_hooks.py, which mkdocs calls."""

    def setUp(self):
        super().setUp()
        spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site_hooks.py")
        self.hooks = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.hooks)

    def test_links_out_of_the_folder_lose_one_level(self):
        page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="guides/data.md"))
        text = "[a](../../RESULTS.md#x) [b](../methods/index.md) [c](train.md) [d](https://e.org/../f)"
        expected = "[a](../RESULTS.md#x) [b](../methods/index.md) [c](train.md) [d](https://e.org/../f)"
        self.assertEqual(self.hooks.on_page_markdown(text, page), expected)

    def test_flags_become_definitions(self):
        text = "  --mask (binary|ternary)\n      Give --rank=3, or runs/a.\n      Default: [1, 2].\n"
        text += "        binary: 0 or\n        1.\n"
        self.assertEqual(
            list(self.hooks.flag_lines(text)),
            [
                "`--mask` (binary, ternary)",
                ":   Give `--rank=3`, or `runs/a`. Default: \\[1, 2\\].",
                "",
                "    - `binary`: 0 or 1.",
                "",
            ],
        )


class DocsTest(parameterized.TestCase):
    @parameterized.parameters(PAGES)
    def test_links_resolve(self, page):
        links = [link for link in LINK.findall(CODE.sub("", text_of(page))) if "://" not in link]
        paths = [posixpath.normpath(posixpath.join(posixpath.dirname(page), link)) for link in links]
        self.assertEqual([path for path in paths if not (ROOT / path).exists() and path not in GENERATED], [])

    @parameterized.parameters(PAGES)
    def test_commands_and_their_flags_exist(self, page):
        for command, words in calls(code_of(page)):
            if command in ("help", "COMMAND"):
                continue
            self.assertIn(command, COMMANDS, f"{page}: pgtf {command}")
            flags = [word for word in words if word.startswith("--")]
            self.assertEqual(unknown(flags, flags_of(command)), [], f"{page}: pgtf {command} {' '.join(words)}")
            given = re.sub(r"(?:^| )-o [^ ]+|(?:^| )--?[^ ]+|\$\w+", "", " ".join(words)).split()
            most = constants(command)[1] if command != "demo" else 0
            self.assertLessEqual(len(given), most, f"{page}: pgtf {command} {' '.join(words)}")

    @parameterized.parameters(PAGES)
    def test_settings_fit_each_other(self, page):
        for command, words in calls(code_of(page)):
            if command not in ("train", "plan") or any(re.search(r"=(NAME$|\$)", word) for word in words):
                continue
            config, typed = config_of(words)
            unused = [name for name in typed if name in INNER and name not in config.flat()]
            self.assertEqual(unused, [], f"{page}: pgtf {command} {' '.join(words)}")

    @parameterized.parameters(PAGES)
    def test_flags_named_alone_exist(self, page):
        known = set().union(*map(flags_of, COMMANDS))
        spans = [flag for span in re.findall(r"`(--[^`]+)`", text_of(page)) for flag in span.split()]
        self.assertEqual(unknown([flag for flag in spans if re.match(r"--[a-z]", flag)], known), [])

    @parameterized.parameters(PAGES)
    def test_named_files_exist(self, page):
        named = [path for path in NAMED.findall(code_of(page)) if not re.search("NAME|TASK|PRESET|TABLE", path)]
        packaged = [path for path in named if not (ROOT / path).exists() and not (ROOT / "pgtf" / path).exists()]
        self.assertEqual([path for path in packaged if path not in GENERATED], [])

    def test_every_method_has_a_page(self):
        tree = ast.parse((ROOT / "pgtf" / "methods" / "__init__.py").read_text())
        (table,) = (node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id == "METHODS")
        pages = {page.stem for page in ROOT.glob("docs/methods/*.md")} - {"index"}
        self.assertEqual({key.value for key in table.keys}, pages)

    def test_every_room_is_listed(self):
        listed = re.findall(r"^pgtf/(\w+)/ ", text_of("docs/internals/house.md"), re.M)
        rooms = [path.parent.name for path in ROOT.glob("pgtf/*/__init__.py")]
        self.assertCountEqual(listed, rooms)

    def test_every_page_is_in_the_navigation(self):
        navigation = (ROOT / "mkdocs.yml").read_text()
        pages = [page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")]
        self.assertEqual([page for page in pages if not re.search(rf"[ :] *{re.escape(page)}$", navigation, re.M)], [])


if __name__ == "__main__":
    absltest.main()
