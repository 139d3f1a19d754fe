"""Sample images of a task during training."""

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Callable

import numpy as np

from pgtf.data.rgb_images import to_input
from pgtf.foundation import files
from pgtf.objectives.base import Objective, outputs_of
from pgtf.storage import run_paths
from pgtf.storage.probes import Probes


def sampler(
    objective: Objective, probes: Probes, folder: str, then: Callable[[], Any]
) -> Callable[[Mapping[str, Any]], dict[str, np.ndarray]]:
    """Returns a function that draws the samples of a task.

    Args:
      objective: The task's objective.
      probes: Its test images.
      folder: The task's folder. The last sample lies there until the task is learned.
      then: Called after each sample is written.

    Returns:
      A function of {prefix: network} that returns {title: picture}.
    """

    def draw(networks: Mapping[str, Any]) -> dict[str, np.ndarray]:
        outputs = {prefix: outputs_of(network, to_input(probes.inputs[prefix])) for prefix, network in networks.items()}
        files.write(os.path.join(folder, run_paths.SAMPLE), dataclasses.replace(probes, outputs=outputs).content())
        then()
        return objective.preview(networks, probes.inputs, probes.targets)

    return draw


def remove_sample(folder: str) -> None:
    """Removes the last sample of a learned task."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, run_paths.SAMPLE))
