"""Learnt tasks as files that need no pgtf: SavedModels for TensorFlow Serving, TFLite files for phones.

What is written is the folded network, plain convolutions in float32. It is read back, shown the task's probe images,
and goes to its place only if it answers as the live network does.
"""

import contextlib
import dataclasses
import json
import os
import tempfile
import time
from typing import Any, Optional, Protocol

import numpy as np
import tensorflow as tf

import pgtf
from pgtf import files
from pgtf.data.images import resized, to_float
from pgtf.evaluation.replay import outputs
from pgtf.layers import folded
from pgtf.serving.signatures import Signatures
from pgtf.serving.translation import LEAST

# How far an exported network's outputs may be from the live one's, both in [-1, 1].
TOLERANCE = 1e-4


class Learnt(Protocol):
    """What is exported of a run: one learnt task."""

    name: str
    folder: str
    facts: Any
    probes: Any

    def rebuilt(self) -> dict[str, Any]:
        """Its networks, built anew."""


@dataclasses.dataclass(frozen=True)
class Direction:
    """One way of a task: forward, or backward where it was learnt both ways."""

    task: Learnt
    prefix: str

    @property
    def name(self):
        return self.task.name if self.prefix == "forward" else f"{self.task.name}_{self.prefix}"

    @property
    def multiple(self):
        return self.task.facts.architecture.multiple

    @property
    def size(self):
        return self.task.facts.architecture.size

    def live(self):
        """The network with its made kernels, built anew: it is freed when done with, however many tasks there are."""
        return self.task.rebuilt()[self.prefix]

    def description(self):
        """What an exported file tells of its origin."""
        sha256 = files.sha256_of(os.path.join(self.task.folder, "slice.safetensors"))
        run = os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(self.task.folder))))
        about = {"task": self.task.name, "direction": self.prefix, "run": run, "slice_sha256": sha256}
        return {**about, "pgtf": pgtf.__version__, "multiple": self.multiple, "facts": self.task.facts.as_json()}


@dataclasses.dataclass(frozen=True)
class SavedModel:
    """TASK/VERSION/ as TensorFlow Serving wants it; see `Signatures` for what can be asked of it."""

    version: int = 1

    def __post_init__(self):
        if self.version < 1:
            raise ValueError(f"A version must be 1 or more. Received: {self.version}")

    def place(self, output, direction):
        """Where it goes; that must be free."""
        folder = os.path.join(output, direction.name)
        path = os.path.join(folder, str(self.version))
        if os.path.exists(path):
            free = max(_versions(folder), default=0) + 1
            raise ValueError(
                f"An export never overwrites; the next free version is {free}. Received: {path}, which exists"
            )
        return path

    def write(self, plain, direction, path):
        write_saved_model(plain, direction.multiple, direction.description(), path)

    def difference(self, path, direction, live):
        """The largest difference of all three signatures from the live network, in [-1, 1].

        Images come back rounded to 256 levels. They may be half a level off, and what exceeds that half counts.
        """
        images = direction.task.probes.inputs[direction.prefix]
        expected = outputs(live, images)
        ask = tf.saved_model.load(path).signatures
        floats = ask["floats"](images=tf.constant(to_float(images)))["images"].numpy()
        levels = ask["serving_default"](images=tf.constant(images))["images"].numpy()
        png = tf.stack([tf.io.encode_png(image) for image in images])
        decoded = np.stack([tf.io.decode_png(png) for png in ask["encoded"](image_bytes=png)["image_bytes"].numpy()])
        beyond = [np.abs(rounded / 127.5 - 1 - expected) - 1 / 255 for rounded in (levels, decoded)]
        return float(np.max([np.abs(floats - expected), *beyond]))


def write_saved_model(plain, multiple, description, path):
    """A network of plain layers, taking multiples, as a SavedModel with `Signatures` and an asset task.json."""
    signatures = Signatures(plain, multiple)
    module = _keeping(plain)
    with tempfile.TemporaryDirectory() as folder:
        asset = os.path.join(folder, "task.json")
        files.write(asset, json.dumps(description, indent=1).encode())
        module.description = tf.saved_model.Asset(asset)
        named = {"serving_default": signatures.images, "encoded": signatures.encoded, "floats": signatures.floats}
        tf.saved_model.save(module, path, named)


