"""The images of one task, checked before the first of them is used."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
from collections.abc import Sequence
from typing import IO

from pgtf.data.ahead import ahead
from pgtf.data.images import ImageError
from pgtf.data.manifest import Manifest
from pgtf.data.sources import Chosen, Side, Source
from pgtf.progress import Bar

WORKERS = min(4, os.cpu_count() or 1)
MOMENT = 2.0  # Seconds of work that need no bar.
NAMED = 10  # Messages that are shown; more are counted.


@dataclasses.dataclass(frozen=True)
class TaskData:
    """A task's images.

    sources: {"train": pairs, "test": pairs}, or {"trainA": images, "trainB": …, "testA": …, "testB": …} with the side
        of the input first.
    manifest: what these are made of, by the same names.
    origin: where from, in words.
    pairs_apart: whether pairs are used without their pairs.
    skipped: a message for each image that is left out.
    """

    name: str
    sources: dict[str, Source]
    manifest: Manifest
    origin: str
    pairs_apart: bool = False
    skipped: tuple[str, ...] = ()

    @property
    def train(self) -> list[Source]:
        """One source of pairs, or two of single images."""
        return self._split("train")

    @property
    def test(self) -> list[Source]:
        """One source of pairs, or two of single images."""
        return self._split("test")

    def _split(self, split):
        found = [source for name, source in self.sources.items() if name.startswith(split)]
        return [Side(found[0], side) for side in (0, 1)] if self.pairs_apart else found

    def checked(self, skip: bool = False, out: IO[str] | None = None) -> TaskData:
        """This data, each file read once: those that can't be read are left out (skip) or refused, all at once."""
        counts = {files.folder: len(files.kept) for files in self.manifest.files.values()}
        bar = Bar(f"{self.name}: checking", sum(counts.values()), "images", out=out, silent=MOMENT)
        errors = {}
        for name, files in self.manifest.files.items():
            if files.folder not in errors:  # Where there are no test images, those of training are shown.
                errors[files.folder] = _unreadable(self.sources[name], bar)
        messages = [str(error) for found in errors.values() for error in found.values()]
        if messages and not skip:
            raise ImageError(f"{_some(messages)}\n--bad_images=skip leaves such images out.")
        left_out = {}
        for name, files in self.manifest.files.items():
            left_out[name] = tuple(files.kept[index] for index in errors[files.folder])
        return self.without(left_out, messages)

    def resumed(self, manifest: Manifest) -> TaskData:
        """This data as it was when the manifest was recorded, without what was left out then; no image is read.

        Refuses data that has changed since.
        """
        changes = manifest.changes(self.manifest)
        if changes:
            raise ValueError(
                "The data of a task stays as it is from the task's beginning to its end. "
                f"Received: {self.name} with other data\n  " + "\n  ".join(changes)
            )
        left_out = {name: files.left_out for name, files in manifest.files.items()}
        paths = [os.path.join(self.manifest.files[name].folder, file) for name in left_out for file in left_out[name]]
        return self.without(left_out, [f"Left out when the task began: {path!r}" for path in dict.fromkeys(paths)])

    def without(self, left_out: dict[str, tuple[str, ...]], messages: Sequence[str] = ()) -> TaskData:
        """This data without some more files, {name of a source: names}."""
        sources, parts = dict(self.sources), dict(self.manifest.parts)
        for name, names in left_out.items():
            bad, files = frozenset(names), self.manifest.files[name]
            kept = [index for index, file in enumerate(files.kept) if file not in bad]
            if not kept:
                raise ImageError(
                    f"At least one image of a folder must be readable. Received: {files.folder!r}, where none of "
                    f"{len(bad)} is:\n{_some(messages)}"
                )
            if bad:
                parts[name] = dataclasses.replace(files, left_out=files.left_out + names)
                sources[name] = Chosen(sources[name], kept)
        return dataclasses.replace(self, sources=sources, manifest=Manifest(parts), skipped=(*self.skipped, *messages))


def _unreadable(source, bar):
    """{index: error} of the images that can't be read, of all of them, each read once."""
    found, done = {}, bar.done
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for index, reading in ahead(pool, source.__getitem__, range(len(source)), 2 * WORKERS):
            try:
                reading.result()
            except ImageError as error:
                found[index] = error
            bar.show(done + index + 1)
    return found


def _some(messages: Sequence[str]) -> str:
    """Messages, a line each: the first ten, and how many more there are."""
    more = len(messages) - NAMED
    return "\n".join([*messages[:NAMED], *([f"and {more} more"] if more > 0 else [])])
