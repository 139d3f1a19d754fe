"""Translates folders of images. Threads read and write while the network runs."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import os
import time
from collections.abc import Iterator
from typing import IO, Callable

import numpy as np

from pgtf.data import writing as image_files
from pgtf.data.image_reader import ImageReader
from pgtf.data.pixels import RGB, Pixels, to_picture
from pgtf.data.prefetch import prefetch
from pgtf.data.rgb_images import ENDINGS, UNREAD_ENDINGS, is_image_name, is_unread_image_name
from pgtf.foundation import files
from pgtf.foundation.errors import ImageError
from pgtf.foundation.progress import Bar

PNG = ".png"


def outputs(source: str, output: str, overwrite: bool = False, ending: str = PNG) -> dict[str, str]:
    """Plans the output files for one image, or for the images in a folder and its subfolders.

    Args:
      source: An image or a folder.
      output: A new or empty folder. For one image also a file: .png, .tif or .npy.
      overwrite: Whether existing files may be replaced. An input is never replaced.
      ending: Ending of the files in a folder. Default: .png.

    Returns:
      {input image: output image}.

    Raises:
      FileNotFoundError: If the source does not exist.
      ValueError: If the output exists without `overwrite`, or if there is no image.
    """
    if not os.path.exists(source):
        raise FileNotFoundError(f"The input does not exist. Name an image or a folder of images. Received: {source!r}")
    there = ""
    if _is_file(output):
        _check_file(source, output)
        there = "which exists" if os.path.exists(output) else ""
    elif os.path.isdir(output):
        names = sorted(name for name in os.listdir(output) if name[0] != ".")
        there = f"which holds {few(names)}" if names else ""
    if there and not overwrite:
        raise ValueError(f"The output exists. To replace files, add --overwrite. Received: {output!r}, {there}")
    found = _targets(source, output, ending)
    if not found:
        raise ValueError(f"The folder holds no image ({', '.join(ENDINGS)}). Received: {source!r}")
    inputs = {os.path.realpath(path) for path in found}
    for path in found.values():
        if os.path.realpath(path) in inputs:
            raise ValueError(
                f"An output would replace an input. Choose another output folder. Received: {path!r} as both"
            )
    return found


def arrivals(
    source: str, output: str, pause: Callable[[], None] = lambda: time.sleep(0.5), ending: str = PNG
) -> Iterator[dict[str, str]]:
    """Yields {input image: output image} for images that arrive in a folder, without end.

    An image is translated when its size and time are the same before and after a pause. Images with an existing output
    are left out.

    Args:
      source: The folder. Its subfolders are included.
      output: Another folder.
      pause: Function that waits between two scans. Default: half a second.
      ending: Ending of the outputs. Default: .png.
    """
    if not os.path.isdir(source) or _is_file(output) or os.path.realpath(source) == os.path.realpath(output):
        raise ValueError(f"--watch needs an input folder and another output folder. Received: {source!r}, {output!r}")
    before: dict[str, tuple[int, int]] = {}
    taken: set[tuple[str, tuple[int, int]]] = set()
    while True:
        targets, now = _targets(source, output, ending), {}
        for path in targets:
            with contextlib.suppress(FileNotFoundError):  # It was moved away.
                found = os.stat(path)
                now[path] = found.st_size, found.st_mtime_ns
        ready = {path for path, stamp in now.items() if before.get(path) == stamp and (path, stamp) not in taken}
        new = {path: targets[path] for path in sorted(ready) if not os.path.exists(targets[path])}
        taken.update((path, now[path]) for path in new)
        before = now
        if new:
            yield new
        else:
            pause()


def _is_file(output: str) -> bool:
    """Returns whether an output names a file: an existing one, or a new name with an image's ending."""
    return not os.path.isdir(output) and (
        os.path.exists(output) or output.lower().endswith((*ENDINGS, *UNREAD_ENDINGS))
    )


def _check_file(source: str, output: str) -> None:
    if os.path.isdir(source):
        raise ValueError(
            f"The output for a folder of images must be a folder, without a file ending. Received: {output!r}"
        )
    if not output.lower().endswith(image_files.WRITTEN):
        raise ValueError(
            "The output must be a .png file or a folder: images are written as PNG, or as .tif or .npy. "
            f"Received: {output!r}"
        )


def _targets(source: str, output: str, ending: str) -> dict[str, str]:
    if _is_file(output):
        return {source: output}
    if not os.path.isdir(source):
        return {source: os.path.join(output, os.path.splitext(os.path.basename(source))[0] + ending)}
    found = {}
    for place, target, names in _folders(source, output, output):
        for name, stem in _stems([name for name in names if is_image_name(name)]).items():
            found[os.path.join(place, name)] = os.path.join(target, stem + ending)
    return found


def skipped(source: str, output: str) -> tuple[list[str], list[str]]:
    """Lists the files that a folder's translation leaves out: (images in unsupported formats, other files)."""
    unread: list[str] = []
    others: list[str] = []
    for place, _, names in _folders(source, output, output) if os.path.isdir(source) else ():
        for name in names:
            if not is_image_name(name):
                path = os.path.relpath(os.path.join(place, name), source)
                (unread if is_unread_image_name(name) else others).append(path)
    return unread, others


def few(names: list[str]) -> str:
    """Joins the first five names and the number of the others."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _folders(place: str, target: str, output: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, str, list[str]]]:
    """Yields (folder, target folder, file names) for a folder and its subfolders.

    Follows links, except to a folder that it is already inside.
    """
    place_itself = os.path.realpath(place)
    if place_itself in above:
        return
    names = sorted(os.listdir(place))
    folders = {name for name in names if os.path.isdir(os.path.join(place, name))}
    yield place, target, [name for name in names if name not in folders and not name.startswith(".")]
    for name in sorted(folders):
        inner = os.path.join(place, name)
        if os.path.realpath(inner) != os.path.realpath(output):  # Outputs are not inputs.
            yield from _folders(inner, os.path.join(target, name), output, (*above, place_itself))


def _stems(names: list[str]) -> dict[str, str]:
    """Returns {file name: name without its ending}. Names that would clash keep their ending (a.jpg and a.png)."""
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
    pixels: tuple[Pixels, Pixels] = (RGB, RGB),
) -> dict[str, ImageError]:
    """Translates image files. At most `workers` images wait for the network, and as many results wait to be written.

    Args:
      translate: Function of an image [h, w, channels] of a file's type.
      targets: {input: output}.
      compare: Whether to write the input to the left of the output, as a picture of 8 bits.
      workers: Number of threads that read and write.
      title: Title of the progress bar.
      out: Stream of the progress bar.
      pixels: The pixels of inputs and of outputs. Default: RGB.

    Returns:
      {input: error} for files that can't be read. Each error is also printed when it occurs.
    """
    bar, unread = Bar(title, len(targets), "images", out=out), {}
    writing: collections.deque[concurrent.futures.Future] = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for done, (path, reading) in enumerate(prefetch(pool, ImageReader(pixels[0]).raw, targets, workers), 1):
            try:
                image = reading.result()
            except ImageError as error:
                unread[path] = error
                bar.say(f"left out: {error}")
            else:
                picture = translate(image)
                if compare:
                    both = [to_picture(one.scaled(each)) for one, each in zip(pixels, (image, picture))]
                    picture = np.concatenate(both, axis=1)
                writing.append(pool.submit(_write, targets[path], picture))
            while len(writing) > (workers if done < len(targets) else 0):
                writing.popleft().result()
            bar.show(done)
    return unread


def _write(path, picture):
    files.write(path, image_files.content(picture, image_files.ending_of(path)))
