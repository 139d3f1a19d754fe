"""Broken files of any channels, depth and format: each is read as it says, or refused with an ImageError."""

from __future__ import annotations

import functools
import io

import numpy as np
import tensorflow as tf  # noqa: F401  (decodes PNG of 16 bits: importing it is no case's time)
import tifffile

from pgtf.data import writing
from pgtf.data.decoding import decode
from pgtf.data.rgb_images import ENDINGS
from pgtf.foundation.errors import ImageError
from tests.fuzz.case import Case, Finding
from tests.fuzz.images import _with_checksums
from tests.fuzz.mutation import changed_bytes, some

TYPES = ("uint8", "uint16", "float32")
OTHER_TYPES = ("int16", "uint32", "float64", "float16", "bool", "int64", ">u2", "<f4")
CHANNELS = (1, 2, 3, 4, 6, 17)
SIZES = ((16, 16), (9, 31), (40, 24), (1, 1))
TIFFS = (
    {},
    {"compression": "zlib"},
    {"compression": "zlib", "predictor": True},
    {"byteorder": ">"},
    {"imagej": True},
    {"ome": True},
    {"bigtiff": True},
    {"tile": (16, 16)},
    {"rowsperstrip": 3},
)
PLANES = ({}, {"planarconfig": "separate"}, {"planarconfig": "contig"})


def attack(case: Case) -> str:
    """Writes a broken file of an image and decodes it."""
    draw = case.draw
    ending, content = _file(*_described(draw))
    whole = draw.random() < 0.15
    if not whole:
        content = changed_bytes(draw, content, _file(*_described(draw))[1])
    if content.startswith(b"\x89PNG") and draw.random() < 0.75:
        content = _with_checksums(content)
    path = case.path(f"image{ending if draw.random() < 0.9 else some(draw, ENDINGS)}")
    with open(path, "wb") as file:
        file.write(content)
    channels = some(draw, (0, 0, 0, 1, 2, 3, 4, 6, 512))
    try:
        image = decode(path, channels)
    except ImageError as error:
        if "Received" not in str(error):
            raise Finding(f"An image is refused with what was received. Received: {error!r}") from error
        return "refused"
    if image.dtype.name not in TYPES or not image.dtype.isnative or image.ndim != 3 or not image.size:
        raise Finding(f"An image is one of {TYPES} [h, w, c]. Received: {image.dtype} {list(image.shape)}")
    if channels not in (0, image.shape[-1]):
        raise Finding(f"An image has the channels that are asked for. Received: {image.shape[-1]}, not {channels}")
    if not np.isfinite(image).all():
        raise Finding("An image holds finite values. Received: others")
    return "read"


def _described(draw):
    """A file at random: (ending, channels, type, size, options)."""
    ending = some(draw, (".png", ".tif", ".tif", ".npy", ".npz"))
    known = ending == ".png" or draw.random() < 0.7
    dtype = some(draw, TYPES[:2] if ending == ".png" else TYPES if known else OTHER_TYPES)
    channels = some(draw, CHANNELS[:4] if ending == ".png" else CHANNELS)
    return ending, channels, dtype, some(draw, SIZES), int(draw.integers(len(TIFFS))), int(draw.integers(len(PLANES)))


@functools.cache
def _file(ending, channels, dtype, size, option, plane):
    values = np.random.default_rng(channels).normal(0, 3e4, [*size, channels])
    image = np.clip(values, 0, 255).astype(dtype) if dtype in ("uint8", "bool") else np.abs(values).astype(dtype)
    buffer = io.BytesIO()
    if ending == ".npz":
        (np.savez if option % 2 else np.savez_compressed)(buffer, **({"image": image} if plane else {"x": image}))
    elif ending == ".npy":
        np.save(buffer, np.asfortranarray(image) if option % 2 else image)
    elif ending == ".png":
        buffer.write(writing.content(image, ending))
    else:
        planes = np.moveaxis(image, -1, 0) if PLANES[plane] != {"planarconfig": "contig"} else image
        how = {**TIFFS[option], **(PLANES[plane] if channels > 1 else {})}
        try:
            tifffile.imwrite(buffer, planes, photometric="minisblack", **how)
        except Exception:  # Not every type has every option.
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, image.astype("uint8"), photometric="minisblack")
    return ending, buffer.getvalue()
