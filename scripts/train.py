#!/usr/bin/env python3
"""Learns image-to-image tasks one after the other, in one network that forgets none.

    python scripts/train.py --flagfile=flags/demo.cfg
    python scripts/train.py --flagfile=flags/paired.cfg --data_dir=DIR

The same command again goes on where it stopped, in the middle of a task too. What is learnt lies in --run_dir.
"""

import json

from absl import flags

from pgtf import command_line

command_line.define()
flags.DEFINE_bool("dry_run", False, "Only say how many values each task will store, layer by layer.")
flags.DEFINE_bool("json", False, "With --dry_run: say it as JSON.")


def main(_):
    config = command_line.config_from_flags()
    from pgtf.evaluation.parameters import report, summary  # TensorFlow only once the flags are good.
    from pgtf.runs.stages import Sequence, planned

    if flags.FLAGS.dry_run:
        found = planned(config)
        print(json.dumps(summary(found)) if flags.FLAGS.json else report(found, config.method.plan_note))
        return
    Sequence(config).run()


if __name__ == "__main__":
    command_line.run(main)
