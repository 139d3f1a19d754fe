"""Objective: the base class that defines a task's networks, their inputs and their losses."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from pgtf.foundation import settings

if TYPE_CHECKING:
    from pgtf.objectives.learner import Learner


@dataclasses.dataclass(frozen=True)
class Objective:
    """Base class of objectives: subclasses listed in OBJECTIVES, whose fields (`settings.setting`) are flags.

    Attributes:
      generators: Names of the networks that a task keeps.
      discriminators: {name: number of input channels}.
      paired: Whether training data are pairs. Default: True.
      dropout: Whether the generators use dropout during training. Default: True.
    """

    generators: ClassVar[tuple[str, ...]] = ()
    discriminators: ClassVar[dict[str, int]] = {}
    paired: ClassVar[bool] = True
    dropout: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settings.check(self)

    def distance(self, generators: dict[str, Any], first: Any, second: Any) -> float:
        """Returns the mean L1 distance of the generators' images, in [-1, 1], from the wanted ones.

        Nothing is trained.

        Args:
          generators: {name: network}.
          first, second: float32 [n, h, w, 3]: inputs and targets, or A and B.
        """
        raise NotImplementedError

    def learner(
        self,
        generators: dict[str, Any],
        discriminators: dict[str, Any],
        optimizers: dict[str, Any],
        *,
        image_shape: tuple[int, int, int],
        seed: Any = 0,
    ) -> "Learner":
        """Returns the model that trains the networks for one task.

        Args:
          generators, discriminators: {name: network}.
          optimizers: {"generators": …, "discriminators": …}.
          image_shape: Shape of a training image, [height, width, 3].
          seed: Seed of all random numbers in a step.

        Returns:
          A Keras model with a train_step.
        """
        raise NotImplementedError
