"""One frozen dataclass: its fields are the flags, and a flagfile is its form on disk."""

import dataclasses
import os
import sys

from absl import app, flags, logging

from pgtf import files

# What TensorFlow prints about the machine is for its makers; its errors come as exceptions. Before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
flags.disclaim_key_flags()  # So that --help of a script shows them as the script's own.


def _flag(default, help, choices=None, may_change=False):  # pylint: disable=redefined-builtin
    """A field that is a flag; may_change: whether a run may go on with another value."""
    return dataclasses.field(default=default, metadata=dict(help=help, choices=choices, may_change=may_change))


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is."""

    run_dir: str = _flag(
        "runs/paired",
        "Where the run lives. Run the same command again and it goes on where it stopped; flags that you leave out "
        "then keep the run's values.",
        may_change=True,
    )
    data_dir: str = _flag(
        "",
        "Folder with one folder per task: TASK/{train,val,test}/*.jpg|png with input and target side by side "
        "(pix2pix), or TASK/{trainA,trainB,testA,testB} (CycleGAN). Empty: drawn stand-ins, made on the spot.",
    )
    tasks: tuple = _flag(
        ("cityscapes", "maps", "facades", "edges2handbags"),
        "Tasks to learn, in order. To teach a finished run more, give its list with new names at the end.",
        may_change=True,
    )
    direction: tuple = _flag(
        (), "TASK:BtoA for each task whose files have the target on the left (or whose input is B).", may_change=True
    )
    objective: str = _flag(
        "pix2pix", "pix2pix learns from pairs, cyclegan without them.", choices=("pix2pix", "cyclegan")
    )
    network: str = _flag("unet", "The generator: pix2pix's U-Net or CycleGAN's ResNet.", choices=("unet", "resnet"))
    method: str = _flag("piggyback", "How kernels are made; one of the rows of pgtf/methods.py.")
    unconstrained_ratio: float = _flag(
        0.25, "λ: the share of each layer's filters that a new task learns freely; the rest mixes the bank."
    )
    start: str = _flag(
        "first_task",
        "Where a new task starts: as a copy of the first task's model, as the paper does, or at random.",
        choices=("first_task", "random"),
    )
    share_bank: bool = _flag(
        False, "cyclegan: both generators mix the filters of both (twice the bank, not twice the unconstrained)."
    )
    image_size: str = _flag("256", "Training images in pixels: 256, or HEIGHTxWIDTH. A U-Net wants powers of two.")
    load_size: str = _flag("", "What images are resized to before the random crop; default 286/256 of image_size.")
    width: int = _flag(64, "Filters of the generator's first layer; 64 in the paper.")
    blocks: int = _flag(9, "resnet: residual blocks; 9 at 256 px, 6 are usual at 128.")
    norm: str = _flag("instance", "Normalization in all networks.", choices=("instance", "batch"))
    upsampling: str = _flag(
        "transpose",
        "How the generator grows maps: transposed convolutions, or resize and convolve (no checkerboards).",
        choices=("transpose", "resize"),
    )
    discriminator_width: int = _flag(64, "Filters of the discriminator's first layer.")
    discriminator_layers: int = _flag(3, "Halvings in the PatchGAN; 3 make it see patches of 70x70.")
    epochs: int = _flag(200, "Passes over each task's training images; ignored where --steps is given.")
    steps: int = _flag(0, "Steps per task, in place of epochs.")
    batch_size: int = _flag(1, "Images (or pairs) a step.")
    learning_rate: float = _flag(2e-4, "Adam's, constant and then falling linearly to zero.")
    decay_from: float = _flag(0.5, "The share of a task's steps after which the learning rate falls.")
    l1_weight: float = _flag(100.0, "pix2pix: weight of the L1 distance to the target.")
    cycle_weight: float = _flag(10.0, "cyclegan: weight of the way there and back.")
    identity_weight: float = _flag(0.5, "cyclegan: weight of leaving a target as it is, times cycle_weight.")
    pool_size: int = _flag(50, "cyclegan: how many generated images the discriminators are shown again.")
    seed: int = _flag(0, "Everything random follows from it.")
    precision: str = _flag(
        "float32",
        "What networks compute in while they learn; the mixed ones are for GPUs, bfloat16 also for new CPUs.",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
    )
    deterministic: bool = _flag(False, "Make every operation repeatable to the bit, at some cost in speed.")
    drawn_images: int = _flag(400, "How many training images a drawn task has.")
    bad_images: str = _flag(
        "refuse", "A broken image: stop and name it, or skip it and count.", choices=("refuse", "skip"), may_change=True
    )
    cache_mb: int = _flag(2048, "Memory for decoded images; the rest are decoded each time.", may_change=True)
    log_every: int = _flag(50, "Steps between lines of the log and points in TensorBoard.", may_change=True)
    sample_every: int = _flag(1000, "Steps between sample pictures in TensorBoard.", may_change=True)
    checkpoint_minutes: float = _flag(5.0, "Minutes between checkpoints: the most that a crash costs.", may_change=True)
    steps_per_call: int = _flag(10, "Steps that run without returning to Python.", may_change=True)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            choices = field.metadata["choices"]
            if choices and getattr(self, field.name) not in choices:
                _refuse(field.name, f"one of {', '.join(choices)}", getattr(self, field.name))
        rules = {
            "unconstrained_ratio": ("in [0, 1]", 0 <= self.unconstrained_ratio <= 1),
            "decay_from": ("in [0, 1]", 0 <= self.decay_from <= 1),
            "tasks": ("names that do for a folder, at least one", self.tasks and all(map(_is_name, self.tasks))),
            "direction": ("TASK:AtoB or TASK:BtoA", all(d.endswith((":AtoB", ":BtoA")) for d in self.direction)),
            "steps": ("0 (use epochs) or more", self.steps >= 0),
        }
        for name in [
            "seed",
            "pool_size",
            "cache_mb",
            "l1_weight",
            "cycle_weight",
            "identity_weight",
            "checkpoint_minutes",
        ]:
            rules[name] = ("0 or more", getattr(self, name) >= 0)
        for name in [
            "width",
            "blocks",
            "discriminator_width",
            "discriminator_layers",
            "epochs",
            "batch_size",
            "learning_rate",
            "drawn_images",
            "log_every",
            "sample_every",
            "steps_per_call",
        ]:
            rules[name] = ("more than 0", getattr(self, name) > 0)
        for name, (rule, holds) in rules.items():
            if not holds:
                _refuse(name, rule, getattr(self, name))
        repeated = sorted({task for task in self.tasks if self.tasks.count(task) > 1})
        if repeated:
            _refuse("tasks", "different names, each task once", ",".join(self.tasks))
        unknown = sorted({d.rsplit(":", 1)[0] for d in self.direction} - set(self.tasks))
        if unknown:
            _refuse("direction", f"for one of the tasks ({', '.join(self.tasks)})", ",".join(unknown))
        if self.load[0] < self.size[0] or self.load[1] < self.size[1]:
            _refuse("load_size", f"at least the image size, {self.image_size}", self.load_size)

    @property
    def size(self):
        """(height, width) of training images."""
        return pixels("image_size", self.image_size)

    @property
    def load(self):
        """(height, width) that images are resized to before the crop."""
        if self.load_size:
            return pixels("load_size", self.load_size)
        return tuple(round(side * 286 / 256) for side in self.size)

    def flipped(self, task):
        """Whether a task goes from B to A."""
        return f"{task}:BtoA" in self.direction

    def flagfile(self):
        """The config as a flagfile."""
        lines = ["# The flags of this run: python scripts/train.py --flagfile=config.cfg"]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            lines.append(f"--{field.name}={','.join(value) if isinstance(value, tuple) else value}")
        return "\n".join(lines) + "\n"

    def save(self):
        files.write(os.path.join(self.run_dir, "config.cfg"), self.flagfile().encode())


def load(run_dir):
    """The config that a run was made with; its folder may have moved since. None where there is none."""
    path = os.path.join(run_dir, "config.cfg")
    if not os.path.exists(path):
        return None
    parsed = flags.FlagValues()
    define(parsed)
    parsed(["config", f"--flagfile={path}"])
    return dataclasses.replace(_from_flags(parsed), run_dir=run_dir)


def resumed(recorded, asked):
    """`asked`, where a run made with `recorded` can go on with it."""
    for field in dataclasses.fields(Config):
        was, now = getattr(recorded, field.name), getattr(asked, field.name)
        if was != now and not field.metadata["may_change"]:
            raise ValueError(
                f"A run keeps the flags that it was made with; another --run_dir starts another run. "
                f"Received: --{field.name}={now!r}, where {asked.run_dir} has {was!r}"
            )
    if asked.tasks[: len(recorded.tasks)] != recorded.tasks:
        raise ValueError(
            "A run's tasks stay as they are; new ones go to the end. "
            f"Received: --tasks={','.join(asked.tasks)}, where {asked.run_dir} has {','.join(recorded.tasks)}"
        )
    turned = [task for task in recorded.tasks if recorded.flipped(task) != asked.flipped(task)]
    if turned:
        raise ValueError(f"A task of a run keeps its direction. Received: another one for {', '.join(turned)}")
    return asked


def define(flag_values=flags.FLAGS, **defaults):
    """Makes every field a flag; defaults: other ones than the fields' own."""
    for field in dataclasses.fields(Config):
        default, text = defaults.get(field.name, field.default), field.metadata["help"]
        named = dict(flag_values=flag_values)
        if field.metadata["choices"]:
            flags.DEFINE_enum(field.name, default, field.metadata["choices"], text, **named)
        elif field.type in (bool, "bool"):
            flags.DEFINE_bool(field.name, default, text, **named)
        elif field.type in (int, "int"):
            flags.DEFINE_integer(field.name, default, text, **named)
        elif field.type in (float, "float"):
            flags.DEFINE_float(field.name, default, text, **named)
        elif field.type in (tuple, "tuple"):
            flags.DEFINE_list(field.name, list(default), text, **named)
        else:
            flags.DEFINE_string(field.name, default, text, **named)


