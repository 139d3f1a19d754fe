"""Images uploaded by a browser: checked before they are decoded, and never stored."""

import io
import math
from typing import Optional

import numpy as np
from PIL import Image

from pgtf.data.rgb_images import decoded
from pgtf.foundation.errors import ImageError

BYTES = 32 * 2**20
PIXELS = 50_000_000
RATIO = 16  # Maximum ratio of the longer to the shorter side. At 2**20 pixels no side is then longer than 4096.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # Pillow starts other programs for some formats, not for these.


def received(content: bytes, pixels: int = PIXELS) -> np.ndarray:
    """Reads an image file. An image of a refused size is never decoded.

    Args:
      content: Bytes of the file.
      pixels: Maximum number of pixels.

    Returns:
      uint8 [h, w, 3].

    Raises:
      ImageError: If it is not a readable image, or too large or too narrow.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            wrong = _wrong_size(*image.size, pixels)
        picture = None if wrong else decoded(io.BytesIO(content), len(content), FORMATS)
    except Exception as error:  # Pillow raises many types of errors for broken files.
        raise ImageError(
            f"The file can't be read as an image ({', '.join(FORMATS)}). Received: {len(content):,} bytes"
        ) from error
    if picture is None:
        raise ImageError(wrong)
    return picture


def _wrong_size(width: int, height: int, pixels: int) -> str:
    """Returns why an image of this size is refused; empty if it is accepted."""
    wrong = ""
    if width * height > pixels:
        wrong = f"The image has more than {pixels:,} pixels. Scale it down"
    elif max(width, height) > RATIO * min(width, height):
        wrong = f"One side of the image is more than {RATIO} times as long as the other. Crop it"
    return wrong and f"{wrong}. Received: {width} x {height}"


def fitted(picture: np.ndarray, size: Optional[tuple[int, int]], pixels: int) -> np.ndarray:
    """Scales an image and keeps its aspect ratio.

    Args:
      picture: The image, uint8 [h, w, 3].
      size: (height, width) of a task's training images. The image's shorter side becomes as long as the shorter of
        these. None keeps the image's size if `pixels` allows.
      pixels: Maximum number of pixels of the result.

    Returns:
      uint8 [h, w, 3].
    """
    height, width = picture.shape[:2]
    wanted = min(size) / min(height, width) if size else 1.0
    scale = min(wanted, math.sqrt(pixels / (height * width)))
    across, down = max(1, int(width * scale)), max(1, int(height * scale))
    return np.asarray(Image.fromarray(picture).resize((across, down), Image.Resampling.LANCZOS))


def png(picture: np.ndarray) -> bytes:
    """Encodes an image as PNG with fast compression."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", compress_level=1)
    return content.getvalue()
