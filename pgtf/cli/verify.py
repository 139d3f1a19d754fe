"""Proves that every learnt task of a run is what it was: its files by their sha256, its outputs by replaying them.

    pgtf verify --run_dir=runs/demo
    pgtf verify --run_dir=runs/demo --expect=DIGEST

All hashes lie in the run itself. So they show accidents and mistakes, not the work of somebody who means to deceive and
writes hashes that fit. Against that, keep the digest that is printed elsewhere, and expect it.

Exits with 0 if all tasks are proved and the digest is the expected one, else with 1. What is found is noted in the run.
"""

import os

from absl import flags

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "The run to check.", required=True)
flags.DEFINE_string("expect", "", "The digest that an earlier `pgtf verify` printed; the run must still have it.")
STOPPED = ""


def main(_):
    from pgtf.foundation import task_names  # TensorFlow only once the flags are good.
    from pgtf.runs.verify import VERDICT_HEAD, conclusion, difference, digest, remember, verdicts
    from pgtf.storage.bank import FilterBank

    run_dir, expected, found = flags.FLAGS.run_dir, flags.FLAGS.expect, []
    print(VERDICT_HEAD)
    for verdict in verdicts(run_dir):
        print(verdict, flush=True)
        found.append(verdict)
    try:
        remember(run_dir, found)
    except (OSError, ValueError) as error:  # A run that can't be written to, or is in use, is verified all the same.
        print(task_names.escaped(f"not noted in the run: {error}"))
    bank = FilterBank.open(os.path.join(run_dir, "tasks"))
    print(f"\n{conclusion(found)}\ndigest of the run: {digest(bank)}")
    differs = difference(bank, expected) if expected else ""
    if differs:
        print(task_names.escaped(f"FAILED: {differs}"))
    return 0 if all(verdict.holds for verdict in found) and not differs else 1
