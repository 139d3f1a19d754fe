"""Method: the base class that defines how a task's kernels are made, initialized and trained."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Optional, Protocol

from pgtf import layers
from pgtf.foundation import settings
from pgtf.layers.kernel_site import KernelSite, SiteFactory
from pgtf.methods.bank import Bank

if TYPE_CHECKING:
    from pgtf.recipes.base import Recipe
    from pgtf.recipes.specs import Spec


class PhaseContext(Protocol):
    """State that a task's phases share, and the distance that they measure.

    Attributes:
      wider: Whether a task that raises CapacityError is trained again in a wider network.
      limit: A number that phases read and set; infinite at first.
    """

    wider: bool
    limit: float

    def distance(self, networks: dict[str, Any]) -> float:
        """Returns the L1 distance of networks' outputs, {prefix: network}, from the targets."""


@dataclasses.dataclass(frozen=True)
class Phase:
    """A phase of a task's training.

    Args:
      name: Its name.
      steps: Number of steps.
      begin: Called with {prefix: network} before the first step. It must be a pure function of the networks' state and
        of the phase context, because a run that is killed and resumed calls it again.
    """

    name: str
    steps: int
    begin: Callable[[dict], None] = lambda networks: None


@dataclasses.dataclass(frozen=True)
class WeightOwnership:
    """Ownership of the weights of a task's kernels, for methods whose tasks share kernels. All are fractions of them.

    Args:
      owned: Weights that the task owns.
      picked: Weights of earlier tasks that it uses.
      free: Weights that no task owns yet.
      grown: Growth of the number of weights since the run's first task. Default: 0.
    """

    owned: float
    picked: float
    free: float
    grown: float = 0.0

    def __post_init__(self) -> None:
        settings.check_types(self)


