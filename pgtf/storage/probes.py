"""Proof that a task is what it was: outputs recorded when it was learnt, and replayed."""

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
    """A few test images of a task, and what its networks made of them when it was learnt.

    inputs: {prefix: uint8 [n, h, w, 3]}; targets: the same for pairs; outputs: float32 in [-1, 1].
    """

    inputs: dict
    targets: dict
    outputs: dict = dataclasses.field(default_factory=dict)

    def recorded(self, networks):
        """These probes with the outputs of these networks."""
        return dataclasses.replace(
            self, outputs={prefix: outputs(network, self.inputs[prefix]) for prefix, network in networks.items()}
        )

    def content(self):
        """The bytes to keep."""
        arrays = {}
        for field in dataclasses.fields(self):
            for prefix, value in getattr(self, field.name).items():
                arrays[f"{prefix}/{field.name}"] = np.ascontiguousarray(value)
        return save(arrays)

    @classmethod
    def read(cls, path: str, sha256: str) -> "Probes":
        """The probes in a file, checked against their hash."""
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
        """How far the outputs of these networks are from the recorded ones."""
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


def _check_images(inputs: dict, targets: dict, outputs: dict) -> None:
    """Refuses arrays that are no images, or outputs of other images than the inputs."""
    for images, kind in ((inputs, np.uint8), (targets, np.uint8), (outputs, np.float32)):
        for prefix, values in images.items():
            if values.ndim != 4 or values.shape[-1] != 3 or values.dtype != kind or not values.size:
                raise ValueError(f"{prefix}: {values.dtype} {list(values.shape)}")
            if prefix not in inputs or values.shape != inputs[prefix].shape:
                raise ValueError(f"{prefix}: {list(values.shape)}, of other images than its inputs")
            if kind == np.float32 and not np.isfinite(values).all():
                raise ValueError(f"{prefix}: outputs that are not finite")


def outputs(network: Any, images: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, 3] through a network, to [-1, 1].

    On the processor, where float32 is float32 and every call takes the same kernels; GPUs round to TF32 and choose
    anew. One by one: the batch must not decide about the last bit.
    """
    with tf.device("CPU:0"):
        return np.concatenate([network(to_float(image)[None], training=False).numpy() for image in images])
