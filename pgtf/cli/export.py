"""Writes learnt tasks as files that need no pgtf: SavedModels for TensorFlow Serving, TFLite files for phones.

    pgtf export --run_dir=runs/demo --output=serving
    pgtf export --run_dir=runs/demo --task=maps --output=phone --format=tflite --tflite_size=256

Tasks learnt both ways come as two: TASK and TASK_backward. Each export is read back and must answer as its task did
when it was learnt. Nothing is ever overwritten: the same command goes on where it was stopped, keeps what is there of
the same slices, and says so; a task learnt anew goes beside, with --version=2.

--format=combined writes all tasks as one SavedModel, combined/VERSION, whose signatures take a task's name too. There
each value is stored once: tasks share the filters that they mix, and mix them at each answer.
"""

from absl import flags

from pgtf.config import pixels
from pgtf.foundation.settings import refuse

FORMATS = ("saved_model", "tflite", "combined")
ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "The run to export from.", required=True)
flags.DEFINE_string("output", None, "Folder for TASK/VERSION/ and models.config, and for TASK.tflite.", required=True)
flags.DEFINE_list("task", [], "The tasks to export, as in maps,facades; all unless told.")
flags.DEFINE_list(
    "format", ["saved_model"], "saved_model, tflite, or several, as in saved_model,tflite; combined: all in one."
)
flags.DEFINE_integer("version", 1, "saved_model, combined: the version, 1 or more; servers take the highest.")
flags.DEFINE_string("tflite_size", "", "tflite: its one size, 256 or HEIGHTxWIDTH; that of training unless told.")
STOPPED = "What is exported stays; the same command goes on from there."


def main(_):
    asked = flags.FLAGS
    size = pixels("tflite_size", asked.tflite_size) if asked.tflite_size else None
    if not asked.format or not set(asked.format) <= set(FORMATS):
        refuse("format", f"{' or '.join(FORMATS)}, or several", ",".join(asked.format))
    if asked.version < 1:
        refuse("version", "1 or more", asked.version)
    for name, forms in (("version", ("saved_model", "combined")), ("tflite_size", ("tflite",))):
        if asked[name].present and not set(forms) & set(asked.format):
            raise ValueError(f"--{name} goes with --format={forms[0]}. Received: --format={','.join(asked.format)}")

    from pgtf.runs.load import load  # TensorFlow only once the flags are good.
    from pgtf.serving.combined import export_combined
    from pgtf.serving.export import export
    from pgtf.serving.saved_model import SavedModel
    from pgtf.serving.tflite import TFLite

    run, formats = load(asked.run_dir), {"saved_model": SavedModel(asked.version), "tflite": TFLite(size)}
    chosen = [formats[name] for name in dict.fromkeys(asked.format) if name in formats]
    if chosen:
        export(run, asked.output, chosen, asked.task)
    if "combined" in asked.format:
        export_combined(run, asked.output, asked.version, asked.task)
