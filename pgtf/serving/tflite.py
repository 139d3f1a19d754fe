"""TFLite export."""

import contextlib
import dataclasses
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from pgtf.data.pixels import RGB, Pixels
from pgtf.data.rgb_images import resized, to_input
from pgtf.foundation import files
from pgtf.foundation.logger import LOG
from pgtf.runs.translate import LEAST
from pgtf.serving.direction import Direction
from pgtf.serving.format import Format, variables_of
from pgtf.storage.probes import TOLERANCE, largest_difference

# {precision: the most that outputs may differ from the task's: at most in float32, on average in the others}
TOLERANCES = {"float32": TOLERANCE, "float16": 5e-3, "dynamic": 5e-2, "int8": 0.2}


@dataclasses.dataclass(frozen=True)
class TFLite(Format):
    """Export format NAME.tflite: float32 [1, height, width, channels] in [-1, 1] to such, or to scores [1, classes].

    A generator takes latents [1, length].

    It has built-in operations only.

    Attributes:
      size: (height, width). Default: the size of training.
      precision: A key of TOLERANCES. float16 and dynamic round kernels, int8 also activations. Input and output stay
        float32, and the file is NAME.PRECISION.tflite.
      calibration: uint8 images [h, w, 3] from which int8 takes the ranges of activations. Default: the task's probes.
    """

    size: Optional[tuple[int, int]] = None
    precision: str = "float32"
    calibration: Sequence[np.ndarray] = ()

    @property
    def tolerance(self) -> float:
        return TOLERANCES[self.precision]

    def path(self, output: str, direction: Direction) -> str:
        inner = "" if self.precision == "float32" else f".{self.precision}"
        return os.path.join(output, f"{direction.name}{inner}.tflite")

    def identity(self, direction: Direction) -> dict[str, Any]:
        own = {} if self.precision == "float32" else {"precision": self.precision}
        return {**super().identity(direction), **own}

    def instead(self, path: str) -> str:
        return "Choose another folder"

    def size_for(self, direction: Direction) -> tuple[int, int]:
        size = self.size or direction.size
        if self.size and (direction.labels or direction.takes_latents) and self.size != direction.size:
            given, needed = ("x".join(map(str, each)) for each in (self.size, direction.size))
            raise ValueError(
                "A classifier or a generator has the size of training. Leave --tflite_size out. "
                f"Received: {direction.name}, {given} instead of {needed}"
            )
        if (
            self.size
            and not direction.takes_latents
            and any(side % direction.multiple or side < LEAST for side in size)
        ):
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
        size = self.size_for(direction)
        shown = [resized(image, *size) for image in self.calibration] or direction.shown(size)[0]
        channels = direction.pixels[0].channels
        content = io.BytesIO(converted(direction.plain, size, channels, self.precision, shown))
        # TFLite files carry metadata as a zip file at their end, which interpreters ignore.
        with zipfile.ZipFile(content, "a") as archive:
            archive.writestr(zipfile.ZipInfo("task.json"), json.dumps(self.description(direction), indent=1))
        files.write(path, content.getvalue())

    def difference(
        self, path: str, images: np.ndarray, expected: np.ndarray, pixels: tuple[Pixels, Pixels] = (RGB, RGB)
    ) -> float:
        ask = interpreter()(path).get_signature_runner()
        (output,) = ask.get_output_details()
        answers = np.concatenate([ask(**{_name(image): to_input(image)[None]})[output] for image in images])
        largest, mean = largest_difference(answers, expected), float(np.abs(answers - expected).mean())
        if self.precision == "float32":
            return largest
        LOG.info(f"{self.precision}: differs by {mean:.1e} on average, by {largest:.1e} at most")
        return mean


def _name(array: np.ndarray) -> str:
    return "latents" if array.ndim == 1 else "images"


def converted(
    plain: Any,
    size: tuple[int, int],
    channels: int = 3,
    precision: str = "float32",
    calibration: Iterable[np.ndarray] = (),
) -> bytes:
    """Converts a network of plain layers to a TFLite model that takes one image [1, *size, channels], or latent.

    Args:
      plain: The network.
      size: (height, width).
      channels: Number of channels of an image.
      precision: A key of TOLERANCES.
      calibration: For int8, images of this size.
    """

    latent = plain.input.shape[1:] if len(plain.input.shape) == 2 else None
    shape, name = ([1, *latent], "latents") if latent else ([1, *size, channels], "images")

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name)])
    def translated(inputs):
        outputs = plain(inputs, training=False)
        return {"images" if outputs.shape.rank == 4 else "scores": outputs}

    functions = [translated.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, variables_of(plain))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":  # Operations without int8 stay float32.
        converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        converter.representative_dataset = lambda: ([to_input(image)[None]] for image in calibration)
    with _hushed():
        return converter.convert()


def interpreter() -> Any:
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
    """Silences stderr, to which the converter's C++ code writes statistics. Errors are still raised."""
    screen, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)
        os.close(nowhere)
