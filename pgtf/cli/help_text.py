"""Texts of --help, --helpfull and `pgtf help methods`."""

import inspect
import re
import sys
import textwrap
from types import ModuleType
from typing import Any

from absl import app, flags

from pgtf.foundation import settings
from pgtf.foundation.settings import as_text
from pgtf.methods import METHODS
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES

TABLES: dict[str, dict[str, Any]] = {"method": METHODS, "objective": OBJECTIVES, "network": NETWORKS}
QUESTIONS = {"method": "How the kernels of later tasks are made.", "objective": "What is learned from which data."}
HEADING_OF = {"network": "networks"}  # {flag of a table: its heading, where it has another name}
HEADINGS = ("run", "method", "networks", "objective", "data", "training", "monitoring")
# The settings that --help shows; --helpfull shows all.
COMMON = (
    "data_dir",
    "tasks",
    "method",
    "run_dir",
    "image_size",
    "width",
    "batch_size",
    "epochs",
    "steps",
    "learning_rate",
    "compress_to",
    "evaluate",
)


class Help(app.HelpFlag):
    """The flag --help, or --helpfull, of a command."""

    def __init__(self, command: ModuleType, full: bool = False) -> None:
        super().__init__()
        self.name = "helpfull" if full else "help"
        self.short_name = "" if full else "?"
        self.allow_override = True
        self._command, self._full = command, full

    def parse(self, arg: Any) -> None:
        if self._parse(arg):
            print(help_text(self._command, self._full), flush=True)
            sys.exit(0)


def module_of(heading: str) -> str:
    """Returns the module name under which absl lists the flags of a heading."""
    return f"settings of {heading}"


def help_text(command: ModuleType, full: bool = False) -> str:
    """Returns the command's docstring, its own flags and the common settings; if full, all settings by heading."""
    lines = [inspect.cleandoc(command.__doc__ or ""), ""]
    known = flags.FLAGS.flags_by_module_dict()
    own = flags.FLAGS.get_key_flags_for_module(command.__name__)
    lines += [line for flag in own for line in _flag_lines(flag)]
    listed = {heading: known.get(module_of(heading), []) for heading in HEADINGS}
    of_settings = {flag.name: flag for some in listed.values() for flag in some}
    if of_settings and not full:
        lines += [line for name in COMMON for line in _flag_lines(of_settings[name], rows=False)]
        lines.append(
            f"\n--helpfull lists the other {len(of_settings) - len(COMMON)} settings by group. "
            "`pgtf help methods` lists the methods."
        )
    elif full:
        for heading, some in listed.items():
            if some:
                lines += [f"\n{heading}:", *(line for flag in some for line in _flag_lines(flag))]
    lines.append("\n--flagfile=FILE reads flags from a file, one per line.")
    return "\n".join(lines)


def methods_text() -> str:
    """Returns one line for each method."""
    width = max(map(len, METHODS))
    lines = [f"  {name:<{width}}  {_summary(kind)}" for name, kind in METHODS.items()]
    more = (
        "`pgtf help METHOD` describes a method and its settings.\n"
        "Recommended: --flagfile=flags/best.cfg fine-tunes a copy of the first network and compresses it to 2%."
    )
    return "\n".join(["Methods, for --method=METHOD:", "", *lines, "", more])


def method_text(name: str) -> str:
    """Returns the description of a method and its settings."""
    lines = [f"--method={name}", "", inspect.getdoc(METHODS[name]) or ""]
    fields = settings.settings_of(METHODS[name])
    for field in fields:
        choices = field.metadata["choices"]
        lines += ["", f"  --{field.name}" + (f" ({'|'.join(choices)})" if choices else "")]
        lines += _indented(_with_default(field.metadata["help"], as_text(field.default)), 6)
    return "\n".join(lines if fields else [*lines, "", "It has no settings."])


def _flag_lines(flag: flags.Flag, rows: bool = True) -> list[str]:
    """Returns a flag with its help. rows: Whether to list each choice of --method or --objective."""
    rule = f" ({'|'.join(flag.parser.enum_values)})" if isinstance(flag.parser, flags.EnumParser) else ""
    hidden = flag.default is None or flag.boolean
    # What absl adds: the choices, which the rule has, and how to repeat a flag, which its help has.
    text = re.sub(r"^<[^>]*>: |;\s+repeat this option to specify a list of values$", "", flag.help)
    text = text if hidden else _with_default(text, as_text(_tuple(flag.default)))
    lines = [f"  --{flag.name}{rule}", *_indented(text, 6)]
    for name, row in TABLES.get(flag.name, {}).items() if rows else ():
        lines += _indented(f"{name}: {_summary(row)}", 8)
    return lines


def _with_default(text: str, default: str) -> str:
    return text if "Default: " in text else f"{text} Default: {default or 'none'}."


def _summary(row: Any) -> str:
    return (inspect.getdoc(row) or "").splitlines()[0]


def _indented(text: str, margin: int) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=" " * margin, subsequent_indent=" " * margin)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
