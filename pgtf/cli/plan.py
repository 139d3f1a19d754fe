"""Prints what each task will store, layer by layer, before training. The same as `pgtf train --dry_run`.

pgtf plan --flagfile=flags/paired.cfg [--json]

For an existing run, it lists the learned tasks and plans the others.
"""

from absl import flags

from pgtf.cli import train

flags.FLAGS.set_default("dry_run", True)
flags.adopt_module_key_flags(train)  # For --help.


main = train.main
