"""Reads labelled images from .npz files."""

from __future__ import annotations

import functools
import zipfile

import numpy as np

from pgtf.data import tree
from pgtf.data.rgb_images import of_array


@functools.lru_cache(maxsize=4)  # A split is asked for when it is found and when its images are read.
def read_arrays(path: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reads the images and the classes of a .npz file. Its arrays: images [n, h, w(, channels)], labels [n].

    Returns:
      Images as they are stored, and the name of the class of each. A whole number is its own name.
    """
    try:
        file, _ = tree.open_file(path)
        with file, np.load(file, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
        if images.ndim not in (3, 4) or labels.ndim != 1 or len(images) != len(labels) or not len(images):
            raise ValueError(f"images {list(images.shape)}, labels {list(labels.shape)}")
        if labels.dtype.kind not in "iuU":
            raise ValueError(f"labels of {labels.dtype}")
        of_array(images[0])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(
            "A file of labelled images must hold `images`, uint8 or uint16 [n, h, w] or [n, h, w, channels], and "
            f"`labels` [n], whole numbers or texts. Received: {path!r} ({error})"
        ) from error
    return images, tuple(map(str, labels.tolist()))
