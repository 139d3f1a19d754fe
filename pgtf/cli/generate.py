"""Generates images with a learned task of --objective=unconditional.

    pgtf generate runs/width faces --seeds=0-99 --truncation=0.7 -o grid.png
    pgtf generate runs/width faces --seeds=3,7,11 --between=8 -o strip.png
    pgtf generate runs/width --all --seeds=0-9 -o domains.png

Writes one PNG file: the images of the seeds, row by row. A seed gives the same image on every machine, up to rounding.
With --between, images between each seed and the next one follow each other. With --all, each task has a row, and each
column a latent. If --output ends in /, each image becomes a file of its own, TASK-SEED.png.
"""

import os

from absl import flags

from pgtf.foundation import files, quiet
from pgtf.foundation.settings import refuse

ARGUMENTS = ("run_dir", "task")
flags.DEFINE_string("run_dir", None, "Run that learned the task, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_string("task", "", "Name of the task. `pgtf list` lists them.")
flags.DEFINE_bool("all", False, "Generate with all tasks of the run.")
flags.DEFINE_string("seeds", "0-15", "Seeds of the latents: numbers and ranges, as in 0-99 or 1,5,20-29.")
flags.DEFINE_float(
    "truncation",
    1.0,
    "Truncation ψ of styles. 1: none. 0.7: less varied images with fewer faults. 0: the average image.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "between", 0, "Number of interpolated images from each seed to the next. Default: 0.", lower_bound=0
)
flags.DEFINE_integer(
    "columns", 0, "Images in a row. Default: as many as make a square; with --between, those of a pair."
)
flags.DEFINE_string("output", None, "PNG file; or, if it ends in /, folder.", required=True)
flags.DEFINE_bool("overwrite", False, "Replace existing files.")
STOPPED = ""


def main(_):
    given = flags.FLAGS
    if bool(given.task) == given.all:
        refuse("task", "the name of a task, or --all", given.task)
    if given.columns < 0:
        refuse("columns", "0 or more", given.columns)

    quiet.import_tensorflow()
    import numpy as np

    from pgtf.data.rgb_images import png
    from pgtf.runs.generate import parsed_seeds, sheet
    from pgtf.runs.pack import load

    seeds = parsed_seeds(given.seeds)
    if given.between and len(seeds) < 2:
        refuse("between", "0 for a single seed", given.between)
    run = load(given.run_dir)
    names = list(run.names) if given.all else [given.task]
    made = {}
    for name in names:
        generator = run[name].image_generator
        if given.between:
            made[name] = generator.between(seeds, given.between, given.truncation)
        else:
            made[name] = generator.seeds(seeds, given.truncation)
    if given.output.endswith(os.sep):
        labels = range(len(made[names[0]])) if given.between else seeds
        pictures = {
            os.path.join(given.output, f"{name}-{label}.png"): image
            for name in names
            for label, image in zip(labels, made[name])
        }
    else:
        count = len(made[names[0]])
        columns = given.columns or (count if given.all else given.between or int(np.ceil(count**0.5)))
        pictures = {given.output: np.concatenate([sheet(made[name], columns) for name in names])}
    existing = [path for path in pictures if os.path.exists(path)]
    if existing and not given.overwrite:
        raise ValueError(f"The output must not exist; --overwrite replaces it. Received: {existing[0]}")
    for path, picture in pictures.items():
        files.write(path, png(picture))
    images = sum(map(len, made.values()))
    print(f"{images} images generated into {given.output}")
