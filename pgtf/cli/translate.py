"""Translates an image, or all images of a folder, with a learned task.

    pgtf translate --run_dir=runs/demo --task=facades --input=photo.jpg --output=facade.png
    pgtf translate --run_dir=runs/demo --task=facades --input=photos --output=out --compare
    pgtf translate --run_dir=runs/demo --task=facades --input=inbox --output=out --watch

Each image becomes a file of the same size, with the channels and the depth of the task's targets: PNG of 8 or 16 bits,
or TIFF for floats and for more than four channels. In an output folder the file has the image's name, and subfolders
are kept. Only the first frame of a GIF is translated. Files that are left out are printed with the reason. The exit
status is 1 if an image is among them.
"""

from absl import flags

from pgtf.foundation import quiet
from pgtf.foundation.settings import refuse

ARGUMENTS = ("run_dir", "task", "input")
flags.DEFINE_string("run_dir", None, "Run that learned the task, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_string("task", None, "Name of the task. `pgtf list` lists them.")
flags.DEFINE_string("input", None, "Image, or folder of images and subfolders, of any sizes.", required=True)
flags.DEFINE_string(
    "output", None, "New or empty folder for the files. For one image also a .png, .tif or .npy file.", required=True
)
flags.DEFINE_bool("backward", False, "Translate from target to input. Needs a task learned with cyclegan.")
flags.DEFINE_bool("compare", False, "Write input and output side by side, as 8-bit pictures.")
flags.DEFINE_bool(
    "overwrite", False, "Write into a folder that is not empty, or to an existing file. Replaces files of equal names."
)
flags.DEFINE_integer(
    "tile",
    1024,
    "Size of a tile in pixels. Larger images are translated in blended tiles. Smaller tiles take less memory. With a "
    "U-Net, tiles near the size of training give sharper images.",
)
flags.DEFINE_enum(
    "precision",
    "float32",
    ("float32", "bfloat16", "auto"),
    "Precision of inference. auto: bfloat16 on processors with bfloat16 instructions, else float32.",
)
flags.DEFINE_bool("watch", False, "Translate each image that arrives in the input folder, until Ctrl-C.")
flags.DEFINE_integer("workers", 2, "Number of threads that read and write images while the network runs.")
STOPPED = "Translated images are kept. To translate all again, add --overwrite."


def main(_):
    given = flags.FLAGS
    if given.watch and given.overwrite:
        raise ValueError("--watch never replaces a file, so it can't be combined with --overwrite. Received: both")
    if given.workers < 1:
        refuse("workers", "1 or more", given.workers)

    quiet.import_tensorflow()
    from pgtf.assembly.swapping import swapped_networks
    from pgtf.data.rgb_images import advice
    from pgtf.data.writing import ending_for
    from pgtf.runs.pack import load
    from pgtf.runs.translate_files import arrivals, few, outputs, skipped, translate_files

    translator = load(given.run_dir, swapped_networks(given.precision))[given.task].translator(
        given.backward, given.tile
    )
    pixels = translator.input, translator.output
    how = {"compare": given.compare, "workers": given.workers, "title": given.task, "pixels": pixels}
    ending = ".png" if given.compare else ending_for(pixels[1].channels, pixels[1].dtype)
    if given.watch:
        print(f"Translating images that arrive in {given.input} (Ctrl-C stops)", flush=True)
        for targets in arrivals(given.input, given.output, ending=ending):
            translate_files(translator, targets, **how)
    targets = outputs(given.input, given.output, given.overwrite, ending)
    unread_formats, others = skipped(given.input, given.output)
    if unread_formats:
        print(
            f"left out {len(unread_formats)} images in unsupported formats: {few(unread_formats)}; "
            f"{advice(unread_formats)}"
        )
    if others:
        print(f"left out {len(others)} files that are not images: {few(others)}")
    unread = translate_files(translator, targets, **how)
    print(f"{len(targets) - len(unread)} of {len(targets)} images translated into {given.output}")
    return 1 if unread or unread_formats else 0
