"""Translates an image, or all images of a folder, with a learnt task.

    pgtf translate --run_dir=runs/demo --task=facades --input=photo.jpg --output=facade.png
    pgtf translate --run_dir=runs/demo --task=facades --input=photos --output=out --compare

Each image becomes a PNG file of its size. In an output folder it has the image's name; images of folders in a folder
go to the same folders in the output. Of a GIF the first picture is translated. Files that are left out are named with
the reason. The exit status is 1 if an image is among them.
"""

from absl import flags

from pgtf.foundation.settings import refuse

ARGUMENTS = ("run_dir", "task", "input")
flags.DEFINE_string("run_dir", None, "The run that learnt the task, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_string("task", None, "Its name; one that is not there is answered with those that are.")
flags.DEFINE_string("input", None, "An image, or a folder of images and folders, of any sizes.", required=True)
flags.DEFINE_string(
    "output", None, "The folder for the PNG files, new or empty; for one image also a .png file.", required=True
)
flags.DEFINE_bool("backward", False, "From the target back to the input; for tasks learnt with cyclegan.")
flags.DEFINE_bool("compare", False, "Write input and output side by side.")
flags.DEFINE_bool(
    "overwrite", False, "Write into a folder that holds something, or onto a file; replaces files of the same names."
)
flags.DEFINE_integer(
    "tile",
    1024,
    "Larger images go in blended tiles of so many pixels. Smaller ones take less memory; near the size that a U-Net "
    "learnt at, they come out crisper.",
)
flags.DEFINE_integer("workers", 2, "Threads that read and write images while the network runs.")
STOPPED = "What is translated stays; --overwrite does it all again."


def main(_):
    given = flags.FLAGS
    if given.workers < 1:
        refuse("workers", "1 or more", given.workers)

    from pgtf.runs.load import load  # TensorFlow only once the flags are good.
    from pgtf.runs.translate_files import few, outputs, skipped, translate_files

    targets = outputs(given.input, given.output, given.overwrite)
    unread_formats, others = skipped(given.input, given.output)
    if unread_formats:
        print(
            f"left out as their format is not read, {len(unread_formats)}: {few(unread_formats)}; "
            "convert them to JPEG or PNG"
        )
    if others:
        print(f"left out as they are no images, {len(others)}: {few(others)}")
    translator = load(given.run_dir)[given.task].translator(given.backward, given.tile)
    unread = translate_files(translator, targets, compare=given.compare, workers=given.workers, title=given.task)
    print(f"{len(targets) - len(unread)} of {len(targets)} images translated into {given.output}")
    return 1 if unread or unread_formats else 0
