"""A pack answers as the run that it came from, and a stranger's can do no harm."""

import dataclasses
import json
import os
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import pgtf
from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.methods import Piggyback
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.matrix_text import to_json
from pgtf.metrics.own_hash import with_own_hash
from pgtf.runs.adopt import adopt
from pgtf.runs.pack import pack, unpack
from pgtf.runs.run import Run
from pgtf.storage.bank import FilterBank
from tests.fuzz.death import dead_from
from tests.storage.made_slices import SliceTestCase, a_slice
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
        self.assertEqual(adopt(other, pgtf.load(path), ["streets"]), ["streets"])
        self.assertAllEqual(Run(other)["streets"](IMAGE), Run(folder)["streets"](IMAGE))
        strange = tiny_run(self.create_tempdir().full_path, ("shoes",), method=FIRST)
        with self.assertRaisesRegex(BankError, "borrows from is missing. Received: none of 'facades'"):
            adopt(strange, pgtf.load(path), ["streets"])

    def test_without_probes_it_answers_but_is_not_adopted(self):
        folder, path = self.packed()
        small = os.path.join(self.create_tempdir().full_path, "small.safetensors")
        pack(Run(folder), "streets", small, probes=False)
        self.assertLess(os.path.getsize(small), os.path.getsize(path))
        run = pgtf.load(small)
        self.assertAllEqual(run["streets"](IMAGE), Run(folder)["streets"](IMAGE))
        other = tiny_run(self.create_tempdir().full_path, ("facades", "shoes"), method=FIRST)
        with self.assertRaisesRegex(ValueError, "The task's probes are missing"):
            adopt(other, run, ["streets"])
        self.assertEqual(Run(other).names, ["facades", "shoes"])

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
        with self.assertRaisesRegex(BankError, "The file is not a pack that `pgtf pack` wrote. Received"):
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
        {"slices": '[{"name": "a", "description": "{}", "slice": "{\\"x\\": {\\"data_offsets\\": []}}"}]'},
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
        with self.assertRaisesRegex(BankError, "The file is not a pack that `pgtf pack` wrote"):
            pgtf.load(path)
        _, path = self.packed()
        flip_a_bit(path, byte=3)
        with self.assertRaisesRegex(BankError, "The file is not a pack that `pgtf pack` wrote"):
            pgtf.load(path)

    def test_nothing_is_overwritten_and_a_killed_one_leaves_nothing(self):
        folder, path = self.packed()
        with self.assertRaisesRegex(ValueError, "A pack must be a new file NAME.safetensors. Received"):
            pack(Run(folder), "maps", path)
        os.unlink(path)
        with mock.patch.object(os, "fsync", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            pack(Run(folder), "maps", path)
        self.assertEmpty(os.listdir(os.path.dirname(path)))

    def test_a_task_that_another_one_plays_is_refused(self):
        with self.assertRaisesRegex(ValueError, "can't be packed .*Received: 'facades', for which maps answers"):
            self.packed("facades", ("facades", "maps"), method="finetune")


class CardTest(SliceTestCase):
    """Checks the cards of packs, whose slices are made without building a network."""

    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        bank = FilterBank(folder=os.path.join(self.folder, "tasks"))
        for index in (0, 1):
            bank.append(dataclasses.replace(a_slice(index), borrows=()))

    def packed(self, name):
        return pack(Run(self.folder), name, os.path.join(self.create_tempdir().full_path, "x.safetensors"))

    def measure(self, **changes):
        facts = json.loads(to_json(Matrix(("labels",), (a_slice(0).sha256,), {"L1": [[0.5]]})))
        path = os.path.join(self.folder, "evaluation", "matrix.json")
        files.write(path, json.dumps(with_own_hash({**facts, **changes})).encode())

    def test_a_task_that_came_after_the_last_evaluation_is_packed(self):
        self.measure()
        cards = {name: self.packed(name) for name in ("labels", "maps")}
        self.assertEqual((cards["labels"]["measured"], cards["labels"]["figures"]), (True, {"L1": 0.5}))
        self.assertEqual((cards["maps"]["measured"], cards["maps"]["figures"]), (False, {}))

    @pytest.mark.long
    def test_killed_at_any_change_it_leaves_a_part_that_the_next_removes(self):
        folder, parts = self.create_tempdir().full_path, 0
        path = os.path.join(folder, "x.safetensors")
        files.write(os.path.join(folder, ".writing-a"), b"another process's")
        for change in range(1, 50):
            with dead_from(change, folder) as died:
                pack(Run(self.folder), "labels", path)
            if not died:
                break
            parts += os.path.exists(os.path.join(folder, ".packing-x.safetensors"))
            if os.path.exists(path):  # Whole: all that remained was to tidy up.
                self.assertEqual(pgtf.load(path).names, ["labels"])
                with self.assertRaisesRegex(ValueError, "A pack must be a new file"):
                    pack(Run(self.folder), "labels", path)
                self.assertCountEqual(os.listdir(folder), [".writing-a", "x.safetensors"])
                os.unlink(path)
        self.assertGreater(parts, 3)
        self.assertCountEqual(os.listdir(folder), [".writing-a", "x.safetensors"])

    def test_figures_of_another_slice_of_that_name_are_not_the_task_s(self):
        self.measure(slices=["0" * 64])
        self.assertFalse(self.packed("labels")["measured"])

    @parameterized.parameters(([{}],), ([1],), ([{"task": "labels", "after": "labels", "name": "L1"}],), (7,))
    def test_figures_that_are_none_are_a_hole_with_a_reason(self, figures):
        self.measure(figures=figures)
        card = self.packed("labels")
        self.assertEqual((card["measured"], card["figures"]), (False, {}))
        self.assertRegex(card["not_measured"], "^not measured: .* was changed, or is of another run: .*Received: ")


if __name__ == "__main__":
    tf.test.main()
