"""Probes: recorded outputs of a task and their replay, which proves that the task has not changed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pgtf.data.reading import to_float
from pgtf.foundation import files

# Where bits may differ (another machine, another library), outputs in [-1, 1] may differ by this.
TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class Probes:
    """A few test images of a task, and the outputs of its networks when it was learned.

    inputs: {prefix: uint8 [n, h, w, 3]}; targets: the same for pairs; outputs: float32 in [-1, 1].
    """

    inputs: dict
    targets: dict
    outputs: dict = dataclasses.field(default_factory=dict)

    def recorded(self, networks):
        """Returns these probes with the outputs of these networks."""
        return dataclasses.replace(
            self, outputs={prefix: outputs(network, self.inputs[prefix]) for prefix, network in networks.items()}
        )

    def content(self):
        """Returns the content of the file."""
        arrays = {}
        for field in dataclasses.fields(self):
            for prefix, value in getattr(self, field.name).items():
                arrays[f"{prefix}/{field.name}"] = np.ascontiguousarray(value)
        return save(arrays)

    @classmethod
    def read(cls, path: str, sha256: str) -> "Probes":
        """Reads probes from a file and checks their hash."""
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError as error:
            raise ValueError(f"A task's probes lie beside its slice. Received: none at {path}") from error
        if files.sha256(content) != sha256:
            raise ValueError(
                "A task's probes must be as they were recorded; without the file a run goes on, without this proof. "
                f"Received: {path}, whose sha256 differs"
            )
        parts: dict[str, dict] = {field.name: {} for field in dataclasses.fields(cls)}
        try:
            for name, value in load(content).items():
                prefix, part = name.split("/")
                parts[part][prefix] = value
            _check_images(**parts)
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"A task's probes are inputs, targets and outputs. Received: {path} ({error})") from error
        return cls(**parts)

    def replayed(self, networks: Mapping[str, Any]) -> "Replay":
        """Compares the outputs of these networks with the recorded ones."""
        if not self.outputs.keys() == self.inputs.keys() == networks.keys():
            raise ValueError(
                f"A task's probes are of its networks, {', '.join(networks)}. Received: inputs of "
                f"{', '.join(self.inputs) or 'none'}, outputs of {', '.join(self.outputs) or 'none'}"
            )
        try:
            now = self.recorded(networks).outputs
        except tf.errors.OpError as error:
            raise ValueError(f"Probes are images that their networks take. Received: {error.message}") from error
        return Replay(
            difference=max(float(np.abs(now[prefix] - then).max()) for prefix, then in self.outputs.items()),
            bit_equal=all(now[prefix].tobytes() == then.tobytes() for prefix, then in self.outputs.items()),
        )


@dataclasses.dataclass(frozen=True)
class Replay:
    """Difference of a task's outputs from the recorded ones."""

    difference: float
    bit_equal: bool

    @property
    def holds(self):
        return self.bit_equal or self.difference <= TOLERANCE

    def __str__(self):
        if self.bit_equal:
            return "bit-equal"
        return f"{'within tolerance' if self.holds else 'CHANGED'}: differs by {self.difference:.1e}"


def _check_images(inputs: dict, targets: dict, outputs: dict) -> None:
    """Raises ValueError for arrays that are not images, or outputs that do not match the inputs."""
    for images, kind in ((inputs, np.uint8), (targets, np.uint8), (outputs, np.float32)):
        for prefix, values in images.items():
            if values.ndim != 4 or values.shape[-1] != 3 or values.dtype != kind or not values.size:
                raise ValueError(f"{prefix}: {values.dtype} {list(values.shape)}")
            if prefix not in inputs or values.shape != inputs[prefix].shape:
                raise ValueError(f"{prefix}: {list(values.shape)}, of other images than its inputs")
            if kind == np.float32 and not np.isfinite(values).all():
                raise ValueError(f"{prefix}: outputs that are not finite")


def outputs(network: Any, images: np.ndarray) -> np.ndarray:
    """Applies a network to uint8 [n, h, w, 3]. Returns outputs in [-1, 1].

    Runs on the CPU, where float32 is exact and every call uses the same kernels. GPUs round to TF32 and choose kernels
    anew. Runs one image at a time, so that the batch size does not affect the last bit.
    """
    with tf.device("CPU:0"):
        return np.concatenate([network(to_float(image)[None], training=False).numpy() for image in images])
