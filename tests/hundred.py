"""A run of many tasks, learnt in several processes on its first task and adopted into one run that verify proves.

    python -m tests.hundred --folder=runs/hundred --tasks=100 --processes=4

Tiny networks and drawn images; on two cores a hundred tasks take ten minutes. Called again it goes on.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

from pgtf.data.drawn import TASKS, VARIANTS

TINY = {
    "image_size": 16,
    "width": 4,
    "steps": 20,
    "drawn_images": 8,
    "discriminator_width": 4,
    "discriminator_layers": 1,
    "borrow_from": "first",
    "auto_free": True,
}


def names(count):
    """That many drawn tasks; the first ones are named plainly."""
    plain = list(TASKS)
    return (plain + [f"{name}#{number}" for number in range(1, VARIANTS) for name in plain])[:count]


def command(script, *flags):
    return [sys.executable, os.path.join("scripts", f"{script}.py"), *flags]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--processes", type=int, default=4)
    given = parser.parse_args()
    first, *rest = names(given.tasks)
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    whole, started = os.path.join(given.folder, "whole"), time.monotonic()
    subprocess.run(command("train", f"--run_dir={whole}", f"--tasks={first}", *flags), check=True)
    workers = []
    for number in range(given.processes):
        run_dir = os.path.join(given.folder, f"worker-{number + 1}")
        if not os.path.exists(run_dir):
            shutil.copytree(whole, run_dir)
        share = ",".join([first, *rest[number :: given.processes]])
        workers.append(subprocess.Popen(command("train", f"--run_dir={run_dir}", f"--tasks={share}")))
    ended = [worker.wait() for worker in workers]
    if any(ended):
        sys.exit("A worker failed.")
    print(f"learnt in {time.monotonic() - started:.0f} s")
    for number in range(given.processes):
        run_dir = os.path.join(given.folder, f"worker-{number + 1}")
        subprocess.run(command("adopt", f"--run_dir={whole}", f"--from={run_dir}"), check=True)
    print(f"adopted after {time.monotonic() - started:.0f} s")
    sys.exit(subprocess.run(command("verify", f"--run_dir={whole}")).returncode)


if __name__ == "__main__":
    main()
