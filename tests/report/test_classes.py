"""The report of a run of classifiers: confusions, mistakes, and no pictures of scores."""

import os
import re

import numpy as np
from absl.testing import absltest
from safetensors.numpy import save_file

from pgtf.report.classes import answers_block, answers_of
from pgtf.report.pictures import Pictures
from pgtf.report.write import page_of, report
from tests.tiny import tiny_run

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), "uint8")
KEPT = {
    "confusions": np.array([[0, 0, 7], [0, 2, 3], [2, 0, 1]], "int32"),
    "images": IMAGES,
    "labels": np.array([0, 2], "int32"),
    "answers": np.array([2, 0], "int32"),
}


class AnswersTest(absltest.TestCase):
    def kept(self, **changes):
        path = os.path.join(self.create_tempdir().full_path, "answers.safetensors")
        save_file({**KEPT, **changes}, path)
        return path

    def test_few_classes_are_a_matrix_of_rows_by_class(self):
        answers = answers_of(self.kept(), ("cat", "dog", "emu"))
        self.assertEqual([names for _, *names in answers.mistakes], [["cat", "emu"], ["emu", "cat"]])
        text = str(answers_block("zoo", answers, Pictures(64)))
        rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in text.split("<tr>")[1:5]]
        self.assertEqual(rows[1:], [["cat", "7", "", "3"], ["dog", "", "", ""], ["emu", "1", "", ""]])
        self.assertIn('alt="zoo: emu, taken for cat"', text)

    def test_of_many_classes_the_most_frequent_are_listed(self):
        answers = answers_of(self.kept(), tuple(f"c{number}" for number in range(20)))
        text = str(answers_block("zoo", answers, Pictures(64)))
        self.assertIn("among 11 images of 20 classes", text)
        self.assertLess(text.index("<td>3</td>"), text.index("<td>1</td>"))
        self.assertNotIn("<td>7</td>", text)

    def test_what_is_not_of_these_classes_is_not_used(self):
        self.assertIsNone(answers_of(self.kept(), ("cat", "dog")))
        self.assertIsNone(answers_of(self.kept(answers=np.array([-1, 0], "int32")), ("cat", "dog", "emu")))
        self.assertIsNone(answers_of(self.kept(images=IMAGES.astype("float32")), ("cat", "dog", "emu")))
        self.assertIsNone(answers_of("nothing", ("cat", "dog", "emu")))

    def test_a_run_of_classifiers_has_a_report(self):
        run = tiny_run(
            self.create_tempdir().full_path, ("shapes", "textures"), "resnet18", "classification", method="mask"
        )
        os.makedirs(os.path.join(run, "evaluation", "answers"))
        save_file(KEPT, os.path.join(run, "evaluation", "answers", "01-shapes.safetensors"))
        report(run)
        with open(page_of(run), encoding="utf-8") as file:
            page = file.read()
        self.assertIn("Confusion matrix of shapes", page)
        self.assertIn("--objective=classification", page)
        report(
            run, [tiny_run(self.create_tempdir().full_path, ("shapes",), "resnet18", "classification", method="full")]
        )


if __name__ == "__main__":
    absltest.main()
