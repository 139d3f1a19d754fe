"""Objective: the base class that defines a task's networks, their inputs and their losses."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Union

import numpy as np

from pgtf.data.pixels import to_picture
from pgtf.foundation import settings

if TYPE_CHECKING:
    from pgtf.data.task_data import TaskData
    from pgtf.objectives.learner import Learner

Shape = tuple[Any, ...]  # Of one input of a network, without the batch.
Arrays = dict[str, np.ndarray]
IMAGE: Shape = (None, None, 3)


@dataclasses.dataclass(frozen=True)
class Auxiliary:
    """A network that only training needs. It is not stored.

    Attributes:
      channels: Number of input channels.
      network: Its row in `networks.DISCRIMINATORS`.
      any_size: Whether it takes images of any size. Default: True.
    """

    channels: int
    network: str = "patchgan"
    any_size: bool = True

    def input_at(self, size: tuple[int, int]) -> Shape:
        """Returns the shape of an input, without the batch. size: (height, width) of training images."""
        return (*(IMAGE[:2] if self.any_size else size), self.channels)


@dataclasses.dataclass(frozen=True)
class Objective:
    """Base class of objectives: subclasses listed in OBJECTIVES, whose fields (`settings.setting`) are flags.

    Attributes:
      networks: {name: shape of an input} of the networks that a task keeps. One of them is "forward".
      makes: Kind of their outputs, as `networks.Network.makes` has it. Default: "images".
      architecture: {name: value} of the fields of `networks.Architecture` that the objective decides.
      auxiliary: {name: Auxiliary} of the networks that only training needs, such as discriminators.
      batch: Kind of the training data: "pairs", "unpaired", "labelled" or "images". Default: "pairs".
      serves: Kind of exported signatures: "images" can be translated, "scores" classified, "latents" generated.
      common_inputs: Whether all tasks take the same kind of input, so that samples compare them on one input.
      needs_extractor: Whether nothing can be measured without an extractor or a classifier.
      compares_features: Whether figures compare images by features, of an extractor or of a classifier of the tasks.
        Default: True.
      own_outputs: Whether each task has its own outputs, such as classes. Their number follows from its data,
        and the task keeps its last layer where a later task's network answers for it. Default: False.
      any_pixels: Whether images may have any channels, type and range. Otherwise all are read as RGB of 8 bits.
        Default: True.
      continues_auxiliary: Whether auxiliary networks of later tasks start from the first task's. Default: False.
    """

    networks: ClassVar[Mapping[str, Shape]] = {"forward": IMAGE}
    makes: ClassVar[str] = "images"
    architecture: ClassVar[Mapping[str, Any]] = {}
    auxiliary: ClassVar[Mapping[str, Auxiliary]] = {}
    batch: ClassVar[str] = "pairs"
    serves: ClassVar[str] = "images"
    common_inputs: ClassVar[bool] = False
    needs_extractor: ClassVar[bool] = False
    compares_features: ClassVar[bool] = True
    own_outputs: ClassVar[bool] = False
    any_pixels: ClassVar[bool] = True
    continues_auxiliary: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settings.check(self)

    @classmethod
    def preferred(cls, image_size: str) -> dict[str, Any]:
        """Returns {setting: value} of the run's settings with other defaults. image_size: Value of --image_size."""
        del image_size
        return {}

    def for_data(self, data: "TaskData") -> "Objective":
        """Returns the objective of one task, with the settings that follow from its data. Default: unchanged."""
        del data
        return self

    def auxiliary_of(self, inputs: int, outputs: int) -> Mapping[str, Auxiliary]:
        """Returns the auxiliary networks for these numbers of image channels. Default: `auxiliary`, made for RGB."""
        del inputs, outputs
        return self.auxiliary

    def rates(self, networks: Mapping[str, Any]) -> list[tuple[Any, float]]:
        """Returns [(variable, initial learning rate)] of variables with another learning rate.

        networks: {prefix: network}. Default: none.
        """
        del networks
        return []

    def optimizer(self, schedule: Any, precision: str, rates: Sequence[tuple[Any, float]] = ()) -> Any:
        """Returns the optimizer of one kind of networks. Default: Adam, as pix2pix and CycleGAN have it.

        Args:
          schedule: An `optimizers.LinearDecay`.
          precision: Name of the networks' dtype policy.
          rates: [(variable, initial learning rate)] of variables with another learning rate.
        """
        from pgtf.objectives.optimizers import adam  # Only training needs TensorFlow.

        return adam(schedule, precision, rates)

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
          generators, discriminators: {name: network}, those of `networks` and of `auxiliary`.
          optimizers: {"generators": …, "discriminators": …}.
          image_shape: Shape of a training image, [height, width, 3].
          seed: Seed of all random numbers in a step.
        """
        raise NotImplementedError

    def distance(self, generators: dict[str, Any], *example: Any) -> float:
        """Returns the distance of the generators' outputs from the targets, without training.

        Args:
          generators: {name: network}.
          *example: A batch of one; images are float32 in [-1, 1].
        """
        raise NotImplementedError

    def begin_auxiliary(self, networks: Mapping[str, Any], is_first: bool) -> None:
        """Prepares a task's auxiliary networks after they are initialized. Default: does nothing.

        Args:
          networks: {name: network}.
          is_first: Whether the task is the first one of its run.
        """

    def probes(self, *examples: np.ndarray, shape: Shape = IMAGE) -> tuple[Arrays, Arrays]:
        """Returns the inputs and the targets of probes, {network: array} each.

        Args:
          *examples: The first examples of a task, an array [n, …] for each entry of a batch. Images are uint8 RGB, or
            float32 in [-1, 1].
          shape: Shape of an input of the networks, without the batch.
        """
        return {"forward": examples[0]}, {"forward": examples[1]}

    def check_probes(self, inputs: Arrays, targets: Arrays, outputs: Arrays) -> None:
        """Raises ValueError if recorded probes do not fit the inputs and outputs of this objective's networks."""

    def example(self, probes: Any) -> np.ndarray:
        """Returns a picture, uint8 [h, w, 3], of an input of a task's `Probes`."""
        return to_picture(probes.inputs["forward"][0])

    def preview(self, networks: Mapping[str, Any], inputs: Arrays, targets: Arrays) -> dict[str, np.ndarray]:
        """Returns {title: uint8 [h, w, 3]}: pictures of the networks' outputs for probes. Default: none."""
        return {}

    def figures(
        self, evaluator: Any, task: str, generators: Mapping[str, Any], sides: tuple[Any, Any]
    ) -> dict[str, Any]:
        """Returns {name: Measurement} of one task. The sign of a metric is that of its row in `metrics.matrix.METRICS`.

        Args:
          evaluator: An `evaluation.task_evaluator.TaskEvaluator`: its distances, identity_baseline and accuracy.
          task: The task's name.
          generators: {name: function of images}.
          sides: The collections of inputs and of targets.
        """
        raise NotImplementedError

    def loss(self, values: Mapping[str, float]) -> float:
        """Returns the value that the best weights minimize, from the values of `figures`, {name: value}."""
        raise NotImplementedError


def outputs_of(network: Any, inputs: Union[np.ndarray, Sequence[np.ndarray]]) -> np.ndarray:
    """Returns a network's outputs for inputs of one size, in one pass."""
    return np.asarray(network(np.asarray(inputs), training=False))
