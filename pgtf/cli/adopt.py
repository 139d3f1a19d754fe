"""Adds tasks that were learned in another run to a run, without training.

    pgtf adopt --run_dir=runs/many --from=runs/worker-3
    pgtf adopt --run_dir=runs/many --from=maps.safetensors --task=maps --as=old-maps

The run must have the slices that the tasks borrow from, identified by sha256. Each task is replayed first, and its
outputs must match the recorded ones. The run's own tasks do not change.
"""

from absl import flags

from pgtf.foundation import quiet

ARGUMENTS = ("run_dir", "from")
flags.DEFINE_string("run_dir", None, "Run that receives the tasks.", required=True)
flags.DEFINE_string("from", None, "Run directory, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_list("task", [], "Tasks to add, such as maps,facades. Default: all that the run does not have.")
flags.DEFINE_string(
    "as",
    "",
    "New name of the task, if --task names only one. Default: its own name. Tasks that borrow from it by its own name "
    "can't be added with it.",
)
STOPPED = "Added tasks are kept. Run the same command again to resume."


def main(_):
    quiet.import_tensorflow()
    from pgtf.runs.adopt import adopt
    from pgtf.runs.pack import load

    run_dir, source = flags.FLAGS.run_dir, load(flags.FLAGS["from"].value)
    taken = adopt(run_dir, source, flags.FLAGS.task, flags.FLAGS["as"].value)
    print(f"Added to {run_dir}: {', '.join(taken) or 'nothing, because it has all these tasks'}")
