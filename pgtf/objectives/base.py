"""What every objective is: which networks a task has, what they see, and the losses that they lower."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from pgtf.foundation import settings

if TYPE_CHECKING:
    from pgtf.objectives.learner import Learner


@dataclasses.dataclass(frozen=True)
class Objective:
    """An objective is a subclass and a row in OBJECTIVES; its fields (`settings.setting`) are its flags.

    generators: the names of the networks that a task keeps. discriminators: {name: channels that it sees}.
    paired: whether it learns from pairs. dropout: whether its generators drop out while they learn.
    """

    generators: ClassVar[tuple[str, ...]] = ()
    discriminators: ClassVar[dict[str, int]] = {}
    paired: ClassVar[bool] = True
    dropout: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settings.check(self)

    def distance(self, generators: dict[str, Any], first: Any, second: Any) -> float:
        """How far generators are from what they should make, as a mean L1 of images in [-1, 1].

        Args:
          generators: {name: network}.
          first, second: float32 [n, h, w, 3]: inputs and targets, or A and B.

        Returns:
          A number; nothing is learnt.
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
        """What learns one task.

        Args:
          generators, discriminators: {name: network}.
          optimizers: {"generators": …, "discriminators": …}.
          image_shape: Of a training image, [height, width, 3].
          seed: Of all that is random in a step.

        Returns:
          A Keras model with a train_step.
        """
        raise NotImplementedError