def from_flags():
    """The config that the command line asks for; where its run exists, flags left out keep the run's values."""
    run_dir = flags.FLAGS.run_dir
    recorded = load(run_dir)
    if recorded is None or not os.path.isdir(os.path.join(run_dir, "tasks")):
        return _from_flags(flags.FLAGS)  # Nothing learnt yet, so nothing to contradict.
    return resumed(recorded, _from_flags(flags.FLAGS, recorded))


def _from_flags(parsed, otherwise=None):
    """The config of parsed flags; those not given are as in `otherwise`, if there is one."""
    values = {}
    for field in dataclasses.fields(Config):
        flag = parsed[field.name]
        value = flag.value if otherwise is None or flag.present else getattr(otherwise, field.name)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return Config(**values)


def run(main, stopped="The same command goes on from the last checkpoint."):
    """Runs a script's main(arguments); what a user can mend is told in a line or two, not in a traceback.

    stopped: what to tell who interrupts it.
    """

    def guarded(argv):
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)  # TensorFlow's notes on what it saves are for its makers too.
        try:
            return main(argv[1:])
        except (ValueError, OSError) as error:
            logging.debug("where it happened", exc_info=True)
            print(f"\n{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"\nStopped. {stopped}".rstrip(), file=sys.stderr)
            return 130

    app.run(guarded)


def pixels(name, text):
    """A flag's "256" or "256x512" as (height, width)."""
    sides = str(text).split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        _refuse(name, "pixels, as in 256 or 256x512 (height x width)", text)
    return int(sides[0]), int(sides[-1])


def _is_name(text):
    return text.strip(". ") and not set(text) & set("/\0\n")


def _refuse(name, rule, received):
    raise ValueError(f"--{name} must be {rule}. Received: {received!r}")
