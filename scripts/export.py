#!/usr/bin/env python3
"""Writes learnt tasks as files that need no pgtf: SavedModels for TensorFlow Serving, TFLite files for phones.

    python scripts/export.py --run_dir=runs/demo --output=serving
    python scripts/export.py --run_dir=runs/demo --task=maps --output=phone --format=tflite --tflite_size=256

Tasks learnt both ways come as two: TASK and TASK_backward. Each export is read back and must answer as its task did
when it was learnt. Nothing is ever overwritten: the same command goes on where it was stopped, keeps what is there of
the same slices, and says so; a task learnt anew goes beside, with --version=2.
"""

from absl import flags

from pgtf import command_line
from pgtf.config import pixels
from pgtf.settings import refuse

FORMATS = ("saved_model", "tflite")
flags.DEFINE_string("run_dir", None, "The run to export from.", required=True)
flags.DEFINE_string("output", None, "Folder for TASK/VERSION/ and models.config, and for TASK.tflite.", required=True)
flags.DEFINE_list("task", [], "The tasks to export, as in maps,facades; all unless told.")
flags.DEFINE_list("format", ["saved_model"], "saved_model, tflite or both, as in saved_model,tflite.")
flags.DEFINE_integer("version", 1, "saved_model: the version, 1 or more; servers take the highest.")
flags.DEFINE_string("tflite_size", "", "tflite: its one size, 256 or HEIGHTxWIDTH; that of training unless told.")


def main(_):
    asked = flags.FLAGS
    size = pixels("tflite_size", asked.tflite_size) if asked.tflite_size else None
    if not asked.format or not set(asked.format) <= set(FORMATS):
        refuse("format", f"{' or '.join(FORMATS)}, or both", ",".join(asked.format))
    if asked.version < 1:
        refuse("version", "1 or more", asked.version)
    for name, form in (("version", "saved_model"), ("tflite_size", "tflite")):
        if asked[name].present and form not in asked.format:
            raise ValueError(f"--{name} goes with --format={form}. Received: --format={','.join(asked.format)}")

    from pgtf import load  # TensorFlow only once the flags are good.
    from pgtf.serving.export import export
    from pgtf.serving.saved_model import SavedModel
    from pgtf.serving.tflite import TFLite

    formats = {"saved_model": SavedModel(asked.version), "tflite": TFLite(size)}
    export(load(asked.run_dir), asked.output, [formats[name] for name in dict.fromkeys(asked.format)], asked.task)


if __name__ == "__main__":
    command_line.run(main, stopped="What is exported stays; the same command goes on from there.")