@dataclasses.dataclass(frozen=True)
class TFLite:
    """TASK.tflite: float32 [1, height, width, 3] in [-1, 1] to the same; built-in operations only."""

    size: Optional[tuple[int, int]] = None  # (height, width); that of training unless told

    def place(self, output, direction):
        """Where it goes; that must be free."""
        if self.size and any(side % direction.multiple or side < LEAST for side in self.size):
            raise ValueError(
                f"{direction.name} takes sizes of at least {LEAST} px, in multiples of {direction.multiple}. "
                f"Received: {'x'.join(map(str, self.size))}"
            )
        path = os.path.join(output, f"{direction.name}.tflite")
        if os.path.exists(path):
            raise ValueError(f"An export never overwrites; choose another folder. Received: {path}, which exists")
        return path

    def write(self, plain, direction, path):
        @tf.function(input_signature=[tf.TensorSpec([1, *(self.size or direction.size), 3], tf.float32, "images")])
        def translated(images):
            return {"images": plain(images, training=False)}

        function = translated.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], _keeping(plain))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        with _hushed():
            content = converter.convert()
        files.write(path, content)

    def difference(self, path, direction, live):
        """The largest difference from the live network, in [-1, 1]."""
        size = self.size or direction.size
        images = np.stack([resized(image, *size) for image in direction.task.probes.inputs[direction.prefix]])
        ask = tf.lite.Interpreter(path).get_signature_runner()
        floats = np.concatenate([ask(images=to_float(image)[None])["images"] for image in images])
        return float(np.abs(floats - outputs(live, images)).max())


def _keeping(plain):
    """What TensorFlow needs to save functions of a network: its variables, and nothing of Keras."""
    module = tf.Module()
    module.kernels_biases_norms = plain.variables
    return module


def export(run, output, formats, tasks=()):
    """Writes tasks of a Run (all unless told) into the folder `output`, in each of the formats; says so as it goes."""
    chosen = [run[name] for name in tasks or run.names]
    directions = [Direction(task, prefix) for task in chosen for prefix in task.facts.generators]
    # Whatever will be refused is refused before the first is written.
    places = {direction.name: [form.place(output, direction) for form in formats] for direction in directions}
    os.makedirs(output, exist_ok=True)
    for direction in directions:
        with _true_float32():
            live = direction.live()
            plain = folded(live)
            for form, path in zip(formats, places[direction.name]):
                print(f"{direction.name}: {path} ...", flush=True)
                started = time.monotonic()
                difference = _put(form, plain, direction, live, path, output)
                seconds = time.monotonic() - started
                print(f"{direction.name}: checked, differs from the live network by {difference:.1e}; {seconds:.1f} s")
        files.write(os.path.join(output, "models.config"), models_config(output).encode())


def _put(form, plain, direction, live, path, output):
    """Writes one export into a folder of its own, checks it and moves it to its path; gives its difference."""
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=output) as folder:
        written = os.path.join(folder, os.path.basename(path))
        form.write(plain, direction, written)
        difference = form.difference(written, direction, live)
        if not difference <= TOLERANCE:  # So that NaN fails too.
            raise ValueError(
                f"An exported network must answer as the live one, within {TOLERANCE:.0e}; nothing was kept. "
                f"Received: {direction.name}, which differs by {difference:.1e}"
            )
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(written, path)
    return difference


def models_config(output):
    """A --model_config_file for TensorFlow Serving: every model in a folder that the server sees as /models."""
    lines = ["# Written anew by each export. A path is one inside the server's container: /models is this folder."]
    lines.append("model_config_list {")
    for name in sorted(os.listdir(output)):
        if _versions(os.path.join(output, name)):
            lines.append(f'  config {{ name: "{name}" base_path: "/models/{name}" model_platform: "tensorflow" }}')
    return "\n".join([*lines, "}", ""])


def _versions(folder):
    """The versions of a model there are."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(name) for name in names if name.isdecimal()]


@contextlib.contextmanager
def _true_float32():
    """Keeps GPUs from rounding kernels to TF32's 10 bits while they are folded and compared."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


@contextlib.contextmanager
def _hushed():
    """Keeps the converter's statistics, written past Python, off the screen; an error is raised all the same."""
    screen, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)
        os.close(nowhere)
