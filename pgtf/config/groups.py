"""The settings of a run in groups: each setting once, with its help, its rules and its default."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pgtf.data.pixels import Asked
from pgtf.foundation import settings, task_names
from pgtf.foundation.settings import refuse, setting
from pgtf.networks import NETWORKS, Architecture
from pgtf.networks.architecture import SHARED
from pgtf.recipes.precisions import CHOICES

DEFAULT_PRECISION = "float32"
DIGITS = 5  # Of a size in pixels.


@dataclasses.dataclass(frozen=True)
class Group:
    """A frozen dataclass of settings, checked when it is made."""

    def __post_init__(self) -> None:
        settings.check(self)
        self.check()

    def check(self) -> None:
        """Raises ValueError if the group's settings contradict each other."""


@dataclasses.dataclass(frozen=True)
class RunSettings(Group):
    """The run's folder, its tasks and how they are measured."""

    run_dir: str = setting(
        "runs/paired",
        "Folder of the run. The same command resumes an interrupted run. Flags that you leave out then keep the run's "
        "values.",
        may_change=True,
    )
    tasks: tuple[str, ...] = setting(
        ("cityscapes", "maps", "facades", "edges2handbags"),
        "Tasks to learn, in order. To add tasks to a finished run, give its list with new names at the end.",
        may_change=True,
    )
    first_task_from: str = setting(
        "",
        "Run to copy the first task from, instead of learning it, so that methods can be compared on the same first "
        "task. For classification also a file of weights (.npz, .safetensors or .h5, with torchvision's names): the "
        "first of --tasks is then that backbone, and has no images.",
        may_change=True,
        formerly="base",
    )
    schedule: str = setting(
        "sequence",
        "sequence: train tasks one after the other. together: train a run's first tasks jointly, so that all of them "
        "train the first one's kernels (--method=width_wise or layer_wise). Later tasks follow in sequence.",
        choices=("sequence", "together"),
    )
    override: tuple[str, ...] = setting(
        (),
        "Settings of training, data or objective for one task: TASK:NAME=VALUE,NAME=VALUE, as in "
        "edges2handbags:epochs=15,batch_size=4. Repeat it for further tasks.",
        may_change=True,
        repeated=True,
    )
    seed: int = setting(
        0,
        "Seed of all random numbers: initial values, order of images, augmentation, dropout.",
        least=0,
        most=2**31 - 1,
    )
    evaluate: bool = setting(
        False,
        "Measure all tasks so far on their test images after each task. `pgtf evaluate` does it later.",
        may_change=True,
    )
    inception: str = setting(
        "",
        "Network for FID and KID: folder of a SavedModel or TF-Hub handle, with #OUTPUT if it has several outputs. "
        "Default: a classifier of the run's tasks; the distances are then called FCD and KCD.",
        may_change=True,
    )

    def check(self) -> None:
        if not self.tasks or not all(map(task_names.is_name, self.tasks)):
            refuse("tasks", f"{task_names.RULE}, at least one", self.tasks)
        if len(set(self.tasks)) < len(self.tasks):
            refuse("tasks", "different names, each task once", ",".join(self.tasks))


