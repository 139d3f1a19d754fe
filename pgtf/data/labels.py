"""Labels: the classes of a task's images, and the number of each image's class among them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pgtf.data.manifest import LabelledFiles
from pgtf.foundation import task_names
from pgtf.foundation.task_names import first_names


def classes_of(task: str, splits: Mapping[str, LabelledFiles]) -> tuple[str, ...]:
    """Returns the names of a task's classes, in order: numbers by value, other names by letter.

    Args:
      task: The task's name, for error messages.
      splits: {split: its files}. The classes are those of "train".

    Raises:
      ValueError: If there are fewer than two classes, or a split has images of other classes.
    """
    found = set(splits["train"].labels.values())
    bad = sorted(name for name in found if not task_names.is_name(name))
    if bad:
        raise ValueError(
            f"Classes must have {task_names.RULE}. Received: {task!r} with {first_names(list(map(repr, bad)))}"
        )
    classes = sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))
    if len(classes) < 2:
        raise ValueError(
            "A task must have at least two classes with training images. "
            f"Received: {task!r} with {len(classes)} in {splits['train'].folder!r}: {', '.join(classes)}"
        )
    for files in splits.values():
        others = sorted(set(files.labels.values()) - found)
        if others:
            raise ValueError(
                "All splits must have the classes of the training images. Rename the others, or add training images. "
                f"Received: {files.folder!r} with {len(others)} that are not in {splits['train'].folder!r}: "
                f"{first_names(others)}"
            )
    return tuple(classes)


def class_indices(files: LabelledFiles, classes: tuple[str, ...]) -> np.ndarray:
    """Returns the number of each image's class, int32 [n]."""
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places[files.labels[name]] for name in files.sizes], "int32")
