"""Tasks learnt elsewhere are taken in, tasks are taken out, and whoever is killed leaves the run whole."""

import dataclasses
import json
import os
import pathlib
import shutil
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.config import load_config
from pgtf.evaluation.run_evaluation import RunEvaluation
from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.methods import Piggyback
from pgtf.report.write import report
from pgtf.runs.adopt import adopt
from pgtf.runs.drop import drop
from pgtf.runs.listing import rows, unfinished
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger
from tests.storage.made_slices import SliceTestCase, a_slice
from tests.tiny import flip_a_bit, rewrite, tiny_run

FIRST = Piggyback(borrow_from="first")
IMAGE = np.random.default_rng(5).integers(0, 256, [16, 24, 3], dtype="uint8")


class Killed(BaseException):
    pass


def dying(time, function):
    """`function`, which is killed before its call number `time`."""
    calls = []

    def dies(*arguments, **keywords):
        calls.append(arguments)
        if len(calls) == time:
            raise Killed
        return function(*arguments, **keywords)

    return dies


class ManyTestCase(tf.test.TestCase, parameterized.TestCase):
    def run_of(self, *tasks, **settings):
        """A run directory; runs that begin with the same tasks hold the same slices."""
        folder = tiny_run(os.path.join(self.create_tempdir().full_path, "run"), tasks, **{"method": FIRST, **settings})
        Ledger().checked(Run(folder).bank).write(folder)
        return folder

    def adopted(self, folder, other, *names):
        return adopt(folder, Run(other), names)

    def assert_whole(self, folder, *names):
        """The run has these tasks, proved, and its ledger and config know them."""
        self.assertEqual(Run(folder).names, list(names))
        self.assertEqual([verdict.holds for verdict in verdicts(folder)], [True] * len(names))
        self.assertEqual([name for name, _ in Ledger.read(folder).learnt], list(names))
        self.assertEqual(load_config(folder).tasks[: len(names)], names)
        self.assertEqual([row["task"] for row in rows(folder)], list(names))


