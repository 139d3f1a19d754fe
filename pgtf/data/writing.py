"""Writes images with all of their values: PNG of 8 or 16 bits, TIFF or .npy."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

WRITTEN = (".png", ".tif", ".tiff", ".npy")
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # {channels: PNG's colour type}


def ending_for(channels: int, dtype: str) -> str:
    """Returns the ending of the files that hold such images: .png, or .tif for floats and more than four channels."""
    return ".png" if dtype != "float32" and channels in _COLOUR_TYPES else ".tif"


def content(image: np.ndarray, ending: str) -> bytes:
    """Encodes an image [h, w, channels] of uint8, uint16 or float32 without a loss.

    Raises ValueError if files with this ending can't hold it.
    """
    if ending not in WRITTEN:
        raise ValueError(f"An output must be one of {', '.join(WRITTEN)}. Received: {ending!r}")
    kind = image.dtype.name
    if ending == ".png":
        if ending_for(image.shape[-1], kind) != ending:
            raise ValueError(
                "PNG holds 1 to 4 channels of uint8 or uint16. Use .tif or .npy. "
                f"Received: {kind} with {image.shape[-1]} channels"
            )
        return _png(image) if kind == "uint8" else _deep_png(image)
    buffer = io.BytesIO()
    if ending == ".npy":
        np.save(buffer, image, allow_pickle=False)
    else:
        import tifffile  # Imported when needed: it takes a tenth of a second.

        channels = image.shape[-1]
        pictured = kind != "float32" and channels in (3, 4)
        layout: dict[str, Any] = (
            {"photometric": "rgb"} if pictured else {"photometric": "minisblack", "planarconfig": "contig"}
        )
        if pictured and channels == 4:
            layout["extrasamples"] = ["unassalpha"]
        tifffile.imwrite(buffer, image[..., 0] if channels == 1 else image, compression="zlib", **layout)
    return buffer.getvalue()


def ending_of(path: str) -> str:
    """Returns the ending of a file's name, in lower case."""
    return os.path.splitext(path)[1].lower()


def _png(image):
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def _deep_png(image: np.ndarray) -> bytes:
    """Encodes 16 bits, which Pillow writes for gray only."""
    height, width, channels = image.shape
    rows = np.ascontiguousarray(image, ">u2").reshape(height, -1).view("uint8")
    filtered = np.concatenate([np.zeros((height, 1), "uint8"), rows], axis=1)  # Filter 0: the values themselves.
    head = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
