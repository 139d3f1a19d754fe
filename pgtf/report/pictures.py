"""The images of a page. Each distinct image is stored once, however often it is shown."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from pgtf.foundation import files
from pgtf.report.markup import Markup, data, element, joined
from pgtf.report.page_cache import PageCache

FLAT = 64  # Pictures of so few colours are drawn ones, which lossless files hold best.
SMALL = 128  # Pixels of a side that are shown as squares, not blurred.
QUALITY = 82


class Pictures:
    """Collects the images of a page and builds their elements.

    Args:
      longest: Maximum length of the longer side in pixels. Larger images are shrunk.
      cache: Cache for encoded images.
    """

    def __init__(self, longest: int, cache: PageCache | None = None):
        self.longest, self.cache = longest, cache or PageCache()
        self._names: dict[str, str] = {}
        self._files: list[str] = []

    def name(self, picture: np.ndarray) -> str:
        """Returns the name of an image uint8 [h, w, 3] in the page. Equal images have one name."""
        digest = files.sha256(repr(picture.shape).encode() + np.ascontiguousarray(picture).tobytes())
        if digest not in self._names:
            content = self.cache.load_or_make(["picture", digest, self.longest], lambda: encoded(picture, self.longest))
            self._names[digest] = str(len(self._files))
            self._files.append(base64.b64encode(content).decode())
        return self._names[digest]

    def image(self, picture: np.ndarray, text: str, **attributes: Any) -> Markup:
        """Builds the img element of an image. text: Alternative text."""
        height, width = picture.shape[:2]
        drawn = "pixels" if max(height, width) <= SMALL else None
        named = {"data_picture": self.name(picture), "class_": drawn, **attributes}
        return element("img", alt=text, width=width, height=height, **named)

    def or_dash(self, picture: np.ndarray | None, text: str) -> Markup:
        """Builds the img element of an image, or a dash for None."""
        return joined("–") if picture is None else self.image(picture, text)

    def script(self) -> Markup:
        """Builds the script element that holds the images, WebP files in base64."""
        return data("pictures", self._files)


def encoded(picture: np.ndarray, longest: int) -> bytes:
    """Encodes an image uint8 [h, w, 3] as WebP."""
    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    lossless = max(image.size) <= SMALL or image.getcolors(FLAT) is not None
    content = io.BytesIO()
    image.save(content, "WEBP", lossless=lossless, quality=60 if lossless else QUALITY, method=4)
    return content.getvalue()
