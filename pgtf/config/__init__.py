"""What a run is: one frozen dataclass, whose settings are the flags and whose form on disk is a flagfile."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from pgtf.foundation import files, settings, task_names
from pgtf.foundation.settings import refuse, setting
from pgtf.methods import METHODS, Method, Piggyback
from pgtf.objectives import OBJECTIVES, Objective, Pix2Pix


def _group(name: str) -> Any:
    """`setting` under one heading of --help."""

    def grouped(default: Any, help: str, **rules: Any) -> Any:
        return setting(default, help, group=name, **rules)

    return grouped


DEFAULT_PRECISION = "float32"
DIGITS = 5  # Of a size in pixels.
DEFAULTS = {"method": "piggyback", "objective": "pix2pix"}
_run, _networks, _data = _group("run"), _group("networks"), _group("data")
_training, _while_learning = _group("training"), _group("while learning")


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is. `method` and `objective` have settings of their own."""

    run_dir: str = _run(
        "runs/paired",
        "Where the run lives. Run the same command again and it goes on where it stopped; flags that you leave out "
        "then keep the run's values.",
        may_change=True,
    )
    tasks: tuple[str, ...] = _run(
        ("cityscapes", "maps", "facades", "edges2handbags"),
        "Tasks to learn, in order. To teach a finished run more, give its list with new names at the end.",
        may_change=True,
    )
    base: str = _run(
        "",
        "A run whose first task this one begins with, instead of learning it: any method's later tasks on the same "
        "first one.",
        may_change=True,
    )
    schedule: str = _run(
        "sequence",
        "Tasks are learnt one after the other; or the first ones of a run together, the first task's kernels by all of "
        "them (width_wise and layer_wise). What comes later is learnt in sequence.",
        choices=("sequence", "together"),
    )
    seed: int = _run(0, "Everything random follows from it.", least=0, most=2**31 - 1)
    evaluate: bool = _run(
        False,
        "After each task, measure all so far on their test images; pgtf evaluate does it later too.",
        may_change=True,
    )
    inception: str = _run(
        "",
        "The network that distances are measured with: a SavedModel's folder or a TF-Hub handle, with #OUTPUT where it "
        "has several. Empty: a classifier of the run's tasks.",
        may_change=True,
    )

    method: Method = dataclasses.field(default_factory=Piggyback)
    objective: Objective = dataclasses.field(default_factory=Pix2Pix)

    network: str = _networks("unet", "The generator: pix2pix's U-Net or CycleGAN's ResNet.", choices=("unet", "resnet"))
    width: int = _networks(64, "Filters of the generator's first layer; 64 in the paper.", above=0)
    blocks: int = _networks(9, "resnet: residual blocks; 9 at 256 px, 6 are usual at 128.", above=0)
    norm: str = _networks("instance", "Normalization in all networks.", choices=("instance", "batch"))
    upsampling: str = _networks(
        "transpose",
        "How the generator grows maps: transposed convolutions, or resize and convolve (no checkerboards).",
        choices=("transpose", "resize"),
    )
    discriminator_width: int = _networks(64, "Filters of the discriminator's first layer.", above=0)
    discriminator_layers: int = _networks(3, "Halvings in the PatchGAN; 3 make it see patches of 70x70.", above=0)

    data_dir: str = _data(
        "",
        "Folder with one folder per task: TASK/{train,val,test}/*.jpg|png with input and target side by side, "
        "TASK/{trainA,trainB,testA,testB} with equal names in A and B, or TASK/{train,test}.csv with lines "
        "input,target (pix2pix); TASK/{trainA,trainB,testA,testB} (CycleGAN). Empty: drawn stand-ins, made on the "
        "spot.",
        may_change=True,
    )
    direction: tuple[str, ...] = _data(
        (), "TASK:BtoA for each task whose files have the target on the left (or whose input is B).", may_change=True
    )
    image_size: str = _data("256", "Training images in pixels: 256, or HEIGHTxWIDTH. A U-Net wants powers of two.")
    load_size: str = _data("", "What images are resized to before the random crop; default 286/256 of image_size.")
    drawn_images: int = _data(400, "How many training images a drawn task has.", above=0)
    validation: float = _data(
        0.0,
        "Share of the training images, rounded to one in N, that is held out, chosen by the hash of the names: never "
        "learned from. Pictures, --evaluate_every and --keep=best use these instead of test images. Default: 0.",
        least=0,
        most=0.5,
        may_change=True,
    )
    bad_images: str = _data(
        "refuse", "A broken image: stop and name it, or skip it and count.", choices=("refuse", "skip"), may_change=True
    )
    cache_mb: int = _data(2048, "Memory for decoded images; the rest are decoded each time.", least=0, may_change=True)

    epochs: int = _training(200, "Passes over each task's training images; ignored where --steps is given.", above=0)
    steps: int = _training(0, "Steps per task; 0 takes --epochs.", least=0)
    batch_size: int = _training(1, "Images (or pairs) a step.", above=0)
    accumulate: int = _training(
        1,
        "Parts that a batch is learnt from, one after the other, where memory does not hold it at once; the update is "
        "the whole batch's.",
        above=0,
        may_change=True,
    )
    learning_rate: float = _training(2e-4, "Adam's, constant and then falling linearly to zero.", above=0)
    decay_from: float = _training(
        0.5, "The share of a task's steps after which the learning rate falls.", least=0, most=1
    )
    keep: str = _training(
        "last",
        "The weights that a task keeps: the last, or those of the best point of --evaluate_every, the one with the "
        "least Fréchet distance (or L1). Without --validation it is chosen on test images, so it looks better on those "
        "than it is.",
        choices=("last", "best"),
    )
    ema: float = _training(
        0.0,
        "Keep a moving average of the generators' weights, with this share of the old at each step; 0.999 is usual, 0 "
        "keeps the weights themselves. Samples show what is kept.",
        least=0,
        most=0.99999,
    )
    slice_precision: str = _training(
        "float32",
        "What kernels are stored in; int8 has a scale for each filter, biases and norms stay float32. A task is "
        "rounded before its probes are recorded and before later ones borrow from it, so that it replays to the bit.",
        choices=("float32", "float16", "int8"),
        may_change=True,
    )
    precision: str = _training(
        DEFAULT_PRECISION,
        "What networks compute in while they learn. auto: mixed_bfloat16 where the machine multiplies it faster (CPUs "
        "with AVX512-BF16 or AMX, GPUs from Ampere on), mixed_float16 on older GPUs with tensor cores, else float32; "
        "what it came to is kept in the run.",
        choices=("auto", "float32", "mixed_float16", "mixed_bfloat16"),
        may_change=True,
    )
    distribute: str = _training(
        "none",
        "mirrored splits each batch over all GPUs of this machine, multi_worker over those of all processes that "
        "TF_CONFIG or Slurm (srun) names, each started with this command; the update is that of one device.",
        choices=("none", "mirrored", "multi_worker"),
        may_change=True,
    )
    override: tuple[str, ...] = _training(
        (),
        "TASK:NAME=VALUE,NAME=VALUE for a task that wants other settings of training, data or objective than the rest, "
        "as in edges2handbags:epochs=15,batch_size=4. May be given several times.",
        may_change=True,
        repeated=True,
    )
    deterministic: bool = _training(False, "Make every operation repeatable to the bit, at some cost in speed.")

    log_every: int = _while_learning(
        50, "Steps between lines of the log and points in TensorBoard.", above=0, may_change=True
    )
    sample_every: int = _while_learning(1000, "Steps between sample pictures in TensorBoard.", above=0, may_change=True)
    evaluate_every: int = _while_learning(
        0,
        "Steps between points of a curve of distances (and L1) on a few test images (with --validation, on held-out "
        "ones), in TensorBoard and the log; 0: no curve.",
        least=0,
        may_change=True,
    )
    evaluate_images: int = _while_learning(32, "How many test images those are.", least=2, may_change=True)
    checkpoint_minutes: float = _while_learning(
        5.0, "Minutes between checkpoints: the most that a crash costs.", least=0, may_change=True
    )
    steps_per_call: int = _while_learning(10, "Steps that run without returning to Python.", above=0, may_change=True)

    def __post_init__(self) -> None:
        settings.check(self)
        if not self.tasks or not all(map(task_names.is_name, self.tasks)):
            refuse("tasks", f"{task_names.RULE}, at least one", self.tasks)
        if not all(direction.endswith((":AtoB", ":BtoA")) for direction in self.direction):
            refuse("direction", "TASK:AtoB or TASK:BtoA", self.direction)
        if len(set(self.tasks)) < len(self.tasks):
            refuse("tasks", "different names, each task once", ",".join(self.tasks))
        directed = [direction.rsplit(":", 1)[0] for direction in self.direction]
        if len(set(directed)) < len(directed):
            refuse("direction", "one for each task", ",".join(self.direction))
        unknown = sorted(set(directed) - set(self.tasks))
        if unknown:
            refuse("direction", f"for one of the tasks ({', '.join(self.tasks)})", ",".join(unknown))
        if self.keep == "best" and not self.evaluate_every:
            refuse("keep", "last where --evaluate_every measures no points to choose from", self.keep)
        if self.evaluate_every and not (self.inception or self.objective.paired or len(self.tasks) > 1):
            refuse(
                "evaluate_every",
                "0 where one unpaired task has no --inception to be measured with",
                self.evaluate_every,
            )
        self.method.check_tasks(self.tasks)
        self._check_schedule()
        for task in self.overrides:
            self.for_task(task)
        if self.batch_size % self.accumulate:
            refuse("accumulate", f"a divisor of --batch_size={self.batch_size}", self.accumulate)
        if self.load[0] < self.size[0] or self.load[1] < self.size[1]:
            refuse("load_size", f"at least the image size, {self.image_size}", self.load_size)
        self._check_lines()

    def _check_schedule(self) -> None:
        """Refuses to learn tasks together where their method can't, or where the first is learnt already."""
        if self.schedule == "sequence":
            return
        if not self.method.learns_together:
            can = ", ".join(name for name, kind in METHODS.items() if kind.learns_together)
            method = settings.name_in(METHODS, self.method)
            refuse("schedule", f"sequence with any other --method than {can}", f"{self.schedule}, --method={method}")
        if self.base:
            refuse("schedule", "sequence where a run begins with a --base", self.schedule)
        if self.distribute != "none":
            refuse("schedule", "sequence where a run is distributed (--distribute)", self.schedule)

    def _check_lines(self) -> None:
        """Refuses texts that a flagfile does not give back: they stand on one line, and what is around them is lost."""
        for field in settings.settings_of(self):
            value = getattr(self, field.name)
            for text in value if field.metadata["repeated"] else [settings.as_text(value)]:
                if text != text.strip() or set(text) & set("\r\n") or not _is_utf8(text):
                    refuse(field.name, "a line of UTF-8 without spaces around it", value)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of training images."""
        return pixels("image_size", self.image_size)

    @property
    def load(self) -> tuple[int, int]:
        """(height, width) that images are resized to before the crop."""
        if self.load_size:
            return pixels("load_size", self.load_size)
        height, width = self.size
        return round(height * 286 / 256), round(width * 286 / 256)

    def flipped(self, task: str) -> bool:
        """Whether a task goes from B to A."""
        return f"{task}:BtoA" in self.direction

    @property
    def overrides(self) -> dict[str, dict[str, str]]:
        """{task: {setting: value as text}} of the tasks with settings of their own."""
        found: dict[str, dict[str, str]] = {}
        for text in self.override:
            task, colon, pairs = text.partition(":")
            named = dict(pair.partition("=")[::2] for pair in pairs.split(","))
            if not colon or not all(named) or "=" not in pairs:
                refuse("override", "TASK:NAME=VALUE,NAME=VALUE", text)
            if task not in self.tasks or task in found:
                refuse("override", f"for one of the tasks ({', '.join(self.tasks)}), once", text)
            found[task] = named
        return found

    def for_task(self, task: str) -> "Config":
        """The config with the settings that one task has of its own."""
        given, known = {}, self._of_one_task()
        for name, text in self.overrides.get(task, {}).items():
            if name not in known:
                refuse("override", f"of the settings {', '.join(known)}", f"{task}:{name}={text}")
            given[name] = settings.from_text(known[name].type, name, text)
        parts = {}
        for part in ("objective", "method"):
            one = getattr(self, part)
            inner = {field.name for field in settings.settings_of(one)} & set(given)
            parts[part] = dataclasses.replace(one, **{name: given.pop(name) for name in inner})
        return dataclasses.replace(self, override=(), **parts, **given)

    def _of_one_task(self) -> dict[str, dataclasses.Field]:
        """{name: field} of the settings that one task can have of its own."""
        fields = [
            *settings.settings_of(self.objective),
            *(field for field in settings.settings_of(self.method) if field.metadata["may_change"]),
            *(field for field in settings.settings_of(self) if _suits_a_task(field)),
        ]
        return {field.name: field for field in fields}

    def having_learnt(self, learnt: Sequence[str]) -> "Config":
        """This config where these tasks are learnt, whoever learnt them; those to come stay behind them."""
        return dataclasses.replace(self, tasks=(*learnt, *(task for task in self.tasks if task not in learnt)))

    def without(self, task: str) -> "Config":
        """This config without one of its tasks."""
        return dataclasses.replace(
            self,
            tasks=tuple(name for name in self.tasks if name != task),
            direction=tuple(text for text in self.direction if text.rpartition(":")[0] != task),
            override=tuple(text for text in self.override if text.partition(":")[0] != task),
        )

    def flat(self) -> dict[str, Any]:
        """{flag: value} of all its settings, those of method and objective too."""
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
        return {**own, **rows, **inner}

    @classmethod
    def from_flat(cls, values: dict[str, Any]) -> "Config":
        """The config of {flag: value}; what is left out or None has its default, what does not apply is ignored."""
        given = {name: value for name, value in values.items() if value is not None}
        parts = {}
        for flag, table in (("method", METHODS), ("objective", OBJECTIVES)):
            kind = _row(flag, table, given.get(flag, DEFAULTS[flag]))
            parts[flag] = kind(
                **{field.name: given[field.name] for field in settings.settings_of(kind) if field.name in given}
            )
        own = {field.name: given[field.name] for field in settings.settings_of(cls) if field.name in given}
        return cls(**own, **parts)

    def flagfile(self) -> str:
        """The config as a flagfile."""
        lines = ["# The flags of this run: pgtf train --flagfile=config.cfg"]
        flat = self.flat()
        for one in flat.pop("override"):
            lines.append(f"--override={one}")
        lines += [f"--{name}={settings.as_text(value)}" for name, value in flat.items()]
        return "\n".join([*lines, ""])

    def save(self) -> None:
        """Writes the flagfile into the run directory."""
        files.write(os.path.join(self.run_dir, "config.cfg"), self.flagfile().encode())

    def resumed(self, asked: "Config", learnt: Sequence[str]) -> "Config":
        """`asked`, where a run that was made with this config and has learnt these tasks goes on with it."""
        fixed, now = self.flat(), asked.flat()
        changing = {name for part in (self, self.method, self.objective) for name in settings.changing(part)}
        others = [name for name in now if name not in changing and fixed.get(name, now[name]) != now[name]]
        if others:
            raise Contradiction(
                f"A run keeps the flags that it was made with; {self._way_out(asked, learnt, others)}another --run_dir "
                f"starts another run. Received: {', '.join(f'--{name}={now[name]!r}' for name in others)}, "
                f"where {asked.run_dir} has {', '.join(repr(fixed[name]) for name in others)}",
                asked,
            )
        if asked.tasks[: len(learnt)] != tuple(learnt):
            raise Contradiction(
                "A run's learnt tasks stay as they are; new ones go to the end. "
                f"Received: --tasks={','.join(asked.tasks)}, where {asked.run_dir} has learnt {','.join(learnt)}",
                asked,
            )
        turned = [task for task in learnt if self.flipped(task) != asked.flipped(task)]
        if turned:
            message = f"A task of a run keeps its direction. Received: another one for {', '.join(turned)}"
            raise Contradiction(message, asked)
        return dataclasses.replace(asked, precision=self.precision) if asked.precision == "auto" else asked

    def _way_out(self, asked: "Config", learnt: Sequence[str], others: Sequence[str]) -> str:
        """Names the flag that gives the first coming task these settings; empty if none can."""
        coming = [task for task in asked.tasks if task not in learnt]
        if not coming or not set(others) <= set(self._of_one_task()):
            return ""
        pairs = ",".join(f"{name}={settings.as_text(asked.flat()[name])}" for name in others)
        return f"one task has others with --override={coming[0]}:{pairs}; "


class Contradiction(ValueError):
    """Flags contradict a run; asked: the config that they ask for."""

    def __init__(self, message: str, asked: Config) -> None:
        super().__init__(message)
        self.asked = asked


def pixels(name: str, text: str) -> tuple[int, int]:
    """A flag's "256" or "256x512" as (height, width)."""
    sides = str(text).split("x")
    # Not by value: Python converts no text of thousands of digits.
    if len(sides) > 2 or not all(side.isdecimal() and len(side) <= DIGITS for side in sides):
        refuse(name, f"pixels, as in 256 or 256x512 (height x width), of at most {DIGITS} digits", text)
    return int(sides[0]), int(sides[-1])


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _suits_a_task(field: dataclasses.Field) -> bool:
    """Whether a setting can be another one for one task."""
    if field.metadata["group"] == "training":
        return field.name not in ("override", "precision", "distribute", "deterministic")
    return field.name in ("load_size", "bad_images")


def _row(flag: str, table: dict[str, Any], name: str) -> Any:
    if name not in table:
        refuse(flag, f"one of {', '.join(table)}", name)
    return table[name]
