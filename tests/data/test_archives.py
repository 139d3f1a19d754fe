"""Archives are read as the folders that they hold, in each layout, and refused where they are damaged or attack."""

import gzip
import io
import json
import os
import stat
import struct
import tarfile
import zipfile
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data import archives, tree
from pgtf.data.finder import Finder
from pgtf.data.rgb_images import read
from pgtf.data.survey import survey
from pgtf.foundation.errors import ImageError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
LAYOUTS = {
    "side by side": ("pairs", ["train/1.png", "train/2.png", "test/3.png"]),
    "two folders": ("pairs", [f"{split}{side}/{n}.png" for split in ("train", "test") for side in "AB" for n in "12"]),
    "csv": ("pairs", ["images/1.png", "images/2.png", "train.csv"]),
    "jsonl": ("pairs", ["images/1.png", "images/2.png", "train.jsonl"]),
    "unpaired": ("unpaired", ["A/1.png", "A/2.png", "B/x.png", "B/y.png", "B/z.png"]),
    "labelled": ("labelled", ["train/cat/1.png", "train/dog/1.png", "val/cat/2.png"]),
    "labelled csv": ("labelled", ["images/1.png", "images/2.png", "labels/train.csv", "train.csv"]),
    "labelled npz": ("labelled", ["train.npz"]),
    "images": ("images", ["1.png", "2.png"]),
}


def content(name, number=0):
    """The bytes of a file of a made data set, by its name."""
    file = io.BytesIO()
    if name.endswith(".png"):
        draw = np.random.default_rng(number)
        Image.fromarray(draw.integers(0, 256, (4, 8, 3), dtype="uint8")).save(file, "PNG")
    elif name.endswith(".npz"):
        np.savez(file, images=np.arange(3 * 4 * 8, dtype="uint8").reshape(3, 4, 8), labels=np.arange(3))
    elif name.endswith(".jsonl"):
        file.write(json.dumps({"input": "images/1.png", "target": "images/2.png"}).encode())
    else:
        file.write(b"images/1.png,images/2.png\n" if name == "train.csv" else b"")
    return file.getvalue()


