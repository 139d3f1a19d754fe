"""A pack answers as the run that it came from, and a stranger's can do no harm."""

import json
import os
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import pgtf
from pgtf import files
from pgtf.command_line import load_config
from pgtf.methods import Piggyback
from pgtf.runs.adopting import adopt
from pgtf.runs.directory import Run
from pgtf.runs.packing import pack, unpack
from pgtf.runs.slices import BankError
from tests.tiny import flip_a_bit, tiny_run

FIRST = Piggyback(borrow_from="first")
IMAGE = np.random.default_rng(5).integers(0, 256, [16, 24, 3], dtype="uint8")
FILES = ("slice.json", "slice.safetensors", "probes.safetensors")


class PackTest(tf.test.TestCase, parameterized.TestCase):
    def packed(self, name="streets", tasks=("facades", "maps", "streets"), method=FIRST, **settings):
        """A run, and the path of a pack of one of its tasks."""
        folder = tiny_run(self.create_tempdir().full_path, tasks, method=method, **settings)
        path = os.path.join(self.create_tempdir().full_path, f"{name}.safetensors")
        self.card = pack(Run(folder), name, path, "CC-BY-4.0")
        return folder, path

    @parameterized.parameters("float32", "int8")
    def test_it_answers_as_its_run_to_the_bit_without_it(self, precision):
        folder, path = self.packed(precision=precision)
        expected = {name: Run(folder)[name](IMAGE) for name in ("facades", "streets")}
        run = pgtf.load(path)
        self.assertEqual(run.names, ["facades", "streets"])  # What it borrows from, and no more.
        for name, answer in expected.items():
            self.assertAllEqual(run[name](IMAGE), answer)
            self.assertTrue(run[name].replay().bit_equal)

    def test_what_is_unpacked_is_byte_for_byte_what_was_packed(self):
        folder, path = self.packed(method=Piggyback())
        there = self.create_tempdir().full_path
        unpack(path, there)
        for place in ("01-facades", "02-maps", "03-streets"):
            for name in FILES:
                one, other = (files.sha256_of(os.path.join(root, "tasks", place, name)) for root in (folder, there))
                self.assertEqual(one, other, f"{place}/{name}")

    def test_another_run_adopts_it(self):
        folder, path = self.packed()
        other = tiny_run(self.create_tempdir().full_path, ("facades", "shoes"), method=FIRST)
        self.assertEqual(adopt(other, pgtf.load(path), ["streets"], load_config(other)), ["streets"])
        self.assertAllEqual(Run(other)["streets"](IMAGE), Run(folder)["streets"](IMAGE))
        strange = tiny_run(self.create_tempdir().full_path, ("shoes",), method=FIRST)
        with self.assertRaisesRegex(BankError, "borrows from. Received: none of 'facades'"):
            adopt(strange, pgtf.load(path), ["streets"])

    def test_tensors_have_their_names_and_the_card_says_what_it_is(self):
        folder, path = self.packed()
        values = Run(folder)["streets"].slice.values
        self.assertAllEqual(load_file(path)["streets/slice/forward/down1/bias"], values["forward/down1/bias"])
        with safe_open(path, framework="numpy") as file:
            self.assertEqual(json.loads(file.metadata()["card"]), self.card)
        self.assertEqual(self.card["licence"], "CC-BY-4.0")
        self.assertEqual([one["task"] for one in self.card["borrows"]], ["facades"])
        self.assertEqual(self.card["sha256"], Run(folder)["streets"].slice.sha256)
        self.assertEqual(self.card["figures"], {})

    def test_an_altered_tensor_is_told(self):
        _, path = self.packed()
        content = load_file(path)
        with safe_open(path, framework="numpy") as file:
            about = file.metadata()
        content["facades/slice/forward/down1/unconstrained"][0, 0, 0, 0] += 1e-7
        save_file(content, path, about)
        with self.assertRaisesRegex(BankError, "its sha256 differs"):
            pgtf.load(path)["streets"](IMAGE)

    @parameterized.parameters(
        *(
            (name,)
            for name in ("../../escaped", "/tmp/escaped", "..", "a/b", "x/../../y", "", "a\0b", 5, None, ["a"], {})
        )
    )
    def test_names_stay_in_the_folder(self, name):
        _, path = self.packed()
        with safe_open(path, framework="numpy") as file:
            about = file.metadata()
        slices = json.loads(about["slices"])
        slices[1]["name"] = name
        content = {key.replace("streets/", f"{name}/", 1): value for key, value in load_file(path).items()}
        save_file(content, path, {**about, "slices": json.dumps(slices)})
        inner = os.path.join(self.create_tempdir().full_path, "one", "two")
        os.makedirs(inner)
        with self.assertRaisesRegex(BankError, "A pack is a file that pack.py wrote. Received"):
            unpack(path, inner)
        self.assertEqual(os.listdir(os.path.dirname(inner)), ["two"])
        self.assertEmpty(os.listdir(inner))

    @parameterized.parameters(
        {"slices": "[]"},
        {"slices": "{"},
        {"slices": "[1]"},
        {"slices": '[{"name": "a"}]'},
        {"slices": '[{"name": "a", "description": "{}", "slice": "[]"}]'},
        {"slices": "[" * 100_000},
        {"pgtf_pack": "2"},
    )
    def test_other_metadata_are_refused(self, **change):
        _, path = self.packed()
        with safe_open(path, framework="numpy") as file:
            about = file.metadata()
        save_file(load_file(path), path, {**about, **change})
        with self.assertRaisesRegex((BankError, FileNotFoundError), "Received"):
            pgtf.load(path)

    def test_other_files_are_refused(self):
        path = self.create_tempfile("x.safetensors", "no pack").full_path
        with self.assertRaisesRegex(BankError, "A pack is a file that pack.py wrote"):
            pgtf.load(path)
        _, path = self.packed()
        flip_a_bit(path, byte=3)
        with self.assertRaisesRegex(BankError, "A pack is a file that pack.py wrote"):
            pgtf.load(path)

    def test_nothing_is_overwritten_and_a_killed_one_leaves_nothing(self):
        folder, path = self.packed()
        with self.assertRaisesRegex(ValueError, "A pack is a new file NAME.safetensors. Received"):
            pack(Run(folder), "maps", path)
        os.unlink(path)
        with mock.patch.object(os, "fsync", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            pack(Run(folder), "maps", path)
        self.assertEmpty(os.listdir(os.path.dirname(path)))

    def test_a_task_that_another_one_plays_is_refused(self):
        with self.assertRaisesRegex(ValueError, "plays itself. Received: 'facades', which maps plays now"):
            self.packed("facades", ("facades", "maps"), method="finetune")


if __name__ == "__main__":
    tf.test.main()
