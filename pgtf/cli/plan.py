"""Says what each task will store, layer by layer, before anything is learnt: pgtf train --dry_run.

pgtf plan --flagfile=flags/paired.cfg [--json]

Where the run exists, it lists what the run has learned and plans the tasks to come.
"""

from absl import flags

from pgtf.cli import train

flags.FLAGS.set_default("dry_run", True)
flags.adopt_module_key_flags(train)  # So that --help shows them.


main = train.main
