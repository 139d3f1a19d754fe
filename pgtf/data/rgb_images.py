"""Reads image files of any mode as uint8 RGB. `decoding` keeps their own channels and type."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from typing import IO, Callable

import numpy as np
from PIL import Image, UnidentifiedImageError

from pgtf.data import tree
from pgtf.foundation.errors import ImageError

# Endings of image files that pgtf reads, and of those that it does not read (for error messages).
ENDINGS: tuple[str, ...] = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".npy", ".npz")
UNREAD_ENDINGS: tuple[str, ...] = (
    *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".jfif", ".tga", ".ppm", ".pgm", ".svg", ".eps", ".pdf"),
    *(".psd", ".exr", ".hdr", ".dds", ".ico", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
)
ARRAYS = (".npy", ".npz")
HEIF = (".heic", ".heif")  # The format of iPhones.
with contextlib.suppress(ImportError):  # The extra `heif`.
    import pillow_heif

    pillow_heif.register_heif_opener()
    ENDINGS, UNREAD_ENDINGS = (*ENDINGS, *HEIF), UNREAD_ENDINGS[2:]
# Pillow's limit is lower than the sizes that users have; PIXELS below replaces it.
Image.MAX_IMAGE_PIXELS = None
# A damaged file can cause dozens of warnings; an ImageError reports it. Filters are global, for all threads, so here.
warnings.filterwarnings("ignore", module=r"PIL\.")
# Limits against decompression bombs: any file may hold 8192 x 8192 pixels, a large one 1024 pixels per byte.
PIXELS, PIXELS_PER_BYTE = 2**26, 2**10

ORIENTATION = 0x0112  # The EXIF orientation tag; UPRIGHT undoes each of its values.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_image_name(name: str) -> bool:
    """Returns whether a file name has the ending of an image. False for hidden files."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def is_unread_image_name(name: str) -> bool:
    """Returns whether a file name has the ending of an image format that pgtf does not read. False for hidden files."""
    return name.lower().endswith(UNREAD_ENDINGS) and not name.startswith(".")


def advice(names: Sequence[str]) -> str:
    """Returns what to do with files in formats that pgtf does not read."""
    heif = any(name.lower().endswith(HEIF) for name in names)
    return f"{'install pillow-heif, or ' if heif else ''}convert {'it' if len(names) == 1 else 'them'} to JPEG or PNG"


def read(path: str) -> np.ndarray:
    """Reads an image file as uint8 [h, w, 3].

    Applies the EXIF orientation. Converts gray to RGB, 16 bits to 8, and transparent to white. Raises ImageError if
    the file cannot be read.
    """
    return guarded(path, decoded)


def guarded(path: str, decode: Callable[[IO[bytes], int], np.ndarray]) -> np.ndarray:
    """Decodes a file with decode(file, its size). Raises ImageError if it is no regular file or cannot be decoded."""
    try:
        file, size = tree.open_file(path)
        with file:
            return decode(file, size)
    except Exception as error:  # Decoders raise exceptions of almost any type for broken files.
        why = str(error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            why = "it is not an image"
            if is_unread_image_name(path):
                why = f"pgtf does not read its format; {advice([path])}"
            elif path.lower().endswith(ARRAYS):
                why = (
                    "arrays are read where pairs are translated; elsewhere images are RGB of 8 bits: convert it to PNG"
                )
        raise ImageError(f"An image must be readable. Received: {path!r} ({why})") from error


def decoded(file: IO[bytes], size: int, formats: tuple[str, ...] | None = None) -> np.ndarray:
    """Decodes an open image file of `size` bytes, like `read`. Raises almost any exception if it is broken."""
    with Image.open(file, formats=formats) as image:
        if image.width * image.height > max(PIXELS, PIXELS_PER_BYTE * size):
            raise ImageError(f"{image.width} x {image.height} pixels do not fit into {size} bytes")
        image.load()
        return rgb(upright(image))


def upright(image: Image.Image) -> Image.Image:
    """Applies the EXIF orientation; ignores a broken EXIF block."""
    try:
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # As above; the pixels are still valid.
        turn = None
    return image if turn is None else image.transpose(turn)


def rgb(image: Image.Image) -> np.ndarray:
    """Converts a Pillow image to uint8 [h, w, 3]."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype("float32")
        if image.mode.startswith("I;16") or (image.mode == "I" and values.max(initial=0) > 255):
            values = values / 257  # 65535 becomes 255.
        image = Image.fromarray(np.fmin(np.fmax(values + 0.5, 0), 255).astype("uint8"))  # NaN becomes 0.
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def of_array(array: np.ndarray) -> np.ndarray:
    """Converts an array to uint8 [h, w, 3], as `read` converts a file.

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
    if array.dtype == np.uint16:  # Pillow reads 16 bits only for gray; of colours it keeps the upper 8.
        array = (array >> 8).astype("uint8")
    return array if channels == 3 else rgb(Image.fromarray(array))


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes uint8 [h, w, 3], or float32 [h, w, c] in [-1, 1], to [height, width, …], bicubic."""
    if image.shape[:2] == (height, width):
        return image
    if image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    channels = [Image.fromarray(np.ascontiguousarray(image[..., place])) for place in range(image.shape[-1])]
    bigger = [np.asarray(channel.resize((width, height), Image.Resampling.BICUBIC)) for channel in channels]
    return np.clip(np.stack(bigger, axis=-1), -1, 1)  # Bicubic overshoots at edges.


def to_float(image: np.ndarray) -> np.ndarray:
    """Converts uint8 to float32 in [-1, 1], the networks' input."""
    return np.asarray(image, "float32") / 127.5 - 1


def to_input(array: np.ndarray) -> np.ndarray:
    """Returns what networks take: uint8 images as float32 in [-1, 1], other arrays as they are."""
    return to_float(array) if array.dtype == np.uint8 else array


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Converts [-1, 1] to uint8, rounded."""
    return np.clip(np.rint((np.asarray(image, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def png(image: np.ndarray) -> bytes:
    """Encodes uint8 [h, w, 3] as a PNG file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()
