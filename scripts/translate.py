#!/usr/bin/env python3
"""Translates an image, or all images of a folder, with a learnt task.

python scripts/translate.py --run_dir=runs/demo --task=facades --input=photo.jpg --output=out
"""

from absl import flags

from pgtf import command_line

flags.DEFINE_string("run_dir", None, "The run that learnt the task.", required=True)
flags.DEFINE_string("task", None, "Its name; one that is not there is answered with those that are.")
flags.DEFINE_string("input", None, "An image, or a folder of images and folders, of any sizes.", required=True)
flags.DEFINE_string("output", None, "The folder for the PNG files; new or empty.", required=True)
flags.DEFINE_bool("backward", False, "From the target back to the input; for tasks learnt with cyclegan.")
flags.DEFINE_bool("compare", False, "Write input and output side by side.")
flags.DEFINE_bool("overwrite", False, "Write into a folder that holds something, replacing files of the same names.")
flags.DEFINE_integer(
    "tile",
    1024,
    "Larger images go in blended tiles of so many pixels. Smaller ones take less memory; near the size that a U-Net "
    "learnt at, they come out crisper.",
)
flags.DEFINE_integer("workers", 2, "Threads that read and write images while the network runs.", lower_bound=1)


def main(_):
    from pgtf.runs.directory import Run
    from pgtf.serving.folders import outputs, translate_files  # TensorFlow only once the flags are good.

    given = flags.FLAGS
    targets = outputs(given.input, given.output, given.overwrite)
    translator = Run(given.run_dir)[given.task].translator(given.backward, given.tile)
    unread = translate_files(translator, targets, compare=given.compare, workers=given.workers, title=given.task)
    print(f"{len(targets) - len(unread)} of {len(targets)} images translated into {given.output}")
    return 1 if unread else 0


if __name__ == "__main__":
    command_line.run(main, stopped="What is translated stays; --overwrite does it all again.")
