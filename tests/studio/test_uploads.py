"""Pictures from a browser: read as everywhere here, refused when they are none or too large."""

import io
import struct
import zlib

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.foundation.errors import ImageError
from pgtf.studio.uploads import fitted, png, received


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype="uint8")


def as_file(image, kind, **settings):
    content = io.BytesIO()
    image.save(content, kind, **settings)
    return content.getvalue()


def claiming(width, height):
    """A PNG file of a few bytes whose header claims so many pixels."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b""))
    sized = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(sized)


class UploadsTest(absltest.TestCase):
    def test_files_of_each_kind(self):
        image = picture(5, 7)
        for kind in ("PNG", "BMP", "TIFF"):
            np.testing.assert_array_equal(received(as_file(Image.fromarray(image), kind)), image)
        for kind in ("JPEG", "WEBP", "GIF"):
            self.assertEqual(received(as_file(Image.fromarray(image), kind)).shape, (5, 7, 3))

    def test_gray_transparent_and_turned(self):
        gray = Image.fromarray(picture(5, 7)[..., 0])
        np.testing.assert_array_equal(received(as_file(gray, "PNG")), np.asarray(gray.convert("RGB")))
        clear = Image.new("RGBA", (2, 2), (9, 9, 9, 0))
        self.assertEqual(received(as_file(clear, "PNG")).tolist(), [[[255] * 3] * 2] * 2)
        turned = Image.fromarray(picture(5, 7))
        exif = turned.getexif()
        exif[0x0112] = 6
        np.testing.assert_array_equal(received(as_file(turned, "PNG", exif=exif)), np.rot90(picture(5, 7), -1))

    def test_what_is_no_picture(self):
        postscript = as_file(Image.fromarray(picture(5, 7)), "EPS")  # To read it, Pillow would run another program.
        whole = as_file(Image.fromarray(picture(50, 70)), "PNG")
        for content in (b"", b"\0" * 100, b"<svg/>", postscript, whole[: len(whole) // 2]):
            with self.assertRaisesRegex(ImageError, f"can't be read as an image .* Received: {len(content):,} bytes"):
                received(content)

    def test_more_pixels_than_are_taken_are_never_decoded(self):
        received(as_file(Image.fromarray(picture(5, 7)), "PNG"), pixels=35)
        for content, size in (
            (as_file(Image.fromarray(picture(5, 7)), "PNG"), "7 x 5"),
            (claiming(60000, 60000), "60000 x 60000"),
        ):
            with self.assertRaisesRegex(ImageError, f"more than 34 pixels. Scale it down. Received: {size}"):
                received(content, pixels=34)

    def test_a_picture_too_long_for_its_width_is_never_decoded(self):
        self.assertEqual(received(as_file(Image.fromarray(picture(2, 32)), "PNG")).shape, (2, 32, 3))
        with self.assertRaisesRegex(ImageError, "more than 16 times as long .* Crop it. Received: 1048576 x 1"):
            received(claiming(1048576, 1))

    def test_a_picture_is_brought_to_the_scale_of_a_task(self):
        self.assertEqual(fitted(picture(100, 200), (64, 64), 10**6).shape, (64, 128, 3))
        self.assertEqual(fitted(picture(20, 10), (64, 128), 10**6).shape, (128, 64, 3))
        self.assertEqual(fitted(picture(10, 1000), (64, 64), 64 * 100).shape, (8, 800, 3))
        self.assertEqual(fitted(picture(1, 5000), (64, 64), 1000).shape, (1, 2236, 3))
        for pixels, shape in ((10**6, (100, 200, 3)), (5000, (50, 100, 3))):
            self.assertEqual(fitted(picture(100, 200), None, pixels).shape, shape)

    def test_png_is_exact(self):
        np.testing.assert_array_equal(received(png(picture(5, 7))), picture(5, 7))


if __name__ == "__main__":
    absltest.main()
