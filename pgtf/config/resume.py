"""Merges the recorded settings of a run with those of the command line."""

import dataclasses
from collections.abc import Sequence

from pgtf.config import overrides
from pgtf.config.config import Config
from pgtf.foundation import settings
from pgtf.foundation.errors import Contradiction


def resumed(recorded: Config, requested: Config, learned: Sequence[str]) -> Config:
    """Returns the config with which a run is resumed.

    Args:
      recorded: The config that the run was made with.
      requested: The config of the command line.
      learned: The tasks that the run has learned.

    Raises:
      Contradiction: If `requested` differs in a setting that the run keeps.
    """
    fixed, now = recorded.flat(), requested.flat()
    changing = {name for part in (recorded, recorded.method, recorded.objective) for name in settings.changeable(part)}
    others = [name for name in now if name not in changing and fixed.get(name, now[name]) != now[name]]
    if others:
        raise Contradiction(
            "A run can't change these flags. Leave them out, "
            f"{_override_advice(recorded, requested, learned, others)}or choose another --run_dir. "
            f"Received: {', '.join(f'--{name}={now[name]!r}' for name in others)}, "
            f"where {requested.run_dir} has {', '.join(repr(fixed[name]) for name in others)}",
            requested,
        )
    if requested.tasks[: len(learned)] != tuple(learned):
        raise Contradiction(
            "A run's learned tasks must come first in --tasks; new ones go to the end. "
            f"Received: --tasks={','.join(requested.tasks)}, where {requested.run_dir} has learned {','.join(learned)}",
            requested,
        )
    turned = [task for task in learned if recorded.flipped(task) != requested.flipped(task)]
    if turned:
        message = f"A learned task can't change its --direction. Received: another one for {', '.join(turned)}"
        raise Contradiction(message, requested)
    return dataclasses.replace(requested, precision=recorded.precision) if requested.precision == "auto" else requested


def _override_advice(recorded: Config, requested: Config, learned: Sequence[str], others: Sequence[str]) -> str:
    """Returns advice to set --override for the next task; empty if it can't have these settings."""
    coming = [task for task in requested.tasks if task not in learned]
    if not coming or not set(others) <= set(overrides.known(recorded)):
        return ""
    pairs = ",".join(f"{name}={settings.as_text(requested.flat()[name])}" for name in others)
    return f"set them for one task with --override={coming[0]}:{pairs}, "
