#!/usr/bin/env python3
"""Measures what speed the code promises, each thing beside what it is compared with.

    python scripts/bench.py [--only=training,pipeline] [--rounds=10] [--flagfile=flags/unpaired.cfg]

The setting is the paper's paired one, or that of your flags.
"""

from absl import flags

from pgtf import command_line

command_line.define()
flags.DEFINE_list("only", [], "The benchmarks to run; all unless told.")
flags.DEFINE_integer("rounds", 10, "How often each side is measured.", lower_bound=1)


def main(_):
    from benchmarks import BENCHMARKS  # TensorFlow only once the flags are good.

    unknown = sorted(set(flags.FLAGS.only) - set(BENCHMARKS))
    if unknown:
        raise ValueError(f"--only must be of {', '.join(BENCHMARKS)}. Received: {', '.join(unknown)}")
    for name in flags.FLAGS.only or BENCHMARKS:
        print(f"\n{name}: {BENCHMARKS[name].__doc__}")
        for line in BENCHMARKS[name](command_line.config_from_flags(), flags.FLAGS.rounds):
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    command_line.run(main, stopped="")
