"""The images of one task, checked before the first of them is used."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
from collections.abc import Sequence
from typing import IO

from pgtf.data.manifest import ImageFiles, Manifest, PairedFiles, split_of
from pgtf.data.prefetch import prefetch
from pgtf.data.reading import ImageError
from pgtf.data.side_by_side import refuse_single_images
from pgtf.data.sources import ODD_WIDTH, Side, Source, Subset
from pgtf.foundation.progress import Bar

WORKERS = min(4, os.cpu_count() or 1)
MOMENT = 2.0  # Seconds of work that need no bar.
NAMED = 10  # Messages that are shown; more are counted.


@dataclasses.dataclass(frozen=True)
class TaskData:
    """A task's images.

    sources: {"train": pairs, "test": pairs}, or {"trainA": images, "trainB": …, "testA": …, "testB": …} with the side
        of the input first; "validation" or "validationA" and "validationB" too, where training images are held out.
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

    @property
    def shown(self) -> list[Source]:
        """The images of `shown_split`: one source of pairs, or two of single images."""
        return self._split(self.choosing_split)

    @property
    def choosing_split(self) -> str:
        """Where the images are that choices are made by while the task is learnt: "validation" if it has some."""
        return "validation" if any(name.startswith("validation") for name in self.sources) else "test"

    @property
    def test_split(self) -> str:
        """The split that stands under "test": test, val or, where there is neither, train."""
        folders = [files.folder for name, files in self.manifest.files.items() if name.startswith("test")]
        return split_of(folders[0]) if folders else "test"

    @property
    def shown_split(self) -> str:
        """The split that probes and pictures are of: validation, test, val or train."""
        return self.test_split if self.choosing_split == "test" else self.choosing_split

    def refuse_single_images(self) -> None:
        """Raises ValueError if the files that should hold pairs side by side look like single images."""
        files = self.manifest.files.get("train")
        if files and not isinstance(files, PairedFiles):
            refuse_single_images(files.folder, files.paths)

    def _split(self, split):
        found = [source for name, source in self.sources.items() if name.startswith(split)]
        return [Side(found[0], side) for side in (0, 1)] if self.pairs_apart else found

    def checked(self, skip: bool = False, out: IO[str] | None = None) -> TaskData:
        """This data, each file read once: those that can't be read are left out (skip) or refused, all at once.

        Where images are held out for validation, test images are not read.
        """
        parts = {name: files for name, files in self.manifest.files.items() if self._is_checked(name)}
        bar = Bar(
            f"{self.name}: checking", sum(len(files.kept) for files in parts.values()), "images", out=out, silent=MOMENT
        )
        errors = {name: _unreadable(self.sources[name], bar) for name in parts}
        messages = [message for files in parts.values() for message in _partnerless(files)]
        messages += [str(error) for found in errors.values() for error in found.values()]
        if messages and not skip:
            raise ImageError(f"{listed(messages)}\n--bad_images=skip leaves such images out.")
        left_out = {name: tuple(files.kept[index] for index in errors[name]) for name, files in parts.items()}
        if self.test_split == "train" and self.choosing_split == "test":  # The same files.
            left_out |= {name.replace("train", "test"): names for name, names in left_out.items()}
        return self.without(left_out, messages)

    def _is_checked(self, name):
        return not name.startswith("test") or (self.choosing_split == "test" and self.test_split != "train")

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
        paths = [os.path.join(self.manifest.files[name].root, file) for name in left_out for file in left_out[name]]
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
                    f"{len(bad)} is:\n{listed(messages)}"
                )
            if bad:
                parts[name] = dataclasses.replace(files, left_out=files.left_out + names)
                sources[name] = Subset(sources[name], kept)
        return dataclasses.replace(self, sources=sources, manifest=Manifest(parts), skipped=(*self.skipped, *messages))


def _unreadable(source, bar):
    """{index: error} of the images that can't be read, of all of them, each read once."""
    found, done = {}, bar.done
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for index, reading in prefetch(pool, source.__getitem__, range(len(source)), 2 * WORKERS):
            try:
                reading.result()
            except ImageError as error:
                found[index] = error
            bar.show(done + index + 1)
    return found


def _partnerless(files: ImageFiles) -> list[str]:
    """A message on the files without a partner, or none."""
    alone = files.alone if isinstance(files, PairedFiles) else ()
    if not alone:
        return []
    rule = "An image of a pair must have a partner of the same name in the other folder. Received: "
    return [f"{rule}{len(alone)} without one: {_first(list(map(repr, alone)))}"]


def _first(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    more = len(names) - 3
    return ", ".join([*names[:3], *([f"and {more} more"] if more > 0 else [])])


def listed(messages: Sequence[str]) -> str:
    """Messages, a line each: the first ten, and how many more there are; files of odd width in one line."""
    odd = [message[len(ODD_WIDTH) :].rpartition(", ")[0] for message in messages if message.startswith(ODD_WIDTH)]
    if len(odd) > 1:
        messages = [message for message in messages if not message.startswith(ODD_WIDTH)]
        messages = [f"{ODD_WIDTH}{len(odd)} files of an odd width: {_first(odd)}", *messages]
    more = len(messages) - NAMED
    return "\n".join([*messages[:NAMED], *([f"and {more} more"] if more > 0 else [])])
