#!/usr/bin/env python3
"""Proves that every learnt task of a run is what it was: its files by their sha256, its outputs by replaying them.

    python scripts/verify.py --run_dir=runs/demo

Exits with 0 if all are, else with 1.
"""

import contextlib

from absl import flags

from pgtf import command_line

flags.DEFINE_string("run_dir", None, "The run to check.", required=True)


def main(_):
    from pgtf.runs.verification import (
        VERDICT_HEAD,
        conclusion,
        remember,
        verdicts,
    )  # TensorFlow only once the flags are good.

    found = []
    print(VERDICT_HEAD)
    for verdict in verdicts(flags.FLAGS.run_dir):
        print(verdict, flush=True)
        found.append(verdict)
    with contextlib.suppress(OSError):  # A run that can't be written to is verified all the same.
        remember(flags.FLAGS.run_dir, found)
    print(f"\n{conclusion(found)}")
    return 0 if all(verdict.holds for verdict in found) else 1


if __name__ == "__main__":
    command_line.run(main, stopped="")
