"""A survey of a folder names what is there, in each layout, and what is broken."""

import io
import json
import os

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data import writing
from pgtf.data.survey import contact_sheet, survey


class SurveyTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.create_tempdir().full_path

    def put(self, *parts, channels=3, dtype="uint8", size=(8, 12), value=100):
        path = os.path.join(self.data, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(writing.content(np.full((*size, channels), value, dtype), writing.ending_of(path)))

    def text(self, name, content):
        with open(os.path.join(self.data, *name.split("/")), "w", encoding="utf-8") as file:
            file.write(content)

    def only(self):
        (found,) = survey(self.data)
        return found

    def test_pairs_in_two_folders_with_what_is_broken_unlike_or_alone(self):
        for number in range(4):
            self.put("relief", "trainA", f"{number}.png", channels=1, dtype="uint16", value=100 * number)
            self.put("relief", "trainB", f"{number}.png")
        self.put("relief", "trainA", "2.png", channels=3, dtype="uint16", size=(9, 12))
        self.text("relief/trainA/3.png", "nothing")
        self.put("relief", "trainB", "alone.png")
        found = self.only()
        self.assertEqual((found.kind, found.counts, found.read), ("pairs", {"train": "4"}, (8, 8)))
        self.assertEqual(
            found.sides["input"], "8 x 12 to 9 x 12 px (height x width), 1 channel, uint16, values 0 to 100"
        )
        self.assertRegex(found.broken[0], "trainA/3.png. .it is not an image")
        self.assertRegex(found.broken[1], "trainA/2.png. has 3 x uint16, where others have 1 x uint16")
        self.assertLen(found.broken, 2)
        text = "\n".join(found.lines())
        self.assertRegex(text, "1 files without a partner: .*alone.png")
        self.assertRegex(text, "no test images")

    @parameterized.parameters("side by side", "csv", "jsonl", "unpaired", "labelled", "images")
    def test_every_layout_is_known(self, layout):
        for number in range(3):
            for name in {
                "side by side": [f"train/{number}.png", f"test/{number}.png"],
                "csv": [f"images/{number}.png", f"images/t{number}.png"],
                "jsonl": [f"images/{number}.png", f"images/t{number}.png"],
                "unpaired": [f"trainA/{number}.png", f"trainB/other{number}.png"],
                "images": [f"{number}.png"],
                "labelled": [f"train/cat/{number}.png", f"train/dog/{number}.png"],
            }[layout]:
                self.put("task", *name.split("/"))
        if layout == "csv":
            self.text("task/train.csv", "".join(f"images/{n}.png,images/t{n}.png\n" for n in range(3)))
        if layout == "jsonl":
            lines = [json.dumps({"input": f"images/{n}.png", "target": f"images/t{n}.png"}) for n in range(3)]
            self.text("task/train.jsonl", "\n".join(lines))
        found = self.only()
        kind = layout if layout in ("unpaired", "labelled", "images") else "pairs"
        counts = {"unpaired": "3 + 3", "labelled": "6"}.get(layout, "3")
        self.assertEqual((found.kind, found.counts["train"], found.broken), (kind, counts, ()))
        self.assertEqual("test" in found.counts, layout == "side by side")

    def test_at_most_so_many_files_are_read(self):
        for number in range(20):
            self.put("task", "train", f"{number:02d}.png")
        (found,) = survey(self.data, 5)
        self.assertEqual((found.read, found.counts["train"]), ((5, 20), "20"))

    def test_the_contact_sheet_has_the_pairs_of_a_task_in_a_row(self):
        for number in range(2):
            self.put("task", "trainA", f"{number}.tif", channels=6, dtype="float32", size=(8, 12), value=number)
            self.put("task", "trainB", f"{number}.png", size=(8, 12), value=50)
        with Image.open(io.BytesIO(contact_sheet(survey(self.data)))) as sheet:
            self.assertEqual(sheet.size, (4 + 4 * (12 + 4), 4 + 8 + 4))
            self.assertEqual(sheet.getpixel((4 + 12 + 4 + 1, 5)), (50, 50, 50))

    def test_a_folder_without_tasks_is_refused(self):
        self.text("photos", "no folder")
        with self.assertRaisesRegex(ValueError, "a folder or an archive.*for each task.*Received: .*photos"):
            survey(self.data)


if __name__ == "__main__":
    absltest.main()
