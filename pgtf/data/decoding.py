"""Decodes image files to arrays [h, w, channels] of their own type: uint8, uint16 or float32.

8-bit pictures are converted as `rgb_images.read` converts them: EXIF orientation applied, palettes and CMYK to RGB,
colour profiles ignored, transparent pixels on white unless an alpha channel is asked for. All other files keep their
channels and their values.
"""

from __future__ import annotations

import io
import logging
import math
import os
import zipfile
from collections.abc import Mapping
from typing import IO, Any, Callable

import numpy as np
from PIL import Image

from pgtf.data import rgb_images
from pgtf.data.pixels import MOST_CHANNELS
from pgtf.foundation.errors import ImageError

# Both log each oddity of a file: Pillow more than six channels, tifffile each broken tag. An ImageError reports errors.
for _name in ("PIL", "tifffile"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)
LIMIT = 2**31  # Most bytes of a decoded image.
WIDE_PNG = b"\x89PNG\r\n\x1a\n"
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # {channels: Pillow's mode}
EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
TIFF, BITS, SAMPLES = (".tif", ".tiff"), 258, 277  # Endings; the tags of bits per sample and of samples per pixel.
# {EXIF orientation: function that undoes it}
UPRIGHT: Mapping[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x, 1),
}


def decode(path: str, channels: int = 0) -> np.ndarray:
    """Reads an image file as [h, w, channels] of uint8, uint16 or float32.

    Args:
      path: The file.
      channels: Number of channels. 8-bit pictures are converted to it (1: gray, 2: gray and alpha, 3: RGB, 4: RGBA),
        and a single channel is repeated. Default: RGB for 8-bit pictures, otherwise as many as the file has.

    Raises:
      ImageError: If the file cannot be read, has other channels, or holds values that are not finite.
    """
    return rgb_images.guarded(path, lambda file, size: _decoded(path, file, size, channels))


def _decoded(path: str, file: IO[bytes], size: int, channels: int) -> np.ndarray:
    ending = os.path.splitext(path)[1].lower()
    if ending in rgb_images.ARRAYS:
        image = _of_numpy(file, ending)
    else:
        found = _of_pillow(file, size, channels, ending in TIFF)
        if found is not None:
            return found
        file.seek(0)
        image = _of_tiff(file, size)
    return with_channels(plain(image), channels)


def plain(array: np.ndarray) -> np.ndarray:
    """Converts an array to [h, w, c] of uint8, uint16 or float32. Refuses a conversion that would lose values.

    Small integers of other types become float32, and float64 is rounded to it. Booleans become 0 and 255.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not array.size:
        raise ImageError(f"an array must be [height, width] or [height, width, channels], not {list(array.shape)}")
    if array.shape[-1] > MOST_CHANNELS:
        raise ImageError(f"channels must be the last axis, at most {MOST_CHANNELS}, not {list(array.shape)}")
    if array.dtype == bool:
        return array.astype("uint8") * np.uint8(255)
    if array.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    if array.dtype.kind not in "iuf":
        raise ImageError(f"values must be whole numbers or floats, not {array.dtype}")
    values = array.astype("float32")
    if not np.isfinite(values).all():
        raise ImageError("it holds values that are not finite (NaN or infinite in float32)")
    if array.dtype.kind in "iu" and (values.astype(array.dtype) != array).any():
        raise ImageError(f"its values of {array.dtype} are too large for float32")
    return values


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Returns an image [h, w, c] with this many channels; 0 means all. A single channel is repeated."""
    there = image.shape[-1]
    if channels in (0, there):
        return image
    if there == 1:
        return np.repeat(image, channels, axis=-1)
    raise ImageError(f"it has {there} channels, where {channels} are wanted")


def _of_pillow(file: IO[bytes], size: int, channels: int, is_tiff: bool) -> np.ndarray | None:
    """Decodes an 8-bit picture or a 16-bit PNG. Returns None for TIFF files that Pillow would change."""
    try:
        image = Image.open(file)
    except Exception:
        if is_tiff:
            return None
        raise
    with image:
        if image.width * image.height > max(rgb_images.PIXELS, rgb_images.PIXELS_PER_BYTE * size):
            raise ImageError(f"{image.width} x {image.height} pixels do not fit into {size} bytes")
        if _is_deep_png(file):
            return with_channels(_of_deep_png(image, file), channels)
        if is_tiff and not _is_picture(image, channels):
            return None
        if image.mode not in EIGHT_BITS:
            raise ImageError(f"its mode {image.mode} is not supported; convert it to PNG or TIFF")
        image.load()
        upright = rgb_images.upright(image)
        if channels in (0, 3):
            return rgb_images.rgb(upright)
        if channels not in MODES:
            raise ImageError(f"an 8-bit picture can become 1 to 4 channels, not {channels}")
        if channels == 1:  # On white, as RGB is.
            upright = Image.fromarray(rgb_images.rgb(upright)) if upright.mode not in ("1", "L") else upright
        converted = np.asarray(upright.convert(MODES[channels]))
        return converted.reshape(*converted.shape[:2], channels)


