"""What every method is: how kernels are made, and how a task begins, learns and is kept."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Optional, Protocol

import numpy as np

from pgtf import recipes
from pgtf.foundation import settings

if TYPE_CHECKING:
    from pgtf.layers.factory import KernelSite, LayerFactory
    from pgtf.recipes.base import Recipe, Spec


@dataclasses.dataclass(frozen=True)
class LentFilters:
    """The filters that earlier tasks lend to one kernel, side by side; an array [h, w, c_in, B] where one is asked for.

    parts: ((task, layer path, filters [h, w, c_in, b]), …)
    """

    parts: tuple[tuple[str, str, np.ndarray], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """[h, w, c_in, B], known without copying a filter."""
        if not self.parts:
            raise ValueError("A kernel that borrows is lent filters. Received: none from any task")
        return (*self.parts[0][2].shape[:-1], sum(filters.shape[-1] for _, _, filters in self.parts))

    def __array__(self, dtype: Any = None) -> np.ndarray:
        return np.concatenate([filters for _, _, filters in self.parts], axis=-1, dtype=dtype)

    @property
    def variable(self) -> Any:
        """The one variable that it is, where its lender is learnt at the same time; else None."""
        first = self.parts[0][2] if len(self.parts) == 1 else None
        return first if hasattr(first, "assign") else None

    def copying(self, task: str, path: str) -> np.ndarray:
        """The mixing [B, b] that gives the filters of one part as they are."""
        before = 0
        for owner, place, filters in self.parts:
            if (owner, place) == (task, path):
                return np.eye(self.shape[-1], filters.shape[-1], -before, dtype="float32")
            before += filters.shape[-1]
        raise ValueError(f"A start must be among the filters that are lent. Received: {path} of {task!r}, which is not")


class Bank(Protocol):
    """The tasks that a new one borrows from, in order."""

    @property
    def names(self) -> Sequence[str]:
        """Of the tasks."""

    def lent(self, *paths: str) -> LentFilters:
        """The filters that they lend to these layer paths; none where no task lends any."""

    def lends(self, name: str) -> Mapping[str, tuple[int, ...]]:
        """{layer path: shape} of the filters that a task lends, in its network's order."""

    def stored(self, path: str) -> Sequence[Mapping[str, np.ndarray]]:
        """{name: array} for each task, of what it stores of the kernel at a layer path."""

    def values(self, name: str) -> Any:
        """{path: array} of all that a task stores."""

    def only(self, names: Sequence[str]) -> "Bank":
        """The bank of just these tasks."""

    def network(self, name: str, prefix: str) -> Any:
        """One of a task's networks as it was learnt; None where that is only planned."""


class CapacityError(ValueError):
    """A task can't be learnt in a network of this width."""


