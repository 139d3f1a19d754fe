"""All settings of a run in one frozen dataclass."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from pgtf.config import overrides
from pgtf.config.combinations import advice, refusal
from pgtf.config.group import Group
from pgtf.config.groups import (
    GROUPS,
    DataSettings,
    MonitoringSettings,
    NetworkSettings,
    RunSettings,
    TrainingSettings,
)
from pgtf.config.network_settings import architecture
from pgtf.foundation import settings
from pgtf.foundation.settings import refuse
from pgtf.methods import METHODS, Method, Piggyback
from pgtf.networks import NETWORKS, Architecture
from pgtf.objectives import OBJECTIVES, Objective, Pix2Pix

DEFAULTS = {"method": "piggyback", "objective": "pix2pix"}
SIDES = "input", "output"
OneGroup = TypeVar("OneGroup", bound=Group)


@dataclasses.dataclass(frozen=True)
class Config(MonitoringSettings, TrainingSettings, DataSettings, NetworkSettings, RunSettings):
    """All settings of a run: those of every group, of the method and of the objective.

    Python orders the fields of base classes from the last one to the first.
    """

    method: Method = dataclasses.field(default_factory=Piggyback)
    objective: Objective = dataclasses.field(default_factory=Pix2Pix)

    def check(self) -> None:
        """Raises ValueError if settings contradict each other, within a group or across groups."""
        for group in GROUPS.values():
            group.check(self)
        directed = {direction.rsplit(":", 1)[0] for direction in self.direction}
        unknown = sorted(directed - set(self.tasks))
        if unknown:
            refuse("direction", f"for one of the tasks ({', '.join(self.tasks)})", ",".join(unknown))
        if self.keep_weights == "best" and not self.evaluate_every:
            raise ValueError("--keep_weights=best needs --evaluate_every=N. Received: --evaluate_every=0")
        if self.evaluate_every and not (self.inception or not self.objective.needs_extractor or len(self.tasks) > 1):
            raise ValueError(
                "--evaluate_every needs --inception for a single unpaired task. "
                f"Received: --evaluate_every={self.evaluate_every}"
            )
        chosen = self.method, self.objective, NETWORKS[self.network]
        if reason := refusal(*chosen):
            method, objective = settings.name_in(METHODS, self.method), settings.name_in(OBJECTIVES, self.objective)
            raise ValueError(
                f"{reason}. {advice(*chosen)}. "
                f"Received: --method={method} --objective={objective} --network={self.network}"
            )
        self.method.check_tasks(self.tasks)
        self._check_pixels()
        self._check_schedule()
        self._check_compression()
        for task in self.overrides:
            self.for_task(task)
        self._check_lines()

    def _check_pixels(self) -> None:
        """Refuses settings of channels and ranges where the objective reads all images as RGB of 8 bits."""
        if self.objective.any_pixels:
            return
        for name, fine in (
            *((f"{side}_channels", (0, 3)) for side in SIDES),
            *((f"{side}_range", ("",)) for side in SIDES),
        ):
            value = getattr(self, name)
            if value not in fine:
                kind = settings.name_in(OBJECTIVES, self.objective)
                rule = f"left out with --objective={kind}, which reads images as RGB of 8 bits; convert others first"
                refuse(name, rule, value)

    def _check_schedule(self) -> None:
        """Raises ValueError if --schedule=together is set and the run can't train its first tasks jointly."""
        if self.schedule == "sequence":
            return
        if not self.method.learns_together:
            can = " or ".join(f"--method={name}" for name, kind in METHODS.items() if kind.learns_together)
            self._refuse_together(
                f"needs {can} (layered: all layers free or frozen)",
                f"--method={settings.name_in(METHODS, self.method)}",
            )
        if self.objective.own_outputs:
            self._refuse_together(
                "needs an objective whose tasks have the same outputs",
                f"--objective={settings.name_in(OBJECTIVES, self.objective)}",
            )
        if self.first_task_from:
            self._refuse_together("excludes --first_task_from", f"--first_task_from={self.first_task_from}")

    @staticmethod
    def _refuse_together(rule: str, received: str) -> NoReturn:
        raise ValueError(f"--schedule=together {rule}. Received: {received}")

    def _check_compression(self) -> None:
        """Raises ValueError if --compress_to is set and compressed tasks would break the run's later ones."""
        if not self.compress_to:
            return
        method = f"--method={settings.name_in(METHODS, self.method)}"
        if not self.method.compressible:
            can = ", ".join(name for name, kind in METHODS.items() if kind.compressible)
            raise ValueError(f"--compress_to needs a --method of {can}. Received: {method}")
        if self.schedule != "sequence":
            raise ValueError(f"--compress_to needs --schedule=sequence. Received: --schedule={self.schedule}")
        # A compressed task lends no kernels. The closest task may be any.
        resolved = self.method.resolve_lenders(lambda: self.tasks[::-1])
        if any(set(resolved.borrows(self.tasks[:count])) - {self.tasks[0]} for count in range(1, len(self.tasks) + 1)):
            lenders = getattr(self.method, "borrow_from", "")
            raise ValueError(
                "--compress_to needs later tasks that borrow from the first one alone, as with --borrow_from=first. "
                f"Received: {method}" + (f" --borrow_from={lenders}" if lenders else "")
            )

    def _check_lines(self) -> None:
        """Raises ValueError if a flagfile can't hold a value: it would lose line breaks and outer spaces."""
        for field in settings.settings_of(self):
            value = getattr(self, field.name)
            for text in value if field.metadata["repeated"] else [settings.as_text(value)]:
                if text != text.strip() or set(text) & set("\r\n") or not _is_utf8(text):
                    refuse(field.name, "one line of UTF-8 text without outer spaces", value)

    @property
    def run(self) -> RunSettings:
        """The settings of the run as a whole."""
        return self._group(RunSettings)

    @property
    def networks(self) -> NetworkSettings:
        """The settings of the networks."""
        return self._group(NetworkSettings)

    @property
    def data(self) -> DataSettings:
        """The settings of the data."""
        return self._group(DataSettings)

    @property
    def training(self) -> TrainingSettings:
        """The settings of training."""
        return self._group(TrainingSettings)

    @property
    def monitoring(self) -> MonitoringSettings:
        """The settings of logs, samples, curves and checkpoints."""
        return self._group(MonitoringSettings)

    def _group(self, kind: type[OneGroup]) -> OneGroup:
        return kind(**{field.name: getattr(self, field.name) for field in dataclasses.fields(kind)})

    @property
    def overrides(self) -> dict[str, dict[str, str]]:
        """{task: {setting: value as text}} of --override."""
        return overrides.parsed(self.override, self.tasks)

    def for_task(self, task: str) -> "Config":
        """Returns the config of one task, with its --override."""
        given = overrides.values(self.overrides.get(task, {}), overrides.known(self), task)
        parts = {}
        for part in ("objective", "method"):
            one = getattr(self, part)
            inner = {field.name for field in settings.settings_of(one)} & set(given)
            parts[part] = dataclasses.replace(one, **{name: given.pop(name) for name in inner})
        return dataclasses.replace(self, override=(), **parts, **given)

    @property
    def architecture(self) -> Architecture:
        """The architecture of the run's generators."""
        return architecture(self.networks, self.size, self.objective.architecture)

    def having_learned(self, learned: Sequence[str]) -> "Config":
        """Returns this config with the learned tasks first, also those of other runs; the others follow."""
        return dataclasses.replace(self, tasks=(*learned, *(task for task in self.tasks if task not in learned)))

    def without(self, task: str) -> "Config":
        """Returns this config without one of its tasks."""
        return dataclasses.replace(
            self,
            tasks=tuple(name for name in self.tasks if name != task),
            direction=tuple(text for text in self.direction if text.rpartition(":")[0] != task),
            override=tuple(text for text in self.override if text.partition(":")[0] != task),
        )

    def flat(self) -> dict[str, Any]:
        """Returns {flag: value} of all settings, those of network, method and objective too."""
        own = {field.name: getattr(self, field.name) for field in settings.settings_of(self)}
        rows = {
            "method": settings.name_in(METHODS, self.method),
            "objective": settings.name_in(OBJECTIVES, self.objective),
        }
        inner = {
            field.name: getattr(part, field.name)
            for part in (self.method, self.objective)
            for field in settings.settings_of(part)
        }
        return {**own, **self.row_settings, **rows, **inner}

    @classmethod
    def from_flat(cls, values: dict[str, Any]) -> "Config":
        """Returns the config of {flag: value}.

        A setting that is missing or None has its default, or the one that the objective prefers. One that the network,
        method or objective lacks is ignored.
        """
        given = {name: value for name, value in values.items() if value is not None}
        preferring = OBJECTIVES.get(given.get("objective", ""), Objective)
        given = {**preferring.preferred(given.get("image_size", cls.image_size)), **given}
        parts = {}
        for flag, table in (("method", METHODS), ("objective", OBJECTIVES)):
            kind = _row(flag, table, given.get(flag, DEFAULTS[flag]))
            parts[flag] = kind(
                **{field.name: given[field.name] for field in settings.settings_of(kind) if field.name in given}
            )
        own = {field.name: given[field.name] for field in settings.settings_of(cls) if field.name in given}
        network = settings.settings_of(_row("network", NETWORKS, own.get("network", cls.network)))
        options = {field.name: given[field.name] for field in network if field.name in given}
        changed = {field.name for field in network if options.get(field.name, field.default) != field.default}
        return cls(**own, **parts, options=tuple(sorted((name, options[name]) for name in changed)))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(flag: str, table: dict[str, Any], name: str) -> Any:
    if name not in table:
        refuse(flag, f"one of {', '.join(table)}", name)
    return table[name]