class AdoptTest(ManyTestCase):
    def test_a_task_of_another_run_on_the_same_first_one(self):
        folder, other = self.run_of("facades", "maps"), self.run_of("facades", "streets")
        expected = Run(other)["streets"](IMAGE)
        mine = [os.path.join(folder, "tasks", *parts) for parts in (("old", "a"), ("07-x", "slice.safetensors"))]
        for path in mine:
            files.write(path, b"mine")
        self.assertEqual(self.adopted(folder, other), ["streets"])
        self.assertTrue(all(map(os.path.exists, mine)))
        self.assert_whole(folder, "facades", "maps", "streets")
        self.assertAllEqual(Run(folder)["streets"](IMAGE), expected)
        self.assertEqual(rows(folder)[2]["borrows"], ["facades"])
        # What learning leaves of a task is there, so that no stage is missing when the run goes on.
        with open(os.path.join(folder, "tasks", "03-streets", "replays.json")) as file:
            self.assertTrue(json.load(file)["streets"]["bit_equal"])
        self.assertTrue(os.path.exists(os.path.join(folder, "samples", "streets-input.png")))
        self.assertEqual(self.adopted(folder, other), [])  # Again.

    def test_under_another_name(self):
        folder, other = self.run_of("facades", "maps"), self.run_of("facades", "streets")
        with self.assertRaisesRegex(ValueError, "Only one task can be added under a new name"):
            adopt(folder, Run(other), (), "roads")
        self.assertEqual(adopt(folder, Run(other), ["streets"], "roads"), ["roads"])
        self.assert_whole(folder, "facades", "maps", "roads")
        self.assertEqual(adopt(folder, Run(other), ["streets"], "roads"), [])  # Again.

    def test_what_is_in_the_way_is_told_and_stays(self):
        folder, other = self.run_of("facades", "maps"), self.run_of("facades", "streets")
        path = os.path.join(folder, "tasks", "03-streets", "replays.json")
        files.write(path, b"mine")
        self.refused(folder, other, "task's folder exists. Move it elsewhere. Received: .*03-streets")
        self.assertTrue(os.path.exists(path))

    def test_several_in_the_order_of_their_run_one_mixing_the_other(self):
        folder, other = self.run_of("facades"), self.run_of("facades", "maps", "streets", method=Piggyback())
        with self.assertRaisesRegex(BankError, "borrows from is missing. Received: none of 'maps'"):
            self.adopted(folder, other, "streets")
        self.assertEqual(self.adopted(folder, other, "streets", "maps"), ["maps", "streets"])
        self.assert_whole(folder, "facades", "maps", "streets")

    def refused(self, folder, other, error, *names):
        before = sorted(os.walk(os.path.join(folder, "tasks")))
        with self.assertRaisesRegex(ValueError, error):
            self.adopted(folder, other, *names)
        self.assertEqual(sorted(os.walk(os.path.join(folder, "tasks"))), before)

    def test_what_does_not_belong_is_refused(self):
        folder = self.run_of("facades", "maps")
        self.refused(folder, self.run_of("streets", "shoes"), "none of 'streets'", "shoes")
        self.refused(
            folder, self.run_of("facades", "streets", norm="batch"), "A run can't change its networks", "streets"
        )
        another = self.run_of("facades", "streets", precision="float16")
        self.refused(folder, another, "The run has another task of this name.* Received: another one of 'facades'")
        self.refused(folder, another, "slice of 'facades' must be the one that the task was learned on", "streets")
        self.refused(
            folder, self.run_of("facades", "streets", method="full"), "A run can't change its method", "streets"
        )
        self.refused(folder, self.run_of("facades", "streets"), "has one of facades, streets. Received: 'x'", "x")

    def test_an_altered_task_is_refused(self):
        folder = self.run_of("facades", "maps")
        for name, error in (
            ("slice.safetensors", "its sha256 differs"),
            ("slice.json", "its sha256 differs|must be the JSON"),
            ("probes.safetensors", "have changed since they were recorded"),
        ):
            other = self.run_of("facades", "streets")
            flip_a_bit(os.path.join(other, "tasks", "02-streets", name), byte=-20)
            self.refused(folder, other, error)
        other = self.run_of("facades", "streets")  # With hashes that fit.
        place = os.path.join(other, "tasks", "02-streets")
        rewrite(place, {"forward/down1/bias": np.full([4], 3, "float32")})
        self.refused(folder, other, "The task's outputs differ from the recorded ones")

    def test_not_while_a_task_is_being_learnt(self):
        folder, other = self.run_of("facades", "maps"), self.run_of("facades", "streets")
        files.write(os.path.join(folder, "tasks", "03-shoes", "begun.json"), b"{}")
        self.refused(folder, other, "one is being learned.*where 03-shoes has begun")
        with self.assertRaisesRegex(ValueError, "where 03-shoes has begun"):
            drop(folder, "maps")

    @pytest.mark.long
    def test_killed_at_any_write_it_goes_on(self):
        folder, other = self.run_of("facades", "maps"), self.run_of("facades", "streets")
        write, killed = files.write, 0
        for time in range(1, 20):
            with mock.patch.object(files, "write", dying(time, write)):
                try:
                    self.adopted(folder, other)
                except Killed:
                    killed += 1
                else:
                    break
            run, ledger = Run(folder), Ledger.read(folder)
            self.assertIn(run.names, (["facades", "maps"], ["facades", "maps", "streets"]))
            self.assertEqual(ledger.problems(run.bank), {})
            self.assertEqual(load_config(folder, run.names).tasks, tuple(run.names))
            if "streets" not in run.names:  # Whoever learns the task now finds none of its stages done.
                self.assertFalse(os.path.exists(os.path.join(folder, "tasks", "03-streets")))
                self.assertFalse(os.path.exists(os.path.join(folder, "samples", "streets-input.png")))
        self.assertGreaterEqual(killed, 5)
        self.assert_whole(folder, "facades", "maps", "streets")
        self.assertEqual(unfinished(folder), [])


