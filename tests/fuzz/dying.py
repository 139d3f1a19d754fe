"""train.py that is sent a signal when it is about to change a file of its run for the n-th time.

    python -m tests.fuzz.dying SIGNAL N train.py --run_dir=…

N = 0 never comes. How often files were changed is written to RUN_DIR.changes.
"""

import os
import resource
import runpy
import signal
import sys

CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.symlink")


def main() -> None:
    number, last = signal.Signals[sys.argv[1]], int(sys.argv[2])
    sys.argv = sys.argv[3:]
    (run_dir,) = (text.split("=", 1)[1] for text in sys.argv if text.startswith("--run_dir="))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))  # What the fuzzing process may take is not for this one.
    signal.signal(signal.SIGINT, signal.default_int_handler)  # As in a terminal; what begins this one may ignore it.
    changes = 0

    def watch(event, facts):
        nonlocal changes
        opened = event == "open" and isinstance(facts[2], int) and facts[2] & (os.O_WRONLY | os.O_RDWR)
        if (opened or event in CHANGES) and any(str(fact).startswith(run_dir) for fact in facts[:2]):
            changes += 1
            if changes == last:
                os.kill(os.getpid(), number)

    sys.addaudithook(watch)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        with open(f"{run_dir}.changes", "w") as file:
            file.write(str(changes))


if __name__ == "__main__":
    main()
