"""Reads and writes a config as a flagfile, config.cfg in the run directory: one --NAME=VALUE a line."""

import csv
import os
import shlex
from collections.abc import Sequence
from typing import Any, Optional

from pgtf.config.config import DEFAULTS, Config
from pgtf.config.groups import EARLIER_NAMES
from pgtf.foundation import files, settings
from pgtf.methods import METHODS
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES

NAME = "config.cfg"


def text(config: Config) -> str:
    """Returns a config as a flagfile."""
    lines = ["# The flags of this run: pgtf train --flagfile=config.cfg"]
    flat = config.flat()
    lines += [f"--override={one}" for one in flat.pop("override")]
    lines += [f"--{name}={settings.as_text(value)}" for name, value in flat.items()]
    return "\n".join([*lines, ""])


def command(config: Config) -> str:
    """Returns a command that trains the same run in another folder, with the flags that differ from defaults."""
    flat = config.flat()
    rows = {**DEFAULTS, "network": Config.network, "norm": Config.norm}  # Their defaults go together with these.
    defaults = {**Config.from_flat({name: flat[name] for name in rows}).flat(), **rows}
    always = {"run_dir": f"{config.run_dir.rstrip('/')}-again", "tasks": config.tasks}
    flags = [f"--{name}={settings.as_text(value)}" for name, value in always.items()]
    for name, value in flat.items():
        if name not in always and value != defaults.get(name):
            flags += [f"--{name}={settings.as_text(one)}" for one in (value if name == "override" else [value])]
    return " ".join(["pgtf train", *map(shlex.quote, flags)])


def save(config: Config) -> None:
    """Writes a config into its run directory."""
    files.write(os.path.join(config.run_dir, NAME), text(config).encode())


def load_config(run_dir: str, learned: Sequence[str] = ()) -> Optional[Config]:
    """Returns the config that a run was made with; None if there is none.

    Args:
      run_dir: The run's folder, which may have moved since.
      learned: The tasks that the run has learned, also those that it adopted. They come first.
    """
    path = os.path.join(run_dir, NAME)
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            config = Config.from_flat({**parsed(file), "run_dir": run_dir})
    except ValueError as error:
        raise ValueError(
            "The run's flags can't be read. Restore the file, or remove it and give the flags again. "
            f"Received: {path} ({error})"
        ) from error
    return config.having_learned(learned) if learned else config


def parsed(lines: Any) -> dict[str, Any]:
    """Returns {setting: value} of the lines of a flagfile; the last one of a name counts."""
    fields = {
        field.name: field
        for kind in (*METHODS.values(), *OBJECTIVES.values(), *NETWORKS.values(), Config)
        for field in settings.settings_of(kind)
    }
    found: dict[str, Any] = {}
    for line in map(str.strip, lines):
        if not line or line.startswith(("#", "//")):
            continue
        name, equals, value = line.lstrip("-").partition("=")
        if not equals:  # --evaluate and --noevaluate.
            name, value = (name, "true") if name in fields else (name.removeprefix("no"), "false")
        if not line.startswith("-") or not (equals or (name in fields and _kind(fields[name]) == "bool")):
            raise ValueError(f"A line must be --NAME=VALUE. Received: {line!r}")
        name = EARLIER_NAMES.get(name, name)
        if name in ("method", "objective"):
            found[name] = value
        elif name not in fields:
            raise ValueError(f"A line must have a flag of `pgtf train`. Received: {line!r}")
        elif fields[name].metadata["repeated"]:
            found[name] = (*found.get(name, ()), value)
        elif _kind(fields[name]) == "tuple":
            found[name] = _listed(name, value)
        else:
            found[name] = settings.from_text(fields[name].type, name, value)
    return found


def _kind(field: Any) -> str:
    return str(getattr(field.type, "__name__", field.type)).partition("[")[0]


def _listed(name: str, value: str) -> tuple[str, ...]:
    """Returns the values of a comma-separated list, which `settings.as_text` writes."""
    try:
        rows = list(csv.reader([value], strict=True))
    except csv.Error as error:
        settings.refuse(name, f"a list with commas ({error})", value)
    return tuple(item.strip() for row in rows for item in row)
