"""Writes the report of a run: one page with images, curves and metrics, RUN_DIR/report/index.html.

    pgtf report --run_dir=runs/demo
    pgtf report --run_dir=runs/piggyback --compare=runs/full,runs/finetune --grid=grid.png

With --compare, also writes RUN_DIR/report/compare.html, which compares the runs. The pages are self-contained: they
need no server and no network. Training updates the report after each task and each sample.
"""

from absl import flags

from pgtf.foundation import quiet

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to report.", required=True)
flags.DEFINE_list("compare", [], "Other runs to compare on the same inputs, in RUN_DIR/report/compare.html.")
flags.DEFINE_string("grid", "", "PNG file to write: one input of each task with the output of each run.")
STOPPED = ""


def main(_):
    quiet.import_tensorflow()
    from pgtf.report.write import report

    print(f"Report: {report(flags.FLAGS.run_dir, flags.FLAGS.compare, flags.FLAGS.grid)}")
