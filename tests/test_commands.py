"""Runs the commands of the documentation, small: page by page, in order, in a folder with made images.

`make test-long` runs README.md; with PGTF_EVERY=1 in the environment all of PAGES. Left out are commands that need what
is not here, or takes minutes (ELSEWHERE), and programs other than pgtf.
"""

import functools
import json
import os
import pathlib
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data import writing
from pgtf.methods import Piggyback
from tests.processes import Script
from tests.test_docs import ROOT, TRAINING, calls, text_of
from tests.tiny import tiny_run

SMALL = {
    "image_size": 16,
    "load_size": 16,
    "width": 8,
    "discriminator_width": 2,
    "discriminator_layers": 1,
    "batch_size": 2,
    "steps": 2,
    "drawn_images": 4,
}
LAYOUTS = "docs/guides/data.md"
PAGES = (
    "README.md",
    "docs/index.md",
    "docs/quickstart.md",
    "docs/methods/index.md",
    "docs/tutorials/facades.md",
    "docs/tutorials/own-pairs.md",
    "docs/guides/bytes.md",
    LAYOUTS,
    "docs/guides/move.md",
    "docs/guides/phone.md",
    "docs/guides/resume.md",
    "docs/guides/serve.md",
    "docs/guides/studio.md",
    "docs/guides/translate.md",
)
ELSEWHERE = re.compile(
    r"INCEPTION|DIGEST|HASH|NAME|\$|reproduce|^studio|^bench|^env|first_task_from=[^r]|multi_worker|mirrored|hundred|grid=|runs/drawn"
)
RUNS = {"demo": Piggyback(), "many": Piggyback(borrow_from="first")}
DATA = {"DATA": ("mine",), "MORE": ("second", "third", "next"), "data": ("facades", "maps")}
BLOCK = re.compile(r"(?ms)^ *```(\w*)[^\n]*\n(.*?)^ *```")


def commands(page):
    """Yields (command, words) of a page's blocks, in order."""
    for language, block in BLOCK.findall(text_of(page)):
        if language in ("", "bash", "sh", "shell", "console"):
            yield from calls(re.sub(r"\\\n *", "", block))


def pairs(folder, count=20):
    """Writes files with an input and a target side by side."""
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        os.makedirs(os.path.join(folder, split))
        for number in range(count):
            values = np.kron(draw.integers(0, 256, (2, 4, 3), dtype="uint8"), np.ones((8, 8, 1), "uint8"))
            Image.fromarray(values).save(os.path.join(folder, split, f"{number}.png"))


def layouts(data):
    """Makes a task of each layout that the guide to data names."""
    draw = np.random.default_rng(2)

    def put(task, *names, channels=3, dtype="uint8", size=(16, 16)):
        for name in names:
            path = data / task / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = draw.integers(0, 256, (*size, channels)).astype(dtype)
            path.write_bytes(writing.content(image, path.suffix))

    every = range(30)  # Of fewer names no .npy is held out.
    pairs(data / "beside")
    pairs(data / "packed")
    shutil.make_archive(str(data / "packed"), "zip", data, "packed")
    shutil.rmtree(data / "packed")
    for side in "AB":
        put("apart", *(f"train{side}/{number}.png" for number in every))
        put("piles", *(f"train{side}/{side}{number}.png" for number in every))
    for task in ("table", "lines"):
        put(task, *(f"{place}/{number}.png" for place in ("scans", "clean") for number in every))
    both = [(f"scans/{number}.png", f"clean/{number}.png") for number in every]
    (data / "table" / "train.csv").write_text("input,target\n" + "\n".join(map(",".join, both)))
    lines = "\n".join(json.dumps({"input": one, "target": other}) for one, other in both)
    (data / "lines" / "train.jsonl").write_text(lines)
    put("depth", *(f"trainA/{number}.png" for number in every), channels=1, dtype="uint16")
    put("depth", *(f"trainB/{number}.png" for number in every))
    put("bands", *(f"trainA/{number}.npy" for number in every), channels=6, dtype="float32")
    put("bands", *(f"trainB/{number}.tif" for number in every), channels=1, dtype="uint16")
    for split in ("train", "val"):
        put("classes", *(f"{split}/{name}/{number}.png" for name in ("cat", "dog") for number in every))
    put("alone", *(f"{number}.png" for number in every))


def world(folder):
    """Makes what the pages speak of: data, photos, and runs as `make demo` leaves them."""
    for data, tasks in DATA.items():
        for task in tasks:
            pairs(folder / data / task)
    photo = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype="uint8"))
    os.makedirs(folder / "photos")
    for name in ("photo.jpg", "painting.jpg", "labels.png", "photos/1.png"):
        photo.save(folder / name)
    for run, method in RUNS.items():
        tiny_run(str(folder / "runs" / run), ("facades", "maps", "edges2handbags"), size=(16, 16), method=method)
        samples = folder / "runs" / run / "samples"
        samples.mkdir()
        for task in ("facades", "maps", "edges2handbags"):
            photo.resize((16, 16)).save(samples / f"{task}-input.png")


def within(folder):
    """Prepares the process of a command: few steps take less time than tracing them."""
    os.chdir(folder)
    tf.config.run_functions_eagerly(True)


class CommandsTest(parameterized.TestCase):
    @parameterized.parameters(*((page,) for page in PAGES if page == PAGES[0] or os.environ.get("PGTF_EVERY")))
    @pytest.mark.long
    def test_commands_run(self, page):
        folder, ran = pathlib.Path(self.create_tempdir().full_path), 0
        world(folder)
        if page == LAYOUTS:
            layouts(folder / "DATA")
        for command, words in commands(page):
            words = [word for word in words if word != "."]
            if ELSEWHERE.search(" ".join([command, *words])):
                continue
            process = Script(
                ROOT / "scripts" / f"{command}.py",
                *words,
                *(f"--{name}={value}" for name, value in SMALL.items() if command in TRAINING),
                # Of a small network norms take more than 2%.
                *(["--to=60%"] if command == "compress" else []),
                *(["--compress_to=60%"] if "--flagfile=flags/best.cfg" in words else []),
                *(["--repair=2"] if "--repair=500" in words else []),
                # A kernel has no larger rank than it has filters.
                *(["--rank=8"] if "--rank=16" in words else []),
                before=functools.partial(within, folder),
            )
            _, errors = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0, f"{page}: pgtf {command} {' '.join(words)}\n{errors}")
            ran += 1
        self.assertGreater(ran, 0)


if __name__ == "__main__":
    absltest.main()
