"""Verifies that no learned task of a run has changed: compares file hashes (sha256), and replays the recorded outputs.

    pgtf verify --run_dir=runs/demo
    pgtf verify --run_dir=runs/demo --expect=DIGEST

The hashes are stored in the run itself. They detect accidents, but not a person who edits the run and its hashes. To
detect that, store the printed digest elsewhere and pass it with --expect.

The exit status is 0 if no task has changed and the digest is the expected one, else 1. The result is recorded in the
run.
"""

import os

from absl import flags

from pgtf.foundation import quiet
from pgtf.storage import run_paths

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to verify.", required=True)
flags.DEFINE_string("expect", "", "Digest that an earlier `pgtf verify` printed. Fails if the run has another one.")
STOPPED = ""


def main(_):
    quiet.import_tensorflow()
    from pgtf.foundation import task_names
    from pgtf.runs.verify import (
        VERDICT_HEAD,
        conclusion,
        difference,
        digest,
        record_changes,
        verdicts,
    )
    from pgtf.storage.bank import FilterBank

    run_dir, expected, found = flags.FLAGS.run_dir, flags.FLAGS.expect, []
    print(VERDICT_HEAD)
    for verdict in verdicts(run_dir):
        print(verdict, flush=True)
        found.append(verdict)
    try:
        record_changes(run_dir, found)
    except (OSError, ValueError) as error:  # A read-only run, or one in use, can still be verified.
        print(task_names.escaped(f"not recorded in the run: {error}"))
    bank = FilterBank.open(os.path.join(run_dir, run_paths.TASKS))
    print(f"\n{conclusion(found)}\ndigest of the run: {digest(bank)}")
    differs = difference(bank, expected) if expected else ""
    if differs:
        print(task_names.escaped(f"FAILED: {differs}"))
    return 0 if all(verdict.holds for verdict in found) and not differs else 1
