"""The names of files and folders in a run directory. All other modules take them from here.

Two names are defined elsewhere: config.cfg in `config`, and the lock file in `foundation`, which do not import storage.
"""

import os
import re

from pgtf.config import flagfile
from pgtf.foundation import files

# In the run directory.
CONFIG = flagfile.NAME
LOCK = files.LOCK
LEDGER = "ledger.json"
LOG = "log.jsonl"
TASKS = "tasks"
SAMPLES = "samples"
TENSORBOARD = "tensorboard"
EVALUATION = "evaluation"
REPORT = "report"

# In the folder of tasks.
STAGED = ".adopting"  # A task that is being adopted.

# In the folder of a task, tasks/NN-NAME.
SLICE = "slice.json"
TENSORS = "slice.safetensors"
PROBES = "probes.safetensors"
REPLAYS = "replays.json"
BEGUN = "begun.json"
NEAREST = "nearest.json"
AUXILIARY = "discriminators.safetensors"  # Where later tasks start from them; no task needs them.
DROPPED = "dropped.json"
CHECKPOINTS = "train"
SAMPLE = os.path.join(CHECKPOINTS, "sample.safetensors")  # The last one of a task in training.

# In the folder of checkpoints.
STEP = "step-"
WIDTH = "width-"  # A further folder of checkpoints, of a wider network.
DAMAGED = "damaged-"
HASHES = "sha256.json"

# In the folder of evaluations.
MATRIX = "matrix.json"
MATRIX_CSV = "matrix.csv"
FIGURES = "figures"
ACTIVATIONS = "activations"
CLASSIFIERS = "classifiers"
ANSWERS = "answers"  # Confusions and mistakes of classifiers, a file for each task.

# In the folder of the report.
PAGE = "index.html"
COMPARISON = "compare.html"
PARTS = "parts"


def answers_file(index: int, name: str) -> str:
    """Returns the path of a task's answers in a run directory."""
    return os.path.join(EVALUATION, ANSWERS, f"{task_folder(index, name)}.safetensors")


def task_folder(index: int, name: str) -> str:
    """Returns the name of a task's folder, which starts with its number, counted from 1."""
    return f"{index + 1:02d}-{name}"


def evaluation_table(index: int, name: str) -> str:
    """Returns the name of the table of all tasks up to this one."""
    return f"{task_folder(index, name)}.txt"


def is_measured(name: str) -> bool:
    """Returns whether a file in the folder of evaluations holds measurements of the run: a table or the matrix."""
    return name in (MATRIX, MATRIX_CSV) or bool(re.fullmatch(r"\d+-.+\.txt", name))


def picture(index: int, title: str) -> str:
    """Returns the name of a sample picture that was made after task `index`."""
    return f"{index + 1:02d}-{title.replace('/', '-')}.png"


def example(task: str) -> str:
    """Returns the name of a task's example input in the folder of samples, the last file that training writes."""
    return f"{task}-input.png"
