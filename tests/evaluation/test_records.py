"""Figures on disk, by what they follow from."""

import json
import os

from absl.testing import absltest

from pgtf.evaluation.records import Records
from pgtf.foundation import files
from pgtf.metrics.measurements import ImageSet, Measurement

SET = ImageSet("test", 3, (8, 12), "left half", "a" * 64)
FIGURES = {
    "FID-768": Measurement(
        "FID-768", 1.25, real=SET, generated=SET, extractor={"name": "x", "sha256": "y"}, notes=("few",)
    ),
    "KID-768": Measurement("KID-768", 0.5, standard_error=0.1, real=SET),
    "Acc": Measurement("Acc", None, "one task"),
}
FACTS = {"task": "maps", "player": ["b"], "images": [{"size": (8, 12)}], "extractor": None}


class RecordsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.records = Records(self.create_tempdir().full_path)

    def test_what_is_written_is_read(self):
        self.assertIsNone(self.records.read(FACTS))
        self.records.write(FACTS, FIGURES)
        self.assertEqual(self.records.read(FACTS), FIGURES)
        self.assertEqual(list(self.records.read(dict(reversed(FACTS.items())))), list(FIGURES))

    def test_other_facts_have_other_figures(self):
        self.records.write(FACTS, FIGURES)
        for other in ({**FACTS, "task": "edges"}, {**FACTS, "player": ["b", "c"]}, {**FACTS, "extractor": {}}):
            self.assertIsNone(self.records.read(other))

    def test_a_file_that_is_not_whole_or_of_others_counts_as_none(self):
        self.records.write(FACTS, FIGURES)
        (path,) = [os.path.join(self.records.folder, name) for name in os.listdir(self.records.folder)]
        with open(path, "rb") as file:
            content = file.read()
        edited = content.replace(b"1.25", b"0.25")  # As a person would, who wishes for better figures.
        others = content.replace(b"maps", b"edge"), content.replace(b"1.25", b"NaN"), edited
        for damaged in (content[:-9], b"", b"[]", b"[" * 200_000, b"null", *others):
            with open(path, "wb") as file:
                file.write(damaged)
            said = []
            self.assertIsNone(Records(self.records.folder, said.append).read(FACTS), damaged[:20])
            self.assertRegex(said[0], "^Figures on record are not used: .* Received: .*json$")

    def test_figures_are_hashed(self):
        self.records.write(FACTS, FIGURES)
        path = os.path.join(self.records.folder, os.listdir(self.records.folder)[0])
        with open(path, encoding="utf-8") as file:
            text = file.read()
        files.write(path, text.replace("1.25", "1.75").encode())
        self.assertIsNone(self.records.read(FACTS))
        older = {name: value for name, value in json.loads(text).items() if name != "sha256"}
        files.write(path, json.dumps(older).encode())
        self.assertEqual(self.records.read(FACTS), FIGURES)


if __name__ == "__main__":
    absltest.main()
