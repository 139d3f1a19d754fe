"""One way of a learnt task: what is exported, and what it must answer."""

import dataclasses
import functools
import os
from typing import Any, Optional, Protocol

import numpy as np

import pgtf
from pgtf.data.images import resized
from pgtf.evaluation.replay import TOLERANCE, outputs
from pgtf.layers import folded
from pgtf.serving.models_config import NAME as MODELS_CONFIG


class Learnt(Protocol):
    """A learnt task, as `pgtf.load(run_dir)[name]` gives it."""

    @property
    def name(self) -> str:
        """The task's name."""

    @property
    def slice(self) -> Any:
        """What it keeps."""

    @property
    def facts(self) -> Any:
        """How it was learnt."""

    @property
    def bank(self) -> Any:
        """The tasks that it borrows from."""

    @property
    def folder(self) -> str:
        """Where it lies."""

    @property
    def probes(self) -> Any:
        """Test images, and what it made of them when it was learnt."""

    @property
    def player(self) -> str:
        """The later task whose network plays it, where its method forgets."""

    def rebuilt(self) -> dict[str, Any]:
        """Its networks, built anew."""


@dataclasses.dataclass(frozen=True)
class Direction:
    """One way of a task: forward, or backward where it was learnt both ways.

    Its network is built when it is asked for, and freed with this object.
    """

    task: Learnt
    prefix: str

    def __post_init__(self) -> None:
        name = self.task.name
        # Names come with slices, and slices from anywhere.
        if name.startswith(".") or set(name) & set("/\0") or name == MODELS_CONFIG:
            raise ValueError(
                "An exported task is named as a folder can be, without a dot in front and not "
                f"{MODELS_CONFIG}. Received: {name!r}"
            )

    @property
    def name(self) -> str:
        """The exported model's name."""
        return self.task.name if self.prefix == "forward" else f"{self.task.name}_{self.prefix}"

    @property
    def multiple(self) -> int:
        """What the sizes that its network takes are multiples of."""
        return self.task.facts.architecture.multiple

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images that it learnt from."""
        return self.task.facts.architecture.size

    @property
    def identity(self) -> dict[str, str]:
        """What tells it from every other network."""
        return {"direction": self.prefix, "slice_sha256": self.task.slice.sha256}

    def description(self) -> dict[str, Any]:
        """What an exported file tells of its origin."""
        run = os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(self.task.folder))))
        about = {"task": self.task.name, **self.identity, "run": run}
        return {**about, "pgtf": pgtf.__version__, "multiple": self.multiple, "facts": self.task.facts.as_json()}

    @functools.cached_property
    def live(self) -> Any:
        """The network with its made kernels, built anew; an error unless it answers as was recorded, and should."""
        network = self.task.rebuilt()[self.prefix]
        if self.task.player:
            return network
        difference = np.abs(outputs(network, self._images) - self._recorded).max()
        if not difference <= TOLERANCE:  # So that NaN fails too.
            raise ValueError(
                f"A task is exported while it answers as when it was learnt, within {TOLERANCE:.0e}. Received: "
                f"{self.name}, whose own network differs by {difference:.1e} from what was recorded"
            )
        return network

    @functools.cached_property
    def plain(self) -> Any:
        """The same network of plain convolutions."""
        return folded(self.live)

    def shown(self, size: Optional[tuple[int, int]] = None) -> tuple[np.ndarray, np.ndarray]:
        """What an export is checked with.

        Args:
          size: (height, width) to resize the task's probe images to; theirs unless told.

        Returns:
          uint8 images [n, h, w, 3], and what was recorded of them; of a size or a player of which nothing is recorded,
          what the live network makes of them, float32 in [-1, 1].
        """
        images = self._images
        if size and size != images.shape[1:3]:
            images = np.stack([resized(image, *size) for image in images])
        elif not self.task.player:
            return images, self._recorded
        return images, outputs(self.live, images)

    @property
    def _images(self) -> np.ndarray:
        return self.task.probes.inputs[self.prefix]

    @property
    def _recorded(self) -> np.ndarray:
        return self.task.probes.outputs[self.prefix]
