#!/usr/bin/env python3
"""Takes a task out of a run, if no other borrows from it. There is no way back: pack it before.

python scripts/drop.py --run_dir=runs/many --task=maps
"""

from absl import flags

from pgtf import command_line

flags.DEFINE_string("run_dir", None, "The run.", required=True)
flags.DEFINE_string("task", None, "The task to take out.", required=True)


def main(_):
    run_dir, name = flags.FLAGS.run_dir, flags.FLAGS.task
    config = command_line.load_config(run_dir)

    from pgtf.runs.dropping import drop  # TensorFlow only once the flags are good.

    drop(run_dir, name, config)
    print(f"{run_dir} no longer has {name}")


if __name__ == "__main__":
    command_line.run(main, stopped="The same command goes on from there.")
