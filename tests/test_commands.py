"""Runs the commands of the documentation, small: page by page, in order, in a folder with made images.

`make test` runs README.md; with PGTF_EVERY=1 in the environment every page runs. Left out are pages and commands that
need what is not here (SKIPPED, ELSEWHERE), and programs other than pgtf.
"""

import functools
import os
import re

import numpy as np
import pytest
from absl.testing import absltest, parameterized
from PIL import Image

from tests.processes import Script
from tests.test_docs import PAGES, ROOT, TRAINING, calls, text_of
from tests.tiny import tiny_run

SMALL = {
    "image_size": 16,
    "load_size": 16,
    "width": 4,
    "discriminator_width": 2,
    "discriminator_layers": 1,
    "batch_size": 2,
    "steps": 2,
    "drawn_images": 4,
}
# Pages whose commands need other machines, or hours.
SKIPPED = {"docs/guides/many-gpus.md", "docs/reproduce.md", "docs/speed.md", "CONTRIBUTING.md", "docs/install.md"}
ELSEWHERE = re.compile(
    r"INCEPTION|DIGEST|HASH|NAME|\$|reproduce|^studio|^bench|^env|first_task_from=[^r]|multi_worker|mirrored|hundred"
)
RUNS = "demo", "many"
DATA = {"DATA": ("mine", "flowers", "birds"), "MORE": ("second", "third", "next"), "data": ("facades", "maps")}
BLOCK = re.compile(r"(?ms)^ *```(\w*)[^\n]*\n(.*?)^ *```")


def commands(page):
    """Yields (command, words) of a page's blocks, in order."""
    for language, block in BLOCK.findall(text_of(page)):
        if language in ("", "bash", "sh", "shell", "console"):
            yield from calls(re.sub(r"\\\n *", "", block))


def pairs(folder, count=4):
    """Writes files with an input and a target side by side."""
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        os.makedirs(os.path.join(folder, split))
        for number in range(count):
            values = np.kron(draw.integers(0, 256, (2, 4, 3), dtype="uint8"), np.ones((8, 8, 1), "uint8"))
            Image.fromarray(values).save(os.path.join(folder, split, f"{number}.png"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with what the pages speak of: data, photos, and runs as `make demo` leaves them."""
    folder = tmp_path_factory.mktemp("world")
    for data, tasks in DATA.items():
        for task in tasks:
            pairs(folder / data / task)
    photo = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype="uint8"))
    os.makedirs(folder / "photos")
    for name in ("photo.jpg", "painting.jpg", "labels.png", "photos/1.png"):
        photo.save(folder / name)
    for run in RUNS:
        tiny_run(str(folder / "runs" / run), ("facades", "maps", "edges2handbags"), size=(16, 16))
        samples = folder / "runs" / run / "samples"
        samples.mkdir()
        for task in ("facades", "maps", "edges2handbags"):
            photo.resize((16, 16)).save(samples / f"{task}-input.png")
    return folder


PAGES_RUN = [page for page in PAGES if page not in SKIPPED and any(True for _ in commands(page))]


class CommandsTest(parameterized.TestCase):
    @pytest.fixture(autouse=True)
    def _world(self, world):
        self.world = world

    @parameterized.parameters(PAGES_RUN if os.environ.get("PGTF_EVERY") else ["README.md"])
    def test_commands_run(self, page):
        ran = 0
        for command, words in commands(page):
            words = [word for word in words if word != "."]
            if ELSEWHERE.search(" ".join([command, *words])):
                continue
            process = Script(
                ROOT / "scripts" / f"{command}.py",
                *words,
                *(f"--{name}={value}" for name, value in SMALL.items() if command in TRAINING),
                before=functools.partial(os.chdir, self.world),
            )
            _, errors = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0, f"{page}: pgtf {command} {' '.join(words)}\n{errors}")
            ran += 1
        self.assertGreater(ran, 0)


if __name__ == "__main__":
    absltest.main()
