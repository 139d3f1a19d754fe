"""Training that is killed at odd moments and begun again: what it learns is what it learns undisturbed, bit for bit."""

from __future__ import annotations

import functools
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from pgtf.runs.listing import rows
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import some

ROOT = pathlib.Path(__file__).parent.parent.parent
TRAIN = "scripts/train.py"
FLAGS = (
    "--deterministic",
    "--image_size=16",
    "--width=2",
    "--discriminator_width=2",
    "--discriminator_layers=1",
    "--steps=6",
    "--drawn_images=4",
    "--steps_per_call=1",
    "--log_every=1",
    "--sample_every=2",
    "--checkpoint_minutes=0",
)
RUNS = (
    ("--tasks=maps,facades",),
    ("--tasks=maps,facades", "--batch_size=2", "--norm=batch", "--method=factorized"),
    ("--tasks=maps,facades", "--ema=0.5", "--keep_weights=best", "--evaluate_every=2"),
    ("--tasks=photo2monet", "--objective=cyclegan", "--network=resnet", "--blocks=1", "--pool_size=3"),
)
SIGNALS = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
KILLS = 3
SAME = ("slice.safetensors", "probes.safetensors")  # Bit for bit; a slice's JSON says when it was learnt.


def attack(case: Case) -> str:
    """Kills a run once or more often, lets it come to its end, and holds it against one that was left in peace."""
    draw, run = case.draw, case.path("run")
    flags = some(draw, RUNS)
    peaceful, changes, seconds = _peaceful(flags)
    kills = int(draw.integers(1, KILLS + 1))
    for _ in range(kills):
        name = some(draw, SIGNALS)
        if draw.random() < 0.7:
            code, said = _trained(run, flags, name, last=int(draw.integers(1, changes + 1)))
        else:
            code, said = _trained(run, flags, name, after=float(draw.uniform(0, 1)) * seconds)
        _check_end(code, said, name)
        try:
            rows(run)
        except (ValueError, OSError) as error:
            if "no task is learned yet" not in str(error) and "which is none" not in str(error):
                raise Finding(f"A killed run can be listed. Received: {error}\n{said}") from error
    code, said = _trained(run, flags)
    if code:
        raise Finding(f"A killed run goes on to its end. Received: exit status {code}\n{said}")
    _check_same(peaceful, pathlib.Path(run))
    return f"killed {'once' if kills == 1 else f'{kills} times'}"


@functools.cache
def _peaceful(flags):
    """(folder, changes of files, seconds) of a run that nobody disturbs."""
    run = os.path.join(tempfile.mkdtemp(), "run")
    begun = time.monotonic()
    code, said = _trained(run, flags)
    if code:
        raise Finding(f"A run comes to its end. Received: exit status {code}\n{said}")
    return pathlib.Path(run), int(pathlib.Path(f"{run}.changes").read_text()), time.monotonic() - begun


def _trained(run, flags, name="SIGKILL", last=0, after=None):
    """(exit status, what it said) of train.py, killed before its change number `last` of a file, or after seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.dying", name, str(last), TRAIN, f"--run_dir={run}", *FLAGS, *flags],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.Signals[name])
        said, _ = process.communicate()
    finally:
        process.kill()
    return process.returncode, said


def _check_end(code, said, name):
    """A process ends by its signal, having saved its state, or at its end."""
    lines = said.strip().splitlines() or [""]
    early = lines[-1].startswith("KeyboardInterrupt")  # Before the script could say what it does then.
    if code not in (0, 130, -signal.Signals[name]) or ("Traceback" in said and not early):
        raise Finding(f"A killed process ends by its signal. Received: exit status {code} after {name}\n{said}")


def _check_same(peaceful, killed):
    """Checks that both runs have the same files with the same learned values."""
    files = [_files(run) for run in (peaceful, killed)]
    if files[0] != files[1]:
        raise Finding(f"A killed run has the files of a peaceful one. Received: {sorted(files[0] ^ files[1])}")
    for name in sorted(files[0]):
        if name.endswith(SAME) and (peaceful / name).read_bytes() != (killed / name).read_bytes():
            raise Finding(f"A killed run learns what a peaceful one learns. Received: another {name}")


def _files(run):
    """The names of a run's files; TensorBoard's are named for the time."""
    return {str(path.relative_to(run)) for path in run.rglob("*") if "tfevents" not in path.name}
