"""Sample images of a task during training."""

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Callable

import numpy as np

from pgtf.evaluation.pictures import inputs_of, pictures, through
from pgtf.foundation import files
from pgtf.storage import layout
from pgtf.storage.probes import Probes

SAMPLE = os.path.join(layout.CHECKPOINTS, "sample.safetensors")  # The last one, in the task's folder.


def sampler(
    probes: Probes, folder: str, then: Callable[[], Any]
) -> Callable[[Mapping[str, Any]], dict[str, np.ndarray]]:
    """Returns a function that draws the samples of a task.

    Args:
      probes: Its test images.
      folder: Of the task; the last sample lies there until the task is learned.
      then: What is done once it does.

    Returns:
      {prefix: network} -> {title: picture}.
    """

    def draw(networks: Mapping[str, Any]) -> dict[str, np.ndarray]:
        outputs = {
            prefix: np.stack(through(network, inputs_of(probes, prefix))) for prefix, network in networks.items()
        }
        files.write(os.path.join(folder, SAMPLE), dataclasses.replace(probes, outputs=outputs).content())
        then()
        return pictures(networks, probes)

    return draw


def forget_sample(folder: str) -> None:
    """Removes the last sample of a learned task."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, SAMPLE))
