"""Serves a web page to try the tasks of a run: draw or drop an image, and a task translates it.

For generators of images the page has sliders instead: it shows the same latent through all domains.

    pgtf studio --run_dir=runs/demo

The page is available on this machine only. Default address: 127.0.0.1; see --host. No image is stored.
"""

import os
import threading

from absl import flags

from pgtf.foundation import quiet

ARGUMENTS = ("run_dir",)
flags.DEFINE_string("run_dir", None, "Run to try, or a file that `pgtf pack` wrote.", required=True)
flags.DEFINE_string("host", "127.0.0.1", "Address to listen on. With 0.0.0.0 others can connect, without a password.")
flags.DEFINE_integer("port", 8600, "Port to listen on. 0 chooses a free one.", lower_bound=0, upper_bound=65535)
flags.DEFINE_enum(
    "precision",
    "float32",
    ("float32", "bfloat16", "auto"),
    "Precision of inference. auto: bfloat16 on processors with bfloat16 instructions, else float32.",
)
STOPPED = ""


def main(_):
    quiet.import_tensorflow()
    from pgtf.assembly.swapping import swapped_networks
    from pgtf.runs.pack import load
    from pgtf.studio.answers import Answers
    from pgtf.studio.domains import Domains
    from pgtf.studio.server import Server

    given = flags.FLAGS
    name = os.path.basename(os.path.abspath(given.run_dir))
    run = load(given.run_dir, swapped_networks(given.precision))
    generates = any(task.facts.objective.serves == "latents" for task in run)
    answers = Domains(run) if generates else Answers(run)
    with Server(answers, given.host, given.port, name) as server:
        threading.Thread(target=answers.warm_up, daemon=True).start()
        print(f"Open {server.url} (Ctrl-C stops the server)", flush=True)
        server.serve_forever()
