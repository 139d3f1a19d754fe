"""Compresses a learned task to a budget of bytes, as a new task at the end of its run.

    pgtf compress runs/paired maps --to=2%
    pgtf compress runs/paired maps --to=150000 --as=small-maps --repair=500

Each layer stores nothing (the first task's kernel is used), a low-bit or low-rank difference from the first task's
kernel, or its own kernel in int8. The choice is the one with the least change of the task's outputs within the budget.
The change is measured on held-out images (--validation), else on training images. The first task can't be compressed,
and the images that the task was learned from must be there.
"""

from absl import flags

from pgtf.config.group import percentage
from pgtf.foundation import quiet
from pgtf.foundation.settings import refuse

ARGUMENTS = ("run_dir", "task")
flags.DEFINE_string("run_dir", None, "Run of the task.", required=True)
flags.DEFINE_string("task", None, "Task to compress.", required=True)
flags.DEFINE_string("to", "2%", "Budget of the compressed task: a percentage of a full network, or a number of bytes.")
flags.DEFINE_string("as", "", "Name of the compressed task. Default: TASK-compressed.")
flags.DEFINE_integer("images", 32, "Number of images on which changes are measured.", lower_bound=1)
flags.DEFINE_integer(
    "repair", 0, "Steps of training towards the outputs of the task, after compression.", lower_bound=0
)
flags.DEFINE_integer("repair_images", 256, "Number of training images for the repair.", lower_bound=1)
flags.DEFINE_float("repair_rate", 1e-3, "Learning rate of the repair; it decays linearly to zero.", lower_bound=0)
flags.DEFINE_string("data_dir", "", "Folder of the data, if it has moved since training. Default: as recorded.")
DIGITS = 15  # Of a number of bytes, at most.
STOPPED = "Nothing was added to the run."


def main(_):
    quiet.import_tensorflow()
    from pgtf.compression.task import Compression
    from pgtf.runs.compress import compress

    given = flags.FLAGS
    name = given["as"].value or f"{given.task}-compressed"
    settings = Compression(
        _budget(given.to), given.images, given.repair, given.repair_images, given.repair_rate, given.data_dir
    )
    made = compress(given.run_dir, given.task, name, settings)
    print(f"{'layer':<12}{'stored':<14}{'bytes':>10}{'change':>12}")
    for choice in made.choices:
        print(f"{choice.name:<12}{choice.kind:<14}{choice.bytes:>10,}{choice.change:>12.2e}")
    print(f"\n{name} was added to {given.run_dir}: {made}")


def _budget(text: str) -> float:
    """Parses a budget: a fraction of a full network if it is at most 1, else bytes."""
    if text.isdecimal() and len(text) <= DIGITS and int(text) > 1:
        return int(text)
    if not text.endswith("%"):
        refuse("to", "a percentage of a full network, such as 2%, or a number of bytes", text)
    return percentage("to", text)
