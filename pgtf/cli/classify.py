"""Classifies images with a learned task.

    pgtf classify runs/classify digits runs/classify/samples/digits-input.png
    pgtf classify runs/classify --all photos --top=3 --format=csv

Prints the likeliest class of each image with its probability. Images of any size and kind are resized to the size of
training. A folder includes the images of its subfolders. The exit status is 1 if an image can't be read.
"""

import csv
import json
import sys

from absl import flags

from pgtf.foundation import files, task_names
from pgtf.foundation.settings import refuse

ARGUMENTS = ("run_dir", "task", "input")
REPEATED = "input"
flags.DEFINE_string("run_dir", None, "Run that learned the task, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_string("task", "", "Name of the task. `pgtf list` lists them. With --all it is an input, too.")
flags.DEFINE_multi_string("input", [], "Image, or folder of images. May be given several times.")
flags.DEFINE_bool("all", False, "Ask all tasks of the run.")
flags.DEFINE_integer("top", 1, "Number of classes to print for an image.", lower_bound=1)
flags.DEFINE_enum("format", "text", ["text", "csv", "json"], "Form of the answers.")
flags.DEFINE_string("output", "", "File to write the answers to. Default: they are printed.")
STOPPED = ""


def main(_):
    given = flags.FLAGS
    inputs = [*([given.task] if given.all and given.task else []), *given.input]
    if not given.all and not given.task:
        refuse("task", "the name of a task, or --all", given.task)

    from pgtf.runs.classify import classify_files, image_files  # Imports TensorFlow.
    from pgtf.runs.pack import load

    run, paths, unread = load(given.run_dir), image_files(inputs), []

    def report(error):
        unread.append(error)
        print(f"left out: {task_names.escaped(str(error))}", file=sys.stderr)

    guesses = classify_files(run, list(run.names) if given.all else [given.task], paths, given.top, report)
    if given.output:
        text = "".join(_lines(guesses, given.format))
        files.write(given.output, text.encode())
    else:
        for line in _lines(guesses, given.format):
            sys.stdout.write(line)
    return 1 if unread else 0


def _lines(guesses, form):
    """Yields the lines of the output in a format."""
    if form == "json":
        rows = [
            {
                "image": one.image,
                "task": one.task,
                "classes": [dict(zip(("label", "probability"), c)) for c in one.classes],
            }
            for one in guesses
        ]
        yield json.dumps(rows, indent=1) + "\n"
        return
    if form == "csv":
        writer = csv.writer(_Echo(), lineterminator="\n")
        yield writer.writerow(["image", "task", "rank", "label", "probability"])
        for one in guesses:
            for rank, (label, probability) in enumerate(one.classes, 1):
                yield writer.writerow([one.image, one.task, rank, label, f"{probability:.6f}"])
        return
    for one in guesses:
        classes = ", ".join(f"{label} {probability:.1%}" for label, probability in one.classes)
        yield task_names.escaped(f"{one.image}  {one.task}: {classes}") + "\n"


class _Echo:
    """A file for csv.writer whose `write` returns the line."""

    def write(self, line):
        return line
