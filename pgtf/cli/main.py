"""The `pgtf` command: `pgtf COMMAND ARGUMENTS --FLAGS`. Each command is a module of this package.

A command's module defines its flags on import, and has
  main(argv): Runs the command. Returns its exit status.
  ARGUMENTS: The flags that may be given without their names, in order.
  REPEATED: The flag of all further values without a name.
  STOPPED: The sentence printed when a user interrupts the command.
"""

import difflib
import importlib
import sys
from collections.abc import Sequence

from absl import flags

from pgtf.foundation.packaged import packaged
from pgtf.foundation.version import __version__

COMMANDS = {
    "demo": "Learn three small drawn tasks, measure them and write a report.",
    "data": "Describe a folder of data: tasks, counts, sizes, channels, broken files.",
    "train": "Learn tasks one after another, or resume an interrupted run.",
    "plan": "Count what each task will store, before training.",
    "list": "List the tasks of a run, with their sizes and dates.",
    "translate": "Translate images with a learned task.",
    "classify": "Classify images with a learned task.",
    "generate": "Generate images with a learned task.",
    "verify": "Check that no stored task has changed.",
    "evaluate": "Measure every task of a run on its test images.",
    "report": "Write a run's report: one HTML page.",
    "studio": "Try a run in the browser.",
    "export": "Export tasks as SavedModels or TFLite files.",
    "compress": "Compress a learned task to a budget of bytes.",
    "pack": "Write one task and its bank to a file.",
    "adopt": "Add tasks that were learned elsewhere to a run.",
    "drop": "Remove a task from a run.",
    "reproduce": "Reproduce the paper's tables.",
    "bench": "Measure speed and write BENCH.md.",
    "env": "Print versions and devices, for a bug report.",
}
SHORT = {"-o": "--output"}
# Flags that may name a file of the package, and its folder there.
PACKAGED = {"flagfile": "flags", "run_dir": "samples", "from": "samples", "input": "samples"}


def main(argv: Sequence[str] = ()) -> None:
    """Runs the command that is the first argument."""
    name, *given = argv or sys.argv[1:] or ["--help"]
    if name in ("-h", "--help", "help") and not given:
        print(usage())
        return
    if name == "--version":
        print(__version__)
        return
    if name == "help":
        name, given = given[0], ["--help"]
        from pgtf.cli import help_text  # Here, so that `pgtf --help` answers at once.
        from pgtf.methods import METHODS

        if name in ("methods", *METHODS):
            print(help_text.methods_text() if name == "methods" else help_text.method_text(name))
            return
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" Did you mean {near[0]}?" if near else " `pgtf --help` lists all commands."
        sys.exit(f"Unknown command.{hint} Received: {name}")
    run(name, given)


def run(name: str, given: Sequence[str]) -> None:
    """Runs one command with its arguments and flags."""
    if name == "demo":
        name, given = "train", ["--flagfile=flags/demo.cfg", *given]
    from pgtf.cli import command_line

    command = importlib.import_module(f"pgtf.cli.{name}")
    repeated = getattr(command, "REPEATED", "")
    sys.argv = [f"pgtf {name}", *as_flags(given, getattr(command, "ARGUMENTS", ()), repeated)]
    command_line.run(command)


def as_flags(given: Sequence[str], arguments: Sequence[str], repeated: str = "") -> list[str]:
    """Converts positional arguments to --NAME=VALUE and short flags to their long form.

    Args:
      given: Arguments and flags.
      arguments: The flags that the arguments are values of, in order.
      repeated: The flag of all further arguments. Default: they stay as they are.
    """
    found, names, rest = [], list(arguments), list(given)
    while rest:
        text = rest.pop(0)
        if text in SHORT and rest:
            found.append(f"{SHORT[text]}={rest.pop(0)}")
        elif text.startswith("-"):
            if "=" not in text and rest and _takes_a_value(text):
                text = f"{text}={rest.pop(0)}"
            found.append(text)
        else:
            name = names.pop(0) if names else repeated
            found.append(f"--{name}={text}" if name else text)
    return list(map(_with_packaged_file, found))


def _with_packaged_file(text: str) -> str:
    """Returns --NAME=PATH with the path in the package, if it names a file there and none here."""
    name, sign, path = text.partition("=")
    folder = PACKAGED.get(name.lstrip("-"))
    return f"{name}={packaged(path, folder)}" if sign and folder else text


def _takes_a_value(text: str) -> bool:
    """Returns whether the next argument is this flag's value: --NAME VALUE."""
    name = text.lstrip("-")
    return name == "flagfile" or (name in flags.FLAGS and not flags.FLAGS[name].boolean)


def usage() -> str:
    """Returns the text of `pgtf --help`."""
    lines = [f"  {name:<10} {meaning}" for name, meaning in COMMANDS.items()]
    return "\n".join(
        [
            "pgtf: many image tasks from one network. No old task changes by a bit.",
            "",
            "  pgtf COMMAND [ARGUMENTS] [--FLAG=VALUE ...]",
            "",
            *lines,
            "",
            "`pgtf COMMAND --help` describes its flags. `pgtf help methods` describes the methods.",
        ]
    )
