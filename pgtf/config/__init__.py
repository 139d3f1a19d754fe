"""The settings of a run: groups of flags, their union, and its form on disk. Needs neither TensorFlow nor absl."""

from pgtf.config.config import DEFAULTS, Config
from pgtf.config.flagfile import load_config
from pgtf.config.group import pixels
from pgtf.config.groups import (
    EARLIER_NAMES,
    GROUPS,
    DataSettings,
    MonitoringSettings,
    NetworkSettings,
    RunSettings,
    TrainingSettings,
)
from pgtf.config.resume import resumed
from pgtf.config.task_plan import TaskPlan, task_plans
from pgtf.config.training_settings import DEFAULT_PRECISION

__all__ = [
    "DEFAULTS",
    "DEFAULT_PRECISION",
    "EARLIER_NAMES",
    "GROUPS",
    "Config",
    "DataSettings",
    "MonitoringSettings",
    "NetworkSettings",
    "RunSettings",
    "TaskPlan",
    "TrainingSettings",
    "load_config",
    "pixels",
    "resumed",
    "task_plans",
]
