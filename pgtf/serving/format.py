"""Base class of export formats."""

from typing import Any, Optional

import numpy as np
import tensorflow as tf

from pgtf.data.pixels import RGB, Pixels
from pgtf.foundation.keras_versions import tf_variable
from pgtf.serving.direction import Direction
from pgtf.storage.probes import TOLERANCE


class Format:
    """A file format for exported networks: writes a network with its provenance, and runs a written one."""

    @property
    def tolerance(self) -> float:
        """The most that `difference` may be. Default: 1e-4."""
        return TOLERANCE

    def path(self, output: str, direction: Direction) -> str:
        """Returns the file or folder of an export.

        Args:
          output: Folder for all exports.
          direction: The direction to export.

        Returns:
          A path inside `output`.
        """
        raise NotImplementedError

    def instead(self, path: str) -> str:
        """Returns advice for the error when `path` holds something else: one sentence without its full stop."""
        raise NotImplementedError

    def size_for(self, direction: Direction) -> Optional[tuple[int, int]]:
        """Returns the fixed (height, width) of an export, or None if it takes any size.

        Raises ValueError if the network cannot take the size.
        """
        del direction
        return None

    def identity(self, direction: Direction) -> dict[str, Any]:
        """Returns the facts that identify an export among all others. They are part of its description."""
        size = self.size_for(direction)
        return {**direction.identity, "size": list(size)} if size else direction.identity

    def description(self, direction: Direction) -> dict[str, Any]:
        """Returns the provenance of an export, for JSON."""
        return {**direction.description(), **self.identity(direction)}

    def described(self, path: str) -> Any:
        """Reads the description from an export; None if there is none."""
        raise NotImplementedError

    def write(self, direction: Direction, path: str) -> None:
        """Writes a direction's folded network and its description.

        Args:
          direction: The direction to export.
          path: A path that does not exist yet.
        """
        raise NotImplementedError

    def difference(
        self, path: str, images: np.ndarray, expected: np.ndarray, pixels: tuple[Pixels, Pixels] = (RGB, RGB)
    ) -> float:
        """Runs an export on images and compares its outputs with the expected ones.

        Args:
          path: The export.
          images: uint8 RGB, or float32 in [-1, 1], [n, h, w, channels].
          expected: float32 in [-1, 1].
          pixels: The pixels of inputs and of outputs. Default: RGB.

        Returns:
          The largest absolute difference; the mean one in formats that round values.
        """
        raise NotImplementedError


def variables_of(network: Any) -> tf.Module:
    """Returns a module with the network's variables and without Keras objects, for saving functions of the network."""
    module = tf.Module()
    module.kernels_biases_norms = [tf_variable(variable) for variable in network.variables]
    return module
