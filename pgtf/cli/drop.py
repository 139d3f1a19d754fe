"""Takes a task out of a run, if no other borrows from it. There is no way back: pack it before.

pgtf pack --run_dir=runs/many --task=maps --output=maps.safetensors
pgtf drop --run_dir=runs/many --task=maps
"""

import shlex
import sys

from absl import flags

from pgtf.config import load_config

ARGUMENTS = ("run_dir", "task")
flags.DEFINE_string("run_dir", None, "The run.", required=True)
flags.DEFINE_string("task", None, "The task to take out.", required=True)
flags.DEFINE_bool("yes", False, "Don't ask whether to.")
STOPPED = "The same command goes on from there."


def main(_):
    run_dir, name = flags.FLAGS.run_dir, flags.FLAGS.task
    config = load_config(run_dir)
    if not flags.FLAGS.yes and not _confirmed(run_dir, name):
        print("Nothing was dropped.")
        return 1

    from pgtf.runs.drop import drop  # TensorFlow only once the flags are good.

    drop(run_dir, name, config)
    print(f"{run_dir} no longer has {name}")
    return 0


def _confirmed(run_dir, name):
    pack = ["pgtf", "pack", run_dir, name, "-o", f"{name}.safetensors"]
    rule = f"A dropped task is gone unless it was packed before: {shlex.join(pack)}"
    if not sys.stdin.isatty():
        raise ValueError(f"{rule}\nWithout a terminal to ask on, --yes drops it. Received: neither")
    print(rule)
    try:
        return input(f"Drop {name!r} from {run_dir}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
