"""Checks a run's ledger against its folders."""

import json
import os
import shutil

import tensorflow as tf

from pgtf.foundation import files
from pgtf.foundation.errors import BankError, Busy
from pgtf.runs.run import Run
from pgtf.runs.verify import Verdict, conclusion, record_changes, verdicts
from pgtf.storage.bank import Dropped, FilterBank
from pgtf.storage.ledger import Ledger
from pgtf.storage.probes import Replay
from tests.storage.made_slices import NAMES, SliceTestCase, a_slice
from tests.tiny import flip_a_bit, tiny_run

TASKS = ("facades", "maps", "streets")


class LedgerTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.create_tempdir().full_path, "run")
        tiny_run(self.folder, TASKS)
        Ledger().checked(self.bank()).write(self.folder)

    def bank(self):
        return FilterBank.open(self.at("tasks"))

    def at(self, *parts):
        return os.path.join(self.folder, *parts)

    def verified(self):
        found = list(verdicts(self.folder))
        return {verdict.task: verdict.holds for verdict in found}, conclusion(found)

    def test_it_holds_every_learnt_task_in_order(self):
        ledger = Ledger.read(self.folder)
        self.assertEqual([name for name, _ in ledger.learnt], list(TASKS))
        self.assertLen({sha256 for _, sha256 in ledger.learnt}, 3)
        self.assertEqual(ledger.problems(self.bank()), {})

    def test_a_lost_last_task_is_not_proved(self):
        shutil.rmtree(self.at("tasks", "03-streets"))
        holds, text = self.verified()
        self.assertEqual(holds, {"03-streets": False, "01-facades": True, "02-maps": True})
        self.assertIn("Received: nothing in place of 03-streets", text)
        self.assertIn("FAILED: 1 of 3", text)
        with self.assertRaisesRegex(BankError, "nothing in place of 03-streets"):
            Ledger.read(self.folder).checked(self.bank())

    def test_a_renamed_folder_is_not_proved(self):
        os.rename(self.at("tasks", "02-maps"), self.at("tasks", "02-mapsX"))
        holds, text = self.verified()
        self.assertFalse(holds["02-maps"])
        self.assertIn("Received: 02-mapsX in place of 02-maps", text)

    def test_an_exchanged_slice_is_not_proved(self):
        other = os.path.join(self.create_tempdir().full_path, "other")
        tiny_run(other, ("facades", "maps", "streets"), norm="batch")
        for name in ("slice.json", "slice.safetensors", "probes.safetensors"):
            os.replace(os.path.join(other, "tasks", "03-streets", name), self.at("tasks", "03-streets", name))
        holds, text = self.verified()
        self.assertEqual(holds, {"03-streets": False, "01-facades": True, "02-maps": True})
        self.assertIn("another slice.json in 03-streets", text)

    def test_a_task_that_was_learnt_just_before_the_end_is_taken_in(self):
        short = Ledger(Ledger.read(self.folder).learnt[:2])
        self.assertEqual(short.checked(self.bank()), Ledger.read(self.folder))
        short.write(self.folder)
        self.assertTrue(all(self.verified()[0].values()))

    def test_an_altered_ledger_is_refused_and_a_lost_one_is_none(self):
        flip_a_bit(self.at("ledger.json"), byte=40)
        with self.assertRaisesRegex(
            BankError, "not noticed: compare with a digest stored elsewhere .* Received: .*ledger.json"
        ):
            Ledger.read(self.folder)
        os.unlink(self.at("ledger.json"))
        self.assertEqual(Ledger.read(self.folder), Ledger())

    def test_other_things_than_names_and_hashes_are_refused(self):
        for learnt, changed in (((("maps", ["hash"]),), ()), (((["maps"], "hash"),), ()), ((), (["maps"],))):
            Ledger(learnt, changed).write(self.folder)  # Its own sha256 is right.
            with self.assertRaisesRegex(BankError, "other things than names and hashes"):
                Ledger.read(self.folder)

    def test_a_changed_task_is_served_no_more_until_all_is_whole(self):
        Ledger(Ledger.read(self.folder).learnt, changed=("maps",)).write(self.folder)
        with self.assertRaisesRegex(ValueError, "changed since it was learned.*Received: 'maps'"):
            Run(self.folder)["maps"]
        self.assertEqual(Run(self.folder)["facades"].name, "facades")
        record_changes(self.folder, list(verdicts(self.folder)))
        self.assertEqual(Run(self.folder)["maps"].name, "maps")


