#!/usr/bin/env python3
"""Writes learnt tasks as files that need no pgtf: SavedModels for TensorFlow Serving, TFLite files for phones.

    python scripts/export.py --run_dir=runs/demo --output=serving
    python scripts/export.py --run_dir=runs/demo --task=maps --output=phone --format=tflite --tflite_size=256

Tasks learnt both ways come as two: TASK and TASK_backward.
"""

from absl import flags

from pgtf import command_line
from pgtf.config import pixels

flags.DEFINE_string("run_dir", None, "The run to export from.", required=True)
flags.DEFINE_string("output", None, "Folder for TASK/VERSION/ and models.config, and for TASK.tflite.", required=True)
flags.DEFINE_list("task", [], "The tasks to export; all unless told.")
flags.DEFINE_list("format", ["saved_model"], "saved_model, tflite or both.")
flags.DEFINE_integer("version", 1, "saved_model: the version, a number; servers take the highest.")
flags.DEFINE_string("tflite_size", "", "tflite: its one size, 256 or HEIGHTxWIDTH; that of training unless told.")


def main(_):
    from pgtf import load  # TensorFlow only once the flags are good.
    from pgtf.serving.export import SavedModel, TFLite, export

    asked = flags.FLAGS
    size = pixels("tflite_size", asked.tflite_size) if asked.tflite_size else None
    known = {"saved_model": SavedModel(asked.version), "tflite": TFLite(size)}
    unknown = [name for name in asked.format if name not in known]
    if unknown:
        raise ValueError(f"--format must be of {', '.join(known)}. Received: {', '.join(unknown)}")
    export(load(asked.run_dir), asked.output, [known[name] for name in asked.format], asked.task)


if __name__ == "__main__":
    command_line.run(main)