@dataclasses.dataclass(frozen=True)
class NetworkSettings(Group):
    """The shape of generators and discriminators.

    Attributes:
      options: ((setting, value), …) of the network's row in NETWORKS, sorted. A missing one has its default.
    """

    network: str = setting(
        "unet",
        "Network of a task: unet and resnet translate images, stylegan2 generates them, the others classify them.",
        choices=NETWORKS,
    )
    width: int = setting(64, "Filters of the generator's first layer. The paper has 64.", above=0)
    norm: str = setting(
        "instance",
        "Normalization in all networks. Classifiers need batch or none; stylegan2 needs none.",
        choices=("instance", "batch", "none"),
    )
    upsampling: str = setting(
        "transpose",
        "Upsampling in the generator: transposed convolutions, or a resize and a convolution (no checkerboards).",
        choices=("transpose", "resize"),
    )
    discriminator_width: int = setting(64, "Filters of the discriminator's first layer.", above=0)
    discriminator_layers: int = setting(
        3, "Layers with stride 2 in the PatchGAN discriminator. 3 give patches of 70x70 pixels.", above=0
    )
    options: tuple[tuple[str, Any], ...] = ()

    def check(self) -> None:
        known = [field.name for field in settings.settings_of(NETWORKS[self.network])]
        for name, _ in self.options:
            if name not in known:
                refuse("network", f"one with the setting {name}", self.network)
        NETWORKS[self.network](**dict(self.options))  # Rejects values.

    @property
    def row_settings(self) -> dict[str, Any]:
        """{setting: value} of the network's row."""
        fields = settings.settings_of(NETWORKS[self.network])
        return {**{field.name: field.default for field in fields}, **dict(self.options)}


