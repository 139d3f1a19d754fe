"""Settings for single tasks: --override=TASK:NAME=VALUE,NAME=VALUE."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pgtf.config.groups import EARLIER_NAMES, TrainingSettings
from pgtf.foundation import settings
from pgtf.foundation.settings import refuse

_OF_THE_RUN = ("precision", "distribute", "deterministic")  # Settings of training that all tasks of a run share.
_OF_DATA = (
    *("load_size", "padding", "flip", "bad_images"),
    *("input_channels", "output_channels", "input_range", "output_range"),
)


def parsed(texts: Sequence[str], tasks: Sequence[str]) -> dict[str, dict[str, str]]:
    """Returns {task: {setting: value as text}} of --override flags for these tasks."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        task, colon, pairs = text.partition(":")
        named = dict(pair.partition("=")[::2] for pair in pairs.split(","))
        named = {EARLIER_NAMES.get(name, name): value for name, value in named.items()}
        if not colon or not all(named) or "=" not in pairs:
            refuse("override", "TASK:NAME=VALUE,NAME=VALUE", text)
        if task not in tasks or task in found:
            refuse("override", f"for one of the tasks ({', '.join(tasks)}), once", text)
        found[task] = named
    return found


def known(config: Any) -> dict[str, dataclasses.Field]:
    """Returns {name: field} of the settings that --override can change for one task."""
    training = [field.name for field in settings.settings_of(TrainingSettings) if field.name not in _OF_THE_RUN]
    fields = [
        *settings.settings_of(config.objective),
        *(field for field in settings.settings_of(config.method) if field.metadata["may_change"]),
        *(field for field in settings.settings_of(config) if field.name in (*training, *_OF_DATA)),
    ]
    return {field.name: field for field in fields}


def values(texts: Mapping[str, str], fields: Mapping[str, dataclasses.Field], task: str) -> dict[str, Any]:
    """Parses one task's {setting: value as text} to {setting: value}."""
    for name, text in texts.items():
        if name not in fields:
            refuse("override", f"of the settings {', '.join(fields)}", f"{task}:{name}={text}")
    return {name: settings.from_text(fields[name].type, name, text) for name, text in texts.items()}
