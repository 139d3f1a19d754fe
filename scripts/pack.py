#!/usr/bin/env python3
"""Writes a learnt task, with all that it borrows from, as one safetensors file with a card.

    python scripts/pack.py --run_dir=runs/demo --task=maps --output=maps.safetensors --licence=CC-BY-4.0

pgtf.load("maps.safetensors")["maps"] answers as the run does, to the bit; adopt.py takes it into another run.
"""

import json

from absl import flags

from pgtf import command_line

flags.DEFINE_string("run_dir", None, "The run.", required=True)
flags.DEFINE_string("task", None, "The task; one that is not there is answered with those that are.", required=True)
flags.DEFINE_string("output", None, "The file, NAME.safetensors; a new one.", required=True)
flags.DEFINE_string("licence", None, "What its card says of its licence, as in CC-BY-4.0.")


def main(_):
    given = flags.FLAGS

    from pgtf import names  # TensorFlow only once the flags are good.
    from pgtf.runs.directory import Run
    from pgtf.runs.packing import pack

    card = pack(Run(given.run_dir), given.task, given.output, given.licence)
    print(names.escaped(json.dumps(card, indent=1, ensure_ascii=False), but="\n"))
    print(f"{given.output} is written")


if __name__ == "__main__":
    command_line.run(main, stopped="Nothing was written.")
