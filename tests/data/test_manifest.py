"""Checks the manifest of a task's data, and the messages about changed data."""

import hashlib
import json
import os

from absl.testing import absltest, parameterized

from pgtf.data.manifest import DrawnImages, ImageFiles, Manifest

FILES = ImageFiles("/data/maps/train", {"a.jpg": 10, "b c.png": 20, "ü.png": 30}, ("b c.png",))
DRAWN = DrawnImages("maps", seed=3, first=5, count=7)
MANIFEST = Manifest({"train": FILES, "test": DRAWN})


class ImageFilesTest(parameterized.TestCase):
    def test_what_lies_in_a_folder(self):
        folder = self.create_tempdir().full_path
        for name, size in {"b.png": 5, "a.JPG": 3, ".c.png": 1, "d.txt": 1, "e.webp": 0}.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(bytes(size))
        os.makedirs(os.path.join(folder, "f.png"))
        os.symlink("b.png", os.path.join(folder, "g.png"))
        os.symlink("nowhere", os.path.join(folder, "h.png"))
        os.symlink("i.png", os.path.join(folder, "i.png"))
        sizes = {"a.JPG": 3, "b.png": 5, "e.webp": 0, "g.png": 5, "h.png": 0, "i.png": 0}
        found = ImageFiles.of(folder)
        self.assertEqual(found, ImageFiles(folder, sizes))
        self.assertEqual([os.path.basename(path) for path in found.paths], list(sizes))
        self.assertEqual(list(found.sizes), sorted(sizes))

    def test_the_hash_is_of_sorted_names_and_sizes(self):
        expected = hashlib.sha256(b"a.jpg\x0010\0b c.png\x0020\0\xc3\xbc.png\x0030\0").hexdigest()
        self.assertEqual(FILES.sha256, expected)
        turned = dict(reversed(FILES.sizes.items()))
        self.assertEqual(ImageFiles("/elsewhere", turned).sha256, expected)

    @parameterized.parameters(
        ({}, ""),
        ({"x.jpg": 1}, "1 file more; first: 'x.jpg'"),
        ({"a.jpg": None}, "1 file fewer; first: 'a.jpg'"),
        ({"b c.png": 21}, "1 file of another size; first: 'b c.png'"),
        ({"x.jpg": 1, "c.jpg": 1, "d.jpg": 1, "ü.png": None}, "3 files more, 1 fewer; first: 'c.jpg'"),
        ({"a.jpg": None, "b c.png": 19, "ü.png": 31}, "1 file fewer, 2 of another size; first: 'a.jpg'"),
    )
    def test_changes_in_words(self, changed, words):
        sizes = {name: size for name, size in {**FILES.sizes, **changed}.items() if size is not None}
        now = Manifest({"train": ImageFiles("/elsewhere", sizes), "test": DRAWN})
        self.assertEqual(MANIFEST.changes(now), [f"train: {words}"] if words else [])


class ManifestTest(parameterized.TestCase):
    def test_it_is_plain_data_and_back(self):
        plain = json.loads(json.dumps(MANIFEST.to_json(), sort_keys=True))
        self.assertEqual(Manifest.from_json(plain), MANIFEST)
        self.assertEqual(
            plain["train"],
            {
                "folder": "/data/maps/train",
                "count": 3,
                "sha256": FILES.sha256,
                "left_out": ["b c.png"],
                "files": {"a.jpg": 10, "b c.png": 20, "ü.png": 30},
            },
        )
        self.assertEqual(plain["test"], {"drawn": "maps", "seed": 3, "first": 5, "count": 7})

    @parameterized.parameters(
        dict(left_out=[["a.png"]]),
        dict(left_out=[7]),
        dict(left_out=["c.png"]),
        dict(left_out="a"),
        dict(files=[["a.png", 1], ["b.png", 2]]),
        dict(files=["ab"]),
        dict(folder=["data"]),
        dict(folder=None),
    )
    def test_other_data_is_refused(self, **damage):
        plain = {"folder": "data", "files": {"a": 1, "b.png": 2}, "left_out": ["b.png"]}
        self.assertEqual(Manifest.from_json({"train": plain}).files["train"].kept, ["a"])
        with self.assertRaises((TypeError, ValueError)):
            Manifest.from_json({"train": {**plain, **damage}})

    def test_a_summary_has_no_names_but_those_left_out(self):
        expected = MANIFEST.to_json()
        del expected["train"]["files"]
        self.assertEqual(MANIFEST.summary(), expected)

    def test_a_name_that_is_no_text_is_kept(self):
        name = os.fsdecode(b"\xff.png")
        manifest = Manifest({"train": ImageFiles("/data", {name: 1})})
        again = Manifest.from_json(json.loads(json.dumps(manifest.to_json())))
        self.assertEqual(again.changes(manifest), [])
        self.assertEqual(again.parts["train"].sha256, hashlib.sha256(b"\xff.png\x001\0").hexdigest())

    def test_parts_that_come_go_or_are_drawn_now(self):
        now = Manifest({"train": DRAWN, "testA": FILES})
        self.assertEqual(
            MANIFEST.changes(now),
            [
                "train: 3 files before, 7 examples drawn as maps with seed 3 now",
                "test: 7 examples drawn as maps with seed 3 before, nothing now",
                "testA: nothing before, 3 files now",
            ],
        )

    @parameterized.parameters({"task": "facades"}, {"seed": 4}, {"count": 8})
    def test_drawn_otherwise(self, **other):
        now = DrawnImages(**{"task": "maps", "seed": 3, "first": 5, "count": 7, **other})
        self.assertEqual(
            MANIFEST.changes(Manifest({"train": FILES, "test": now})), [f"test: {DRAWN} before, {now} now"]
        )
        self.assertNotEqual(str(DRAWN), str(now))


if __name__ == "__main__":
    absltest.main()
