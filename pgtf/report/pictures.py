"""The pictures of a page: each distinct one is in it once, however often it is shown."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from pgtf.foundation import files
from pgtf.report.markup import Markup, data, element, joined
from pgtf.report.parts import Parts

FLAT = 64  # Pictures of so few colours are drawn ones, which lossless files hold best.
SMALL = 128  # Pixels of a side that are shown as squares, not blurred.
QUALITY = 82


class Pictures:
    """Collects pictures, and shows them.

    Args:
      longest: Larger pictures are made smaller: their longer side gets so many pixels.
      parts: Where encoded pictures are kept.
    """

    def __init__(self, longest: int, parts: Parts | None = None):
        self.longest, self.parts = longest, parts or Parts()
        self._names: dict[str, str] = {}
        self._files: list[str] = []

    def name(self, picture: np.ndarray) -> str:
        """The name of a picture, uint8 [h, w, 3], in the page; the same for the same picture."""
        digest = files.sha256(repr(picture.shape).encode() + np.ascontiguousarray(picture).tobytes())
        if digest not in self._names:
            content = self.parts.of(["picture", digest, self.longest], lambda: encoded(picture, self.longest))
            self._names[digest] = str(len(self._files))
            self._files.append(base64.b64encode(content).decode())
        return self._names[digest]

    def image(self, picture: np.ndarray, text: str, **attributes: Any) -> Markup:
        """An img of a picture; text: what it shows, for who does not see it."""
        height, width = picture.shape[:2]
        drawn = "pixels" if max(height, width) <= SMALL else None
        named = {"data_picture": self.name(picture), "class_": drawn, **attributes}
        return element("img", alt=text, width=width, height=height, **named)

    def or_dash(self, picture: np.ndarray | None, text: str) -> Markup:
        """An img of a picture, or a dash where there is none."""
        return joined("–") if picture is None else self.image(picture, text)

    def script(self) -> Markup:
        """The pictures themselves, WebP files in base64."""
        return data("pictures", self._files)


def encoded(picture: np.ndarray, longest: int) -> bytes:
    """A WebP file of a picture, uint8 [h, w, 3]."""
    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    lossless = max(image.size) <= SMALL or image.getcolors(FLAT) is not None
    content = io.BytesIO()
    image.save(content, "WEBP", lossless=lossless, quality=60 if lossless else QUALITY, method=4)
    return content.getvalue()
