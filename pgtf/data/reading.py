"""Reading image files, whatever they hold, as uint8 RGB."""

from __future__ import annotations

import io
import os
import stat
import warnings
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

# Endings of image files that pgtf reads, and of those that it does not read, so that these can be named.
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
UNREAD_ENDINGS = (
    *(".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".jfif", ".tga", ".ppm", ".pgm", ".svg", ".eps", ".pdf"),
    *(".psd", ".exr", ".hdr", ".dds", ".ico", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
)
# Pillow's own limit is lower than what users have.
Image.MAX_IMAGE_PIXELS = None
# One damaged file can be warned of dozens of times; what matters of it is an ImageError. For all threads, so here.
warnings.filterwarnings("ignore", module=r"PIL\.")
# Any file may hold 8192 x 8192 pixels, and a large one 1024 for each of its bytes: a header that claims more lies.
PIXELS, PIXELS_PER_BYTE = 2**26, 2**10

ORIENTATION = 0x0112  # The EXIF tag, and how to undo each of its values.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ValueError):
    """A file that should hold an image doesn't."""


def is_image_name(name: str) -> bool:
    """Whether a file of this name should hold an image; hidden files are not looked at."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def is_unread_image_name(name: str) -> bool:
    """Whether a file of this name holds an image that pgtf does not read; hidden files are not looked at."""
    return name.lower().endswith(UNREAD_ENDINGS) and not name.startswith(".")


def read(path: str) -> np.ndarray:
    """An image file as [h, w, 3] uint8: turned upright, gray as RGB, 16 bits as 8, transparent as white."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # Opening a pipe would wait for whoever writes into it.
            raise ImageError("it is no regular file")
        with open(path, "rb") as file:
            return decoded(file, status.st_size)
    except Exception as error:  # Pillow raises almost any on a broken file.
        why = str(error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            why = (
                "pgtf does not read its format; convert it to JPEG or PNG"
                if is_unread_image_name(path)
                else "it is no image"
            )
        raise ImageError(f"An image must be readable. Received: {path!r} ({why})") from error


def decoded(file: IO[bytes], size: int, formats: tuple[str, ...] | None = None) -> np.ndarray:
    """The image in an open file of so many bytes, as `read` gives it; where it is broken, almost any error."""
    with Image.open(file, formats=formats) as image:
        if image.width * image.height > max(PIXELS, PIXELS_PER_BYTE * size):
            raise ImageError(f"{image.width} x {image.height} pixels do not fit into {size} bytes")
        image.load()
        return rgb(_upright(image))


def _upright(image):
    """The image as its camera was held; as it lies in the file where its EXIF block is broken."""
    try:
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION))
    except Exception:  # As above, and the pixels are good.
        turn = None
    return image if turn is None else image.transpose(turn)


def rgb(image: Image.Image) -> np.ndarray:
    """A Pillow image as [h, w, 3] uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype("float32")
        if image.mode.startswith("I;16") or (image.mode == "I" and values.max(initial=0) > 255):
            values = values / 257  # 65535 becomes 255.
        image = Image.fromarray(np.fmin(np.fmax(values + 0.5, 0), 255).astype("uint8"))  # What is no number is 0.
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def of_array(array: np.ndarray) -> np.ndarray:
    """An array as [h, w, 3] uint8, converted as `read` converts a file of it.

    Args:
      array: uint8 or uint16, [h, w] or [h, w, channels]: gray, gray and alpha, RGB or RGBA.
    """
    array = np.asarray(array)
    channels = {2: 1, 3: array.shape[-1] if array.ndim else 0}.get(array.ndim, 0)
    if array.dtype not in (np.uint8, np.uint16) or channels not in (1, 2, 3, 4) or not array.size:
        raise ValueError(
            "An image must be uint8 or uint16, [h, w] or [h, w, channels] with 1 to 4 channels. "
            f"Received: {array.dtype} {list(array.shape)}"
        )
    if channels == 1:
        return rgb(Image.fromarray(array.reshape(array.shape[:2])))
    if array.dtype == np.uint16:  # Pillow reads only gray in 16 bits; of colours it keeps the upper 8.
        array = (array >> 8).astype("uint8")
    return array if channels == 3 else rgb(Image.fromarray(array))


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """[h, w, 3] uint8 -> [height, width, 3]."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def to_float(image: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in [-1, 1], what networks take."""
    return np.asarray(image, "float32") / 127.5 - 1


def to_uint8(image: np.ndarray) -> np.ndarray:
    """[-1, 1] -> uint8, rounded."""
    return np.clip(np.rint((np.asarray(image, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def png(image: np.ndarray) -> bytes:
    """uint8 [h, w, 3] as a PNG file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()