@dataclasses.dataclass(frozen=True)
class DataSettings(Group):
    """The source of the images and their sizes."""

    data_dir: str = setting(
        "",
        "Folder with a folder for each task: TASK/{train,val,test}/*.jpg|png with input and target side by side, "
        "TASK/{trainA,trainB,testA,testB} with equal names in A and B, or TASK/{train,test}.csv with lines "
        "input,target (pix2pix); TASK/{trainA,trainB,testA,testB} (CycleGAN); TASK/{train,val,test}/CLASS/*.jpg, "
        "TASK/{train,val,test}.csv with lines image,label, or .npz with images and labels "
        "(classification); TASK/*.jpg or TASK/{train,test}/*.jpg (unconditional). TASK.zip, .tar or .tar.gz stands for "
        "the folder TASK. Default: none; images are drawn by a script.",
        may_change=True,
    )
    direction: tuple[str, ...] = setting(
        (),
        "TASK:BtoA for each task whose files have the target on the left, or whose input is B. Default: AtoB.",
        may_change=True,
    )
    image_size: str = setting(
        "256", "Size of training images in pixels: 256, or HEIGHTxWIDTH. A U-Net needs a power of two."
    )
    load_size: str = setting(
        "", "Size that images are resized to before the random crop. Default: 286/256 of image_size."
    )
    padding: int = setting(
        0,
        "Pixels of gray around training images before the random crop. The default load_size is then image_size.",
        least=0,
        most=1024,
    )
    flip: bool = setting(True, "Flip half of the training images left to right. --noflip for digits or text.")
    drawn_images: int = setting(400, "Number of training images of a drawn task.", above=0)
    validation: float = setting(
        0.0,
        "Fraction of the training images that is held out, rounded to one in N and chosen by the hash of the names. "
        "Sample pictures, --evaluate_every and --keep_weights=best use these instead of test images. Default: 0.",
        least=0,
        most=0.5,
        may_change=True,
    )
    input_channels: int = setting(
        0,
        "Channels of the inputs. An 8-bit picture can become 1 (gray), 2, 3 or 4 (with alpha). Other files must have "
        "as many, or one. Default: 0, those of the files; 8-bit pictures are then RGB, with transparency on white.",
        least=0,
        may_change=True,
    )
    output_channels: int = setting(
        0,
        "Channels of the targets and outputs, as --input_channels. Default: 0, those of the files.",
        least=0,
        may_change=True,
    )
    input_range: str = setting(
        "",
        "LOW:HIGH: the values of inputs that are scaled to -1 and 1; values outside are clipped. measured: the least "
        "and the greatest value of the training images. Default: 0:255 for uint8, 0:65535 for uint16, measured for "
        "floats.",
        may_change=True,
    )
    output_range: str = setting(
        "", "The same for the targets and outputs. Default: as for --input_range.", may_change=True
    )
    bad_images: str = setting(
        "refuse",
        "Broken images: refuse stops and names them, skip leaves them out and counts them.",
        choices=("refuse", "skip"),
        may_change=True,
    )
    cache_mb: int = setting(
        2048, "MiB of memory for decoded images. Images beyond it are decoded in each epoch.", least=0, may_change=True
    )

    def check(self) -> None:
        if not all(direction.endswith((":AtoB", ":BtoA")) for direction in self.direction):
            refuse("direction", "TASK:AtoB or TASK:BtoA", self.direction)
        directed = [direction.rsplit(":", 1)[0] for direction in self.direction]
        if len(set(directed)) < len(directed):
            refuse("direction", "one for each task", ",".join(self.direction))
        if self.load[0] < self.size[0] or self.load[1] < self.size[1]:
            refuse("load_size", f"at least the image size, {self.image_size}", self.load_size)

        for side, asked in zip(("input", "output"), self.pixels):
            asked.check(side)

    @property
    def pixels(self) -> tuple[Asked, Asked]:
        """The requested pixels of inputs and of targets."""
        return Asked(self.input_channels, self.input_range), Asked(self.output_channels, self.output_range)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of training images."""
        return pixels("image_size", self.image_size)

    @property
    def load(self) -> tuple[int, int]:
        """(height, width) that images are resized to before the crop."""
        if self.load_size:
            return pixels("load_size", self.load_size)
        if self.padding:
            return self.size
        height, width = self.size
        return round(height * 286 / 256), round(width * 286 / 256)

    def flipped(self, task: str) -> bool:
        """Returns whether a task goes from B to A."""
        return f"{task}:BtoA" in self.direction


@dataclasses.dataclass(frozen=True)
class TrainingSettings(Group):
    """The steps that a task takes and the weights that it keeps."""

    epochs: int = setting(200, "Passes over each task's training images. Not used with --steps.", above=0)
    steps: int = setting(0, "Training steps of each task. Default: 0, as many as --epochs takes.", least=0)
    batch_size: int = setting(1, "Images, or pairs of images, in a training step.", above=0)
    accumulate: int = setting(
        1,
        "Gradient accumulation: number of parts that a batch is split into if it does not fit into memory. The "
        "gradients of the parts are averaged.",
        above=0,
        may_change=True,
    )
    learning_rate: float = setting(2e-4, "Learning rate of Adam: constant, then linear decay to zero.", above=0)
    decay_from: float = setting(
        0.5, "Fraction of a task's steps after which the learning rate decays.", least=0, most=1
    )
    keep_weights: str = setting(
        "last",
        "Weights that a task stores. last: those of the last step. best: those with the least Fréchet distance (or L1) "
        "among the points of --evaluate_every. Without --validation, best is chosen on test images, so that figures "
        "on test images are too good.",
        choices=("last", "best"),
        formerly="keep",
    )
    ema: float = setting(
        0.0,
        "Decay of an exponential moving average of the generators' weights, which is stored instead of the weights. "
        "0.999 is usual. Sample pictures use the average. Default: 0, no average.",
        least=0,
        most=0.99999,
    )
    keep_norms: bool = setting(
        False,
        "Freeze the norms in later tasks: they use the first task's, for batch norm with its moving averages.",
    )
    slice_precision: str = setting(
        "float32",
        "Precision of stored kernels. int8 has a scale for each filter. int4, int3 and int2 have one for each 64 "
        "values and are entropy-coded. Biases and norms stay float32. A task is rounded before its probes are recorded "
        "and before later tasks borrow from it, so that its replay gives the same bits.",
        choices=CHOICES,
        may_change=True,
    )
    probes: int = setting(
        4,
        "Number of test images that are recorded with each task, with its outputs. `pgtf verify` and the report need "
        "them. One takes 1.2 MB at 256 px.",
        above=0,
        may_change=True,
    )
    compress_to: str = setting(
        "",
        "After each later task has been learned, compress it to this percentage of a full network, as in 2%, as "
        "`pgtf compress` does; the free network is not kept. The first task stays whole. Default: not compressed.",
        may_change=True,
    )
    precision: str = setting(
        DEFAULT_PRECISION,
        "Precision of training, a Keras dtype policy. auto: mixed_bfloat16 on CPUs with AVX512-BF16 or AMX and on GPUs "
        "from Ampere on, mixed_float16 on older GPUs with tensor cores, else float32. A resumed run keeps the choice.",
        choices=("auto", "float32", "mixed_float16", "mixed_bfloat16"),
        may_change=True,
    )
    distribute: str = setting(
        "none",
        "Devices of training. mirrored splits each batch over all GPUs of this machine. multi_worker splits it over "
        "the GPUs of all processes that TF_CONFIG or Slurm (srun) lists; start each with this command. The update is "
        "that of one device.",
        choices=("none", "mirrored", "multi_worker"),
        may_change=True,
    )
    deterministic: bool = setting(
        False, "Use deterministic operations: equal runs give equal bits, at some cost in speed."
    )

    def check(self) -> None:
        if self.batch_size % self.accumulate:
            refuse("accumulate", f"a divisor of --batch_size={self.batch_size}", self.accumulate)
        self.budget  # noqa: B018  (rejects other texts)

    @property
    def budget(self) -> float:
        """The share of a full network that later tasks are compressed to; 0: they are not compressed."""
        return percentage("compress_to", self.compress_to) if self.compress_to else 0.0


@dataclasses.dataclass(frozen=True)
class MonitoringSettings(Group):
    """Intervals of logs, samples, curves and checkpoints. They don't change the weights."""

    log_every: int = setting(50, "Steps between lines of the log and points in TensorBoard.", above=0, may_change=True)
    sample_every: int = setting(1000, "Steps between sample pictures in TensorBoard.", above=0, may_change=True)
    evaluate_every: int = setting(
        0,
        "Steps between measurements of distances (and L1) on a few test images, or on held-out ones with --validation. "
        "They are curves in TensorBoard and the log. Default: 0, no curve.",
        least=0,
        may_change=True,
    )
    evaluate_images: int = setting(32, "Number of images that --evaluate_every measures.", least=2, may_change=True)
    checkpoint_minutes: float = setting(
        5.0, "Minutes between checkpoints. A crash loses at most this much training.", least=0, may_change=True
    )
    steps_per_call: int = setting(
        10, "Training steps in one call of TensorFlow, without returning to Python.", above=0, may_change=True
    )


