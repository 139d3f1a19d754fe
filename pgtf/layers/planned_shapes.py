"""Layers without weights as a plan needs them: each returns the shape of its output, without TensorFlow.

They have the names of `layers.weightless`. Any other layer there is made with Keras and asked for the shape.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Callable


@dataclasses.dataclass(frozen=True)
class Shape:
    """A tensor of which only the shape is known, with None for unknown lengths."""

    shape: tuple[Any, ...]

    def with_channels(self, channels: int) -> "Shape":
        """Returns the shape with other channels and unknown height and width."""
        return Shape((self.shape[0], *(None for _ in self.shape[1:-1]), channels))


def same_channels(*_: Any, **__: Any) -> Callable[[Shape], Shape]:
    """Makes any layer whose output has the channels of its input."""
    return lambda h: h.with_channels(h.shape[-1])


Activation = AveragePooling2D = Doubled = LeakyReLU = MaxPooling2D = ReLU = ReflectionPadding2D = Rescaling = (
    same_channels
)
Smooth = UnitNormalization = UpSampling2D = ZeroPadding2D = same_channels


def Add(**_: Any) -> Callable[[Sequence[Shape]], Shape]:
    return lambda maps: maps[0]


def Concatenate(**_: Any) -> Callable[[Sequence[Shape]], Shape]:
    return lambda maps: maps[0].with_channels(sum(h.shape[-1] for h in maps))


def GlobalAveragePooling2D(**_: Any) -> Callable[[Shape], Shape]:
    return lambda h: Shape((h.shape[0], h.shape[-1]))


def Ones(**_: Any) -> Callable[[Shape], Shape]:
    return lambda h: Shape((h.shape[0], 1))


def RepeatVector(n: int, **_: Any) -> Callable[[Shape], Shape]:
    return lambda h: Shape((h.shape[0], n, h.shape[-1]))


def Reshape(target_shape: Sequence[int], **_: Any) -> Callable[[Shape], Shape]:
    return lambda h: Shape((h.shape[0], *target_shape))


def Row(number: int, **_: Any) -> Callable[[Shape], Shape]:
    return lambda h: Shape((h.shape[0], h.shape[-1]))


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pgtf.layers import weightless  # Imports TensorFlow.

    def make(*args: Any, **settings: Any) -> Callable[[Any], Shape]:
        layer = getattr(weightless, name)(*args, **settings)

        def shape_of(given: Any) -> Shape:
            shapes = [h.shape for h in given] if isinstance(given, (list, tuple)) else given.shape
            return Shape(tuple(layer.compute_output_shape(shapes)))

        return shape_of

    return make
