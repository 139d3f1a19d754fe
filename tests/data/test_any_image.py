"""Images of every type and number of channels keep their values from file to file."""

import io
import logging
import os
import struct
import tracemalloc
from unittest import mock

import numpy as np
import tifffile
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data import writing
from pgtf.data.decoding import decode
from pgtf.data.image_reader import ImageReader
from pgtf.data.pixels import MOST_CHANNELS, RGB, Pixels, RequestedPixels, to_picture
from pgtf.data.rgb_images import read, resized
from pgtf.foundation.errors import ImageError

SHAPE = (5, 3)  # Taller than wide, and values without symmetry.
FLOATS = np.random.default_rng(1).normal(0, 300, (*SHAPE, 8)).astype("float32")


def values(channels, dtype):
    """An image [5, 3, channels] of a type, with its least and greatest value."""
    if dtype == "float32":
        return FLOATS[..., :channels]
    top = np.iinfo(dtype).max
    image = np.random.default_rng(channels).integers(0, top, (*SHAPE, channels), dtype=dtype, endpoint=True)
    image[0, 0], image[-1, -1] = 0, top
    return image


class Files(parameterized.TestCase):
    def path(self, name):
        return os.path.join(self.create_tempdir().full_path, name)

    def written(self, image, ending):
        path = self.path(f"x{ending}")
        with open(path, "wb") as file:
            file.write(writing.content(image, ending))
        return path


