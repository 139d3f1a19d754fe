"""Reading image files, whatever they hold, as uint8 RGB."""

import numpy as np
from PIL import Image, ImageOps

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
# A picture may be larger than Pillow's guess at an attack; what is read here the user pointed at.
Image.MAX_IMAGE_PIXELS = None
# What Pillow raises on broken files; the last two where a header claims a huge picture.
BROKEN = (OSError, SyntaxError, ValueError, ArithmeticError, MemoryError)


class ImageError(ValueError):
    """A file that should hold an image doesn't."""


def is_image_name(name: str) -> bool:
    """Whether a file of this name should hold an image; hidden ones are others' notes."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def read(path):
    """An image file as [h, w, 3] uint8: turned upright, gray as RGB, 16 bits as 8, transparent as white."""
    try:
        with Image.open(path) as image:
            return rgb(ImageOps.exif_transpose(image))
    except BROKEN as error:
        raise ImageError(f"An image must be readable. Received: {path!r} ({error})") from error


def rgb(image):
    """A Pillow image as [h, w, 3] uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype("float32")
        if image.mode.startswith("I;16") or (image.mode == "I" and values.max(initial=0) > 255):
            values = values / 257  # 65535 becomes 255.
        image = Image.fromarray(np.clip(values + 0.5, 0, 255).astype("uint8"))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def resized(image, height, width):
    """[h, w, 3] uint8 -> [height, width, 3]."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def to_float(image):
    """uint8 -> float32 in [-1, 1], what networks take."""
    return np.asarray(image, "float32") / 127.5 - 1


def to_uint8(image):
    """[-1, 1] -> uint8, rounded."""
    return np.clip(np.rint((np.asarray(image, "float32") + 1) * 127.5), 0, 255).astype("uint8")
