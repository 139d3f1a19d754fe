"""Broken image files: each is read as an image, or refused with an ImageError."""

from __future__ import annotations

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

from pgtf.data.rgb_images import read
from pgtf.foundation.errors import ImageError
from tests.fuzz.case import Case, Finding
from tests.fuzz.mutation import changed_bytes, some

ENDINGS = ("jpg", "png", "tif", "webp", "bmp")
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "TIFF": ("RGB", "RGBA", "L", "P", "1", "I;16", "F", "CMYK", "YCbCr"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("RGB", "L", "P", "1"),
    "GIF": ("P", "L"),
    "PPM": ("RGB", "1"),
    "TGA": ("RGBA",),
    "ICO": ("RGBA",),
    "PCX": ("RGB",),
    "SGI": ("RGB",),
    "EPS": ("RGB",),
    "JPEG2000": ("RGB", "L"),
}
OPTIONS = {
    "JPEG": ({}, {"progressive": True}, {"quality": 10, "subsampling": 2}, {"restart_marker_blocks": 1}),
    "PNG": ({}, {"optimize": True}, {"compress_level": 0}),
    "TIFF": ({}, *({"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits"))),
    "WEBP": ({}, {"lossless": True}),
}


def attack(case: Case) -> str:
    """Writes a broken image file and reads it."""
    draw = case.draw
    path = case.path(f"image.{some(draw, ENDINGS)}")
    content = changed_bytes(draw, _file(*_described(draw)), _file(*_described(draw)))
    if content.startswith(b"\x89PNG") and draw.random() < 0.75:
        content = _with_checksums(content)
    with open(path, "wb") as file:
        file.write(content)
    try:
        image = read(path)
    except ImageError:
        return "refused"
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise Finding(f"An image is uint8 [h, w, 3]. Received: {image.dtype} {list(image.shape)}")
    return "read"


def _described(draw):
    """A file at random: (format, mode, which options, with EXIF, with ICC, height, width)."""
    kind = some(draw, ("JPEG", "JPEG", "PNG", "PNG", "TIFF", "TIFF", "WEBP", "BMP", "GIF", some(draw, tuple(MODES))))
    mode, options = some(draw, MODES[kind]), int(draw.integers(len(OPTIONS.get(kind, ({},)))))
    return kind, mode, options, *(bool(draw.integers(2)) for _ in range(2)), *some(draw, ((16, 16), (9, 31), (40, 24)))


@functools.cache
def _file(kind, mode, options, exif, icc, height, width):
    values = np.random.default_rng(height).integers(0, 256, [height, width, 4], dtype="uint8")
    values[: height // 2] = 200  # Half of it is plain, as pictures are.
    image = _image(values, mode)
    said, chosen = {}, OPTIONS.get(kind, ({},))[options]
    if exif and (kind in ("JPEG", "PNG", "WEBP") or (kind, chosen) == ("TIFF", {})):
        said["exif"] = _exif()
    if icc and kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        said["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if kind == "PNG" and mode in ("P", "L", "1", "RGB") and icc:
        said["transparency"] = (1, 2, 3) if mode == "RGB" else 1
    content = io.BytesIO()
    image.save(content, kind, **chosen, **said)
    return content.getvalue()


def _image(values, mode):
    if mode in ("I", "I;16", "F"):
        dtype = {"I": "int32", "I;16": "uint16", "F": "float32"}[mode]
        return Image.fromarray((values[..., 0].astype(dtype) * 100).astype(dtype))
    image = Image.fromarray(values, "RGBA")
    return image if mode == "RGBA" else image.convert("RGB").convert(mode) if mode != "LA" else image.convert("LA")


def _exif():
    """An EXIF block with a bit of everything: orientation, texts, fractions, a nested directory."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    exif[0x011A] = 72.5
    exif[0x0132] = "2024:02:03 04:05:06"
    exif.get_ifd(0x8769).update({0x829A: 0.01, 0x9003: "2024:02:03 04:05:06", 0xA002: 40})
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.5)})
    return exif.tobytes()


def _with_checksums(content):
    """A PNG file whose chunks' checksums fit, so that what they hold is looked at."""
    found, place = [content[:8]], 8
    while place + 8 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        body = content[place + 4 : place + 8 + length]
        if len(body) < 4 + length:
            break
        found += [content[place : place + 4], body, struct.pack(">I", zlib.crc32(body))]
        place += 12 + length
    return b"".join([*found, content[place:]])
