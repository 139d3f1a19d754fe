"""Images of a learned task, found from the record in its slice."""

import dataclasses
import os
from typing import Any

from pgtf.config import DataSettings
from pgtf.data.finder import Finder
from pgtf.data.task_data import TaskData
from pgtf.storage.facts import Facts


def recorded_data(name: str, facts: Facts, data_dir: str = "") -> TaskData:
    """Returns a learned task's images, all at the size of training.

    Args:
      name: The task's name.
      facts: The facts of its slice.
      data_dir: Folder of the data, if it has moved since training. Default: as recorded.

    Returns:
      Its data, without the files that were left out as unreadable.
    """
    size, drawn = facts.architecture.size, facts.data == "drawn"
    find = Finder(
        "" if drawn else data_dir or os.path.dirname(facts.data),
        facts.objective.batch,
        size,
        size,
        seed=facts.seed,
        # Slices of format 1 say no numbers.
        drawn_images=facts.images.get("train", {}).get("count", DataSettings.drawn_images) if drawn else 1,
        drawn_tests=facts.images.get("test", {}).get("count"),
        cache_bytes=0,
        validation=facts.training.get("validation", 0.0),
        pixels=(facts.input_pixels, facts.target_pixels),
    )
    data = dataclasses.replace(find(facts.learnt_as or name, facts.direction == "BtoA"), name=name)
    facts.objective.for_data(data)  # Refuses data that the task can't have been learned from.
    left_out = {part: facts.images.get(part, {}).get("left_out", ()) for part in data.manifest.files}
    return data.without({part: tuple(names) for part, names in left_out.items()})


def changes(facts: Facts, data: TaskData) -> list[str]:
    """Lists the changes of the images since training, a line for each part. None for format 1, which has no record."""
    nothing, now = {"count": 0}, data.manifest.summary()
    return [
        f"{part}: {then['count']} images then, {there['count']} now"
        if then["count"] != there["count"]
        else f"{part}: {then['count']} images then and now, of other names or sizes"
        for part, then in facts.images.items()
        for there in [now.get(part, nothing)]
        if _what(then) != _what(there)
    ]


def _what(summary: dict[str, Any]) -> dict[str, Any]:
    """Returns a part of a manifest's summary without its folder."""
    return {key: value for key, value in summary.items() if key not in ("folder", "left_out")}
