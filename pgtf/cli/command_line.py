"""Defines the flags of the settings, builds a config from them, and runs commands."""

import glob
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence, Set
from types import ModuleType
from typing import Any, Optional

from absl import app, flags, logging

from pgtf.cli import messages
from pgtf.cli.help_text import HEADING_OF, QUESTIONS, TABLES, Help, module_of
from pgtf.config import DEFAULTS, EARLIER_NAMES, GROUPS, Config, flagfile, load_config, resumed
from pgtf.foundation import settings, task_names
from pgtf.foundation.errors import Contradiction
from pgtf.foundation.settings import as_text
from pgtf.objectives import OBJECTIVES
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger

flags.disclaim_key_flags()  # --help lists flags defined here with the module that calls.


def define(values: flags.FlagValues = flags.FLAGS, **defaults: Any) -> None:
    """Defines a flag for every setting of a config.

    Args:
      values: The flags to add to.
      **defaults: {flag: default value}. Default: the setting's own default.
    """
    for name, table in TABLES.items():
        heading = HEADING_OF.get(name, name)
        if name in QUESTIONS:
            _define(values, heading, name, QUESTIONS[name], str, {"choices": tuple(table)}, DEFAULTS[name])
        for setting, rows in _inner(table).items():
            field = next(field for field in settings.settings_of(table[rows[0]]) if field.name == setting)
            _define(values, heading, setting, _help(field, rows, table), field.type, field.metadata, None)
    for heading, group in GROUPS.items():
        for field in settings.settings_of(group):
            default, rules = defaults.get(field.name, field.default), field.metadata
            _define(values, heading, field.name, rules["help"], field.type, rules, default)
            if rules["formerly"]:
                flags.DEFINE_flag(_Earlier(rules["formerly"], values[field.name]), values, module_of("earlier flags"))


class _Earlier(flags.Flag):
    """The earlier name of a flag. It sets the value of the flag."""

    def __init__(self, name: str, flag: flags.Flag) -> None:
        super().__init__(flags.ArgumentParser(), None, name, None, "")
        self._flag = flag

    def parse(self, argument: Any) -> None:
        self.present += 1
        self._flag.parse(argument)
        self._flag.using_default_value = False


def _inner(table: dict[str, type]) -> dict[str, list[str]]:
    """Returns {setting: names of the table's rows that have it}."""
    found: dict[str, list[str]] = {}
    for row, kind in table.items():
        for field in settings.settings_of(kind):
            found.setdefault(field.name, []).append(row)
    return found


def _help(field: Any, rows: list[str], table: dict[str, type]) -> str:
    text = field.metadata["help"]
    prefix = "" if text.startswith(f"{rows[0]}:") else f"{', '.join(rows)}: "
    return f"{prefix}{text} Default: {as_text(field.default)}."


def _define(values: flags.FlagValues, heading: str, name: str, text: str, kind: Any, rules: Any, default: Any) -> None:
    where = dict(flag_values=values, module_name=module_of(heading))
    kind = getattr(kind, "__name__", str(kind))
    if kind == "bool":
        flags.DEFINE_boolean(name, default, text, **where)
        return
    choices = rules["choices"]
    if rules.get("repeated"):
        flags.DEFINE_multi_string(name, list(default), text, **where)
        return
    if kind.startswith("tuple"):
        parser, serializer = flags.ListParser(), flags.CsvListSerializer(",")
        flags.DEFINE(parser, name, None if default is None else list(default), text, serializer=serializer, **where)
        return
    parsers = {"int": flags.IntegerParser, "float": flags.FloatParser}
    parser = flags.EnumParser(tuple(choices)) if choices else parsers.get(kind, flags.ArgumentParser)()
    flags.DEFINE(parser, name, default, text, serializer=flags.ArgumentSerializer(), **where)


def config_from_flags(arguments: Optional[Sequence[str]] = None) -> Config:
    """Builds the config from the command line. If the run exists, flags that are not given keep the run's values.

    Args:
      arguments: The command line. Default: this process's.
    """
    run_dir = flags.FLAGS.run_dir
    bank = FilterBank.open(os.path.join(run_dir, run_paths.TASKS))
    recorded = load_config(run_dir, bank.names)
    given = {name: value for name, value in _parsed(flags.FLAGS).items() if flags.FLAGS[name].present}
    requested = Config.from_flat(
        {**recorded.flat(), **given} if recorded else _without_preferred(_parsed(flags.FLAGS), given)
    )
    arguments = sys.argv[1:] if arguments is None else arguments
    known = recorded.flat() if recorded else {}
    new = {name: value for name, value in given.items() if name not in known or known[name] != value}
    if any(argument.endswith(f"/{flagfile.NAME}") for argument in arguments):  # Older runs have older flags there.
        new = {name: value for name, value in new.items() if name in _typed(arguments)}
    _name_new_flags(requested, new)
    _check_use(requested, given, _typed(arguments))
    _check_overrides(requested, recorded.overrides if recorded else {}, bank)
    if recorded is None:
        return requested
    learning = glob.glob(os.path.join(glob.escape(run_dir), run_paths.TASKS, "*", run_paths.CHECKPOINTS))
    # A run that has not started cannot be contradicted.
    return (
        resumed(recorded, requested, bank.names) if bank.names or learning or Ledger.read(run_dir).learnt else requested
    )


