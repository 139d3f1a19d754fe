"""translate, verify, list and evaluate from the command line, on one run directory."""

import json
import os
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

import pgtf
from tests.processes import Script
from tests.tiny import flip_a_bit, tiny_run

ROOT = pathlib.Path(__file__).parent.parent.parent


def begun(name, *flags):
    """A script, running."""
    return Script(ROOT / "scripts" / f"{name}.py", *flags)


class ScriptsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.place = self.create_tempdir().full_path
        self.run_dir = tiny_run(os.path.join(self.place, "run"))

    def inputs(self):
        folder = os.path.join(self.place, "in")
        os.makedirs(os.path.join(folder, "more"))
        image = np.random.default_rng(0).integers(0, 256, (70, 33, 3), dtype="uint8")
        Image.fromarray(image).save(os.path.join(folder, "more", "a.png"))
        with open(os.path.join(folder, "broken.jpg"), "wb") as file:
            file.write(b"broken")
        for name in ("photo.jxl", "notes.txt", "more/notes.json"):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"something")
        return folder, image

    def translate(self, folder, *flags):
        places = f"--run_dir={self.run_dir}", f"--input={folder}", f"--output={self.place}/out"
        return begun("translate", *places, *flags)

    def test_a_whole_run(self):
        os.makedirs(os.path.join(self.run_dir, "tasks", "03-next", "train"))
        folder, image = self.inputs()
        translate = self.translate(folder, "--task=maps", "--compare", "--tile=32")
        verify = begun("verify", f"--run_dir={self.run_dir}")
        listing = begun("list", f"--run_dir={self.run_dir}", "--json")

        said, errors = translate.communicate()
        self.assertEqual(translate.returncode, 1, errors)
        self.assertIn("broken.jpg", said)
        self.assertIn("left out 1 images in unsupported formats: photo.jxl; convert it to JPEG or PNG\n", said)
        self.assertIn("left out 2 files that are not images: notes.txt, more/notes.json\n", said)
        self.assertIn("1 of 2 images translated", said)
        self.assertNotIn("Traceback", errors)
        (found,) = pathlib.Path(self.place, "out").rglob("*.*")
        self.assertEndsWith(str(found), "out/more/a.png")
        expected = np.concatenate([image, pgtf.load(self.run_dir)["maps"](image, tile=32)], 1)
        self.assertAllEqual(np.asarray(Image.open(found)), expected)

        said, errors = verify.communicate()
        self.assertEqual(verify.returncode, 0, errors)
        self.assertRegex(said, r"01-facades +as written +bit-equal\n02-maps +as written +bit-equal\n")

        said, errors = listing.communicate()
        self.assertEqual(listing.returncode, 0, errors)
        listed = json.loads(said)
        self.assertEqual([row["task"] for row in listed["tasks"]], ["facades", "maps"])
        self.assertEqual(listed["unfinished"], ["03-next"])

    def test_evaluate(self):
        run_dir = tiny_run(os.path.join(self.place, "one task"), ("maps",), size=(16, 16))
        evaluate = begun("evaluate", f"--run_dir={run_dir}", "--limit=3", "--image_size=16")
        mistake = begun("evaluate", f"--run_dir={run_dir}", f"--inception={run_dir}#pool_3")
        said, errors = evaluate.communicate()
        self.assertEqual(evaluate.returncode, 0, errors)
        self.assertRegex(said, r"\nafter maps +L1 ↓ .*\nmaps +0\.\d+ .* 3\n")
        with open(os.path.join(run_dir, "evaluation", "matrix.json")) as file:
            self.assertLess(json.load(file)["values"]["L1"][0][0], 2)
        _, errors = mistake.communicate()
        self.assertEqual(mistake.returncode, 1)
        self.assertIn(f"The extractor's folder is not a SavedModel. Received: {run_dir}", errors)
        self.assertNotIn("Traceback", errors)

    def test_one_bit_altered(self):
        path = os.path.join(self.run_dir, "tasks", "01-facades", "slice.safetensors")
        flip_a_bit(path)
        folder, _ = self.inputs()
        translate = self.translate(folder, "--task=maps")
        _, errors = translate.communicate()
        self.assertEqual(translate.returncode, 1)
        self.assertIn(f"its sha256 differs. Received: {path}", errors)
        self.assertNotIn("Traceback", errors)
        self.assertFalse(os.path.exists(os.path.join(self.place, "out")))
        verify = begun("verify", f"--run_dir={self.run_dir}", "--expect=0")
        said, _ = verify.communicate()
        self.assertEqual(verify.returncode, 1)
        self.assertRegex(said, r"01-facades +ALTERED")
        self.assertIn(path, said)
        self.assertRegex(
            said, r"\ndigest of the run: [0-9a-f]{64}\nFAILED: The run is not the one whose digest was kept"
        )
        said, errors = begun("list", f"--run_dir={self.run_dir}").communicate()
        self.assertIn("\nchanged, as `pgtf verify` found: facades, maps\n", said, errors)

    def test_drop_asks_or_is_told(self):
        flags = f"--run_dir={self.run_dir}", "--task=maps"
        ended = begun("drop", *flags)
        _, errors = ended.communicate()
        self.assertEqual(ended.returncode, 1)
        packing = f"pgtf pack {self.run_dir} maps -o maps.safetensors"
        self.assertRegex(errors, f"can't be restored unless it was packed: {packing}\n  Add --yes")
        self.assertEqual(pgtf.load(self.run_dir).names, ["facades", "maps"])
        said, errors = begun("drop", *flags, "--yes").communicate()
        self.assertIn("maps was removed from", said, errors)


if __name__ == "__main__":
    tf.test.main()
