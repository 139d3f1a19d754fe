"""TaskPlan: all settings of one task of a run, resolved once by the command."""

import dataclasses
from typing import Any

from pgtf.config import flagfile
from pgtf.config.config import Config
from pgtf.config.groups import DataSettings, MonitoringSettings, NetworkSettings, RunSettings, TrainingSettings
from pgtf.config.network_settings import architecture
from pgtf.foundation import settings
from pgtf.methods import Method
from pgtf.networks import Architecture
from pgtf.objectives import Objective


@dataclasses.dataclass(frozen=True)
class TaskPlan:
    """One task of a run: its settings, with the task's overrides.

    Attributes:
      name: The task's name.
      index: Number of the task in the run, from 0.
      run, networks, data, training, monitoring: Its settings, by group.
      method, objective: Its method and its objective.
      text: The run's config as a flagfile, for TensorBoard.
      channels: Numbers of channels of inputs and of targets, which follow from the data. Default: RGB.
    """

    name: str
    index: int
    run: RunSettings
    networks: NetworkSettings
    data: DataSettings
    training: TrainingSettings
    monitoring: MonitoringSettings
    method: Method
    objective: Objective
    text: str = ""
    channels: tuple[int, int] = (3, 3)

    @property
    def architecture(self) -> Architecture:
        """The architecture of the task's generators."""
        shape = architecture(self.networks, self.data.size, self.objective.architecture)
        return shape.with_channels(*self.channels) if self.objective.serves == "images" else shape

    @property
    def seed(self) -> str:
        """The seed of the task's initial values and batches."""
        return f"{self.run.seed}/{self.index}"

    @property
    def flipped(self) -> bool:
        """Whether the task translates from B to A."""
        return self.data.flipped(self.name)

    def steps(self, steps_per_epoch: int) -> int:
        """Returns the number of steps that the task takes."""
        return self.training.steps or self.training.epochs * steps_per_epoch

    def with_width(self, width: int) -> "TaskPlan":
        """Returns the plan with networks of this width."""
        return dataclasses.replace(self, networks=dataclasses.replace(self.networks, width=width))

    def flat(self) -> dict[str, Any]:
        """Returns {setting: value} of all groups."""
        groups = (self.run, self.networks, self.data, self.training, self.monitoring)
        flat = {field.name: getattr(group, field.name) for group in groups for field in settings.settings_of(group)}
        return {**flat, **self.networks.row_settings}


def task_plans(config: Config) -> tuple[TaskPlan, ...]:
    """Returns the plans of all tasks of a run, in order."""
    text, overridden = flagfile.text(config), config.overrides
    shared = _groups(config)
    return tuple(
        TaskPlan(name, index, **(_groups(config.for_task(name)) if name in overridden else shared), text=text)
        for index, name in enumerate(config.tasks)
    )


def _groups(config: Config) -> dict[str, Any]:
    names = ("run", "networks", "data", "training", "monitoring", "method", "objective")
    return {name: getattr(config, name) for name in names}
