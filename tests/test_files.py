"""Files are not written or removed through a link, and writes are atomic."""

import os

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


if __name__ == "__main__":
    absltest.main()
