"""Benchmarks of reading: pairs of files in each format against a training step, and data sets of many files.

Times are CPU seconds of the process, all of its threads.
"""

import dataclasses
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy as np
from PIL import Image

from pgtf.assembly import build
from pgtf.assembly.planned_data import data_of
from pgtf.data import drawn, writing
from pgtf.experiments.speed.timing import compared, cpu_times
from pgtf.experiments.speed.untrained import first_learner, held, step_of

PAIRS = 16  # Of each format; a pass reads each once.
ARCHIVES = ("", ".zip", ".tar", ".tar.gz")
# {format: (ending, bits or type, archive)}
FORMATS = {
    "JPEG": (".jpg", "uint8", ""),
    "PNG": (".png", "uint8", ""),
    "JPEG in a .zip": (".jpg", "uint8", ".zip"),
    "JPEG in a .tar": (".jpg", "uint8", ".tar"),
    "JPEG in a .tar.gz": (".jpg", "uint8", ".tar.gz"),
    "PNG of 16 bits": (".png", "uint16", ""),
    "TIFF of 16 bits": (".tif", "uint16", ""),
    ".npy of float32": (".npy", "float32", ""),
}
OPEN = """
import resource, sys, time
from pgtf.data.finder import Finder
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, begun = peak(), time.process_time()
Finder(sys.argv[1], "pairs", (256, 256), (286, 286))("task")
print(time.process_time() - begun, (peak() - before) / 1024)
"""


def reading(plan, rounds):
    """Compares reading a pair of files in each format, resizing, cropping and flipping it, with a step on one pair."""
    step = step_of(first_learner(plan), held(plan))
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: _pass(plan, os.path.join(folder, name), *FORMATS[name]) for name in FORMATS}
        times = cpu_times({**sides, "step": step}, rounds)
    return compared({name: [one / (PAIRS if name in sides else 1) for one in times[name]] for name in times}, "step")


def many_files(plan, rounds, count):
    """Measures CPU seconds and memory of finding a task of so many files: in a folder, and in archives."""
    del plan, rounds
    found = {}
    content = writing.content(np.zeros((4, 8, 3), "uint8"), ".png")
    for archive in ARCHIVES:
        with tempfile.TemporaryDirectory() as folder:
            _put(os.path.join(folder, "task"), {f"train/{number:07d}.png": content for number in range(count)}, archive)
            # ru_maxrss includes the memory of the process that forked, so a small shell forks instead of this process.
            command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", OPEN, folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            seconds, mib = map(float, done.stdout.split())
            found[archive or "folder"] = {"seconds": seconds, "mib": mib}
    return found


def _pass(plan, folder, ending, dtype, archive):
    """Writes pairs and returns a function that streams each once as in training."""
    os.makedirs(folder)
    content = {f"train/{number}{ending}": _pair(number, ending, dtype) for number in range(PAIRS)}
    _put(os.path.join(folder, plan.name), content, archive)
    own = dataclasses.replace(plan, data=dataclasses.replace(plan.data, data_dir=folder, cache_mb=0))
    stream = build.stream(own, data_of(own))
    batches = PAIRS // plan.training.batch_size
    return lambda: [None for _ in stream.dataset(0, batches)]


def _pair(number, ending, dtype):
    """Encodes a drawn pair; the lower half of its 16 bits is noise, as a sensor's is."""
    image = np.concatenate(drawn.draw("maps", number, 256), axis=1)
    if ending == ".jpg":
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()
    if dtype != "uint8":
        gray = image[..., :1].astype("uint16") * 256
        image = (gray + np.random.default_rng(number).integers(0, 256, gray.shape, "uint16")).astype(dtype)
    return writing.content(image, ending)


def _put(path, content, archive):
    """Writes {name: content} into a folder or an archive."""
    if not archive:
        for name, data in content.items():
            os.makedirs(os.path.dirname(os.path.join(path, name)), exist_ok=True)
            with open(os.path.join(path, name), "wb") as file:
                file.write(data)
    elif archive == ".zip":
        with zipfile.ZipFile(path + archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in content.items():
                packed.writestr(name, data)
    else:
        with tarfile.open(path + archive, "w:gz" if archive.endswith("gz") else "w") as packed:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                packed.addfile(info, io.BytesIO(data))
