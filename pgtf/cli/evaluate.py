"""Measures how good each task of a run is after each later one, on its test images, from what is stored.

    pgtf evaluate --run_dir=runs/demo
    pgtf evaluate --run_dir=runs/paired --data_dir=DATA --inception=FOLDER

All figures, with what they depend on, lie in RUN_DIR/evaluation: matrix.json and matrix.csv. The same command again
goes on where it stopped; what is measured is not measured again.
"""

from absl import flags

from pgtf.config import load_config, pixels

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "The run to measure.", required=True)
flags.DEFINE_string("data_dir", "", "Where the data lies now, if no longer where it lay when the tasks were learnt.")
flags.DEFINE_string(
    "inception",
    "",
    "The network of FID and KID: a SavedModel's folder or a TF-Hub handle, with #OUTPUT where it has several outputs. "
    "Without one, distances are in the features of a classifier of the run's tasks, and are called FCD and KCD.",
)
flags.DEFINE_integer("limit", 0, "Images of each task, a fixed random choice; 0 takes all.", lower_bound=0)
flags.DEFINE_enum(
    "split",
    "test",
    ["test", "validation", "train"],
    "Which images; test is val where there is only that, validation those that --validation held out.",
)
flags.DEFINE_list("task", [], "The tasks to measure; all unless told. Rows of others stay empty.")
flags.DEFINE_list(
    "classes", [], "Further tasks that the classifier tells apart, so that Acc of several runs is by the same one."
)
flags.DEFINE_string("kept", "", "A folder for what several runs can share of this; the run's own unless told.")
flags.DEFINE_string("image_size", "", "Refuse a run that learnt at another size: 256, or HEIGHTxWIDTH.")
STOPPED = "What is measured stays; the same command goes on."


def main(_):
    from pgtf.assembly.recorded_data import coming_data
    from pgtf.evaluation.evaluation import Evaluation, EvaluationConfig, extractor_of
    from pgtf.runs.run import Run  # TensorFlow only once the flags are good.

    asked = flags.FLAGS
    question = EvaluationConfig(
        extractor=extractor_of(asked.inception),
        split=asked.split,
        limit=asked.limit,
        data_dir=asked.data_dir,
        size=pixels("image_size", asked.image_size) if asked.image_size else None,
        kept=asked.kept,
    )
    run = Run(asked.run_dir)
    others = sorted(set(asked.classes) - set(run.names))
    config = load_config(asked.run_dir) if others else None
    evaluation = Evaluation(run, question, coming={name: coming_data(name, config) for name in others})
    evaluation.measure(asked.task)
    print(f"\n{evaluation.table()}")
