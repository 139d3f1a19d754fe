"""Image files of every kind become uint8 RGB; what is no image is named."""

import collections
import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from unittest import mock

import numpy as np
import pytest
from absl.testing import absltest, parameterized
from PIL import Image, ImageCms, PngImagePlugin

from pgtf.data.decoding import decode
from pgtf.data.rgb_images import (
    ENDINGS,
    is_image_name,
    is_unread_image_name,
    of_array,
    read,
    resized,
    rgb,
    to_float,
    to_uint8,
)
from pgtf.foundation.errors import ImageError

# Taller than wide and with no symmetry, so that a turned or mirrored picture can't pass.
PICTURE = np.random.default_rng(0).integers(0, 256, (5, 3, 3), dtype="uint8")
ORIENTATION = 0x0112  # Exif's name for it.


class ReadTest(parameterized.TestCase):
    def saved(self, image, name="x.png", **how):
        path = os.path.join(self.create_tempdir().full_path, name)
        image.save(path, **how)
        return path

    def test_a_picture_is_what_it_was(self):
        for name in ("x.png", "x.bmp", "x.tif"):
            image = read(self.saved(Image.fromarray(PICTURE), name))
            self.assertEqual(image.dtype, np.uint8)
            np.testing.assert_array_equal(image, PICTURE)

    def test_gray_is_the_same_in_all_channels(self):
        gray = PICTURE[:, :, 0]
        np.testing.assert_array_equal(read(self.saved(Image.fromarray(gray))), np.stack([gray] * 3, -1))

    def test_black_and_white_is_0_and_255(self):
        bits = PICTURE[:, :, 0] > 127
        image = read(self.saved(Image.fromarray(bits)))
        np.testing.assert_array_equal(image, np.stack([bits * 255] * 3, -1))

    def test_16_bits_become_8(self):
        values = np.array([[0, 1000, 32768], [65535, 257 * 7, 257 * 200]], "uint16")
        image = read(self.saved(Image.fromarray(values)))
        np.testing.assert_array_equal(image[:, :, 1], [[0, 4, 128], [255, 7, 200]])
        np.testing.assert_array_equal(image[:, :, 0], image[:, :, 2])

    def test_a_dark_picture_of_16_bits_is_dark(self):
        values = np.array([[0, 1, 255], [34, 128, 254]], "uint16")  # Of 65535: all but one black.
        np.testing.assert_array_equal(read(self.saved(Image.fromarray(values)))[:, :, 0], [[0, 0, 1], [0, 0, 1]])

    def test_floats_are_rounded_and_cut_off(self):
        values = np.array([[-3, 0.4, 0.6], [254.6, 300, 17], [np.nan, np.inf, -np.inf]], "float32")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = rgb(Image.fromarray(values))
        np.testing.assert_array_equal(image[:, :, 2], [[0, 0, 1], [255, 255, 17], [0, 255, 0]])

    def test_what_is_transparent_is_white(self):
        alpha = np.array([[0, 128, 255]] * 5, "uint8")
        image = read(self.saved(Image.fromarray(np.dstack([PICTURE, alpha]))))
        share = alpha[..., None] / 255
        np.testing.assert_allclose(image, PICTURE * share + 255 * (1 - share), atol=1)
        np.testing.assert_array_equal(image[:, 0], np.full((5, 3), 255))
        np.testing.assert_array_equal(image[:, 2], PICTURE[:, 2])

    def test_gray_with_alpha(self):
        gray, alpha = PICTURE[:, :, 0], np.array([[0, 255, 255]] * 5, "uint8")
        image = read(self.saved(Image.fromarray(np.dstack([gray, alpha]))))
        np.testing.assert_array_equal(image[:, 0], np.full((5, 3), 255))
        np.testing.assert_array_equal(image[:, 1:], np.stack([gray[:, 1:]] * 3, -1))

    def test_a_palette_and_the_colour_in_it_that_is_transparent(self):
        image = Image.fromarray(np.array([[0, 1, 2], [2, 0, 1]], "uint8"))
        image = image.convert("P")
        image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
        expected = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]])[[[0, 1, 2], [2, 0, 1]]]
        np.testing.assert_array_equal(read(self.saved(image)), expected)
        expected[expected[..., 0] == 40] = 255
        np.testing.assert_array_equal(read(self.saved(image, transparency=1)), expected)

    @parameterized.parameters(
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.transpose(1, 0, 2)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: x[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda x: np.rot90(x, 1)),
    )
    def test_a_turned_camera_is_turned_back(self, orientation, upright):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        for name in ("x.png", "x.tif"):
            np.testing.assert_array_equal(read(self.saved(Image.fromarray(PICTURE), name, exif=exif)), upright(PICTURE))

    def test_cmyk(self):
        flat = np.full((16, 8, 3), (200, 60, 20), "uint8")
        path = self.saved(Image.fromarray(flat).convert("CMYK"), "x.jpg", quality=100)
        with Image.open(path) as image:
            self.assertEqual(image.mode, "CMYK")
        np.testing.assert_allclose(read(path), flat, atol=4)

    @parameterized.parameters("jpg", "png", "webp", "tif")
    def test_colour_profiles_are_ignored_also_broken_and_odd_ones(self, ending):
        image, how = Image.fromarray(np.kron(PICTURE, np.ones((8, 8, 1), "uint8"))), {"quality": 100}
        expected = read(self.saved(image, f"x.{ending}", **how))
        for profile in (
            ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes(),
            ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
            b"no profile",
            b"\0" * 70_000,
        ):
            path = self.saved(image, f"x.{ending}", icc_profile=profile, **how)
            np.testing.assert_array_equal(read(path), expected)
            np.testing.assert_array_equal(decode(path), expected)

    @parameterized.parameters("jpg", "png", "webp", "tif", "bmp")
    def test_half_a_file_is_named(self, ending):
        noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype="uint8")
        path = self.saved(Image.fromarray(noise), f"half.{ending}")
        with open(path, "rb+") as file:
            file.truncate(os.path.getsize(path) // 2)
        with self.assertRaisesRegex(ImageError, "must be readable. Received: .*half"):
            read(path)

    def test_a_damaged_file_is_told_of_once(self):
        entries = b"".join(struct.pack("<HHII", tag, 2, 1000, 9999) for tag in range(256, 276))  # Texts beyond its end.
        content = struct.pack("<2sHIH", b"II", 42, 8, 20) + entries + bytes(4)
        path = os.path.join(self.create_tempdir().full_path, "x.tif")
        with open(path, "wb") as file:
            file.write(content)
        # In a process of its own: pytest has its own rules on warnings.
        code = (
            "import sys\nfrom pgtf.data.rgb_images import read\nfrom pgtf.foundation.errors import ImageError\n"
            "try:\n    read(sys.argv[1])\nexcept ImageError:\n    print('told')"
        )
        child = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
        self.assertEqual((child.stdout, child.stderr), ("told\n", ""))

    @parameterized.parameters(b"", b"No image at all, though its name says so.", b"\x89PNG\r\n\x1a\n")
    def test_what_is_no_image_is_named(self, content):
        path = self.create_tempfile("holiday.png", content).full_path
        with self.assertRaisesRegex(ImageError, "Received: '.*holiday.png' .it is not an image.$"):
            read(path)

    def test_a_header_that_lies_about_the_size_is_no_other_error(self):
        path = self.saved(Image.fromarray(PICTURE), "huge.bmp")
        with open(path, "rb+") as file:
            file.seek(18)  # Width and height.
            file.write(b"\xff\xff\xff\x7f" * 2)
        with self.assertRaisesRegex(ImageError, "Received: .*huge.bmp"):
            read(path)

    @parameterized.parameters("png", "bmp", "tif")
    def test_a_picture_that_does_not_fit_into_its_file_is_refused_before_it_takes_memory(self, ending):
        path = self.saved(Image.fromarray(PICTURE), f"huge.{ending}")
        with open(path, "rb") as file:
            content = bytearray(file.read())
        if ending == "png":
            content[16:24] = struct.pack(">II", 2**17, 2**16)
            content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        elif ending == "bmp":
            content[18:26] = struct.pack("<II", 2**17, 2**16)
        else:
            for tag, value in ((256, 2**17), (257, 2**16)):  # Width and height, as they are written and as changed.
                place = content.index(struct.pack("<HHI", tag, 4, 1))
                content[place + 8 : place + 12] = struct.pack("<I", value)
        with open(path, "wb") as file:
            file.write(content)
        loaded = mock.patch("PIL.ImageFile.ImageFile.load", side_effect=AssertionError("it is loaded"))
        expected = r"huge.* \(131072 x 65536 pixels do not fit into \d+ bytes\)"
        with loaded, self.assertRaisesRegex(ImageError, expected):
            read(path)

    def test_a_large_file_may_hold_a_large_picture(self):
        path = self.saved(Image.new("L", (300, 200)))
        size = os.path.getsize(path)
        for pixels, per_byte, fits in ((60_000, 1, True), (10, 60_000 // size + 1, True), (10, 59_999 // size, False)):
            with mock.patch.multiple("pgtf.data.rgb_images", PIXELS=pixels, PIXELS_PER_BYTE=per_byte):
                if fits:
                    self.assertEqual(read(path).shape, (200, 300, 3))
                    continue
                with self.assertRaisesRegex(ImageError, f"300 x 200 pixels do not fit into {size} bytes"):
                    read(path)

    def test_a_file_that_is_not_there(self):
        with self.assertRaisesRegex(ImageError, "Received: '/nowhere/x.png' "):
            read("/nowhere/x.png")

    def test_only_regular_files_and_links_to_them_are_images(self):
        folder = self.create_tempdir().full_path
        os.mkfifo(os.path.join(folder, "pipe.png"))
        os.symlink("/dev/zero", os.path.join(folder, "device.png"))
        os.makedirs(os.path.join(folder, "folder.png"))
        refused = []

        def expect(name):
            with self.assertRaisesRegex(ImageError, f"{name}.png' .it is not a regular file"):
                read(os.path.join(folder, f"{name}.png"))
            refused.append(name)

        for name in ("pipe", "device", "folder"):
            thread = threading.Thread(target=expect, args=[name], daemon=True)  # One that hangs doesn't hang the test.
            thread.start()
            thread.join(10)
            self.assertIn(name, refused)
        os.symlink(self.saved(Image.fromarray(PICTURE)), os.path.join(folder, "link.png"))
        np.testing.assert_array_equal(read(os.path.join(folder, "link.png")), PICTURE)


def exif_block():
    """An EXIF block with values of all kinds: the camera is turned to the right."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F], exif[0x011A], exif[0x0132] = 6, "LayerFactory", 72.0, "2020:01:01 00:00:00"
    exif[0x8769] = {0x829A: 0.01, 0x8827: 100, 0x9000: b"0230", 0x927C: b"note", 0xA002: 80}
    exif[0x8825] = {1: "N", 2: (50.0, 30.0, 10.5)}
    return exif.tobytes()


class NameTest(parameterized.TestCase):
    def test_formats_are_read_or_known_not_to_be(self):
        for name, kinds in (("a.JPG", (True, False)), ("a.PSD", (False, True)), ("a.txt", (False, False))):
            self.assertEqual((is_image_name(name), is_unread_image_name(name)), kinds)
            self.assertFalse(is_image_name(f".{name}") or is_unread_image_name(f".{name}"))
        self.assertFalse(any(is_unread_image_name(f"a{ending}") for ending in ENDINGS))


class HeifTest(parameterized.TestCase):
    """Photos of iPhones."""

    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def put(self, name, image, **how):
        path = os.path.join(self.folder, name)
        image.save(path, quality=-1, **how)  # Without loss but for the change of colour space.
        return path

    def test_pixels_alpha_and_turned_cameras(self):
        pytest.importorskip("pillow_heif")
        big = np.kron(PICTURE, np.ones((16, 16, 1), "uint8"))
        image = Image.fromarray(big)
        np.testing.assert_allclose(read(self.put("x.heic", image)).astype(int), big, atol=2)
        self.assertEqual(decode(self.put("gray.HEIF", image.convert("L"))).shape, big.shape)
        turned = self.put("turned.heic", image, exif=exif_block())
        np.testing.assert_allclose(read(turned).astype(int), np.rot90(big, -1), atol=2)
        clear = Image.fromarray(np.dstack([big, np.zeros(big.shape[:2], "uint8")]))
        path = self.put("clear.heic", clear)
        self.assertEqual(read(path).min(), 255)
        self.assertEqual((decode(path, 4).shape, decode(path, 4)[..., 3].max()), ((*big.shape[:2], 4), 0))

    def test_half_a_file_is_named(self):
        pytest.importorskip("pillow_heif")
        path = self.put("half.heic", Image.fromarray(np.kron(PICTURE, np.ones((16, 16, 1), "uint8"))))
        os.truncate(path, os.path.getsize(path) // 2)
        with self.assertRaisesRegex(ImageError, "Received: '.*half.heic'"):
            read(path)

    @pytest.mark.skipif(".heic" in ENDINGS, reason="pillow-heif is installed")
    def test_without_pillow_heif_the_error_says_what_to_install(self):
        path = os.path.join(self.folder, "x.HEIC")
        with open(path, "wb") as file:
            file.write(b"\0\0\0\x18ftypheic")
        self.assertTrue(is_unread_image_name(path))
        with self.assertRaisesRegex(ImageError, "install pillow-heif, or convert it to JPEG or PNG"):
            read(path)


class DamageTest(parameterized.TestCase):
    """Files with errors in them: an image comes out, or an ImageError."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.create_tempdir().full_path, "damaged")

    def outcome(self, content):
        """The image in some bytes, None where it is refused."""
        with open(self.path, "wb") as file:
            file.write(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, on what it makes of it.
            try:
                image = read(self.path)
            except ImageError:
                return None
        self.assertEqual((image.dtype, image.shape[2:]), (np.uint8, (3,)))
        return image

    def saved(self, ending, **how):
        content = io.BytesIO()
        Image.fromarray(np.kron(PICTURE, np.ones((3, 3, 1), "uint8"))).save(content, ending, **how)
        return content.getvalue()

    def test_an_exif_block_with_one_wrong_bit_leaves_the_picture(self):
        content, block = self.saved("JPEG", exif=exif_block()), exif_block()
        begin = content.index(block) + len(b"Exif\0\0")
        turned = self.outcome(content)
        as_it_lies = self.outcome(self.saved("JPEG"))
        np.testing.assert_array_equal(turned, np.rot90(as_it_lies, -1))
        upright = []
        for place in range(begin, begin + len(block) - len(b"Exif\0\0")):
            damaged = bytearray(content)
            damaged[place] ^= 1 << place % 8
            image = self.outcome(damaged)
            np.testing.assert_array_equal(np.sort(image, axis=None), np.sort(as_it_lies, axis=None))
            upright.append(np.array_equal(image, turned))
        self.assertGreater(np.mean(upright), 0.9)  # Few of the bits matter to the turn.

    def test_an_exif_block_that_is_none_leaves_the_picture(self):
        as_it_lies = self.outcome(self.saved("JPEG"))
        for block in (b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0" + bytes(range(256))):
            for how in ({}, {"dpi": (72, 72)}):  # Pillow looks into it for the dpi as it opens the file.
                np.testing.assert_array_equal(self.outcome(self.saved("JPEG", exif=block, **how)), as_it_lies)
        note = PngImagePlugin.PngInfo()
        note.add_text("Raw profile type exif", "1\n2\n3\nno number")
        np.testing.assert_array_equal(self.outcome(self.saved("PNG", pnginfo=note)), self.outcome(self.saved("PNG")))

    def test_tags_of_a_wrong_type(self):
        content = self.saved("TIFF")
        (begin,) = struct.unpack_from("<I", content, 4)
        (count,) = struct.unpack_from("<H", content, begin)
        refused = 0
        for place in range(begin + 2, begin + 2 + 12 * count, 12):  # Of a tag: its number, its type, …
            for kind in range(14):
                damaged = bytearray(content)
                struct.pack_into("<H", damaged, place + 2, kind)
                refused += self.outcome(damaged) is None
        self.assertGreater(refused, 20)

    @parameterized.parameters(
        ("JPEG", {"exif": exif_block()}),
        ("PNG", {"exif": exif_block()}),
        ("WEBP", {"exif": exif_block()}),
        ("TIFF", {"exif": exif_block()}),
        ("TIFF", {"compression": "tiff_lzw", "tiffinfo": {ORIENTATION: 6}}),
        ("BMP", {}),
    )
    def test_noise_in_a_file(self, ending, how):
        content, draw = self.saved(ending, **how), np.random.default_rng(5)
        outcomes = collections.Counter()
        for _ in range(100):
            damaged = bytearray(content)
            for place in draw.integers(0, min(len(content), draw.choice([100, 10_000])), draw.choice([1, 1, 5])):
                damaged[place] = draw.integers(256)
            outcomes[self.outcome(damaged[: draw.choice([len(content), draw.integers(len(content))])]) is None] += 1
        self.assertGreater(outcomes[True], 10)
        self.assertIsNotNone(self.outcome(content))


def uncompressed_16_bits(array):
    """A TIFF file of uint16 [h, w, 3], which Pillow reads and does not write."""
    height, width, channels = array.shape
    entries = [(256, 3, width), (257, 3, height), (259, 3, 1), (262, 3, 2), (277, 3, channels), (278, 3, height)]
    after = 8 + 2 + 12 * (len(entries) + 3) + 4  # Where the bits of each channel lie, and then the pixels.
    entries += [(258, 3, after, channels), (273, 4, after + 2 * channels), (279, 4, array.nbytes)]
    content = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    for tag, kind, value, *count in sorted(entries):
        content += struct.pack("<HHII", tag, kind, count[0] if count else 1, value)
    return content + struct.pack(f"<I{channels}H", 0, *[16] * channels) + array.astype("<u2").tobytes()


class ArrayTest(parameterized.TestCase):
    @parameterized.parameters(((5, 3), "uint8"), ((5, 3), "uint16"), ((5, 3, 2), "uint8"), ((5, 3, 4), "uint8"))
    def test_an_array_becomes_what_its_file_becomes(self, shape, kind):
        array = np.random.default_rng(1).integers(0, np.iinfo(kind).max + 1, shape, dtype=kind)
        path = os.path.join(self.create_tempdir().full_path, "x.png")
        Image.fromarray(array).save(path)
        np.testing.assert_array_equal(of_array(array), read(path))
        if len(shape) == 2:
            np.testing.assert_array_equal(of_array(array[..., None]), read(path))

    def test_colours_of_16_bits(self):
        array = np.random.default_rng(1).integers(0, 1 << 16, (5, 3, 3), dtype="uint16")
        path = os.path.join(self.create_tempdir().full_path, "x.tif")
        with open(path, "wb") as file:
            file.write(uncompressed_16_bits(array))
        np.testing.assert_array_equal(of_array(array), read(path))

    def test_what_is_no_image(self):
        self.assertIs(of_array(PICTURE), PICTURE)
        for array in (PICTURE.astype("float32"), PICTURE[:, :, :0], PICTURE[None], PICTURE[0, 0], np.uint8(3)):
            with self.assertRaisesRegex(ValueError, f"must be uint8 or uint16, .* Received: {array.dtype} "):
                of_array(array)


class ValuesTest(absltest.TestCase):
    def test_all_levels_come_back(self):
        levels = np.arange(256, dtype="uint8")
        floats = to_float(levels)
        self.assertEqual(floats.dtype, np.float32)
        np.testing.assert_allclose(floats, np.linspace(-1, 1, 256), atol=1e-6)
        self.assertEqual((floats[0], floats[-1]), (-1, 1))
        self.assertEqual(to_uint8(floats).dtype, np.uint8)
        np.testing.assert_array_equal(to_uint8(floats), levels)

    def test_values_are_rounded_not_cut_and_never_wrap(self):
        step = 2 / 255
        np.testing.assert_array_equal(to_uint8(-1 + step * np.array([0.4, 0.6, 99.51, 99.49])), [0, 1, 100, 99])
        np.testing.assert_array_equal(to_uint8([-1.5, 1.5, 1 + 1e-6]), [0, 255, 255])

    def test_resized_takes_height_first(self):
        image = np.zeros((8, 4, 3), "uint8")
        image[:4] = 200  # The upper half.
        small = resized(image, 4, 6)
        self.assertEqual(small.shape, (4, 6, 3))
        self.assertGreater(small[0].min(), 190)
        self.assertLess(small[3].max(), 10)

    def test_an_image_of_the_right_size_is_left_alone(self):
        np.testing.assert_array_equal(resized(PICTURE, 5, 3), PICTURE)


if __name__ == "__main__":
    absltest.main()
