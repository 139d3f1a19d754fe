"""Odd flags: each command line gives a config or an error that says what is wrong, and a config survives its file."""

from __future__ import annotations

import dataclasses

import keras
from absl import flags

from pgtf.cli import command_line
from pgtf.config import Config, flagfile, load_config, resumed, task_plans
from pgtf.runs.plan import planned
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import ODD, TEXTS, some

NAMES = ("cityscapes", "maps", "facades", "edges2handbags", *TEXTS)
GOOD = {
    "bool": ("true", "false"),
    "int": ("0", "1", "2", "3", "8", "32", "100"),
    "float": ("0", "0.25", "1", "1e-4", "3"),
}
SIZES = ("16", "32", "64x32", "256", "16x64", "12", "4", "100")
LENDERS = ("all", "first", "last:1", "last:3", "closest:2", "maps", "maps,facades", "last:0", '"maps"')
VALUES = {"borrow_from": LENDERS, "image_size": SIZES, "load_size": ("", "286", "300x310", *SIZES)}
SMALL = dict(width=64, blocks=9, tasks=6, side=512)


def attack(case: Case) -> str:
    """Parses odd flags."""
    draw = case.draw
    try:
        config = parsed(["train.py", *_arguments(draw)])
    except (flags.Error, ValueError) as error:
        if not isinstance(error, flags.Error) and "Received" not in str(error):
            raise Finding(f"An error says what was received. Received: {error!r}") from error
        return "refused"
    _check(config, case.folder)
    return _planned(config)


def parsed(arguments: list[str]) -> Config:
    """The config of a command line; where no run is yet."""
    values = flags.FlagValues()
    command_line.define(values)
    rest = values(arguments)
    if rest[1:]:
        raise ValueError(f"As run() refuses it. Received: {rest[1:]}")
    return Config.from_flat(command_line._parsed(values))


def _arguments(draw):
    """Some flags; half of the times all have values that may fit."""
    values = flags.FlagValues()
    command_line.define(values)
    known = [name for name in sorted(values) if values[name].help]
    found, odd = [], some(draw, (0.0, 0.3))
    for _ in range(int(draw.integers(1, 8))):
        name = some(draw, known)
        value = _value(draw, name, values[name], odd)
        forms = ([f"--{name}={value}"],) * 8 + ([f"--{name}", value], [f"--no{name}"], [value])
        found += some(draw, forms if odd else forms[:8])
    return found


def _value(draw, name, flag, odd):
    if name in ("tasks", "direction", "override"):
        return _listed(draw, name, odd)
    if draw.random() < odd:
        return str(some(draw, ODD))
    if isinstance(flag.parser, flags.EnumParser):
        return some(draw, tuple(flag.parser.enum_values))
    if name in VALUES:
        return some(draw, VALUES[name])
    kind = {"bool": "bool", "int": "int", "float": "float"}.get(flag.flag_type())
    return some(draw, GOOD[kind]) if kind else some(draw, TEXTS)


def _listed(draw, name, odd):
    """A list of tasks, or of what tasks have of their own, quoted as CSV or not at all."""
    names = NAMES if draw.random() < odd else NAMES[:4]
    tasks = [some(draw, names) for _ in range(int(draw.integers(1, 4)))]
    if name == "direction":
        ways = ("AtoB", "BtoA", "atob", "")
        tasks = [f"{task}:{some(draw, ways if draw.random() < odd else ways[:2])}" for task in tasks]
    if name == "override":
        settings = ("epochs=3", "steps=0", "load_size=300", "bad_images=skip", "l1_weight=1", "width=3", "epochs=", "=")
        return f"{tasks[0]}:{','.join(some(draw, settings if odd else settings[:4]) for _ in tasks)}"
    if draw.random() < 0.3:
        tasks = ['"' + task.replace('"', '""') + '"' for task in tasks]
    return ",".join(tasks)


def _check(config, folder):
    """An accepted config comes back from its file, and can be asked for each of its tasks."""
    expected = dataclasses.replace(config, run_dir=folder)
    flagfile.save(expected)
    found = load_config(folder)
    if found != expected:
        differing = [name for name, value in expected.flat().items() if found.flat().get(name) != value]
        raise Finding(f"A config comes back from its file. Received: {found}, where {differing} of {expected} differ")
    if resumed(config, config, config.tasks) != config:
        raise Finding(f"A run goes on with its own config. Received: {config}")
    for task in config.tasks:
        config.for_task(task)
        config.flipped(task)


def _planned(config):
    """Plans a small config; its sizes are planned or refused at once."""
    sizes = dict(
        width=config.width, blocks=config.row_settings.get("blocks", 0), tasks=len(config.tasks), side=max(config.size)
    )
    if any(sizes[name] > most for name, most in SMALL.items()):
        return "large"
    keras.backend.clear_session()
    try:
        costs = planned(task_plans(config))
    except ValueError as error:
        if "Received" not in str(error):
            raise Finding(f"An error says what was received. Received: {error!r}") from error
        return "no network"
    if {cost.task for cost in costs} != set(config.tasks):
        raise Finding(f"A plan has every task. Received: {costs}")
    return "planned"
