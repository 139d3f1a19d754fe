"""Settings of training, and of what is logged, drawn and measured meanwhile."""

import dataclasses

from pgtf.config.group import Group, percentage
from pgtf.foundation.settings import refuse, setting
from pgtf.recipes.precisions import CHOICES

DEFAULT_PRECISION = "float32"


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
    sample_every: int = setting(
        1000,
        "Steps between sample pictures in the report. TensorBoard gets at most 10 of a task.",
        above=0,
        may_change=True,
    )
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
