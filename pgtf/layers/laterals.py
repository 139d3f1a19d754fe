"""Columns (Rusu et al., 2016; as Zhai et al. describe them): earlier networks run, frozen, inside a new one.

The input of a layer of the new column is h + lateral([h₁ … hₙ]): h is the layer's input in a network alone, hᵢ the
input of the layer of the same name in column i, and lateral a 1 × 1 convolution of the concatenated hᵢ.
"""

from typing import Any, Callable

from pgtf.layers.planned_shapes import Shape


class Laterals:
    """A layer factory of progressive networks: layers of a new column also take the features of earlier columns.

    Task-specific layers get no lateral; nor does the first layer, because all columns have the same input image.

    Args:
      make: A factory of layers.
      earlier: (layer name, h) -> inputs of the layers of that name in earlier columns, concatenated
        [n, h, w, columns·c].
    """

    def __init__(self, make: Any, earlier: Callable[[str, Any], Any]) -> None:
        self.layers = make.layers
        self._make, self._earlier = make, earlier
        self._is_first = True

    def conv(self, name: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Makes a convolution."""
        return self._joined(name, self._make.conv(name, *args, **kwargs), **kwargs)

    def up(self, name: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Makes a layer that doubles height and width."""
        return self._joined(name, self._make.up(name, *args, **kwargs), **kwargs)

    def norm(self, name: str) -> Callable[[Any], Any]:
        """Makes a normalization layer."""
        return self._make.norm(name)

    def dropout(self, name: str, rate: float) -> Callable[[Any], Any]:
        """Makes a dropout layer."""
        return self._make.dropout(name, rate)

    def _joined(self, name, layer, task_specific=False, **_):
        if self._is_first or task_specific:
            self._is_first = False
            return layer

        def joined(h):
            lateral = self._make.conv(f"{name}_lateral", h.shape[-1], 1, task_specific=True)
            return layer(self.layers.Add(name=f"{name}_sum")([h, lateral(self._earlier(name, h))]))

        return joined


def planned_columns(count: int) -> Callable[[str, Shape], Shape]:
    """Returns placeholders for the inputs from `count` columns as wide as the new one; used before they are learned."""
    return lambda name, h: h.with_channels(count * h.shape[-1])
