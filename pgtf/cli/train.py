"""Learns image translation tasks one after another, without changing an earlier task.

    pgtf train --flagfile=flags/demo.cfg
    pgtf train --flagfile=flags/paired.cfg --data_dir=DIR

Learned tasks are stored in --run_dir. The same command resumes an interrupted run, also within a task.
"""

import json

from absl import flags

from pgtf.cli import command_line
from pgtf.config import task_plans
from pgtf.foundation import quiet

command_line.define()
flags.DEFINE_bool("dry_run", False, "Print what each task will store, by layer, and exit.")
flags.DEFINE_bool("json", False, "With --dry_run: print JSON.")


def main(_):
    if flags.FLAGS.dry_run:
        config, learned = command_line.config_to_plan()
        from pgtf.assembly.accounting import summary
        from pgtf.runs.plan import plan_text, planned

        plans = task_plans(config)
        found = {**summary(planned(plans)), "learnt": list(learned)}
        print(json.dumps(found) if flags.FLAGS.json else plan_text(plans, learned))
        return
    config = command_line.config_from_flags()
    quiet.import_tensorflow()
    from pgtf.report.observer import ReportObserver
    from pgtf.training.sequence import SequentialTrainer

    SequentialTrainer(config, ReportObserver()).run()
