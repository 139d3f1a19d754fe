"""The gallery: each task's outputs for drawn inputs, in their places."""

import io

import pytest
import tensorflow as tf
from PIL import Image

import pgtf
from pgtf.data.drawn import draw
from pgtf.report.gallery import EXAMPLES, FIRST, answers, gallery
from pgtf.report.grid import SIDE
from pgtf.runs.adopt import adopt
from tests.tiny import tiny_run


class GalleryTest(tf.test.TestCase):
    def test_a_task_answers_drawn_inputs(self):
        run = pgtf.load(tiny_run(self.create_tempdir().full_path, ("mine", "maps", "facades"), size=(32, 32)))
        found = answers(run)
        self.assertEqual(list(found), ["maps", "facades"])  # What is not drawn is left out.
        for name, pairs in found.items():
            self.assertLen(pairs, EXAMPLES)
            for index, (image, output) in enumerate(pairs):
                self.assertAllEqual(image, draw(name, FIRST + index, 32)[0])
                self.assertAllEqual(output, run[name](image))
        picture = Image.open(io.BytesIO(gallery(run)))
        self.assertGreater(picture.width, 2 * EXAMPLES * SIDE)
        self.assertGreater(picture.height, 2 * SIDE)

    @pytest.mark.long
    def test_of_a_task_and_its_copies_the_last_one_answers(self):
        folder, other = (self.create_tempdir().full_path for _ in range(2))
        run = tiny_run(folder, ("maps", "facades"), size=(32, 32), method="full")
        source = pgtf.load(tiny_run(other, ("facades", "maps"), size=(32, 32), method="full"))
        adopt(run, source, ["maps"], "maps-copy")
        found = answers(pgtf.load(run))
        self.assertEqual(list(found), ["maps", "facades"])
        image, output = found["maps"][0]
        self.assertAllEqual(output, pgtf.load(run)["maps-copy"](image))
        self.assertNotAllEqual(output, pgtf.load(run)["maps"](image))

    def test_a_run_without_drawn_inputs_is_refused(self):
        with self.assertRaisesRegex(ValueError, "tasks with the names of drawn ones"):
            gallery(pgtf.load(tiny_run(self.create_tempdir().full_path, ("mine",))))
