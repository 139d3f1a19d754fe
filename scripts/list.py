#!/usr/bin/env python3
"""Lists the learnt tasks of a run: method, size, share of a full network, when and from what they were learnt.

python scripts/list.py --run_dir=runs/demo [--json]
"""

import json

from absl import flags

from pgtf import command_line, names
from pgtf.runs.ledger import Ledger
from pgtf.runs.listing import row_lines, rows, unfinished

flags.DEFINE_string("run_dir", None, "The run to look at.", required=True)
flags.DEFINE_bool("json", False, "Say it as JSON.")


def main(_):
    run_dir = flags.FLAGS.run_dir
    found, learning = rows(run_dir), unfinished(run_dir)
    changed = list(Ledger.read(run_dir).changed)
    if flags.FLAGS.json:
        print(json.dumps({"tasks": found, "unfinished": learning, "changed": changed}))
        return
    print(*row_lines(found), sep="\n")
    for what, which in (("not finished", learning), ("changed, as verify.py found", changed)):
        if which:
            print(names.escaped(f"{what}: {', '.join(which)}"))


if __name__ == "__main__":
    command_line.run(main, stopped="")
