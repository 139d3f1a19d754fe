"""One translation direction of a learned task: the network to export and its expected outputs."""

import dataclasses
import functools
import os
from typing import Any, Optional, Protocol

import numpy as np

from pgtf.assembly.replay import outputs
from pgtf.data.pixels import Pixels
from pgtf.data.rgb_images import resized
from pgtf.foundation.version import __version__
from pgtf.layers import folded
from pgtf.runs.run import labels_of
from pgtf.serving.models_config import NAME as MODELS_CONFIG
from pgtf.storage.probes import TOLERANCE, largest_difference


class LearnedTask(Protocol):
    """Interface of a learned task, as `pgtf.load(run_dir)[name]` returns it."""

    @property
    def name(self) -> str:
        """The task's name."""

    @property
    def slice(self) -> Any:
        """The task's stored values."""

    @property
    def facts(self) -> Any:
        """The facts of the task: its networks, and how it was learned."""

    @property
    def bank(self) -> Any:
        """The tasks that this one borrows from."""

    @property
    def folder(self) -> str:
        """The task's folder inside the run."""

    @property
    def probes(self) -> Any:
        """Test images and the task's outputs for them, recorded when it was learned."""

    @property
    def answered_by(self) -> str:
        """Name of the later task whose network answers for this one, for methods that forget. Otherwise empty."""

    def rebuilt(self) -> dict[str, Any]:
        """Builds the task's networks from its slice."""


@dataclasses.dataclass(frozen=True)
class Direction:
    """One direction of a task: forward, or backward if the task was learned in both directions.

    The network is built on first use and freed with this object.
    """

    task: LearnedTask
    prefix: str

    def __post_init__(self) -> None:
        name = self.task.name
        # The name comes from a slice, and slices may come from strangers.
        if name.startswith(".") or set(name) & set("/\0") or name == MODELS_CONFIG:
            raise ValueError(
                "The task's name cannot be used as a folder name for its export. It must not start with a dot, "
                f"hold a slash or be {MODELS_CONFIG}. Received: {name!r}"
            )
        objective = self.task.facts.objective
        if objective.serves not in ("images", "scores", "latents"):
            raise ValueError(
                f"Only tasks of images, scores or latents can be exported. Received: {name!r}, {objective}"
            )

    @property
    def name(self) -> str:
        """The exported model's name."""
        return self.task.name if self.prefix == "forward" else f"{self.task.name}_{self.prefix}"

    @property
    def multiple(self) -> int:
        """The number that the network's input height and width must be multiples of."""
        return self.task.facts.architecture.multiple

    @property
    def pixels(self) -> tuple[Pixels, Pixels]:
        """The channels, types and ranges of inputs and of outputs."""
        given, made = self.task.facts.pixels_of(self.prefix)
        return given, made

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the training images."""
        return self.task.facts.architecture.size

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes that the network scores; none if it makes images."""
        return labels_of(self.task.facts)

    @property
    def takes_latents(self) -> bool:
        """Whether the network's inputs are latents, [n, length]."""
        return bool(self.task.facts.objective.serves == "latents")

    @property
    def identity(self) -> dict[str, str]:
        """The facts that identify this network among all others."""
        return {"direction": self.prefix, "slice_sha256": self.task.slice.sha256}

    def description(self) -> dict[str, Any]:
        """The provenance of the network, which an exported file contains."""
        run = os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(self.task.folder))))
        about = {"task": self.task.name, **self.identity, "run": run}
        return {**about, "pgtf": __version__, "multiple": self.multiple, "facts": self.task.facts.as_json()}

    @functools.cached_property
    def live(self) -> Any:
        """The network with its kernels made from the slice. Raises ValueError if its outputs are not the recorded ones.

        The outputs are not compared if a later task's network answers for this one.
        """
        network = self.task.rebuilt()[self.prefix]
        if self.task.answered_by:
            return network
        difference = largest_difference(outputs(network, self._images), self._recorded)
        if not difference <= TOLERANCE:  # Written so that NaN fails.
            raise ValueError(
                f"The task's outputs have changed since it was learned, by more than {TOLERANCE:.0e}. Find the cause "
                f"with `pgtf verify`. Received: {self.name} differs by {difference:.1e} from its recorded outputs"
            )
        return network

    @functools.cached_property
    def plain(self) -> Any:
        """The same network folded into plain convolutions."""
        return folded(self.live)

    def example(self) -> np.ndarray:
        """Returns one image [1, h, w, channels] of the training size, as the signature serving_default takes it."""
        return np.zeros((1, *self.size, self.pixels[0].channels), self.pixels[0].dtype)

    def shown(self, size: Optional[tuple[int, int]] = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns the images, or latents, to verify an export with, and the expected outputs.

        Args:
          size: (height, width) to resize the task's probe images to. Default: their own size.

        Returns:
          Images, uint8 RGB or float32 in [-1, 1], and float32 outputs: images in [-1, 1], or scores [n, classes]. The
          outputs are the recorded ones. Where none are recorded (another size, or a task whose method forgets), the
          live network computes them.
        """
        images = self._images
        if size and images.ndim == 4 and size != images.shape[1:3]:
            images = np.stack([resized(image, *size) for image in images])
        elif not self.task.answered_by:
            return images, self._recorded
        return images, outputs(self.live, images)

    @property
    def _images(self) -> np.ndarray:
        return self.task.probes.inputs[self.prefix]

    @property
    def _recorded(self) -> np.ndarray:
        return self.task.probes.outputs[self.prefix]