def _without_preferred(values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Removes values that were not given if the objective has its own default for them."""
    kind = OBJECTIVES.get(given.get("objective", ""))
    preferred = kind.preferred(Config.image_size) if kind else {}
    return {name: value for name, value in values.items() if name in given or name not in preferred}


def config_to_plan() -> tuple[Config, Sequence[str]]:
    """Builds the config from the command line and lists the run's learned tasks.

    If the flags contradict the run, prints a warning and returns the config of a new run.
    """
    try:
        config = config_from_flags()
    except Contradiction as error:
        print(f"Planning a new run, because the flags do not fit the existing one. {error}\n", file=sys.stderr)
        return error.requested, ()
    learned = FilterBank.open(os.path.join(config.run_dir, run_paths.TASKS)).names
    return config, learned if config.tasks[: len(learned)] == tuple(learned) else ()


def _typed(arguments: Sequence[str]) -> set[str]:
    """Returns the names of the flags on the command line, with earlier names replaced by the present ones."""
    typed = {argument.lstrip("-").partition("=")[0] for argument in arguments if argument.startswith("-")}
    return typed | {EARLIER_NAMES.get(name, name.removeprefix("no")) for name in typed}


def _name_new_flags(config: Config, new: Mapping[str, Any]) -> None:
    """Prints the new name of each older flag whose value is not recorded in the run yet."""
    for earlier, name in EARLIER_NAMES.items():
        if flags.FLAGS[earlier].present and name in new:
            print(f"--{earlier} is now --{name}", file=sys.stderr)
    used = config.flat()
    for kind, table in TABLES.items():
        for field in settings.settings_of(table[used[kind]]):
            if field.name in new and field.metadata["replaced_by"]:
                print(f"--{field.name} is deprecated; use --{field.metadata['replaced_by']}", file=sys.stderr)


def _check_use(config: Config, given: Mapping[str, Any], typed: Set[str]) -> None:
    """Raises ValueError if the method or objective lacks a flag of the command line; prints those of a flagfile."""
    used = config.flat()
    for kind, table in TABLES.items():
        chosen, inner = f"--{kind}={used[kind]}", _inner(table)
        unused = [name for name in inner if name in given and name not in used]
        for name in unused:
            if name in typed:
                raise ValueError(f"--{name} needs --{kind}={' or '.join(inner[name])}. Received: {chosen}")
        if unused:
            print(f"Not used with {chosen}: {', '.join(f'--{name}' for name in unused)}", file=sys.stderr)


def _check_overrides(requested: Config, recorded: Mapping[str, Any], bank: FilterBank) -> None:
    """Raises ValueError if overrides contradict the settings that a task was learned with."""
    for index, name in enumerate(bank.names):
        own = requested.overrides.get(name, {})
        if own and own != recorded.get(name):
            values = requested.for_task(name).flat()
            bank.slice(index).facts.refuse_other_settings(name, {setting: values[setting] for setting in own})


def _parsed(values: flags.FlagValues) -> dict[str, Any]:
    """Returns {setting: value}. The value is None if a setting of a method or an objective was not given."""
    names = [field.name for field in settings.settings_of(Config)]
    for name, table in TABLES.items():
        names += [name, *_inner(table)]
    found = {name: values[name].value for name in names}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def _interrupt(number: int, frame: Any) -> None:
    signal.signal(number, signal.SIG_IGN)  # A second signal must not interrupt the saving.
    raise KeyboardInterrupt


def run(command: ModuleType) -> None:
    """Parses the flags and runs a command's `main`. Prints ValueError and OSError without a traceback.

    Args:
      command: The command's module; see `cli.main`.
    """
    stopped = getattr(command, "STOPPED", "The same command continues from the last checkpoint.")

    def guarded(argv: list[str]) -> Optional[int]:
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)  # Hides TensorFlow's messages about saving.
        for number in (signal.SIGTERM, signal.SIGHUP):  # The end of a job or a terminal saves state, as Ctrl-C does.
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores the signal on purpose.
                signal.signal(number, _interrupt)
        try:
            if argv[1:]:
                raise ValueError(
                    f"Too many arguments. Give settings as flags: --NAME=VALUE. Received: {' '.join(argv[1:])}"
                )
            result: Optional[int] = command.main([])
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            logging.debug("where it happened", exc_info=True)
            # The message may quote text from strangers, which must not look like lines of the program.
            message = task_names.escaped(str(error), but="\n").replace("\n", "\n  ")
            print(f"\n{type(error).__name__}: {message}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"\nStopped. {stopped}".rstrip(), file=sys.stderr)
            return 130
        return result

    messages.show_messages()
    app.define_help_flags()
    flags.DEFINE_flag(Help(command))
    flags.DEFINE_flag(Help(command, full=True))
    try:
        app.run(guarded, flags_parser=_parsed_or_ended)
    except BrokenPipeError:  # The reader has closed the pipe, as head does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit.
        sys.exit(128 + signal.SIGPIPE)


def _parsed_or_ended(argv: list[str]) -> list[str]:
    """Parses the flags and returns the other arguments. Prints wrong flags and exits."""
    try:
        rest: list[str] = flags.FLAGS(argv)
    except flags.Error as error:
        missing = re.findall(r"Flag --(\w+) must have a value other than None", str(error))
        lines = [f"--{name} is missing" for name in missing] or [str(error)]
        print("", *lines, "--helpfull lists all flags.", sep="\n", file=sys.stderr)
        sys.exit(1)
    return rest
