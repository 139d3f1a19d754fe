"""PageCache: an entry is made once for the facts that it depends on."""

import os
from unittest import mock

from absl.testing import absltest

from pgtf.foundation import files
from pgtf.report.page_cache import PageCache
from tests.tiny import flip_a_bit


class PageCacheTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.made = []

    def part(self, parts, facts):
        def make():
            self.made.append(facts)
            return f"of {facts}\n".encode()

        return parts.load_or_make(facts, make)

    def test_a_part_is_made_once(self):
        for _ in range(2):
            parts = PageCache(self.folder)
            self.assertEqual(self.part(parts, ["a", 1]), b"of ['a', 1]\n")
            self.assertEqual(self.part(parts, ["a", 2]), b"of ['a', 2]\n")
        self.assertEqual(self.made, [["a", 1], ["a", 2]])

    def test_a_damaged_part_is_made_anew(self):
        self.part(PageCache(self.folder), "a")
        (name,) = os.listdir(self.folder)
        for byte in (0, -1):
            flip_a_bit(os.path.join(self.folder, name), byte)
            self.assertEqual(self.part(PageCache(self.folder), "a"), b"of a\n")
        self.assertEqual(self.made, ["a"] * 3)

    def test_what_is_not_asked_for_goes(self):
        self.part(PageCache(self.folder), "a")
        parts = PageCache(self.folder)
        self.part(parts, "b")
        parts.remove_unused()
        self.part(PageCache(self.folder), "a")
        self.part(PageCache(self.folder), "b")
        self.assertEqual(self.made, ["a", "b", "a"])

    def test_files_of_others_stay(self):
        parts = PageCache(self.folder)
        self.part(parts, "a")
        for name in ("notes.txt", "a" * 31, f"{'a' * 32}.txt"):
            open(os.path.join(self.folder, name), "w").close()
        parts.remove_unused()
        self.assertLen(os.listdir(self.folder), 4)

    def test_two_processes_share_a_folder(self):
        removes_all = PageCache(self.folder)
        self.part(PageCache(self.folder), "kept by another process")
        original = files.write

        def written_meanwhile(path, content):
            """Another process cleans up while the file is half written, and again once it is there."""
            with mock.patch("os.replace", lambda *paths: (removes_all.remove_unused(), os.rename(*paths))):
                original(path, content)
            removes_all.remove_unused()

        with mock.patch("pgtf.foundation.files.write", written_meanwhile):
            self.assertEqual(self.part(PageCache(self.folder), "a"), b"of a\n")
        with mock.patch("os.path.exists", lambda path: True):  # It was there a moment ago.
            self.assertEqual(self.part(PageCache(self.folder), "a"), b"of a\n")
        with mock.patch("os.listdir", lambda folder: ["0" * 32]):
            removes_all.remove_unused()

    def test_without_a_folder(self):
        parts = PageCache()
        self.part(parts, "a")
        self.part(parts, "a")
        parts.remove_unused()
        self.assertEqual(self.made, ["a", "a"])


if __name__ == "__main__":
    absltest.main()
