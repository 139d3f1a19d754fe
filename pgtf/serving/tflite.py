"""TFLite export."""

import contextlib
import dataclasses
import io
import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from pgtf.data.pixels import RGB, Pixels
from pgtf.data.reading import to_input
from pgtf.foundation import files
from pgtf.runs.translate import LEAST
from pgtf.serving.direction import Direction
from pgtf.serving.format import Format, variables_of
from pgtf.storage.probes import largest_difference


@dataclasses.dataclass(frozen=True)
class TFLite(Format):
    """Export format NAME.tflite: float32 [1, height, width, channels] in [-1, 1] to such, or to scores [1, classes].

    It has built-in operations only.

    size: (height, width). Default: the size of training.
    """

    size: Optional[tuple[int, int]] = None

    def path(self, output: str, direction: Direction) -> str:
        return os.path.join(output, f"{direction.name}.tflite")

    def instead(self, path: str) -> str:
        return "Choose another folder"

    def size_for(self, direction: Direction) -> tuple[int, int]:
        size = self.size or direction.size
        if self.size and direction.labels and self.size != direction.size:
            raise ValueError(
                f"A classifier has the size of training. Leave --tflite_size out. Received: {direction.name}, "
                f"{'x'.join(map(str, self.size))} instead of {'x'.join(map(str, direction.size))}"
            )
        if self.size and any(side % direction.multiple or side < LEAST for side in size):
            raise ValueError(
                f"The size does not fit {direction.name}: height and width must be at least {LEAST} px, "
                f"in multiples of {direction.multiple}. Received: {'x'.join(map(str, size))}"
            )
        return size

    def described(self, path: str) -> Any:
        try:
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("task.json"))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def write(self, direction: Direction, path: str) -> None:
        content = io.BytesIO(converted(direction.plain, self.size_for(direction), direction.pixels[0].channels))
        # TFLite files carry metadata as a zip file at their end, which interpreters ignore.
        with zipfile.ZipFile(content, "a") as archive:
            archive.writestr(zipfile.ZipInfo("task.json"), json.dumps(self.description(direction), indent=1))
        files.write(path, content.getvalue())

    def difference(
        self, path: str, images: np.ndarray, expected: np.ndarray, pixels: tuple[Pixels, Pixels] = (RGB, RGB)
    ) -> float:
        ask = _interpreter()(path).get_signature_runner()
        (output,) = ask.get_output_details()
        return largest_difference(
            np.concatenate([ask(images=to_input(image)[None])[output] for image in images]), expected
        )


def converted(plain: Any, size: tuple[int, int], channels: int = 3) -> bytes:
    """Converts a network of plain layers to a TFLite model that takes one image [1, *size, channels]."""

    @tf.function(input_signature=[tf.TensorSpec([1, *size, channels], tf.float32, "images")])
    def translated(images):
        outputs = plain(images, training=False)
        return {"images" if outputs.shape.rank == 4 else "scores": outputs}

    functions = [translated.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, variables_of(plain))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    with _hushed():
        return converter.convert()


def _interpreter() -> Any:
    """Returns LiteRT's interpreter if it is installed, otherwise TensorFlow's, which the newest releases leave out."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = getattr(tf.lite, "Interpreter", None)
    if Interpreter is None:
        raise ValueError("Checking a TFLite file needs LiteRT: pip install ai-edge-litert. Received: no interpreter")
    return Interpreter


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Silences stderr, where the converter's C++ code writes statistics. Errors are still raised."""
    screen, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)
        os.close(nowhere)