# {earlier name: name} of settings
EARLIER_NAMES: dict[str, str] = {
    field.metadata["formerly"]: field.name
    for group in (RunSettings, NetworkSettings, DataSettings, TrainingSettings, MonitoringSettings)
    for field in settings.settings_of(group)
    if field.metadata["formerly"]
}


def architecture(networks: NetworkSettings, size: tuple[int, int], output: Mapping[str, Any]) -> Architecture:
    """Returns the architecture of generators.

    Args:
      networks: The settings of the networks.
      size: (height, width) of training images.
      output: Fields of the architecture that the objective sets.
    """
    own = networks.row_settings
    fields = {name: own.pop(name) for name in SHARED if name in own}  # Slices have had these from the first format on.
    return Architecture(
        network=networks.network,
        size=size,
        width=networks.width,
        norm=networks.norm,
        upsampling=networks.upsampling,
        options=tuple(sorted(own.items())),
        **fields,
        **output,
    )


def percentage(name: str, text: str) -> float:
    """Returns a flag's "2%" as 0.02."""
    try:
        value = float(text.removesuffix("%")) / 100 if text.endswith("%") else 0.0
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        refuse(name, "a percentage of a full network, such as 2%", text)
    return value


def pixels(name: str, text: str) -> tuple[int, int]:
    """Returns a flag's "256" or "256x512" as (height, width)."""
    sides = str(text).split("x")
    # Not by value: Python converts no text of thousands of digits.
    if len(sides) > 2 or not all(side.isdecimal() and len(side) <= DIGITS for side in sides):
        refuse(name, f"pixels, as in 256 or 256x512 (height x width), of at most {DIGITS} digits", text)
    return int(sides[0]), int(sides[-1])