class DroppedAndAdoptedAgainTest(SliceTestCase):
    """labels, maps, facades; maps was dropped and is there again as 04-maps; then came 05-shoes."""

    def setUp(self):
        super().setUp()
        self.run_dir = self.create_tempdir().full_path
        for number in (1, 2, 3):
            self.slice(number, number - 1)
        self.note()
        name, sha256 = self.bank().entry(1)
        shutil.rmtree(self.at("02-maps"))
        Dropped(2, name, sha256).write(self.at())
        self.note()
        for number, index in ((4, 1), (5, 3)):
            self.slice(number, index)
            self.note()

    def at(self, *parts):
        return os.path.join(self.run_dir, "tasks", *parts)

    def slice(self, number, index):
        a_slice(index).write(self.at(f"{number:02d}-{NAMES[index]}"))

    def bank(self):
        return FilterBank.open(self.at())

    def note(self):
        Ledger.read(self.run_dir).checked(self.bank()).write(self.run_dir)

    def problems(self):
        return Ledger.read(self.run_dir).problems(self.bank())

    def test_it_is_whole_and_goes_on(self):
        self.assertEqual(self.problems(), {})
        self.assertEqual([name for name, _ in Ledger.read(self.run_dir).learnt], ["labels", "facades", "maps", "shoes"])

    def test_what_was_adopted_again_is_missed(self):
        shutil.rmtree(self.at("05-shoes"))
        shutil.rmtree(self.at("04-maps"))
        self.assertLen(self.problems(), 2)

    def test_what_was_adopted_again_is_seen_to_change(self):
        flip_a_bit(self.at("04-maps", "slice.json"))
        self.assertEqual(list(self.problems()), ["04-maps"])

    def test_a_ledger_that_does_not_say_what_was_dropped(self):
        """As pgtf wrote it before."""
        ledger = Ledger.read(self.run_dir)
        Ledger(ledger.learnt).write(self.run_dir)
        with open(os.path.join(self.run_dir, "ledger.json")) as file:
            self.assertNotIn("dropped", json.load(file))
        self.assertEqual(self.problems(), {})
        self.assertEqual(Ledger.read(self.run_dir).checked(self.bank()), ledger)


class RememberTest(SliceTestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = self.create_tempdir().full_path

    def changed(self, **verdict):
        record_changes(self.run_dir, [Verdict("02-maps", **{"slice_is_whole": True, **verdict})])
        return Ledger.read(self.run_dir).changed

    def test_what_was_found_is_noted_until_it_is_whole(self):
        self.assertEqual(self.changed(slice_is_whole=False), ("maps",))
        self.assertEqual(self.changed(replay=Replay(0.0, True)), ())
        self.assertEqual(self.changed(problem="Its filters are mixed from 01-labels, which is not whole"), ("maps",))
        self.assertEqual(self.changed(replay=Replay(0.1, False)), ("maps",))
        self.assertEqual(self.changed(has_probes=False), ())  # They may be deleted.

    def test_not_while_another_process_writes_the_ledger(self):
        with files.locked(self.run_dir), self.assertRaises(Busy):
            self.changed(slice_is_whole=False)
        self.assertEqual(Ledger.read(self.run_dir), Ledger())


if __name__ == "__main__":
    tf.test.main()
