"""Opens a page on this machine on which to try a run: draw, or drop a picture, and see what a task makes of it.

    pgtf studio --run_dir=runs/demo

It answers this machine alone, unless --host says otherwise. Pictures are kept nowhere.
"""

import os

from absl import flags

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "The run to try.", required=True)
flags.DEFINE_string("host", "127.0.0.1", "Where to listen; 0.0.0.0 lets others use it, who need no password.")
flags.DEFINE_integer("port", 8600, "On which port; 0 takes a free one.", lower_bound=0, upper_bound=65535)
STOPPED = ""


def main(_):
    from pgtf.studio.answers import Answers  # TensorFlow only once the flags are good.
    from pgtf.studio.server import Server

    asked = flags.FLAGS
    name = os.path.basename(os.path.abspath(asked.run_dir))
    with Server(Answers(asked.run_dir), asked.host, asked.port, name) as server:
        print(f"Open {server.url} (Ctrl-C ends it)", flush=True)
        server.serve_forever()
