"""The site of each kernel in a network, and the part of a layer factory that needs no TensorFlow."""

import dataclasses
from typing import Any, Callable, Optional

from pgtf import recipes


@dataclasses.dataclass(frozen=True)
class KernelSite:
    """The position of a kernel in a network.

    Args:
      path: Path of its layer, such as "forward/down1".
      initializer: Initializer of free values.
      seed: Seed of other random values.
      inputs: Number of equal parts, side by side, that the layer's input consists of. Default: 1.
      level: 1 if the layer's input has the image's size, 2 at half of it, 3 at a quarter, and so on. Default: 0, not
        counted.
      task_specific: Whether each task has this kernel to itself, as that of the output layer. Default: False.
      makes_styles: Whether the layer makes styles: it belongs to a mapping network or maps to factors of channels.
        Default: False.
      recipes: The recipes to choose from, by name. Default: `pgtf.recipes`, which make kernels; a plan has
        `recipes.planned`, which import no TensorFlow.
    """

    path: str
    initializer: Any
    seed: int
    inputs: int = 1
    level: int = 0
    task_specific: bool = False
    makes_styles: bool = False
    recipes: Any = recipes


class SiteFactory:
    """Base class of layer factories: names layers prefix/NAME and chooses the recipe of each kernel by its site.

    A subclass defines what makes layers: `layers` has those without weights, by the names of Keras; the others are as
    `LayerFactory` has them.

    Args:
      prefix: Name of the network.
      recipe: KernelSite -> Recipe, for each kernel that is not task-specific. Default: all kernels are free.
      head: The same for task-specific kernels. Default: they are free.
      norm: "instance", "batch" or "none".
      upsampling: "transpose", "resize" or "resize_even"; see `networks.Architecture`.
    """

    layers: Any
    conv: Callable[..., Any]
    up: Callable[..., Any]
    equalized: Callable[..., Any]
    modulated: Callable[..., Any]
    noise: Callable[..., Any]
    norm: Callable[..., Any]
    dropout: Callable[..., Any]
    recipes: Any = recipes

    def __init__(
        self,
        prefix: str,
        *,
        recipe: Optional[Callable[[KernelSite], Any]] = None,
        head: Optional[Callable[[KernelSite], Any]] = None,
        norm: str = "instance",
        upsampling: str = "transpose",
    ) -> None:
        self.prefix = prefix
        self._recipe, self._head, self._norm, self._upsampling = recipe, head, norm, upsampling

    def has_bias(self, normed: bool) -> bool:
        """Returns whether a convolution has a bias. normed: Whether a norm follows."""
        return not normed or self._norm == "none"

    def up_size(self, kernel_size: int) -> int:
        """Returns an upsampling layer's kernel size. After a resize it is odd: an even kernel shifts its output."""
        even = kernel_size % 2 == 0
        return kernel_size - 1 if even and self._upsampling == "resize" else kernel_size

    def recipe(
        self,
        name: str,
        task_specific: bool = False,
        inputs: int = 1,
        level: int = 0,
        *,
        makes_styles: bool = False,
        spread: float = 0.0,
    ) -> Any:
        """Returns the recipe of the kernel of one layer.

        Args:
          name: The layer's name.
          task_specific, inputs, level, makes_styles: As a `KernelSite` has them.
          spread: Standard deviation of free values. Default: the factory's own.
        """
        make, initializer = self._head if task_specific else self._recipe, self.initializer(name, spread)
        if make is None:
            return self.recipes.Full(initializer, lent=not task_specific)
        # Not the initializer's seed, which would draw the same numbers again.
        path, seed = f"{self.prefix}/{name}", self.seed_of(f"{name}/mixing")
        return make(KernelSite(path, initializer, seed, inputs, level, task_specific, makes_styles, self.recipes))

    def initializer(self, name: str, spread: float = 0.0) -> Any:
        """Returns the initializer of a free kernel; see `recipe`. Default: none."""
        del name, spread

    def seed_of(self, name: str) -> int:
        """Returns the seed of one layer. Default: 0."""
        del name
        return 0
