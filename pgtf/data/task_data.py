"""TaskData: the images of one task, which are checked before training."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import os
from collections.abc import Sequence
from typing import IO

from pgtf.data import tree
from pgtf.data.file_sources import ODD_WIDTH
from pgtf.data.image_reader import ImageReader
from pgtf.data.manifest import ImageFiles, LabelledFiles, Manifest, PairedFiles, split_of
from pgtf.data.pixels import Pixels
from pgtf.data.prefetch import prefetch
from pgtf.data.rgb_images import advice, is_unread_image_name
from pgtf.data.side_by_side import refuse_single_images
from pgtf.data.sources import Side, Source, Subset
from pgtf.foundation.errors import ImageError
from pgtf.foundation.progress import Bar
from pgtf.foundation.task_names import first_names

WORKERS = min(4, os.cpu_count() or 1)
MOMENT = 2.0  # Seconds before a progress bar is shown.
NAMED = 10  # Most messages that are printed; the others are counted.


@dataclasses.dataclass(frozen=True)
class TaskData:
    """A task's images.

    Args:
      sources: {"train": pairs, "test": pairs}, or {"trainA": images, "trainB": …, "testA": …, "testB": …} with the side
        of the input first. If training images are held out, also "validation", or "validationA" and "validationB".
      manifest: The files or drawn images of the sources, by the same names.
      origin: Description of the data's origin: a folder, or "drawn".
      pairs_apart: Whether pairs are used as unpaired images. Default: False.
      skipped: A message for each image that is left out.
      labels: Names of the classes of labelled images; an image's label is a place in it. Default: none.
      readers: Of the files of inputs and of targets. Default: RGB.
    """

    name: str
    sources: dict[str, Source]
    manifest: Manifest
    origin: str
    pairs_apart: bool = False
    skipped: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    readers: tuple[ImageReader, ImageReader] = dataclasses.field(default_factory=lambda: (ImageReader(), ImageReader()))

    @property
    def channels(self) -> tuple[int, int]:
        """Numbers of channels of inputs and of targets."""
        return self.readers[0].channels, self.readers[1].channels

    @property
    def pixels(self) -> tuple[Pixels, Pixels]:
        """The pixels of inputs and of targets. A range that is measured is measured now."""
        return self.readers[0].pixels, self.readers[1].pixels

    def fix_pixels(self, pixels: Sequence[Pixels]) -> None:
        """Sets the recorded pixels of inputs and of targets. Raises ValueError if the files have others."""
        for reader, recorded in zip(self.readers, pixels):
            reader.fix(recorded)

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
        """The split for choices during training: "validation" if there is one, else "test"."""
        return "validation" if any(name.startswith("validation") for name in self.sources) else "test"

    @property
    def test_split(self) -> str:
        """The split that is used as "test": test, else val, else train."""
        folders = [files.folder for name, files in self.manifest.files.items() if name.startswith("test")]
        return split_of(folders[0]) if folders else "test"

    @property
    def shown_split(self) -> str:
        """The split of probes and sample pictures: validation, test, val or train."""
        return self.test_split if self.choosing_split == "test" else self.choosing_split

    def refuse_single_images(self) -> None:
        """Raises ValueError if the files that should hold pairs side by side look like single images."""
        files = self.manifest.files.get("train")
        pairs = "train" in self.sources and self.sources["train"].images == 2
        if files and pairs and not isinstance(files, (PairedFiles, LabelledFiles)):
            refuse_single_images(files.folder, files.paths)

    def unread(self) -> str:
        """Returns a sentence about the files in formats that pgtf does not read, beside the images; "" if none."""
        folders = {files.folder for files in self.manifest.files.values() if tree.is_folder(files.folder)}
        names = [name for folder in folders for name in tree.names(folder) if is_unread_image_name(name)]
        if not names:
            return ""
        endings = collections.Counter(os.path.splitext(name)[1].lower() for name in names)
        counts = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
        what = f"{len(names)} files in formats" if len(names) > 1 else "1 file in a format"
        return f"left out {what} that pgtf does not read: {counts}; {advice(names)}"

    def _split(self, split):
        found = [source for name, source in self.sources.items() if name.startswith(split)]
        return [Side(found[0], side) for side in (0, 1)] if self.pairs_apart else found

    def checked(self, skip: bool = False, out: IO[str] | None = None) -> TaskData:
        """Reads each file once. Returns the data without unreadable files, or raises one ImageError that lists them.

        If images are held out for validation, test images are not read.

        Args:
          skip: Whether to leave unreadable files out instead of raising. Default: False.
          out: Stream for the progress bar. Default: standard output.
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
        if self.test_split == "train" and self.choosing_split == "test":  # Training and test files are the same.
            left_out |= {name.replace("train", "test"): names for name, names in left_out.items()}
        return self.without(left_out, messages)

    def _is_checked(self, name):
        return not name.startswith("test") or (self.choosing_split == "test" and self.test_split != "train")

    def resumed(self, manifest: Manifest) -> TaskData:
        """Returns the data of a recorded manifest, without the files that were left out then. Reads no image.

        Raises ValueError if the data have changed since.
        """
        changes = manifest.changes(self.manifest)
        if changes:
            raise ValueError(
                "A task's data must not change while it is trained. "
                f"Received: {self.name} with other data\n  " + "\n  ".join(changes)
            )
        left_out = {name: files.left_out for name, files in manifest.files.items()}
        paths = [os.path.join(self.manifest.files[name].root, file) for name in left_out for file in left_out[name]]
        return self.without(left_out, [f"Left out when the task began: {path!r}" for path in dict.fromkeys(paths)])

    def without(self, left_out: dict[str, tuple[str, ...]], messages: Sequence[str] = ()) -> TaskData:
        """Returns the data without more files; left_out: {name of a source: names of files}."""
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
    """Reads each image of a source. Returns {index: error} of those that cannot be read."""
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
    """Returns a message that names the files without a partner, in a list; empty if there are none."""
    alone = files.alone if isinstance(files, PairedFiles) else ()
    if not alone:
        return []
    rule = "An image of a pair must have a partner of the same name in the other folder. Received: "
    return [f"{rule}{len(alone)} without one: {first_names(list(map(repr, alone)))}"]


def listed(messages: Sequence[str]) -> str:
    """Joins messages, a line each: files of odd width in one line, the first ten, and the number of the others."""
    odd = [message[len(ODD_WIDTH) :].rpartition(", ")[0] for message in messages if message.startswith(ODD_WIDTH)]
    if len(odd) > 1:
        messages = [message for message in messages if not message.startswith(ODD_WIDTH)]
        messages = [f"{ODD_WIDTH}{len(odd)} files of an odd width: {first_names(odd)}", *messages]
    more = len(messages) - NAMED
    return "\n".join([*messages[:NAMED], *([f"and {more} more"] if more > 0 else [])])
