"""Exports learned tasks to files that run without pgtf: SavedModels for servers, TFLite files for phones, ONNX files.

    pgtf export --run_dir=runs/demo --output=serving
    pgtf export --run_dir=runs/demo --task=maps --output=phone --format=tflite --tflite_size=256
    pgtf export --run_dir=runs/demo --task=maps --output=phone --format=tflite_int8 --calibration=photos

A task learned in both directions gives two exports: TASK and TASK_backward. Each export is read back and verified: its
outputs must match those recorded when the task was learned. Nothing is ever overwritten. The same command resumes after
a stop and keeps existing exports of the same slices. To export a task that was learned again, use --version=2.

--format=combined writes all tasks as one SavedModel, combined/VERSION, whose signatures also take a task's name. It
stores each value once: tasks share the filters that they mix, and mix them in each call.

tflite_float16 and tflite_dynamic (int8) round kernels. tflite_int8 also rounds activations. For these the mean
difference of the outputs is checked, and the mean and the largest difference are printed.

onnx needs pip install 'pgtf[onnx]'.
"""

from absl import flags

from pgtf.config import pixels
from pgtf.foundation import quiet
from pgtf.foundation.settings import refuse

TFLITE = {"tflite": "float32", "tflite_float16": "float16", "tflite_dynamic": "dynamic", "tflite_int8": "int8"}
FORMATS = ("saved_model", "combined", "onnx", *TFLITE)
CALIBRATION = 100  # Images at most.
ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to export from.", required=True)
flags.DEFINE_string("output", None, "Folder for TASK/VERSION/ and models.config, and for TASK.tflite.", required=True)
flags.DEFINE_list("task", [], "Tasks to export, such as maps,facades. Default: all.")
flags.DEFINE_list("format", ["saved_model"], f"Formats: {', '.join(FORMATS)}, or several, such as saved_model,tflite.")
flags.DEFINE_integer("version", 1, "saved_model, combined: version number, at least 1. Servers use the highest.")
flags.DEFINE_string("tflite_size", "", "tflite: fixed size, 256 or HEIGHTxWIDTH. Default: the size of training.")
flags.DEFINE_string(
    "calibration",
    "",
    f"tflite_int8: folder of training images. Up to {CALIBRATION} of them give the ranges of activations. Default: the "
    "task's probes.",
)
STOPPED = "Finished exports are kept. Run the same command again to resume."


def main(_):
    given = flags.FLAGS
    size = pixels("tflite_size", given.tflite_size) if given.tflite_size else None
    if not given.format or not set(given.format) <= set(FORMATS):
        refuse("format", f"{' or '.join(FORMATS)}, or several", ",".join(given.format))
    if given.version < 1:
        refuse("version", "1 or more", given.version)
    for name, forms in (
        ("version", ("saved_model", "combined")),
        ("tflite_size", tuple(TFLITE)),
        ("calibration", ("tflite_int8",)),
    ):
        if given[name].present and not set(forms) & set(given.format):
            raise ValueError(f"--{name} needs --format={forms[0]}. Received: --format={','.join(given.format)}")

    quiet.import_tensorflow()
    from pgtf.data.rgb_images import read
    from pgtf.runs.classify import image_files
    from pgtf.runs.pack import load
    from pgtf.serving.combined import export_combined
    from pgtf.serving.export import export
    from pgtf.serving.onnx import Onnx
    from pgtf.serving.saved_model import SavedModel
    from pgtf.serving.tflite import TFLite

    shown = [read(path) for path in image_files([given.calibration])[:CALIBRATION]] if given.calibration else []
    formats: dict = {"saved_model": SavedModel(given.version), "onnx": Onnx()}
    formats.update({name: TFLite(size, precision, tuple(shown)) for name, precision in TFLITE.items()})
    chosen = [formats[name] for name in dict.fromkeys(given.format) if name in formats]
    if chosen:
        export(load(given.run_dir), given.output, chosen, given.task)
    if "combined" in given.format:
        export_combined(load(given.run_dir), given.output, given.version, given.task)
