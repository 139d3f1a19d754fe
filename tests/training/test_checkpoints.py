"""Checkpoints: whole or not there, in folders of any name, and damage is told."""

import os

import tensorflow as tf

from pgtf.training.checkpoints import Checkpoints, remove_checkpoints


class CheckpointsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        # A pattern that fits the other folder's name too.
        self.folder, self.other = (self.create_tempdir(name).full_path for name in ("run[12]*", "run1x"))
        self.variable = tf.Variable([1.0, 2.0])

    def at(self, folder):
        return Checkpoints(tf.train.Checkpoint(variable=self.variable), folder)

    def test_the_last_one_is_restored_and_the_only_one(self):
        checkpoints = self.at(self.folder)
        for step, value in ((3, [3.0, 4.0]), (12, [5.0, 6.0])):
            self.variable.assign(value)
            checkpoints.save(step)
        self.variable.assign([0.0, 0.0])
        self.assertEqual(checkpoints.restore(), "")
        self.assertAllEqual(self.variable, [5.0, 6.0])
        self.assertEqual(os.listdir(self.folder), ["step-12"])

    def test_folders_whose_names_are_patterns_leave_other_runs_alone(self):
        for folder, value in ((self.other, 7.0), (self.folder, 8.0)):
            self.variable.assign([value, value])
            self.at(folder).save(1)
        self.at(self.folder).save(2)
        self.assertEqual(os.listdir(self.other), ["step-1"])
        self.assertEqual(os.listdir(self.folder), ["step-2"])
        self.at(self.other).restore()
        self.assertAllEqual(self.variable, [7.0, 7.0])

    def test_damage_is_told_kept_aside_and_restores_nothing(self):
        def halved(content):
            return content[: len(content) // 2]

        def deep(content):
            return b"[" * 200_000

        files = "state.index", "state.data-00000-of-00001", "sha256.json"
        for name, damaged in [*((name, halved) for name in files), ("sha256.json", deep)]:
            with self.subTest(name):
                folder = self.create_tempdir().full_path
                self.at(folder).save(5)
                path = os.path.join(folder, "step-5", name)
                with open(path, "rb") as file:
                    content = file.read()
                with open(path, "wb") as file:
                    file.write(damaged(content))
                self.variable.assign([9.0, 9.0])
                lost = self.at(folder).restore()
                self.assertRegex(lost, "^the checkpoint of step 5 is damaged; it is kept as .*damaged-step-5$")
                self.assertAllEqual(self.variable, [9.0, 9.0])
                self.assertEqual(os.listdir(folder), ["damaged-step-5"])

    def test_a_killed_save_leaves_the_one_before(self):
        checkpoints = self.at(self.folder)
        checkpoints.save(4)
        os.makedirs(os.path.join(self.folder, ".writing-step-6"))  # What a process killed while writing leaves.
        self.variable.assign([0.0, 0.0])
        checkpoints.restore()
        self.assertAllEqual(self.variable, [1.0, 2.0])
        checkpoints.save(8)
        self.assertEqual(os.listdir(self.folder), ["step-8"])

    def test_one_of_other_variables_is_refused(self):
        self.at(self.folder).save(1)
        other = Checkpoints(tf.train.Checkpoint(variable=self.variable, another=tf.Variable(1.0)), self.folder)
        with self.assertRaisesRegex(ValueError, "must be of this task.*to start the task again. Received: .*step-1"):
            other.restore()

    def test_forgetting_keeps_everything_else(self):
        self.at(self.folder).save(1)
        for name in ("events.out", "checkpoint", "ckpt-3.index", "damaged-step-0"):
            with open(os.path.join(self.folder, name), "w"):
                pass
        remove_checkpoints(self.folder)
        self.assertCountEqual(os.listdir(self.folder), ["events.out", "damaged-step-0"])
        remove_checkpoints(os.path.join(self.folder, "not there"))

    def test_nothing_is_removed_behind_a_link(self):
        theirs = os.path.join(self.other, "step-1", "state")
        os.makedirs(theirs)
        os.symlink(os.path.join(self.other, "step-1"), os.path.join(self.folder, "step-1"))
        remove_checkpoints(self.folder)
        self.assertEmpty(os.listdir(self.folder))
        os.symlink(self.other, os.path.join(self.folder, "width-8"))
        with self.assertRaisesRegex(ValueError, "through a link"):
            remove_checkpoints(self.folder)
        self.assertTrue(os.path.exists(theirs))


if __name__ == "__main__":
    tf.test.main()
