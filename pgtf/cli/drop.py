"""Removes a task from a run, if no other task borrows from it. A removed task can't be restored: pack it first.

pgtf pack --run_dir=runs/many --task=maps --output=maps.safetensors
pgtf drop --run_dir=runs/many --task=maps
"""

import shlex
import sys

from absl import flags

from pgtf.foundation import quiet

ARGUMENTS = ("run_dir", "task")
flags.DEFINE_string("run_dir", None, "Run of the task.", required=True)
flags.DEFINE_string("task", None, "Task to remove.", required=True)
flags.DEFINE_bool("yes", False, "Remove without asking.")
STOPPED = "Run the same command again to resume."


def main(_):
    run_dir, name = flags.FLAGS.run_dir, flags.FLAGS.task
    if not flags.FLAGS.yes and not _confirmed(run_dir, name):
        print("Nothing was removed.")
        return 1

    quiet.import_tensorflow()
    from pgtf.runs.drop import drop

    drop(run_dir, name)
    print(f"{name} was removed from {run_dir}")
    return 0


def _confirmed(run_dir, name):
    pack = ["pgtf", "pack", run_dir, name, "-o", f"{name}.safetensors"]
    rule = f"A removed task can't be restored unless it was packed: {shlex.join(pack)}"
    if not sys.stdin.isatty():
        raise ValueError(
            f"Removing a task must be confirmed. {rule}\nAdd --yes to confirm. Received: no terminal, no --yes"
        )
    print(rule)
    try:
        return input(f"Remove {name!r} from {run_dir}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
