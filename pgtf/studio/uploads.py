"""Pictures that come from a browser: checked before they are read, kept nowhere."""

import io
import math

import numpy as np
from PIL import Image

from pgtf.data.images import ImageError, decoded

BYTES = 32 * 2**20
PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # None that runs another program.


def received(content: bytes, pixels: int = PIXELS) -> np.ndarray:
    """The picture in a file, uint8 [h, w, 3]; one of more pixels is refused before it is decoded."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
        picture = decoded(io.BytesIO(content), len(content), FORMATS) if width * height <= pixels else None
    except Exception as error:  # Pillow raises almost any on a broken file.
        raise ImageError(
            f"A picture is a {', '.join(FORMATS)} file. Received: {len(content):,} bytes that can't be read as one"
        ) from error
    if picture is None:
        raise ImageError(f"A picture has at most {pixels:,} pixels. Received: {width} x {height}")
    return picture


def fitted(picture: np.ndarray, size: tuple[int, int], pixels: int) -> np.ndarray:
    """A picture at the scale of a size (height, width): its shorter side is that of the size, its shape stays.

    Args:
      picture: uint8 [h, w, 3].
      size: What a task learnt at.
      pixels: The most that the result has.

    Returns:
      uint8 [h, w, 3].
    """
    height, width = picture.shape[:2]
    scale = min(min(size) / min(height, width), math.sqrt(pixels / (height * width)))
    across, down = max(1, int(width * scale)), max(1, int(height * scale))
    return np.asarray(Image.fromarray(picture).resize((across, down), Image.Resampling.LANCZOS))


def png(picture: np.ndarray) -> bytes:
    """A PNG file of a picture, quickly made."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", compress_level=1)
    return content.getvalue()
