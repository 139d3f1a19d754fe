"""A folder of images through a translation: read and written by some threads while the network runs."""

from __future__ import annotations

import collections
import concurrent.futures
import io
import os
from collections.abc import Iterator
from typing import IO, Callable

import numpy as np
from PIL import Image

from pgtf import files
from pgtf.data.ahead import ahead
from pgtf.data.images import ENDINGS, UNREAD_ENDINGS, ImageError, is_image_name, is_unread_image_name, read
from pgtf.progress import Bar

GIF = ".gif"  # Its first picture is translated; training takes none.
READ = (*ENDINGS, GIF)


def outputs(source: str, output: str, overwrite: bool = False) -> dict[str, str]:
    """{image file: PNG to make of it}, for one file or for a folder's images and those of the folders in it.

    Args:
      source: An image or a folder.
      output: A folder, new or empty; for one image also a .png file.
      overwrite: What is there may be replaced, but never an input.
    """
    if not os.path.exists(source):
        raise FileNotFoundError(f"An input must be an image or a folder of images. Received: {source!r}, not there")
    there = ""
    if _is_file(output):
        _check_file(source, output)
        there = "which is there" if os.path.exists(output) else ""
    elif os.path.isdir(output):
        names = sorted(name for name in os.listdir(output) if name[0] != ".")
        there = f"which holds {few(names)}" if names else ""
    if there and not overwrite:
        raise ValueError(f"Nothing is overwritten unless asked for (--overwrite). Received: {output!r}, {there}")
    found = _targets(source, output)
    if not found:
        raise ValueError(f"A folder of images must hold some ({', '.join(READ)}). Received: {source!r}, without any")
    inputs = {os.path.realpath(path) for path in found}
    for path in found.values():
        if os.path.realpath(path) in inputs:
            raise ValueError(f"An output never takes an input's place. Received: {path!r} as both")
    return found


def _is_file(output: str) -> bool:
    """Whether an output is a file: one that is there, or a name with an image's ending that is not there."""
    return not os.path.isdir(output) and (os.path.exists(output) or output.lower().endswith((*READ, *UNREAD_ENDINGS)))


def _check_file(source: str, output: str) -> None:
    if os.path.isdir(source):
        raise ValueError(f"A folder's pictures go into a folder; name one without an ending. Received: {output!r}")
    if not output.lower().endswith(".png"):
        raise ValueError(f"A picture is written as a PNG file; name it .png, or name a folder. Received: {output!r}")


def _targets(source: str, output: str) -> dict[str, str]:
    if _is_file(output):
        return {source: output}
    if not os.path.isdir(source):
        return {source: os.path.join(output, os.path.splitext(os.path.basename(source))[0] + ".png")}
    found = {}
    for place, target, names in _folders(source, output, output):
        for name, stem in _stems([name for name in names if _is_read(name)]).items():
            found[os.path.join(place, name)] = os.path.join(target, f"{stem}.png")
    return found


def skipped(source: str, output: str) -> tuple[list[str], list[str]]:
    """(images in formats that are not read, files that are no images) of a folder and those in it."""
    unread: list[str] = []
    others: list[str] = []
    for place, _, names in _folders(source, output, output) if os.path.isdir(source) else ():
        for name in names:
            if not _is_read(name):
                path = os.path.relpath(os.path.join(place, name), source)
                (unread if is_unread_image_name(name) else others).append(path)
    return unread, others


def few(names: list[str]) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _is_read(name: str) -> bool:
    return is_image_name(name) or (name.lower().endswith(GIF) and not name.startswith("."))


def _folders(place: str, target: str, output: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, str, list[str]]]:
    """(folder, its target, its files) of a folder and those in it: links are followed, but never back to one above."""
    place_itself = os.path.realpath(place)
    if place_itself in above:
        return
    names = sorted(os.listdir(place))
    folders = {name for name in names if os.path.isdir(os.path.join(place, name))}
    yield place, target, [name for name in names if name not in folders and not name.startswith(".")]
    for name in sorted(folders):
        inner = os.path.join(place, name)
        if os.path.realpath(inner) != os.path.realpath(output):  # What is made is no input.
            yield from _folders(inner, os.path.join(target, name), output, (*above, place_itself))


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