class PhaseContext(Protocol):
    """What a phase may ask when it begins, and what it remembers for those to come.

    wider: whether a task that raises CapacityError is learned again in a wider network. limit: a number; infinite at
      first.
    """

    wider: bool
    limit: float

    def distance(self, networks: dict[str, Any]) -> float:
        """How far the networks, {prefix: network}, are from what they should make: an L1 on images."""


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of learning.

    steps: How many. begin: What is done to the networks, {prefix: network}, before its first step; it must be a pure
    function of their state and the trial's, because a killed run does it again.
    """

    name: str
    steps: int
    begin: Callable[[dict], None] = lambda networks: None


@dataclasses.dataclass(frozen=True)
class WeightOwnership:
    """Whose the weights of a task's kernels are, where tasks share them, each a share of all of them.

    owned: the task's own. picked: an earlier task's, which it uses. free: nobody's yet. grown: by
    how much there are more than in the run's first task.
    """

    owned: float
    picked: float
    free: float
    grown: float = 0.0

    def __post_init__(self) -> None:
        settings.check_types(self)


@dataclasses.dataclass(frozen=True)
class Method:
    """How kernels are made, and how a task begins, learns and is kept.

    A method is a subclass and a row in METHODS. Its fields (`settings.setting`) are its flags and its facts in each
    slice. Every hook has a default; together the defaults are a network of free kernels for each task.

        @dataclasses.dataclass(frozen=True)
        class Scaled(Method):
            rate: float = setting(1.0, "How fast.", above=0)

            def recipe(self, place, bank):
                lent = bank.lent(place.path)
                return recipes.Scaled(lent) if lent.parts else super().recipe(place, bank)
    """

    def __post_init__(self) -> None:
        settings.check(self)

    def check_tasks(self, tasks: Sequence[str]) -> None:
        """Refuses settings that name a task that is none of the run's; none do, unless told."""

    def width(self, width: int) -> int:
        """Filters of the first layer, for a run of this width."""
        return width

    def candidate_widths(self, width: int, latest: int) -> Sequence[int]:
        """The widths that a later task is tried with, in order, until one is not CapacityError.

        Args:
          width: The run's.
          latest: That of the task before.

        Returns:
          At least one.
        """
        del width
        return (latest,)

    def borrows(self, learnt: Sequence[str]) -> Sequence[str]:
        """The tasks that the next one borrows from.

        Args:
          learnt: The names of all earlier tasks, in order.

        Returns:
          Some of them, in the order in which their filters stand in the bank.
        """
        del learnt
        return ()

    def resolve_lenders(self, nearest: Callable[[], Sequence[str]]) -> "Method":
        """This method as one task is learnt with it: where what it borrows depends on its images, that is said.

        Args:
          nearest: Gives the names of the earlier tasks, those first whose images are most alike; asked only if needed.

        Returns:
          A method whose `borrows` is what the task borrows.
        """
        del nearest
        return self

    def recipe(self, place: "KernelSite", bank: Bank) -> "Recipe":
        """The recipe of one kernel that is not task-specific.

        Args:
          place: Which kernel.
          bank: The tasks that this one borrows from; empty for the first.

        Returns:
          A recipe, not built.
        """
        del bank
        return recipes.Full(place.initializer)

    def maker(self, make: "LayerFactory", image: Any, bank: Bank) -> Any:
        """The maker of one network's layers: as it comes, unless the network is more than its kernels.

        Args:
          make: A maker of layers, or one that only counts what they would store.
          image: What the network will be given, [n, h, w, 3].
          bank: The tasks that this one borrows from.

        Returns:
          A maker: something with the methods of `layers.LayerFactory` that make layers.
        """
        del image, bank
        return make

    def initialize(self, networks: dict[str, Any], bank: Bank) -> None:
        """Gives new networks the values that a task starts from; as they are made, unless told.

        Args:
          networks: {prefix: network}.
          bank: All tasks learnt so far: a task may start from one that it does not borrow from.
        """

    def penalty(self, networks: dict[str, Any], bank: Bank) -> Optional[Callable[[str, Any, Any], Any]]:
        """What a task's generators lower beside the objective's losses; nothing, unless told.

        Args:
          networks: {prefix: network}, as they begin.
          bank: All tasks learnt so far.

        Returns:
          (prefix, images, what that network made of them) -> loss, or None.
        """
        del networks, bank
        return None

    def phases(self, steps: int, trial: Optional[PhaseContext] = None) -> list[Phase]:
        """What a task's steps are spent on, in order; each phase has one at least. trial: what they may ask."""
        del trial
        return [Phase("learn", steps)]

    learns_together: ClassVar[bool] = False  # Whether tasks can be learnt at once, the first one's kernels by all.
    plan_note: ClassVar[str] = ""  # Under which conditions what is planned is what is stored.

    def check(self, kernels: Mapping[str, Mapping[str, "Spec"]]) -> None:
        """Raises CapacityError if a task could learn nothing; kernels: {path: {name: Spec}} that it would store."""

    def weight_ownership(self, networks: dict[str, Any], bank: Bank) -> Optional[WeightOwnership]:
        """Whose the weights of a learnt task's networks are, {prefix: network}; None where tasks share none."""
        del networks, bank
        return None

    def network_for(self, task: int, latest: int) -> int:
        """Whose slice plays task `task` when `latest` is the last one learnt; its own unless told."""
        del latest
        return task
