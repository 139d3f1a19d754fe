"""Probes: test images of a task with its recorded outputs. Their replay proves that the task has not changed."""

import dataclasses
from typing import Callable, Optional

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pgtf.foundation import files

# Where bits may differ (another machine, another library), outputs in [-1, 1] may differ by this.
TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class Probes:
    """A few test examples of a task, and the outputs of its networks when it was learned.

    Attributes:
      inputs: {prefix: array [n, …]}. Images are uint8 RGB, or float32 in [-1, 1].
      targets: The same, for tasks with targets.
      outputs: {prefix: float32 [n, …]}.
    """

    inputs: dict
    targets: dict
    outputs: dict = dataclasses.field(default_factory=dict)

    def content(self):
        """Returns the content of the file."""
        arrays = {}
        for field in dataclasses.fields(self):
            for prefix, value in getattr(self, field.name).items():
                arrays[f"{prefix}/{field.name}"] = np.ascontiguousarray(value)
        return save(arrays)

    @classmethod
    def read(cls, path: str, sha256: str, check: Optional[Callable[..., None]] = None) -> "Probes":
        """Reads probes from a file and checks their hash.

        Args:
          path: The file.
          sha256: The recorded hash of the file.
          check: Raises ValueError for inputs, targets and outputs of another objective; see `Objective.check_probes`.
        """
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError as error:
            raise ValueError(f"The task's probes are missing. Received: none at {path}") from error
        if files.sha256(content) != sha256:
            raise ValueError(
                "The task's probes have changed since they were recorded. Restore the file; or remove it, and the run "
                f"continues without this proof. Received: {path}, whose sha256 differs"
            )
        parts: dict[str, dict] = {field.name: {} for field in dataclasses.fields(cls)}
        try:
            for name, value in load(content).items():
                prefix, part = name.split("/")
                parts[part][prefix] = value
            _check_arrays(**parts)
            if check:
                check(**parts)
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"The file of probes can't be read. Received: {path} ({error})") from error
        return cls(**parts)


def largest_difference(outputs: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest absolute difference; of outputs beyond [-1, 1], as a share of the largest expected one."""
    return float(np.abs(outputs - expected).max() / max(1.0, np.abs(expected).max()))


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


def _check_arrays(inputs: dict, targets: dict, outputs: dict) -> None:
    """Raises ValueError for empty arrays, arrays of other lengths than the inputs, and floats that are not finite."""
    for arrays in (inputs, targets, outputs):
        for prefix, values in arrays.items():
            if not values.ndim or not values.size:
                raise ValueError(f"{prefix}: {values.dtype} {list(values.shape)}")
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ValueError(f"{prefix}: {'outputs' if arrays is outputs else 'values'} that are not finite")
            if prefix not in inputs or len(values) != len(inputs[prefix]):
                raise ValueError(f"{prefix}: {list(values.shape)}, of other images than its inputs")
    for prefix, values in outputs.items():
        if values.dtype != np.float32:
            raise ValueError(f"{prefix}: {values.dtype} {list(values.shape)}")
