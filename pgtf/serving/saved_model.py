"""SavedModels for TensorFlow Serving."""

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Union

import numpy as np
import tensorflow as tf

from pgtf.data.pixels import RGB, Pixels
from pgtf.data.rgb_images import to_float, to_input
from pgtf.foundation import files
from pgtf.serving.direction import Direction
from pgtf.serving.format import Format, variables_of
from pgtf.serving.models_config import versions
from pgtf.serving.signatures import LatentSignatures, ScoreSignatures, Signatures
from pgtf.serving.warm_up import write_warm_up
from pgtf.storage import probes


@dataclasses.dataclass(frozen=True)
class SavedModel(Format):
    """Export format NAME/VERSION/, TensorFlow Serving's layout. `Signatures` documents its signatures."""

    version: int = 1

    def __post_init__(self) -> None:
        if self.version < 1:
            raise ValueError(f"The version must be 1 or more. Received: {self.version}")

    def path(self, output: str, direction: Direction) -> str:
        return os.path.join(output, direction.name, str(self.version))

    def instead(self, path: str) -> str:
        return f"The next free version is {max(versions(os.path.dirname(path)), default=0) + 1}"

    def described(self, path: str) -> Any:
        return described(path)

    def write(self, direction: Direction, path: str) -> None:
        plain, description = direction.plain, self.description(direction)
        if direction.takes_latents:
            save(LatentSignatures(plain, plain.input.shape[-1]), variables_of(plain), description, path)
        elif direction.labels:
            save(
                ScoreSignatures(plain, direction.size),
                variables_of(plain),
                description,
                path,
                {"labels.txt": direction.labels},
            )
        else:
            write_saved_model(plain, direction.multiple, description, path, direction.pixels)
        if not direction.takes_latents:
            write_warm_up(path, direction.name, [("serving_default", {"images": direction.example()})])

    def difference(
        self, path: str, images: np.ndarray, expected: np.ndarray, pixels: tuple[Pixels, Pixels] = (RGB, RGB)
    ) -> float:
        if images.ndim == 2:
            return largest_generated_difference(tf.saved_model.load(path).signatures, images, expected)
        if expected.ndim == 2:
            return largest_score_difference(tf.saved_model.load(path).signatures, images, expected)
        return largest_difference(tf.saved_model.load(path).signatures, images, expected, pixels)


def described(path: str) -> Any:
    """Reads the description from a SavedModel that `save` wrote; None if there is none."""
    try:
        with open(os.path.join(path, "assets", "task.json"), "rb") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def largest_difference(
    ask: Any,
    images: np.ndarray,
    expected: np.ndarray,
    pixels: tuple[Pixels, Pixels] = (RGB, RGB),
    **more: tf.Tensor,
) -> float:
    """Runs all signatures and returns their largest difference from the expected outputs.

    Integer outputs are rounded. A difference of up to half a level counts as zero for them.

    Args:
      ask: Signatures, {name: signature}.
      images: uint8 RGB, or float32 in [-1, 1], [n, h, w, channels].
      expected: float32 in [-1, 1].
      pixels: The pixels of inputs and of outputs. Default: RGB.
      **more: Further arguments of each signature.

    Returns:
      The largest absolute difference, on the scale of [-1, 1].
    """
    given, made = pixels
    floats = ask["floats"](images=tf.constant(to_input(images)), **more)["images"].numpy()
    own = images if given.is_rgb else given.unscaled(images)
    answers = [ask["serving_default"](images=tf.constant(own), **more)["images"].numpy()]
    if "encoded" in ask:
        png = tf.stack([tf.io.encode_png(image) for image in own])
        contents = ask["encoded"](image_bytes=png, **more)["image_bytes"].numpy()
        answers.append(np.stack([tf.io.decode_png(content, dtype=made.dtype) for content in contents]))
    span, half = (made.high - made.low) / 2, 0 if made.dtype == "float32" else 1 / (made.high - made.low)
    beyond = [np.abs((answer - made.low) / span - 1 - expected) - half for answer in answers]
    return float(np.max([np.abs(floats - expected), *beyond]))


def largest_generated_difference(ask: Any, latents: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference of the images of all three signatures from the expected ones.

    Args:
      ask: Signatures, {name: signature}, those of `LatentSignatures`.
      latents: float32 [n, length].
      expected: float32 [n, h, w, 3], about [-1, 1].
    """
    given, clipped = tf.constant(latents), np.clip(expected, -1, 1)
    levels = ask["serving_default"](latents=given)["images"].numpy()
    decoded = np.stack([tf.io.decode_png(file) for file in ask["encoded"](latents=given)["image_bytes"].numpy()])
    beyond = [float(np.max(np.abs(rounded / 127.5 - 1 - clipped) - 1 / 255)) for rounded in (levels, decoded)]
    return max(probes.largest_difference(ask["floats"](latents=given)["images"].numpy(), expected), *beyond)


def largest_score_difference(ask: Any, images: np.ndarray, expected: np.ndarray, **more: tf.Tensor) -> float:
    """Returns the largest difference of the scores of all three signatures from the expected ones.

    Args:
      ask: Signatures, {name: signature}, those of `ScoreSignatures`.
      images: uint8 [n, h, w, 3].
      expected: float32 [n, classes].
      **more: Further arguments of each signature.
    """
    png = tf.stack([tf.io.encode_png(image) for image in images])
    answers = [
        ask["floats"](images=tf.constant(to_float(images)), **more),
        ask["serving_default"](images=tf.constant(images), **more),
        ask["encoded"](image_bytes=png, **more),
    ]
    return max(probes.largest_difference(answer["scores"].numpy(), expected) for answer in answers)


def write_saved_model(
    plain: Any,
    multiple: int,
    description: dict[str, Any],
    path: str,
    pixels: tuple[Pixels, Pixels] = (RGB, RGB),
) -> None:
    """Writes a network as a SavedModel with `Signatures` and an asset task.json.

    Args:
      plain: A network of plain layers.
      multiple: The number that its input height and width must be multiples of.
      description: The content of task.json.
      path: A folder that does not exist yet.
      pixels: The pixels of inputs and of outputs. Default: RGB.
    """
    save(Signatures(plain, multiple, pixels=pixels), variables_of(plain), description, path)


def save(
    signatures: Union[Signatures, ScoreSignatures, LatentSignatures],
    module: tf.Module,
    description: dict[str, Any],
    path: str,
    labels: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Writes a SavedModel with an asset task.json, and one for each list of labels, a class a line.

    Args:
      signatures: Its signatures.
      module: Holds their variables.
      description: The content of task.json.
      path: A folder that does not exist yet.
      labels: {name of an asset: names of the classes, in order of the scores}. Default: none.
    """
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:  # `alone_in` removes it after a kill.
        asset = os.path.join(folder, "task.json")
        files.write(asset, json.dumps(description, indent=1).encode())
        module.description = tf.saved_model.Asset(asset)
        listed = []
        for name, classes in labels.items():
            files.write(os.path.join(folder, name), "".join(f"{label}\n" for label in classes).encode())
            listed.append(tf.saved_model.Asset(os.path.join(folder, name)))
        module.labels = listed
        named = {"serving_default": signatures.images, "encoded": signatures.encoded, "floats": signatures.floats}
        tf.saved_model.save(module, path, {name: one for name, one in named.items() if one is not None})
