"""What every format of exported networks is."""

from typing import Any, Optional

import numpy as np
import tensorflow as tf

from pgtf.keras_versions import tf_variable
from pgtf.serving.direction import Direction


class Format:
    """A way of writing a network to disk, with its origin, and of asking what was written."""

    def path(self, output: str, direction: Direction) -> str:
        """The file or folder that an export becomes.

        Args:
          output: The folder for all exports.
          direction: What is exported.

        Returns:
          A path in it.
        """
        raise NotImplementedError

    def instead(self, path: str) -> str:
        """What to do where something else lies at a path, in a few words for an error."""
        raise NotImplementedError

    def size_for(self, direction: Direction) -> Optional[tuple[int, int]]:
        """The one (height, width) that an export takes, None for any; an error where the network does not take it."""
        del direction
        return None

    def identity(self, direction: Direction) -> dict[str, Any]:
        """What tells an export from every other, as its description holds it."""
        size = self.size_for(direction)
        return {**direction.identity, "size": list(size)} if size else direction.identity

    def description(self, direction: Direction) -> dict[str, Any]:
        """What an export tells of its origin, as JSON has it."""
        return {**direction.description(), **self.identity(direction)}

    def described(self, path: str) -> Any:
        """The description that lies in an export; None where there is none."""
        raise NotImplementedError

    def write(self, direction: Direction, path: str) -> None:
        """Writes a direction's plain network and its description.

        Args:
          direction: What is exported.
          path: Where nothing is yet.
        """
        raise NotImplementedError

    def difference(self, path: str, images: np.ndarray, expected: np.ndarray) -> float:
        """How far what was written is from what it must answer.

        Args:
          path: Where it lies.
          images: uint8 [n, h, w, 3].
          expected: float32 in [-1, 1], the same shape.

        Returns:
          The largest difference.
        """
        raise NotImplementedError


def variables_of(network: Any) -> tf.Module:
    """What TensorFlow needs to save functions of a network: its variables, and nothing of Keras."""
    module = tf.Module()
    module.kernels_biases_norms = [tf_variable(variable) for variable in network.variables]
    return module
