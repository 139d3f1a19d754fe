"""A folder of images through a translation: read and written by some threads while the network runs."""

from __future__ import annotations

import collections
import concurrent.futures
import io
import os
from typing import IO, Callable

import numpy as np
from PIL import Image

from pgtf import files
from pgtf.data.ahead import ahead
from pgtf.data.images import ENDINGS, ImageError, is_image_name, read
from pgtf.progress import Bar


def outputs(source: str, folder: str, overwrite: bool = False) -> dict[str, str]:
    """{image file: PNG to make of it}, for one file or for a folder's images and those of the folders in it.

    The output folder must be new or empty; overwrite: what is there may be replaced, but never an input.
    """
    if not os.path.exists(source):
        raise FileNotFoundError(f"An input must be an image or a folder of images. Received: {source!r}, not there")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ValueError(f"Pictures go into a folder. Received: {folder!r}, a file")
    there = sorted(name for name in os.listdir(folder) if name[0] != ".") if os.path.isdir(folder) else []
    if there and not overwrite:
        raise ValueError(
            f"Nothing is overwritten unless asked for (--overwrite). Received: {folder!r}, which holds "
            f"{', '.join(there[:5])}{f' and {len(there) - 5} more' if len(there) > 5 else ''}"
        )
    if os.path.isdir(source):
        found = _of_folder(source, folder, folder)
    else:
        found = {source: os.path.join(folder, os.path.splitext(os.path.basename(source))[0] + ".png")}
    if not found:
        raise ValueError(f"A folder of images must hold some ({', '.join(ENDINGS)}). Received: {source!r}, without any")
    inputs = {os.path.realpath(path) for path in found}
    for path in found.values():
        if os.path.realpath(path) in inputs:
            raise ValueError(f"An output never takes an input's place. Received: {path!r} as both")
    return found


def _of_folder(place, target, output, above=()):
    """{image of a folder: its PNG in the target}: links to folders are followed, but never back to one above."""
    place_itself = os.path.realpath(place)
    if place_itself in above:
        return {}
    names = sorted(os.listdir(place))
    folders = {name for name in names if os.path.isdir(os.path.join(place, name))}
    images = [name for name in names if is_image_name(name) and name not in folders]
    found = {os.path.join(place, name): os.path.join(target, f"{stem}.png") for name, stem in _stems(images).items()}
    for name in sorted(folders):
        inner = os.path.join(place, name)
        if os.path.realpath(inner) != os.path.realpath(output):  # What is made is no input.
            found.update(_of_folder(inner, os.path.join(target, name), output, (*above, place_itself)))
    return found


def _stems(names: list[str]) -> dict[str, str]:
    """{file name: it without its ending}; where two would then be one, they keep it (a.jpg and a.png)."""
    stems = {name: os.path.splitext(name)[0] for name in names}
    while True:
        counts = collections.Counter(stem.lower() for stem in stems.values())
        clashing = [name for name, stem in stems.items() if counts[stem.lower()] > 1 and stem != name]
        if not clashing:
            return stems
        stems.update(zip(clashing, clashing))


def translate_files(
    translate: Callable[[np.ndarray], np.ndarray],
    targets: dict[str, str],
    *,
    compare: bool = False,
    workers: int = 2,
    title: str = "",
    out: IO[str] | None = None,
) -> dict[str, ImageError]:
    """Writes translate(image) of each input of {input: output}; compare: with the input on its left.

    Returns {input: error} of those that can't be read, each also named when met. At most `workers` images wait for
    the network, and as many results to be written.
    """
    bar, unread = Bar(title, len(targets), "images", out=out), {}
    writing: collections.deque[concurrent.futures.Future] = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for done, (path, reading) in enumerate(ahead(pool, read, targets, workers), 1):
            try:
                image = reading.result()
            except ImageError as error:
                unread[path] = error
                bar.say(f"left out: {error}")
            else:
                picture = translate(image)
                if compare:
                    picture = np.concatenate([image, picture], axis=1)
                writing.append(pool.submit(_write, targets[path], picture))
            while len(writing) > (workers if done < len(targets) else 0):
                writing.popleft().result()
            bar.show(done)
    return unread


def _write(path, picture):
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    files.write(path, content.getbuffer())
