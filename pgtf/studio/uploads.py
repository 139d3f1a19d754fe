"""Pictures that come from a browser: checked before they are read, kept nowhere."""

import io
import math
from typing import Optional

import numpy as np
from PIL import Image

from pgtf.data.reading import ImageError, decoded

BYTES = 32 * 2**20
PIXELS = 50_000_000
RATIO = 16  # Longer to shorter side. At 2**20 pixels no side is then longer than 4096.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # None that runs another program.


def received(content: bytes, pixels: int = PIXELS) -> np.ndarray:
    """Reads the picture in a file. One of a size that is refused is never decoded.

    Args:
      content: The file.
      pixels: The most that are taken.

    Returns:
      uint8 [h, w, 3].
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            wrong = _wrong_size(*image.size, pixels)
        picture = None if wrong else decoded(io.BytesIO(content), len(content), FORMATS)
    except Exception as error:  # Pillow raises almost any on a broken file.
        raise ImageError(
            f"A picture is a {', '.join(FORMATS)} file. Received: {len(content):,} bytes that can't be read as one"
        ) from error
    if picture is None:
        raise ImageError(wrong)
    return picture


def _wrong_size(width: int, height: int, pixels: int) -> str:
    """The reason why a picture of this size is refused. Empty for one that is taken."""
    rule = ""
    if width * height > pixels:
        rule = f"has at most {pixels:,} pixels; scale it down"
    elif max(width, height) > RATIO * min(width, height):
        rule = f"is at most {RATIO} times as long on one side as on the other; crop it"
    return rule and f"A picture {rule}. Received: {width} x {height}"


def fitted(picture: np.ndarray, size: Optional[tuple[int, int]], pixels: int) -> np.ndarray:
    """Scales a picture, its shape stays.

    Args:
      picture: uint8 [h, w, 3].
      size: (height, width) that a task learnt at; the shorter side becomes as long as the shorter one of it. None: the
        picture keeps its size where `pixels` allow.
      pixels: The most that the result has.

    Returns:
      uint8 [h, w, 3].
    """
    height, width = picture.shape[:2]
    wanted = min(size) / min(height, width) if size else 1.0
    scale = min(wanted, math.sqrt(pixels / (height * width)))
    across, down = max(1, int(width * scale)), max(1, int(height * scale))
    return np.asarray(Image.fromarray(picture).resize((across, down), Image.Resampling.LANCZOS))


def png(picture: np.ndarray) -> bytes:
    """A PNG file of a picture, quickly made."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", compress_level=1)
    return content.getvalue()
