"""The settings of a run in groups: each setting once, with its help, its rules and its default."""

from pgtf.config.data_settings import DataSettings
from pgtf.config.group import Group
from pgtf.config.network_settings import NetworkSettings
from pgtf.config.run_settings import RunSettings
from pgtf.config.training_settings import MonitoringSettings, TrainingSettings
from pgtf.foundation import settings

# {heading of --help: group}
GROUPS: dict[str, type[Group]] = {
    "run": RunSettings,
    "networks": NetworkSettings,
    "data": DataSettings,
    "training": TrainingSettings,
    "monitoring": MonitoringSettings,
}
# {earlier name: name} of settings
EARLIER_NAMES: dict[str, str] = {
    field.metadata["formerly"]: field.name
    for group in GROUPS.values()
    for field in settings.settings_of(group)
    if field.metadata["formerly"]
}
