"""Checks the listing of a run. It reads only JSON, and imports no TensorFlow."""

import os
import pathlib
import subprocess
import sys

import tensorflow as tf
from safetensors.numpy import load_file

from pgtf.runs.listing import row_lines, rows, unfinished
from tests.tiny import tiny_run

ROOT = pathlib.Path(__file__).parent.parent.parent
TASKS = ("facades", "maps", "streets")


class ListingTest(tf.test.TestCase):
    def run_of(self, **settings):
        return tiny_run(self.create_tempdir().full_path, TASKS, **settings)

    def test_rows(self):
        folder = self.run_of()

        def at(number, name):
            return os.path.join(folder, "tasks", f"0{number}-{TASKS[number - 1]}", name)

        os.makedirs(os.path.join(folder, "tasks", "04-next", "train"))
        found = rows(folder)
        self.assertEqual([row["task"] for row in found], list(TASKS))
        self.assertEqual(found[0]["share"], 1)  # The first task is a full network.
        stored = load_file(at(2, "slice.safetensors"))
        self.assertEqual(found[1]["values"], sum(value.size for value in stored.values()))
        self.assertAllClose(found[1]["share"], found[1]["values"] / found[0]["values"])
        self.assertBetween(found[1]["share"], 0.2, 0.9)
        self.assertEqual(
            found[2]["bytes"], sum(os.path.getsize(at(3, name)) for name in ("slice.safetensors", "slice.json"))
        )
        self.assertEqual(found[2]["learnt"], "2024-02-03T03:04:05+00:00")
        self.assertEqual((found[2]["method"], found[2]["data"], found[2]["direction"]), ("piggyback", "drawn", "AtoB"))
        self.assertEqual([row["borrows"] for row in found], [[], ["facades"], ["facades", "maps"]])
        self.assertEqual([row["steps"] for row in found], [10] * 3)
        self.assertEqual(unfinished(folder), ["04-next"])
        head, *lines = row_lines(found)
        self.assertLen(lines, 3)
        self.assertRegex(lines[2], r"^streets +piggyback +[\d,]+ +[\d.]+% +0.0\d +2024-02-03 03:04 AtoB +drawn$")
        self.assertEqual(head.index("learned"), lines[2].index("2024"))
        self.assertEqual(head.index("data"), lines[2].index("drawn"))

    def test_pictures_of_training_images_are_named(self):
        (row, *_) = rows(self.run_of())
        self.assertEqual(row["pictures"], "test")
        found = [{**row, "pictures": split} for split in ("test", "train", "validation")]
        _, *lines = row_lines(found)
        self.assertEndsWith(lines[0], "drawn")
        self.assertEndsWith(lines[1], "drawn (pictures are of train images)")
        self.assertEndsWith(lines[2], "drawn (pictures are of validation images)")

    def test_both_ways(self):
        found = rows(self.run_of(network="resnet", objective="cyclegan"))
        self.assertEqual({row["direction"] for row in found}, {"both ways"})
        self.assertEqual(found[0]["share"], 1)  # A full network, of as many generators as it has.

    def test_what_a_stranger_says_moves_no_cursor(self):
        row = {"task": "a", "method": "full", "values": 1, "share": 1, "bytes": None, "weights": None, "borrows": []}
        row |= {"learnt": "\x1b[2J", "direction": "\u202e", "data": "x\nProved", "pictures": "\x07", "compressed": "\r"}
        _, line = row_lines([row])
        self.assertTrue(line.isprintable(), line)

    def test_no_run(self):
        with self.assertRaisesRegex(FileNotFoundError, "A run directory holds"):
            rows(self.create_tempdir().full_path)

    def test_tensors_that_are_gone_have_no_size_on_disk(self):
        folder = self.run_of()
        expected = [{**row, "bytes": None} for row in rows(folder)]
        for path in pathlib.Path(folder).rglob("slice.safetensors"):
            path.unlink()
        found = rows(folder)
        self.assertEqual(found, expected)
        head, *lines = row_lines(found)
        for line in lines:
            self.assertEqual(line[head.index("MB on disk") : head.index("learned")].strip(), "-")

    def test_tensors_are_not_read_and_tensorflow_is_not_imported(self):
        folder = self.run_of()
        expected = rows(folder)
        for path in pathlib.Path(folder).rglob("*.safetensors"):
            size = path.stat().st_size
            path.unlink()
            path.touch()
            os.truncate(path, size)  # Nothing but zeros.
        code = "import sys\nfrom pgtf.runs.listing import rows\nprint(rows(sys.argv[1]), 'tensorflow' in sys.modules)"
        child = subprocess.run([sys.executable, "-c", code, folder], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(child.stdout.strip(), f"{expected} False", child.stderr)


if __name__ == "__main__":
    tf.test.main()
