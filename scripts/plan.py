#!/usr/bin/env python3
"""Says what each task will store, layer by layer, before anything is learnt: train.py --dry_run.

python scripts/plan.py --flagfile=flags/paired.cfg [--json]

Where the run exists, it lists what the run has learned and plans the tasks to come.
"""

import train
from absl import flags

from pgtf import command_line

flags.FLAGS.set_default("dry_run", True)
flags.adopt_module_key_flags(train)  # So that --help shows them.

if __name__ == "__main__":
    command_line.run(train.main)