class DropTest(ManyTestCase):
    def test_a_task_that_none_borrows_from(self):
        folder = self.run_of("facades", "maps", "streets")
        expected = Run(folder)["streets"](IMAGE)
        files.write(os.path.join(folder, "samples", "maps-input.png"), b"")
        drop(folder, "maps")
        self.assert_whole(folder, "facades", "streets")
        self.assertEqual(load_config(folder).tasks, ("facades", "streets"))
        self.assertAllEqual(Run(folder)["streets"](IMAGE), expected)
        self.assertEqual(os.listdir(os.path.join(folder, "tasks", "02-maps")), ["dropped.json"])
        self.assertFalse(os.path.exists(os.path.join(folder, "samples", "maps-input.png")))
        self.assertEqual(unfinished(folder), [])
        # Its number stays taken, its name does not.
        self.assertEqual(self.adopted(folder, self.run_of("facades", "maps")), ["maps"])
        self.assert_whole(folder, "facades", "streets", "maps")
        self.assertTrue(os.path.exists(os.path.join(folder, "tasks", "04-maps", "slice.json")))
        self.assertEqual(self.adopted(folder, self.run_of("facades", "shoes")), ["shoes"])
        self.assert_whole(folder, "facades", "streets", "maps", "shoes")

    def test_the_last_number_stays_taken_too(self):
        folder = self.run_of("facades", "maps")
        drop(folder, "maps")
        self.assertEqual(os.path.basename(Run(folder).bank.place(1, "new")), "03-new")

    def test_what_others_need_is_kept(self):
        folder = self.run_of("facades", "maps", "streets", method=Piggyback())
        for name, error in (
            ("maps", "Received: 'maps', from which streets borrow"),
            ("x", "has one of facades, maps, streets"),
        ):
            with self.assertRaisesRegex(ValueError, error):
                drop(folder, name)
        with self.assertRaisesRegex(ValueError, "only task, and a task whose network"):
            drop(self.run_of("facades"), "facades")
        with self.assertRaisesRegex(ValueError, "can't be removed. Received: 'maps'"):
            drop(self.run_of("facades", "maps", method="finetune"), "maps")

    def test_a_task_that_is_gone_without_a_mark_or_with_another_s_is_told(self):
        folder = self.run_of("facades", "maps", "streets")
        drop(folder, "maps")
        ledger = Ledger.read(folder)
        shutil.rmtree(os.path.join(folder, "tasks", "03-streets"))
        files.write(os.path.join(folder, "tasks", "03-streets", "dropped.json"), b'{"name": "streets", "sha256": "0"}')
        self.assertEqual(list(ledger.problems(Run(folder).bank)), ["04-streets"])
        shutil.rmtree(os.path.join(folder, "tasks", "02-maps"))
        files.write(os.path.join(folder, "tasks", "02-maps", "dropped.json"), b'{"name": "shoes", "sha256": "0"}')
        with self.assertRaisesRegex(BankError, "lies in the folder of another. Received: .*of 'shoes'"):
            Run(folder)

    @pytest.mark.long
    def test_killed_at_any_write_or_removal_it_goes_on(self):
        folder, killed = self.run_of("facades", "maps", "streets"), 0
        for function, module in (("write", files), ("unlink", os)):
            work = getattr(module, function)
            for time in range(1, 9):
                with mock.patch.object(module, function, dying(time, work)):
                    try:
                        drop(folder, "maps")
                    except Killed:
                        killed += 1
                    else:
                        break
                run = Run(folder)
                self.assertEqual(Ledger.read(folder).problems(run.bank), {})
                self.assertEqual([row["task"] for row in rows(folder)], run.names)
        self.assertGreaterEqual(killed, 3)
        drop(folder, "maps")
        self.assert_whole(folder, "facades", "streets")
        self.assertEqual(os.listdir(os.path.join(folder, "tasks", "02-maps")), ["dropped.json"])


class LinksTest(SliceTestCase):
    """Nothing behind a link is removed, and a link keeps nobody from dropping; no network is built."""

    def setUp(self):
        super().setUp()
        self.folder, self.outside = self.create_tempdir().full_path, self.create_tempdir().full_path
        bank = FilterBank(folder=os.path.join(self.folder, "tasks"))
        for index in (0, 1):
            bank.append(dataclasses.replace(a_slice(index), borrows=()))
        for name in ("01-labels.txt", "replays.json", "lock", "1" * 32):
            files.write(os.path.join(self.outside, name), b"theirs")

    def link(self, *parts, to=""):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.path.join(self.outside, to), path)

    def assert_untouched(self):
        for name in ("01-labels.txt", "replays.json", "lock", "1" * 32):
            self.assertEqual(pathlib.Path(self.outside, name).read_bytes(), b"theirs")
        self.assertLen(os.listdir(self.outside), 4)

    @parameterized.parameters((["evaluation"], ""), ([".lock"], "lock"), (["samples"], ""))
    def test_a_run_is_not_changed_through_a_link(self, parts, to):
        self.link(*parts, to=to)
        with self.assertRaisesRegex(ValueError, "not written or removed through a link"):
            drop(self.folder, "maps")
        self.assertEqual(Run(self.folder).names, ["labels", "maps"])
        self.assert_untouched()

    def test_links_in_a_dropped_task_s_folder_go_and_other_files_stay(self):
        self.link("tasks", "02-maps", "train")
        self.link("tasks", "03-shoes")
        files.write(os.path.join(self.folder, "tasks", "02-maps", "notes.txt"), b"mine")
        files.write(os.path.join(self.folder, "evaluation", "notes.txt"), b"mine")
        files.write(os.path.join(self.folder, "evaluation", "02-maps.txt"), b"")
        drop(self.folder, "maps")
        self.assertCountEqual(os.listdir(os.path.join(self.folder, "tasks", "02-maps")), ["dropped.json", "notes.txt"])
        self.assertEqual(os.listdir(os.path.join(self.folder, "evaluation")), ["notes.txt"])
        self.assert_untouched()

    @parameterized.parameters((["report"],), (["report", "parts"],))
    def test_no_report_through_a_link(self, parts):
        self.link(*parts)
        with self.assertRaisesRegex(ValueError, "not written or removed through a link"):
            report(self.folder)
        self.assert_untouched()

    def test_no_figures_through_a_link(self):
        self.link("evaluation")
        with self.assertRaisesRegex(ValueError, "not written or removed through a link"):
            RunEvaluation(Run(self.folder))


if __name__ == "__main__":
    tf.test.main()
