"""Serves a web page for trying a run: draw, or drop an image on it, and a task translates it.

    pgtf studio --run_dir=runs/demo

The page is available on this machine only. Default address: 127.0.0.1; see --host. No image is stored.
"""

import os

from absl import flags

from pgtf.foundation import quiet

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to try.", required=True)
flags.DEFINE_string("host", "127.0.0.1", "Address to listen on. With 0.0.0.0 others can connect, without a password.")
flags.DEFINE_integer("port", 8600, "Port to listen on. 0 chooses a free one.", lower_bound=0, upper_bound=65535)
STOPPED = ""


def main(_):
    quiet.import_tensorflow()
    from pgtf.studio.answers import Answers
    from pgtf.studio.server import Server

    given = flags.FLAGS
    name = os.path.basename(os.path.abspath(given.run_dir))
    with Server(Answers(given.run_dir), given.host, given.port, name) as server:
        print(f"Open {server.url} (Ctrl-C stops the server)", flush=True)
        server.serve_forever()
