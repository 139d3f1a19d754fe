"""Records a new task's data and settings, and checks them when it resumes."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

from pgtf.assembly.bank import NetworkBank
from pgtf.config import EARLIER_NAMES, TaskPlan, TrainingSettings
from pgtf.data.manifest import Manifest
from pgtf.data.pixels import RGB, of_json
from pgtf.data.task_data import TaskData, listed
from pgtf.evaluation.task_similarity import ranked_by_similarity
from pgtf.foundation import files
from pgtf.foundation.logger import LOG
from pgtf.foundation.settings import changeable
from pgtf.storage import run_paths
from pgtf.storage.facts import COMPRESS_TO
from pgtf.storage.probes import Probes
from pgtf.training.checkpoints import Checkpoints

# The settings that a slice tells of how it was learned.
TRAINING = (
    "epochs",
    "steps",
    "batch_size",
    "accumulate",
    "learning_rate",
    "decay_from",
    "precision",
    "load_size",
    "keep_weights",
    "ema",
    "slice_precision",
)
PIXELS = ("input_channels", "output_channels", "input_range", "output_range")  # Recorded where they are given.
SIDES = ("input", "target")
# The settings that choose the best point, and with it what is learned.
CHOOSING = ("evaluate_every", "evaluate_images", "inception")


def record_or_resume(
    plan: TaskPlan,
    data: TaskData,
    folder: str,
    checkpoints: str = "",
    together: Sequence[str] = (),
    *,
    follows: bool = False,
) -> TaskData:
    """Records a new task's data and settings, or restores and checks the recorded ones when it resumes.

    Args:
      plan: The task's settings.
      data: The task's current data.
      folder: The task's folder. begun.json is written here when training begins.
      checkpoints: Folder of its checkpoints. Default: that in its folder.
      together: The names of all tasks of a joint training.
      follows: Whether another process has begun the task.

    Returns:
      The data without unreadable images.

    Raises:
      ValueError: If data or settings have changed since training began.
    """
    settings = {
        **training_of(plan, together),
        **dataclasses.asdict(plan.objective),
        **changeable(plan.method),
        **_classified(plan),
        COMPRESS_TO: plan.training.compress_to if plan.index else "",
    }
    if follows or Checkpoints.steps_in(checkpoints or os.path.join(folder, run_paths.CHECKPOINTS)):
        return _checked(settings, data, folder, defaults=_older_defaults(plan))
    data = data.checked(plan.data.bad_images == "skip")
    if data.skipped:
        lines = [f"{data.name}: skipped {len(data.skipped)} images", *listed(data.skipped).splitlines()]
        LOG.info("\n  ".join(lines))
    record = {"settings": settings, "data": data.manifest.to_json(), "probes_split": data.shown_split}
    if pixels := pixels_json(data):
        record["pixels"] = pixels
    files.write(os.path.join(folder, run_paths.BEGUN), json.dumps(record, indent=1).encode())
    return data


def _checked(settings: dict[str, Any], data: TaskData, folder: str, defaults: dict[str, Any]) -> TaskData:
    """Checks a resumed task against its record. defaults: Settings that the record of an older version lacks."""
    path = os.path.join(folder, run_paths.BEGUN)
    try:
        with open(path, "rb") as file:
            record = json.load(file)
        begun, manifest = {**defaults, **record["settings"]}, Manifest.from_json(record["data"])
        pixels = [of_json(record["pixels"][side]) for side in SIDES] if "pixels" in record else [RGB, RGB]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"The record of the task's start can't be read: {path}. Restore it, or remove {folder} to start the task "
            f"again. Received: {type(error).__name__}: {error}"
        ) from error
    settings = json.loads(json.dumps(settings))  # As the record was written: JSON has no tuples.
    changed = [f"{name}={now}, not {begun.get(name)}" for name, now in settings.items() if begun.get(name) != now]
    if changed:
        raise ValueError(
            f"A task must keep the settings that it began with. Give those; or remove {folder}, and the task starts "
            f"again. Received: for {data.name}, {', '.join(changed)}"
        )
    data.fix_pixels(pixels)
    return data.resumed(manifest)


def pixels_json(data: TaskData) -> dict[str, Any]:
    """Returns the pixels of a task's images as plain data, with measured ranges; empty if both are RGB."""
    if all(pixels.is_rgb for pixels in data.pixels):
        return {}
    return {side: dataclasses.asdict(pixels) for side, pixels in zip(SIDES, data.pixels)}


def begun_split(folder: str) -> str:
    """Returns the split of the probes of a recorded task. Default: "test", for older records."""
    try:
        with open(os.path.join(folder, run_paths.BEGUN), "rb") as file:
            return str(json.load(file)["probes_split"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "test"


def training_of(plan: TaskPlan, together: Sequence[str] = ()) -> dict[str, Any]:
    """Returns {setting: value} of all settings that affect training. together: Tasks of a joint training."""
    names = [
        *TRAINING,
        *(CHOOSING if plan.training.keep_weights == "best" else ()),
        *(name for name in ("validation", "padding") if getattr(plan.data, name)),
        *(name for name in PIXELS if getattr(plan.data, name)),
        *(["keep_norms"] if plan.training.keep_norms else []),
        *([COMPRESS_TO] if plan.training.compress_to and plan.index else []),
        *([] if plan.data.flip else ["flip"]),
    ]
    flat = plan.flat()
    recorded_as = {name: earlier for earlier, name in EARLIER_NAMES.items()}
    values = {recorded_as.get(name, name): flat[name] for name in names}
    return {**values, **({"together": list(together)} if together else {})}


def _classified(plan: TaskPlan) -> dict[str, Any]:
    """Returns the tasks of the classifier that measures the best point. Losses of two classifiers can't be compared."""
    chooses = plan.training.keep_weights == "best" and not plan.run.inception
    return {"tasks": sorted(plan.run.tasks)} if chooses and len(plan.run.tasks) > 1 else {}


def _older_defaults(plan: TaskPlan) -> dict[str, Any]:
    """Returns the settings that the record of an older version lacks, with the values that it used."""
    return {
        "slice_precision": TrainingSettings.slice_precision,
        "accumulate": plan.training.accumulate,  # Not known.
        COMPRESS_TO: "",
        **_classified(plan),  # Not known.
        **changeable(type(plan.method)()),
    }


def nearest_recorded(bank: NetworkBank, probes: Probes, folder: str, *, follows: bool = False) -> list[str]:
    """Sorts the earlier tasks by the similarity of their images to a task's. Uses the recorded order when it resumes.

    Args:
      bank: The bank of all tasks so far, on disk.
      probes: Images of the task.
      folder: The task's folder. nearest.json is written here when training begins.
      follows: Whether another process has begun the task.

    Returns:
      The names of the tasks that have probes.
    """
    path = os.path.join(folder, run_paths.NEAREST)
    begun = follows or (os.path.exists(path) and Checkpoints.steps_in(os.path.join(folder, run_paths.CHECKPOINTS)))
    if bank.names and not begun:
        found = {}
        for index, name in enumerate(bank.names):
            place = os.path.join(bank.place(index, name), run_paths.PROBES)
            if os.path.exists(place):
                facts = bank.slice(index).facts
                found[name] = Probes.read(place, facts.probes_sha256, facts.check_probes)
        ranking = ranked_by_similarity(bank.network(bank.names[0], "forward"), probes, found)
        files.write(path, json.dumps(ranking).encode())
    if not bank.names:
        return []
    with open(path, encoding="utf-8") as file:
        return [name for name in json.load(file) if name in bank.names]
