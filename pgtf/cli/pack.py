"""Writes a learnt task, with all that it borrows from, as one safetensors file with a card.

    pgtf pack --run_dir=runs/demo --task=maps --output=maps.safetensors --licence=CC-BY-4.0

pgtf.load("maps.safetensors")["maps"] answers as the run does, to the bit; `pgtf adopt` takes it into another run.
"""

import json

from absl import flags

ARGUMENTS = ("run_dir", "task")
flags.DEFINE_string("run_dir", None, "The run.", required=True)
flags.DEFINE_string("task", None, "The task; one that is not there is answered with those that are.", required=True)
flags.DEFINE_string("output", None, "The file, NAME.safetensors; a new one.", required=True)
flags.DEFINE_string("licence", None, "What its card says of its licence, as in CC-BY-4.0.")
STOPPED = "Nothing was written."


def main(_):
    given = flags.FLAGS

    from pgtf.foundation import task_names  # TensorFlow only once the flags are good.
    from pgtf.runs.pack import pack
    from pgtf.runs.run import Run

    card = pack(Run(given.run_dir), given.task, given.output, given.licence)
    print(task_names.escaped(json.dumps(card, indent=1, ensure_ascii=False), but="\n"))
    print(f"{given.output} is written")