def _is_picture(image: Image.Image, channels: int) -> bool:
    """Returns whether Pillow reads all of a TIFF file: 8 bits, every sample, no gray pages that are channels."""
    tags: Any = getattr(image, "tag_v2", {})
    bits, samples = set(tags.get(BITS, (1,))), tags.get(SAMPLES, 1)
    pages = image.mode == "L" and getattr(image, "n_frames", 1) > 1
    whole = (
        image.mode in EIGHT_BITS and bits <= {1, 2, 4, 8} and (image.mode == "P" or len(image.getbands()) == samples)
    )
    return whole and not pages and channels <= max(MODES)


def _is_deep_png(file: IO[bytes]) -> bool:
    """Returns whether a file is a PNG of 16 bits, of which Pillow keeps only 8 if it has colours or alpha."""
    file.seek(0)
    head = file.read(26)
    return head.startswith(WIDE_PNG) and head[24:25] == b"\x10"


def _of_deep_png(image: Image.Image, file: IO[bytes]) -> np.ndarray:
    if image.mode.startswith("I"):
        image.load()
        return np.asarray(image).astype("uint16")[..., None]
    import tensorflow as tf  # Pillow has no mode for 16-bit colours.

    file.seek(0)
    with tf.device("CPU:0"):
        decoded: np.ndarray = tf.io.decode_png(file.read(), dtype=tf.uint16).numpy()
    return decoded


def _of_numpy(file: IO[bytes], ending: str) -> np.ndarray:
    if ending == ".npz":
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            name = names[0] if len(names) == 1 else "image.npy"
            if name not in names:
                raise ImageError(f"an .npz file must hold one array, or one called image, not {', '.join(names)}")
            _check_bytes(archive.getinfo(name).file_size)
            return np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    _check_bytes(math.prod(shape) * dtype.itemsize)
    file.seek(0)
    array: np.ndarray = np.load(file, allow_pickle=False)
    return array


def _of_tiff(file: IO[bytes], size: int) -> np.ndarray:
    """Decodes the first series of a TIFF file. Pages of one channel each, or planes, become channels."""
    import tifffile  # Imported when needed: it takes a tenth of a second.

    with tifffile.TiffFile(file, is_ome=False) as tiff:  # OME's description may name other files.
        _check_pages(tiff)
        series: Any = tiff.series[0]
        _check_bytes(math.prod(series.shape) * series.dtype.itemsize, size)
        kept = [(axis, length) for axis, length in zip(series.axes, series.shape) if length > 1 or axis in "YX"]
        axes = "".join(axis for axis, _ in kept)
        others = axes.replace("Y", "").replace("X", "")
        if len(others) > 1 or not {"Y", "X"} <= set(axes):
            raise ImageError(f"its axes {axes} {[length for _, length in kept]} are not height, width and channels")
        array = _values(series, file).reshape([length for _, length in kept])
        turn = UPRIGHT.get(int(getattr(series.keyframe.tags.get(rgb_images.ORIENTATION), "value", 1)))
    order = [axes.index(axis) for axis in ("Y", "X", *others)]
    array = array.transpose(order)
    return turn(array) if turn else array


def _check_pages(tiff: Any) -> None:
    """Raises ImageError for more pages than channels. The list of pages of a broken file may have no end."""
    try:
        tiff.pages[MOST_CHANNELS]
    except IndexError:
        return
    raise ImageError(f"its pages are more than pgtf reads of one image ({MOST_CHANNELS})")


def _values(series: Any, file: IO[bytes]) -> np.ndarray:
    """Reads a series. Pillow reads single pages in compressions that need tifffile's extra package."""
    try:
        values: np.ndarray = series.asarray()
    except (ValueError, KeyError) as error:
        if "imagecodecs" not in str(error):
            raise
        file.seek(0)
        with Image.open(file) as image:
            if len(series.pages) > 1 or image.mode not in ("F", "I;16", "I;16B"):
                raise ImageError(f"{error}: pip install imagecodecs, or save it with deflate compression") from error
            image.load()
            values = np.asarray(image).astype(series.dtype)
    return values


def _check_bytes(decoded: int, stored: int = LIMIT) -> None:
    """Raises ImageError for an image that takes too much memory, or far more than its file."""
    if decoded > min(LIMIT, max(2**28, rgb_images.PIXELS_PER_BYTE * stored)):
        raise ImageError(f"its {decoded:,} bytes of values are more than pgtf reads of one image ({LIMIT:,})")
