"""Sample images of a task."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pgtf.data.reading import to_float, to_uint8
from pgtf.storage.probes import Probes


def pictures(networks: Mapping[str, Any], probes: Probes) -> dict[str, np.ndarray]:
    """Translates a task's probes with its networks. Returns {title: uint8 [h, w, 3]}, a row for each probe."""
    a = inputs_of(probes)
    to_b = through(networks["forward"], a)
    if "backward" not in networks:
        targets = [to_float(image) for image in probes.targets["forward"]]
        return {"input-output-target": grid(zip(a, to_b, targets))}
    b = inputs_of(probes, "backward")
    to_a = through(networks["backward"], b)
    return {
        "A-B-A": grid(zip(a, to_b, through(networks["backward"], to_b))),
        "B-A-B": grid(zip(b, to_a, through(networks["forward"], to_a))),
        "A-identity-B-identity": grid(zip(a, through(networks["backward"], a), b, through(networks["forward"], b))),
    }


def inputs_of(probes: Probes, prefix: str = "forward") -> list[np.ndarray]:
    """Returns the inputs of the probes in one direction, each [h, w, 3] in [-1, 1]."""
    return [to_float(image) for image in probes.inputs[prefix]]


def through(network: Any, images: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Applies a network to images of one size, in one batch."""
    return list(np.asarray(network(np.stack(list(images)), training=False)))


def grid(rows: Iterable[Iterable[np.ndarray]]) -> np.ndarray:
    """Joins rows of images in [-1, 1] to one image, uint8 [h, w, 3]."""
    return to_uint8(np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0))
