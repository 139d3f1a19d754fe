"""Packs a learned task and the tasks that it borrows from into one safetensors file with a model card.

    pgtf pack --run_dir=runs/demo --task=maps --output=maps.safetensors --licence=CC-BY-4.0

pgtf.load("maps.safetensors")["maps"] gives the same outputs as the run, bit for bit. `pgtf adopt` adds the task to
another run.
"""

import json

from absl import flags

from pgtf.foundation import quiet

ARGUMENTS = ("run_dir", "task")
flags.DEFINE_string("run_dir", None, "Run of the task.", required=True)
flags.DEFINE_string("task", None, "Name of the task. `pgtf list` lists them.", required=True)
flags.DEFINE_string("output", None, "New file, NAME.safetensors.", required=True)
flags.DEFINE_string("licence", None, "Licence for the model card, such as CC-BY-4.0.")
flags.DEFINE_bool(
    "probes", True, "Pack the recorded test images. Without them the file is smaller, and `pgtf adopt` refuses it."
)
STOPPED = "Nothing was written."


def main(_):
    given = flags.FLAGS

    quiet.import_tensorflow()
    from pgtf.foundation import task_names
    from pgtf.runs.pack import pack
    from pgtf.runs.run import Run

    card = pack(Run(given.run_dir), given.task, given.output, given.licence, given.probes)
    print(task_names.escaped(json.dumps(card, indent=1, ensure_ascii=False), but="\n"))
    print(f"Wrote {given.output}")
