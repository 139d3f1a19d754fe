"""Takes tasks that were learnt elsewhere into a run, without learning anything.

    pgtf adopt --run_dir=runs/many --from=runs/worker-3
    pgtf adopt --run_dir=runs/many --from=maps.safetensors --task=maps --as=old-maps

The run must have the slices that they borrow from, by their sha256. Each task is replayed before it is taken, and must
answer as when it was learnt. Nothing that is there changes.
"""

import os

from absl import flags

from pgtf.config import load_config

ARGUMENTS = ("run_dir", "from")
flags.DEFINE_string("run_dir", None, "The run that takes them.", required=True)
flags.DEFINE_string("from", None, "A run directory, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_list("task", [], "The tasks, as in maps,facades; all that the run does not have unless told.")
flags.DEFINE_string(
    "as",
    "",
    "The name that the run gives the one --task. Default: its own. Tasks that borrow from it by its own name can't be "
    "adopted beside it.",
)
STOPPED = "What is taken stays; the same command goes on from there."


def main(_):
    run_dir, source, config = flags.FLAGS.run_dir, flags.FLAGS["from"].value, None
    if os.path.isdir(run_dir):
        config = load_config(run_dir)

    from pgtf.runs.adopt import adopt
    from pgtf.runs.load import load  # TensorFlow only once the flags are good.

    taken = adopt(run_dir, load(source), flags.FLAGS.task, config, flags.FLAGS["as"].value)
    print(f"{run_dir} has taken {', '.join(taken) or 'nothing: it has them all'}")
