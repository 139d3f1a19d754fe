"""Expanded (PAE, as Hung et al., NeurIPS 2019, describe it): `Packed` in a growing kernel that is pruned in rounds."""

from collections.abc import Sequence
from typing import Any, Union

import keras

from pgtf.recipes.packed import Packed, Part


@keras.saving.register_keras_serializable(package="pgtf")
class Expanded(Packed):
    """kernel = earlier + own. The last round of pruning can be undone.

    Args:
      earlier, prune_ratio, initializer: As for `Packed`; kernels of earlier tasks may have fewer channels.
      inputs: Number of equal parts, side by side, that the input consists of; each grows by the same
        number of channels. Default: 1.
    """

    def __init__(self, earlier: Union[Sequence[Part], int] = (), *, inputs: int = 1, **kwargs: Any) -> None:
        super().__init__(earlier, **kwargs)
        self.inputs = inputs

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.before = self._frozen("before", self.alive.numpy())  # `alive` before the last pruning round.

    def prune(self, ratio: float) -> None:
        self.before.assign(self.alive)
        super().prune(ratio)

    def undo(self) -> None:
        """Undoes the last pruning round."""
        self.alive.assign(self.before)

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.before.assign(self.alive)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inputs": self.inputs}
