"""Checks the verdicts of `verify`."""

import json
import os
import shutil

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from safetensors.numpy import load_file

from pgtf.foundation import files
from pgtf.runs.run import Run
from pgtf.runs.verify import Verdict, conclusion, difference, digest, verdicts
from pgtf.storage.bank import FilterBank
from pgtf.storage.task_slice import TaskSlice, _digest
from tests.storage.made_slices import SliceTestCase
from tests.tiny import flip_a_bit, rewrite, tiny_run

TASKS = ("facades", "maps", "streets")


class VerificationTest(tf.test.TestCase, parameterized.TestCase):
    def run_of(self, tasks=2, **settings):
        folder = tiny_run(self.create_tempdir().full_path, TASKS[:tasks], **settings)
        return folder, lambda number, *names: os.path.join(folder, "tasks", f"0{number}-{TASKS[number - 1]}", *names)

    def judged(self, folder):
        found = list(verdicts(folder))
        self.assertEqual([verdict.task for verdict in found], ["01-facades", "02-maps", "03-streets"][: len(found)])
        return found, [verdict.holds for verdict in found], conclusion(found)

    @parameterized.parameters(("resnet", "instance", "cyclegan"), ("unet", "batch", "pix2pix"))
    def test_a_run_as_it_was_learnt(self, network, norm, objective):
        folder, at = self.run_of(network=network, norm=norm, objective=objective)
        shutil.rmtree(at(1, "train"))
        os.makedirs(os.path.join(folder, "tasks", "03-next", "train"))
        _, holds, text = self.judged(folder)
        self.assertEqual(holds, [True] * 2)
        self.assertIn("bit for bit", text)
        self.assertNotIn("within", text)

    def test_one_bit_of_the_last_slice(self):
        folder, at = self.run_of()
        flip_a_bit(at(2, "slice.safetensors"))
        found, holds, text = self.judged(folder)
        self.assertEqual(holds, [True, False])
        self.assertFalse(found[1].slice_is_whole)
        self.assertIn(at(2, "slice.safetensors"), text)
        self.assertIn("FAILED: 1 of 2", text)

    @parameterized.parameters("slice.safetensors", "slice.json")
    def test_one_bit_of_a_slice_that_others_borrow_from(self, name):
        folder, at = self.run_of(tasks=3)
        flip_a_bit(at(2, name), byte=200)
        found, holds, text = self.judged(folder)
        self.assertEqual(holds, [True, False, False])
        self.assertEqual([verdict.slice_is_whole for verdict in found], [True, False, True])
        self.assertIn(at(2, name), text)
        self.assertIn("03-streets: Its filters are mixed from 02-maps", text)

    def test_one_bit_where_nothing_is_borrowed(self):
        folder, at = self.run_of(method="full")
        flip_a_bit(at(1, "slice.safetensors"))
        self.assertEqual(self.judged(folder)[1], [False, True])

    def test_every_bit_counts(self):
        folder, at = self.run_of()
        task = Run(folder)["maps"]
        for path in (at(1, "slice.safetensors"), at(1, "slice.json"), at(2, "probes.safetensors")):
            for byte in np.random.default_rng(1).integers(0, os.path.getsize(path), 20):
                flip_a_bit(path, byte, bit=3)
                with self.assertRaisesRegex(ValueError, f"Received: .*{path}"):
                    task.replay() if "probes" in path else TaskSlice.read(os.path.dirname(path)).check()
                flip_a_bit(path, byte, bit=3)
        self.assertEqual(self.judged(folder)[1], [True] * 2)

    def test_a_slice_of_a_newer_format(self):
        folder, at = self.run_of()
        with open(at(2, "slice.json")) as file:
            description = json.load(file)
        description["format"] = 99
        description["own_sha256"] = _digest(description)
        os.chmod(at(2, "slice.json"), 0o644)
        files.write(at(2, "slice.json"), json.dumps(description).encode())
        _, holds, text = self.judged(folder)
        self.assertEqual(holds, [True, False])
        self.assertIn("a newer pgtf wrote this one. Received: format 99", text)

    def test_probes_that_are_gone(self):
        folder, at = self.run_of()
        os.unlink(at(1, "probes.safetensors"))
        _, holds, text = self.judged(folder)
        self.assertEqual(holds, [False, True])
        self.assertIn("01-facades: The task's probes are missing", text)

    @parameterized.named_parameters(
        ("no_outputs", dict(outputs=None), "outputs of none"),
        ("no_inputs", dict(inputs=None), "of other images than its inputs"),
        ("no_targets", dict(targets=None), "probes of pairs without their targets"),
        ("no_image", dict(inputs=np.zeros([0, 8, 8, 3], "uint8")), "forward: uint8"),
        ("one_image_less", dict(outputs=np.zeros([1, 16, 32, 3], "float32")), "of other images than its inputs"),
        ("halves", dict(inputs=np.zeros([2, 16, 32, 3], "float32")), "forward: float32"),
        ("four_channels", dict(inputs=np.zeros([2, 16, 32, 4], "uint8")), "forward: uint8"),
        ("no_channels", dict(outputs=np.zeros([2, 16, 32], "float32")), "forward: float32"),
        (
            "a_size_that_the_network_does_not_take",
            dict(
                inputs=np.zeros([2, 7, 5, 3], "uint8"),
                targets=np.zeros([2, 7, 5, 3], "uint8"),
                outputs=np.zeros([2, 7, 5, 3], "float32"),
            ),
            "The networks can't process the probes",
        ),
    )
    def test_probes_that_are_none(self, changes, rule):
        folder, at = self.run_of()
        probes = load_file(at(2, "probes.safetensors"))
        for name, value in changes.items():
            probes.pop(f"forward/{name}")
            if value is not None:
                probes[f"forward/{name}"] = value
        rewrite(at(2), probes=probes)
        found, holds, text = self.judged(folder)
        self.assertEqual(holds, [True, False])
        self.assertTrue(found[1].slice_is_whole)
        self.assertRegex(text, f"02-maps: .*{rule}")

    def test_probes_of_another_network(self):
        folder, at = self.run_of()
        probes = load_file(at(2, "probes.safetensors"))
        probes.update({name.replace("forward", "backward"): value for name, value in probes.items()})
        rewrite(at(2), probes=probes)
        self.assertIn(
            "The probes do not belong to the task's networks, forward. Received: inputs of", self.judged(folder)[2]
        )

    @parameterized.parameters((1e-5, True), (1e-2, False))
    def test_outputs_that_are_not_the_same_to_the_bit(self, change, holds):
        folder, at = self.run_of()
        probes = load_file(at(2, "probes.safetensors"))
        probes["forward/outputs"][1, 3, 5, 2] += change
        rewrite(at(2), probes=probes)
        found, judged, text = self.judged(folder)
        self.assertEqual(judged, [True, holds])
        self.assertFalse(found[1].replay.bit_equal)
        self.assertIn("within 1e-04" if holds else "02-maps: Outputs may differ by 1e-04. Received: 1.0e-02", text)
        self.assertNotIn("bit for bit, to", text)

    def test_a_slice_that_is_another(self):
        """Whole by its hashes, but with other values than those that the probes were recorded with."""
        folder, at = self.run_of(method="full")
        bias = TaskSlice.read(at(1)).values["forward/output/bias"]
        rewrite(at(1), {"forward/output/bias": bias + np.float32(0.01)})
        found, holds, text = self.judged(folder)
        self.assertEqual(holds, [False, True])
        self.assertTrue(found[0].slice_is_whole)
        self.assertIn("CHANGED", str(found[0]))
        self.assertIn("01-facades: Outputs may differ by 1e-04. Received: ", text)

    def test_no_run(self):
        with self.assertRaisesRegex(FileNotFoundError, "A run directory holds"):
            list(verdicts(self.create_tempdir().full_path))


class DigestTest(SliceTestCase):
    def test_it_says_what_differs(self):
        folder = self.bank_on_disk(3)
        bank = FilterBank.open(folder)
        kept = [digest(bank, count) for count in (1, 2, 3)]
        self.assertLen(set(kept), 3)
        self.assertEqual(difference(bank, digest(bank)), "")
        self.assertEqual(kept[2], digest(bank))
        self.assertIn("is of the tasks up to labels; after it came maps, facades", difference(bank, kept[0]))
        os.rename(os.path.join(folder, "01-labels"), os.path.join(folder, "x"))
        os.rename(os.path.join(folder, "02-maps"), os.path.join(folder, "01-maps"))
        os.rename(os.path.join(folder, "x"), os.path.join(folder, "02-labels"))
        self.assertRegex(
            difference(FilterBank.open(folder), kept[2]),
            "not the one whose digest was kept. Received: .* of maps .*, labels",
        )

    def test_no_line_of_a_verdict_is_forged(self):
        verdict = Verdict("01-a\x1b[1A", True, problem="x\nProved: every output")
        self.assertNotRegex(f"{verdict}{conclusion([verdict])}", "\x1b|\nProved")


if __name__ == "__main__":
    tf.test.main()
