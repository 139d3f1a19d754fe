"""Writes the report of a run: one page with images, curves and metrics, RUN_DIR/report/index.html.

    pgtf report --run_dir=runs/demo
    pgtf report --run_dir=runs/piggyback --compare=runs/full,runs/finetune --grid=grid.png
    pgtf report --run_dir=runs/paired --gallery=gallery.png

With --compare, also writes RUN_DIR/report/compare.html, which compares the runs. The pages are self-contained: they
need no server and no network. Training updates the report after each task and each sample.
"""

from absl import flags

from pgtf.foundation import files, quiet

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to report.", required=True)
flags.DEFINE_list("compare", [], "Other runs to compare on the same inputs, in RUN_DIR/report/compare.html.")
flags.DEFINE_string("grid", "", "PNG file to write: one input of each task with the output of each run.")
flags.DEFINE_string(
    "gallery",
    "",
    "PNG file to write instead of the report: the outputs of each task for drawn inputs, for tasks with the names of "
    "drawn ones. It can be published even if the data can't. Default: none.",
)
STOPPED = ""


def main(_):
    quiet.import_tensorflow()
    from pgtf.report.gallery import gallery
    from pgtf.report.write import report
    from pgtf.runs.pack import load

    asked = flags.FLAGS
    if asked.gallery and (asked.compare or asked.grid):
        raise ValueError(
            "--gallery is of one run and writes no report: leave out --compare and --grid. "
            f"Received: --gallery={asked.gallery}, --compare={','.join(asked.compare)}, --grid={asked.grid}"
        )
    if asked.gallery:
        files.write(asked.gallery, gallery(load(asked.run_dir)))
        print(f"Gallery: {asked.gallery}")
        return
    print(f"Report: {report(asked.run_dir, asked.compare, asked.grid)}")
