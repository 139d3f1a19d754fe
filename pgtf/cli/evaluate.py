"""Measures every task of a run on its test images, after each later task, from the stored slices.

    pgtf evaluate --run_dir=runs/demo
    pgtf evaluate --run_dir=runs/paired --data_dir=DATA --inception=FOLDER

Writes the metrics and how they were measured to RUN_DIR/evaluation: matrix.json and matrix.csv. The same command
resumes after a stop and does not repeat finished measurements.
"""

from absl import flags

from pgtf.config import load_config, pixels, task_plans
from pgtf.foundation import quiet

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to measure.", required=True)
flags.DEFINE_string("data_dir", "", "Folder of the data, if it has moved since training. Default: as recorded.")
flags.DEFINE_string(
    "inception",
    "",
    "Network for FID and KID: folder of a SavedModel or TF-Hub handle, with #OUTPUT if it has several outputs. "
    "Default: the features of a classifier of the run's tasks; the distances are then called FCD and KCD.",
)
flags.DEFINE_integer("limit", 0, "Number of images per task, a fixed random subset. 0 uses all.", lower_bound=0)
flags.DEFINE_enum(
    "split",
    "test",
    ["test", "validation", "train"],
    "Images to use. test falls back to val if there is no test. validation: the images that --validation held out.",
)
flags.DEFINE_list("task", [], "Tasks to measure. Default: all. The rows of others stay empty.")
flags.DEFINE_list(
    "classes", [], "Further tasks for the classifier, so that several runs can share one and their Acc is comparable."
)
flags.DEFINE_string(
    "kept",
    "",
    "Folder for results that several runs can share: the classifier, features of real images. Default: in the run.",
)
flags.DEFINE_string("image_size", "", "Fail if the run was trained at another size: 256, or HEIGHTxWIDTH.")
STOPPED = "Finished measurements are kept. Run the same command again to resume."


def main(_):
    quiet.import_tensorflow()
    from pgtf.assembly.planned_data import coming_data
    from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation, extractor_of
    from pgtf.runs.run import Run

    given = flags.FLAGS
    measured = EvaluationConfig(
        extractor=extractor_of(given.inception),
        split=given.split,
        limit=given.limit,
        data_dir=given.data_dir,
        size=pixels("image_size", given.image_size) if given.image_size else None,
        kept=given.kept,
    )
    run = Run(given.run_dir)
    others = sorted(set(given.classes) - set(run.names))
    config = load_config(given.run_dir) if others else None
    if others and config is None:
        raise ValueError(f"--classes needs the run's config.cfg. Received: {given.run_dir}, which has none")
    coming = {name: coming_data(name, task_plans(config)[0]) for name in others} if config else {}
    evaluation = RunEvaluation(run, measured, coming=coming)
    evaluation.measure(given.task)
    print(f"\n{evaluation.table()}")
