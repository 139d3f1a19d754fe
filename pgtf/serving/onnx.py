"""ONNX export, for ONNX Runtime. It needs the extra [onnx]: tf2onnx and onnxruntime."""

import dataclasses
import json
import os
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from pgtf.data.pixels import RGB, Pixels
from pgtf.data.rgb_images import to_input
from pgtf.foundation import files
from pgtf.serving.direction import Direction
from pgtf.serving.format import Format
from pgtf.storage.probes import largest_difference

OPSET = 17  # The newest that tf2onnx writes for TensorFlow 2.15, and ONNX Runtime reads since 1.12.


@dataclasses.dataclass(frozen=True)
class Onnx(Format):
    """Export format NAME.onnx: images, float32 [n, height, width, channels] in [-1, 1], to outputs, the same or scores.

    Scores are [n, classes]. Height and width are multiples of the number that the network requires; a classifier has
    the size of training. The metadata property task.json is the description.
    """

    def path(self, output: str, direction: Direction) -> str:
        return os.path.join(output, f"{direction.name}.onnx")

    def instead(self, path: str) -> str:
        return "Choose another folder"

    def identity(self, direction: Direction) -> dict[str, Any]:
        return {**super().identity(direction), "opset": OPSET}

    def described(self, path: str) -> Any:
        try:
            with open(path, "rb") as file:
                model = _installed("onnx").load_model_from_string(file.read())
            return json.loads({one.key: one.value for one in model.metadata_props}["task.json"])
        except Exception as error:  # onnx and protobuf raise errors of their own for broken files.
            if isinstance(error, ImportError):
                raise
            return None

    def write(self, direction: Direction, path: str) -> None:
        onnx, plain = _installed("onnx"), direction.plain
        size = direction.size if direction.labels else (None, None)
        signature = [tf.TensorSpec([None, *size, direction.pixels[0].channels], tf.float32, "images")]

        @tf.function(input_signature=signature, autograph=False)
        def network(images):
            return {"outputs": plain(images, training=False)}  # An ONNX graph has each name once.

        model, _ = _installed("tf2onnx").convert.from_function(network, signature, opset=OPSET)
        onnx.helper.set_model_props(model, {"task.json": json.dumps(self.description(direction), indent=1)})
        files.write(path, model.SerializeToString())

    def difference(
        self, path: str, images: np.ndarray, expected: np.ndarray, pixels: tuple[Pixels, Pixels] = (RGB, RGB)
    ) -> float:
        session = _installed("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
        answers = [session.run(None, {"images": to_input(image)[None]})[0] for image in images]
        return largest_difference(np.concatenate(answers), expected)


def _installed(name: str) -> ModuleType:
    """Imports a module of the extra [onnx]."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"--format=onnx needs `pip install 'pgtf[onnx]'`. Received: no {name}") from error
