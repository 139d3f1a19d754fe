"""Lists the learned tasks of a run: method, size, share of a full network, date and data.

pgtf list --run_dir=runs/demo [--json]
"""

import json

from absl import flags

from pgtf.foundation import task_names
from pgtf.runs.listing import row_lines, rows, unfinished
from pgtf.storage.ledger import Ledger

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to list.", required=True)
flags.DEFINE_bool("json", False, "Print JSON.")
STOPPED = ""


def main(_):
    run_dir = flags.FLAGS.run_dir
    found, learning = rows(run_dir), unfinished(run_dir)
    changed = list(Ledger.read(run_dir).changed)
    if flags.FLAGS.json:
        print(json.dumps({"tasks": found, "unfinished": learning, "changed": changed}))
        return
    print(*row_lines(found), sep="\n")
    for what, which in (("not finished", learning), ("changed, as `pgtf verify` found", changed)):
        if which:
            print(task_names.escaped(f"{what}: {', '.join(which)}"))
