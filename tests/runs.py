"""Run directories for tests: whole, tiny, and made in a moment, because nothing in them is learnt."""

import dataclasses
import functools
import os
import shutil
import tempfile

import numpy as np

from pgtf import files
from pgtf.bank import FilterBank, TaskSlice, folder_name
from pgtf.config import Config
from pgtf.evaluation.replay import Probes
from pgtf.layers import stored
from pgtf.methods import Architecture, generator, rebuilt


def tiny_run(folder, tasks=("facades", "maps"), network="unet", prefixes=("forward",), **settings):
    """A run with tasks as if learnt, all its values random: also biases and norms, so that a lost one shows.

    settings: method, norm, size. Made once for each choice of these, and copied.
    """
    made = _made(tuple(tasks), network, tuple(prefixes), **settings)
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    return folder


@functools.cache
def _made(tasks, network, prefixes, method="piggyback", norm="instance", size=None):
    temporary = tempfile.TemporaryDirectory()  # Removed at exit.
    folder, size = temporary.name, size or {"unet": 8, "resnet": 16}[network]
    architecture = Architecture(network=network, height=size, width=size, filters=4, blocks=1, norm=norm)
    draw = np.random.default_rng(0)
    bank = FilterBank(folder=os.path.join(folder, "tasks"))
    for index, name in enumerate(tasks):
        values = {}
        for prefix in prefixes:
            network_to_be = generator(architecture, method, bank, prefix=prefix, start="random")
            values.update({path: _value(draw, path, value.shape) for path, value in stored(network_to_be).items()})
        facts = {
            "architecture": dataclasses.asdict(architecture),
            "method": method,
            "unconstrained_ratio": 0.25,
            "prefixes": list(prefixes),
            "borrows_from": None,
            "steps": 10,
            "data": "drawn",
            "direction": "AtoB",
            "load_size": [20, 20],
            "seed": 0,
            "learnt": f"2024-02-0{index + 1}T03:04:05+00:00",
        }
        task_slice = TaskSlice(name, values, facts)
        images = {prefix: draw.integers(0, 256, [2, max(16, size), 32, 3], dtype="uint8") for prefix in prefixes}
        targets = images if prefixes == ("forward",) else {}
        probes = Probes(images, targets).recorded(rebuilt(task_slice, bank)).content()
        place = os.path.join(folder, "tasks", folder_name(index, name))
        files.write(os.path.join(place, "probes.safetensors"), probes)
        facts["probes_sha256"] = files.sha256(probes)
        bank.append(index, task_slice)
        files.write(os.path.join(place, "train", "events"), b"TensorBoard's")
    files.write(os.path.join(folder, "tensorboard", "events"), b"TensorBoard's")
    Config(run_dir=folder, tasks=tasks, image_size=str(size), width=4).save()
    return temporary


def _value(draw, path, shape):
    noise = draw.normal(size=shape)
    value = {
        "unconstrained": 0.3 * noise,
        "mixing": noise * shape[0] ** -0.5,
        "gamma": 1 + 0.3 * noise,
        "moving_variance": np.exp(0.3 * noise),
    }.get(path.rsplit("/", 1)[1], 0.3 * noise)
    return value.astype("float32")


def flip_a_bit(path, byte=-1, bit=0):
    """Alters one bit of a file."""
    os.chmod(path, 0o644)
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content[byte] ^= 1 << bit
    with open(path, "wb") as file:
        file.write(content)