@dataclasses.dataclass(frozen=True)
class Method:
    """Base class of methods: how kernels are made, and how a task is initialized and trained.

    A method is a subclass listed in METHODS. Its fields (`settings.setting`) are flags, and are stored as facts in each
    slice. Every hook has a default; with the defaults each task has a network of free kernels.

        @dataclasses.dataclass(frozen=True)
        class Scaled(Method):
            rate: float = setting(1.0, "Learning rate of the scales.", above=0)

            def recipe(self, site, bank):
                lent = bank.lent(site.path)
                return recipes.Scaled(lent) if lent.parts else super().recipe(site, bank)
    """

    def __post_init__(self) -> None:
        settings.check(self)

    def check_tasks(self, tasks: Sequence[str]) -> None:
        """Raises ValueError if a setting names a task that the run does not have. Default: accepts all."""

    def width(self, width: int) -> int:
        """Returns the number of filters of the first layer, for a run of this width. Default: `width`."""
        return width

    def candidate_widths(self, width: int, latest: int) -> Sequence[int]:
        """Returns the widths to try for a later task, in order, until one does not raise CapacityError.

        Args:
          width: Width of the run.
          latest: Width of the previous task.

        Returns:
          At least one width. Default: `latest`.
        """
        del width
        return (latest,)

    def borrows(self, learned: Sequence[str]) -> Sequence[str]:
        """Returns the tasks that the next one borrows from.

        Args:
          learned: Names of all earlier tasks, in order.

        Returns:
          Some of them, in the order of their filters in the bank. Default: none.
        """
        del learned
        return ()

    def resolve_lenders(self, nearest: Callable[[], Sequence[str]]) -> "Method":
        """Returns the method for one task, with lenders that depend on the task's images replaced by their names.

        Args:
          nearest: Returns the names of the earlier tasks, the ones with the most similar images first. Called only if
            needed.

        Returns:
          A method whose `borrows` does not depend on images.
        """
        del nearest
        return self

    def recipe(self, site: KernelSite, bank: Bank) -> "Recipe":
        """Returns the recipe of one kernel that is not task-specific.

        Args:
          site: The kernel's position in the network.
          bank: The tasks that this one borrows from; empty for the first task.

        Returns:
          One of `site.recipes`, not built. Default: a free kernel.
        """
        del bank
        return site.recipes.Full(site.initializer)

    def head(self, site: KernelSite, bank: Bank) -> "Recipe":
        """Returns the recipe of one task-specific kernel. Default: a free kernel that no task borrows."""
        del bank
        return site.recipes.Full(site.initializer, lent=False)

    def vector_precision(self, kind: str, bank: Bank) -> str:
        """Returns the precision in which a task stores its vectors.

        Args:
          kind: "norms" or "biases".
          bank: The tasks that it borrows from; empty for the first task.

        Returns:
          "float32" or "float16". Default: "float32".
        """
        del kind, bank
        return "float32"

    def maker(self, make: SiteFactory, image: Any, bank: Bank) -> Any:
        """Returns the factory of one network's layers. Override it to add layers to the network.

        Args:
          make: A layer factory, or one that only counts the values that its layers would store.
          image: The network's input, [n, h, w, 3].
          bank: The tasks that this one borrows from.

        Returns:
          An object with the methods of `layers.LayerFactory` that make layers. Default: `make`.
        """
        del image, bank
        return make

    def input(self, make: Any, input: Any, bank: Bank) -> Any:
        """Returns the input of a network after layers in front of it. Override it to add such layers.

        Args:
          make: The factory that `maker` returned.
          input: The input, [n, …].
          bank: The tasks that this one borrows from.
        """
        del make, bank
        return input

    def initialize(self, networks: dict[str, Any], bank: Bank) -> None:
        """Sets the values that a task's new networks start from. Default: leaves the initializers' values.

        Args:
          networks: {prefix: network}.
          bank: All tasks learned so far: a task may start from one that it does not borrow from.
        """

    def take(self, networks: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Assigns the weights of a network of free kernels to a first task's networks. Default: unchanged.

        Args:
          networks: {prefix: network}, of this method.
          values: {path: array}, as `layers.state` returns them of the network of free kernels.
        """
        for network in networks.values():
            layers.restore(network, values)

    def penalty(self, networks: dict[str, Any], bank: Bank) -> Optional[Callable[[str, Any, Any], Any]]:
        """Returns a loss that is added to the objective's losses of the generators. Default: None.

        Args:
          networks: {prefix: network}, with their initial values.
          bank: All tasks learned so far.

        Returns:
          (prefix, input images, that network's output) -> loss, or None.
        """
        del networks, bank
        return None

    def phases(self, steps: int, context: Optional[PhaseContext] = None) -> list[Phase]:
        """Returns the phases of a task's training, in order, each of at least one step. Default: one phase.

        Args:
          steps: Number of all steps.
          context: The phase context, for phases that need it.
        """
        del context
        return [Phase("learn", steps)]

    learns_together: ClassVar[bool] = (
        False  # Whether tasks can be trained jointly, with the first task's kernels shared.
    )
    needs_distance: ClassVar[bool] = False  # Whether its phases use the objective's distance.
    compares_outputs: ClassVar[bool] = False  # Whether its penalty compares the outputs of two tasks' networks.
    needs: ClassVar[str] = ""  # Kind of input that its networks must take: "images" or "latents". Default: any.
    fixed_channels: ClassVar[bool] = False  # Whether all tasks must have images with the first task's channels.
    # Whether a later task has the first task's layers, which the first lends, and answers with its own network alone.
    compressible: ClassVar[bool] = True
    plan_note: ClassVar[str] = ""  # Conditions under which the planned sizes are the stored ones.

    def check(self, kernels: Mapping[str, Mapping[str, "Spec"]]) -> None:
        """Raises CapacityError if a task could learn nothing; kernels: {path: {name: Spec}} that it would store."""

    def weight_ownership(self, networks: dict[str, Any], bank: Bank) -> Optional[WeightOwnership]:
        """Returns the ownership of a learned task's weights; None if tasks share none. networks: {prefix: network}."""
        del networks, bank
        return None

    def network_for(self, task: int, latest: int) -> int:
        """Returns the index of the task whose network answers for `task` when `latest` is learned. Default: `task`."""
        del latest
        return task
