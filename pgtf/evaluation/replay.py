"""Proof that a task is what it was: outputs recorded when it was learnt, and replayed."""

import dataclasses
import os

import numpy as np
from safetensors.numpy import load, save

from pgtf import files
from pgtf.data.images import to_float

# Where bits may differ (another machine, another library), outputs in [-1, 1] may differ by this.
TOLERANCE = 1e-4


def replayed(network, images):
    """uint8 images [n, h, w, 3] -> outputs in [-1, 1], one by one, as always for this purpose."""
    return np.concatenate([network(to_float(image)[None], training=False).numpy() for image in images])


def record(networks, images):
    """{prefix: uint8 [n, h, w, 3]} shown to each network -> the bytes to keep, with their outputs."""
    arrays = {}
    for prefix, network in networks.items():
        arrays[f"{prefix}/input"] = np.ascontiguousarray(images[prefix])
        arrays[f"{prefix}/output"] = replayed(network, images[prefix])
    return save(arrays)


@dataclasses.dataclass(frozen=True)
class Replay:
    """How far a task's outputs are from the recorded ones."""

    difference: float
    bit_equal: bool

    @property
    def holds(self):
        return self.bit_equal or self.difference <= TOLERANCE

    def __str__(self):
        if self.bit_equal:
            return "bit-equal"
        return f"{'within tolerance' if self.holds else 'CHANGED'}: differs by {self.difference:.1e}"


def replay(networks, path, sha256):
    """Runs networks on the probes in a file and compares with the outputs there."""
    if not os.path.exists(path):
        raise ValueError(f"A task's probes lie beside its slice. Received: none at {path}")
    with open(path, "rb") as file:
        content = file.read()
    if files.sha256(content) != sha256:
        raise ValueError(f"A task's probes must be as they were recorded; their sha256 differs. Received: {path}")
    arrays = load(content)
    differences, equal = [], True
    for prefix, network in networks.items():
        now, then = replayed(network, arrays[f"{prefix}/input"]), arrays[f"{prefix}/output"]
        equal = equal and np.array_equal(now.view(np.uint32), then.view(np.uint32))
        differences.append(float(np.abs(now - then).max()))
    return Replay(max(differences), equal)
