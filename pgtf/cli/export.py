"""Exports learned tasks to files that run without pgtf: SavedModels for TensorFlow Serving, TFLite files for phones.

    pgtf export --run_dir=runs/demo --output=serving
    pgtf export --run_dir=runs/demo --task=maps --output=phone --format=tflite --tflite_size=256

A task learned in both directions gives two exports: TASK and TASK_backward. Each export is read back and verified: its
outputs must match those recorded when the task was learned. Nothing is ever overwritten. The same command resumes after
a stop and keeps existing exports of the same slices. To export a task that was learned again, use --version=2.

--format=combined writes all tasks as one SavedModel, combined/VERSION, whose signatures also take a task's name. It
stores each value once: tasks share the filters that they mix, and mix them in each call.
"""

from absl import flags

from pgtf.config import pixels
from pgtf.foundation import quiet
from pgtf.foundation.settings import refuse

FORMATS = ("saved_model", "tflite", "combined")
ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to export from.", required=True)
flags.DEFINE_string("output", None, "Folder for TASK/VERSION/ and models.config, and for TASK.tflite.", required=True)
flags.DEFINE_list("task", [], "Tasks to export, such as maps,facades. Default: all.")
flags.DEFINE_list(
    "format", ["saved_model"], "Formats: saved_model, tflite, combined, or several, such as saved_model,tflite."
)
flags.DEFINE_integer("version", 1, "saved_model, combined: version number, at least 1. Servers use the highest.")
flags.DEFINE_string("tflite_size", "", "tflite: fixed size, 256 or HEIGHTxWIDTH. Default: the size of training.")
STOPPED = "Finished exports are kept. Run the same command again to resume."


def main(_):
    given = flags.FLAGS
    size = pixels("tflite_size", given.tflite_size) if given.tflite_size else None
    if not given.format or not set(given.format) <= set(FORMATS):
        refuse("format", f"{' or '.join(FORMATS)}, or several", ",".join(given.format))
    if given.version < 1:
        refuse("version", "1 or more", given.version)
    for name, forms in (("version", ("saved_model", "combined")), ("tflite_size", ("tflite",))):
        if given[name].present and not set(forms) & set(given.format):
            raise ValueError(f"--{name} needs --format={forms[0]}. Received: --format={','.join(given.format)}")

    quiet.import_tensorflow()
    from pgtf.runs.pack import load
    from pgtf.serving.combined import export_combined
    from pgtf.serving.export import export
    from pgtf.serving.saved_model import SavedModel
    from pgtf.serving.tflite import TFLite

    run, formats = load(given.run_dir), {"saved_model": SavedModel(given.version), "tflite": TFLite(size)}
    chosen = [formats[name] for name in dict.fromkeys(given.format) if name in formats]
    if chosen:
        export(run, given.output, chosen, given.task)
    if "combined" in given.format:
        export_combined(run, given.output, given.version, given.task)
