"""Files of all kinds, and folders of them, through a translation that is known."""

import io
import os
import threading

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.runs.translate_files import arrivals, few, outputs, skipped, translate_files


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype="uint8")


def negative(image):
    return 255 - image


class FileTranslationTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        folder = self.create_tempdir().full_path
        self.input, self.output = os.path.join(folder, "in"), os.path.join(folder, "out")
        os.makedirs(self.input)

    def put(self, name, picture=None, **settings):
        path = os.path.join(self.input, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        picture = noise(5, 9, 3) if picture is None else picture
        (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **settings)
        return path

    def translated(self, source=None, translate=negative, **settings):
        """Translates files, and returns {name: array}, {input: error}, the printed text."""
        out = io.StringIO()
        unread = translate_files(translate, outputs(source or self.input, self.output), out=out, **settings)
        found = {}
        for place, _, names in os.walk(self.output):
            for name in names:
                path = os.path.join(place, name)
                found[os.path.relpath(path, self.output)] = np.asarray(Image.open(path))
        return found, unread, out.getvalue()

    def expect(self, name, rgb):
        """A single image comes out as the negative of rgb, and of its size."""
        found, unread, _ = self.translated()
        self.assertEqual((list(found), unread), ([name], {}))
        np.testing.assert_array_equal(found[name], negative(np.asarray(rgb)))

    @parameterized.parameters((5, 9), (1, 1), (1, 700), (700, 3))
    def test_sizes(self, height, width):
        picture = noise(height, width, 3)
        self.put("a.png", picture)
        self.expect("a.png", picture)

    def test_gray(self):
        gray = noise(5, 9)
        self.put("a.png", gray)
        self.expect("a.png", np.stack([gray] * 3, -1))

    @parameterized.parameters("png", "tif")
    def test_16_bits(self, ending):
        eight = noise(5, 9)
        self.put(f"a.{ending}", eight.astype("uint16") * 257)
        self.expect("a.png", np.stack([eight] * 3, -1))

    def test_16_bits_that_are_all_dark(self):
        self.put("a.png", np.full((5, 9), 200, "uint16"))  # Of 65535.
        self.expect("a.png", np.full((5, 9, 3), 1))

    def test_transparent_is_white(self):
        picture = noise(5, 9, 4)
        picture[..., 3] = 255 * (np.arange(9) < 4)
        self.put("a.png", picture)
        seen = picture[..., :3].copy()
        seen[:, 4:] = 255
        self.expect("a.png", seen)

    def test_gray_with_alpha(self):
        picture = np.stack([noise(5, 9), np.full((5, 9), 255, "uint8")], -1)
        self.put("a.png", Image.fromarray(picture))
        self.expect("a.png", np.repeat(picture[..., :1], 3, -1))

    def test_palette(self):
        picture = Image.fromarray(noise(5, 9, 3)).quantize(16)
        self.put("a.png", picture)
        self.expect("a.png", picture.convert("RGB"))

    def test_palette_with_a_transparent_colour(self):
        picture = Image.fromarray(noise(5, 9, 3)).quantize(4)
        self.put("a.png", picture, transparency=2)
        seen = np.array(picture.convert("RGB"))
        seen[np.asarray(picture) == 2] = 255
        self.expect("a.png", seen)

    def test_one_bit(self):
        picture = noise(5, 9) > 127
        self.put("a.png", picture)
        self.expect("a.png", np.stack([255 * picture.astype("uint8")] * 3, -1))

    def test_cmyk(self):
        picture = Image.fromarray(noise(16, 24, 3)).convert("CMYK")
        path = self.put("a.jpg", picture)
        self.expect("a.png", Image.open(path).convert("RGB"))

    def test_a_turned_photo_is_upright(self):
        picture = noise(5, 9, 3)
        exif = Image.Exif()
        exif[0x0112] = 6  # Held so that the top is at the right.
        self.put("a.png", picture, exif=exif)
        self.expect("a.png", np.rot90(picture, -1))

    def test_every_image_of_a_folder_and_those_in_it(self):
        names = [f"{number}.png" for number in range(60)] + ["b/1.JPEG", "b/c/1.bmp", "b/c/2.webp", "d/x.y.tiff"]
        pictures = {name: self.put(name, noise(3 + number, 5, 3)) for number, name in enumerate(names)}
        for ignored in ("notes.txt", ".hidden.png", "b/.DS_Store"):
            with open(os.path.join(self.input, ignored), "wb") as file:
                file.write(b"nothing")
        found, unread, text = self.translated(title="maps")
        expected = [f"{number}.png" for number in range(60)] + ["b/1.png", "b/c/1.png", "b/c/2.png", "d/x.y.png"]
        self.assertEqual((sorted(found), unread), (sorted(expected), {}))
        for number, name in enumerate(expected):
            self.assertEqual(found[name].shape[0], 3 + number, name)
        np.testing.assert_array_equal(found["b/c/1.png"], negative(np.asarray(Image.open(pictures["b/c/1.bmp"]))))
        self.assertIn("maps  64/64", text)

    def test_in_order(self):
        for name in ("b.png", "a/z.png", "c.png", "a.png"):
            self.put(name)
        names = [os.path.relpath(path, self.input) for path in outputs(self.input, self.output)]
        self.assertEqual(names, ["a.png", "b.png", "c.png", "a/z.png"])

    def test_names_that_differ_only_in_their_ending(self):
        for size, name in enumerate(("a.jpg", "a.png", "a.jpg.png", "b.png", "sub/a.jpg", "C.png", "c.bmp"), 1):
            self.put(name, noise(size, 4, 3))
        found, _, _ = self.translated()
        heights = {name: picture.shape[0] for name, picture in found.items()}
        expected = ("a.jpg.png", "a.png.png", "a.jpg.png.png", "b.png", "sub/a.png", "C.png.png", "c.bmp.png")
        self.assertEqual(heights, {name: height for height, name in enumerate(expected, 1)})

    def test_one_file(self):
        path = self.put("some/photo.gif", noise(5, 9))
        self.put("some/other.png")
        found, _, _ = self.translated(path)
        self.assertEqual(list(found), ["photo.png"])

    def test_one_file_to_one_file(self):
        path, picture = self.put("photo.jpg", noise(5, 9, 3)), os.path.join(self.output, "deep", "out.PNG")
        for overwrite in (False, True):
            self.assertEqual(outputs(path, picture, overwrite), {path: picture})
            translate_files(negative, {path: picture}, out=io.StringIO())
            self.assertEqual(Image.open(picture).size, (9, 5))
        with self.assertRaisesRegex(ValueError, r"--overwrite. Received: '.*out.PNG', which exists"):
            outputs(path, picture)
        os.makedirs(os.path.join(self.output, "folder.png"))  # A folder, whatever its name.
        inside = os.path.join(self.output, "folder.png", "photo.png")
        self.assertEqual(outputs(path, os.path.join(self.output, "folder.png")), {path: inside})
        with self.assertRaisesRegex(ValueError, "would replace an input"):
            outputs(inside := self.put("b.png"), inside, overwrite=True)

    def test_the_first_picture_of_a_gif(self):
        pictures = [Image.fromarray(np.full((5, 9), value, "uint8")) for value in (30, 200)]
        self.put("a.gif", pictures[0], save_all=True, append_images=pictures[1:])
        self.expect("a.png", np.full((5, 9, 3), 30, "uint8"))

    def test_what_is_left_out_of_a_folder_is_known(self):
        self.put("a.png")
        os.makedirs(os.path.join(self.input, "b"))
        for name in ("x.JXL", "b/y.cr2", "notes.txt", "b/z.json", ".hidden.jxl"):
            with open(os.path.join(self.input, name), "wb") as file:
                file.write(b"something")
        found = skipped(self.input, self.output)
        self.assertEqual(found, (["x.JXL", "b/y.cr2"], ["notes.txt", "b/z.json"]))
        self.assertEqual(few([*"abcdefg"]), "a, b, c, d, e and 2 more")
        _, unread, _ = self.translated(os.path.join(self.input, "x.JXL"))
        self.assertRegex(str(*unread.values()), "does not read its format; convert it to JPEG or PNG")

    def test_what_arrives_is_taken_once_it_is_whole(self):
        source, output = (os.path.join(self.create_tempdir().full_path, name) for name in ("in", "out"))
        first, second = (os.path.join(source, name) for name in ("a.png", "b.png"))
        sizes, taken = [], []

        def grow():
            with open(first, "ab") as file:
                file.write(b"part" if len(sizes) < 3 else b"")
            sizes.append(os.path.getsize(first))

        os.makedirs(source)
        found = arrivals(source, output, pause=grow)
        taken.append(next(found))
        self.assertEqual(sizes, [4, 8, 12, 12])
        os.makedirs(output)
        for path in (second, os.path.join(source, "c.png"), os.path.join(output, "c.png")):
            with open(path, "wb") as file:
                file.write(b"whole")
        taken.append(next(found))
        self.assertEqual(taken, [{path: path.replace(source, output)} for path in (first, second)])
        with self.assertRaisesRegex(ValueError, "--watch needs an input folder and another output folder. Received: "):
            next(arrivals(first, output))

    def test_compare_has_the_input_at_the_left(self):
        picture = noise(5, 9, 3)
        self.put("a.png", picture)
        found, _, _ = self.translated(compare=True)
        np.testing.assert_array_equal(found["a.png"], np.concatenate([picture, 255 - picture], 1))

    def test_broken_files_among_good_ones(self):
        good = self.put("a.png")
        self.put("z.jpg", noise(200, 200, 3))
        with open(good, "rb") as file:
            content = file.read()
        for name, part in (("empty.png", b""), ("half.png", content[:-40]), ("text.jpg", b"<html>not found</html>")):
            with open(os.path.join(self.input, name), "wb") as file:
                file.write(part)
        os.symlink("nowhere", os.path.join(self.input, "gone.png"))
        found, unread, text = self.translated()
        self.assertEqual(sorted(found), ["a.png", "z.png"])
        names = {"empty.png", "half.png", "text.jpg", "gone.png"}
        self.assertEqual({os.path.basename(path) for path in unread}, names)
        for name in names:
            self.assertRegex(text, f"left out: An image must be readable. Received: '.*/{name}' ")

    @parameterized.parameters(1, 2, 5)
    def test_few_images_wait(self, workers):
        """However slow the network, only some images are read ahead of it."""
        for number in range(20):
            self.put(f"{number:02d}.png", noise(number + 1, 2, 3))
        read, most, seen = [], [], []
        lock = threading.Lock()

        import pgtf.data.rgb_images as module

        def counted(path, original=module.read):
            with lock:
                read.append(path)
            return original(path)

        def slow(image):
            threading.Event().wait(0.02)
            seen.append(len(image))
            most.append(len(read) - len(seen))
            return image

        module.read, original = counted, module.read
        try:
            self.translated(translate=slow, workers=workers)
        finally:
            module.read = original
        self.assertEqual(seen, list(range(1, 21)))
        self.assertLessEqual(max(most), workers + 1)

    def test_what_cannot_be_written_stops_it(self):
        for number in range(10):
            self.put(f"{number}.png")
        targets = {path: os.path.join("/proc/no/such", "x.png") for path in outputs(self.input, self.output)}
        with self.assertRaises(OSError):
            translate_files(negative, targets, out=io.StringIO())

    def test_an_output_folder_in_the_way(self):
        self.put("a.png")
        os.makedirs(self.output)
        self.assertLen(outputs(self.input, self.output), 1)  # Empty, and with what a file manager leaves.
        for name in (".DS_Store", "mine.txt"):
            with open(os.path.join(self.output, name), "w") as file:
                file.write("precious")
            if name[0] == ".":
                self.assertLen(outputs(self.input, self.output), 1)
        with self.assertRaisesRegex(ValueError, r"--overwrite. Received: '.*out', which holds mine.txt$"):
            outputs(self.input, self.output)
        translate_files(negative, outputs(self.input, self.output, overwrite=True), out=io.StringIO())
        self.assertCountEqual(os.listdir(self.output), [".DS_Store", "mine.txt", "a.png"])

    def test_an_input_is_never_overwritten(self):
        path = self.put("a.png")
        for source in (path, self.input):
            with self.assertRaisesRegex(ValueError, "An output would replace an input.* Received: '.*a.png' as both"):
                outputs(source, self.input, overwrite=True)

    def test_links_to_folders_are_followed(self):
        self.put("a.png")
        elsewhere = self.create_tempdir().full_path
        Image.fromarray(noise(3, 4, 3)).save(os.path.join(elsewhere, "b.png"))
        os.makedirs(os.path.join(elsewhere, "deep.png"))  # A folder, whatever its name.
        Image.fromarray(noise(2, 4, 3)).save(os.path.join(elsewhere, "deep.png", "c.png"))
        for name in ("one", "two"):
            os.symlink(elsewhere, os.path.join(self.input, name))
        found, unread, _ = self.translated()
        self.assertEqual(unread, {})
        names = ["a.png", *(f"{link}/{name}" for link in ("one", "two") for name in ("b.png", "deep.png/c.png"))]
        self.assertCountEqual(found, names)

    def test_links_that_lead_back_end(self):
        self.put("a/b/c.png")
        os.symlink(self.input, os.path.join(self.input, "a", "b", "top"))
        os.symlink(".", os.path.join(self.input, "a", "itself"))
        os.symlink("loop", os.path.join(self.input, "loop"))
        found = [os.path.relpath(path, self.input) for path in outputs(self.input, self.output)]
        self.assertEqual(found, ["a/b/c.png"])

    def test_an_output_folder_behind_a_link_is_no_input(self):
        self.put("a.png")
        os.symlink(os.path.dirname(self.output), os.path.join(self.input, "all"))
        self.translated()
        again = outputs(self.input, self.output, overwrite=True)
        self.assertEqual([os.path.relpath(path, self.input) for path in again], ["a.png"])

    def test_a_pipe_is_left_out(self):
        self.put("a.png")
        os.mkfifo(os.path.join(self.input, "b.png"))
        found, unread, _ = self.translated()
        self.assertEqual((list(found), [os.path.basename(path) for path in unread]), (["a.png"], ["b.png"]))

    def test_an_output_folder_inside_the_input_is_no_input(self):
        self.put("a.png")
        self.output = os.path.join(self.input, "out")
        self.translated()
        again = outputs(self.input, self.output, overwrite=True)
        self.assertEqual([os.path.relpath(path, self.input) for path in again], ["a.png"])

    def test_refuses_what_is_no_input_or_output(self):
        with self.assertRaisesRegex(FileNotFoundError, "an image or a folder of images. Received: '/no/such'"):
            outputs("/no/such", self.output)
        with self.assertRaisesRegex(ValueError, "The folder holds no image .* Received: '.*in'"):
            outputs(self.input, self.output)
        path = self.put("a.png")
        with self.assertRaisesRegex(ValueError, "must be a folder, without a file ending. Received: '.*a.png'"):
            outputs(self.input, path)
        with self.assertRaisesRegex(ValueError, "must be a folder, without a file ending. Received: 'new.png'"):
            outputs(self.input, "new.png")
        for name in ("out.jpg", "out.HEIC"):
            with self.assertRaisesRegex(ValueError, f".png file or a folder: .* Received: '{name}'"):
                outputs(path, name)


if __name__ == "__main__":
    absltest.main()
