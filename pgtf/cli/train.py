"""Learns image-to-image tasks one after the other, in one network that forgets none.

    pgtf train --flagfile=flags/demo.cfg
    pgtf train --flagfile=flags/paired.cfg --data_dir=DIR

The same command again goes on where it stopped, in the middle of a task too. What is learnt lies in --run_dir.
"""

import json

from absl import flags

from pgtf.cli import command_line

command_line.define()
flags.DEFINE_bool("dry_run", False, "Only say what the run has and what each coming task will store, by layer.")
flags.DEFINE_bool("json", False, "With --dry_run: say it as JSON.")


def main(_):
    if flags.FLAGS.dry_run:
        config, learnt = command_line.config_to_plan()
        from pgtf.assembly.accounting import summary  # TensorFlow only once the flags are good.
        from pgtf.training.sequence import plan_text, planned

        found = {**summary(planned(config)), "learnt": list(learnt)}
        print(json.dumps(found) if flags.FLAGS.json else plan_text(config, learnt))
        return
    config = command_line.config_from_flags()
    from pgtf.report.observer import ReportObserver
    from pgtf.training.sequence import SequentialTrainer

    SequentialTrainer(config, ReportObserver()).run()
