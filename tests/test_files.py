"""Files are not written or removed through a link, and writes are atomic."""

import fcntl
import os
from unittest import mock

from absl.testing import absltest

from pgtf.foundation import files


class LinksTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder, self.outside = self.create_tempdir().full_path, self.create_tempdir().full_path
        files.write(os.path.join(self.outside, "theirs"), b"theirs")

    def link(self, *parts, target="."):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.path.normpath(os.path.join(self.outside, target)), path)

    def assert_untouched(self):
        self.assertEqual(os.listdir(self.outside), ["theirs"])
        with open(os.path.join(self.outside, "theirs")) as file:
            self.assertEqual(file.read(), "theirs")

    def test_a_path_through_a_link_is_refused(self):
        self.link("a", "b")
        self.assertEqual(files.inside(self.folder, "a", "c", "d"), os.path.join(self.folder, "a", "c", "d"))
        for parts in (("a", "b"), ("a", "b", "theirs")):
            with self.assertRaisesRegex(
                ValueError, f"through a link. Remove the link. Received: .*a/b, a link to {self.outside}"
            ):
                files.inside(self.folder, *parts)

    def test_a_folder_that_is_a_link_itself_is_a_folder(self):
        self.link("run")
        self.assertEndsWith(files.inside(os.path.join(self.folder, "run"), "a"), "run/a")

    def test_of_a_link_the_link_is_removed(self):
        self.link("folder")
        self.link("file", target="theirs")
        self.link("nowhere", target="x")
        self.link("whole", "inner")
        for name in ("folder", "file", "nowhere", "whole", "not there"):
            files.remove(self.folder, name)
        self.assertEmpty(os.listdir(self.folder))
        self.assert_untouched()

    def test_nothing_is_removed_behind_a_link(self):
        self.link("folder")
        with self.assertRaisesRegex(ValueError, "through a link"):
            files.remove(self.folder, "folder", "theirs")
        self.assert_untouched()

    def test_a_lock_that_is_a_link_is_refused(self):
        self.link(".lock", target="theirs")
        with self.assertRaisesRegex(ValueError, "through a link"), files.locked(self.folder):
            pass
        self.assert_untouched()


class SweepTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def put(self, *names):
        for name in names:
            files.write(os.path.join(self.folder, name), b"")

    def found(self):
        return sorted(os.path.join(place, name) for place, _, names in os.walk(self.folder) for name in names)

    def test_what_killed_processes_left_is_removed_and_nothing_else(self):
        self.put(".writing-a", "b/c/.writing-d", "b/e", ".writing")
        outside = self.create_tempfile(".writing-theirs").full_path
        os.symlink(outside, os.path.join(self.folder, ".writing-link"))
        os.symlink(os.path.dirname(outside), os.path.join(self.folder, "link"))
        files.sweep(self.folder)
        kept = [os.path.join(self.folder, name) for name in (".writing", ".writing-link", "b/e")]
        self.assertEqual(self.found(), kept)
        self.assertTrue(os.path.exists(outside))

    def test_a_file_that_is_being_written_stays(self):
        for moment in ("fsync", "chmod", "replace"):
            real, path = getattr(os, moment), os.path.join(self.folder, moment)

            def swept(*given, real=real):
                files.sweep(self.folder)
                return real(*given)

            with mock.patch.object(os, moment, swept):
                files.write(path, b"content")
            with open(path, "rb") as file:
                self.assertEqual(file.read(), b"content")

    def test_a_file_that_is_swept_before_it_is_locked_is_made_anew(self):
        real, calls = fcntl.flock, []

        def swept(*given):
            calls.append(given)
            if len(calls) == 1:
                os.unlink(os.path.join(self.folder, os.listdir(self.folder)[0]))
            return real(*given)

        with mock.patch.object(fcntl, "flock", swept):
            self.put("name")
        self.assertEqual(self.found(), [os.path.join(self.folder, "name")])


if __name__ == "__main__":
    absltest.main()
