"""Makes the report of a run: one page with its pictures, curves and figures, in RUN_DIR/report/index.html.

    pgtf report --run_dir=runs/demo
    pgtf report --run_dir=runs/piggyback --compare=runs/full,runs/finetune --grid=grid.png

With --compare, RUN_DIR/report/compare.html beside it holds the runs against each other. A page holds all that it
shows; it needs no server and no network. Training renews the report after each task and each sample.
"""

from absl import flags

from pgtf.config import load_config

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "The run to report.", required=True)
flags.DEFINE_list("compare", [], "Other runs, to hold it against on the same inputs, in RUN_DIR/report/compare.html.")
flags.DEFINE_string("grid", "", "A PNG file to write as well: one input of each task, and what each run makes of it.")
STOPPED = ""


def main(_):
    from pgtf.report.write import report  # TensorFlow only once the flags are good.

    run_dir, others = flags.FLAGS.run_dir, flags.FLAGS.compare
    configs = {each: load_config(each) for each in (run_dir, *others)}
    print(f"Look: {report(run_dir, others, configs, flags.FLAGS.grid)}")