class FileTest(Files):
    @parameterized.parameters(
        *((channels, dtype, ".png") for channels in (1, 2, 3, 4) for dtype in ("uint8", "uint16")),
        *(
            (channels, dtype, ending)
            for channels in (1, 2, 3, 4, 6)
            for dtype in ("uint8", "uint16", "float32")
            for ending in (".tif", ".npy")
        ),
    )
    def test_what_is_written_is_read_to_the_bit(self, channels, dtype, ending):
        image = values(channels, dtype)
        found = decode(self.written(image, ending), channels)
        self.assertEqual(found.dtype, image.dtype)
        np.testing.assert_array_equal(found, image)

    @parameterized.parameters((1, "uint16"), (3, "uint16"), (1, "float32"), (6, "uint8"))
    def test_files_of_others_are_read(self, channels, dtype):
        image = values(channels, dtype)
        path = self.path("x.tif")
        planes = np.moveaxis(image, -1, 0)
        for how in (
            dict(data=planes, photometric="minisblack"),  # A page a channel.
            dict(data=planes, photometric="minisblack", **({"planarconfig": "separate"} if channels > 1 else {})),
            dict(data=planes, photometric="minisblack", byteorder=">"),
            dict(data=planes, photometric="minisblack", compression="zlib", predictor=dtype != "float32"),
            dict(data=planes, photometric="minisblack", imagej=True),
            dict(data=planes, photometric="minisblack", ome=True),
        ):
            tifffile.imwrite(path, **how)
            np.testing.assert_array_equal(decode(path, channels), image)

    def test_lzw_is_read_by_pillow_where_its_type_allows(self):
        for dtype in ("uint16", "float32"):
            path, image = self.path("x.tif"), values(1, dtype)
            Image.fromarray(image[..., 0]).save(path, compression="tiff_lzw")
            np.testing.assert_array_equal(decode(path), image)

    def test_16_bit_gray_of_pillow_and_an_npz(self):
        image = values(1, "uint16")
        for name in ("x.png", "x.tif"):
            path = self.path(name)
            Image.fromarray(image[..., 0]).save(path)
            np.testing.assert_array_equal(decode(path), image)
        path = self.path("x.npz")
        np.savez(path, image=image[..., 0], other=np.zeros(3))
        np.testing.assert_array_equal(decode(path), image)

    @parameterized.parameters(("int16", -3, "float32"), ("uint32", 5, "float32"), ("float64", 0.5, "float32"))
    def test_types_that_fit_become_float32(self, dtype, value, expected):
        path = self.path("x.npy")
        np.save(path, np.full(SHAPE, value, dtype))
        found = decode(path)
        self.assertEqual((found.dtype, found[0, 0, 0]), (np.dtype(expected), value))

    def test_pictures_of_8_bits_are_rgb_unless_other_channels_are_asked_for(self):
        path = self.written(values(4, "uint8"), ".png")
        np.testing.assert_array_equal(decode(path), read(path))
        np.testing.assert_array_equal(decode(path, 4), values(4, "uint8"))
        gray = self.written(values(1, "uint8"), ".png")
        np.testing.assert_array_equal(decode(gray), np.repeat(values(1, "uint8"), 3, -1))
        np.testing.assert_array_equal(decode(gray, 1), values(1, "uint8"))

    def test_a_turned_tiff_is_turned_back(self):
        path, image = self.path("x.tif"), values(1, "uint16")
        tifffile.imwrite(path, np.rot90(image[..., 0], 1), extratags=[(274, "H", 1, 6, True)])
        np.testing.assert_array_equal(decode(path), image)

    @parameterized.parameters(np.nan, np.inf, -np.inf)
    def test_values_that_are_not_finite_are_refused(self, value):
        image = values(1, "float32").copy()
        image[1, 2] = value
        for ending in (".npy", ".tif"):
            with self.assertRaisesRegex(ImageError, "Received: '.*x.*not finite"):
                decode(self.written(image, ending))

    @parameterized.parameters(
        (np.zeros((2, 3, 4, 5)), r"must be \[height, width\]"),
        (np.zeros((2, 600, 600), "uint8"), "channels must be the last axis"),
        (np.zeros((0, 3), "uint8"), r"must be \[height, width\]"),
        (np.full((2, 2), 2**31 + 1, "uint32"), "too large for float32"),
        (np.zeros((2, 2), complex), "not complex"),
        (np.array([["a"]], object), ""),
    )
    def test_arrays_that_are_no_image_are_refused(self, array, why):
        path = self.path("x.npy")
        np.save(path, array, allow_pickle=True)
        with self.assertRaisesRegex(ImageError, why):
            decode(path)

    def test_another_number_of_channels_is_refused(self):
        with self.assertRaisesRegex(ImageError, "it has 6 channels, where 4 are wanted"):
            decode(self.written(values(6, "uint8"), ".npy"), 4)

    def test_bombs_are_refused_before_they_take_memory(self):
        huge = io.BytesIO()
        np.lib.format.write_array_header_1_0(huge, {"descr": "<f4", "fortran_order": False, "shape": (40_000, 40_000)})
        for name in ("x.npy", "x.npz", "x.tif"):
            path = self.path(name)
            if name == "x.npy":
                with open(path, "wb") as file:
                    file.write(huge.getvalue())
            elif name == "x.npz":
                np.savez_compressed(path, np.zeros((300, 300), "float32"))
            else:
                tifffile.imwrite(path, np.zeros((300, 300), "float32"), compression="zlib")
            with mock.patch("pgtf.data.decoding.LIMIT", 2**16), self.assertRaisesRegex(ImageError, "bytes of values"):
                decode(path)

    @parameterized.parameters(("uint8", 40_000), ("uint16", 40_000), ("float32", 40_000), ("float32", 2**31 - 1))
    def test_a_tiff_of_gigabytes_by_its_header_is_refused_before_it_takes_memory(self, dtype, side):
        path = self.path("huge.tif")
        tifffile.imwrite(path, np.zeros((16, 16), dtype), compression=None, rowsperstrip=16)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            for tag in (256, 257):  # Width and height.
                place = data.index(struct.pack("<HHI", tag, 4, 1)) if struct.pack("<HHI", tag, 4, 1) in data else None
                place = data.index(struct.pack("<HHI", tag, 3, 1)) if place is None else place
                data[place : place + 12] = struct.pack("<HHII", tag, 4, 1, side)
            file.seek(0)
            file.write(data)
        for channels in (0, 1, 3):
            tracemalloc.start()
            with self.assertRaisesRegex(ImageError, "huge.tif.*(do not fit into|bytes of values)"):
                decode(path, channels)
            self.assertLess(tracemalloc.get_traced_memory()[1], 2**26)
            tracemalloc.stop()

    @parameterized.parameters(1, 2, 150, 600)
    def test_a_tiff_whose_pages_form_a_circle_or_are_too_many_is_refused(self, pages):
        path = self.path("x.tif")
        tifffile.imwrite(path, np.zeros((pages, 8, 8), "uint16"), photometric="minisblack", metadata=None)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            if pages <= MOST_CHANNELS:
                (first,) = place = struct.unpack_from("<I", data, 4)
                for _ in range(pages):  # A page: the number of its tags, 12 bytes each, and the place of the next page.
                    end = place[0] + 2 + 12 * struct.unpack_from("<H", data, place[0])[0]
                    place = struct.unpack_from("<I", data, end)
                self.assertEqual(place, (0,))
                struct.pack_into("<I", data, end, first)
            file.seek(0)
            file.write(data)
        with self.assertRaisesRegex(ImageError, "x.tif.*its pages are more than pgtf reads of one image"):
            decode(path)

    def test_palettes_and_cmyk_become_rgb_and_gray(self):
        flat = Image.new("RGB", (8, 8), (200, 60, 20))
        for mode, name, atol in (("P", "x.png", 0), ("P", "x.tif", 0), ("CMYK", "x.tif", 3), ("CMYK", "x.jpg", 6)):
            path = self.path(name)
            flat.convert(mode).save(path)
            for channels in (0, 3):
                np.testing.assert_allclose(decode(path, channels)[0, 0], (200, 60, 20), atol=atol + 30 * (mode == "P"))
            np.testing.assert_allclose(decode(path, 1)[0, 0], [97], atol=atol + 20 * (mode == "P"))

    @parameterized.parameters(".npy", ".npz", ".tif", ".png")
    def test_half_a_file_is_named(self, ending):
        path = self.path(f"half{ending}")
        image = np.random.default_rng(0).integers(0, 65535, (40, 40, 3), dtype="uint16")
        if ending == ".npz":
            np.savez(path, image)
        else:
            with open(path, "wb") as file:
                file.write(writing.content(image, ending))
        os.truncate(path, os.path.getsize(path) // 2)
        with self.assertRaisesRegex(ImageError, "Received: '.*half"):
            decode(path)

    def test_many_channels_and_damaged_tags_are_not_logged(self):
        image = np.zeros((16, 16, 17), "uint8")
        path = self.path("x.tif")
        tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig")
        with open(path, "r+b") as file:
            data = file.read()
            file.seek(data.index(struct.pack("<HHI", 282, 5, 1)) + 2)  # The type of the resolution.
            file.write(struct.pack("<H", 999))
        with self.assertLogs() as logs:
            logging.warning("the only one")  # It must log something.
            np.testing.assert_array_equal(decode(path), image)
        self.assertLen(logs.output, 1)

    def test_png_refuses_what_it_cannot_hold(self):
        with self.assertRaisesRegex(ValueError, "Use .tif or .npy. Received: float32 with 1 channels"):
            writing.content(values(1, "float32"), ".png")


class ReaderTest(Files):
    def test_channels_or_types_that_change_within_a_task_are_named(self):
        first = self.written(values(1, "uint16"), ".png")
        for other, why in (
            ((3, "uint16"), "it has 3 channels, where 1 are wanted"),
            ((1, "uint8"), "All images of one side must have one type. Received: .* with uint8.* others have uint16"),
            ((1, "float32"), "with float32, where others have uint16"),
        ):
            path = self.written(values(*other), ".tif")
            read_one = ImageReader.of(RequestedPixels(channels=1), [first, path])
            self.assertEqual(read_one(first).shape, (*SHAPE, 1))
            with self.assertRaisesRegex(ImageError, why):
                read_one(path)


class PixelsTest(parameterized.TestCase):
    @parameterized.parameters(1, 3, 4)
    def test_every_value_of_16_bits_comes_back(self, channels):
        pixels = Pixels.of_type(channels, "uint16")
        image = np.arange(2**16, dtype="uint16").reshape(256, 256, 1).repeat(channels, -1)
        scaled = pixels.scaled(image)
        self.assertEqual((scaled.dtype, scaled.min(), scaled.max()), (np.float32, -1, 1))
        np.testing.assert_array_equal(pixels.unscaled(scaled), image)

    def test_floats_come_back_within_their_precision_and_are_clipped_to_the_range(self):
        pixels = Pixels(1, "float32", -100.0, 300.0)
        image = np.array([-100, 0, 99.5, 300, 1000, -1000], "float32").reshape(1, 6, 1)
        scaled = pixels.scaled(image)
        np.testing.assert_allclose(scaled[0, :4, 0], [-1, -0.5, -0.0025, 1], atol=1e-7)
        np.testing.assert_allclose(pixels.unscaled(scaled).ravel(), [-100, 0, 99.5, 300, 300, -100], atol=4e-5)

    def test_rgb_stays_bytes(self):
        image = values(3, "uint8")
        self.assertIs(RGB.scaled(image), image)
        np.testing.assert_array_equal(RGB.unscaled(image / 127.5 - 1), image)

    @parameterized.parameters(
        dict(channels=0), dict(dtype="int8"), dict(low=1.0, high=1.0), dict(high=float("inf")), dict(channels="3")
    )
    def test_other_pixels_are_refused(self, **fields):
        with self.assertRaises(ValueError):
            Pixels(**fields)

    @parameterized.parameters((1, [0, 0, 0]), (2, [0, 1, 1]), (3, [0, 1, 2]), (6, [0, 1, 2]))
    def test_a_picture_shows_the_first_channels(self, channels, order):
        image = values(channels, "uint16")
        picture = to_picture(Pixels.of_type(channels, "uint16").scaled(image))
        self.assertEqual((picture.dtype, picture.shape), (np.uint8, (*SHAPE, 3)))
        np.testing.assert_allclose(picture, image[..., order] / 257, atol=0.51)

    def test_floats_are_resized_by_channel(self):
        ramp = np.linspace(-1, 1, 8, dtype="float32")
        image = np.stack([np.tile(ramp, (4, 1)), np.tile(-ramp, (4, 1))], -1)
        small = resized(image, 2, 4)
        self.assertEqual((small.dtype, small.shape), (np.float32, (2, 4, 2)))
        np.testing.assert_allclose(small[..., 0], -small[..., 1], atol=1e-6)
        self.assertTrue((np.diff(small[0, :, 0]) > 0).all())
        self.assertLessEqual(np.abs(resized(np.sign(image), 9, 30)).max(), 1)


if __name__ == "__main__":
    absltest.main()