def packed(path, files, top=""):
    """Writes an archive of {name: content}."""
    if path.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(top + name, data)
        return path
    with tarfile.open(path, "w:gz" if path.endswith("gz") else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(top + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


class ArchivesTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.create_tempdir().full_path

    def find(self, task="task", batch="pairs", **settings):
        return Finder(self.data, batch, (4, 4), (4, 4), **settings)(task)

    @parameterized.product(layout=tuple(LAYOUTS), ending=ENDINGS)
    def test_an_archive_is_the_folder_that_it_holds(self, layout, ending):
        batch, names = LAYOUTS[layout]
        files = {name: content(name, place) for place, name in enumerate(names)}
        if layout == "labelled csv":
            files["train.csv"] = b"images/1.png,a\nimages/2.png,b\n"
        for name, data in files.items():
            path = os.path.join(self.data, "folder", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        packed(os.path.join(self.data, f"task{ending}"), files, top="" if ending == ".tar" else "any name/")
        folder, archive = self.find("folder", batch), self.find("task", batch)
        self.assertEqual(archive.origin, os.path.join(self.data, f"task{ending}"))
        self.assertEqual(folder.manifest.changes(archive.manifest), [])  # A task goes on with either.
        self.assertEqual(folder.labels, archive.labels)
        for split, source in folder.sources.items():
            self.assertLen(archive.sources[split], len(source))
            for place in range(len(source)):
                np.testing.assert_array_equal(archive.sources[split][place], source[place])
        archive.checked()
        self.assertEqual(archive.unread(), "")
        self.assertEqual(sorted(os.listdir(self.data)), ["folder", f"task{ending}"])

    def test_held_out_images_are_the_same(self):
        files = {f"train/{number}.png": content(".png", number) for number in range(20)}
        packed(os.path.join(self.data, "task.zip"), files)
        os.mkdir(os.path.join(self.data, "folder"))
        with zipfile.ZipFile(os.path.join(self.data, "task.zip")) as archive:
            archive.extractall(os.path.join(self.data, "folder"))
        one, other = self.find("folder", validation=0.2), self.find("task", validation=0.2)
        self.assertEqual(one.manifest.changes(other.manifest), [])

    @parameterized.parameters(*ENDINGS)
    def test_a_survey_of_an_archive_of_one_task_or_of_several(self, ending):
        files = {name: content(name, place) for place, name in enumerate(LAYOUTS["side by side"][1])}
        one = packed(os.path.join(self.data, f"mine{ending}"), files, "around/")
        more = {f"{task}/{name}": data for task in ("first", "second") for name, data in files.items()}
        several = packed(os.path.join(self.data, f"several{ending}"), more)
        (found,) = survey(one)
        self.assertEqual((found.name, found.kind, found.counts), ("mine", "pairs", {"train": "2", "test": "1"}))
        self.assertIn(f"--data_dir={self.data} --tasks=mine", found.notes[0])
        self.assertEqual([each.name for each in survey(several)], ["first", "second"])
        self.assertEqual([each.name for each in survey(self.data)], ["mine"])  # `several` is no task.

    def test_a_folder_comes_before_an_archive_of_its_name(self):
        packed(os.path.join(self.data, "task.zip"), {"train/1.png": content(".png")})
        os.makedirs(os.path.join(self.data, "task", "train"))
        self.assertEqual(tree.task_folder(self.data, "task"), os.path.join(self.data, "task"))

    def test_what_macos_and_windows_add_is_left_out(self):
        names = ("__MACOSX/mine/train/._1.png", "mine/.DS_Store", "mine\\train\\1.png", "mine/train/._2.png")
        path = packed(os.path.join(self.data, "task.zip"), dict.fromkeys(names, content(".png")))
        self.assertEqual(tree.names(path), ["train"])
        self.assertEqual(tree.names(f"{path}/train"), ["1.png"])

    def test_an_archive_that_changes_is_read_anew(self):
        path = packed(os.path.join(self.data, "task.zip"), {"train/1.png": content(".png")})
        self.assertEqual(tree.names(f"{path}/train"), ["1.png"])
        packed(path, {"train/2.png": content(".png", 1), "train/3.png": content(".png", 2)})
        self.assertEqual(tree.names(f"{path}/train"), ["2.png", "3.png"])

    def test_a_folder_with_the_name_of_an_archive_is_a_folder(self):
        os.makedirs(os.path.join(self.data, "x.zip", "train"))
        self.assertTrue(tree.is_folder(os.path.join(self.data, "x.zip", "train")))


class StrangersArchivesTest(parameterized.TestCase):
    """Archives that attack."""

    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def path(self, ending=".zip"):
        return os.path.join(self.folder, f"task{ending}")

    def refused(self, path, why):
        with self.assertRaisesRegex(ValueError, f"An archive must be .*Received: '.*task.*{why}"):
            tree.names(path)

    @parameterized.product(ending=(".zip", ".tar"), name=("../x.png", "train/../../x.png", "/etc/x.png", "C:/x.png"))
    def test_names_that_lead_outside(self, ending, name):
        self.refused(packed(self.path(ending), {name: b"1"}), "names a file outside of itself")

    @parameterized.parameters(".zip", ".tar")
    def test_names_twice_or_as_a_file_and_a_folder(self, ending):
        with mock.patch("warnings.warn"):  # zipfile warns of the second.
            with zipfile.ZipFile(self.path(), "w") as archive:
                archive.writestr("a.png", "1")
                archive.writestr("./a.png", "2")
        self.refused(self.path(), "two files of the same name: './a.png'")
        self.refused(packed(self.path(ending), {"a": b"1", "a/b.png": b"2"}), "a file and a folder of the same name")
        self.refused(packed(self.path(ending), {"a/" * 1000 + "b.png": b"2"}), "too deep")

    @parameterized.parameters(*ENDINGS)
    def test_damaged_ones(self, ending):
        for data in (b"", b"nothing of the kind", b"PK\5\6" + b"\0" * 17):
            with open(self.path(ending), "wb") as file:
                file.write(data)
            self.refused(self.path(ending), "")
        packed(self.path(ending), {f"train/{n}.png": content(".png", n) for n in range(9)})
        os.truncate(self.path(ending), os.path.getsize(self.path(ending)) // 2)
        self.refused(self.path(ending), "")

    def test_a_tar_with_noise_between_its_files_does_not_end_there_silently(self):
        packed(self.path(".tar"), {f"{n}.png": b"1" for n in range(4)})
        with open(self.path(".tar"), "r+b") as file:
            file.seek(1024)
            file.write(b"noise" * 100)
        self.refused(self.path(".tar"), "damaged or cut off at byte 1,024")

    def test_links_devices_and_encrypted_files_are_named_when_they_are_read(self):
        with tarfile.open(self.path(".tar"), "w") as archive:
            for name, kind in (("1.png", tarfile.SYMTYPE), ("2.png", tarfile.LNKTYPE), ("3.png", tarfile.FIFOTYPE)):
                info = tarfile.TarInfo(f"train/{name}")
                info.type, info.linkname = kind, "/etc/passwd"
                archive.addfile(info)
        for name in ("1.png", "2.png", "3.png"):
            with self.assertRaisesRegex(ImageError, f"Received: '.*train/{name}' .it is a link, a device or sparse"):
                read(f"{self.path('.tar')}/train/{name}")
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        with zipfile.ZipFile(self.path(), "w") as archive:
            archive.writestr(link, "/etc/passwd")
            archive.writestr("secret.png", content(".png"))
            archive.writestr("odd.png", content(".png"), zipfile.ZIP_BZIP2)
        with open(self.path(), "r+b") as file:
            data = bytearray(file.read())
            data[data.rindex(b"PK\1\2", 0, data.rindex(b"secret.png")) + 8] |= 1  # The flag of encryption.
            file.seek(0)
            file.write(data)
        for name, why in (("link", "it is a link"), ("secret", "it is encrypted"), ("odd", "compression is not read")):
            with self.assertRaisesRegex(ImageError, f"{name}.png' .*{why}"):
                read(f"{self.path()}/{name}.png")
        with self.assertRaisesRegex(ImageError, "nothing.png' .the archive has no such file"):
            read(f"{self.path()}/nothing.png")

    def test_bombs(self):
        packed(self.path(), {"x.png": b"\0" * 2**20})
        with mock.patch.object(archives, "PLAIN", 2**10), self.assertRaisesRegex(ImageError, "bytes do not fit into"):
            read(f"{self.path()}/x.png")
        with gzip.open(self.path(".tar.gz"), "w") as file:
            file.write(b"\0" * 2**20)
        with mock.patch.object(archives, "PLAIN", 2**10):
            self.refused(self.path(".tar.gz"), "do not fit into")

    def test_a_list_that_lies(self):
        for place, value in ((16, 7), (24, 70), (20, 2**31), (42, 10**6), (42, 3)):  # CRC, size, stored size, place.
            packed(self.path(), {"x.png": content(".png")})
            with open(self.path(), "r+b") as file:
                start = file.read().rindex(b"PK\1\2")
                file.seek(start + place)
                file.write(struct.pack("<I", value))
            with self.assertRaises(ValueError):
                read(f"{self.path()}/x.png")

    def test_a_table_that_is_not_read(self):
        with zipfile.ZipFile(self.path(), "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("train.csv", "input,target")
        with self.assertRaisesRegex(ValueError, "A table must be readable. Received: .*task.zip/train.csv' .its compr"):
            Finder(self.folder, "pairs", (4, 4), (4, 4))("task")

    @parameterized.parameters("../secret.png", "/etc/secret.png", "train/../../secret.png", "images/../../../x.png")
    def test_a_table_that_leads_outside(self, name):
        Image.new("RGB", (8, 4)).save(os.path.join(self.folder, "secret.png"))
        image = {"1.png": content(".png")}
        for files, batch in (
            ({"train.csv": f"1.png,{name}\n{name}x.png,2.png".encode()}, "pairs"),
            ({"train.jsonl": json.dumps({"input": name, "target": "1.png"}).encode()}, "pairs"),
            ({"train.csv": f"1.png,a\n{name},b".encode()}, "labelled"),
        ):
            packed(self.path(), {**image, **files})
            with self.assertRaisesRegex(ValueError, "must name files of that archive.*Received: .*task.zip/train"):
                Finder(self.folder, batch, (4, 4), (4, 4))("task")


if __name__ == "__main__":
    absltest.main()
