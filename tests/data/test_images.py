"""Image files of every kind become uint8 RGB; what is no image is named."""

import os

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data.images import ImageError, read, resized, rgb, to_float, to_uint8

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
        values = np.array([[-3, 0.4, 0.6], [254.6, 300, 17]], "float32")
        np.testing.assert_array_equal(rgb(Image.fromarray(values))[:, :, 2], [[0, 0, 1], [255, 255, 17]])

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
        (6, lambda x: np.rot90(x, -1)),
        (8, lambda x: np.rot90(x, 1)),
    )
    def test_a_turned_camera_is_turned_back(self, orientation, upright):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        np.testing.assert_array_equal(read(self.saved(Image.fromarray(PICTURE), exif=exif)), upright(PICTURE))

    def test_cmyk(self):
        flat = np.full((16, 8, 3), (200, 60, 20), "uint8")
        path = self.saved(Image.fromarray(flat).convert("CMYK"), "x.jpg", quality=100)
        with Image.open(path) as image:
            self.assertEqual(image.mode, "CMYK")
        np.testing.assert_allclose(read(path), flat, atol=4)

    @parameterized.parameters("jpg", "png", "webp", "tif", "bmp")
    def test_half_a_file_is_named(self, ending):
        noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype="uint8")
        path = self.saved(Image.fromarray(noise), f"half.{ending}")
        with open(path, "rb+") as file:
            file.truncate(os.path.getsize(path) // 2)
        with self.assertRaisesRegex(ImageError, "must be readable. Received: .*half"):
            read(path)

    @parameterized.parameters(b"", b"No image at all, though its name says so.", b"\x89PNG\r\n\x1a\n")
    def test_what_is_no_image_is_named(self, content):
        path = self.create_tempfile("holiday.png", content).full_path
        with self.assertRaisesRegex(ImageError, "Received: .*holiday.png"):
            read(path)

    def test_a_header_that_lies_about_the_size_is_no_other_error(self):
        path = self.saved(Image.fromarray(PICTURE), "huge.bmp")
        with open(path, "rb+") as file:
            file.seek(18)  # Width and height.
            file.write(b"\xff\xff\xff\x7f" * 2)
        with self.assertRaisesRegex(ImageError, "Received: .*huge.bmp"):
            read(path)

    def test_a_file_that_is_not_there(self):
        with self.assertRaisesRegex(ImageError, "Received: '/nowhere/x.png' "):
            read("/nowhere/x.png")


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
